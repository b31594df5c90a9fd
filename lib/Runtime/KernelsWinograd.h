//===- KernelsWinograd.h - Transforms of Winograd convolutions --*- C++ -*-===//
//
// Included by the Kernels*.cpp only. The algorithm F(2x2, 3x3) of Lavin and
// Gray, "Fast Algorithms for Convolutional Neural Networks" (2015): each tile of
// 2x2 outputs takes 16 products instead of 36.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_KERNELSWINOGRAD_H
#define FX_LIB_RUNTIME_KERNELSWINOGRAD_H

#include "Simd.h"

namespace fxrt {
namespace {

/// Every second lane of two neighbouring vectors, from lane `First` on.
template <int First, size_t... L>
FX_INLINE VectorF32 takeLanes(VectorF32 low, VectorF32 high,
                              std::index_sequence<L...>) {
  return __builtin_shufflevector(low, high, int(2 * L + First)...);
}
/// The lanes of two vectors in turn: the first half of them, or the second.
template <bool Second, size_t... L>
FX_INLINE VectorF32 zipLanes(VectorF32 even, VectorF32 odd,
                             std::index_sequence<L...>) {
  constexpr int n = sizeof...(L), base = Second ? n / 2 : 0;
  return __builtin_shufflevector(even, odd,
                                 int(base + L / 2 + (L % 2 ? n : 0))...);
}

/// Lanes l with 0 <= first + l < size.
FX_INLINE uint32_t lanesInside(int64_t first, int64_t size) {
  constexpr int VL = kLanes<float>;
  constexpr uint32_t all = (uint32_t)((uint64_t(1) << VL) - 1);
  int64_t begin = first < 0 ? -first : 0, end = size - first;
  if (begin >= VL || end <= 0)
    return 0;
  uint32_t lanes = all << begin & all;
  return end < VL ? lanes & ((1u << end) - 1) : lanes;
}

/// Four vectors that hold columns 0, 1, 2 and 3 of a row of tiles.
template <bool Inside>
FX_INLINE void loadTileRow(const float *p, const uint32_t *lanes,
                           VectorF32 *columns) {
  constexpr int VL = kLanes<float>;
  using Lanes = std::make_index_sequence<VL>;
  constexpr int offset[4] = {0, VL, 2, VL + 2};
  VectorF32 v[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; ++i)
    v[i] = Inside ? load(p + offset[i])
                  : mergeLanes(VectorF32{}, p + offset[i], lanes[i]);
  columns[0] = takeLanes<0>(v[0], v[1], Lanes());
  columns[1] = takeLanes<1>(v[0], v[1], Lanes());
  columns[2] = takeLanes<0>(v[2], v[3], Lanes());
  columns[3] = takeLanes<1>(v[2], v[3], Lanes());
}

/// [d0 - d2, d1 + d2, d2 - d1, d1 - d3], the transform of the input along one
/// direction.
FX_INLINE void transformInput(VectorF32 *d, int step) {
  VectorF32 d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
  d[0] = d0 - d2;
  d[step] = d1 + d2;
  d[2 * step] = d2 - d1;
  d[3 * step] = d1 - d3;
}

template <bool Inside>
FX_INLINE void winogradInputVector(const WinogradInput &args, int64_t tile,
                                   const uint32_t *lanes) {
  const float *image = args.image + args.y * args.width + args.x + 2 * tile;
  float *to = args.to + tile;
  for (int64_t c = 0; c < args.channels;
       ++c, image += args.channelSize, to += args.channelStep) {
    VectorF32 d[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; ++i) {
      if (Inside || (args.y + i >= 0 && args.y + i < args.height))
        loadTileRow<Inside>(image + i * args.width, lanes, d + 4 * i);
      else
        d[4 * i] = d[4 * i + 1] = d[4 * i + 2] = d[4 * i + 3] = VectorF32{};
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; ++i)
      transformInput(d + i, 4);
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; ++i)
      transformInput(d + 4 * i, 1);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i)
      store<float>(to + i * args.pointStep, d[i]);
  }
}

void winogradInput(const WinogradInput &args) {
  constexpr int VL = kLanes<float>;
  const bool rowsInside = args.y >= 0 && args.y + 4 <= args.height;
  for (int64_t tile = 0; tile < args.tiles; tile += VL) {
    const int64_t x = args.x + 2 * tile;
    if (rowsInside && x >= 0 && x + 2 * VL + 2 <= args.width) {
      winogradInputVector<true>(args, tile, nullptr);
      continue;
    }
    uint32_t lanes[4] = {lanesInside(x, args.width),
                         lanesInside(x + VL, args.width),
                         lanesInside(x + 2, args.width),
                         lanesInside(x + VL + 2, args.width)};
    winogradInputVector<false>(args, tile, lanes);
  }
}

/// [m0 + m1 + m2, m1 - m2 - m3]
FX_INLINE void transformOutput(const VectorF32 *m, int step, VectorF32 &first,
                               VectorF32 &second) {
  VectorF32 sum = m[step] + m[2 * step], difference = m[step] - m[2 * step];
  first = m[0] + sum;
  second = difference - m[3 * step];
}

void winogradOutput(const WinogradOutput &args) {
  constexpr int VL = kLanes<float>;
  using Lanes = std::make_index_sequence<VL>;
  auto storeSome = [](float *p, VectorF32 v, int64_t count) {
    if (count >= VL)
      store<float>(p, v);
    else if (count > 0)
      storeFirst(p, v, count);
  };
  for (int64_t r = 0; r < args.rows; ++r) {
    const float *from = args.from + r * args.rowStep;
    float *to = args.to + r * args.planeSize;
    VectorF32 bias = splat<float>(args.bias ? args.bias[r] : 0.0f);
    for (int64_t x = 0; x < args.columns; x += 2 * VL, from += VL) {
      VectorF32 m[16], t[8];
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; ++i)
        m[i] = load(from + i * args.pointStep);
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; ++j)
        transformOutput(m + j, 4, t[j], t[4 + j]);
#pragma clang loop unroll(full)
      for (int line = 0; line < 2; ++line) {
        if (line >= args.lines)
          break;
        VectorF32 even, odd;
        transformOutput(t + 4 * line, 1, even, odd);
        even += bias;
        odd += bias;
        float *row = to + line * args.width + x;
        storeSome(row, zipLanes<false>(even, odd, Lanes()), args.columns - x);
        storeSome(row + VL, zipLanes<true>(even, odd, Lanes()),
                  args.columns - x - VL);
      }
    }
  }
}

/// [g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2]
FX_INLINE void transformFilter(const VectorF32 *g, int step, VectorF32 *u,
                               int uStep) {
  VectorF32 outer = (g[0] + g[2 * step]) * 0.5f, inner = g[step] * 0.5f;
  u[0] = g[0];
  u[uStep] = outer + inner;
  u[2 * uStep] = outer - inner;
  u[3 * uStep] = g[2 * step];
}

void winogradFilter(const float *weight, int64_t count, float *to,
                    int64_t pointStep) {
  constexpr int VL = kLanes<float>;
  for (int64_t i = 0; i < count; i += VL) {
    // The nine taps of VL neighbouring filters.
    float taps[9][VL] = {};
    const int64_t filters = count - i < VL ? count - i : VL;
    for (int64_t f = 0; f < filters; ++f)
      for (int t = 0; t < 9; ++t)
        taps[t][f] = weight[(i + f) * 9 + t];
    VectorF32 g[9], half[12], u[16];
#pragma clang loop unroll(full)
    for (int t = 0; t < 9; ++t)
      g[t] = load(taps[t]);
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; ++j)
      transformFilter(g + j, 3, half + j, 3);
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; ++k)
      transformFilter(half + 3 * k, 1, u + 4 * k, 1);
#pragma clang loop unroll(full)
    for (int k = 0; k < 16; ++k) {
      if (filters == VL)
        store<float>(to + k * pointStep + i, u[k]);
      else
        storeFirst(to + k * pointStep + i, u[k], filters);
    }
  }
}

} // namespace
} // namespace fxrt

#endif // FX_LIB_RUNTIME_KERNELSWINOGRAD_H
