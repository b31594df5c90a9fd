//===- KernelsDot.cpp - Products with AVX-512's dot products --------------===//
//
// vdpbf16ps multiplies pairs of bfloat16 and adds both products to an f32. So
// packed operands hold two steps of K in each 32-bit element; otherwise they
// and the tile are those of f32.
//
//===----------------------------------------------------------------------===//

#define FX_VECTOR_BYTES 64
#define FX_TILE_ROWS 14

#include "KernelsTile.h"

#define FX_LAMBDA_INLINE __attribute__((always_inline))

namespace fxrt {
namespace {

constexpr int VL = 16;

FX_INLINE __m512bh asPairs(VectorF32 v) { return (__m512bh)(__m512i)v; }

FX_INLINE VectorF32 addDot(VectorF32 acc, VectorF32 a, VectorF32 b) {
  return (VectorF32)_mm512_dpbf16_ps((__m512)acc, asPairs(a), asPairs(b));
}

/// `onStep` runs before each step.
template <int R, int NV, bool Masked, typename OnStep>
FX_INLINE void computeTile(int64_t K, const float *A, const float *B,
                           int64_t ldb, float *C, int64_t ldc, int64_t cols,
                           bool accumulate, const float *rowBias,
                           const OnStep &onStep) {
  VectorF32 acc[R][NV] = {};
#pragma clang loop unroll_count(2)
  for (int64_t k = 0; k < K; ++k) {
    onStep();
    VectorF32 b[NV];
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j)
      b[j] = load(B + j * VL);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      // The bits of a pair: no arithmetic as f32.
      VectorF32 a = (VectorF32)_mm512_set1_ps(A[i]);
#pragma clang loop unroll(full)
      for (int j = 0; j < NV; ++j)
        acc[i][j] = addDot(acc[i][j], a, b[j]);
    }
    A += R;
    B += ldb;
  }
  storeTile<float, R, NV, Masked>(acc, C, ldc, cols, accumulate, rowBias);
}

template <int R, int NV, bool Masked>
void tileKernel(int64_t K, const float *A, int64_t, int64_t, const float *B,
                int64_t ldb, float *C, int64_t ldc, int64_t cols,
                bool accumulate, const float *rowBias) {
  computeTile<R, NV, Masked>(K, A, B, ldb, C, ldc, cols, accumulate, rowBias,
                             []() FX_LAMBDA_INLINE {});
}

template <int R, int NV, bool Masked>
void fetchingTile(int64_t K, const float *A, const float *B, float *C,
                  int64_t ldc, int64_t cols, bool accumulate,
                  const float *rowBias, Fetch &fetch) {
  Fetch ahead = fetch;
  computeTile<R, NV, Masked>(K, A, B, kTileVectors * VL, C, ldc, cols,
                             accumulate, rowBias, [&]() FX_LAMBDA_INLINE {
                               if (!ahead.rows)
                                 return;
                               __builtin_prefetch(ahead.at + ahead.done, 0, 2);
                               ahead.done += 64;
                               if (ahead.done < ahead.rowBytes)
                                 return;
                               ahead.done = 0;
                               ahead.at += ahead.stride;
                               --ahead.rows;
                             });
  fetch = ahead;
}

/// The first n of 32 elements; the others are zero.
FX_INLINE VectorF32 loadPairs(const BFloat16 *p, int64_t n) {
  if (n >= 32)
    return (VectorF32)_mm512_loadu_si512(p);
  return (VectorF32)_mm512_maskz_loadu_epi16((1u << n) - 1, p);
}

template <int R, int N>
void dotKernel(int64_t K, const BFloat16 *A, int64_t rsA, const BFloat16 *B,
               int64_t csB, float *C, int64_t ldc, bool accumulate) {
  VectorF32 acc[VL] = {};
  int64_t k = 0;
  for (; k + 32 <= K; k += 32) {
    VectorF32 b[N];
#pragma clang loop unroll(full)
    for (int j = 0; j < N; ++j)
      b[j] = (VectorF32)_mm512_loadu_si512(B + j * csB + k);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      VectorF32 a = (VectorF32)_mm512_loadu_si512(A + i * rsA + k);
#pragma clang loop unroll(full)
      for (int j = 0; j < N; ++j)
        acc[i * N + j] = addDot(acc[i * N + j], a, b[j]);
    }
  }
  if (k < K) {
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      VectorF32 a = loadPairs(A + i * rsA + k, K - k);
#pragma clang loop unroll(full)
      for (int j = 0; j < N; ++j)
        acc[i * N + j] =
            addDot(acc[i * N + j], a, loadPairs(B + j * csB + k, K - k));
    }
  }
  float sums[VL];
  store<float>(sums, sumRows<float>(acc));
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < N; ++j) {
      float *c = C + i * ldc + j;
      *c = accumulate ? *c + sums[i * N + j] : sums[i * N + j];
    }
}

template <int R, int NV, bool Masked>
void offsetTile(int64_t K, const float *A, const float *B,
                const int32_t *offset, float *C, int64_t ldc, int64_t cols,
                bool accumulate, const float *rowBias) {
  VectorF32 acc[R][NV] = {};
#pragma clang loop unroll_count(2)
  for (int64_t k = 0; k < K; ++k, A += R) {
    const float *from = B + offset[k];
    VectorF32 b[NV];
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j)
      b[j] = load(from + j * VL);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      VectorF32 a = (VectorF32)_mm512_set1_ps(A[i]);
#pragma clang loop unroll(full)
      for (int j = 0; j < NV; ++j)
        acc[i][j] = addDot(acc[i][j], a, b[j]);
    }
  }
  storeTile<float, R, NV, Masked>(acc, C, ldc, cols, accumulate, rowBias);
}

//===----------------------------------------------------------------------===//
// Weight gradient
//===----------------------------------------------------------------------===//

template <int R, int NV>
void weightTile(const WeightTile<BFloat16> &args) {
  constexpr int NR = kTileVectors * VL;
  VectorF32 acc[R][NV] = {};
  const float *grad = args.grad;
  const int64_t *place = args.place;
  const BFloat16 *rows[R];
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
    rows[i] = args.image + args.offset[i];
  auto step = [&](auto loadPair) FX_LAMBDA_INLINE {
    const int64_t at = *place++;
    VectorF32 g[NV];
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j)
      g[j] = load(grad + j * VL);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      VectorF32 value = (VectorF32)_mm512_set1_epi32(loadPair(rows[i] + at));
#pragma clang loop unroll(full)
      for (int j = 0; j < NV; ++j)
        acc[i][j] = addDot(acc[i][j], value, g[j]);
    }
    grad += NR;
  };
  for (int64_t line = 0; line < args.lines; ++line) {
    for (int64_t x = 0; x < args.pairs; ++x)
      step([](const BFloat16 *from) FX_LAMBDA_INLINE {
        int32_t pair;
        __builtin_memcpy(&pair, from, sizeof(pair));
        return pair;
      });
    // The element beyond an odd width may be infinite: zero times it is not.
    if (args.isOdd)
      step([](const BFloat16 *from) FX_LAMBDA_INLINE {
        return (int32_t)from->bits;
      });
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j) {
      float *to = args.tile + i * args.ldTile + j * VL;
      store<float>(to, load(to) + acc[i][j]);
    }
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

FX_INLINE float makePair(BFloat16 low, BFloat16 high) {
  uint32_t bits = low.bits | (uint32_t)high.bits << 16;
  float pair;
  __builtin_memcpy(&pair, &bits, sizeof(pair));
  return pair;
}

/// Up to 16 pairs of up to 16 rows that are contiguous in K, transposed:
/// result[pair][row]. Absent rows and steps are zero.
FX_INLINE void loadPairsTransposed(const BFloat16 *p, int64_t rowStride,
                                   int64_t rows, int64_t steps,
                                   VectorF32 *result) {
  if (rows == VL && steps == 2 * VL) {
#pragma clang loop unroll(full)
    for (int i = 0; i < VL; ++i)
      result[i] = (VectorF32)_mm512_loadu_si512(p + i * rowStride);
  } else {
#pragma clang loop unroll(full)
    for (int i = 0; i < VL; ++i)
      result[i] = i < rows ? loadPairs(p + i * rowStride, steps) : VectorF32{};
  }
  transpose<float>(result);
}

/// Elements of two rows, alternating: of the first (Half = 0) or the last 16.
template <int Half>
FX_INLINE VectorF32 interleave(__m512i low, __m512i high) {
  alignas(64) static constexpr uint16_t index[32] = {
      Half * 16 + 0,  Half * 16 + 32, Half * 16 + 1,  Half * 16 + 33,
      Half * 16 + 2,  Half * 16 + 34, Half * 16 + 3,  Half * 16 + 35,
      Half * 16 + 4,  Half * 16 + 36, Half * 16 + 5,  Half * 16 + 37,
      Half * 16 + 6,  Half * 16 + 38, Half * 16 + 7,  Half * 16 + 39,
      Half * 16 + 8,  Half * 16 + 40, Half * 16 + 9,  Half * 16 + 41,
      Half * 16 + 10, Half * 16 + 42, Half * 16 + 11, Half * 16 + 43,
      Half * 16 + 12, Half * 16 + 44, Half * 16 + 13, Half * 16 + 45,
      Half * 16 + 14, Half * 16 + 46, Half * 16 + 15, Half * 16 + 47};
  return (VectorF32)_mm512_permutex2var_epi16(
      low, _mm512_load_si512(index), high);
}

void packA(const BFloat16 *A, int64_t rsA, int64_t csA, int64_t rows,
           int64_t K, float *packed) {
  if (csA == 1) {
    for (int64_t k = 0; k < K; k += 2 * VL) {
      int64_t steps = K - k < 2 * VL ? K - k : 2 * VL;
      VectorF32 block[VL];
      loadPairsTransposed(A + k, rsA, rows, steps, block);
      float *to = packed + k / 2 * rows;
      // A full store spills into the next step's values, which are written
      // afterwards, and behind the last one's.
      if (steps == 2 * VL) {
#pragma clang loop unroll(full)
        for (int i = 0; i < VL; ++i)
          store<float>(to + i * rows, block[i]);
      } else {
        for (int64_t i = 0; i < (steps + 1) / 2; ++i)
          storeFirst(to + i * rows, block[i], rows);
      }
    }
    return;
  }
  if (rsA == 1) {
    const __mmask32 mask = (1u << rows) - 1;
    for (int64_t k = 0; k < K; k += 2) {
      const BFloat16 *from = A + k * csA;
      __m512i low = _mm512_maskz_loadu_epi16(mask, from), high = {};
      if (k + 1 < K)
        high = _mm512_maskz_loadu_epi16(mask, from + csA);
      storeFirst(packed + k / 2 * rows, interleave<0>(low, high), rows);
    }
    return;
  }
  for (int64_t k = 0; k < K; k += 2)
    for (int64_t i = 0; i < rows; ++i) {
      const BFloat16 *from = A + i * rsA + k * csA;
      packed[k / 2 * rows + i] =
          makePair(from[0], k + 1 < K ? from[csA] : BFloat16{0});
    }
}

void packB(const BFloat16 *B, int64_t rsB, int64_t csB, int64_t K,
           int64_t cols, float *packed) {
  constexpr int NR = kTileVectors * VL;
  if (csB == 1) {
    const __mmask32 mask = cols >= NR ? ~0u : (1u << cols) - 1;
    for (int64_t k = 0; k < K; k += 2) {
      const BFloat16 *from = B + k * rsB;
      __m512i low = _mm512_maskz_loadu_epi16(mask, from), high = {};
      if (k + 1 < K)
        high = _mm512_maskz_loadu_epi16(mask, from + rsB);
      float *to = packed + k / 2 * NR;
      store<float>(to, interleave<0>(low, high));
      store<float>(to + VL, interleave<1>(low, high));
    }
    return;
  }
  if (rsB == 1) {
    for (int64_t k = 0; k < K; k += 2 * VL) {
      int64_t steps = K - k < 2 * VL ? K - k : 2 * VL;
      for (int j = 0; j < NR; j += VL) {
        int64_t count = cols - j < VL ? cols - j : VL;
        // Columns far apart share cache sets and pages: ask for them early.
        for (int64_t i = 0; i < count; ++i)
          __builtin_prefetch(B + (j + i) * csB + k + 4 * VL);
        VectorF32 block[VL];
        loadPairsTransposed(B + j * csB + k, csB, count, steps, block);
        for (int64_t i = 0; i < (steps + 1) / 2; ++i)
          store<float>(packed + (k / 2 + i) * NR + j, block[i]);
      }
    }
    return;
  }
  for (int64_t k = 0; k < K; k += 2)
    for (int64_t j = 0; j < NR; ++j) {
      const BFloat16 *from = B + k * rsB + j * csB;
      packed[k / 2 * NR + j] =
          j < cols ? makePair(from[0], k + 1 < K ? from[rsB] : BFloat16{0})
                   : 0.0f;
    }
}

/// Pairs of both halves of a piece of 2 * size <= 32 elements.
FX_INLINE void pairShortPlanes(const BFloat16 *from, int64_t channels,
                               int64_t size, float *to) {
  alignas(64) uint16_t index[32] = {};
  for (int64_t i = 0; i < size; ++i) {
    index[2 * i] = i;
    index[2 * i + 1] = size + i;
  }
  const __m512i order = _mm512_load_si512(index);
  const __mmask32 both = ~0u >> (32 - 2 * size);
  int64_t c = 0;
  for (; c + 2 <= channels; c += 2, from += 2 * size, to += size)
    storeFirst(to,
               (VectorF32)_mm512_permutexvar_epi16(
                   order, _mm512_maskz_loadu_epi16(both, from)),
               size);
  if (c < channels)
    storeFirst(to,
               (VectorF32)_mm512_permutexvar_epi16(
                   order,
                   _mm512_maskz_loadu_epi16(~0u >> (32 - size), from)),
               size);
}

void pairPlanes(const BFloat16 *from, int64_t channels, int64_t size,
                float *to) {
  if (size <= VL)
    return pairShortPlanes(from, channels, size, to);
  for (int64_t c = 0; c < channels; c += 2, from += 2 * size, to += size) {
    const bool two = c + 1 < channels;
    for (int64_t i = 0; i < size; i += 2 * VL) {
      int64_t count = size - i < 2 * VL ? size - i : 2 * VL;
      __m512i low = (__m512i)loadPairs(from + i, count), high = {};
      if (two)
        high = (__m512i)loadPairs(from + size + i, count);
      if (count == 2 * VL) {
        store<float>(to + i, interleave<0>(low, high));
        store<float>(to + i + VL, interleave<1>(low, high));
        continue;
      }
      storeFirst(to + i, interleave<0>(low, high), count < VL ? count : VL);
      if (count > VL)
        storeFirst(to + i + VL, interleave<1>(low, high), count - VL);
    }
  }
}

void packWeights(const BFloat16 *weight, int64_t rows, int64_t channels,
                 int64_t taps, const PairPlaces &places, int64_t k0, int64_t k1,
                 float *packed) {
  const int64_t elements = channels * taps;
  for (int64_t q = k0; q < k1; q += VL) {
    // A block of pairs lies in 64 elements of the row.
    const BFloat16 *from = weight + q / taps * 2 * taps;
    const int64_t rest = weight + elements - from;
    const __m512i order = _mm512_load_si512(places.index[q % taps]);
    VectorF32 block[VL];
    auto loadRows = [&](auto load) FX_LAMBDA_INLINE {
#pragma clang loop unroll(full)
      for (int i = 0; i < VL; ++i) {
        block[i] = VectorF32{};
        if (i < rows) {
          const BFloat16 *row = from + i * elements;
          // Rows far apart share cache sets and pages: ask for them early.
          __builtin_prefetch(row + 512);
          block[i] = (VectorF32)_mm512_permutex2var_epi16(load(row, 0), order,
                                                          load(row, 32));
        }
      }
    };
    if (rest >= 64) {
      loadRows([](const BFloat16 *row, int64_t at) FX_LAMBDA_INLINE {
        return _mm512_loadu_si512(row + at);
      });
    } else {
      const uint64_t mask = (uint64_t(1) << rest) - 1;
      loadRows([=](const BFloat16 *row, int64_t at) FX_LAMBDA_INLINE {
        return _mm512_maskz_loadu_epi16((__mmask32)(mask >> at), row + at);
      });
    }
    transpose<float>(block);
    float *to = packed + (q - k0) * rows;
    // A full store spills into the next step's values, which are written
    // afterwards.
    if (q + 2 * VL <= k1) {
#pragma clang loop unroll(full)
      for (int i = 0; i < VL; ++i)
        store<float>(to + i * rows, block[i]);
    } else {
      for (int64_t i = 0; i < (k1 - q < VL ? k1 - q : VL); ++i)
        storeFirst(to + i * rows, block[i], rows);
    }
  }
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

template <int R>
constexpr void addTileRows(GemmKernels<float> &table) {
  table.packedTile[R - 1][FullTile] = tileKernel<R, 2, false>;
  table.packedTile[R - 1][TwoVectors] = tileKernel<R, 2, true>;
  table.packedTile[R - 1][OneVector] = tileKernel<R, 1, true>;
}
template <size_t... R>
constexpr void addFetchingTiles(DotKernels &table, std::index_sequence<R...>) {
  ((table.fetchingTile[R][FullTile] = fetchingTile<R + 1, 2, false>,
    table.fetchingTile[R][TwoVectors] = fetchingTile<R + 1, 2, true>,
    table.fetchingTile[R][OneVector] = fetchingTile<R + 1, 1, true>),
   ...);
}
template <size_t... R>
constexpr void addAllTileRows(GemmKernels<float> &table,
                              std::index_sequence<R...>) {
  (addTileRows<R + 1>(table), ...);
}
template <int R, size_t... N>
constexpr void addDotRow(DotKernels &table, std::index_sequence<N...>) {
  ((table.dot[R - 1][N] = dotKernel<R, N + 1>), ...);
}
template <size_t... R>
constexpr void addDotRows(DotKernels &table, std::index_sequence<R...>) {
  (addDotRow<R + 1>(table, std::make_index_sequence<kDotTile>()), ...);
}

template <size_t... R>
constexpr void addConvolutionTiles(DotKernels &table,
                                   std::index_sequence<R...>) {
  ((table.offsetTile[R][FullTile] = offsetTile<R + 1, 2, false>,
    table.offsetTile[R][TwoVectors] = offsetTile<R + 1, 2, true>,
    table.offsetTile[R][OneVector] = offsetTile<R + 1, 1, true>),
   ...);
}
template <size_t... R>
constexpr void addWeightTiles(DotKernels &table, std::index_sequence<R...>) {
  ((table.weightTile[R][0] = weightTile<R + 1, 1>,
    table.weightTile[R][1] = weightTile<R + 1, 2>),
   ...);
}

constexpr DotKernels dotTable() {
  DotKernels table = {};
  table.tiles.mr = FX_TILE_ROWS;
  table.tiles.nr = kTileVectors * VL;
  table.tiles.vl = VL;
  table.tiles.maskedLoads = true;
  addAllTileRows(table.tiles, std::make_index_sequence<FX_TILE_ROWS>());
  addFetchingTiles(table, std::make_index_sequence<FX_TILE_ROWS>());
  table.pack = {packA, packB};
  addDotRows(table, std::make_index_sequence<kDotTile>());
  addConvolutionTiles(table, std::make_index_sequence<FX_TILE_ROWS>());
  table.pairPlanes = pairPlanes;
  table.packWeights = packWeights;
  addWeightTiles(table, std::make_index_sequence<kPatchRows>());
  return table;
}

} // namespace
} // namespace fxrt

const fxrt::DotKernels fxrt::dotKernelsBF16 = fxrt::dotTable();
