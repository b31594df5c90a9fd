//===- GemmImpl.h - Blocking and threading of matrix products ---*- C++ -*-===//

#ifndef FX_LIB_RUNTIME_GEMMIMPL_H
#define FX_LIB_RUNTIME_GEMMIMPL_H

#include "Internal.h"
#include "Kernels.h"

#include <type_traits>

namespace fxrt {

template <typename T>
using Epilogue = void (*)(void *, int64_t, int64_t, int64_t, int64_t, int64_t,
                          T *, int64_t);

/// A batch of products of S operands, summed in T.
template <typename S, typename T>
struct GemmProblem {
  int64_t batch = 1, M, N, K;
  const S *A;
  int64_t bsA = 0, rsA, csA;
  const S *B;
  int64_t bsB = 0, rsB, csB;
  T *C;
  int64_t bsC = 0, rsC;
  bool accumulate = false;
  /// False, with a null C, if the epilogue alone reads the result, tile by
  /// tile. Of narrow operands only.
  bool hasC = true;
  /// Added to each row when it is finished; NULL for none.
  const T *rowBias = nullptr;
  /// Of 8-bit operands.
  bool unsignedA = false, unsignedB = false;
  /// What the epilogue calls the first product.
  int64_t firstBatch = 0;
  /// B in the packed form, instead of B.
  const T *packedB = nullptr;
  Epilogue<T> epilogue = nullptr;
  void *closure = nullptr;
};

template <typename T>
const GemmKernels<T> &gemmKernels();
template <>
inline const GemmKernels<float> &gemmKernels<float>() {
  return kernels().f32;
}
template <>
inline const GemmKernels<double> &gemmKernels<double>() {
  return kernels().f64;
}

template <typename S, typename T>
const PackKernels<S, T> &packKernels();
template <>
inline const PackKernels<float, float> &packKernels() {
  return kernels().packF32;
}
template <>
inline const PackKernels<double, double> &packKernels() {
  return kernels().packF64;
}
template <>
inline const PackKernels<BFloat16, float> &packKernels() {
  return kernels().packBF16;
}
template <>
inline const PackKernels<Half, float> &packKernels() {
  return kernels().packF16;
}

/// The variant of the tile kernels for this many columns.
template <typename T>
TileWidth tileWidth(const GemmKernels<T> &table, int64_t cols) {
  if (cols >= table.nr)
    return FullTile;
  return cols > table.vl ? TwoVectors : OneVector;
}

/// Steps of K of one block: a panel of B should stay in the second-level
/// cache with a block of A, and the tile's load and store should not matter.
constexpr int64_t kMaxBlockK = 384;
inline int64_t blockK(int64_t K, int64_t elementSize) {
  int64_t limit = kMaxBlockK * 4 / elementSize;
  return K <= limit ? K : roundUp(ceilDiv(K, ceilDiv(K, limit)), 8);
}

/// Computes a batch of products on all available threads.
template <typename S, typename T>
void runGemm(void *ctx, const GemmProblem<S, T> &problem);

/// Whether runGemm should be given a packed copy of B that is there already.
template <typename S, typename T>
bool wantsPackedB(const GemmProblem<S, T> &problem);
/// Elements of that copy, and how it is made: panels of nr columns one after
/// the other, so that any block of K is a contiguous part of its panel.
template <typename S, typename T>
int64_t packedCountB(const GemmProblem<S, T> &problem);
template <typename S, typename T>
void packB(void *ctx, const GemmProblem<S, T> &problem, T *packed);

/// Adds what runGemm asks threads for.
template <typename S, typename T>
void addGemmScratch(const GemmProblem<S, T> &problem, fx_rt_scratch &needs);

} // namespace fxrt

#endif // FX_LIB_RUNTIME_GEMMIMPL_H
