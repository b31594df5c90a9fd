//===- ConvTest.cpp - Convolutions against loops in double ----------------===//

#include "TestSupport.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace fxtest;

namespace {
int64_t getTaps(const fx_rt_conv_shape &s) {
  return s.kernel_d * s.kernel_h * s.kernel_w;
}
int64_t getInputSize(const fx_rt_conv_shape &s) {
  return s.in_d * s.in_h * s.in_w;
}
int64_t getPositions(const fx_rt_conv_shape &s) {
  return s.out_d * s.out_h * s.out_w;
}

/// Calls visit(input index, weight index, output index) for every product.
template <typename Visit>
void forEachProduct(const fx_rt_conv_shape &s, const Visit &visit) {
  int64_t C = s.in_channels / s.groups, O = s.out_channels / s.groups;
  for (int64_t i = 0; i < s.batch * s.out_channels * C; ++i) {
    const int64_t c = i % C, o = i / C % s.out_channels;
    const int64_t n = i / C / s.out_channels;
    const int64_t input =
        (n * s.in_channels + o / O * C + c) * getInputSize(s);
    const int64_t output = (n * s.out_channels + o) * getPositions(s);
    for (int64_t t = 0; t < getTaps(s); ++t) {
      const int64_t row = t / s.kernel_w;
      const int64_t dz = row / s.kernel_h * s.dilation_d - s.pad_d;
      const int64_t dy = row % s.kernel_h * s.dilation_h - s.pad_h;
      const int64_t dx = t % s.kernel_w * s.dilation_w - s.pad_w;
      for (int64_t line = 0; line < s.out_d * s.out_h; ++line) {
        const int64_t z = line / s.out_h * s.stride_d + dz;
        const int64_t y = line % s.out_h * s.stride_h + dy;
        if (z < 0 || z >= s.in_d || y < 0 || y >= s.in_h)
          continue;
        for (int64_t x = 0; x < s.out_w; ++x) {
          const int64_t from = x * s.stride_w + dx;
          if (from >= 0 && from < s.in_w)
            visit(input + (z * s.in_h + y) * s.in_w + from,
                  (o * C + c) * getTaps(s) + t, output + line * s.out_w + x);
        }
      }
    }
  }
}

std::string describe(const fx_rt_conv_shape &s) {
  std::string text;
  auto add = [&](const char *name, std::initializer_list<int64_t> values) {
    text += name;
    for (int64_t value : values)
      text += " " + std::to_string(value);
  };
  add("n", {s.batch});
  add(" in", {s.in_channels, s.in_d, s.in_h, s.in_w});
  add(" out", {s.out_channels, s.out_d, s.out_h, s.out_w});
  add(" kernel", {s.kernel_d, s.kernel_h, s.kernel_w});
  add(" stride", {s.stride_d, s.stride_h, s.stride_w});
  add(" pad", {s.pad_d, s.pad_h, s.pad_w});
  add(" dilation", {s.dilation_d, s.dilation_h, s.dilation_w});
  add(" groups", {s.groups});
  add(" channels last", {s.channels_last_weight});
  return text;
}

struct EpilogueState {
  const fx_rt_conv_shape &shape;
  std::vector<int> visits;
};

/// Adds the output channel and counts every element.
void addChannel(void *closure, int64_t batch, int64_t row, int64_t col,
                int64_t rows, int64_t cols, float *tile, int64_t ld) {
  auto &state = *static_cast<EpilogueState *>(closure);
  int64_t positions = getPositions(state.shape);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      tile[i * ld + j] += float(row + i);
      ++state.visits[(batch * state.shape.out_channels + row + i) * positions +
                     col + j];
    }
}

/// A weight, or its gradient, whose channels are not the last ones.
template <typename E>
std::vector<E> moveChannels(const fx_rt_conv_shape &s,
                            const std::vector<E> &weight) {
  const int64_t taps = getTaps(s), C = s.in_channels / s.groups;
  std::vector<E> result(weight.size());
  for (int64_t o = 0; o < s.out_channels; ++o)
    for (int64_t c = 0; c < C; ++c)
      for (int64_t t = 0; t < taps; ++t)
        result[(o * C + c) * taps + t] = weight[(o * taps + t) * C + c];
  return result;
}

void checkShape(const fx_rt_conv_shape &s) {
  const std::string name = describe(s);
  const char *text = name.c_str();
  auto input = randomValues(s.batch * s.in_channels * getInputSize(s));
  auto weight = randomValues(s.out_channels * (s.in_channels / s.groups) *
                             getTaps(s));
  auto grad = randomValues(s.batch * s.out_channels * getPositions(s));
  auto bias = randomValues(s.out_channels);
  bool withBias = generator()() % 2, withEpilogue = generator()() % 2;

  // The reference reads weights whose channels are not the last ones.
  const auto plain =
      s.channels_last_weight ? moveChannels(s, weight) : weight;
  std::vector<double> wantOutput(grad.size()), wantInput(input.size()),
      wantWeight(weight.size());
  int64_t positions = std::max<int64_t>(1, getPositions(s));
  for (size_t i = 0; i < grad.size(); ++i) {
    int64_t channel = i / positions % s.out_channels;
    wantOutput[i] = (withBias ? bias[channel] : 0) +
                    (withEpilogue ? double(channel) : 0);
  }
  forEachProduct(s, [&](int64_t i, int64_t w, int64_t o) {
    wantOutput[o] += double(input[i]) * plain[w];
    wantInput[i] += double(grad[o]) * plain[w];
    wantWeight[w] += double(grad[o]) * input[i];
  });

  double terms = double(s.in_channels / s.groups) * getTaps(s);
  double scale = std::sqrt(terms + 1) + (withEpilogue ? s.out_channels : 0);
  std::vector<float> output(grad.size(), NAN);
  EpilogueState state{s, std::vector<int>(grad.size())};
  FX_CHECK(fx_rt_conv2d(nullptr, &s, input.data(), weight.data(),
                        withBias ? bias.data() : nullptr, output.data(),
                        withEpilogue ? addChannel : nullptr, &state) == 0,
           "%s: %s", text, fx_rt_last_error());
  double error = worstError(output, wantOutput, scale);
  FX_CHECK(error < 4e-6, "forward %s: error %g", text, error);
  if (withEpilogue)
    FX_CHECK(std::all_of(state.visits.begin(), state.visits.end(),
                         [](int count) { return count == 1; }),
             "epilogue of %s", text);

  // What is kept of the weight gives the same bits.
  void *store = nullptr;
  for (int call = 0; call < 2; ++call) {
    std::vector<float> frozen(grad.size(), NAN);
    FX_CHECK(fx_rt_conv2d_frozen(nullptr, &store, &s, input.data(),
                                 weight.data(), withBias ? bias.data() : nullptr,
                                 frozen.data(),
                                 withEpilogue ? addChannel : nullptr,
                                 &state) == 0,
             "%s: %s", text, fx_rt_last_error());
    FX_CHECK(frozen.empty() || std::memcmp(frozen.data(), output.data(),
                                           frozen.size() * sizeof(float)) == 0,
             "frozen %s, call %d", text, call);
  }
  fx_rt_release_frozen(&store);
  FX_CHECK(!store, "a store is not empty after its release");

  std::vector<float> gradInput(input.size(), NAN);
  FX_CHECK(fx_rt_conv2d_backward_data(nullptr, &s, grad.data(), weight.data(),
                                      gradInput.data()) == 0,
           "%s: %s", text, fx_rt_last_error());
  terms = double(s.out_channels / s.groups) * getTaps(s);
  error = worstError(gradInput, wantInput, std::sqrt(terms + 1));
  FX_CHECK(error < 4e-6, "backward data %s: error %g", text, error);

  std::vector<float> gradWeight(weight.size(), NAN);
  FX_CHECK(fx_rt_conv2d_backward_weight(nullptr, &s, grad.data(), input.data(),
                                        gradWeight.data(), nullptr,
                                        nullptr) == 0,
           "%s: %s", text, fx_rt_last_error());
  if (s.channels_last_weight)
    gradWeight = moveChannels(s, gradWeight);
  terms = double(s.batch) * getPositions(s);
  error = worstError(gradWeight, wantWeight, std::sqrt(terms + 1));
  FX_CHECK(error < 4e-6, "backward weight %s: error %g", text, error);
}

/// Copies what it sees, and counts every element.
struct CopyState {
  const fx_rt_conv_shape &shape;
  std::vector<float> result;
  std::vector<int> visits;
};
void copyTile(void *closure, int64_t batch, int64_t row, int64_t col,
              int64_t rows, int64_t cols, float *tile, int64_t ld) {
  auto &state = *static_cast<CopyState *>(closure);
  int64_t positions = getPositions(state.shape);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      int64_t at = (batch * state.shape.out_channels + row + i) * positions +
                   col + j;
      state.result[at] = tile[i * ld + j];
      ++state.visits[at];
    }
}

/// The same of a matrix.
struct MatrixCopy {
  std::vector<float> result;
  std::vector<int> visits;
  int64_t cols;
};
void copyMatrixTile(void *closure, int64_t, int64_t row, int64_t col,
                    int64_t rows, int64_t cols, float *tile, int64_t ld) {
  auto &copy = *static_cast<MatrixCopy *>(closure);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      copy.result[(row + i) * copy.cols + col + j] = tile[i * ld + j];
      ++copy.visits[(row + i) * copy.cols + col + j];
    }
}

/// Multiples of 1/8, none of them zero, in a narrow type. All sums are exact.
struct NarrowTensor {
  std::vector<uint16_t> bits;
  std::vector<double> values;
  NarrowTensor(int64_t count, bool half) : bits(count), values(count) {
    for (int64_t i = 0; i < count; ++i) {
      int eighths = int(generator()() % 31) - 15;
      eighths += eighths >= 0;
      bits[i] = narrowBits(eighths, half);
      values[i] = eighths / 8.0;
    }
  }
  void makeInfinite(int64_t at, bool half) {
    bits[at] = half ? 0x7c00 : 0x7f80;
    values[at] = INFINITY;
  }
};

/// Equal, or neither finite.
bool isSame(const std::vector<float> &got, const std::vector<double> &want) {
  for (size_t i = 0; i < want.size(); ++i)
    if (std::isfinite(want[i]) ? got[i] != want[i] : std::isfinite(got[i]))
      return false;
  return true;
}

/// Narrow operands, one of them with an infinite element: it must not reach
/// sums that it is no term of.
void checkNarrowShape(const fx_rt_conv_shape &s) {
  for (bool half : {false, true}) {
    NarrowTensor input(s.batch * s.in_channels * getInputSize(s), half);
    NarrowTensor weight(s.out_channels * (s.in_channels / s.groups) *
                            getTaps(s),
                        half);
    NarrowTensor grad(s.batch * s.out_channels * getPositions(s), half);
    auto bias = randomValues(s.out_channels);
    for (float &value : bias)
      value = std::round(value * 8);
    if (!input.bits.empty() && generator()() % 2)
      input.makeInfinite(generator()() % input.bits.size(), half);
    const auto plain = s.channels_last_weight ? moveChannels(s, weight.values)
                                              : weight.values;
    std::vector<double> wantOutput(grad.bits.size()),
        wantWeight(weight.bits.size());
    int64_t positions = std::max<int64_t>(1, getPositions(s));
    for (size_t i = 0; i < wantOutput.size(); ++i)
      wantOutput[i] = bias[i / positions % s.out_channels];
    forEachProduct(s, [&](int64_t i, int64_t w, int64_t o) {
      wantOutput[o] += input.values[i] * plain[w];
      wantWeight[w] += grad.values[o] * input.values[i];
    });

    const std::string name = (half ? "f16 " : "bf16 ") + describe(s);
    const char *text = name.c_str();
    auto *convolve = half ? fx_rt_conv2d_f16 : fx_rt_conv2d_bf16;
    std::vector<float> output(grad.bits.size(), NAN);
    convolve(nullptr, &s, input.bits.data(), weight.bits.data(), bias.data(),
             output.data(), nullptr, nullptr);
    FX_CHECK(isSame(output, wantOutput), "forward %s", text);
    CopyState state{s, std::vector<float>(output.size(), NAN),
                    std::vector<int>(output.size())};
    convolve(nullptr, &s, input.bits.data(), weight.bits.data(), bias.data(),
             nullptr, copyTile, &state);
    FX_CHECK(isSame(state.result, wantOutput), "hidden %s", text);
    FX_CHECK(std::all_of(state.visits.begin(), state.visits.end(),
                         [](int count) { return count == 1; }),
             "hidden epilogue of %s", text);
    auto *frozen = half ? fx_rt_conv2d_f16_frozen : fx_rt_conv2d_bf16_frozen;
    void *store = nullptr;
    for (int call = 0; call < 2; ++call) {
      std::fill(output.begin(), output.end(), NAN);
      frozen(nullptr, &store, &s, input.bits.data(), weight.bits.data(),
             bias.data(), output.data(), nullptr, nullptr);
      FX_CHECK(isSame(output, wantOutput), "frozen %s", text);
    }
    fx_rt_release_frozen(&store);
    auto *backward = half ? fx_rt_conv2d_backward_weight_f16
                          : fx_rt_conv2d_backward_weight_bf16;
    std::vector<float> gradWeight(weight.bits.size(), NAN);
    backward(nullptr, &s, grad.bits.data(), input.bits.data(),
             gradWeight.data(), nullptr, nullptr);
    if (s.channels_last_weight)
      gradWeight = moveChannels(s, gradWeight);
    FX_CHECK(isSame(gradWeight, wantWeight), "backward weight %s", text);
    MatrixCopy copy{std::vector<float>(gradWeight.size(), NAN),
                    std::vector<int>(gradWeight.size()),
                    int64_t(gradWeight.size()) /
                        std::max<int64_t>(1, s.out_channels)};
    backward(nullptr, &s, grad.bits.data(), input.bits.data(), nullptr,
             copyMatrixTile, &copy);
    if (s.channels_last_weight)
      copy.result = moveChannels(s, copy.result);
    FX_CHECK(isSame(copy.result, wantWeight), "hidden weight gradient %s",
             text);
    FX_CHECK(std::all_of(copy.visits.begin(), copy.visits.end(),
                         [](int count) { return count == 1; }),
             "epilogue of the weight gradient %s", text);
  }
}

/// The size of the output, with padding on both sides; less than 1 if there is
/// none.
int64_t getOutput(int64_t in, int64_t kernel, int64_t stride, int64_t padding,
                  int64_t dilation) {
  int64_t span = in + padding - ((kernel - 1) * dilation + 1);
  return span < 0 ? 0 : span / stride + 1;
}

/// The shape with the output size that follows from the padding on both
/// sides; false if there is no output.
bool finish(fx_rt_conv_shape &s, int64_t padAfterH, int64_t padAfterW) {
  s.out_d = getOutput(s.in_d, s.kernel_d, s.stride_d, 2 * s.pad_d,
                      s.dilation_d);
  s.out_h = getOutput(s.in_h, s.kernel_h, s.stride_h, s.pad_h + padAfterH,
                      s.dilation_h);
  s.out_w = getOutput(s.in_w, s.kernel_w, s.stride_w, s.pad_w + padAfterW,
                      s.dilation_w);
  return getPositions(s) > 0;
}

void checkRandomShapes(int count) {
  const std::vector<int64_t> sizes = {1,  3,  5,  7,  8,  14,
                                      17, 32, 33, 64, 130};
  while (count > 0) {
    fx_rt_conv_shape s = {};
    s.batch = pick({1, 2, 3});
    s.groups = pick({1, 1, 2, 3});
    s.in_channels = s.groups * pick({1, 2, 3, 8, 17});
    s.out_channels = s.groups * pick({1, 2, 3, 8, 17, 40});
    s.in_h = pick({1, 3, 5, 7, 9, 17});
    s.in_w = pick(sizes);
    s.kernel_h = pick({1, 2, 3, 5});
    s.kernel_w = pick({1, 2, 3, 5, 7});
    s.stride_h = pick({1, 1, 2, 3});
    s.stride_w = pick({1, 1, 2, 3});
    s.pad_h = pick({0, 1, 2});
    s.pad_w = pick({0, 1, 3});
    s.dilation_h = pick({1, 1, 2});
    s.dilation_w = pick({1, 1, 2, 3});
    s.in_d = s.kernel_d = s.stride_d = s.dilation_d = 1;
    s.pad_d = 0;
    if (count % 2) {
      s.in_d = pick({1, 2, 3, 5});
      s.in_h = pick({1, 3, 7});
      s.kernel_d = pick({1, 2, 3});
      s.stride_d = pick({1, 1, 2, 3});
      s.pad_d = pick({0, 1, 2});
      s.dilation_d = pick({1, 1, 2});
    }
    s.channels_last_weight = generator()() % 2;
    if (!finish(s, pick({0, s.pad_h, s.pad_h + 1}), pick({0, s.pad_w})))
      continue;
    checkShape(s);
    checkNarrowShape(s);
    --count;
  }
}

void checkNamedShapes() {
  struct {
    int64_t n, c, h, w, o, k, stride, pad, groups;
  } shapes[] = {
      {2, 20, 28, 28, 33, 3, 1, 1, 1},  // several blocks of columns and steps
      {1, 64, 14, 14, 70, 3, 1, 1, 1},  // K beyond one block
      {3, 64, 7, 7, 70, 3, 1, 1, 1},    // panels across images
      {9, 40, 7, 7, 24, 3, 2, 1, 1},    // strided, across images
      {2, 3, 40, 40, 16, 7, 2, 3, 1},   // a first layer
      {2, 24, 20, 20, 32, 1, 1, 0, 1},  // pointwise
      {2, 24, 20, 20, 32, 1, 2, 0, 1},  // pointwise, strided: unused inputs
      {5, 24, 5, 5, 32, 1, 1, 0, 1},    // pointwise on small images
      {2, 12, 30, 19, 12, 3, 1, 1, 12}, // depthwise
      {2, 12, 19, 30, 24, 3, 2, 1, 12}, // depthwise with a multiplier
      {2, 12, 9, 9, 12, 5, 3, 2, 12},
      {2, 8, 1, 100, 12, 1, 1, 0, 4}, // 1-d, grouped
      {300, 2, 4, 4, 3, 3, 1, 1, 1},  // many small images
      {1, 4, 2, 2, 4, 3, 1, 1, 1},    // kernel larger than the input
      {1, 600, 6, 6, 3, 1, 1, 0, 1},
      {2, 50, 9, 64, 20, 3, 1, 1, 1},   // in place, K beyond one block
      {1, 16, 70, 131, 30, 5, 1, 2, 2}, // in place, blocks of rows and a tail
      {1, 300, 5, 32, 7, 3, 1, 0, 1},   // in place, few rows
      {7, 16, 8, 8, 16, 3, 1, 1, 1},    // Winograd, rows of several images
      {1, 40, 23, 37, 33, 3, 1, 1, 1},  // Winograd, odd sizes
      {2, 17, 17, 33, 19, 3, 1, 0, 1},  // Winograd, no padding
      {1, 20, 13, 30, 16, 3, 1, 2, 1},  // Winograd, more padding
      {1, 18, 3, 700, 16, 3, 1, 1, 1},  // Winograd, parts of a row of tiles
      {2, 700, 14, 14, 20, 3, 1, 1, 1}, // Winograd, channels beyond one block
      {2, 130, 7, 7, 20, 3, 1, 1, 1},   // channels that are a part of the sum
      {1, 140, 9, 9, 33, 3, 2, 1, 1},   // the same, few positions
  };
  for (const auto &shape : shapes) {
    fx_rt_conv_shape s = {shape.n,      shape.c,      shape.h, shape.w,
                          shape.o,      0,            0,       shape.k,
                          shape.k,      shape.stride, shape.stride,
                          shape.pad,    shape.pad,    1,       1,
                          shape.groups, 1, 1, 1, 1, 0, 1, 0};
    if (s.in_h == 1)
      s.kernel_w = 9;
    finish(s, s.pad_h, s.pad_w);
    for (s.channels_last_weight = 0; s.channels_last_weight < 2;
         ++s.channels_last_weight) {
      checkShape(s);
      checkNarrowShape(s);
    }
  }
  // With depth.
  struct {
    int64_t n, c, d, h, w, o, k, stride, pad, dilation, groups;
  } deep[] = {
      {2, 16, 6, 9, 32, 24, 3, 1, 1, 1, 1},   // in place
      {1, 40, 4, 30, 64, 20, 3, 1, 1, 1, 1},  // in place, blocks of rows
      {2, 24, 5, 7, 7, 33, 3, 1, 1, 1, 1},    // panels across images
      {2, 24, 5, 8, 11, 33, 3, 2, 1, 1, 1},   // strided
      {1, 8, 7, 9, 11, 6, 3, 1, 2, 2, 2},     // dilated groups
      {2, 16, 4, 14, 14, 30, 3, 1, 1, 1, 1},  // without planes outside
      {1, 16, 5, 6, 32, 9, 3, 1, 3, 1, 1},    // planes that are all outside
      {2, 20, 5, 9, 10, 32, 1, 1, 0, 1, 1},   // pointwise
      {2, 20, 5, 9, 10, 32, 1, 2, 0, 1, 1},   // pointwise, strided
      {2, 12, 5, 9, 19, 12, 3, 1, 1, 1, 12},  // depthwise
      {2, 12, 5, 9, 19, 24, 3, 2, 1, 1, 12},  // with a multiplier
      {1, 12, 9, 9, 9, 12, 3, 1, 2, 2, 12},
      {2, 4, 9, 3, 3, 5, 3, 1, 0, 1, 1},      // the output has one row
      {3, 4, 3, 9, 9, 5, 3, 1, 0, 1, 1},      // the output has no depth
      {1, 6, 2, 2, 2, 4, 3, 2, 1, 1, 1},      // kernel larger than the input
      {2, 3, 12, 25, 27, 16, 7, 2, 3, 1, 1},  // a first layer
  };
  for (const auto &shape : deep) {
    fx_rt_conv_shape s = {shape.n,        shape.c,      shape.h,
                          shape.w,        shape.o,      0,
                          0,              shape.k,      shape.k,
                          shape.stride,   shape.stride, shape.pad,
                          shape.pad,      shape.dilation, shape.dilation,
                          shape.groups,   shape.d,      0,
                          shape.k,        shape.stride, shape.pad,
                          shape.dilation, 0};
    FX_CHECK(finish(s, s.pad_h, s.pad_w), "no output: %s",
             describe(s).c_str());
    for (s.channels_last_weight = 0; s.channels_last_weight < 2;
         ++s.channels_last_weight) {
      checkShape(s);
      checkNarrowShape(s);
    }
  }
  // Empty batch, no input channels, errors.
  fx_rt_conv_shape s = {0, 4, 5, 5, 6, 3, 3, 3, 3, 1, 1,
                        0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1};
  checkShape(s);
  checkNarrowShape(s);
  s.batch = 2;
  s.in_channels = 0;
  checkShape(s);
  checkNarrowShape(s);
  s.in_channels = 4;
  s.groups = 3;
  float dummy = 0;
  FX_CHECK(fx_rt_conv2d(nullptr, &s, &dummy, &dummy, nullptr, &dummy, nullptr,
                        nullptr) != 0,
           "bad groups were accepted");
  FX_CHECK(std::strstr(fx_rt_last_error(), "groups"), "%s", fx_rt_last_error());
}

/// The same bits with one thread and with three.
void checkThreadIndependence() {
  int32_t setting = fx_rt_get_num_threads();
  for (int64_t groups : {1, 2, 16})
    for (int64_t stride : {1, 2}) {
      fx_rt_conv_shape s = {2,      16,     15, 15, 32, 0, 0, 3,
                            3,      stride, stride, 1, 1, 1, 1, groups,
                            1,      1,      1,      1, 0, 1};
      finish(s, 1, 1);
      auto input = randomValues(s.batch * 16 * 15 * 15);
      auto weight = randomValues(32 * 16 / groups * 9);
      auto grad = randomValues(s.batch * 32 * getPositions(s));
      std::vector<float> results[2];
      for (int i = 0; i < 2; ++i) {
        fx_rt_set_num_threads(1 + 2 * i);
        std::vector<float> output(grad.size()), dx(input.size()),
            dw(weight.size());
        fx_rt_conv2d(nullptr, &s, input.data(), weight.data(), nullptr,
                     output.data(), nullptr, nullptr);
        fx_rt_conv2d_backward_data(nullptr, &s, grad.data(), weight.data(),
                                   dx.data());
        fx_rt_conv2d_backward_weight(nullptr, &s, grad.data(), input.data(),
                                     dw.data(), nullptr, nullptr);
        for (auto *part : {&output, &dx, &dw})
          results[i].insert(results[i].end(), part->begin(), part->end());
      }
      FX_CHECK(std::memcmp(results[0].data(), results[1].data(),
                           results[0].size() * sizeof(float)) == 0,
               "groups %ld stride %ld", long(groups), long(stride));
    }
  fx_rt_set_num_threads(setting);
}

/// Without Winograd's tiles an infinity reaches only what it is multiplied
/// into; with them no output is finite that should not be.
void checkInfinity() {
  fx_rt_conv_shape s = {2, 16, 16, 16, 16, 0, 0, 3, 3, 1, 1,
                        1, 1, 1,  1,  1,  1, 1, 1, 1, 0, 1};
  finish(s, 1, 1);
  auto input = randomValues(2 * 16 * 256), weight = randomValues(16 * 16 * 9);
  const int64_t y = 5, x = 8;
  input[y * 16 + x] = INFINITY;
  std::vector<float> output(2 * 16 * 256);
  fx_rt_conv2d(nullptr, &s, input.data(), weight.data(), nullptr,
               output.data(), nullptr, nullptr);
  const char *setting = std::getenv("FX_RT_WINOGRAD");
  bool inTiles = !setting || std::strcmp(setting, "0") != 0;
  for (int64_t i = 0; i < int64_t(output.size()); ++i) {
    int64_t row = i / 16 % 16, col = i % 16;
    bool isFirst = i < 16 * 256;
    bool near = isFirst && std::abs(row - y) <= 1 && std::abs(col - x) <= 1;
    bool inTile = isFirst && std::abs(row / 2 * 2 + 0.5 - y) <= 2 &&
                  std::abs(col / 2 * 2 + 0.5 - x) <= 2;
    if (near || !(inTiles && inTile))
      FX_CHECK(std::isfinite(output[i]) != near, "output %ld is %g", long(i),
               double(output[i]));
  }
}
} // namespace

void fxtest::testConvolution() {
  checkNamedShapes();
  checkRandomShapes(150);
  checkThreadIndependence();
  checkInfinity();
}
