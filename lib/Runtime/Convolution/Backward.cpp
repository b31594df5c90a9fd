//===- Backward.cpp - Gradients of the convolution ------------------------===//

#include "Convolution.h"

#include <string.h>

using namespace fxrt;

//===----------------------------------------------------------------------===//
// Gradient of the input
//===----------------------------------------------------------------------===//

namespace {
/// Along one axis: the input positions first, first + stride, ... receive from
/// the kernel elements kernel[0 .. count) only, from output position
/// i + shift[j] for the i-th of them.
struct Phase {
  int64_t first, size, count;
  int64_t *kernel, *shift;
};

/// The distance between the outermost shifts.
int64_t getSpan(const Phase &phase) {
  int64_t least = phase.shift[0], most = phase.shift[0];
  for (int64_t i = 1; i < phase.count; ++i) {
    least = minOf(least, phase.shift[i]);
    most = maxOf(most, phase.shift[i]);
  }
  return most - least;
}

Phase findPhase(int64_t remainder, int64_t in, int64_t kernel, int64_t stride,
                int64_t pad, int64_t dilation, int64_t *storage) {
  Phase phase;
  phase.first = ((remainder - pad) % stride + stride) % stride;
  phase.size = in > phase.first ? ceilDiv(in - phase.first, stride) : 0;
  phase.kernel = storage;
  phase.shift = storage + kernel;
  phase.count = 0;
  for (int64_t k = 0; k < kernel; ++k) {
    int64_t distance = phase.first + pad - k * dilation;
    if (distance % stride != 0)
      continue;
    phase.kernel[phase.count] = k;
    phase.shift[phase.count++] = distance / stride;
  }
  return phase;
}

/// Row panels of the transposed weights: rows are input channels, steps are
/// (output channel, tap of the phase).
void packTransposedWeights(void *ctx, const fx_rt_conv_shape &s,
                           const float *weight, const int64_t *tap,
                           int64_t taps, float *packed) {
  const int64_t M = s.in_channels / s.groups, O = s.out_channels / s.groups;
  const int64_t all = getTaps(s), K = O * taps;
  const EvenSplit panels = weightPanels(M);
  parallelFor(ctx, s.groups * panels.parts, maxOf(1, 65536 / (14 * K + 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  int64_t group = i / panels.parts, q = i % panels.parts;
                  int64_t row = panels.begin(q);
                  int64_t rows = panels.begin(q + 1) - row;
                  float *to = packed + (group * M + row) * K;
                  for (int64_t o = 0; o < O; ++o) {
                    const float *from = weight + (group * O + o) * M * all;
                    for (int64_t t = 0; t < taps; ++t, to += rows)
                      for (int64_t r = 0; r < rows; ++r)
                        to[r] = from[(row + r) * getChannelStep(s) +
                                     tap[t] * getTapStep(s)];
                  }
                }
              });
}

void fillWithZeros(void *ctx, float *data, int64_t count) {
  parallelFor(ctx, count, 65536, [&](int64_t begin, int64_t end) {
    memset(data + begin, 0, (end - begin) * sizeof(float));
  });
}
} // namespace

int32_t fx_rt_conv2d_backward_data(void *ctx, const fx_rt_conv_shape *shape,
                                   const float *grad_output,
                                   const float *weight, float *grad_input) {
  const fx_rt_conv_shape &s = *shape;
  if (!checkShape(s, "fx_rt_conv2d_backward_data"))
    return 1;
  const int64_t inPlane = getInputSize(s), positions = getPositions(s);
  const int64_t inSize = s.batch * s.in_channels * inPlane;
  if (inSize == 0)
    return 0;
  if (s.out_channels == 0 || positions == 0) {
    fillWithZeros(ctx, grad_input, inSize);
    return 0;
  }
  if (isDepthwise(s))
    return depthwiseBackwardData(ctx, s, grad_output, weight, grad_input);
  if (isPointwise(s) && (s.batch == 1 || positions >= 8 * kernels().f32.nr)) {
    GemmProblem<float, float> p;
    p.batch = s.batch;
    p.M = s.in_channels;
    p.N = positions;
    p.K = s.out_channels;
    p.A = weight;
    p.rsA = 1;
    p.csA = s.in_channels;
    p.B = grad_output;
    p.bsB = s.out_channels * positions;
    p.rsB = positions;
    p.csB = 1;
    p.C = grad_input;
    p.bsC = s.in_channels * positions;
    p.rsC = positions;
    runGemm(ctx, p);
    return 0;
  }

  const int64_t all = getTaps(s);
  const int64_t axes = 2 * (s.kernel_d + s.kernel_h + s.kernel_w);
  ScopedBuffer<int64_t> lists(ctx, axes + 4 * all);
  ScopedBuffer<float> packed(ctx,
                             s.out_channels * s.in_channels / s.groups * all);
  if (!lists.get() || !packed.get())
    return 1;
  int64_t *tap = lists.get() + axes;
  int64_t *tapZ = tap + all, *tapY = tapZ + all, *tapX = tapY + all;

  PatchProduct product;
  product.batch = s.batch;
  product.groups = s.groups;
  product.source = grad_output;
  product.channels = s.out_channels / s.groups;
  product.sourceD = s.out_d;
  product.sourceH = s.out_h;
  product.sourceW = s.out_w;
  product.tapZ = tapZ;
  product.tapY = tapY;
  product.tapX = tapX;
  product.strideZ = product.strideY = product.strideX = 1;
  product.weight = packed.get();
  product.packed = true;
  product.M = s.in_channels / s.groups;
  product.dest = grad_input;
  product.destD = s.in_d;
  product.destH = s.in_h;
  product.destW = s.in_w;
  product.destStepZ = s.stride_d;
  product.destStepY = s.stride_h;
  product.destStepX = s.stride_w;

  // Some positions receive nothing if a phase has no kernel element.
  if (s.kernel_d < s.stride_d || s.kernel_h < s.stride_h ||
      s.kernel_w < s.stride_w || (s.stride_d > 1 && s.dilation_d > 1) ||
      (s.stride_h > 1 && s.dilation_h > 1) ||
      (s.stride_w > 1 && s.dilation_w > 1))
    fillWithZeros(ctx, grad_input, inSize);
  int64_t *listY = lists.get() + 2 * s.kernel_d;
  int64_t *listX = listY + 2 * s.kernel_h;
  for (int64_t phase = 0; phase < s.stride_d * s.stride_h * s.stride_w;
       ++phase) {
    Phase z = findPhase(phase / s.stride_w / s.stride_h, s.in_d, s.kernel_d,
                        s.stride_d, s.pad_d, s.dilation_d, lists.get());
    Phase y = findPhase(phase / s.stride_w % s.stride_h, s.in_h, s.kernel_h,
                        s.stride_h, s.pad_h, s.dilation_h, listY);
    Phase x = findPhase(phase % s.stride_w, s.in_w, s.kernel_w, s.stride_w,
                        s.pad_w, s.dilation_w, listX);
    int64_t taps = 0;
    for (int64_t i = 0; i < z.count; ++i)
      for (int64_t j = 0; j < y.count; ++j)
        for (int64_t k = 0; k < x.count; ++k, ++taps) {
          tap[taps] = (z.kernel[i] * s.kernel_h + y.kernel[j]) * s.kernel_w +
                      x.kernel[k];
          tapZ[taps] = z.shift[i];
          tapY[taps] = y.shift[j];
          tapX[taps] = x.shift[k];
        }
    if (taps == 0)
      continue;
    packTransposedWeights(ctx, s, weight, tap, taps, packed.get());
    product.taps = taps;
    product.spanZ = getSpan(z);
    product.spanY = getSpan(y);
    product.spanX = getSpan(x);
    product.depth = z.size;
    product.rows = y.size;
    product.cols = x.size;
    product.destZ = z.first;
    product.destY = y.first;
    product.destX = x.first;
    runPatchProduct(ctx, product);
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Gradient of the weight
//===----------------------------------------------------------------------===//

namespace {
/// Where the gradient of a weight goes: [rows][cols], or tile by tile to the
/// epilogue, which sees `batch` = 0.
struct WeightOutput {
  float *data;
  fx_rt_epilogue_f32 epilogue;
  void *closure;
  int64_t cols;

  /// A finished tile that is not in `data`, but for data == tile.
  void finish(int64_t row, int64_t col, int64_t rows, int64_t count,
              float *tile, int64_t ld) const {
    if (epilogue)
      epilogue(closure, 0, row, col, rows, count, tile, ld);
  }
  /// All of it, computed in memory of this size.
  void finishAll(int64_t rows, float *memory) const {
    finish(0, 0, rows, cols, memory, cols);
  }
};

/// The sum over positions, with the output channels in the lanes: the output's
/// gradient is transposed into panels once, the (padded) image is read in
/// place, for kPatchRows pairs (channel, tap), in the order of the weight, at a
/// time. The sums of a block of
/// these and of a panel stay in the first-level cache until they are finished
/// and transposed.
///
/// Operands are S, the image in memory has elements E. For bfloat16 ones the
/// steps are pairs of neighbouring columns; so that these are neighbours in the
/// image, too, its columns are sorted by their remainder modulo the stride.
template <typename S, typename E>
class WeightGradient {
public:
  WeightGradient(const fx_rt_conv_shape &shape)
      : s(shape), table(kernels()), nr(table.f32.nr),
        C(s.in_channels / s.groups), O(s.out_channels / s.groups),
        taps(getTaps(s)), positions(getPositions(s)),
        lineSteps(kPairs ? ceilDiv(s.out_w, 2) : s.out_w),
        usedD((s.out_d - 1) * s.stride_d + (s.kernel_d - 1) * s.dilation_d + 1),
        usedH((s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1),
        usedW((s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1),
        panels(ceilDiv(O, nr)), blocks(ceilDiv(C * taps, kBlockRows)),
        linesAtOnce(maxOf(1, kPositions / s.out_w)) {
    copied = !std::is_same_v<S, float> || s.pad_d != 0 || s.pad_h != 0 ||
             s.pad_w != 0 || usedD > s.in_d || usedH > s.in_h ||
             usedW > s.in_w;
    phases = kPairs ? s.stride_w : 1;
    imageD = copied ? usedD : s.in_d;
    imageH = copied ? usedH : s.in_h;
    imageW = copied ? roundUp(usedW, phases) : s.in_w;
    int64_t perImage = panelSteps() * panels * nr * s.groups +
                       (copied ? s.in_channels * channelSize() : 0);
    imagesAtOnce = minOf(s.batch, maxOf(1, kBufferSize / perImage));
  }

  void addScratch(fx_rt_scratch &needs) const {
    addLent(needs, imageCount() * sizeof(E));
    addLent(needs, gradCount() * sizeof(float));
    addLent(needs, sumCount() * sizeof(float));
    addLent(needs, (C * taps + placeCount()) * sizeof(int64_t));
    addThreadScratch(needs, ScratchTile, 2 * blockSize() * sizeof(float));
  }

  int32_t run(void *ctx, const S *gradOutput, const S *input,
              const WeightOutput &output) {
    ScopedBuffer<E> image(ctx, imageCount());
    ScopedBuffer<float> grad(ctx, gradCount());
    ScopedBuffer<float> sums(ctx, sumCount());
    ScopedBuffer<int64_t> lists(ctx, C * taps + placeCount());
    if (!image.get() || !grad.get() || !sums.get() || !lists.get())
      return 1;
    int64_t *offsets = lists.get(), *places = offsets + C * taps;
    for (int64_t c = 0; c < C; ++c)
      for (int64_t t = 0; t < taps; ++t)
        offsets[c * getChannelStep(s) + t * getTapStep(s)] =
            c * channelSize() +
            t / s.kernel_w / s.kernel_h * s.dilation_d * imageH * imageW +
            t / s.kernel_w % s.kernel_h * s.dilation_h * imageW +
            column(t % s.kernel_w * s.dilation_w);
    fillPlaces(places);

    for (int64_t n = 0; n < s.batch; n += imagesAtOnce) {
      const int64_t images = minOf(imagesAtOnce, s.batch - n);
      const S *source = input + n * s.in_channels * getInputSize(s);
      const S *gradSource = gradOutput + n * s.out_channels * positions;
      // One region for both preparations: they do not depend on each other.
      const int64_t channels = copied ? images * s.in_channels : 0;
      const int64_t gradPanels = s.groups * panels * images;
      parallelFor(ctx, channels + gradPanels,
                  maxOf(1, 32768 / (channelSize() + positions)),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i) {
                      if (i < channels)
                        padChannel(source, i, image.get());
                      else
                        packPanel(gradSource, images, i - channels, grad.get());
                    }
                  });
      Pass pass = {image.get(), grad.get(), offsets, places, sums.get(),
                   images, n == 0, n + images == s.batch};
      if constexpr (std::is_same_v<S, float>)
        if (!copied)
          pass.image = source;
      const int64_t work = images * positions * kBlockRows * nr;
      parallelFor(ctx, s.groups * panels * blocks, maxOf(1, 200000 / work),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i)
                      addBlock(pass, i, output);
                  });
    }
    return 0;
  }

private:
  static constexpr bool kPairs = std::is_same_v<E, BFloat16>;
  /// Rows (channel, tap) of a block of the result.
  static constexpr int64_t kBlockRows = 8 * kPatchRows;
  /// Positions in these lines.
  static constexpr int64_t kPositions = 512;
  /// Elements of the padded images and packed gradients held at a time.
  static constexpr int64_t kBufferSize = int64_t(8) << 20;

  /// Some of the images.
  struct Pass {
    const E *image;
    const float *grad;
    const int64_t *offsets, *places;
    /// The sums of the passes before, if this is not the only one.
    float *sums;
    int64_t images;
    bool isFirst, isLast;
  };

  const fx_rt_conv_shape &s;
  const Kernels &table;
  const int64_t nr, C, O, taps, positions, lineSteps, usedD, usedH, usedW;
  /// Of the output channels of a group, of the rows.
  const int64_t panels, blocks;
  /// Of all images that are used for all rows of a block before the next ones.
  const int64_t linesAtOnce;
  bool copied;
  int64_t phases, imageD, imageH, imageW, imagesAtOnce;

  /// Steps of an image in a panel of the gradient.
  int64_t panelSteps() const { return s.out_d * s.out_h * lineSteps; }
  int64_t channelSize() const { return imageD * imageH * imageW; }
  /// Elements of the padded images, the packed gradients and the sums.
  int64_t imageCount() const {
    return copied ? imagesAtOnce * s.in_channels * channelSize() : 0;
  }
  int64_t gradCount() const {
    return imagesAtOnce * panelSteps() * panels * nr * s.groups;
  }
  int64_t blockSize() const { return minOf(kBlockRows, C * taps) * nr; }
  int64_t sumCount() const {
    return imagesAtOnce < s.batch ? s.groups * panels * blocks * blockSize()
                                  : 0;
  }
  int64_t placeCount() const { return imagesAtOnce * panelSteps(); }
  /// Where the steps are in the images.
  void fillPlaces(int64_t *places) const {
    for (int64_t n = 0; n < imagesAtOnce; ++n)
      for (int64_t z = 0; z < s.out_d; ++z)
        for (int64_t y = 0; y < s.out_h; ++y) {
          const int64_t line = n * s.in_channels * channelSize() +
                               (z * s.stride_d * imageH + y * s.stride_h) *
                                   imageW;
          for (int64_t x = 0; x < lineSteps; ++x)
            *places++ = line + x * (kPairs ? 2 : s.stride_w);
        }
  }
  int64_t column(int64_t x) const {
    return phases == 1 ? x : x % phases * (imageW / phases) + x / phases;
  }

  static void copyRun(const S *from, int64_t n, E *to) {
    if constexpr (!kPairs)
      widenElements(from, n, to);
    else if (n >= 32)
      memcpy(to, from, n * sizeof(E));
    else
      for (int64_t i = 0; i < n; ++i)
        to[i] = from[i];
  }

  void padChannel(const S *source, int64_t channel, E *image) const {
    // Columns [left, right) of the padded image come from the input.
    int64_t left = minOf(maxOf(s.pad_w, 0), imageW);
    int64_t right = minOf(imageW, maxOf(left, s.pad_w + s.in_w));
    E *to = image + channel * channelSize();
    memset(to, 0, channelSize() * sizeof(E));
    for (int64_t line = 0; line < imageD * imageH; ++line, to += imageW) {
      int64_t z = line / imageH - s.pad_d, y = line % imageH - s.pad_h;
      if (z < 0 || z >= s.in_d || y < 0 || y >= s.in_h)
        continue;
      const S *row =
          source + ((channel * s.in_d + z) * s.in_h + y) * s.in_w - s.pad_w;
      if (phases == 1) {
        copyRun(row + left, right - left, to + left);
        continue;
      }
      if constexpr (kPairs)
        for (int64_t x = left; x < minOf(right, left + phases); ++x) {
          E *at = to + column(x);
          for (int64_t i = x; i < right; i += phases)
            *at++ = row[i];
        }
    }
  }

  /// Part i of [group][panel][image][step][nr].
  void packPanel(const S *gradOutput, int64_t images, int64_t i,
                 float *grad) const {
    int64_t n = i % images, panel = i / images;
    int64_t group = panel / panels, o = panel % panels * nr;
    const S *from =
        gradOutput + (n * s.out_channels + group * O + o) * positions;
    float *to = grad + i * panelSteps() * nr;
    const int64_t cols = minOf(nr, O - o);
    if constexpr (!kPairs)
      packKernels<S, float>().packB(from, 1, positions, positions, cols, to);
    else if (s.out_w % 2 == 0)
      pairKernels<S>()->pack.packB(from, 1, positions, positions, cols, to);
    else
      for (int64_t y = 0; y < s.out_d * s.out_h; ++y)
        pairKernels<S>()->pack.packB(from + y * s.out_w, 1, positions, s.out_w,
                                     cols, to + y * lineSteps * nr);
  }

  /// Block i of [group][panel][block].
  void addBlock(const Pass &pass, int64_t i, const WeightOutput &output) const {
    const int64_t K = C * taps;
    const int64_t group = i / blocks / panels, panel = i / blocks % panels;
    const int64_t row0 = i % blocks * kBlockRows;
    const int64_t rows = minOf(kBlockRows, K - row0);
    const int64_t cols = minOf(nr, O - panel * nr);
    float *scratch = threadScratchOf<float>(ScratchTile, 2 * blockSize());
    float *sums = sumCount() ? pass.sums + i * blockSize() : scratch;
    if (pass.isFirst)
      memset(sums, 0, rows * nr * sizeof(float));

    WeightTile<E> args;
    args.image = pass.image + group * C * channelSize();
    args.isOdd = kPairs && s.out_w % 2 != 0;
    args.ldTile = nr;
    const float *grad =
        pass.grad + (group * panels + panel) * pass.images * panelSteps() * nr;
    const int64_t lines = pass.images * s.out_d * s.out_h;
    for (int64_t line = 0; line < lines; line += linesAtOnce) {
      args.grad = grad + line * lineSteps * nr;
      args.place = pass.places + line * lineSteps;
      args.lines = minOf(linesAtOnce, lines - line);
      args.pairs = lineSteps - args.isOdd;
      if (!args.isOdd) {
        args.pairs *= args.lines;
        args.lines = 1;
      }
      for (int64_t row = 0; row < rows; row += kPatchRows) {
        args.offset = pass.offsets + row0 + row;
        args.tile = sums + row * nr;
        const int64_t count = minOf(kPatchRows, rows - row) - 1;
        const bool wide = cols > table.f32.vl;
        if constexpr (kPairs)
          pairKernels<S>()->weightTile[count][wide](args);
        else
          table.weightTile[count][wide](args);
      }
    }
    if (!pass.isLast)
      return;

    const int64_t o = group * O + panel * nr;
    float *to = scratch + blockSize();
    int64_t ld = rows;
    if (output.data) {
      to = output.data + o * K + row0;
      ld = K;
    }
    table.transpose(sums, nr, rows, cols, to, ld);
    output.finish(o, row0, cols, rows, to, ld);
  }
};

int64_t weightCount(const fx_rt_conv_shape &s) {
  return s.out_channels * (s.in_channels / s.groups) * getTaps(s);
}

bool isEmptyWeightGradient(const fx_rt_conv_shape &s) {
  return s.batch == 0 || getPositions(s) == 0 || weightCount(s) == 0;
}

/// Whether the gradient of a weight is a product for each image.
bool isProductGradient(const fx_rt_conv_shape &s) {
  return isPointwise(s) && getPositions(s) >= 256;
}

template <typename S>
GemmProblem<S, float> getPointwiseGradient(const fx_rt_conv_shape &s) {
  const int64_t positions = getPositions(s);
  GemmProblem<S, float> p;
  p.M = s.out_channels;
  p.N = s.in_channels;
  p.K = positions;
  p.A = p.B = nullptr;
  p.rsA = positions;
  p.csA = 1;
  p.rsB = 1;
  p.csB = positions;
  p.C = nullptr;
  p.rsC = s.in_channels;
  return p;
}

template <typename S>
void addWeightScratch(const fx_rt_conv_shape &s, bool hasOutput,
                      fx_rt_scratch &needs) {
  if (isEmptyWeightGradient(s))
    return;
  const bool isProduct = !isDepthwise(s) && isProductGradient(s);
  if ((isDepthwise(s) || isProduct) && !hasOutput)
    addLent(needs, weightCount(s) * sizeof(float));
  if (isDepthwise(s))
    return addDepthwiseScratch<S>(s, /*hasOutput=*/true, needs);
  if (isProduct)
    return addGemmScratch(getPointwiseGradient<S>(s), needs);
  if constexpr (std::is_same_v<S, BFloat16>)
    if (pairKernels<S>())
      return WeightGradient<S, BFloat16>(s).addScratch(needs);
  WeightGradient<S, float>(s).addScratch(needs);
}

template <typename S>
int32_t backwardWeight(void *ctx, const fx_rt_conv_shape &s,
                       const S *gradOutput, const S *input, float *gradWeight,
                       fx_rt_epilogue_f32 epilogue, void *closure) {
  const int64_t positions = getPositions(s), size = weightCount(s);
  if (size == 0)
    return 0;
  const WeightOutput output = {gradWeight, epilogue, closure,
                               size / s.out_channels};
  const bool isEmpty = isEmptyWeightGradient(s);
  if (isEmpty || isDepthwise(s) || isProductGradient(s)) {
    ScopedBuffer<float> buffer(ctx, gradWeight ? 0 : size);
    float *memory = gradWeight ? gradWeight : buffer.get();
    if (!memory)
      return 1;
    if (isEmpty)
      fillWithZeros(ctx, memory, size);
    else if (isDepthwise(s))
      depthwiseBackwardWeight(ctx, s, gradOutput, input, memory);
    else
      for (int64_t n = 0; n < s.batch; ++n) {
        GemmProblem<S, float> p = getPointwiseGradient<S>(s);
        p.A = gradOutput + n * s.out_channels * positions;
        p.B = input + n * s.in_channels * positions;
        p.C = memory;
        p.accumulate = n > 0;
        runGemm(ctx, p);
      }
    output.finishAll(s.out_channels, memory);
    return 0;
  }
  if constexpr (std::is_same_v<S, BFloat16>)
    if (pairKernels<S>())
      return WeightGradient<S, BFloat16>(s).run(ctx, gradOutput, input, output);
  return WeightGradient<S, float>(s).run(ctx, gradOutput, input, output);
}
} // namespace

void fx_rt_conv2d_backward_weight_scratch(const fx_rt_conv_shape *shape,
                                          int32_t type, int32_t hasOutput,
                                          fx_rt_scratch *scratch) {
  *scratch = {};
  if (!checkShape(*shape, "fx_rt_conv2d_backward_weight_scratch"))
    return;
  auto add = type == 2   ? addWeightScratch<BFloat16>
             : type == 3 ? addWeightScratch<Half>
                         : addWeightScratch<float>;
  add(*shape, hasOutput != 0, *scratch);
}

int32_t fx_rt_conv2d_backward_weight(void *ctx, const fx_rt_conv_shape *shape,
                                     const float *grad_output,
                                     const float *input, float *grad_weight,
                                     fx_rt_epilogue_f32 epilogue,
                                     void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_backward_weight"))
    return 1;
  return backwardWeight(ctx, *shape, grad_output, input, grad_weight, epilogue,
                        closure);
}

int32_t fx_rt_conv2d_backward_weight_bf16(void *ctx,
                                          const fx_rt_conv_shape *shape,
                                          const uint16_t *grad_output,
                                          const uint16_t *input,
                                          float *grad_weight,
                                          fx_rt_epilogue_f32 epilogue,
                                          void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_backward_weight_bf16"))
    return 1;
  return backwardWeight(ctx, *shape,
                        reinterpret_cast<const BFloat16 *>(grad_output),
                        reinterpret_cast<const BFloat16 *>(input), grad_weight,
                        epilogue, closure);
}

int32_t fx_rt_conv2d_backward_weight_f16(void *ctx,
                                         const fx_rt_conv_shape *shape,
                                         const uint16_t *grad_output,
                                         const uint16_t *input,
                                         float *grad_weight,
                                         fx_rt_epilogue_f32 epilogue,
                                         void *closure) {
  if (!checkShape(*shape, "fx_rt_conv2d_backward_weight_f16"))
    return 1;
  return backwardWeight(ctx, *shape,
                        reinterpret_cast<const Half *>(grad_output),
                        reinterpret_cast<const Half *>(input), grad_weight,
                        epilogue, closure);
}
