//===- CompositesPooling.cpp - Pooling in 3D, adaptive and fractional -----===//
//
// A pooling over several dimensions is one over each of them in turn, from the
// last to the first. The maximum's place is then the first in row-major order,
// and the last NaN wins, as in ATen's kernels.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// A tensor [n, c, spatial sizes…] of known sizes. Without the dimension n it
/// gets one of size 1.
struct Image {
  Image(CompositeBuilder &c, Value x, int64_t spatial)
      : x(x), spatial(spatial), isBatched(getRank(x) == spatial + 2) {
    if (!isBatched && getRank(x) != spatial + 1) {
      c.fail();
      return;
    }
    if (!isBatched)
      this->x = c.unsqueeze(x, 0);
    sizes = getKnownSizes(c, this->x);
    if (llvm::is_contained(space(), 0))
      c.fail();
  }
  Value restore(CompositeBuilder &c, Value value) const {
    return isBatched ? value : c.squeeze(value, {0});
  }
  /// All channels' elements in a row.
  Value flatten(CompositeBuilder &c, Value value) const {
    auto shape = getTensorType(value).getShape();
    int64_t count = ShapedType::getNumElements(shape.drop_front(2));
    return viewAs(c, value, {shape[0], shape[1], count});
  }
  ArrayRef<int64_t> space() const { return ArrayRef(sizes).drop_front(2); }

  Value x;
  int64_t spatial;
  bool isBatched;
  SmallVector<int64_t> sizes;
};

/// The maxima over some dimensions, and where each was: the place in those
/// dimensions.
struct Maxima {
  Value values, places;
};
} // namespace

/// x[…, taps, …]: taps are [results, taps of each], or [n, c, results, taps].
static Value takeTaps(CompositeBuilder &c, Value x, Value taps, int64_t dim) {
  if (getRank(taps) == 2)
    return takeAlong(c, x, taps, dim);
  ArrayRef<int64_t> shape = getTensorType(taps).getShape();
  SmallVector<int64_t> sizes(getTensorType(x).getShape()), index(sizes.size(), 1);
  index[0] = shape[0], index[1] = shape[1];
  sizes[dim] = index[dim] = shape[2] * shape[3];
  Value taken = c.create<GatherOp>(
      x, expandTo(c, viewAs(c, taps, index), sizes), (uint64_t)dim);
  sizes[dim] = shape[3];
  sizes.insert(sizes.begin() + dim, shape[2]);
  return viewAs(c, taken, sizes);
}

/// Taps as coordinates to broadcast with what `takeTaps` gives.
static Value asCoordinates(CompositeBuilder &c, Value taps, int64_t dim,
                           int64_t rank) {
  ArrayRef<int64_t> shape = getTensorType(taps).getShape();
  SmallVector<int64_t> sizes(rank, 1);
  sizes[dim] = shape[shape.size() - 2];
  sizes[dim + 1] = shape.back();
  if (shape.size() == 4)
    sizes[0] = shape[0], sizes[1] = shape[1];
  return viewAs(c, taps, sizes);
}

static Maxima poolDim(CompositeBuilder &c, Maxima in, Value taps, int64_t dim,
                      int64_t stride) {
  Value taken = takeTaps(c, in.values, taps, dim);
  int64_t rank = getRank(taken), tapDim = dim + 1;
  Value place = c.create<ArgmaxOp>(
      taken, c.getBuilder().getI64IntegerAttr(tapDim), /*keepdim=*/true);
  if (isFloatType(getElement(taken))) {
    Value tap = c.indexAlong(c.sizeOf(taken, tapDim), tapDim, rank);
    Value lastNaN = c.amax(c.where(c.isNaN(taken), tap, c.i64(-1)), {tapDim},
                           /*keepdim=*/true);
    place = c.where(c.ge(lastNaN, c.i64(0)), lastNaN, place);
  }
  auto pick = [&](Value value) {
    value = c.expand(value, c.sizesOf(taken));
    return c.squeeze(c.create<GatherOp>(value, place, (uint64_t)tapDim),
                     {tapDim});
  };
  Value places =
      pick(c.mul(asCoordinates(c, taps, dim, rank), c.i64(stride)));
  if (in.places)
    places = c.add(places, pick(takeTaps(c, in.places, taps, dim)));
  return {pick(taken), places};
}

/// Pools over all spatial dimensions; `taps` gives those of a dimension.
static Values poolMaxima(CompositeBuilder &c, const Image &image,
                         llvm::function_ref<Value(int64_t)> taps) {
  Maxima maxima{image.x, {}};
  int64_t stride = 1;
  for (int64_t i = image.spatial; i-- > 0; stride *= image.space()[i])
    maxima = poolDim(c, maxima, taps(i), 2 + i, stride);
  return {image.restore(c, maxima.values), image.restore(c, maxima.places)};
}

/// The gradient goes to where the maxima were.
template <int Spatial>
static Values maxPoolBackward(CompositeBuilder &c) {
  Image image(c, c.value("self"), Spatial);
  if (c.hasFailed())
    return {};
  Image gradient(c, c.value("grad_output"), Spatial);
  Image indices(c, c.value("indices"), Spatial);
  if (c.hasFailed())
    return {};
  Value zeros = c.zerosLike(image.flatten(c, image.x));
  Value sum = c.create<ScatterAddOp>(zeros, image.flatten(c, indices.x),
                                     image.flatten(c, gradient.x),
                                     (uint64_t)2);
  return {image.restore(c, viewAs(c, sum, image.sizes))};
}

//===----------------------------------------------------------------------===//
// Three dimensions
//===----------------------------------------------------------------------===//

/// The parameters of a window, for each of three dimensions.
static SmallVector<int64_t> getWindow(CompositeBuilder &c, StringRef name,
                                      ArrayRef<int64_t> normal) {
  SmallVector<int64_t> list;
  if (c.has(name))
    list = c.integers(name);
  if (list.empty())
    list.assign(normal.begin(), normal.end());
  if (list.size() == 1)
    list.resize(3, list.front());
  if (list.size() != 3)
    c.fail();
  list.resize(3, 1);
  return list;
}

namespace {
struct Window3d {
  explicit Window3d(CompositeBuilder &c)
      : kernel(getWindow(c, "kernel_size", {})),
        stride(getWindow(c, "stride", kernel)),
        padding(getWindow(c, "padding", {0})),
        dilation(getWindow(c, "dilation", {1})), ceil(c.flag("ceil_mode")) {}
  /// The part of rows and columns, or that of the depth over a plane whose
  /// rows are the depth.
  static SmallVector<int64_t> plane(ArrayRef<int64_t> list) {
    return {list[1], list[2]};
  }
  static SmallVector<int64_t> depth(ArrayRef<int64_t> list, int64_t other) {
    return {list[0], other};
  }
  SmallVector<int64_t> kernel, stride, padding, dilation;
  bool ceil;
};

/// Sizes of a volume [n, c, d, h, w] as planes.
struct Volume {
  explicit Volume(ArrayRef<int64_t> s)
      : n(s[0]), c(s[1]), d(s[2]), h(s[3]), w(s[4]) {}
  /// [n, c d, h, w]
  SmallVector<int64_t> asPlanes() const { return {n, c * d, h, w}; }
  /// [n, c, d, h w]
  SmallVector<int64_t> asDepths() const { return {n, c, d, h * w}; }
  SmallVector<int64_t> sizes() const { return {n, c, d, h, w}; }
  /// With the rows and columns of a pooled plane.
  Volume withPlane(Value plane) const {
    ArrayRef<int64_t> shape = getTensorType(plane).getShape();
    return Volume({n, c, d, shape[2], shape[3]});
  }
  Volume withDepth(Value depths) const {
    return Volume({n, c, getTensorType(depths).getDimSize(2), h, w});
  }
  int64_t n, c, d, h, w;
};
} // namespace

static Values maxPool3d(CompositeBuilder &c) {
  Window3d window(c);
  Image image(c, c.value("self"), 3);
  if (c.hasFailed())
    return {};
  Volume from(image.sizes);
  auto plane = c.create<MaxPool2dWithIndicesOp>(
      viewAs(c, image.x, from.asPlanes()), window.plane(window.kernel),
      window.plane(window.stride), window.plane(window.padding),
      window.plane(window.dilation), window.ceil);
  Volume middle = from.withPlane(plane.getResult());
  auto depth = c.create<MaxPool2dWithIndicesOp>(
      viewAs(c, plane.getResult(), middle.asDepths()),
      window.depth(window.kernel, 1), window.depth(window.stride, 1),
      window.depth(window.padding, 0), window.depth(window.dilation, 1),
      window.ceil);
  Volume to = middle.withDepth(depth.getResult());
  // Which depth, and the place in the plane there.
  Value index = image.flatten(c, depth.getIndices());
  Value places = image.flatten(
      c, viewAs(c, plane.getIndices(), middle.asDepths()));
  Value place = c.create<GatherOp>(places, index, (uint64_t)2);
  Value d = c.create<DivRoundedOp>(index, c.i64(to.h * to.w), "floor");
  Value indices = c.add(c.mul(d, c.i64(from.h * from.w)), place);
  Values results = {
      image.restore(c, viewAs(c, depth.getResult(), to.sizes())),
      image.restore(c, viewAs(c, indices, to.sizes()))};
  results.resize(c.resultCount());
  return results;
}

/// What the sums over windows are divided by at the end; none if planes and
/// depths are averaged. The number of elements that an average divides by is
/// the product of the windows' extents, so the average over planes and then
/// depths is that over volumes, but a quotient of integers is rounded once.
static std::optional<int64_t> getDivisor(CompositeBuilder &c,
                                         const Window3d &window,
                                         Type element) {
  if (c.has("divisor_override"))
    return c.integer("divisor_override");
  if (isFloatType(element))
    return std::nullopt;
  bool isUniform =
      !window.ceil &&
      llvm::all_of(window.padding, [](int64_t pad) { return pad == 0; });
  if (!isUniform)
    c.fail();
  return ShapedType::getNumElements(window.kernel);
}
/// The divisor of the parts: 1 makes them sums.
static IntegerAttr getPartDivisor(CompositeBuilder &c,
                                  std::optional<int64_t> divisor) {
  return divisor ? c.getBuilder().getI64IntegerAttr(1) : IntegerAttr();
}
static Value divideSum(CompositeBuilder &c, Value x,
                       std::optional<int64_t> divisor) {
  if (!divisor)
    return x;
  if (isFloatType(getElement(x)))
    return c.div(x, double(*divisor));
  return c.create<DivRoundedOp>(x, c.i64(*divisor), "trunc");
}

static Values avgPool3d(CompositeBuilder &c) {
  Window3d window(c);
  Image image(c, c.operand("self"), 3);
  bool counts = c.flag("count_include_pad");
  if (c.hasFailed())
    return {};
  std::optional<int64_t> divisor =
      getDivisor(c, window, getElement(image.x));
  if (c.hasFailed() || divisor == 0)
    return c.fail();
  IntegerAttr part = getPartDivisor(c, divisor);
  Volume from(image.sizes);
  Value plane = c.create<AvgPool2dOp>(
      viewAs(c, image.x, from.asPlanes()), window.plane(window.kernel),
      window.plane(window.stride), window.plane(window.padding), window.ceil,
      counts, part);
  Volume middle = from.withPlane(plane);
  Value depth = c.create<AvgPool2dOp>(
      viewAs(c, plane, middle.asDepths()), window.depth(window.kernel, 1),
      window.depth(window.stride, 1), window.depth(window.padding, 0),
      window.ceil, counts, part);
  Volume to = middle.withDepth(depth);
  Value y = divideSum(c, viewAs(c, depth, to.sizes()), divisor);
  return {image.restore(c, y)};
}

static Values avgPool3dBackward(CompositeBuilder &c) {
  Window3d window(c);
  Image image(c, c.value("self"), 3);
  Image gradient(c, c.operand("grad_output"), 3);
  bool counts = c.flag("count_include_pad");
  if (c.hasFailed())
    return {};
  std::optional<int64_t> divisor =
      getDivisor(c, window, getElement(gradient.x));
  if (c.hasFailed() || divisor == 0)
    return c.fail();
  IntegerAttr part = getPartDivisor(c, divisor);
  Volume from(image.sizes), to(gradient.sizes);
  Volume middle({from.n, from.c, from.d, to.h, to.w});
  auto like = [&](ArrayRef<int64_t> sizes) {
    return expandTo(c, c.full({}, c.f64(0), getElement(gradient.x)), sizes);
  };
  Value depth = c.create<AvgPool2dBackwardOp>(
      viewAs(c, divideSum(c, gradient.x, divisor), to.asDepths()),
      like(middle.asDepths()), window.depth(window.kernel, 1),
      window.depth(window.stride, 1), window.depth(window.padding, 0),
      window.ceil, counts, part);
  Value plane = c.create<AvgPool2dBackwardOp>(
      viewAs(c, depth, middle.asPlanes()), like(from.asPlanes()),
      window.plane(window.kernel), window.plane(window.stride),
      window.plane(window.padding), window.ceil, counts, part);
  return {image.restore(c, viewAs(c, plane, from.sizes()))};
}

//===----------------------------------------------------------------------===//
// Adaptive pooling
//===----------------------------------------------------------------------===//

namespace {
/// The windows of an adaptive pooling along a dimension: result i covers the
/// elements from floor(i from / to) to ceil((i + 1) from / to).
struct AdaptiveWindows {
  AdaptiveWindows(CompositeBuilder &c, int64_t from, int64_t to) {
    int64_t longest = 0;
    for (int64_t i = 0; i < to; ++i)
      longest = std::max(longest, ((i + 1) * from + to - 1) / to -
                                      i * from / to);
    Value result = c.unsqueeze(buildIota(c, to), 1);
    auto quotient = [&](Value numerator) {
      return c.create<DivRoundedOp>(numerator, c.i64(to), "floor");
    };
    Value scaled = c.mul(result, c.i64(from));
    Value start = quotient(scaled);
    Value end = quotient(c.add(scaled, c.i64(from + to - 1)));
    Value place = c.add(start, buildIota(c, longest));
    isInside = c.lt(place, end);
    taps = c.minimum(place, c.sub(end, c.i64(1)));
    length = c.sub(end, start);
  }
  /// [to, longest]; behind a window's end its last element is repeated.
  Value taps, isInside;
  Value length; ///< [to, 1]
};
} // namespace

static SmallVector<int64_t> getOutputSize(CompositeBuilder &c, int64_t rank) {
  SmallVector<int64_t> size = c.integers("output_size");
  if (size.size() == 1)
    size.resize(rank, size.front());
  if (int64_t(size.size()) != rank || llvm::is_contained(size, 0))
    c.fail();
  return size;
}

template <int Spatial>
static Values adaptiveMaxPool(CompositeBuilder &c) {
  Image image(c, c.value("self"), Spatial);
  SmallVector<int64_t> size = getOutputSize(c, Spatial);
  if (c.hasFailed())
    return {};
  // Windows of one size, side by side.
  if (Spatial == 2 && image.space()[0] % size[0] == 0 &&
      image.space()[1] % size[1] == 0) {
    SmallVector<int64_t> kernel = {image.space()[0] / size[0],
                                   image.space()[1] / size[1]};
    SmallVector<int64_t> zeros = {0, 0}, ones = {1, 1};
    auto pool = c.create<MaxPool2dWithIndicesOp>(image.x, kernel, kernel, zeros,
                                                 ones, /*ceil_mode=*/false);
    return {image.restore(c, pool.getResult()),
            image.restore(c, pool.getIndices())};
  }
  return poolMaxima(c, image, [&](int64_t dim) {
    return AdaptiveWindows(c, image.space()[dim], size[dim]).taps;
  });
}

static Values adaptiveAvgPool3d(CompositeBuilder &c) {
  Image image(c, c.operand("self"), 3);
  SmallVector<int64_t> size = getOutputSize(c, 3);
  if (c.hasFailed())
    return {};
  Volume from(image.sizes);
  Value plane = c.create<AdaptiveAvgPool2dOp>(
      viewAs(c, image.x, from.asPlanes()),
      ArrayRef<int64_t>{size[1], size[2]});
  Volume middle = from.withPlane(plane);
  Value depth = c.create<AdaptiveAvgPool2dOp>(
      viewAs(c, plane, middle.asDepths()),
      ArrayRef<int64_t>{size[0], size[1] * size[2]});
  return {image.restore(c, viewAs(c, depth,
                                  middle.withDepth(depth).sizes()))};
}

/// Each element's part goes back to the elements of its window.
static Values adaptiveAvgPool3dBackward(CompositeBuilder &c) {
  Image image(c, c.value("self"), 3);
  if (c.hasFailed())
    return {};
  Image gradient(c, c.operand("grad_output"), 3);
  if (c.hasFailed())
    return {};
  Value y = gradient.x;
  for (int64_t i = 0; i < 3; ++i) {
    int64_t dim = 2 + i, rank = getRank(y);
    AdaptiveWindows windows(c, image.space()[i], gradient.space()[i]);
    Value share = c.div(
        c.unsqueeze(y, dim + 1),
        c.convert(asCoordinates(c, windows.length, dim, rank + 1),
                  getElement(y)));
    share = c.keepWhere(asCoordinates(c, windows.isInside, dim, rank + 1),
                        share);
    SmallVector<int64_t> sizes(getTensorType(y).getShape());
    sizes[dim] = image.space()[i];
    Value zeros = expandTo(c, c.full({}, c.f64(0), getElement(y)), sizes);
    y = putAlong(c, zeros, windows.taps, dim, share, /*accumulate=*/true);
  }
  return {image.restore(c, y)};
}

//===----------------------------------------------------------------------===//
// Fractional pooling
//===----------------------------------------------------------------------===//

/// Windows of one size at pseudo-random distances, which a sample u in [0, 1)
/// of each channel fixes: result i begins at floor((i + u) a) - floor(u a), the
/// last one at the end.
template <int Spatial>
static Values fractionalMaxPool(CompositeBuilder &c) {
  Image image(c, c.value("self"), Spatial);
  SmallVector<int64_t> kernel = c.integers("kernel_size");
  SmallVector<int64_t> size = getOutputSize(c, Spatial);
  Value samples = c.value("random_samples");
  if (kernel.size() == 1)
    kernel.resize(Spatial, kernel.front());
  if (c.hasFailed() || kernel.size() != Spatial || getRank(samples) != 3 ||
      getTensorType(samples).getShape() !=
          ArrayRef<int64_t>({image.sizes[0], image.sizes[1], Spatial}))
    return c.fail();
  samples = c.convert(samples, c.compute());
  return poolMaxima(c, image, [&](int64_t dim) -> Value {
    // In a plane the first sample is that of the columns.
    int64_t sample = Spatial == 2 ? 1 - dim : dim;
    int64_t to = size[dim], last = image.space()[dim] - kernel[dim];
    Value u = c.slice(samples, 2, sample, sample + 1);
    Value i = buildIota(c, to);
    double step = to > 1 ? double(last) / (to - 1) : 0;
    auto toIndex = [&](Value x) {
      return c.convert(x, c.getBuilder().getI64Type());
    };
    Value start = c.sub(toIndex(c.mul(c.add(i, u), step)),
                        toIndex(c.mul(u, step)));
    start = c.where(c.eq(i, c.i64(to - 1)), c.i64(last), start);
    return c.add(c.unsqueeze(start, 3), buildIota(c, kernel[dim]));
  });
}

ArrayRef<Composite> fx::getPoolingComposites() {
  static constexpr Composite table[] = {
      {"aten.max_pool3d.default", maxPool3d},
      {"aten.max_pool3d_with_indices.default", maxPool3d},
      {"aten.max_pool3d_with_indices_backward.default", maxPoolBackward<3>},
      {"aten.avg_pool3d.default", avgPool3d},
      {"aten.avg_pool3d_backward.default", avgPool3dBackward},
      {"aten.adaptive_max_pool1d.default", adaptiveMaxPool<1>},
      {"aten.adaptive_max_pool2d.default", adaptiveMaxPool<2>},
      {"aten.adaptive_max_pool2d_backward.default", maxPoolBackward<2>},
      {"aten.adaptive_max_pool3d.default", adaptiveMaxPool<3>},
      {"aten.adaptive_max_pool3d_backward.default", maxPoolBackward<3>},
      {"aten.adaptive_avg_pool3d.default", adaptiveAvgPool3d},
      {"aten._adaptive_avg_pool3d.default", adaptiveAvgPool3d},
      {"aten._adaptive_avg_pool3d_backward.default",
       adaptiveAvgPool3dBackward},
      {"aten.fractional_max_pool2d.default", fractionalMaxPool<2>},
      {"aten.fractional_max_pool2d_backward.default", maxPoolBackward<2>},
      {"aten.fractional_max_pool3d.default", fractionalMaxPool<3>},
      {"aten.fractional_max_pool3d_backward.default", maxPoolBackward<3>},
  };
  return table;
}
