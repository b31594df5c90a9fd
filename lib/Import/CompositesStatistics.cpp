//===- CompositesStatistics.cpp - Moments, scans, order statistics ---------===//

#include "CompositeShapes.h"

#include "fx/Analysis/OrderCalls.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Variance
//===----------------------------------------------------------------------===//

namespace {
/// The arguments of the overloads of var, std and their like.
struct Moments {
  explicit Moments(CompositeBuilder &c)
      : self(c.operand("self")), keepdim(c.has("keepdim") && c.flag("keepdim")),
        dims(c.has("dim") ? c.dims("dim", self) : c.allDims(self)) {
    if (c.has("unbiased"))
      correction = c.flag("unbiased");
    else
      correction = c.numberOr("correction", 1);
  }
  Value self;
  bool keepdim;
  SmallVector<int64_t> dims;
  double correction;
};
} // namespace

template <bool IsDeviation>
static Values buildSpread(CompositeBuilder &c) {
  Moments m(c);
  Value variance = c.create<VarOp>(m.self, m.dims, llvm::APFloat(m.correction),
                                   m.keepdim);
  return {IsDeviation ? buildSafeSqrt(c, variance) : variance};
}
template <bool IsDeviation>
static Values buildSpreadAndMean(CompositeBuilder &c) {
  Moments m(c);
  auto both = c.create<VarMeanOp>(m.self, m.dims, llvm::APFloat(m.correction),
                                  m.keepdim);
  Value variance = both.getVariance();
  return {IsDeviation ? buildSafeSqrt(c, variance) : variance,
          both.getMean()};
}

//===----------------------------------------------------------------------===//
// Sums without NaN, counts, extrema
//===----------------------------------------------------------------------===//

namespace {
struct Reduction {
  explicit Reduction(CompositeBuilder &c, Value self)
      : dims(c.has("dim") ? c.dims("dim", self) : c.allDims(self)),
        keepdim(c.has("keepdim") && c.flag("keepdim")) {}
  SmallVector<int64_t> dims;
  bool keepdim;
};
} // namespace

static Value sumOfNumbers(CompositeBuilder &c, const Reduction &r) {
  Value x = c.operand("self");
  if (isFloatType(getElement(x)))
    x = c.whereNumber(c.isNaN(x), 0, x);
  return c.sum(x, r.dims, r.keepdim);
}
static Values buildNansum(CompositeBuilder &c) {
  return {sumOfNumbers(c, Reduction(c, c.value("self")))};
}
static Values buildNanmean(CompositeBuilder &c) {
  Reduction r(c, c.value("self"));
  Value count = c.sum(c.logicalNot(c.isNaN(c.operand("self"))), r.dims,
                      r.keepdim);
  return {c.div(sumOfNumbers(c, r), count)};
}
static Values buildCountNonzero(CompositeBuilder &c) {
  Value x = c.value("self");
  Reduction r(c, x);
  return {c.sum(c.ne(x, c.numberLike(0, x)), r.dims, /*keepdim=*/false)};
}
static Values buildAminmax(CompositeBuilder &c) {
  Value x = c.value("self");
  Reduction r(c, x);
  return {c.amin(x, r.dims, r.keepdim), c.amax(x, r.dims, r.keepdim)};
}
static Values buildAllTrue(CompositeBuilder &c) {
  Value x = c.value("self");
  return {c.create<AllOp>(x, c.allDims(x), /*keepdim=*/false)};
}
static Values buildAnyTrue(CompositeBuilder &c) {
  Value x = c.value("self");
  return {c.create<AnyOp>(x, c.allDims(x), /*keepdim=*/false)};
}

//===----------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------===//

/// The inclusive scan along `dim` in log2(n) steps: each combines every element
/// with the one 2^k before it. A scan of several tensors is one of tuples;
/// `combine` takes the earlier and the later tuple.
static Values scan(CompositeBuilder &c, Values tuple, int64_t dim,
                   llvm::function_ref<Values(ValueRange, ValueRange)> combine) {
  int64_t size = getTensorType(tuple.front()).getDimSize(dim);
  if (ShapedType::isDynamic(size))
    return c.fail();
  for (int64_t step = 1; step < size; step *= 2) {
    Values first, earlier, later;
    for (Value value : tuple) {
      first.push_back(c.slice(value, dim, 0, step));
      earlier.push_back(c.slice(value, dim, 0, size - step));
      later.push_back(c.slice(value, dim, step, size));
    }
    Values rest = combine(earlier, later);
    for (auto [value, head, tail] : llvm::zip(tuple, first, rest))
      value = c.cat({head, tail}, dim);
  }
  return tuple;
}
/// The dimension of a scan of `x`, none for a tensor of rank 0.
static std::optional<int64_t> scanDim(CompositeBuilder &c, Value x) {
  if (getRank(x) == 0)
    return std::nullopt;
  return getDim(c, "dim", getRank(x));
}
static Values buildCumprod(CompositeBuilder &c) {
  Value x = c.operand("self");
  std::optional<int64_t> dim = scanDim(c, x);
  if (!dim)
    return {x};
  return scan(c, {x}, *dim, [&](ValueRange a, ValueRange b) {
    return Values{c.mul(a.front(), b.front())};
  });
}
static Values buildLogcumsumexp(CompositeBuilder &c) {
  Value x = c.operand("self");
  std::optional<int64_t> dim = scanDim(c, x);
  if (!dim)
    return {x};
  return scan(c, {x}, *dim, [&](ValueRange a, ValueRange b) {
    return Values{buildLogAddExp(c, a.front(), b.front())};
  });
}
/// Values and the last index at which each occurs; NaN wins. The values are
/// gathered, so that the gradient goes where they came from.
template <bool IsMax>
static Values buildCumulativeExtremum(CompositeBuilder &c) {
  Value x = c.value("self");
  std::optional<int64_t> dim = scanDim(c, x);
  if (!dim)
    return {x, c.full({}, c.i64(0), c.getBuilder().getI64Type())};
  if (c.hasFailed())
    return {};
  // A few steps of the scan are cheaper than a call, and are fused.
  Type element = getElement(x);
  int64_t length = getTensorType(x).getDimSize(*dim);
  if (getTensorType(x).hasStaticShape() && length > 8 &&
      !isBoolType(element) && !element.isUnsignedInteger()) {
    Value index = createOrderCall(c.getBuilder(), c.getLoc(),
                                  {c.detach(x), *dim, length,
                                   /*descending=*/IsMax, /*isRunning=*/true})
                      ->getResult(1);
    return {c.create<GatherOp>(x, index, (uint64_t)*dim), index};
  }
  Value index = c.expand(
      c.indexAlong(c.sizeOf(x, *dim), *dim, getRank(x)), c.sizesOf(x));
  Values values = scan(
      c, {c.detach(x), index}, *dim, [&](ValueRange a, ValueRange b) -> Values {
        Value wins = IsMax ? c.ge(b[0], a[0]) : c.le(b[0], a[0]);
        if (isFloatType(getElement(x)))
          wins = c.logicalOr(c.isNaN(b[0]),
                             c.logicalAnd(wins, c.logicalNot(c.isNaN(a[0]))));
        return {c.where(wins, b[0], a[0]), c.where(wins, b[1], a[1])};
      });
  if (values.empty())
    return values;
  return {c.create<GatherOp>(x, values[1], (uint64_t)*dim), values[1]};
}
static Values buildCumulativeExtremumBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad"), x = c.operand("input");
  std::optional<int64_t> dim = scanDim(c, x);
  if (!dim)
    return {grad};
  return {c.create<ScatterAddOp>(c.zerosLike(x), c.value("indices"), grad,
                                 (uint64_t)*dim)};
}

//===----------------------------------------------------------------------===//
// Order statistics
//===----------------------------------------------------------------------===//

namespace {
/// The elements of the argument `self` in ascending order along the argument
/// `dim`, or all of them, NaN behind the others.
class Sorted {
public:
  explicit Sorted(CompositeBuilder &c) : c(c), values(c.value("self")) {
    bool isWhole = !c.has("dim") || getRank(values) == 0;
    if (isWhole)
      values = c.view(values, {c.countOf(values, c.allDims(values))});
    dim = isWhole ? 0 : getDim(c, "dim", getRank(values));
    size = getTensorType(values).getDimSize(dim);
    if (size == 0) {
      c.fail();
      return;
    }
    indices = buildSortedIndices(c, values, dim, /*descending=*/false);
    if (isFloatType(getElement(values)))
      isNaN = c.isNaN(values);
  }

  /// The same place in all rows.
  Value placeAt(int64_t place) {
    Sizes sizes = c.sizesOf(values);
    sizes[dim] = c.size(1);
    return c.full(sizes, c.i64(place), c.getBuilder().getI64Type());
  }
  Value indexAt(Value place) {
    return c.create<GatherOp>(indices, place, (uint64_t)dim);
  }
  Value valueAt(Value place) {
    return c.create<GatherOp>(values, indexAt(place), (uint64_t)dim);
  }
  Value anyNaN() {
    return c.create<AnyOp>(isNaN, dim, /*keepdim=*/true);
  }
  Value countNumbers() {
    return c.sum(c.logicalNot(isNaN), dim, /*keepdim=*/true);
  }
  Value finish(Value value) {
    bool keepdim = c.has("keepdim") && c.flag("keepdim");
    return keepdim ? value : c.squeeze(value, dim);
  }
  /// The value, and with the argument `dim` the index, at a place.
  Values take(Value place) {
    Values results = {finish(valueAt(place))};
    if (c.has("dim"))
      results.push_back(finish(indexAt(place)));
    return results;
  }

  CompositeBuilder &c;
  Value values, indices, isNaN;
  int64_t dim, size;
};
} // namespace

/// The lower of the two middle elements; NaN if there is one.
static Values buildMedian(CompositeBuilder &c) {
  Sorted sorted(c);
  if (c.hasFailed())
    return {};
  Value place = sorted.placeAt((sorted.size - 1) / 2);
  // The first NaN follows the numbers.
  if (sorted.isNaN)
    place = c.where(sorted.anyNaN(),
                    c.minimum(sorted.countNumbers(),
                              sorted.placeAt(sorted.size - 1)),
                    place);
  return sorted.take(place);
}
static Values buildNanmedian(CompositeBuilder &c) {
  Sorted sorted(c);
  if (c.hasFailed())
    return {};
  Value place = sorted.placeAt((sorted.size - 1) / 2);
  if (sorted.isNaN) {
    Value last = c.sub(sorted.countNumbers(), c.i64(1));
    place = c.create<DivRoundedOp>(c.maximum(last, sorted.placeAt(0)),
                                   c.i64(2), "floor");
  }
  return sorted.take(place);
}
/// Between the neighbours of place q (n - 1).
static Values buildQuantile(CompositeBuilder &c) {
  Sorted sorted(c);
  if (c.hasFailed())
    return {};
  double place = c.number("q") * (sorted.size - 1);
  StringRef mode = c.text("interpolation");
  if (mode == "lower")
    place = std::floor(place);
  else if (mode == "higher")
    place = std::ceil(place);
  else if (mode == "nearest")
    place = std::nearbyint(place);
  double low = std::floor(place), weight = place - low;
  if (mode == "midpoint" && weight != 0)
    weight = 0.5;
  Value result = sorted.valueAt(sorted.placeAt(low));
  if (weight != 0) {
    // From the nearer end, as lerp.
    Value high = sorted.valueAt(sorted.placeAt(low + 1));
    Value distance = c.sub(high, result);
    result = weight < 0.5 ? c.add(result, c.mul(distance, weight))
                          : c.sub(high, c.mul(distance, 1 - weight));
  }
  if (sorted.isNaN)
    result = c.whereNumber(sorted.anyNaN(),
                           std::numeric_limits<double>::quiet_NaN(), result);
  return {sorted.finish(result)};
}

static constexpr Composite composites[] = {
    {"aten.var.default", buildSpread<false>},
    {"aten.var.dim", buildSpread<false>},
    {"aten.var.correction", buildSpread<false>},
    {"aten.std.default", buildSpread<true>},
    {"aten.std.dim", buildSpread<true>},
    {"aten.std.correction", buildSpread<true>},
    {"aten.var_mean.default", buildSpreadAndMean<false>},
    {"aten.var_mean.dim", buildSpreadAndMean<false>},
    {"aten.var_mean.correction", buildSpreadAndMean<false>},
    {"aten.std_mean.default", buildSpreadAndMean<true>},
    {"aten.std_mean.dim", buildSpreadAndMean<true>},
    {"aten.std_mean.correction", buildSpreadAndMean<true>},
    {"aten.nansum.default", buildNansum},
    {"aten.nanmean.default", buildNanmean},
    {"aten.count_nonzero.default", buildCountNonzero},
    {"aten.count_nonzero.dim_IntList", buildCountNonzero},
    {"aten.aminmax.default", buildAminmax},
    {"aten._is_all_true.default", buildAllTrue},
    {"aten._is_any_true.default", buildAnyTrue},
    {"aten.cumprod.default", buildCumprod},
    {"aten.logcumsumexp.default", buildLogcumsumexp},
    {"aten._logcumsumexp.default", buildLogcumsumexp},
    {"aten.cummax.default", buildCumulativeExtremum<true>},
    {"aten.cummin.default", buildCumulativeExtremum<false>},
    {"aten.cummaxmin_backward.default", buildCumulativeExtremumBackward},
    {"aten.median.default", buildMedian},
    {"aten.median.dim", buildMedian},
    {"aten.nanmedian.default", buildNanmedian},
    {"aten.nanmedian.dim", buildNanmedian},
    {"aten.quantile.scalar", buildQuantile},
};

ArrayRef<Composite> fx::getStatisticsComposites() { return composites; }
