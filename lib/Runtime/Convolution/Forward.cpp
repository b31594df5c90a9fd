//===- Forward.cpp - Forward convolution ----------------------------------===//
//
// Narrow operands become 32-bit elements first: f32, or pairs of channels where
// the processor has dot products of these. That is done for some images at a
// time, so that the copy stays in a cache, and the same product with patches
// follows.
//
//===----------------------------------------------------------------------===//

#include "../Frozen.h"
#include "Convolution.h"

#include <stdio.h>
#include <string.h>

using namespace fxrt;

bool fxrt::checkShape(const fx_rt_conv_shape &s, const char *function) {
  const char *problem = nullptr;
  if (s.batch < 0 || s.in_channels < 0 || s.in_d < 0 || s.in_h < 0 ||
      s.in_w < 0 || s.out_channels < 0 || s.out_d < 0 || s.out_h < 0 ||
      s.out_w < 0)
    problem = "a tensor has a negative size";
  else if (s.kernel_d < 1 || s.kernel_h < 1 || s.kernel_w < 1)
    problem = "the kernel is empty";
  else if (s.stride_d < 1 || s.stride_h < 1 || s.stride_w < 1 ||
           s.dilation_d < 1 || s.dilation_h < 1 || s.dilation_w < 1)
    problem = "a stride or dilation is not positive";
  else if (s.groups < 1 || s.in_channels % s.groups != 0 ||
           s.out_channels % s.groups != 0)
    problem = "the groups do not divide the channels";
  if (!problem)
    return true;
  char text[160];
  snprintf(text, sizeof(text), "%s: %s", function, problem);
  fx_rt_set_error(text);
  return false;
}

void fxrt::widenElements(const float *from, int64_t n, float *to) {
  memcpy(to, from, n * sizeof(float));
}
void fxrt::widenElements(const BFloat16 *from, int64_t n, float *to) {
  kernels().attention.widenBF16(from, 0, 1, 1, n, to);
}
void fxrt::widenElements(const Half *from, int64_t n, float *to) {
  kernels().attention.widenF16(from, 0, 1, 1, n, to);
}

namespace {
template <typename S>
constexpr bool kIsNarrow = !std::is_same_v<S, float>;

/// What the forward convolution is made of: nothing, planes, one product, tiles
/// of Winograd's, or one product with patches.
template <typename S>
struct ForwardPlan {
  ForwardPlan(const fx_rt_conv_shape &s, bool hasOutput, bool isFrozen)
      : s(s), hasOutput(hasOutput) {
    const int64_t positions = getPositions(s), nr = kernels().f32.nr;
    taps = getTaps(s);
    channels = getTileChannels<S>(s.in_channels / s.groups);
    // A packed copy of the weights pays off when several panels use it.
    pack = kIsNarrow<S> || s.batch * positions > 6 * nr;
    isEmpty = s.batch == 0 || s.out_channels == 0 || positions == 0;
    isProduct =
        (isPointwise(s) && (s.batch == 1 || positions >= 8 * nr)) ||
        s.in_channels == 0;
    isTiled = !kIsNarrow<S> && hasOutput && !isProduct && !isDepthwise(s) &&
              isWinograd(s);
    isReordered = s.channels_last_weight && taps > 1 &&
                  s.in_channels / s.groups > 1;
    pairsRows = pairKernels<S>() && !isReordered &&
                taps <= PairPlaces::kMaxTaps;
    if (kIsNarrow<S>)
      parts = 1;
    else if (isReordered)
      parts = !pack || channels >= kMinPartSteps ? taps : 1;
    else if (pack && (s.pad_d > 0 || s.out_d > s.in_d) &&
             channels * taps / s.kernel_d >= kMinPartSteps / 2)
      parts = s.kernel_d;
    else
      parts = 1;
    preparedCount = isTiled ? winogradFilterCount(s)
                    : pack  ? s.out_channels * channels * taps
                            : 0;
    convertedImage = s.groups * channels * getInputSize(s);
    imagesAtOnce = s.batch;
    if (kIsNarrow<S>)
      imagesAtOnce = minOf(
          s.batch, maxOf(1, kConvertedElements / maxOf(1, convertedImage)));
    if (!pairsRows || isFrozen || isEmpty || isProduct || isDepthwise(s))
      return;
    // Weights that are hardly used again should not be written first.
    const PatchProduct product = getPatchProduct(imagesAtOnce);
    packsLate = !isDirectProduct(product) &&
                ceilDiv(s.batch, imagesAtOnce) * countWeightUses(product) <=
                    kLateUses;
    if (packsLate)
      preparedCount = 0;
  }

  GemmProblem<S, float> getProduct() const {
    const int64_t positions = getPositions(s);
    GemmProblem<S, float> p;
    p.batch = s.batch;
    p.M = s.out_channels;
    p.N = positions;
    p.K = s.in_channels;
    p.A = p.B = nullptr;
    p.rsA = s.in_channels;
    p.csA = 1;
    p.bsB = s.in_channels * positions;
    p.rsB = positions;
    p.csB = 1;
    p.C = nullptr;
    p.bsC = s.out_channels * positions;
    p.rsC = positions;
    p.hasC = hasOutput;
    return p;
  }

  /// Sizes and steps, for some images; no pointers.
  PatchProduct getPatchProduct(int64_t images) const {
    PatchProduct product(pairKernels<S>());
    product.batch = images;
    product.groups = s.groups;
    product.channels = channels;
    product.sourceD = s.in_d;
    product.sourceH = s.in_h;
    product.sourceW = s.in_w;
    product.parts = parts;
    product.taps = taps / parts;
    product.spanZ = (s.kernel_d - 1) * s.dilation_d;
    product.spanY = (s.kernel_h - 1) * s.dilation_h;
    product.spanX = (s.kernel_w - 1) * s.dilation_w;
    product.strideZ = s.stride_d;
    product.strideY = s.stride_h;
    product.strideX = s.stride_w;
    product.depth = product.destD = s.out_d;
    product.rows = product.destH = s.out_h;
    product.cols = product.destW = s.out_w;
    product.packed = pack;
    product.packsLate = packsLate;
    product.rawChannels = s.in_channels / s.groups;
    product.M = s.out_channels / s.groups;
    product.hasDest = hasOutput;
    return product;
  }

  /// Elements of the converted images, of a panel of converted weights.
  int64_t convertedCount() const {
    return kIsNarrow<S> ? imagesAtOnce * convertedImage : 0;
  }
  int64_t panelCount() const {
    return arrangesRows() && !pairsRows
               ? (kernels().f32.mr + isReordered) * channels * taps
               : 0;
  }

  /// Whether the steps of a panel of weights are not those in memory.
  bool arrangesRows() const {
    return kIsNarrow<S> || parts != (isReordered ? taps : 1);
  }

  const fx_rt_conv_shape &s;
  int64_t taps, channels;
  /// The sum runs over parts, channels, taps of a part; a part with few steps
  /// would take longer. `isReordered`: in memory the channels are the last.
  int64_t parts;
  bool isReordered;
  /// Elements of what is made of the weights; 0 if they are used as they are.
  int64_t preparedCount;
  int64_t convertedImage, imagesAtOnce;
  bool hasOutput, pack, isEmpty, isProduct, isTiled;
  /// Weights become pairs while their rows are packed.
  bool pairsRows;
  /// And that happens when they are used.
  bool packsLate = false;

private:
  static constexpr int64_t kMinPartSteps = 128;
  static constexpr int64_t kConvertedElements = int64_t(1) << 20;
  static constexpr int64_t kLateUses = 2;
};

/// A row of weights in the order of the steps, as 32-bit elements; `spare` has
/// room for another one.
template <typename S>
void arrangeRow(const ForwardPlan<S> &plan, const S *from, float *to,
                float *spare) {
  const int64_t C = plan.s.in_channels / plan.s.groups, taps = plan.taps;
  if constexpr (kIsNarrow<S>) {
    if (plan.isReordered) {
      S *row = reinterpret_cast<S *>(spare);
      for (int64_t c = 0; c < C; ++c)
        for (int64_t t = 0; t < taps; ++t)
          row[c * taps + t] = from[t * C + c];
      from = row;
    }
    convertPlanes(from, C, taps, to);
  } else if (plan.isReordered) {
    kernels().transpose(from, C, taps, C, to, taps);
  } else {
    const int64_t count = taps / plan.parts;
    for (int64_t i = 0; i < plan.parts; ++i)
      for (int64_t c = 0; c < C; ++c)
        memcpy(to + (i * C + c) * count, from + c * taps + i * count,
               count * sizeof(float));
  }
}

/// Cuts the weights of all groups into the row panels of the tile kernels.
template <typename S>
void packWeights(void *ctx, const ForwardPlan<S> &plan, const S *weight,
                 float *packed) {
  const fx_rt_conv_shape &s = plan.s;
  const int64_t M = s.out_channels / s.groups, C = s.in_channels / s.groups;
  const int64_t K = plan.channels * plan.taps;
  const EvenSplit panels = weightPanels(M);
  const auto packA = kernels().packF32.packA;
  const PairPlaces places(plan.pairsRows ? plan.taps : 0);
  parallelFor(ctx, s.groups * panels.parts, maxOf(1, 65536 / (14 * K + 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  int64_t q = i % panels.parts, row = panels.begin(q);
                  int64_t rows = panels.begin(q + 1) - row;
                  int64_t first = i / panels.parts * M + row;
                  const float *from = nullptr;
                  if constexpr (std::is_same_v<S, BFloat16>)
                    if (plan.pairsRows) {
                      pairKernels<S>()->packWeights(
                          weight + first * C * plan.taps, rows, C, plan.taps,
                          places, 0, K, packed + first * K);
                      continue;
                    }
                  if (plan.arrangesRows()) {
                    float *panel = threadScratchOf<float>(ScratchTile,
                                                          plan.panelCount());
                    for (int64_t r = 0; r < rows; ++r)
                      arrangeRow(plan, weight + (first + r) * C * plan.taps,
                                 panel + r * K, panel + rows * K);
                    from = panel;
                  } else if constexpr (!kIsNarrow<S>) {
                    from = weight + first * K;
                  }
                  packA(from, K, 1, rows, K, packed + first * K);
                }
              });
}

template <typename S>
void addScratch(const fx_rt_conv_shape &s, bool hasOutput, bool isFrozen,
                fx_rt_scratch &needs) {
  const ForwardPlan<S> plan(s, hasOutput, isFrozen);
  if (plan.isEmpty)
    return;
  if (isDepthwise(s))
    return addDepthwiseScratch<S>(s, hasOutput, needs);
  if (plan.isProduct)
    return addGemmScratch(plan.getProduct(), needs);
  if (!isFrozen)
    addLent(needs, plan.preparedCount * sizeof(float));
  if (plan.isTiled)
    return addWinogradScratch(s, needs);
  addLent(needs, 3 * plan.taps * sizeof(int64_t));
  addLent(needs, plan.convertedCount() * sizeof(float));
  if (plan.panelCount())
    addThreadScratch(needs, ScratchTile, plan.panelCount() * sizeof(float));
  addPatchScratch(plan.getPatchProduct(plan.imagesAtOnce), needs);
}

/// The product with patches, of weights as they are and as the plan prepares
/// them.
template <typename S>
int32_t runPatches(void *ctx, const ForwardPlan<S> &plan, const S *input,
                   const S *rawWeight, const float *weight, const float *bias,
                   float *output, fx_rt_epilogue_f32 epilogue, void *closure) {
  const fx_rt_conv_shape &s = plan.s;
  const int64_t taps = plan.taps;
  ScopedBuffer<int64_t> offsets(ctx, 3 * taps);
  ScopedBuffer<float> converted(ctx, plan.convertedCount());
  if (!offsets.get() || !converted.get())
    return 1;
  for (int64_t t = 0; t < taps; ++t) {
    const int64_t row = t / s.kernel_w;
    offsets.get()[t] = row / s.kernel_h * s.dilation_d - s.pad_d;
    offsets.get()[taps + t] = row % s.kernel_h * s.dilation_h - s.pad_h;
    offsets.get()[2 * taps + t] = t % s.kernel_w * s.dilation_w - s.pad_w;
  }
  const PairPlaces places(plan.packsLate ? taps : 0);
  for (int64_t n = 0; n < s.batch; n += plan.imagesAtOnce) {
    const int64_t images = minOf(plan.imagesAtOnce, s.batch - n);
    PatchProduct product = plan.getPatchProduct(images);
    const S *source = input + n * s.in_channels * getInputSize(s);
    if constexpr (kIsNarrow<S>) {
      const int64_t C = s.in_channels / s.groups, plane = getInputSize(s);
      parallelFor(ctx, images * s.groups, maxOf(1, 65536 / maxOf(1, C * plane)),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i)
                      convertPlanes(source + i * C * plane, C, plane,
                                    converted.get() +
                                        i * plan.channels * plane);
                  });
      product.source = converted.get();
    } else {
      product.source = source;
    }
    product.weight = weight;
    if constexpr (std::is_same_v<S, BFloat16>)
      product.rawWeight = rawWeight;
    product.places = &places;
    product.tapZ = offsets.get();
    product.tapY = offsets.get() + taps;
    product.tapX = offsets.get() + 2 * taps;
    product.bias = bias;
    product.dest =
        output ? output + n * s.out_channels * getPositions(s) : nullptr;
    product.epilogue = epilogue;
    product.closure = closure;
    product.firstImage = n;
    runPatchProduct(ctx, product);
  }
  return 0;
}

/// `store` is null for weights that may change.
template <typename S>
int32_t convolve(void *ctx, void **store, const fx_rt_conv_shape &s,
                 const S *input, const S *weight, const float *bias,
                 float *output, fx_rt_epilogue_f32 epilogue, void *closure) {
  const ForwardPlan<S> plan(s, output != nullptr, store != nullptr);
  if (plan.isEmpty)
    return 0;
  if (isDepthwise(s))
    return depthwiseForward(ctx, s, input, weight, bias, output, epilogue,
                            closure);
  if (plan.isProduct) {
    GemmProblem<S, float> p = plan.getProduct();
    p.A = weight;
    p.B = input;
    p.C = output;
    p.rowBias = bias;
    p.epilogue = epilogue;
    p.closure = closure;
    runGemm(ctx, p);
    return 0;
  }

  auto prepare = [&](float *form) {
    if constexpr (!kIsNarrow<S>)
      if (plan.isTiled)
        return transformWinogradFilters(ctx, s, weight, form);
    packWeights(ctx, plan, weight, form);
  };
  ScopedBuffer<float> buffer(ctx, store ? 0 : plan.preparedCount);
  const float *prepared = buffer.get();
  if (!plan.preparedCount) {
    if constexpr (!kIsNarrow<S>)
      prepared = weight;
  } else if (store) {
    prepared = getFrozen(
        store,
        {weight,
         plan.isTiled ? FrozenKey::WinogradFilters
                      : FrozenKey::ConvolutionPanels,
         kElementType<S>,
         {s.out_channels, s.in_channels, s.groups,
          2 * plan.taps + plan.isReordered}},
        plan.preparedCount, prepare);
  } else if (prepared) {
    prepare(buffer.get());
  }
  if (!prepared)
    return 1;
  if constexpr (!kIsNarrow<S>)
    if (plan.isTiled) {
      winogradForward(ctx, s, input, prepared, bias, output, epilogue,
                      closure);
      return 0;
    }
  return runPatches(ctx, plan, input, weight, prepared, bias, output, epilogue,
                    closure);
}
} // namespace

void fx_rt_conv2d_scratch(const fx_rt_conv_shape *shape, int32_t type,
                          int32_t hasOutput, int32_t isFrozen,
                          fx_rt_scratch *scratch) {
  *scratch = {};
  if (!checkShape(*shape, "fx_rt_conv2d_scratch"))
    return;
  auto add = type == 2   ? addScratch<BFloat16>
             : type == 3 ? addScratch<Half>
                         : addScratch<float>;
  add(*shape, hasOutput != 0, isFrozen != 0, *scratch);
}

int32_t fx_rt_conv2d(void *ctx, const fx_rt_conv_shape *shape,
                     const float *input, const float *weight, const float *bias,
                     float *output, fx_rt_epilogue_f32 epilogue,
                     void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d"))
    return 1;
  return convolve(ctx, nullptr, *shape, input, weight, bias, output, epilogue,
                  closure);
}

int32_t fx_rt_conv2d_frozen(void *ctx, void **store,
                            const fx_rt_conv_shape *shape, const float *input,
                            const float *weight, const float *bias,
                            float *output, fx_rt_epilogue_f32 epilogue,
                            void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_frozen"))
    return 1;
  return convolve(ctx, store, *shape, input, weight, bias, output, epilogue,
                  closure);
}

int32_t fx_rt_conv2d_bf16(void *ctx, const fx_rt_conv_shape *shape,
                          const uint16_t *input, const uint16_t *weight,
                          const float *bias, float *output,
                          fx_rt_epilogue_f32 epilogue, void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_bf16"))
    return 1;
  return convolve(ctx, nullptr, *shape, reinterpret_cast<const BFloat16 *>(input),
                  reinterpret_cast<const BFloat16 *>(weight), bias, output,
                  epilogue, closure);
}

int32_t fx_rt_conv2d_f16(void *ctx, const fx_rt_conv_shape *shape,
                         const uint16_t *input, const uint16_t *weight,
                         const float *bias, float *output,
                         fx_rt_epilogue_f32 epilogue, void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_f16"))
    return 1;
  return convolve(ctx, nullptr, *shape, reinterpret_cast<const Half *>(input),
                  reinterpret_cast<const Half *>(weight), bias, output,
                  epilogue, closure);
}

int32_t fx_rt_conv2d_bf16_frozen(void *ctx, void **store,
                                 const fx_rt_conv_shape *shape,
                                 const uint16_t *input, const uint16_t *weight,
                                 const float *bias, float *output,
                                 fx_rt_epilogue_f32 epilogue, void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_bf16_frozen"))
    return 1;
  return convolve(ctx, store, *shape, reinterpret_cast<const BFloat16 *>(input),
                  reinterpret_cast<const BFloat16 *>(weight), bias, output,
                  epilogue, closure);
}

int32_t fx_rt_conv2d_f16_frozen(void *ctx, void **store,
                                const fx_rt_conv_shape *shape,
                                const uint16_t *input, const uint16_t *weight,
                                const float *bias, float *output,
                                fx_rt_epilogue_f32 epilogue, void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_f16_frozen"))
    return 1;
  return convolve(ctx, store, *shape, reinterpret_cast<const Half *>(input),
                  reinterpret_cast<const Half *>(weight), bias, output,
                  epilogue, closure);
}
