//===- AttentionTest.cpp - Attention against loops in double --------------===//

#include "TestSupport.h"

#include <cstring>

using namespace fxtest;

namespace {

float widenBits(uint16_t bits, int type) {
  if (type == 2) {
    _Float16 half;
    std::memcpy(&half, &bits, 2);
    return static_cast<float>(half);
  }
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

uint16_t narrowBits(float value, int type) {
  if (type == 2) {
    _Float16 half = static_cast<_Float16>(value);
    uint16_t bits;
    std::memcpy(&bits, &half, 2);
    return bits;
  }
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// A tensor of four dimensions in one of several layouts.
struct Tensor {
  std::vector<char> data;
  int64_t sizes[4], strides[4];
  int type;

  Tensor(std::vector<int64_t> shape, int type, int layout) : type(type) {
    // Dense; heads after tokens; with gaps; no unit stride.
    static const int orders[4][4] = {
        {3, 2, 1, 0}, {3, 1, 2, 0}, {3, 2, 1, 0}, {2, 3, 1, 0}};
    int64_t stride = layout == 3 ? 2 : 1;
    std::copy(shape.begin(), shape.end(), sizes);
    for (int dim : orders[layout]) {
      strides[dim] = stride;
      stride *= std::max<int64_t>(sizes[dim], 1);
      if (layout == 2)
        stride += 3;
    }
    data.resize((stride + 1) * (type ? 2 : 4));
  }

  int64_t offset(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return b * strides[0] + h * strides[1] + i * strides[2] + j * strides[3];
  }
  double at(int64_t b, int64_t h, int64_t i, int64_t j) const {
    const char *p = data.data() + offset(b, h, i, j) * (type ? 2 : 4);
    if (type) {
      uint16_t bits;
      std::memcpy(&bits, p, 2);
      return widenBits(bits, type);
    }
    float value;
    std::memcpy(&value, p, 4);
    return value;
  }
  void set(int64_t b, int64_t h, int64_t i, int64_t j, float value) {
    char *p = data.data() + offset(b, h, i, j) * (type ? 2 : 4);
    uint16_t bits = type ? narrowBits(value, type) : 0;
    if (type)
      std::memcpy(p, &bits, 2);
    else
      std::memcpy(p, &value, 4);
  }
  void fill() {
    std::uniform_real_distribution<float> values(-1, 1);
    for (int64_t b = 0; b < sizes[0]; ++b)
      for (int64_t h = 0; h < sizes[1]; ++h)
        for (int64_t i = 0; i < sizes[2]; ++i)
          for (int64_t j = 0; j < sizes[3]; ++j)
            set(b, h, i, j, values(generator()));
  }
  fx_rt_attention_operand operand() {
    return {data.data(), {strides[0], strides[1], strides[2], strides[3]}};
  }
};

/// kind 0: none; 1: a value for each score; 2: for each key; 3: minus infinity
/// in many places and in whole rows.
struct Mask {
  Tensor tensor;
  int kind;
  Mask(const fx_rt_attention_shape &s, int kind)
      : tensor({1, 1, kind == 2 ? 1 : s.queries, s.keys},
               static_cast<int>(s.mask_type), 0),
        kind(kind) {
    tensor.fill();
    for (int64_t i = 0; kind == 3 && i < s.queries; ++i)
      for (int64_t j = 0; j < s.keys; ++j)
        if (i % 3 == 1 || (i + j) % 4 == 0)
          tensor.set(0, 0, i, j, -INFINITY);
  }
  double at(int64_t i, int64_t j) const {
    return kind ? tensor.at(0, 0, kind == 2 ? 0 : i, j) : 0;
  }
  fx_rt_attention_operand operand() {
    if (!kind)
      return {nullptr, {0, 0, 0, 0}};
    return {tensor.data.data(),
            {0, 0, kind == 2 ? 0 : tensor.strides[2], tensor.strides[3]}};
  }
};

/// Results in double: out, logsumexp and the three gradients.
struct Expected {
  std::vector<double> out, logsumexp, gradQuery, gradKey, gradValue;
};

Expected compute(const fx_rt_attention_shape &s, double scale, const Tensor &q,
                 const Tensor &k, const Tensor &v, const Tensor &g,
                 const Mask &mask) {
  int64_t d = s.head_size, group = s.heads / s.key_heads;
  Expected e;
  e.out.resize(s.batch * s.heads * s.queries * d);
  e.gradQuery.resize(e.out.size());
  e.gradKey.resize(s.batch * s.key_heads * s.keys * d);
  e.gradValue.resize(e.gradKey.size());
  std::vector<double> p(s.keys), gp(s.keys);
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t h = 0; h < s.heads; ++h)
      for (int64_t i = 0; i < s.queries; ++i) {
        int64_t hk = h / group, row = (b * s.heads + h) * s.queries + i;
        int64_t keyRow = (b * s.key_heads + hk) * s.keys;
        double best = -INFINITY, sum = 0, delta = 0;
        for (int64_t j = 0; j < s.keys; ++j) {
          p[j] = 0;
          for (int64_t c = 0; c < d; ++c)
            p[j] += q.at(b, h, i, c) * k.at(b, hk, j, c);
          p[j] = s.causal && j > i ? -INFINITY : p[j] * scale + mask.at(i, j);
          best = std::max(best, p[j]);
        }
        for (double &x : p)
          sum += x = best == -INFINITY ? 0 : std::exp(x - best);
        e.logsumexp.push_back(sum ? best + std::log(sum) : 0);
        for (int64_t j = 0; j < s.keys; ++j) {
          p[j] /= sum ? sum : 1;
          gp[j] = 0;
          for (int64_t c = 0; c < d; ++c) {
            e.out[row * d + c] += p[j] * v.at(b, hk, j, c);
            gp[j] += g.at(b, h, i, c) * v.at(b, hk, j, c);
          }
          delta += p[j] * gp[j];
        }
        for (int64_t j = 0; j < s.keys; ++j)
          for (int64_t c = 0; c < d; ++c) {
            double gs = p[j] * (gp[j] - delta) * scale;
            e.gradQuery[row * d + c] += gs * k.at(b, hk, j, c);
            e.gradKey[(keyRow + j) * d + c] += gs * q.at(b, h, i, c);
            e.gradValue[(keyRow + j) * d + c] += p[j] * g.at(b, h, i, c);
          }
      }
  return e;
}

/// The largest difference relative to the largest value. Gradients may cancel:
/// then it is relative to their terms.
double worst(const Tensor &got, const std::vector<double> &want) {
  double error = 0, largest = 0.5;
  size_t next = 0;
  for (int64_t b = 0; b < got.sizes[0]; ++b)
    for (int64_t h = 0; h < got.sizes[1]; ++h)
      for (int64_t i = 0; i < got.sizes[2]; ++i)
        for (int64_t j = 0; j < got.sizes[3]; ++j, ++next) {
          double difference = std::abs(got.at(b, h, i, j) - want[next]);
          error = difference <= error ? error
                  : std::isnan(difference) ? INFINITY : difference;
          largest = std::max(largest, std::abs(want[next]));
        }
  return error / largest;
}

void checkOne(fx_rt_attention_shape s, int maskKind, int layout) {
  int type = static_cast<int>(s.type);
  double scale = 0.7;
  std::vector<int64_t> rows = {s.batch, s.heads, s.queries, s.head_size};
  std::vector<int64_t> keys = {s.batch, s.key_heads, s.keys, s.head_size};
  Tensor q(rows, type, layout), k(keys, type, layout), v(keys, type, layout),
      g(rows, type, (layout + 1) % 4), out(rows, type, layout),
      gq(rows, type, layout), gk(keys, type, layout), gv(keys, type, layout);
  for (Tensor *tensor : {&q, &k, &v, &g})
    tensor->fill();
  Mask mask(s, maskKind);
  Expected want = compute(s, scale, q, k, v, g, mask);

  std::vector<float> lse(s.batch * s.heads * s.queries);
  fx_rt_attention_operand forward[] = {q.operand(), k.operand(), v.operand(),
                                       mask.operand(), out.operand()};
  fx_rt_attention(nullptr, &s, scale, forward, lse.data());
  fx_rt_attention_operand backward[] = {
      g.operand(),    q.operand(),   k.operand(),  v.operand(), mask.operand(),
      out.operand(),  gq.operand(), gk.operand(), gv.operand()};
  fx_rt_attention_backward(nullptr, &s, scale, backward, lse.data());

  double tolerance = type == 0 ? 1.5e-5 : type == 1 ? 1.6e-2 : 2e-3;
  double errors[] = {worst(out, want.out), worst(gq, want.gradQuery),
                     worst(gk, want.gradKey), worst(gv, want.gradValue),
                     worstError(lse, want.logsumexp, 1) * (type ? 1 : 3)};
  for (int i = 0; i < 5; ++i)
    FX_CHECK(errors[i] < tolerance,
             "result %d off by %g: %lldx%lld/%lldx%lldx%lldx%lld causal %lld "
             "type %d mask %d layout %d",
             i, errors[i], (long long)s.batch, (long long)s.heads,
             (long long)s.key_heads, (long long)s.queries, (long long)s.keys,
             (long long)s.head_size, (long long)s.causal, type, maskKind,
             layout);
}

} // namespace

void fxtest::testAttention() {
  const std::vector<int64_t> lengths = {1,  2,  7,   16,  31, 55,
                                        56, 57, 113, 128, 257};
  const std::vector<int64_t> heads = {1, 2, 3, 5, 8, 16, 17, 33, 64};
  for (int round = 0; round < 160; ++round) {
    int64_t keyHeads = pick({1, 2, 3});
    int type = round % 4 == 3 ? 1 + round / 4 % 2 : 0;
    fx_rt_attention_shape s = {pick({1, 2}), keyHeads * pick({1, 1, 2, 3}),
                               keyHeads, pick(lengths), pick(lengths),
                               pick(heads), pick({0, 1}), type,
                               pick({0, type})};
    checkOne(s, static_cast<int>(pick({0, 0, 1, 2, 3})),
             static_cast<int>(pick({0, 1, 2, 3})));
  }
  // More keys than stay packed, and none at all.
  checkOne({1, 1, 1, 3, 17000, 128, 0, 1, 0}, 0, 1);
  checkOne({1, 1, 1, 60, 17000, 64, 0, 0, 0}, 0, 1);
  checkOne({1, 2, 2, 5, 0, 8, 0, 0, 0}, 0, 0);
  checkOne({1, 2, 2, 0, 5, 8, 0, 0, 0}, 0, 0);
  checkOne({0, 2, 2, 4, 5, 8, 1, 0, 0}, 0, 0);

  // The same bits for every number of threads.
  fx_rt_attention_shape s = {2, 3, 3, 150, 150, 24, 1, 0, 0};
  int32_t before = fx_rt_get_num_threads();
  Tensor q({2, 3, 150, 24}, 0, 1), out[2] = {q, q};
  q.fill();
  std::vector<float> lse(900);
  for (int i = 0; i < 2; ++i) {
    fx_rt_set_num_threads(1 + 2 * i);
    fx_rt_attention_operand operands[] = {q.operand(), q.operand(), q.operand(),
                                          {nullptr, {0, 0, 0, 0}},
                                          out[i].operand()};
    fx_rt_attention(nullptr, &s, 1, operands, lse.data());
  }
  fx_rt_set_num_threads(before);
  FX_CHECK(out[0].data == out[1].data, "threads change the result");
}
