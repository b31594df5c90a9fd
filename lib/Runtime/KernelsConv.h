//===- KernelsConv.h - Innermost loops of convolutions ----------*- C++ -*-===//
//
// Included by the Kernels*.cpp only.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_KERNELSCONV_H
#define FX_LIB_RUNTIME_KERNELSCONV_H

#include "KernelsAttention.h"
#include "KernelsGemm.h"
#include "KernelsInt.h"
#include "KernelsWinograd.h"
#include "fx/Runtime/Philox.h"

namespace fxrt {
namespace {

//===----------------------------------------------------------------------===//
// Patch panels
//===----------------------------------------------------------------------===//

/// The lanes of a piece at stride 2: two vectors that hold every second
/// element, and the even lanes of both.
template <size_t... L>
FX_INLINE VectorF32 evenLanes(VectorF32 low, VectorF32 high,
                              std::index_sequence<L...>) {
  return __builtin_shufflevector(low, high, int(2 * L)...);
}

/// Moves bit l of the low half to bit 2 * l.
FX_INLINE uint64_t spreadBits(uint64_t bits) {
  bits = (bits | bits << 8) & 0x00ff00ff;
  bits = (bits | bits << 4) & 0x0f0f0f0f;
  bits = (bits | bits << 2) & 0x33333333;
  return (bits | bits << 1) & 0x55555555;
}

/// One vector of a panel row with `Pieces` pieces (or `count`, if that is 0),
/// for all channels of [c0, c1).
template <int Stride, int Pieces>
FX_INLINE void packPatchVector(const PatchPiece *pieces, int count,
                               const float *image, int64_t planeSize,
                               int64_t stride, int64_t c0, int64_t c1,
                               float *to, int64_t toStep) {
  constexpr int VL = kLanes<float>;
  if (Pieces)
    count = Pieces;
  for (int64_t c = c0; c < c1; ++c, to += toStep) {
    const float *plane = image + c * planeSize;
    if constexpr (Stride == 1) {
      VectorF32 v = {};
      for (int i = 0; i < count; ++i)
        v = mergeLanes(v, plane + pieces[i].offset, pieces[i].lanes);
      store<float>(to, v);
    } else if constexpr (Stride == 2) {
      VectorF32 low = {}, high = {};
      for (int i = 0; i < count; ++i) {
        uint64_t bits = spreadBits(pieces[i].lanes);
        const float *p = plane + pieces[i].offset;
        low = mergeLanes(low, p, (uint32_t)bits & ((1u << VL) - 1));
        high = mergeLanes(high, p + VL, (uint32_t)(bits >> VL));
      }
      store<float>(to, evenLanes(low, high, std::make_index_sequence<VL>()));
    } else {
      float values[VL] = {};
      for (int i = 0; i < count; ++i) {
        const float *p = plane + pieces[i].offset;
        for (uint32_t lanes = pieces[i].lanes; lanes; lanes &= lanes - 1) {
          int lane = __builtin_ctz(lanes);
          values[lane] = p[lane * stride];
        }
      }
      store<float>(to, load(values));
    }
  }
}

template <int Stride>
FX_INLINE void packPatchesStrided(const PatchPanel &panel, const float *image,
                                  int64_t planeSize, int64_t k0, int64_t k1,
                                  float *packed) {
  constexpr int VL = kLanes<float>, NR = kTileCols<float>;
  const int64_t taps = panel.taps;
  for (int64_t tap = 0; tap < taps; ++tap) {
    // Channels c with k0 <= c * taps + tap < k1.
    int64_t c0 = k0 > tap ? (k0 - tap + taps - 1) / taps : 0;
    int64_t c1 = k1 > tap ? (k1 - tap + taps - 1) / taps : 0;
    if (c0 >= c1)
      continue;
    float *to = packed + (c0 * taps + tap - k0) * NR;
    for (int v = 0; v < kTileVectors; ++v) {
      const int32_t *begin = panel.begin + tap * kTileVectors + v;
      const PatchPiece *pieces = panel.pieces + begin[0];
      int count = begin[1] - begin[0];
      auto pack = [&](auto fixed) {
        packPatchVector<Stride, decltype(fixed)::value>(
            pieces, count, image, planeSize, panel.stride, c0, c1, to + v * VL,
            taps * NR);
      };
      if (count == 1)
        pack(std::integral_constant<int, 1>());
      else if (count == 2)
        pack(std::integral_constant<int, 2>());
      else if (count == 3)
        pack(std::integral_constant<int, 3>());
      else
        pack(std::integral_constant<int, 0>());
    }
  }
}

void packPatches(const PatchPanel &panel, const float *image, int64_t planeSize,
                 int64_t k0, int64_t k1, float *packed) {
  if (panel.stride == 1)
    packPatchesStrided<1>(panel, image, planeSize, k0, k1, packed);
  else if (panel.stride == 2)
    packPatchesStrided<2>(panel, image, planeSize, k0, k1, packed);
  else
    packPatchesStrided<0>(panel, image, planeSize, k0, k1, packed);
}

template <int R, int NV, bool Masked>
void offsetTile(int64_t K, const float *A, const float *B,
                const int32_t *offset, float *C, int64_t ldc, int64_t cols,
                bool accumulate, const float *rowBias) {
  constexpr int VL = kLanes<float>;
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
      VectorF32 value = splat<float>(A[i]);
#pragma clang loop unroll(full)
      for (int j = 0; j < NV; ++j)
        acc[i][j] += value * b[j];
    }
  }
  storeTile<float, R, NV, Masked>(acc, C, ldc, cols, accumulate, rowBias);
}

template <size_t... R>
constexpr void addOffsetTiles(Kernels &table, std::index_sequence<R...>) {
  ((table.offsetTile[R][FullTile] = offsetTile<R + 1, 2, false>,
    table.offsetTile[R][TwoVectors] = offsetTile<R + 1, 2, true>,
    table.offsetTile[R][OneVector] = offsetTile<R + 1, 1, true>),
   ...);
}

//===----------------------------------------------------------------------===//
// Weight gradient
//===----------------------------------------------------------------------===//

template <int R, int NV>
void weightTile(const WeightTile<float> &args) {
  constexpr int VL = kLanes<float>, NR = kTileCols<float>;
  VectorF32 acc[R][NV] = {};
  const float *grad = args.grad, *rows[R];
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
    rows[i] = args.image + args.offset[i];
  const int64_t steps = args.lines * (args.pairs + args.isOdd);
  for (int64_t s = 0; s < steps; ++s, grad += NR) {
    const int64_t at = args.place[s];
    VectorF32 g[NV];
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j)
      g[j] = load(grad + j * VL);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      VectorF32 value = splat<float>(rows[i][at]);
#pragma clang loop unroll(full)
      for (int j = 0; j < NV; ++j)
        acc[i][j] += value * g[j];
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < NV; ++j) {
      float *to = args.tile + i * args.ldTile + j * VL;
      store<float>(to, load(to) + acc[i][j]);
    }
}

template <size_t... R>
constexpr void addWeightTiles(Kernels &table, std::index_sequence<R...>) {
  ((table.weightTile[R][0] = weightTile<R + 1, 1>,
    table.weightTile[R][1] = weightTile<R + 1, 2>),
   ...);
}

void transposeMatrix(const float *from, int64_t ldFrom, int64_t rows,
                     int64_t cols, float *to, int64_t ldTo) {
  constexpr int VL = kLanes<float>;
  for (int64_t i = 0; i < rows; i += VL) {
    int64_t count = rows - i < VL ? rows - i : VL;
    for (int64_t j = 0; j < cols; j += VL) {
      int64_t steps = cols - j < VL ? cols - j : VL;
      VectorF32 block[VL];
      loadTransposed<float, float>(from + i * ldFrom + j, ldFrom, count, steps,
                                   block);
      for (int64_t s = 0; s < steps; ++s)
        storeFirst(to + (j + s) * ldTo + i, block[s], count);
    }
  }
}

//===----------------------------------------------------------------------===//
// Depthwise convolution
//===----------------------------------------------------------------------===//

template <int Rows>
FX_INLINE void depthwiseRows(const DepthwisePlane &plane, const float *image,
                             const float *weight, float bias, float *output,
                             int64_t y) {
  constexpr int VL = kLanes<float>;
  for (int64_t x = 0; x < plane.width; x += VL) {
    VectorF32 acc[Rows];
#pragma clang loop unroll(full)
    for (int r = 0; r < Rows; ++r)
      acc[r] = splat<float>(bias);
    for (int64_t t = 0; t < plane.taps; ++t) {
      VectorF32 w = splat<float>(weight[t]);
      const float *from = image + plane.offset[t] + y * plane.rowStep + x;
#pragma clang loop unroll(full)
      for (int r = 0; r < Rows; ++r)
        acc[r] += w * load(from + r * plane.rowStep);
    }
    int64_t count = plane.width - x;
#pragma clang loop unroll(full)
    for (int r = 0; r < Rows; ++r) {
      float *to = output + (y + r) * plane.width + x;
      if (count >= VL)
        store<float>(to, acc[r]);
      else
        storeFirst(to, acc[r], count);
    }
  }
}

/// The image must be readable for a vector beyond its last element.
void depthwiseForward(const DepthwisePlane &plane, const float *image,
                      const float *weight, float bias, float *output) {
  int64_t y = 0;
  for (; y + 4 <= plane.height; y += 4)
    depthwiseRows<4>(plane, image, weight, bias, output, y);
  for (; y < plane.height; ++y)
    depthwiseRows<1>(plane, image, weight, bias, output, y);
}

void depthwiseData(const DepthwisePlane &plane, float *image,
                   const float *weight, const float *grad) {
  constexpr int VL = kLanes<float>;
  for (int64_t y = 0; y < plane.height; ++y)
    for (int64_t t = 0; t < plane.taps; ++t) {
      VectorF32 w = splat<float>(weight[t]);
      float *to = image + plane.offset[t] + y * plane.rowStep;
      const float *from = grad + y * plane.width;
      int64_t x = 0;
      for (; x + VL <= plane.width; x += VL)
        store<float>(to + x, load(to + x) + w * load(from + x));
      if (int64_t rest = plane.width - x)
        storeFirst(to + x,
                   loadFirst(to + x, rest) + w * loadFirst(from + x, rest),
                   rest);
    }
}

template <int Taps>
FX_INLINE void depthwiseWeightTaps(const DepthwisePlane &plane,
                                   const float *image, const float *grad,
                                   const int64_t *offset, float *weightGrad) {
  constexpr int VL = kLanes<float>;
  VectorF32 acc[Taps] = {};
  for (int64_t y = 0; y < plane.height; ++y) {
    const float *from = image + y * plane.rowStep;
    const float *g = grad + y * plane.width;
    int64_t x = 0;
    for (; x + VL <= plane.width; x += VL) {
      VectorF32 value = load(g + x);
#pragma clang loop unroll(full)
      for (int t = 0; t < Taps; ++t)
        acc[t] += value * load(from + offset[t] + x);
    }
    if (int64_t rest = plane.width - x) {
      VectorF32 value = loadFirst(g + x, rest);
#pragma clang loop unroll(full)
      for (int t = 0; t < Taps; ++t)
        acc[t] += value * loadFirst(from + offset[t] + x, rest);
    }
  }
  for (int t = 0; t < Taps; ++t) {
    float sum = 0;
    for (int l = 0; l < VL; ++l)
      sum += acc[t][l];
    weightGrad[t] += sum;
  }
}

void depthwiseWeight(const DepthwisePlane &plane, const float *image,
                     const float *grad, float *weightGrad) {
  int64_t t = 0;
  for (; t + 3 <= plane.taps; t += 3)
    depthwiseWeightTaps<3>(plane, image, grad, plane.offset + t,
                           weightGrad + t);
  for (; t < plane.taps; ++t)
    depthwiseWeightTaps<1>(plane, image, grad, plane.offset + t,
                           weightGrad + t);
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

void philoxUniform(uint64_t seed, uint64_t firstBlock, float *out,
                   int64_t blocks) {
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < blocks; ++i) {
    uint32_t words[4];
    fx_philox_block(seed, firstBlock + (uint64_t)i, words);
    for (int w = 0; w < 4; ++w)
      out[4 * i + w] = fx_philox_to_uniform_f32(words[w]);
  }
}

constexpr Kernels kernelTable(const char *name) {
  Kernels table = {};
  table.name = name;
  table.f32 = gemmTable<float>();
  table.f64 = gemmTable<double>();
  table.packF32 = {packA<float, float>, packB<float, float>};
  table.packF64 = {packA<double, double>, packB<double, double>};
  table.packBF16 = {packA<BFloat16, float>, packB<BFloat16, float>};
  table.packF16 = {packA<Half, float>, packB<Half, float>};
  table.i8 = intTable();
  table.attention = attentionTable();
  table.packPatches = packPatches;
  addOffsetTiles(table, std::make_index_sequence<FX_TILE_ROWS>());
  addWeightTiles(table, std::make_index_sequence<kPatchRows>());
  table.transpose = transposeMatrix;
  table.winogradInput = winogradInput;
  table.winogradOutput = winogradOutput;
  table.winogradFilter = winogradFilter;
  table.depthwiseForward = depthwiseForward;
  table.depthwiseData = depthwiseData;
  table.depthwiseWeight = depthwiseWeight;
  table.philoxUniform = philoxUniform;
  return table;
}

} // namespace
} // namespace fxrt

#endif // FX_LIB_RUNTIME_KERNELSCONV_H
