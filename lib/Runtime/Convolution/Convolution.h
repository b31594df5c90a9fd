//===- Convolution.h - Shared parts of the convolutions ---------*- C++ -*-===//

#ifndef FX_LIB_RUNTIME_CONVOLUTION_CONVOLUTION_H
#define FX_LIB_RUNTIME_CONVOLUTION_CONVOLUTION_H

#include "../GemmImpl.h"

namespace fxrt {

/// A product of a matrix with the patches of a batch of images:
///
///   dest[n, g, m, p(q)] = sum over i, c, t of
///       weight[g][m, (i * channels + c) * taps + t] *
///       source[n, g, c, s(q, i * taps + t)] + bias[g, m]
///
/// The taps come in `parts` lists of `taps`; what a list adds to positions where
/// all of it is outside of the source is left out.
///
/// for the positions q = (z, y, x) of a grid [depth, rows, cols], where
/// s(q, t) = (z * strideZ + tapZ[t], y * strideY + tapY[t], x * strideX +
/// tapX[t]), zero outside of the source, and p(q) = (z * destStepZ + destZ,
/// y * destStepY + destY, x * destStepX + destX). It is the forward
/// convolution, and the gradient of the input for each phase of the stride.
struct PatchProduct {
  /// `pairs`: the elements of the source and the weights are pairs of channels
  /// for those kernels; weights are packed then.
  explicit PatchProduct(const DotKernels *pairs = nullptr)
      : tiles(pairs ? pairs->tiles : kernels().f32),
        offsetTiles(pairs ? pairs->offsetTile : kernels().offsetTile) {}

  const GemmKernels<float> &tiles;
  const OffsetTiles *offsetTiles;
  int64_t batch, groups;
  const float *source;
  int64_t channels, sourceD, sourceH, sourceW;
  int64_t parts = 1, taps;
  const int64_t *tapZ, *tapY, *tapX;
  /// The distances between the outermost taps.
  int64_t spanZ, spanY, spanX;
  int64_t strideZ, strideY, strideX;
  int64_t depth, rows, cols;
  /// Weights of all groups, in row panels of the tile height: the element
  /// (m, k) of the panel [m0, m0 + r) is at (m0 * K + k * r + m - m0), and a
  /// group takes M * K elements. Or, with packed = false, row-major.
  const float *weight;
  bool packed;
  /// With packsLate, they are the rows of `rawWeight` instead, each
  /// [rawChannels][taps], and a block is packed when it is used.
  bool packsLate = false;
  const BFloat16 *rawWeight = nullptr;
  int64_t rawChannels = 0;
  const PairPlaces *places = nullptr;
  int64_t M;
  const float *bias = nullptr;
  float *dest;
  /// False, with a null dest, if the epilogue alone reads the result, tile by
  /// tile.
  bool hasDest = true;
  int64_t destD, destH, destW;
  int64_t destZ = 0, destY = 0, destX = 0;
  int64_t destStepZ = 1, destStepY = 1, destStepX = 1;
  fx_rt_epilogue_f32 epilogue = nullptr;
  void *closure = nullptr;
  /// What the epilogue calls the first image.
  int64_t firstImage = 0;

  int64_t allTaps() const { return parts * taps; }
  int64_t K() const { return channels * allTaps(); }
  /// The grid is the destination, without gaps.
  bool dense() const {
    return destStepZ == 1 && destStepY == 1 && destStepX == 1 &&
           depth == destD && rows == destH && cols == destW;
  }
};

void runPatchProduct(void *ctx, const PatchProduct &product);
/// Adds what it asks threads for.
void addPatchScratch(const PatchProduct &product, fx_rt_scratch &needs);
/// How often it reads the weights of a group, beside several threads.
int64_t countWeightUses(const PatchProduct &product);

/// For strides of one, few rows of weights and wide images: a panel of patches
/// would be packed for little use. Tiles read a padded copy of the image.
/// False if there is no memory for that.
bool isDirectProduct(const PatchProduct &product);
bool runDirectProduct(void *ctx, const PatchProduct &product);
void addDirectScratch(const PatchProduct &product, fx_rt_scratch &needs);

/// The panels that a group's weights are cut into.
inline EvenSplit weightPanels(int64_t M) {
  return {M, ceilDiv(M, kernels().f32.mr)};
}

/// True if the three tensors' sizes fit together; else the error is set.
bool checkShape(const fx_rt_conv_shape &shape, const char *function);

/// Elements of one channel of the kernel, the input and the output.
inline int64_t getTaps(const fx_rt_conv_shape &s) {
  return s.kernel_d * s.kernel_h * s.kernel_w;
}
inline int64_t getInputSize(const fx_rt_conv_shape &s) {
  return s.in_d * s.in_h * s.in_w;
}
inline int64_t getPositions(const fx_rt_conv_shape &s) {
  return s.out_d * s.out_h * s.out_w;
}

/// The distance between neighbouring channels, and taps, of a weight.
inline int64_t getChannelStep(const fx_rt_conv_shape &s) {
  return s.channels_last_weight ? 1 : getTaps(s);
}
inline int64_t getTapStep(const fx_rt_conv_shape &s) {
  return s.channels_last_weight ? s.in_channels / s.groups : 1;
}

/// A 1x1 convolution whose patches are the input itself.
inline bool isPointwise(const fx_rt_conv_shape &s) {
  return s.groups == 1 && getTaps(s) == 1 && s.stride_d == 1 &&
         s.stride_h == 1 && s.stride_w == 1 && s.pad_d == 0 && s.pad_h == 0 &&
         s.pad_w == 0 && s.in_d == s.out_d && s.in_h == s.out_h &&
         s.in_w == s.out_w;
}

/// 3x3 kernels over height and width, without strides there, on enough tiles and channels.
bool isWinograd(const fx_rt_conv_shape &shape);
/// Elements of the transformed filters.
int64_t winogradFilterCount(const fx_rt_conv_shape &shape);
void transformWinogradFilters(void *ctx, const fx_rt_conv_shape &shape,
                              const float *weight, float *filters);
void winogradForward(void *ctx, const fx_rt_conv_shape &shape,
                     const float *input, const float *filters,
                     const float *bias, float *output,
                     fx_rt_epilogue_f32 epilogue, void *closure);
/// Without the filters.
void addWinogradScratch(const fx_rt_conv_shape &shape, fx_rt_scratch &needs);

/// One input channel a group: no sum over channels, so no matrix product.
inline bool isDepthwise(const fx_rt_conv_shape &s) {
  return s.groups > 1 && s.in_channels == s.groups;
}
/// Adds what the depthwise kernels ask for.
template <typename S>
void addDepthwiseScratch(const fx_rt_conv_shape &shape, bool hasOutput,
                         fx_rt_scratch &needs);
/// Non-zero when out of memory.
template <typename S>
int32_t depthwiseForward(void *ctx, const fx_rt_conv_shape &shape,
                         const S *input, const S *weight, const float *bias,
                         float *output, fx_rt_epilogue_f32 epilogue,
                         void *closure);
int32_t depthwiseBackwardData(void *ctx, const fx_rt_conv_shape &shape,
                              const float *gradOutput, const float *weight,
                              float *gradInput);
template <typename S>
void depthwiseBackwardWeight(void *ctx, const fx_rt_conv_shape &shape,
                             const S *gradOutput, const S *input,
                             float *gradWeight);

/// n elements -> n of f32.
void widenElements(const float *from, int64_t n, float *to);
void widenElements(const BFloat16 *from, int64_t n, float *to);
void widenElements(const Half *from, int64_t n, float *to);

/// The kernels that multiply pairs of S, or null.
template <typename S>
const DotKernels *pairKernels() {
  return std::is_same_v<S, BFloat16> ? dotKernels() : nullptr;
}
/// Channels of f32 or pairs that `channels` of S are.
template <typename S>
int64_t getTileChannels(int64_t channels) {
  return pairKernels<S>() ? ceilDiv(channels, 2) : channels;
}
/// Planes [channels][size] of S -> [getTileChannels(channels)][size].
template <typename S>
void convertPlanes(const S *from, int64_t channels, int64_t size, float *to) {
  if constexpr (std::is_same_v<S, BFloat16>)
    if (const DotKernels *pairs = pairKernels<S>())
      return pairs->pairPlanes(from, channels, size, to);
  widenElements(from, channels * size, to);
}

} // namespace fxrt

#endif // FX_LIB_RUNTIME_CONVOLUTION_CONVOLUTION_H
