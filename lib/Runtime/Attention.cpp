//===- Attention.cpp - Attention without a matrix of probabilities --------===//
//
// A block of queries runs over the keys in blocks. The scores of a tile become
// exponentials relative to the largest score that was seen so far; when a later
// tile has a larger one, what was summed is multiplied by a correction. Keys
// and values are packed once for each head that a thread works on.
//
//===----------------------------------------------------------------------===//

#include "AttentionImpl.h"

using namespace fxrt;

namespace {

constexpr int64_t kBlockQueries = 56;
constexpr int64_t kBlockKeys = 256;
/// Rows of scores do not share cache sets.
constexpr int64_t kScoreStride = kBlockKeys + 16;
/// The packed keys and values of a head that a thread keeps, in elements;
/// longer ones are packed for each block of queries.
constexpr int64_t kPackedLimit = int64_t(1) << 21;
/// Fewer multiply-adds than this are not worth a second thread.
constexpr int64_t kParallelWork = 400000;
/// At most this many queries use keys and values in place.
constexpr int64_t kFewQueries = 8;

/// How a thread holds keys and values, and the memory that it needs.
struct Layout {
  /// The head size in whole panels.
  int64_t widePacked;
  bool inPlace, keepsPacked;
  int64_t places[8], size;

  void choose(const AttentionShape &s, bool plain) {
    widePacked = roundUp(s.head_size, kernels().f32.nr);
    inPlace = s.queries <= kFewQueries && plain;
    int64_t keysPacked = roundUp(s.keys, kBlockKeys);
    keepsPacked = keysPacked * (s.head_size + widePacked) <= kPackedLimit;
    if (!keepsPacked)
      keysPacked = kBlockKeys;
    if (inPlace)
      keysPacked = 0;
    int64_t rows = kBlockQueries * s.head_size;
    int64_t counts[] = {keysPacked * s.head_size,
                        keysPacked * widePacked,
                        kBlockQueries * kScoreStride,
                        rows,
                        rows,
                        kBlockQueries,
                        kBlockQueries,
                        kBlockQueries};
    size = placeParts(counts, places);
  }
};

template <typename S>
class Forward {
public:
  Forward(void *ctx, const AttentionShape &shape, float scale,
          const AttentionOperand *operands, float *logsumexp)
      : ctx(ctx), s(shape), scale(scale), query(operands[0]),
        key(operands[1]), value(operands[2]), mask(operands[3]),
        out(operands[4]), logsumexp(logsumexp), table(kernels().attention) {
    layout.choose(s, std::is_same_v<S, float> && key.strides[3] == 1 &&
                         value.strides[3] == 1);
    float *memory = threadScratchOf<float>(ScratchConv, layout.size);
    float **places[] = {&packedKeys, &packedValues, &scores, &queries,
                        &sums, &largest, &total, &correction};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); ++i)
      *places[i] = memory + layout.places[i];
  }

  /// One block of queries of head number `index`, counted over all batches.
  void run(int64_t index, int64_t row) {
    int64_t batch = index / s.heads, head = index % s.heads;
    int64_t keyHead = head / (s.heads / s.key_heads);
    if (index != packedHead) {
      packedHead = index;
      packedBlocks = 0;
    }
    int64_t rows = minOf(kBlockQueries, s.queries - row), ldQuery;
    const float *q = HeadRows<S>(query, batch, head)
                         .read(row, rows, s.head_size, queries, ldQuery);
    for (int64_t r = 0; r < rows; ++r) {
      largest[r] = -__builtin_inff();
      total[r] = 0;
    }
    HeadRows<S> k(key, batch, keyHead), v(value, batch, keyHead);
    int64_t end = s.causal ? minOf(s.keys, row + rows) : s.keys;
    for (int64_t col = 0; col < end; col += kBlockKeys) {
      int64_t cols = minOf(kBlockKeys, end - col);
      if (layout.inPlace)
        multiply(rows, cols, s.head_size, q, ldQuery, k.at(col), k.cs, k.rs,
                 scores, kScoreStride, false);
      else
        multiplyPacked(ctx, rows, cols, s.head_size, q, ldQuery,
                       packKeys(k, v, col), scores, kScoreStride, false);
      ScoreTile tile;
      tile.scores = scores;
      tile.ld = kScoreStride;
      tile.rows = rows;
      tile.cols = cols;
      tile.scale = scale;
      tile.firstAllowed = s.causal ? row + 1 - col : s.keys;
      setMask(tile, s, mask, batch, head, row, col);
      table.onlineSoftmax(tile, largest, total, correction);
      bool first = col == 0;
      if (!first)
        table.scaleRows(sums, s.head_size, rows, s.head_size, correction);
      if (layout.inPlace)
        multiply(rows, s.head_size, cols, scores, kScoreStride, v.at(col),
                 v.rs, v.cs, sums, s.head_size, !first);
      else
        multiplyValues(col, rows, cols, !first);
    }
    finish(index, batch, head, row, rows, end > 0);
  }

private:
  /// The packed block of keys from `col`; its values are packed as well.
  const float *packKeys(const HeadRows<S> &k, const HeadRows<S> &v,
                        int64_t col) {
    int64_t block = col / kBlockKeys, place = layout.keepsPacked ? col : 0;
    float *to = packedKeys + place * s.head_size;
    if (layout.keepsPacked && block < packedBlocks)
      return to;
    int64_t count = minOf(kBlockKeys, s.keys - col);
    packMatrix<S>(k.at(col), k.cs, k.rs, s.head_size, count, to);
    packMatrix<S>(v.at(col), v.rs, v.cs, count, s.head_size,
                  packedValues + place * layout.widePacked);
    packedBlocks = block + 1;
    return to;
  }

  /// sums (+)= probabilities * values.
  void multiplyValues(int64_t col, int64_t rows, int64_t cols,
                      bool accumulate) {
    int64_t count = minOf(kBlockKeys, s.keys - col);
    const float *packed =
        packedValues + (layout.keepsPacked ? col : 0) * layout.widePacked;
    // The causal mask may cut off the last keys of the block: panel by panel,
    // a product takes the first ones only.
    int64_t width = cols < count ? kernels().f32.nr : s.head_size;
    for (int64_t c = 0; c < s.head_size; c += width)
      multiplyPacked(ctx, rows, minOf(width, s.head_size - c), cols, scores,
                     kScoreStride, packed + c * count, sums + c, s.head_size,
                     accumulate);
  }

  void multiply(int64_t M, int64_t N, int64_t K, const float *A, int64_t rsA,
                const S *B, int64_t rsB, int64_t csB, float *C, int64_t rsC,
                bool accumulate) {
    if constexpr (std::is_same_v<S, float>)
      runGemm(ctx, plainProblem(M, N, K, A, rsA, 1, B, rsB, csB, C, rsC,
                                accumulate));
  }

  void finish(int64_t index, int64_t batch, int64_t head, int64_t row,
              int64_t rows, bool anyKeys) {
    if (!anyKeys)
      for (int64_t i = 0; i < rows * s.head_size; ++i)
        sums[i] = 0;
    for (int64_t r = 0; r < rows; ++r) {
      bool empty = total[r] == 0;
      if (logsumexp)
        logsumexp[index * s.queries + row + r] =
            empty ? 0 : largest[r] + table.logarithm(total[r]);
      correction[r] = empty ? 0 : 1 / total[r];
    }
    HeadRows<S> o(out, batch, head);
    AttentionTypes<S>::narrow()(sums, s.head_size, rows, s.head_size,
                                correction, o.at(row), o.rs, o.cs);
  }

  void *ctx;
  const AttentionShape &s;
  float scale;
  const AttentionOperand &query, &key, &value, &mask, &out;
  float *logsumexp;
  const AttentionKernels &table;
  Layout layout;
  int64_t packedHead = -1, packedBlocks = 0;
  float *packedKeys, *packedValues, *scores, *queries, *sums, *largest,
      *total, *correction;
};

} // namespace

void fx_rt_attention(void *ctx, const fx_rt_attention_shape *shape,
                     double scale, const fx_rt_attention_operand *operands,
                     float *logsumexp) {
  const AttentionShape &s = *shape;
  if (s.batch <= 0 || s.heads <= 0 || s.queries <= 0)
    return;
  int64_t blocks = ceilDiv(s.queries, kBlockQueries);
  int64_t work = 2 * minOf(kBlockQueries, s.queries) * s.keys * s.head_size;
  withElementType(s.type, [&](auto *element) {
    using S = std::remove_pointer_t<decltype(element)>;
    parallelFor(ctx, s.batch * s.heads * blocks,
                maxOf(1, kParallelWork / maxOf(work, 1)),
                [&](int64_t begin, int64_t end) {
                  Forward<S> forward(ctx, s, static_cast<float>(scale),
                                     operands, logsumexp);
                  for (int64_t i = begin; i < end; ++i)
                    forward.run(i / blocks, i % blocks * kBlockQueries);
                });
  });
}

void fxrt::addForwardScratch(const AttentionShape &s, fx_rt_scratch &scratch) {
  if (s.batch <= 0 || s.heads <= 0 || s.queries <= 0)
    return;
  Layout layout;
  layout.choose(s, s.type == ElementF32);
  addThreadScratch(scratch, ScratchConv, layout.size * sizeof(float));
  int64_t rows = minOf(kBlockQueries, s.queries);
  int64_t cols = minOf(kBlockKeys, s.keys), d = s.head_size;
  const float *none = nullptr;
  if (layout.inPlace) {
    addGemmScratch(plainProblem(rows, cols, d, none, d, 1, none, 1, d, nullptr,
                                kScoreStride, false), scratch);
    addGemmScratch(plainProblem(rows, d, cols, none, kScoreStride, 1, none, d,
                                1, nullptr, d, true), scratch);
    return;
  }
  // Not used, but not null: B is packed.
  static const float packed = 0;
  addGemmScratch(packedProblem(rows, cols, d, none, d, &packed, nullptr,
                               kScoreStride, false), scratch);
  addGemmScratch(packedProblem(rows, d, cols, none, kScoreStride, &packed,
                               nullptr, d, true), scratch);
}

void fx_rt_attention_scratch(const fx_rt_attention_shape *shape,
                             int32_t backward, fx_rt_scratch *scratch) {
  *scratch = fx_rt_scratch();
  (backward ? addBackwardScratch : addForwardScratch)(*shape, *scratch);
}
