//===- Forward.cpp - Forward convolution ----------------------------------===//

#include "Convolution.h"

#include <stdio.h>

using namespace fxrt;

bool fxrt::checkShape(const fx_rt_conv_shape &s, const char *function) {
  const char *problem = nullptr;
  if (s.batch < 0 || s.in_channels < 0 || s.in_h < 0 || s.in_w < 0 ||
      s.out_channels < 0 || s.out_h < 0 || s.out_w < 0)
    problem = "a tensor has a negative size";
  else if (s.kernel_h < 1 || s.kernel_w < 1)
    problem = "the kernel is empty";
  else if (s.stride_h < 1 || s.stride_w < 1 || s.dilation_h < 1 ||
           s.dilation_w < 1)
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

/// Cuts the weights of all groups into the row panels of the tile kernels.
static void packWeights(void *ctx, const fx_rt_conv_shape &s,
                        const float *weight, float *packed) {
  const int64_t M = s.out_channels / s.groups;
  const int64_t K = s.in_channels / s.groups * s.kernel_h * s.kernel_w;
  const EvenSplit panels = weightPanels(M);
  const auto packA = kernels().packF32.packA;
  parallelFor(ctx, s.groups * panels.parts, maxOf(1, 65536 / (14 * K + 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  int64_t q = i % panels.parts, row = panels.begin(q);
                  int64_t offset = (i / panels.parts * M + row) * K;
                  packA(weight + offset, K, 1, panels.begin(q + 1) - row, K,
                        packed + offset);
                }
              });
}

namespace {
/// What the forward convolution is made of: nothing, planes, one product, tiles
/// of Winograd's, or one product with patches.
struct ForwardPlan {
  explicit ForwardPlan(const fx_rt_conv_shape &s) {
    const int64_t positions = s.out_h * s.out_w, nr = kernels().f32.nr;
    taps = s.kernel_h * s.kernel_w;
    // A packed copy of the weights pays off when several panels use it.
    pack = s.batch * positions > 6 * nr;
    isEmpty = s.batch == 0 || s.out_channels == 0 || positions == 0;
    isProduct =
        (isPointwise(s) && (s.batch == 1 || positions >= 8 * nr)) ||
        s.in_channels == 0;
    packedCount = pack ? s.out_channels * s.in_channels / s.groups * taps : 0;
  }
  int64_t taps, packedCount;
  bool pack, isEmpty, isProduct;
};

GemmProblem<float, float> getPointwiseProduct(const fx_rt_conv_shape &s) {
  const int64_t positions = s.out_h * s.out_w;
  GemmProblem<float, float> p;
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
  return p;
}

/// Sizes and steps; no pointers.
PatchProduct getPatchProduct(const fx_rt_conv_shape &s,
                             const ForwardPlan &plan) {
  PatchProduct product;
  product.batch = s.batch;
  product.groups = s.groups;
  product.channels = s.in_channels / s.groups;
  product.sourceH = s.in_h;
  product.sourceW = s.in_w;
  product.taps = plan.taps;
  product.spanY = (s.kernel_h - 1) * s.dilation_h;
  product.spanX = (s.kernel_w - 1) * s.dilation_w;
  product.strideY = s.stride_h;
  product.strideX = s.stride_w;
  product.rows = product.destH = s.out_h;
  product.cols = product.destW = s.out_w;
  product.packed = plan.pack;
  product.M = s.out_channels / s.groups;
  return product;
}
} // namespace

void fx_rt_conv2d_scratch(const fx_rt_conv_shape *shape,
                          fx_rt_scratch *scratch) {
  const fx_rt_conv_shape &s = *shape;
  *scratch = {};
  if (!checkShape(s, "fx_rt_conv2d_scratch"))
    return;
  const ForwardPlan plan(s);
  if (plan.isEmpty)
    return;
  if (isDepthwise(s))
    return addDepthwiseScratch(s, *scratch);
  if (plan.isProduct)
    return addGemmScratch(getPointwiseProduct(s), *scratch);
  if (isWinograd(s))
    return addWinogradScratch(s, *scratch);
  addLent(*scratch, 2 * plan.taps * sizeof(int64_t));
  addLent(*scratch, plan.packedCount * sizeof(float));
  addPatchScratch(getPatchProduct(s, plan), *scratch);
}

int32_t fx_rt_conv2d(void *ctx, const fx_rt_conv_shape *shape,
                     const float *input, const float *weight, const float *bias,
                     float *output, fx_rt_epilogue_f32 epilogue,
                     void *closure) {
  const fx_rt_conv_shape &s = *shape;
  if (!checkShape(s, "fx_rt_conv2d"))
    return 1;
  const ForwardPlan plan(s);
  if (plan.isEmpty)
    return 0;
  if (isDepthwise(s)) {
    depthwiseForward(ctx, s, input, weight, bias, output, epilogue, closure);
    return 0;
  }
  if (plan.isProduct) {
    GemmProblem<float, float> p = getPointwiseProduct(s);
    p.A = weight;
    p.B = input;
    p.C = output;
    p.rowBias = bias;
    p.epilogue = epilogue;
    p.closure = closure;
    runGemm(ctx, p);
    return 0;
  }
  if (isWinograd(s))
    return winogradForward(ctx, s, input, weight, bias, output, epilogue,
                           closure);

  const int64_t taps = plan.taps;
  ScopedBuffer<int64_t> offsets(ctx, 2 * taps);
  ScopedBuffer<float> packed(ctx, plan.packedCount);
  if (!offsets.get() || !packed.get())
    return 1;
  for (int64_t t = 0; t < taps; ++t) {
    offsets.get()[t] = t / s.kernel_w * s.dilation_h - s.pad_h;
    offsets.get()[taps + t] = t % s.kernel_w * s.dilation_w - s.pad_w;
  }
  if (plan.pack)
    packWeights(ctx, s, weight, packed.get());

  PatchProduct product = getPatchProduct(s, plan);
  product.source = input;
  product.tapY = offsets.get();
  product.tapX = offsets.get() + taps;
  product.weight = plan.pack ? packed.get() : weight;
  product.bias = bias;
  product.dest = output;
  product.epilogue = epilogue;
  product.closure = closure;
  runPatchProduct(ctx, product);
  return 0;
}
