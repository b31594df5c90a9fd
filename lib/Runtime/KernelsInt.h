//===- KernelsInt.h - Innermost loops of 8-bit products ---------*- C++ -*-===//
//
// Included by the Kernels*.cpp only. Packed elements hold two 16-bit integers,
// or four bytes under FX_VNNI; one instruction multiplies them by those of
// another element and adds the products to a 32-bit sum.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_KERNELSINT_H
#define FX_LIB_RUNTIME_KERNELSINT_H

#include "KernelsTile.h"

namespace fxrt {
namespace {

#ifdef FX_VNNI
constexpr int kIntSteps = 4;
#else
constexpr int kIntSteps = 2;
#endif

/// acc + the products of a's and b's integers.
template <bool UnsignedA>
FX_INLINE VectorU32 addProducts(VectorU32 acc, VectorU32 a, VectorU32 b) {
#if defined(FX_VNNI)
  return UnsignedA ? (VectorU32)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)a,
                                                    (__m512i)b)
                   : (VectorU32)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)b,
                                                    (__m512i)a);
#elif FX_VECTOR_BYTES == 64
  return acc + (VectorU32)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif FX_VECTOR_BYTES == 32
  return acc + (VectorU32)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__) && FX_VECTOR_BYTES == 16
  return acc + (VectorU32)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  typedef int32_t Signed __attribute__((vector_size(FX_VECTOR_BYTES)));
  auto low = [](VectorU32 v) { return (VectorU32)((Signed)(v << 16) >> 16); };
  auto high = [](VectorU32 v) { return (VectorU32)((Signed)v >> 16); };
  return acc + low(a) * low(b) + high(a) * high(b);
#endif
}

template <bool UnsignedA, int R, int NV, bool Masked>
void intTile(int64_t K, const uint32_t *A, int64_t, int64_t,
             const uint32_t *B, int64_t ldb, uint32_t *C, int64_t ldc,
             int64_t cols, bool accumulate, const uint32_t *rowBias) {
  constexpr int VL = kLanes<uint32_t>;
  VectorU32 acc[R][NV] = {};
#pragma clang loop unroll_count(2)
  for (int64_t k = 0; k < K; ++k) {
    VectorU32 b[NV];
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j)
      b[j] = load(B + j * VL);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      VectorU32 a = splat<uint32_t>(A[i]);
#pragma clang loop unroll(full)
      for (int j = 0; j < NV; ++j)
        acc[i][j] = addProducts<UnsignedA>(acc[i][j], a, b[j]);
    }
    A += R;
    B += ldb;
  }
  storeTile<uint32_t, R, NV, Masked>(acc, C, ldc, cols, accumulate, rowBias);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// One element of the steps [k, K) of a row or column.
template <bool Variant>
FX_INLINE uint32_t packElement(const Byte *from, int64_t stride,
                               int64_t steps) {
  uint32_t element = 0;
  for (int i = 0; i < kIntSteps; ++i) {
    if (i >= steps)
      break;
    uint8_t bits = from[i * stride].bits;
#ifdef FX_VNNI
    element |= (uint32_t)(uint8_t)(Variant ? bits ^ 0x80 : bits) << (8 * i);
#else
    int16_t value = Variant ? (int16_t)bits : (int16_t)(int8_t)bits;
    element |= (uint32_t)(uint16_t)value << (16 * i);
#endif
  }
  return element;
}

#ifdef FX_VNNI
/// Up to 16 elements of up to 16 rows that are contiguous in K, transposed:
/// result[element][row]. Absent rows and steps are zero.
template <bool Variant>
FX_INLINE void loadBytesTransposed(const Byte *p, int64_t rowStride,
                                   int64_t rows, int64_t steps,
                                   VectorF32 *result) {
  const __mmask64 mask = steps >= 64 ? ~0ull : (1ull << steps) - 1;
  const __m512i flip = _mm512_maskz_set1_epi8(mask, (char)0x80);
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; ++i) {
    __m512i row = {};
    if (i < rows) {
      row = _mm512_maskz_loadu_epi8(mask, p + i * rowStride);
      if (Variant)
        row = _mm512_xor_si512(row, flip);
    }
    result[i] = (VectorF32)row;
  }
  transpose<float>(result);
}

/// Four rows of up to 16 bytes -> 16 elements.
FX_INLINE __m512i interleaveBytes(const Byte *from, int64_t stride,
                                  int64_t steps, __mmask16 mask) {
  __m128i row[4] = {};
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; ++i)
    if (i < steps)
      row[i] = _mm_maskz_loadu_epi8(mask, from + i * stride);
  __m128i a = _mm_unpacklo_epi8(row[0], row[1]);
  __m128i b = _mm_unpackhi_epi8(row[0], row[1]);
  __m128i c = _mm_unpacklo_epi8(row[2], row[3]);
  __m128i d = _mm_unpackhi_epi8(row[2], row[3]);
  __m512i result = _mm512_castsi128_si512(_mm_unpacklo_epi16(a, c));
  result = _mm512_inserti32x4(result, _mm_unpackhi_epi16(a, c), 1);
  result = _mm512_inserti32x4(result, _mm_unpacklo_epi16(b, d), 2);
  return _mm512_inserti32x4(result, _mm_unpackhi_epi16(b, d), 3);
}
#endif

template <bool Variant>
void packIntA(const Byte *A, int64_t rsA, int64_t csA, int64_t rows, int64_t K,
              uint32_t *packed) {
#ifdef FX_VNNI
  if (csA == 1) {
    for (int64_t k = 0; k < K; k += 64) {
      int64_t steps = K - k < 64 ? K - k : 64;
      VectorF32 block[16];
      loadBytesTransposed<Variant>(A + k, rsA, rows, steps, block);
      for (int64_t i = 0; i < (steps + 3) / 4; ++i)
        storeFirst(packed + (k / 4 + i) * rows, (VectorU32)block[i], rows);
    }
    return;
  }
#endif
  for (int64_t k = 0; k < K; k += kIntSteps)
    for (int64_t i = 0; i < rows; ++i)
      *packed++ = packElement<Variant>(A + i * rsA + k * csA, csA, K - k);
}

template <bool Variant>
void packIntB(const Byte *B, int64_t rsB, int64_t csB, int64_t K, int64_t cols,
              uint32_t *packed) {
  constexpr int VL = kLanes<uint32_t>, NR = kTileVectors * VL;
#ifdef FX_VNNI
  if (csB == 1) {
    for (int64_t k = 0; k < K; k += 4) {
      int64_t steps = K - k < 4 ? K - k : 4;
      const uint32_t used = ~0u >> (8 * (4 - steps));
      const __m512i flip =
          _mm512_set1_epi32((int)(Variant ? used & 0x80808080u : 0));
      for (int j = 0; j < NR; j += VL, packed += VL) {
        int64_t count = cols - j;
        __mmask16 mask = count >= 16 ? 0xffff
                         : count > 0 ? (__mmask16)((1u << count) - 1)
                                     : 0;
        __m512i v = interleaveBytes(B + k * rsB + j, rsB, steps, mask);
        store<uint32_t>(packed, (VectorU32)_mm512_xor_si512(v, flip));
      }
    }
    return;
  }
  if (rsB == 1) {
    for (int64_t k = 0; k < K; k += 64) {
      int64_t steps = K - k < 64 ? K - k : 64;
      for (int j = 0; j < NR; j += VL) {
        VectorF32 block[16];
        loadBytesTransposed<Variant>(B + j * csB + k, csB, cols - j, steps,
                                     block);
        for (int64_t i = 0; i < (steps + 3) / 4; ++i)
          store<uint32_t>(packed + (k / 4 + i) * NR + j, (VectorU32)block[i]);
      }
    }
    return;
  }
#endif
  for (int64_t k = 0; k < K; k += kIntSteps)
    for (int64_t j = 0; j < NR; ++j)
      *packed++ =
          j < cols ? packElement<Variant>(B + k * rsB + j * csB, rsB, K - k)
                   : 0;
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

template <bool UnsignedA, size_t... R>
constexpr GemmKernels<uint32_t> intTiles(std::index_sequence<R...>) {
  GemmKernels<uint32_t> table = {};
  table.mr = FX_TILE_ROWS;
  table.vl = kLanes<uint32_t>;
  table.nr = kTileVectors * table.vl;
  table.maskedLoads = kHasMaskedLoads;
  ((table.packedTile[R][FullTile] = intTile<UnsignedA, R + 1, 2, false>,
    table.packedTile[R][TwoVectors] = intTile<UnsignedA, R + 1, 2, true>,
    table.packedTile[R][OneVector] = intTile<UnsignedA, R + 1, 1, true>),
   ...);
  return table;
}

constexpr IntKernels intTable() {
  using Rows = std::make_index_sequence<FX_TILE_ROWS>;
  IntKernels table = {};
  table.steps = kIntSteps;
  table.tiles[0] = intTiles<false>(Rows());
#ifdef FX_VNNI
  table.tiles[1] = intTiles<true>(Rows());
  table.mixesSigns = true;
#else
  table.tiles[1] = table.tiles[0];
#endif
  table.pack[0] = {packIntA<false>, packIntB<false>};
  table.pack[1] = {packIntA<true>, packIntB<true>};
  return table;
}

} // namespace
} // namespace fxrt

#endif // FX_LIB_RUNTIME_KERNELSINT_H
