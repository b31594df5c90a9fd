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

int32_t fx_rt_conv2d(void *ctx, const fx_rt_conv_shape *shape,
                     const float *input, const float *weight, const float *bias,
                     float *output, fx_rt_epilogue_f32 epilogue,
                     void *closure) {
  const fx_rt_conv_shape &s = *shape;
  if (!checkShape(s, "fx_rt_conv2d"))
    return 1;
  if (s.batch == 0 || s.out_channels == 0 || s.out_h == 0 || s.out_w == 0)
    return 0;
  const int64_t positions = s.out_h * s.out_w;
  const int64_t nr = kernels().f32.nr;

  if (isDepthwise(s)) {
    depthwiseForward(ctx, s, input, weight, bias, output, epilogue, closure);
    return 0;
  }
  if ((isPointwise(s) && (s.batch == 1 || positions >= 8 * nr)) ||
      s.in_channels == 0) {
    GemmProblem<float, float> p;
    p.batch = s.batch;
    p.M = s.out_channels;
    p.N = positions;
    p.K = s.in_channels;
    p.A = weight;
    p.rsA = s.in_channels;
    p.csA = 1;
    p.B = input;
    p.bsB = s.in_channels * positions;
    p.rsB = positions;
    p.csB = 1;
    p.C = output;
    p.bsC = s.out_channels * positions;
    p.rsC = positions;
    p.rowBias = bias;
    p.epilogue = epilogue;
    p.closure = closure;
    runGemm(ctx, p);
    return 0;
  }

  const int64_t taps = s.kernel_h * s.kernel_w;
  ScopedBuffer<int64_t> offsets(ctx, 2 * taps);
  // A packed copy of the weights pays off when several panels use it.
  bool pack = s.batch * positions > 6 * nr;
  ScopedBuffer<float> packed(
      ctx, pack ? s.out_channels * s.in_channels / s.groups * taps : 0);
  if (!offsets.get() || !packed.get())
    return 1;
  for (int64_t t = 0; t < taps; ++t) {
    offsets.get()[t] = t / s.kernel_w * s.dilation_h - s.pad_h;
    offsets.get()[taps + t] = t % s.kernel_w * s.dilation_w - s.pad_w;
  }
  if (pack)
    packWeights(ctx, s, weight, packed.get());

  PatchProduct product;
  product.batch = s.batch;
  product.groups = s.groups;
  product.source = input;
  product.channels = s.in_channels / s.groups;
  product.sourceH = s.in_h;
  product.sourceW = s.in_w;
  product.taps = taps;
  product.tapY = offsets.get();
  product.tapX = offsets.get() + taps;
  product.strideY = s.stride_h;
  product.strideX = s.stride_w;
  product.rows = product.destH = s.out_h;
  product.cols = product.destW = s.out_w;
  product.weight = pack ? packed.get() : weight;
  product.packed = pack;
  product.M = s.out_channels / s.groups;
  product.bias = bias;
  product.dest = output;
  product.epilogue = epilogue;
  product.closure = closure;
  runPatchProduct(ctx, product);
  return 0;
}
