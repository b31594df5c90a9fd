//===- AttentionImpl.h - Shared parts of attention --------------*- C++ -*-===//

#ifndef FX_LIB_RUNTIME_ATTENTIONIMPL_H
#define FX_LIB_RUNTIME_ATTENTIONIMPL_H

#include "GemmImpl.h"

namespace fxrt {

using AttentionShape = fx_rt_attention_shape;
using AttentionOperand = fx_rt_attention_operand;

template <typename S>
struct AttentionTypes;
template <>
struct AttentionTypes<float> {
  static auto widen() { return kernels().attention.widenF32; }
  static auto narrow() { return kernels().attention.narrowF32; }
};
template <>
struct AttentionTypes<BFloat16> {
  static auto widen() { return kernels().attention.widenBF16; }
  static auto narrow() { return kernels().attention.narrowBF16; }
};
template <>
struct AttentionTypes<Half> {
  static auto widen() { return kernels().attention.widenF16; }
  static auto narrow() { return kernels().attention.narrowF16; }
};

/// The rows of one head of an operand.
template <typename S>
struct HeadRows {
  S *data;
  int64_t rs, cs;

  HeadRows(const AttentionOperand &operand, int64_t batch, int64_t head)
      : data(static_cast<S *>(operand.data) + batch * operand.strides[0] +
             head * operand.strides[1]),
        rs(operand.strides[2]), cs(operand.strides[3]) {}

  S *at(int64_t row) const { return data + row * rs; }

  /// Whether the rows can be read in place as rows of f32.
  bool isPlain() const { return std::is_same_v<S, float> && cs == 1; }
  /// `count` rows as f32 with the distance `ld` (an output), copied to
  /// `scratch` unless they are plain.
  const float *read(int64_t row, int64_t count, int64_t cols, float *scratch,
                    int64_t &ld) const {
    if constexpr (std::is_same_v<S, float>)
      if (cs == 1) {
        ld = rs;
        return at(row);
      }
    AttentionTypes<S>::widen()(at(row), rs, cs, count, cols, scratch);
    ld = cols;
    return scratch;
  }
};

/// The mask of a tile of scores, if there is one.
inline void setMask(ScoreTile &tile, const AttentionShape &shape,
                    const AttentionOperand &mask, int64_t batch, int64_t head,
                    int64_t row, int64_t col) {
  tile.mask = nullptr;
  if (!mask.data)
    return;
  int64_t offset = batch * mask.strides[0] + head * mask.strides[1] +
                   row * mask.strides[2] + col * mask.strides[3];
  int64_t size = shape.mask_type == ElementF32 ? 4 : 2;
  tile.mask = static_cast<const char *>(mask.data) + offset * size;
  tile.maskType = static_cast<int32_t>(shape.mask_type);
  tile.rsMask = mask.strides[2];
  tile.csMask = mask.strides[3];
}

/// Packs a matrix of `K` rows and `N` columns as GemmProblem::packedB.
template <typename S>
void packMatrix(const S *B, int64_t rsB, int64_t csB, int64_t K, int64_t N,
                float *packed) {
  const int64_t nr = kernels().f32.nr;
  for (int64_t n = 0; n < N; n += nr)
    packKernels<S, float>().packB(B + n * csB, rsB, csB, K, minOf(nr, N - n),
                                  packed + n * K);
}

/// C (+)= A * B with a packed B.
inline GemmProblem<float, float>
packedProblem(int64_t M, int64_t N, int64_t K, const float *A, int64_t rsA,
              const float *packedB, float *C, int64_t rsC, bool accumulate) {
  GemmProblem<float, float> p;
  p.M = M;
  p.N = N;
  p.K = K;
  p.A = A;
  p.rsA = rsA;
  p.csA = 1;
  p.B = nullptr;
  p.rsB = p.csB = 0;
  p.packedB = packedB;
  p.C = C;
  p.rsC = rsC;
  p.accumulate = accumulate;
  return p;
}
inline void multiplyPacked(void *ctx, int64_t M, int64_t N, int64_t K,
                           const float *A, int64_t rsA, const float *packedB,
                           float *C, int64_t rsC, bool accumulate) {
  runGemm(ctx, packedProblem(M, N, K, A, rsA, packedB, C, rsC, accumulate));
}

/// A product whose operands are both in place.
inline GemmProblem<float, float>
plainProblem(int64_t M, int64_t N, int64_t K, const float *A, int64_t rsA,
             int64_t csA, const float *B, int64_t rsB, int64_t csB, float *C,
             int64_t rsC, bool accumulate) {
  GemmProblem<float, float> p =
      packedProblem(M, N, K, A, rsA, nullptr, C, rsC, accumulate);
  p.csA = csA;
  p.B = B;
  p.rsB = rsB;
  p.csB = csB;
  return p;
}

/// Where the parts of a thread's memory begin; returns the size of all.
template <size_t N>
int64_t placeParts(const int64_t (&counts)[N], int64_t (&places)[N]) {
  int64_t all = 0;
  for (size_t i = 0; i < N; ++i) {
    places[i] = all;
    all += roundUp(counts[i], 16);
  }
  return all;
}

/// The scratch of the forward and of the backward.
void addForwardScratch(const AttentionShape &shape, fx_rt_scratch &scratch);
void addBackwardScratch(const AttentionShape &shape, fx_rt_scratch &scratch);

/// Calls `run` with a null pointer of the operands' type.
template <typename Run>
void withElementType(int64_t type, const Run &run) {
  if (type == ElementBF16)
    run(static_cast<BFloat16 *>(nullptr));
  else if (type == ElementF16)
    run(static_cast<Half *>(nullptr));
  else
    run(static_cast<float *>(nullptr));
}

} // namespace fxrt

#endif // FX_LIB_RUNTIME_ATTENTIONIMPL_H
