//===- Depthwise.cpp - Convolutions with one channel a group --------------===//
//
// Each channel is copied into a padded image whose columns are sorted by their
// remainder modulo the stride: column x is at (x % stride) * phaseWidth +
// x / stride. The positions of one row that one tap reads are then contiguous
// whatever the stride and the dilation. Narrow operands are widened first.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include <string.h>

using namespace fxrt;

namespace {
/// The sizes of a padded channel.
struct ImageSize {
  explicit ImageSize(const fx_rt_conv_shape &s)
      : depth((s.out_d - 1) * s.stride_d + (s.kernel_d - 1) * s.dilation_d + 1),
        height((s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h +
               1),
        width((s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w +
              1),
        phaseWidth(ceilDiv(width, s.stride_w)),
        lineWidth(phaseWidth * s.stride_w), 
        planeSize(height * lineWidth), size(depth * planeSize) {}

  /// Of the channel and the list of its taps. A vector may be read beyond the last
  /// element.
  size_t getBytes(int64_t taps) const {
    return taps * sizeof(int64_t) +
           (size + kernels().f32.vl) * sizeof(float);
  }

  int64_t depth, height, width, phaseWidth, lineWidth, planeSize, size;
};

class DepthwiseImage : ImageSize {
public:
  explicit DepthwiseImage(const fx_rt_conv_shape &shape)
      : ImageSize(shape), s(shape) {
    const int64_t taps = getTaps(s);
    int64_t slack = kernels().f32.vl;
    char *memory =
        static_cast<char *>(threadScratch(ScratchConv, getBytes(taps)));
    offset = reinterpret_cast<int64_t *>(memory);
    image = reinterpret_cast<float *>(offset + taps);
    memset(image + size, 0, slack * sizeof(float));
    for (int64_t t = 0; t < taps; ++t)
      offset[t] =
          t / s.kernel_w / s.kernel_h * s.dilation_d * planeSize +
          t / s.kernel_w % s.kernel_h * s.dilation_h * lineWidth +
          column(t % s.kernel_w * s.dilation_w);
    plane.offset = offset;
    plane.taps = taps;
    plane.rowStep = s.stride_h * lineWidth;
    plane.height = s.out_h;
    plane.width = s.out_w;
  }

  DepthwisePlane plane;
  float *image;

  /// Calls run(where the taps of an output plane start, the plane's offset).
  template <typename Run>
  void forEachPlane(const Run &run) const {
    for (int64_t z = 0; z < s.out_d; ++z)
      run(image + z * s.stride_d * planeSize, z * s.out_h * s.out_w);
  }

  void clear() { memset(image, 0, size * sizeof(float)); }

  void read(const float *input) {
    clear();
    forEachRun([&](int64_t at, int64_t from, int64_t count) {
      for (int64_t i = 0; i < count; ++i)
        image[at + i] = input[from + i * s.stride_w];
    });
  }

  void write(float *input) const {
    memset(input, 0, getInputSize(s) * sizeof(float));
    forEachRun([&](int64_t at, int64_t to, int64_t count) {
      for (int64_t i = 0; i < count; ++i)
        input[to + i * s.stride_w] = image[at + i];
    });
  }

private:
  const fx_rt_conv_shape &s;
  int64_t *offset;

  int64_t column(int64_t x) const {
    return x % s.stride_w * phaseWidth + x / s.stride_w;
  }

  /// Calls run(position in the image, position in the input's channel,
  /// count)
  /// for all elements that both have; they are stride_w apart in the input.
  template <typename Run>
  void forEachRun(const Run &run) const {
    int64_t x0 = maxOf(0, s.pad_w), x1 = minOf(width, s.pad_w + s.in_w);
    int64_t y0 = maxOf(0, s.pad_h), y1 = minOf(height, s.pad_h + s.in_h);
    int64_t z0 = maxOf(0, s.pad_d), z1 = minOf(depth, s.pad_d + s.in_d);
    for (int64_t z = z0; z < z1; ++z)
      for (int64_t y = y0; y < y1; ++y)
        for (int64_t x = x0; x < minOf(x1, x0 + s.stride_w); ++x)
          run(z * planeSize + y * lineWidth + column(x),
              ((z - s.pad_d) * s.in_h + y - s.pad_h) * s.in_w + x - s.pad_w,
              ceilDiv(x1 - x, s.stride_w));
  }
};

/// n elements of S as f32, in scratch memory if they are not f32 already.
const float *getWide(const float *from, int64_t, ScratchSlot) { return from; }
template <typename S>
const float *getWide(const S *from, int64_t n, ScratchSlot slot) {
  float *to = threadScratchOf<float>(slot, n);
  widenElements(from, n, to);
  return to;
}

/// Planes that are worth a thread.
int64_t planeGrain(const fx_rt_conv_shape &s) {
  return maxOf(1, 100000 / (getPositions(s) * getTaps(s)));
}
} // namespace

template <typename S>
void fxrt::addDepthwiseScratch(const fx_rt_conv_shape &s, bool hasOutput,
                               fx_rt_scratch &needs) {
  const int64_t taps = getTaps(s), positions = getPositions(s);
  addThreadScratch(needs, ScratchConv, ImageSize(s).getBytes(taps));
  if (!std::is_same_v<S, float>) {
    addLent(needs, s.out_channels * taps * sizeof(float));
    addThreadScratch(needs, ScratchPackA, getInputSize(s) * sizeof(float));
    addThreadScratch(needs, ScratchPackB, positions * sizeof(float));
  }
  if (!hasOutput)
    addThreadScratch(needs, ScratchTile,
                     s.out_channels / s.groups * positions * sizeof(float));
}

template <typename S>
static void runForward(void *ctx, const fx_rt_conv_shape &s, const S *input,
                       const float *weight, const float *bias, float *output,
                       fx_rt_epilogue_f32 epilogue, void *closure) {
  const int64_t multiplier = s.out_channels / s.groups;
  const int64_t taps = getTaps(s), positions = getPositions(s);
  const int64_t inPlane = getInputSize(s);
  parallelFor(
      ctx, s.batch * s.groups, planeGrain(s), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          // Set up for each plane: an epilogue may use the scratch memory.
          DepthwiseImage image(s);
          image.read(getWide(input + i * inPlane, inPlane, ScratchPackA));
          int64_t channel = i % s.groups * multiplier;
          float *to = output ? output + i * multiplier * positions
                             : threadScratchOf<float>(ScratchTile,
                                                      multiplier * positions);
          for (int64_t m = 0; m < multiplier; ++m)
            image.forEachPlane([&](const float *from, int64_t at) {
              kernels().depthwiseForward(image.plane, from,
                                         weight + (channel + m) * taps,
                                         bias ? bias[channel + m] : 0.0f,
                                         to + m * positions + at);
            });
          if (epilogue)
            epilogue(closure, i / s.groups, channel, 0, multiplier, positions,
                     to, positions);
        }
      });
}

template <typename S>
int32_t fxrt::depthwiseForward(void *ctx, const fx_rt_conv_shape &s,
                               const S *input, const S *weight,
                               const float *bias, float *output,
                               fx_rt_epilogue_f32 epilogue, void *closure) {
  if constexpr (std::is_same_v<S, float>) {
    runForward(ctx, s, input, weight, bias, output, epilogue, closure);
  } else {
    const int64_t size = s.out_channels * getTaps(s);
    ScopedBuffer<float> wide(ctx, size);
    if (!wide.get())
      return 1;
    widenElements(weight, size, wide.get());
    runForward(ctx, s, input, wide.get(), bias, output, epilogue, closure);
  }
  return 0;
}

int32_t fxrt::depthwiseBackwardData(void *ctx, const fx_rt_conv_shape &s,
                                 const float *gradOutput, const float *weight,
                                 float *gradInput) {
  const int64_t multiplier = s.out_channels / s.groups;
  const int64_t taps = getTaps(s), positions = getPositions(s);
  if (multiplier == 1 && s.stride_d == 1 && s.stride_h == 1 &&
      s.stride_w == 1) {
    // A forward convolution of the output's gradient with the kernel reversed.
    fx_rt_conv_shape reversed = s;
    reversed.in_d = s.out_d;
    reversed.in_h = s.out_h;
    reversed.in_w = s.out_w;
    reversed.out_d = s.in_d;
    reversed.out_h = s.in_h;
    reversed.out_w = s.in_w;
    reversed.pad_d = (s.kernel_d - 1) * s.dilation_d - s.pad_d;
    reversed.pad_h = (s.kernel_h - 1) * s.dilation_h - s.pad_h;
    reversed.pad_w = (s.kernel_w - 1) * s.dilation_w - s.pad_w;
    ScopedBuffer<float> reversedWeight(ctx, s.groups * taps);
    if (!reversedWeight.get())
      return 1;
    for (int64_t i = 0; i < s.groups * taps; ++i)
      reversedWeight.get()[i] =
          weight[i / taps * taps + taps - 1 - i % taps];
    return depthwiseForward<float>(ctx, reversed, gradOutput,
                                   reversedWeight.get(), nullptr, gradInput,
                                   nullptr, nullptr);
  }
  parallelFor(ctx, s.batch * s.groups, planeGrain(s),
              [&](int64_t begin, int64_t end) {
                DepthwiseImage image(s);
                for (int64_t i = begin; i < end; ++i) {
                  image.clear();
                  for (int64_t m = 0; m < multiplier; ++m)
                    image.forEachPlane([&](float *to, int64_t at) {
                      kernels().depthwiseData(
                          image.plane, to,
                          weight + (i % s.groups * multiplier + m) * taps,
                          gradOutput + (i * multiplier + m) * positions + at);
                    });
                  image.write(gradInput + i * getInputSize(s));
                }
              });
  return 0;
}

template <typename S>
void fxrt::depthwiseBackwardWeight(void *ctx, const fx_rt_conv_shape &s,
                                   const S *gradOutput, const S *input,
                                   float *gradWeight) {
  const int64_t multiplier = s.out_channels / s.groups;
  const int64_t taps = getTaps(s), positions = getPositions(s);
  // A group is one task: its sums then have one order.
  parallelFor(
      ctx, s.groups, maxOf(1, planeGrain(s) / s.batch),
      [&](int64_t begin, int64_t end) {
        DepthwiseImage image(s);
        memset(gradWeight + begin * multiplier * taps, 0,
               (end - begin) * multiplier * taps * sizeof(float));
        for (int64_t group = begin; group < end; ++group)
          for (int64_t n = 0; n < s.batch; ++n) {
            int64_t plane = n * s.groups + group;
            image.read(getWide(input + plane * getInputSize(s),
                               getInputSize(s), ScratchPackA));
            for (int64_t m = 0; m < multiplier; ++m) {
              const float *grad =
                  getWide(gradOutput + (plane * multiplier + m) * positions,
                          positions, ScratchPackB);
              image.forEachPlane([&](const float *from, int64_t at) {
                kernels().depthwiseWeight(
                    image.plane, from, grad + at,
                    gradWeight + (group * multiplier + m) * taps);
              });
            }
          }
      });
}

template void fxrt::addDepthwiseScratch<float>(const fx_rt_conv_shape &,
                                             bool, fx_rt_scratch &);
template int32_t fxrt::depthwiseForward(void *, const fx_rt_conv_shape &,
                                        const float *, const float *,
                                        const float *, float *,
                                        fx_rt_epilogue_f32, void *);
template void
fxrt::depthwiseBackwardWeight(void *, const fx_rt_conv_shape &,
                              const float *, const float *, float *);

template void fxrt::addDepthwiseScratch<BFloat16>(const fx_rt_conv_shape &,
                                             bool, fx_rt_scratch &);
template int32_t fxrt::depthwiseForward(void *, const fx_rt_conv_shape &,
                                        const BFloat16 *, const BFloat16 *,
                                        const float *, float *,
                                        fx_rt_epilogue_f32, void *);
template void
fxrt::depthwiseBackwardWeight(void *, const fx_rt_conv_shape &,
                              const BFloat16 *, const BFloat16 *, float *);

template void fxrt::addDepthwiseScratch<Half>(const fx_rt_conv_shape &,
                                             bool, fx_rt_scratch &);
template int32_t fxrt::depthwiseForward(void *, const fx_rt_conv_shape &,
                                        const Half *, const Half *,
                                        const float *, float *,
                                        fx_rt_epilogue_f32, void *);
template void
fxrt::depthwiseBackwardWeight(void *, const fx_rt_conv_shape &,
                              const Half *, const Half *, float *);
