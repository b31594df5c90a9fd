//===- CompositesWindow.cpp - Formulas of convolution, pooling, resizing --===//

#include "CompositeShapes.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// A window parameter with one entry for each dimension.
static SmallVector<int64_t> getWindow(CompositeBuilder &c, StringRef name,
                                      int64_t rank, int64_t normal) {
  SmallVector<int64_t> list;
  if (c.has(name))
    list = c.integers(name);
  if (list.empty())
    list.push_back(normal);
  if (list.size() == 1)
    list.resize(rank, list.front());
  if (int64_t(list.size()) != rank)
    c.fail();
  return list;
}

/// A convolution of a batch, or of one element without a batch dimension.
static Values convolve(CompositeBuilder &c, Value x,
                       ArrayRef<int64_t> padding, bool transposed) {
  Value weight = c.value("weight");
  int64_t rank = getRank(weight) - 2;
  SmallVector<int64_t> stride = getWindow(c, "stride", rank, 1);
  SmallVector<int64_t> dilation = getWindow(c, "dilation", rank, 1);
  SmallVector<int64_t> outputPadding = getWindow(c, "output_padding", rank, 0);
  int64_t groups = c.integer("groups");
  bool isBatched = getRank(x) == rank + 2;
  if (c.hasFailed() || rank < 1 || (!isBatched && getRank(x) != rank + 1))
    return c.fail();
  if (!isBatched)
    x = c.unsqueeze(x, 0);
  Value y = c.create<ConvolutionOp>(x, weight, c.optional("bias"), stride,
                                    padding, dilation, transposed,
                                    outputPadding, groups);
  return {isBatched ? y : c.squeeze(y, {0})};
}

template <bool transposed>
static Values convolution(CompositeBuilder &c) {
  int64_t rank = getRank(c.value("weight")) - 2;
  if (rank < 1)
    return c.fail();
  SmallVector<int64_t> padding = getWindow(c, "padding", rank, 0);
  return convolve(c, c.value("input"), padding, transposed);
}

/// Padding `valid`, or `same`: the result is as large as the input. An odd
/// total is padded more at the end.
static Values convolutionWithMode(CompositeBuilder &c) {
  Value x = c.value("input"), weight = c.value("weight");
  int64_t rank = getRank(weight) - 2;
  StringRef mode = c.text("padding");
  if (c.hasFailed() || rank < 1 || (mode != "same" && mode != "valid"))
    return c.fail();
  SmallVector<int64_t> padding(rank, 0), more(2 * rank, 0);
  if (mode == "same") {
    SmallVector<int64_t> dilation = getWindow(c, "dilation", rank, 1);
    for (int64_t i = 0; i < rank && !c.hasFailed(); ++i) {
      int64_t total = dilation[i] * (getKnownSize(c, weight, 2 + i) - 1);
      padding[i] = total / 2;
      // Pads are listed from the last dimension to the first.
      more[2 * (rank - 1 - i) + 1] = total % 2;
    }
    if (c.hasFailed())
      return {};
    if (llvm::any_of(more, [](int64_t pad) { return pad != 0; }))
      x = c.create<ConstantPadNdOp>(x, c.numberLike(0, x), more);
  }
  return convolve(c, x, padding, /*transposed=*/false);
}

//===----------------------------------------------------------------------===//
// Pooling over one dimension
//===----------------------------------------------------------------------===//

namespace {
/// The window of a one-dimensional pooling as that of a plane of height 1.
struct PlaneWindow {
  SmallVector<int64_t> kernel, stride, padding, dilation;

  explicit PlaneWindow(CompositeBuilder &c)
      : kernel(getWindow(c, "kernel_size", 1, 1)),
        stride(getWindow(c, "stride", 1, kernel[0])),
        padding(getWindow(c, "padding", 1, 0)),
        dilation(getWindow(c, "dilation", 1, 1)) {
    for (auto *list : {&kernel, &stride, &dilation})
      list->insert(list->begin(), 1);
    padding.insert(padding.begin(), 0);
  }
};
} // namespace

static Value toPlane(CompositeBuilder &c, Value x) {
  return c.unsqueeze(x, getRank(x) - 1);
}
static Value fromPlane(CompositeBuilder &c, Value x) {
  return c.squeeze(x, {getRank(x) - 2});
}

static Values maxPool1d(CompositeBuilder &c) {
  Value x = c.value("self");
  PlaneWindow window(c);
  if (c.hasFailed() || getRank(x) < 2)
    return c.fail();
  auto pool = c.create<MaxPool2dWithIndicesOp>(
      toPlane(c, x), window.kernel, window.stride, window.padding,
      window.dilation, c.flag("ceil_mode"));
  Values results = {fromPlane(c, pool.getResult()),
                    fromPlane(c, pool.getIndices())};
  results.resize(c.resultCount());
  return results;
}

static Values avgPool1d(CompositeBuilder &c) {
  Value x = c.value("self");
  PlaneWindow window(c);
  if (c.hasFailed() || getRank(x) < 2)
    return c.fail();
  return {fromPlane(c, c.create<AvgPool2dOp>(
                           toPlane(c, x), window.kernel, window.stride,
                           window.padding, c.flag("ceil_mode"),
                           c.flag("count_include_pad"), IntegerAttr()))};
}

static Values adaptiveAvgPool1d(CompositeBuilder &c) {
  Value x = c.value("self");
  SmallVector<int64_t> size = getWindow(c, "output_size", 1, 1);
  if (c.hasFailed() || getRank(x) < 2)
    return c.fail();
  size.insert(size.begin(), 1);
  return {fromPlane(c, c.create<AdaptiveAvgPool2dOp>(toPlane(c, x), size))};
}

static Values adaptiveAvgPool2d(CompositeBuilder &c) {
  Value x = c.value("self");
  SmallVector<int64_t> size = getWindow(c, "output_size", 2, 1);
  if (c.hasFailed() || getRank(x) < 3)
    return c.fail();
  return {c.create<AdaptiveAvgPool2dOp>(x, size)};
}

/// The share of element i in part o, [parts, size]: 1 / length of the parts
/// from floor(o * size / parts) to ceil((o + 1) * size / parts).
static Value buildShares(CompositeBuilder &c, int64_t parts, int64_t size,
                         Type element) {
  Value part = alongDim(c, buildIota(c, parts), 0, 2);
  auto divide = [&](Value x) -> Value {
    return c.create<DivRoundedOp>(x, c.i64(parts), "floor");
  };
  Value start = divide(c.mul(part, c.i64(size)));
  Value end = divide(
      c.add(c.mul(c.add(part, c.i64(1)), c.i64(size)), c.i64(parts - 1)));
  Value place = buildIota(c, size);
  Value isInside = c.logicalAnd(c.ge(place, start), c.lt(place, end));
  Value length = c.convert(c.sub(end, start), element);
  return c.div(c.convert(isInside, element), length);
}

static Values adaptiveAvgPool2dBackward(CompositeBuilder &c) {
  Value gradient = c.value("grad_output"), x = c.value("self");
  int64_t rank = getRank(x);
  if (rank < 3 || getRank(gradient) != rank)
    return c.fail();
  int64_t height = getKnownSize(c, x, rank - 2);
  int64_t width = getKnownSize(c, x, rank - 1);
  int64_t rows = getKnownSize(c, gradient, rank - 2);
  int64_t columns = getKnownSize(c, gradient, rank - 1);
  if (c.hasFailed() || rows == 0 || columns == 0)
    return c.fail();
  gradient = c.toCompute(gradient);
  Type wide = getElement(gradient);
  Value spread = c.create<MatmulOp>(gradient,
                                    buildShares(c, columns, width, wide));
  Value byRows = c.transposeLast(buildShares(c, rows, height, wide));
  return {c.create<MatmulOp>(byRows, spread)};
}

//===----------------------------------------------------------------------===//
// Padding with elements
//===----------------------------------------------------------------------===//

/// x extended along `dim`: element i is that of x at a function of i - low.
static Value padDim(CompositeBuilder &c, Value x, int64_t dim, int64_t low,
                    int64_t high, StringRef mode) {
  int64_t size = getKnownSize(c, x, dim);
  if (c.hasFailed() || size + low + high < 0 || size == 0) {
    c.fail();
    return x;
  }
  // Parts side by side are copied as rows; elements taken one by one are not.
  auto join = [&](Value before, Value after) -> Value {
    Values parts;
    if (low > 0)
      parts.push_back(before);
    parts.push_back(x);
    if (high > 0)
      parts.push_back(after);
    return parts.size() == 1 ? x : c.cat(parts, dim);
  };
  if (low >= 0 && high >= 0) {
    if (mode == "reflect" && low < size && high < size) {
      auto flip = [&](int64_t begin, int64_t end) {
        Value part = c.slice(x, dim, begin, end);
        return c.create<FlipOp>(part, ArrayRef<int64_t>{dim});
      };
      return join(flip(1, low + 1), flip(size - 1 - high, size - 1));
    }
    if (mode == "circular" && low <= size && high <= size)
      return join(c.slice(x, dim, size - low, size), c.slice(x, dim, 0, high));
    if (mode == "replicate") {
      auto repeat = [&](int64_t at, int64_t count) {
        Sizes sizes = c.sizesOf(x);
        sizes[dim] = c.size(count);
        return c.expand(c.slice(x, dim, at, at + 1), sizes);
      };
      return join(repeat(0, low), repeat(size - 1, high));
    }
  }
  Value place = c.sub(buildIota(c, size + low + high), c.i64(low));
  Value last = c.i64(size - 1);
  if (mode == "reflect") {
    place = c.abs(c.sub(c.abs(place), last));
    place = c.create<RsubOp>(place, last, llvm::APFloat(1.0));
  } else if (mode == "replicate") {
    place = c.create<ClampMinOp>(place, c.i64(0));
    place = c.create<ClampMaxOp>(place, last);
  } else {
    place = c.create<RemainderOp>(place, c.i64(size));
  }
  return takeAlong(c, x, place, dim);
}

static Values padWith(CompositeBuilder &c, StringRef mode,
                      ArrayRef<int64_t> pad) {
  Value x = c.value("self");
  if (c.hasFailed() || pad.size() % 2 ||
      int64_t(pad.size() / 2) > getRank(x) ||
      (mode != "reflect" && mode != "replicate" && mode != "circular"))
    return c.fail();
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    if (pad[2 * i] || pad[2 * i + 1])
      x = padDim(c, x, getRank(x) - 1 - i, pad[2 * i], pad[2 * i + 1], mode);
    if (c.hasFailed())
      return {};
  }
  return {x};
}

static Values pad(CompositeBuilder &c) {
  return padWith(c, c.text("mode"), c.integers("pad"));
}
static Values reflectionPad(CompositeBuilder &c) {
  return padWith(c, "reflect", c.integers("padding"));
}
static Values replicationPad(CompositeBuilder &c) {
  return padWith(c, "replicate", c.integers("padding"));
}

//===----------------------------------------------------------------------===//
// Resizing
//===----------------------------------------------------------------------===//

namespace {
enum class Resize { Nearest, NearestExact, Linear, Cubic };

/// An element that takes part in each result along a dimension.
struct Tap {
  Value index;
  Value weight; ///< null for 1
};

/// One dimension of a resizing.
struct Axis {
  int64_t from, to;
  /// The given factor to / from, if any.
  std::optional<double> factor;
  bool alignCorners;
};
} // namespace

static Value toIndex(CompositeBuilder &c, Value x) {
  return c.convert(x, c.getBuilder().getI64Type());
}

static Value clampIndex(CompositeBuilder &c, Value index, int64_t size) {
  index = c.create<ClampMinOp>(index, c.i64(0));
  return c.create<ClampMaxOp>(index, c.i64(size - 1));
}

/// The distance of two results in the input.
static double getStep(const Axis &axis, Resize kind) {
  bool isNearest = kind == Resize::Nearest || kind == Resize::NearestExact;
  if (!isNearest && axis.alignCorners)
    return axis.to > 1 ? double(axis.from - 1) / (axis.to - 1) : 0.0;
  return axis.factor && *axis.factor > 0 ? 1.0 / *axis.factor
                                         : double(axis.from) / axis.to;
}

/// PyTorch finds the nearest element in f32 whatever the tensor's type.
static SmallVector<Tap> getTaps(CompositeBuilder &c, const Axis &axis,
                                Resize kind, Type element) {
  Type compute = c.getBuilder().getF32Type();
  double step = getStep(axis, kind);
  auto place = [&](Type type) {
    return c.convert(buildIota(c, axis.to), type);
  };
  if (kind == Resize::Nearest || kind == Resize::NearestExact) {
    Value source = place(compute);
    if (kind == Resize::NearestExact)
      source = c.add(source, 0.5);
    Value index = toIndex(c, c.floor(c.mul(source, step)));
    return {{c.create<ClampMaxOp>(index, c.i64(axis.from - 1)), {}}};
  }
  if (element.isF64())
    compute = element;
  Value source = place(compute);
  if (axis.alignCorners)
    source = c.mul(source, step);
  else
    source = c.sub(c.mul(c.add(source, 0.5), step), 0.5);
  if (kind == Resize::Linear) {
    if (!axis.alignCorners)
      source = c.create<ClampMinOp>(source, c.f64(0));
    Value low = clampIndex(c, toIndex(c, source), axis.from);
    Value high = clampIndex(c, c.add(low, c.i64(1)), axis.from);
    Value share = c.sub(source, c.convert(low, compute));
    share = c.create<ClampMaxOp>(c.create<ClampMinOp>(share, c.f64(0)),
                                 c.f64(1));
    return {{low, c.sub(1.0, share)}, {high, share}};
  }
  // Keys' cubic convolution with a = -0.75: weights at distances of the taps.
  Value low = c.floor(source), t = c.sub(source, low);
  auto near = [&](Value x) {
    return c.polynomial(x, {1.25, -2.25, 0, 1});
  };
  auto far = [&](Value x) {
    return c.polynomial(x, {-0.75, 3.75, -6, 3});
  };
  Value index = toIndex(c, low);
  Value weights[] = {far(c.add(t, 1.0)), near(t), near(c.sub(1.0, t)),
                     far(c.sub(2.0, t))};
  SmallVector<Tap> taps;
  for (auto [i, weight] : llvm::enumerate(weights))
    taps.push_back({clampIndex(c, c.add(index, c.i64(int64_t(i) - 1)),
                               axis.from),
                    weight});
  return taps;
}

/// Repeats each element along `dim`.
static Value repeatElements(CompositeBuilder &c, Value x, int64_t dim,
                            int64_t times) {
  Sizes sizes = c.sizesOf(x);
  Sizes result = sizes;
  result[dim] = c.multiply(sizes[dim], c.size(times));
  sizes.insert(sizes.begin() + dim + 1, c.size(times));
  return c.view(c.expand(c.unsqueeze(x, dim + 1), sizes), result);
}

static Value resizeDim(CompositeBuilder &c, Value x, int64_t dim,
                       const Axis &axis, Resize kind) {
  // Nearest elements at a small whole factor are exact in f32.
  bool isRepeat = kind == Resize::Nearest && axis.from > 0 &&
                  axis.to % axis.from == 0 && axis.to / axis.from <= 8 &&
                  getStep(axis, kind) == double(axis.from) / axis.to;
  if (isRepeat)
    return repeatElements(c, x, dim, axis.to / axis.from);
  Value sum;
  for (const Tap &tap : getTaps(c, axis, kind, getElement(x))) {
    Value part = takeAlong(c, x, tap.index, dim);
    if (tap.weight)
      part = c.mul(part, alongDim(c, tap.weight, dim, getRank(x)));
    sum = sum ? c.add(sum, part) : part;
  }
  return sum;
}

template <Resize kind>
static Values resize(CompositeBuilder &c) {
  bool isVector = c.has("input");
  Value x = c.value(isVector ? "input" : "self");
  int64_t rank = getRank(x), spatial = rank - 2;
  if (spatial < 1 || spatial > 3 || c.resultType().getRank() != rank)
    return c.fail();
  SmallVector<std::optional<double>> factors(spatial);
  if (c.has("scale_factors")) {
    SmallVector<double> list = c.numbers("scale_factors");
    if (int64_t(list.size()) != spatial)
      return c.fail();
    factors.assign(list.begin(), list.end());
  } else if (!isVector) {
    static constexpr StringLiteral names[] = {"scales_d", "scales_h",
                                              "scales_w"};
    for (int64_t i = 0; i < spatial; ++i) {
      StringRef name = spatial == 1 ? "scales" : names[3 - spatial + i];
      if (c.has(name))
        factors[i] = c.number(name);
    }
  }
  bool alignCorners = c.has("align_corners") && c.flag("align_corners");
  SmallVector<Axis> axes;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t to = c.resultType().getDimSize(2 + i);
    axes.push_back(
        {getKnownSize(c, x, 2 + i), to, factors[i], alignCorners});
    if (ShapedType::isDynamic(to) || to == 0 || axes[i].from == 0)
      c.fail();
  }
  if (c.hasFailed())
    return {};
  Value y = kind == Resize::Linear || kind == Resize::Cubic ? c.toCompute(x)
                                                            : x;
  for (int64_t i = spatial; i-- > 0;)
    y = resizeDim(c, y, 2 + i, axes[i], kind);
  return {y};
}

//===----------------------------------------------------------------------===//
// Blocks of an image
//===----------------------------------------------------------------------===//

namespace {
/// Sliding blocks: indices into a padded image, as [kernel, positions].
struct Blocks {
  Value rows, columns;
  SmallVector<int64_t> kernel, padding, count;

  /// `size` is that of the image.
  Blocks(CompositeBuilder &c, ArrayRef<int64_t> size)
      : kernel(getWindow(c, "kernel_size", 2, 1)),
        padding(getWindow(c, "padding", 2, 0)) {
    SmallVector<int64_t> stride = getWindow(c, "stride", 2, 1),
                         dilation = getWindow(c, "dilation", 2, 1);
    if (c.hasFailed())
      return;
    Value indices[2];
    for (int i = 0; i < 2; ++i) {
      int64_t room =
          size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
      if (room < 0 || stride[i] <= 0) {
        c.fail();
        return;
      }
      count.push_back(room / stride[i] + 1);
      Value tap = c.mul(buildIota(c, kernel[i]), c.i64(dilation[i]));
      Value start = c.mul(buildIota(c, count[i]), c.i64(stride[i]));
      indices[i] = c.add(c.unsqueeze(tap, 1), start);
    }
    // Together [kernel rows, row positions, kernel columns, column positions].
    rows = c.unsqueeze(c.unsqueeze(indices[0], 2), 3);
    columns = indices[1];
  }
};
} // namespace

/// im2col: [n, c, h, w] -> [n, c * kernel, positions]
static Values imageToColumns(CompositeBuilder &c) {
  Value x = c.value("self");
  bool isBatched = getRank(x) == 4;
  if (!isBatched && getRank(x) != 3)
    return c.fail();
  if (!isBatched)
    x = c.unsqueeze(x, 0);
  SmallVector<int64_t> shape = getKnownSizes(c, x);
  if (c.hasFailed())
    return {};
  Blocks blocks(c, ArrayRef(shape).take_back(2));
  if (c.hasFailed())
    return {};
  int64_t high = blocks.padding[0], wide = blocks.padding[1];
  if (high || wide)
    x = c.create<ConstantPadNdOp>(x, c.numberLike(0, x),
                                  ArrayRef<int64_t>{wide, wide, high, high});
  x = c.create<IndexOp>(x, ValueRange{blocks.rows, blocks.columns},
                        ArrayRef<int64_t>{2, 3});
  x = c.permute(x, {0, 1, 2, 4, 3, 5});
  x = viewAs(c, x,
             {shape[0], shape[1] * blocks.kernel[0] * blocks.kernel[1],
              blocks.count[0] * blocks.count[1]});
  return {isBatched ? x : c.squeeze(x, {0})};
}

/// col2im: the sum of the blocks, each at its place.
static Values columnsToImage(CompositeBuilder &c) {
  Value x = c.value("self");
  bool isBatched = getRank(x) == 3;
  if (!isBatched && getRank(x) != 2)
    return c.fail();
  if (!isBatched)
    x = c.unsqueeze(x, 0);
  SmallVector<int64_t> shape = getKnownSizes(c, x);
  SmallVector<int64_t> size = getWindow(c, "output_size", 2, 1);
  if (c.hasFailed())
    return {};
  Blocks blocks(c, size);
  int64_t taps = blocks.kernel[0] * blocks.kernel[1];
  if (c.hasFailed() || taps == 0 || shape[1] % taps != 0 ||
      shape[2] != blocks.count[0] * blocks.count[1])
    return c.fail();
  int64_t channels = shape[1] / taps;
  int64_t high = blocks.padding[0], wide = blocks.padding[1];
  x = viewAs(c, x,
             {shape[0], channels, blocks.kernel[0], blocks.kernel[1],
              blocks.count[0], blocks.count[1]});
  x = c.permute(x, {0, 1, 2, 4, 3, 5});
  Value zeros = c.full({c.size(shape[0]), c.size(channels),
                        c.size(size[0] + 2 * high), c.size(size[1] + 2 * wide)},
                       c.numberLike(0, x), getElement(x));
  Value image = c.create<IndexPutOp>(
      zeros, x, ValueRange{blocks.rows, blocks.columns},
      ArrayRef<int64_t>{2, 3}, /*accumulate=*/true);
  image = c.slice(image, 2, high, high + size[0]);
  image = c.slice(image, 3, wide, wide + size[1]);
  return {isBatched ? image : c.squeeze(image, {0})};
}

ArrayRef<Composite> fx::getWindowComposites() {
  static constexpr Composite table[] = {
      {"aten.conv3d.default", convolution<false>},
      {"aten.conv1d.padding", convolutionWithMode},
      {"aten.conv2d.padding", convolutionWithMode},
      {"aten.conv3d.padding", convolutionWithMode},
      {"aten._convolution_mode.default", convolutionWithMode},
      {"aten.conv_transpose1d.default", convolution<true>},
      {"aten.conv_transpose2d.input", convolution<true>},
      {"aten.conv_transpose3d.input", convolution<true>},
      {"aten.max_pool1d.default", maxPool1d},
      {"aten.max_pool1d_with_indices.default", maxPool1d},
      {"aten.avg_pool1d.default", avgPool1d},
      {"aten.adaptive_avg_pool1d.default", adaptiveAvgPool1d},
      {"aten._adaptive_avg_pool2d.default", adaptiveAvgPool2d},
      {"aten._adaptive_avg_pool2d_backward.default",
       adaptiveAvgPool2dBackward},
      {"aten.pad.default", pad},
      {"aten.reflection_pad1d.default", reflectionPad},
      {"aten.reflection_pad2d.default", reflectionPad},
      {"aten.reflection_pad3d.default", reflectionPad},
      {"aten.replication_pad1d.default", replicationPad},
      {"aten.replication_pad2d.default", replicationPad},
      {"aten.replication_pad3d.default", replicationPad},
      {"aten.upsample_nearest1d.default", resize<Resize::Nearest>},
      {"aten.upsample_nearest2d.default", resize<Resize::Nearest>},
      {"aten.upsample_nearest3d.default", resize<Resize::Nearest>},
      {"aten.upsample_nearest1d.vec", resize<Resize::Nearest>},
      {"aten.upsample_nearest2d.vec", resize<Resize::Nearest>},
      {"aten.upsample_nearest3d.vec", resize<Resize::Nearest>},
      {"aten._upsample_nearest_exact1d.default", resize<Resize::NearestExact>},
      {"aten._upsample_nearest_exact2d.default", resize<Resize::NearestExact>},
      {"aten._upsample_nearest_exact3d.default", resize<Resize::NearestExact>},
      {"aten._upsample_nearest_exact1d.vec", resize<Resize::NearestExact>},
      {"aten._upsample_nearest_exact2d.vec", resize<Resize::NearestExact>},
      {"aten._upsample_nearest_exact3d.vec", resize<Resize::NearestExact>},
      {"aten.upsample_linear1d.default", resize<Resize::Linear>},
      {"aten.upsample_linear1d.vec", resize<Resize::Linear>},
      {"aten.upsample_bilinear2d.default", resize<Resize::Linear>},
      {"aten.upsample_bilinear2d.vec", resize<Resize::Linear>},
      {"aten.upsample_trilinear3d.default", resize<Resize::Linear>},
      {"aten.upsample_trilinear3d.vec", resize<Resize::Linear>},
      {"aten.upsample_bicubic2d.default", resize<Resize::Cubic>},
      {"aten.upsample_bicubic2d.vec", resize<Resize::Cubic>},
      {"aten.im2col.default", imageToColumns},
      {"aten.col2im.default", columnsToImage},
  };
  return table;
}
