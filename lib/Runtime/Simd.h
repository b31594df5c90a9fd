//===- Simd.h - Vectors of the instruction set being compiled ---*- C++ -*-===//
//
// Included by the Kernels*.cpp only. FX_VECTOR_BYTES chooses the width. All of
// it has internal linkage: code for one instruction set must not be merged
// with another's by the linker.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_SIMD_H
#define FX_LIB_RUNTIME_SIMD_H

#include "Kernels.h"

#include <string.h>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FX_INLINE static inline __attribute__((always_inline))

namespace fxrt {
namespace {

typedef float VectorF32 __attribute__((vector_size(FX_VECTOR_BYTES)));
typedef double VectorF64 __attribute__((vector_size(FX_VECTOR_BYTES)));

typedef uint16_t VectorU16 __attribute__((vector_size(FX_VECTOR_BYTES / 2)));
typedef uint32_t VectorU32 __attribute__((vector_size(FX_VECTOR_BYTES)));

template <typename T>
struct VectorTraits;
template <>
struct VectorTraits<float> {
  using Type = VectorF32;
};
template <>
struct VectorTraits<double> {
  using Type = VectorF64;
};
template <>
struct VectorTraits<uint32_t> {
  using Type = VectorU32;
};
template <typename T>
using Vector = typename VectorTraits<T>::Type;
template <typename T>
constexpr int kLanes = FX_VECTOR_BYTES / sizeof(T);

template <typename T>
FX_INLINE Vector<T> splat(T value) {
  return value - Vector<T>{};
}
FX_INLINE VectorF32 load(const float *p) {
  VectorF32 v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
FX_INLINE VectorF64 load(const double *p) {
  VectorF64 v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
FX_INLINE VectorU32 load(const uint32_t *p) {
  VectorU32 v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
template <typename T>
FX_INLINE void store(T *p, Vector<T> v) {
  __builtin_memcpy(p, &v, sizeof(v));
}

//===----------------------------------------------------------------------===//
// The first n lanes, and any set of lanes; the others read as zero
//===----------------------------------------------------------------------===//

#if FX_VECTOR_BYTES == 64
constexpr bool kHasMaskedLoads = true;
FX_INLINE VectorF32 loadLanes(const float *p, uint32_t lanes) {
  return (VectorF32)_mm512_maskz_loadu_ps((__mmask16)lanes, p);
}
FX_INLINE VectorF32 loadFirst(const float *p, int64_t n) {
  return loadLanes(p, (1u << n) - 1);
}
FX_INLINE VectorF64 loadFirst(const double *p, int64_t n) {
  return (VectorF64)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
}
FX_INLINE void storeFirst(float *p, VectorF32 v, int64_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
FX_INLINE void storeFirst(double *p, VectorF64 v, int64_t n) {
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
}
/// Adds the lanes of another row's piece.
FX_INLINE VectorF32 mergeLanes(VectorF32 v, const float *p, uint32_t lanes) {
  return (VectorF32)_mm512_mask_loadu_ps((__m512)v, (__mmask16)lanes, p);
}
#elif FX_VECTOR_BYTES == 32
constexpr bool kHasMaskedLoads = true;
FX_INLINE __m256i laneMask(uint32_t lanes) {
  __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  __m256i set = _mm256_and_si256(_mm256_set1_epi32((int)lanes), bit);
  return _mm256_cmpeq_epi32(set, bit);
}
FX_INLINE __m256i firstMask64(int64_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n),
                            _mm256_setr_epi64x(0, 1, 2, 3));
}
FX_INLINE VectorF32 loadLanes(const float *p, uint32_t lanes) {
  return (VectorF32)_mm256_maskload_ps(p, laneMask(lanes));
}
FX_INLINE VectorF32 loadFirst(const float *p, int64_t n) {
  return loadLanes(p, (1u << n) - 1);
}
FX_INLINE VectorF64 loadFirst(const double *p, int64_t n) {
  return (VectorF64)_mm256_maskload_pd(p, firstMask64(n));
}
FX_INLINE void storeFirst(float *p, VectorF32 v, int64_t n) {
  _mm256_maskstore_ps(p, laneMask((1u << n) - 1), (__m256)v);
}
FX_INLINE void storeFirst(double *p, VectorF64 v, int64_t n) {
  _mm256_maskstore_pd(p, firstMask64(n), (__m256d)v);
}
FX_INLINE VectorF32 mergeLanes(VectorF32 v, const float *p, uint32_t lanes) {
  return (VectorF32)_mm256_or_ps((__m256)v, (__m256)loadLanes(p, lanes));
}
#else
constexpr bool kHasMaskedLoads = false;
FX_INLINE VectorF32 mergeLanes(VectorF32 v, const float *p, uint32_t lanes) {
  for (int l = 0; l < kLanes<float>; ++l)
    if (lanes >> l & 1)
      v[l] = p[l];
  return v;
}
template <typename T>
FX_INLINE Vector<T> loadFirst(const T *p, int64_t n) {
  Vector<T> v = {};
  for (int l = 0; l < kLanes<T>; ++l)
    if (l < n)
      v[l] = p[l];
  return v;
}
template <typename T>
FX_INLINE void storeFirst(T *p, Vector<T> v, int64_t n) {
  for (int l = 0; l < kLanes<T>; ++l)
    if (l < n)
      p[l] = v[l];
}
#endif

#if FX_VECTOR_BYTES >= 32
// The instructions move bits, of whatever type.
FX_INLINE VectorU32 loadFirst(const uint32_t *p, int64_t n) {
  return (VectorU32)loadFirst((const float *)p, n);
}
FX_INLINE void storeFirst(uint32_t *p, VectorU32 v, int64_t n) {
  storeFirst((float *)p, (VectorF32)v, n);
}
#endif

//===----------------------------------------------------------------------===//
// Narrow floating-point types, widened
//===----------------------------------------------------------------------===//

FX_INLINE float widen(float value) { return value; }
FX_INLINE double widen(double value) { return value; }
FX_INLINE float widen(BFloat16 value) {
  uint32_t bits = (uint32_t)value.bits << 16;
  float result;
  __builtin_memcpy(&result, &bits, sizeof(result));
  return result;
}
FX_INLINE float widen(Half value) {
  uint32_t sign = (uint32_t)(value.bits & 0x8000) << 16;
  uint32_t magnitude = value.bits & 0x7fff;
  uint32_t bits;
  float result;
  if (magnitude >= 0x7c00) {
    bits = 0x7f800000 | (magnitude & 0x3ff) << 13; // infinity or NaN
  } else {
    // Shift exponent and mantissa into place and correct the exponent's bias
    // by a multiplication, which gets subnormal values right, too.
    bits = magnitude << 13;
    __builtin_memcpy(&result, &bits, sizeof(result));
    result *= 0x1p112f;
    __builtin_memcpy(&bits, &result, sizeof(bits));
  }
  bits |= sign;
  __builtin_memcpy(&result, &bits, sizeof(result));
  return result;
}

FX_INLINE VectorF32 load(const BFloat16 *p) {
  VectorU16 bits;
  __builtin_memcpy(&bits, p, sizeof(bits));
  return (VectorF32)(__builtin_convertvector(bits, VectorU32) << 16);
}
FX_INLINE VectorF32 load(const Half *p) {
#if FX_VECTOR_BYTES == 64
  return (VectorF32)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif FX_VECTOR_BYTES == 32
  return (VectorF32)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
  VectorF32 v;
  for (int l = 0; l < kLanes<float>; ++l)
    v[l] = widen(p[l]);
  return v;
#endif
}
template <typename S>
FX_INLINE VectorF32 loadFirstNarrow(const S *p, int64_t n) {
  S full[kLanes<float>] = {};
  for (int l = 0; l < kLanes<float>; ++l)
    if (l < n)
      full[l] = p[l];
  return load(full);
}
FX_INLINE VectorF32 loadFirst(const BFloat16 *p, int64_t n) {
  return loadFirstNarrow(p, n);
}
FX_INLINE VectorF32 loadFirst(const Half *p, int64_t n) {
  return loadFirstNarrow(p, n);
}

//===----------------------------------------------------------------------===//
// Shuffles
//===----------------------------------------------------------------------===//

/// Lanes of `a` whose index has bit S clear, stay; the others come from `b`,
/// S lanes lower.
template <int S, typename V, size_t... L>
FX_INLINE V swapLow(V a, V b, std::index_sequence<L...>) {
  constexpr int n = sizeof...(L);
  return __builtin_shufflevector(a, b, ((L & S) ? int(n + L - S) : int(L))...);
}
/// The counterpart: lanes of `b` with bit S set stay, the others come from
/// `a`, S lanes higher.
template <int S, typename V, size_t... L>
FX_INLINE V swapHigh(V a, V b, std::index_sequence<L...>) {
  constexpr int n = sizeof...(L);
  return __builtin_shufflevector(a, b, ((L & S) ? int(n + L) : int(L + S))...);
}

/// In-place transposition of a square of kLanes vectors, by exchanging blocks
/// of ever smaller size.
template <typename T, int S>
FX_INLINE void transposeStep(Vector<T> *rows) {
  using Lanes = std::make_index_sequence<kLanes<T>>;
  if constexpr (S > 0) {
#pragma clang loop unroll(full)
    for (int i = 0; i < kLanes<T>; ++i) {
      if (i & S)
        continue;
      Vector<T> low = swapLow<S>(rows[i], rows[i + S], Lanes());
      Vector<T> high = swapHigh<S>(rows[i], rows[i + S], Lanes());
      rows[i] = low;
      rows[i + S] = high;
    }
    transposeStep<T, S / 2>(rows);
  }
}
template <typename T>
FX_INLINE void transpose(Vector<T> *rows) {
  transposeStep<T, kLanes<T> / 2>(rows);
}

/// Lane l of the result is the sum of all lanes of rows[l].
template <typename T, int S>
FX_INLINE Vector<T> sumRowsStep(Vector<T> *rows) {
  using Lanes = std::make_index_sequence<kLanes<T>>;
  if constexpr (S == 0) {
    return rows[0];
  } else {
#pragma clang loop unroll(full)
    for (int i = 0; i < S; ++i)
      rows[i] = swapLow<S>(rows[i], rows[i + S], Lanes()) +
                swapHigh<S>(rows[i], rows[i + S], Lanes());
    return sumRowsStep<T, S / 2>(rows);
  }
}
template <typename T>
FX_INLINE Vector<T> sumRows(Vector<T> *rows) {
  return sumRowsStep<T, kLanes<T> / 2>(rows);
}

} // namespace
} // namespace fxrt

#endif // FX_LIB_RUNTIME_SIMD_H
