//===- KernelsGemm.h - Innermost loops of the matrix product ----*- C++ -*-===//
//
// Included by the Kernels*.cpp only, after FX_TILE_ROWS was chosen.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_KERNELSGEMM_H
#define FX_LIB_RUNTIME_KERNELSGEMM_H

#include "KernelsTile.h"

namespace fxrt {
namespace {

template <typename T>
constexpr int kTileCols = kTileVectors * kLanes<T>;

/// One register tile: R x NV accumulators stay in registers over all K steps.
/// Prefetching is left to the hardware, packed operands are read strictly
/// forward.
template <typename T, int R, int NV, bool PackedA, bool Masked>
void tileKernel(int64_t K, const T *A, int64_t rsA, int64_t csA, const T *B,
                int64_t ldb, T *C, int64_t ldc, int64_t cols, bool accumulate,
                const T *rowBias) {
  using V = Vector<T>;
  constexpr int VL = kLanes<T>;
  const int64_t last = cols - (NV - 1) * VL;
  V acc[R][NV] = {};
  prefetchTile<T, R, NV>(C, ldc, K);

  // Strided rows are addressed from every third row, so that few pointers and
  // one index register reach all of them.
  constexpr int groups = (R + 2) / 3;
  const T *a[groups];
  for (int g = 0; g < groups; ++g)
    a[g] = A + g * 3 * rsA;

#pragma clang loop unroll_count(2)
  for (int64_t k = 0; k < K; ++k) {
    V b[NV];
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j) {
      if (Masked && kHasMaskedLoads && j == NV - 1)
        b[j] = loadFirst(B + j * VL, last);
      else
        b[j] = load(B + j * VL);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      V value = splat<T>(PackedA ? A[i] : a[i / 3][(i % 3) * rsA]);
#pragma clang loop unroll(full)
      for (int j = 0; j < NV; ++j)
        acc[i][j] += value * b[j];
    }
    if constexpr (PackedA) {
      A += R;
    } else {
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; ++g)
        a[g] += csA;
    }
    B += ldb;
  }

  storeTile<T, R, NV, Masked>(acc, C, ldc, cols, accumulate, rowBias);
}

template <typename T, int R, int N>
void dotKernel(int64_t K, const T *A, int64_t rsA, const T *B, int64_t csB,
               T *C, int64_t ldc, bool accumulate, const T *rowBias) {
  using V = Vector<T>;
  constexpr int VL = kLanes<T>;
  // Padded to whole groups of VL vectors for the final summation.
  constexpr int count = (R * N + VL - 1) / VL * VL;
  V acc[count] = {};
  int64_t k = 0;
  for (; k + VL <= K; k += VL) {
    V b[N];
#pragma clang loop unroll(full)
    for (int j = 0; j < N; ++j)
      b[j] = load(B + j * csB + k);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      V a = load(A + i * rsA + k);
#pragma clang loop unroll(full)
      for (int j = 0; j < N; ++j)
        acc[i * N + j] += a * b[j];
    }
  }
  if (k < K) {
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      V a = loadFirst(A + i * rsA + k, K - k);
#pragma clang loop unroll(full)
      for (int j = 0; j < N; ++j)
        acc[i * N + j] += a * loadFirst(B + j * csB + k, K - k);
    }
  }
  T sums[count];
#pragma clang loop unroll(full)
  for (int g = 0; g < count; g += VL)
    store<T>(sums + g, sumRows<T>(acc + g));
  for (int i = 0; i < R; ++i) {
    T bias = rowBias ? rowBias[i] : T(0);
    for (int j = 0; j < N; ++j) {
      T *c = C + i * ldc + j;
      *c = (accumulate ? *c + sums[i * N + j] : sums[i * N + j]) + bias;
    }
  }
}

/// U steps of K for the columns [0, N); `first` starts from zero.
template <typename T, int R, int U>
FX_INLINE void axpySteps(int64_t N, const T *A, int64_t rsA, int64_t csA,
                         const T *B, int64_t ldb, T *C, int64_t ldc,
                         bool first) {
  using V = Vector<T>;
  constexpr int VL = kLanes<T>;
  V a[R][U];
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int u = 0; u < U; ++u)
      a[i][u] = splat<T>(A[i * rsA + u * csA]);
  int64_t n = 0;
  for (; n + VL <= N; n += VL) {
    V acc[R];
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i)
      acc[i] = first ? V{} : load(C + i * ldc + n);
#pragma clang loop unroll(full)
    for (int u = 0; u < U; ++u) {
      V b = load(B + u * ldb + n);
#pragma clang loop unroll(full)
      for (int i = 0; i < R; ++i)
        acc[i] += a[i][u] * b;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i)
      store<T>(C + i * ldc + n, acc[i]);
  }
  if (n == N)
    return;
  V acc[R];
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
    acc[i] = first ? V{} : loadFirst(C + i * ldc + n, N - n);
#pragma clang loop unroll(full)
  for (int u = 0; u < U; ++u) {
    V b = loadFirst(B + u * ldb + n, N - n);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i)
      acc[i] += a[i][u] * b;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
    storeFirst(C + i * ldc + n, acc[i], N - n);
}

template <typename T, int R>
void axpyKernel(int64_t K, int64_t N, const T *A, int64_t rsA, int64_t csA,
                const T *B, int64_t ldb, T *C, int64_t ldc, bool accumulate,
                const T *rowBias) {
  constexpr int64_t block = 8192 / sizeof(T);
  constexpr int U = R == 1 ? 8 : 4;
  for (int64_t n = 0; n < N; n += block) {
    int64_t cols = N - n < block ? N - n : block;
    bool first = !accumulate;
    int64_t k = 0;
    for (; k + U <= K; k += U, first = false)
      axpySteps<T, R, U>(cols, A + k * csA, rsA, csA, B + k * ldb + n, ldb,
                         C + n, ldc, first);
    for (; k < K; ++k, first = false)
      axpySteps<T, R, 1>(cols, A + k * csA, rsA, csA, B + k * ldb + n, ldb,
                         C + n, ldc, first);
    if (rowBias)
      for (int i = 0; i < R; ++i)
        for (int64_t j = 0; j < cols; ++j)
          C[i * ldc + n + j] += rowBias[i];
  }
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// VL consecutive k of up to VL rows that are contiguous in k, transposed:
/// result[k][row]. Absent rows and steps are zero.
template <typename S, typename T>
FX_INLINE void loadTransposed(const S *p, int64_t rowStride, int64_t rows,
                              int64_t steps, Vector<T> *result) {
  constexpr int VL = kLanes<T>;
  if (steps >= VL) {
#pragma clang loop unroll(full)
    for (int i = 0; i < VL; ++i)
      result[i] = i < rows ? load(p + i * rowStride) : Vector<T>{};
  } else {
#pragma clang loop unroll(full)
    for (int i = 0; i < VL; ++i)
      result[i] = i < rows ? loadFirst(p + i * rowStride, steps) : Vector<T>{};
  }
  transpose<T>(result);
}

template <typename S, typename T>
void packA(const S *A, int64_t rsA, int64_t csA, int64_t rows, int64_t K,
           T *packed) {
  constexpr int VL = kLanes<T>;
  if (rsA == 1 && rows >= 2) {
    for (int64_t k = 0; k < K; ++k) {
      const S *from = A + k * csA;
      T *to = packed + k * rows;
      int64_t i = 0;
      for (; i + VL <= rows; i += VL)
        store<T>(to + i, load(from + i));
      if (i < rows)
        storeFirst(to + i, loadFirst(from + i, rows - i), rows - i);
    }
    return;
  }
  if (csA == 1) {
    for (int64_t k = 0; k < K; k += VL) {
      int64_t steps = K - k < VL ? K - k : VL;
      for (int64_t r = 0; r < rows; r += VL) {
        int64_t count = rows - r < VL ? rows - r : VL;
        Vector<T> block[VL];
        loadTransposed<S, T>(A + r * rsA + k, rsA, count, steps, block);
        T *to = packed + k * rows + r;
        // A full store spills into the next step's values, which are written
        // afterwards if one block covers all rows.
        if (rows <= VL && k + 2 * VL <= K) {
#pragma clang loop unroll(full)
          for (int i = 0; i < VL; ++i)
            store<T>(to + i * rows, block[i]);
        } else {
          for (int64_t i = 0; i < steps; ++i)
            storeFirst(to + i * rows, block[i], count);
        }
      }
    }
    return;
  }
  for (int64_t k = 0; k < K; ++k)
    for (int64_t i = 0; i < rows; ++i)
      packed[k * rows + i] = widen(A[i * rsA + k * csA]);
}

template <typename S, typename T>
void packB(const S *B, int64_t rsB, int64_t csB, int64_t K, int64_t cols,
           T *packed) {
  constexpr int VL = kLanes<T>, NR = kTileCols<T>;
  if (csB == 1) {
    if (cols == NR) {
      for (int64_t k = 0; k < K; ++k)
#pragma clang loop unroll(full)
        for (int j = 0; j < kTileVectors; ++j)
          store<T>(packed + k * NR + j * VL, load(B + k * rsB + j * VL));
      return;
    }
    for (int64_t k = 0; k < K; ++k)
      for (int j = 0; j < NR; j += VL) {
        int64_t count = cols - j < VL ? cols - j : VL;
        store<T>(packed + k * NR + j,
                 count > 0 ? loadFirst(B + k * rsB + j, count) : Vector<T>{});
      }
    return;
  }
  if (rsB == 1) {
    for (int64_t k = 0; k < K; k += VL) {
      int64_t steps = K - k < VL ? K - k : VL;
      for (int j = 0; j < NR; j += VL) {
        int64_t count = cols - j < VL ? cols - j : VL;
        // Columns far apart share cache sets and pages: ask for them early.
        for (int64_t i = 0; i < count; ++i)
          __builtin_prefetch(B + (j + i) * csB + k + 4 * VL);
        Vector<T> block[VL];
        loadTransposed<S, T>(B + j * csB + k, csB, count, steps, block);
        for (int64_t i = 0; i < steps; ++i)
          store<T>(packed + (k + i) * NR + j, block[i]);
      }
    }
    return;
  }
  for (int64_t k = 0; k < K; ++k)
    for (int64_t j = 0; j < NR; ++j)
      packed[k * NR + j] = j < cols ? widen(B[k * rsB + j * csB]) : T(0);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

template <typename T, int R>
constexpr void addTileRows(GemmKernels<T> &table) {
  table.packedTile[R - 1][FullTile] = tileKernel<T, R, 2, true, false>;
  table.packedTile[R - 1][TwoVectors] = tileKernel<T, R, 2, true, true>;
  table.packedTile[R - 1][OneVector] = tileKernel<T, R, 1, true, true>;
  table.stridedTile[R - 1][FullTile] = tileKernel<T, R, 2, false, false>;
  table.stridedTile[R - 1][TwoVectors] = tileKernel<T, R, 2, false, true>;
  table.stridedTile[R - 1][OneVector] = tileKernel<T, R, 1, false, true>;
}

template <typename T, size_t... R>
constexpr void addAllTileRows(GemmKernels<T> &table,
                              std::index_sequence<R...>) {
  (addTileRows<T, R + 1>(table), ...);
}

template <typename T>
constexpr GemmKernels<T> gemmTable() {
  GemmKernels<T> table = {};
  table.mr = FX_TILE_ROWS;
  table.nr = kTileCols<T>;
  table.vl = kLanes<T>;
  table.maskedLoads = kHasMaskedLoads;
  addAllTileRows(table, std::make_index_sequence<FX_TILE_ROWS>());
  table.dot[0][0] = dotKernel<T, 1, 1>;
  table.dot[0][1] = dotKernel<T, 1, 2>;
  table.dot[0][2] = dotKernel<T, 1, 3>;
  table.dot[0][3] = dotKernel<T, 1, 4>;
  table.dot[1][0] = dotKernel<T, 2, 1>;
  table.dot[1][1] = dotKernel<T, 2, 2>;
  table.dot[1][2] = dotKernel<T, 2, 3>;
  table.dot[1][3] = dotKernel<T, 2, 4>;
  table.dot[2][0] = dotKernel<T, 3, 1>;
  table.dot[2][1] = dotKernel<T, 3, 2>;
  table.dot[2][2] = dotKernel<T, 3, 3>;
  table.dot[2][3] = dotKernel<T, 3, 4>;
  table.dot[3][0] = dotKernel<T, 4, 1>;
  table.dot[3][1] = dotKernel<T, 4, 2>;
  table.dot[3][2] = dotKernel<T, 4, 3>;
  table.dot[3][3] = dotKernel<T, 4, 4>;
  table.axpy[0] = axpyKernel<T, 1>;
  table.axpy[1] = axpyKernel<T, 2>;
  table.axpy[2] = axpyKernel<T, 3>;
  table.axpy[3] = axpyKernel<T, 4>;
  return table;
}

} // namespace
} // namespace fxrt

#endif // FX_LIB_RUNTIME_KERNELSGEMM_H
