//===- AttentionBackward.cpp - Gradients of attention ---------------------===//
//
// With p = exp(scale * q k^T + mask - logsumexp), computed again tile by tile:
//   dv = p^T g,  ds = scale * p * (g v^T - sum(g * out)),
//   dq = ds k,   dk = ds^T q.
// A head of keys is one task: it sums its gradients over blocks of queries and
// those of its queries over blocks of keys, always in the same order.
//
//===----------------------------------------------------------------------===//

#include "AttentionImpl.h"

using namespace fxrt;

namespace {

constexpr int64_t kBlockQueries = 112;
constexpr int64_t kBlockKeys = 128;
constexpr int64_t kScoreStride = kBlockKeys + 16;
constexpr int64_t kParallelWork = 400000;

/// Rows of f32 in which a gradient is summed: the result itself, or memory of
/// the call if that is of another type or layout.
struct SummedRows {
  float *data;
  int64_t batchStride, headStride, rs;

  float *at(int64_t batch, int64_t head, int64_t row) const {
    return data + batch * batchStride + head * headStride + row * rs;
  }
};

/// The parts of a thread's memory.
constexpr int64_t kParts = 9;
int64_t layOut(const AttentionShape &s, int64_t (&places)[kParts]) {
  int64_t wide = roundUp(s.head_size, kernels().f32.nr);
  int64_t rows = kBlockQueries * s.head_size;
  int64_t tile = kBlockQueries * kScoreStride;
  int64_t counts[] = {kBlockKeys * s.head_size,
                      kBlockKeys * s.head_size,
                      kBlockKeys * wide,
                      tile,
                      tile,
                      rows,
                      rows,
                      rows,
                      s.queries};
  return placeParts(counts, places);
}

template <typename S>
class Backward {
public:
  Backward(void *ctx, const AttentionShape &shape, float scale,
           const AttentionOperand *operands, const float *logsumexp,
           const SummedRows *gradients)
      : ctx(ctx), s(shape), scale(scale), gradOut(operands[0]),
        query(operands[1]), key(operands[2]), value(operands[3]),
        mask(operands[4]), out(operands[5]), logsumexp(logsumexp),
        gradQuery(gradients[0]), gradKey(gradients[1]),
        gradValue(gradients[2]), table(kernels().attention) {
    int64_t parts[kParts];
    float *memory = threadScratchOf<float>(ScratchConv, layOut(s, parts));
    float **places[] = {&keysT, &valuesT, &keys, &scores, &gradScores,
                        &queryScratch, &gradScratch, &outScratch, &delta};
    for (int64_t i = 0; i < kParts; ++i)
      *places[i] = memory + parts[i];
  }

  /// All of head `keyHead` of the keys.
  void run(int64_t batch, int64_t keyHead) {
    int64_t group = s.heads / s.key_heads;
    clear(gradKey, batch, keyHead, s.keys);
    clear(gradValue, batch, keyHead, s.keys);
    for (int64_t head = keyHead * group; head < (keyHead + 1) * group; ++head) {
      clear(gradQuery, batch, head, s.queries);
      computeDelta(batch, head);
      for (int64_t col = 0; col < s.keys; col += kBlockKeys) {
        int64_t cols = minOf(kBlockKeys, s.keys - col);
        packKeys(batch, keyHead, col, cols);
        // Queries before the block's first key do not count any of it.
        int64_t row = s.causal ? col / kBlockQueries * kBlockQueries : 0;
        for (; row < s.queries; row += kBlockQueries)
          runTile(batch, head, keyHead, row, col, cols);
      }
    }
  }

private:
  void clear(const SummedRows &rows, int64_t batch, int64_t head,
             int64_t count) {
    for (int64_t r = 0; r < count; ++r) {
      float *row = rows.at(batch, head, r);
      for (int64_t c = 0; c < s.head_size; ++c)
        row[c] = 0;
    }
  }

  /// delta[i] = sum over the head of grad_out * out.
  void computeDelta(int64_t batch, int64_t head) {
    HeadRows<S> g(gradOut, batch, head), o(out, batch, head);
    for (int64_t row = 0; row < s.queries; row += kBlockQueries) {
      int64_t rows = minOf(kBlockQueries, s.queries - row), ldG, ldO;
      const float *a = g.read(row, rows, s.head_size, gradScratch, ldG);
      const float *b = o.read(row, rows, s.head_size, outScratch, ldO);
      for (int64_t r = 0; r < rows; ++r)
        delta[row + r] = table.dotRow(a + r * ldG, b + r * ldO, s.head_size);
    }
  }

  void packKeys(int64_t batch, int64_t head, int64_t col, int64_t cols) {
    HeadRows<S> k(key, batch, head), v(value, batch, head);
    packMatrix<S>(k.at(col), k.cs, k.rs, s.head_size, cols, keysT);
    packMatrix<S>(v.at(col), v.cs, v.rs, s.head_size, cols, valuesT);
    packMatrix<S>(k.at(col), k.rs, k.cs, cols, s.head_size, keys);
  }

  void runTile(int64_t batch, int64_t head, int64_t keyHead, int64_t row,
               int64_t col, int64_t cols) {
    int64_t rows = minOf(kBlockQueries, s.queries - row), ldQ, ldG;
    int64_t d = s.head_size, ld = kScoreStride;
    const float *q = HeadRows<S>(query, batch, head)
                         .read(row, rows, d, queryScratch, ldQ);
    const float *g = HeadRows<S>(gradOut, batch, head)
                         .read(row, rows, d, gradScratch, ldG);
    multiplyPacked(ctx, rows, cols, d, q, ldQ, keysT, scores, ld, false);
    multiplyPacked(ctx, rows, cols, d, g, ldG, valuesT, gradScores, ld, false);
    ScoreTile tile;
    tile.scores = scores;
    tile.ld = ld;
    tile.rows = rows;
    tile.cols = cols;
    tile.scale = scale;
    tile.firstAllowed = s.causal ? row + 1 - col : s.keys;
    setMask(tile, s, mask, batch, head, row, col);
    int64_t index = batch * s.heads + head;
    table.softmaxGradient(tile, logsumexp + index * s.queries + row,
                          delta + row, gradScores);
    multiplyTransposed(cols, rows, scores, g, ldG,
                       gradValue.at(batch, keyHead, col), gradValue.rs);
    multiplyTransposed(cols, rows, gradScores, q, ldQ,
                       gradKey.at(batch, keyHead, col), gradKey.rs);
    multiplyPacked(ctx, rows, d, cols, gradScores, ld, keys,
                   gradQuery.at(batch, head, row), gradQuery.rs, true);
  }

  /// C += tile^T * B.
  void multiplyTransposed(int64_t M, int64_t K, const float *tile,
                          const float *B, int64_t rsB, float *C, int64_t rsC) {
    runGemm(ctx, plainProblem(M, s.head_size, K, tile, 1, kScoreStride, B, rsB,
                              1, C, rsC, /*accumulate=*/true));
  }

  void *ctx;
  const AttentionShape &s;
  float scale;
  const AttentionOperand &gradOut, &query, &key, &value, &mask, &out;
  const float *logsumexp;
  const SummedRows &gradQuery, &gradKey, &gradValue;
  const AttentionKernels &table;
  float *keysT, *valuesT, *keys, *scores, *gradScores, *queryScratch,
      *gradScratch, *outScratch, *delta;
};

/// The sums of narrow results, rounded.
template <typename S>
void roundSums(void *ctx, const AttentionShape &s, int64_t heads, int64_t rows,
               const SummedRows &sums, const AttentionOperand &result) {
  parallelFor(ctx, s.batch * heads,
              maxOf(1, kParallelWork / maxOf(rows * s.head_size, 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  int64_t batch = i / heads, head = i % heads;
                  HeadRows<S> to(result, batch, head);
                  AttentionTypes<S>::narrow()(sums.at(batch, head, 0), sums.rs,
                                              rows, s.head_size, nullptr,
                                              to.data, to.rs, to.cs);
                }
              });
}

/// Whether a gradient is summed in the result itself.
template <typename S>
bool isSummedInPlace(const AttentionOperand &result) {
  return std::is_same_v<S, float> && result.strides[3] == 1;
}

/// `memory` has place for all gradients that are not summed in place.
template <typename S>
void runBackward(void *ctx, const AttentionShape &s, float scale,
                 const AttentionOperand *operands, const float *logsumexp,
                 float *memory) {
  SummedRows sums[3];
  int64_t heads[] = {s.heads, s.key_heads, s.key_heads};
  int64_t rows[] = {s.queries, s.keys, s.keys};
  for (int i = 0; i < 3; ++i) {
    const AttentionOperand &result = operands[6 + i];
    if (isSummedInPlace<S>(result)) {
      sums[i] = {static_cast<float *>(result.data), result.strides[0],
                 result.strides[1], result.strides[2]};
      continue;
    }
    int64_t head = rows[i] * s.head_size;
    sums[i] = {memory, heads[i] * head, head, s.head_size};
    memory += s.batch * heads[i] * head;
  }
  int64_t work =
      5 * s.queries * s.keys * s.head_size * (s.heads / s.key_heads);
  parallelFor(ctx, s.batch * s.key_heads,
              maxOf(1, kParallelWork / maxOf(work, 1)),
              [&](int64_t begin, int64_t end) {
                Backward<S> backward(ctx, s, scale, operands, logsumexp, sums);
                for (int64_t i = begin; i < end; ++i)
                  backward.run(i / s.key_heads, i % s.key_heads);
              });
  for (int i = 0; i < 3; ++i)
    if (!isSummedInPlace<S>(operands[6 + i]))
      roundSums<S>(ctx, s, heads[i], rows[i], sums[i], operands[6 + i]);
}

template <typename S>
void allocateAndRun(void *ctx, const AttentionShape &s, float scale,
                    const AttentionOperand *operands, const float *logsumexp) {
  int64_t needed = 0;
  for (int i = 0; i < 3; ++i)
    if (!isSummedInPlace<S>(operands[6 + i]))
      needed += s.batch * s.head_size *
                (i == 0 ? s.heads * s.queries : s.key_heads * s.keys);
  if (!needed)
    return runBackward<S>(ctx, s, scale, operands, logsumexp, nullptr);
  ScopedBuffer<float> memory(ctx, needed);
  if (memory.get())
    runBackward<S>(ctx, s, scale, operands, logsumexp, memory.get());
}

} // namespace

void fx_rt_attention_backward(void *ctx, const fx_rt_attention_shape *shape,
                              double scale,
                              const fx_rt_attention_operand *operands,
                              const float *logsumexp) {
  if (shape->batch <= 0 || shape->heads <= 0)
    return;
  withElementType(shape->type, [&](auto *element) {
    allocateAndRun<std::remove_pointer_t<decltype(element)>>(
        ctx, *shape, static_cast<float>(scale), operands, logsumexp);
  });
}

void fxrt::addBackwardScratch(const AttentionShape &s, fx_rt_scratch &scratch) {
  if (s.batch <= 0 || s.heads <= 0)
    return;
  int64_t places[kParts];
  addThreadScratch(scratch, ScratchConv, layOut(s, places) * sizeof(float));
  int64_t sums = s.batch * s.head_size *
                 (s.heads * s.queries + 2 * s.key_heads * s.keys);
  if (s.type != ElementF32 && sums)
    addLent(scratch, sums * sizeof(float));
  int64_t rows = minOf(kBlockQueries, s.queries);
  int64_t cols = minOf(kBlockKeys, s.keys), d = s.head_size;
  const float *none = nullptr;
  static const float packed = 0;
  addGemmScratch(packedProblem(rows, cols, d, none, d, &packed, nullptr,
                               kScoreStride, false), scratch);
  addGemmScratch(plainProblem(cols, d, rows, none, 1, kScoreStride, none, d, 1,
                              nullptr, d, true), scratch);
  addGemmScratch(packedProblem(rows, d, cols, none, kScoreStride, &packed,
                               nullptr, d, true), scratch);
}
