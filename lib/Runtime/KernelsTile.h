//===- KernelsTile.h - Results of the register tile -------------*- C++ -*-===//
//
// Included by the other Kernels*.h and Kernels*.cpp only.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_KERNELSTILE_H
#define FX_LIB_RUNTIME_KERNELSTILE_H

#include "Simd.h"

namespace fxrt {
namespace {

/// Vectors in a row of the tile.
constexpr int kTileVectors = 2;

/// Asks for the lines of C that a tile will change at its end. Short sums are
/// done before they come.
template <typename T, int R, int NV>
FX_INLINE void prefetchTile(const T *C, int64_t ldc, int64_t K) {
  if (K < 64)
    return;
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j)
      __builtin_prefetch(C + i * ldc + j * kLanes<T>, 1);
}

/// C (+)= acc (+ bias of the row).
template <typename T, int R, int NV, bool Masked>
FX_INLINE void storeTile(const Vector<T> (&acc)[R][NV], T *C, int64_t ldc,
                         int64_t cols, bool accumulate, const T *rowBias) {
  using V = Vector<T>;
  constexpr int VL = kLanes<T>;
  const int64_t last = cols - (NV - 1) * VL;
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i) {
    V bias = splat<T>(rowBias ? rowBias[i] : T(0));
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j) {
      T *c = C + i * ldc + j * VL;
      V v = acc[i][j];
      if (Masked && j == NV - 1) {
        if (accumulate)
          v += loadFirst(c, last);
        storeFirst(c, v + bias, last);
      } else {
        if (accumulate)
          v += load(c);
        store(c, v + bias);
      }
    }
  }
}

} // namespace
} // namespace fxrt

#endif // FX_LIB_RUNTIME_KERNELSTILE_H
