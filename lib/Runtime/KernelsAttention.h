//===- KernelsAttention.h - Innermost loops of attention --------*- C++ -*-===//
//
// Included by the Kernels*.cpp only.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_KERNELSATTENTION_H
#define FX_LIB_RUNTIME_KERNELSATTENTION_H

#include "Simd.h"

namespace fxrt {
namespace {

typedef int32_t VectorI32 __attribute__((vector_size(FX_VECTOR_BYTES)));

constexpr float kMinusInfinity = -__builtin_inff();

FX_INLINE VectorF32 maximum(VectorF32 a, VectorF32 b) { return a > b ? a : b; }

/// exp(x) for x <= 88 with an error of one ulp; 0 where the result would be
/// subnormal, NaN for NaN.
FX_INLINE VectorF32 expNonPositive(VectorF32 x) {
  x = x < -88.0f ? splat(-88.0f) : x;
  // The sum's last bits are the nearest integer of x / ln 2.
  VectorF32 shifted = x * 1.44269504f + 12582912.0f;
  VectorF32 n = shifted - 12582912.0f;
  VectorF32 r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  VectorF32 p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  VectorI32 exponent = ((VectorI32)shifted + 127) << 23;
  return p * (VectorF32)exponent;
}

/// The natural logarithm of a normal positive number; libm would be a
/// dependency of every compiled model.
FX_INLINE float logPositive(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  if (!(x > 0) || x == __builtin_inff())
    return x == 0 ? kMinusInfinity : x;
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  uint32_t offset = bits - 0x3f3504f3;
  int32_t e = (int32_t)offset >> 23;
  bits = (offset & 0x7fffff) + 0x3f3504f3;
  float mantissa;
  __builtin_memcpy(&mantissa, &bits, sizeof(mantissa));
  double t = ((double)mantissa - 1) / ((double)mantissa + 1), s = t * t;
  double series = 1.0 / 13;
  for (int k = 11; k > 0; k -= 2)
    series = series * s + 1.0 / k;
  return (float)(2 * t * series + e * 0.69314718055994530942);
}

FX_INLINE float maximumOfLanes(VectorF32 v) {
  float result = v[0];
  for (int l = 1; l < kLanes<float>; ++l)
    result = result > v[l] ? result : v[l];
  return result;
}
FX_INLINE float sumOfLanes(VectorF32 v) {
  float sums[kLanes<float>];
  store<float>(sums, v);
  for (int step = kLanes<float> / 2; step > 0; step /= 2)
    for (int l = 0; l < step; ++l)
      sums[l] += sums[l + step];
  return sums[0];
}

/// scores = scores * scale + mask for one row.
template <typename M>
void scaleAndMask(float *scores, int64_t cols, float scale, const M *mask,
                  int64_t csMask) {
  constexpr int VL = kLanes<float>;
  int64_t c = 0;
  if (csMask == 1)
    for (; c + VL <= cols; c += VL)
      store<float>(scores + c, load(scores + c) * scale + load(mask + c));
  for (; c < cols; ++c)
    scores[c] = scores[c] * scale + widen(mask[c * csMask]);
}

/// The scores of one row become scaled and masked ones where there is a mask.
/// The factor that is still missing is returned.
FX_INLINE float applyMask(const ScoreTile &tile, int64_t row, float *scores,
                          int64_t cols) {
  if (!tile.mask)
    return tile.scale;
  int64_t offset = row * tile.rsMask;
  switch (tile.maskType) {
  case ElementF32:
    scaleAndMask(scores, cols, tile.scale, (const float *)tile.mask + offset,
                 tile.csMask);
    break;
  case ElementBF16:
    scaleAndMask(scores, cols, tile.scale,
                 (const BFloat16 *)tile.mask + offset, tile.csMask);
    break;
  case ElementF16:
    scaleAndMask(scores, cols, tile.scale, (const Half *)tile.mask + offset,
                 tile.csMask);
    break;
  }
  return 1.0f;
}

/// The columns of a row that are not cut off by the causal mask.
FX_INLINE int64_t allowedCols(const ScoreTile &tile, int64_t row) {
  int64_t allowed = tile.firstAllowed + row;
  return allowed < 0 ? 0 : allowed < tile.cols ? allowed : tile.cols;
}

FX_INLINE void clear(float *p, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    p[i] = 0;
}

void onlineSoftmax(const ScoreTile &tile, float *largest, float *sum,
                   float *correction) {
  constexpr int VL = kLanes<float>;
  for (int64_t row = 0; row < tile.rows; ++row) {
    float *scores = tile.scores + row * tile.ld;
    int64_t cols = allowedCols(tile, row);
    float scale = applyMask(tile, row, scores, cols);

    VectorF32 top = splat(kMinusInfinity);
    int64_t c = 0;
    for (; c + VL <= cols; c += VL)
      top = maximum(load(scores + c) * scale, top);
    float best = largest[row];
    if (c > 0) {
      float lane = maximumOfLanes(top);
      best = lane > best ? lane : best;
    }
    for (; c < cols; ++c) {
      float scaled = scores[c] * scale;
      best = scaled > best ? scaled : best;
    }
    // A row of minus infinities so far has probabilities of zero.
    float shift = best == kMinusInfinity ? 0.0f : best;
    VectorF32 total = {};
    c = 0;
    for (; c + VL <= cols; c += VL) {
      VectorF32 p = expNonPositive(load(scores + c) * scale - shift);
      store<float>(scores + c, p);
      total += p;
    }
    if (c < cols) {
      VectorF32 s = loadFirst(scores + c, cols - c) * scale - shift;
      float last[VL];
      store<float>(last, expNonPositive(s));
      for (int64_t l = cols - c; l < VL; ++l)
        last[l] = 0;
      VectorF32 p = load(last);
      storeFirst(scores + c, p, cols - c);
      total += p;
    }
    clear(scores + cols, tile.cols - cols);
    float factor = expNonPositive(splat(largest[row] - shift))[0];
    correction[row] = factor;
    sum[row] = sum[row] * factor + sumOfLanes(total);
    largest[row] = best;
  }
}

void softmaxGradient(const ScoreTile &tile, const float *logsumexp,
                     const float *delta, float *gradients) {
  constexpr int VL = kLanes<float>;
  for (int64_t row = 0; row < tile.rows; ++row) {
    float *scores = tile.scores + row * tile.ld;
    float *grads = gradients + row * tile.ld;
    int64_t cols = allowedCols(tile, row);
    float scale = applyMask(tile, row, scores, cols);
    // A row without any key that counts; its scores are minus infinities.
    float shift = logsumexp[row] == kMinusInfinity ? 0.0f : logsumexp[row];
    int64_t c = 0;
    for (; c + VL <= cols; c += VL) {
      VectorF32 p = expNonPositive(load(scores + c) * scale - shift);
      store<float>(scores + c, p);
      store<float>(grads + c, p * (load(grads + c) - delta[row]) * tile.scale);
    }
    if (c < cols) {
      int64_t n = cols - c;
      VectorF32 p =
          expNonPositive(loadFirst(scores + c, n) * scale - shift);
      VectorF32 g = loadFirst(grads + c, n);
      storeFirst(scores + c, p, n);
      storeFirst(grads + c, p * (g - delta[row]) * tile.scale, n);
    }
    clear(scores + cols, tile.cols - cols);
    clear(grads + cols, tile.cols - cols);
  }
}

void scaleRows(float *p, int64_t ld, int64_t rows, int64_t cols,
               const float *factors) {
  for (int64_t r = 0; r < rows; ++r) {
    float factor = factors[r];
    if (factor == 1.0f)
      continue;
    for (int64_t c = 0; c < cols; ++c)
      p[r * ld + c] *= factor;
  }
}

float dotRow(const float *a, const float *b, int64_t n) {
  constexpr int VL = kLanes<float>;
  VectorF32 total = {};
  int64_t i = 0;
  for (; i + VL <= n; i += VL)
    total += load(a + i) * load(b + i);
  if (i < n)
    total += loadFirst(a + i, n - i) * loadFirst(b + i, n - i);
  return sumOfLanes(total);
}

/// Rows of any element type and strides, as dense rows of f32.
template <typename S>
void widenRows(const S *from, int64_t rs, int64_t cs, int64_t rows,
               int64_t cols, float *to) {
  constexpr int VL = kLanes<float>;
  for (int64_t r = 0; r < rows; ++r, from += rs, to += cols) {
    int64_t c = 0;
    if (cs == 1)
      for (; c + VL <= cols; c += VL)
        store<float>(to + c, load(from + c));
    for (; c < cols; ++c)
      to[c] = widen(from[c * cs]);
  }
}

//===----------------------------------------------------------------------===//
// Rounding to narrow types
//===----------------------------------------------------------------------===//

FX_INLINE void narrow(float value, float *to) { *to = value; }
FX_INLINE void narrow(float value, BFloat16 *to) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  if (value != value)
    to->bits = (uint16_t)(bits >> 16 | 0x40);
  else
    to->bits = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
FX_INLINE void narrow(float value, Half *to) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) {
    to->bits = sign | 0x7e00;
  } else if (bits >= 0x477ff000) {
    to->bits = sign | 0x7c00;
  } else if (bits < 0x38800000) {
    // Adding 1/2 rounds to a multiple of 2^-24 and leaves it in the last bits.
    float magnitude;
    __builtin_memcpy(&magnitude, &bits, sizeof(magnitude));
    magnitude += 0.5f;
    __builtin_memcpy(&bits, &magnitude, sizeof(bits));
    to->bits = sign | (uint16_t)(bits - 0x3f000000);
  } else {
    bits += 0xfff + (bits >> 13 & 1);
    to->bits = sign | (uint16_t)((bits - 0x38000000) >> 13);
  }
}

/// to = from * factor (of the row; NULL for 1), rounded once.
template <typename S>
void narrowRows(const float *from, int64_t ld, int64_t rows, int64_t cols,
                const float *factors, S *to, int64_t rs, int64_t cs) {
  for (int64_t r = 0; r < rows; ++r) {
    float factor = factors ? factors[r] : 1.0f;
    if (cs == 1)
      for (int64_t c = 0; c < cols; ++c)
        narrow(from[r * ld + c] * factor, to + r * rs + c);
    else
      for (int64_t c = 0; c < cols; ++c)
        narrow(from[r * ld + c] * factor, to + r * rs + c * cs);
  }
}

float logarithm(float x) { return logPositive(x); }

constexpr AttentionKernels attentionTable() {
  AttentionKernels table = {};
  table.onlineSoftmax = onlineSoftmax;
  table.softmaxGradient = softmaxGradient;
  table.scaleRows = scaleRows;
  table.dotRow = dotRow;
  table.logarithm = logarithm;
  table.widenF32 = widenRows<float>;
  table.widenBF16 = widenRows<BFloat16>;
  table.widenF16 = widenRows<Half>;
  table.narrowF32 = narrowRows<float>;
  table.narrowBF16 = narrowRows<BFloat16>;
  table.narrowF16 = narrowRows<Half>;
  return table;
}

} // namespace
} // namespace fxrt

#endif // FX_LIB_RUNTIME_KERNELSATTENTION_H
