//===- CompositesHistogram.cpp - Counting elements ------------------------===//

#include "CompositeShapes.h"

using namespace mlir;
using namespace mlir::fx;

/// Most comparisons of elements with edges.
static constexpr int64_t kMaxComparisons = 1 << 22;

/// How many elements are in each of `bins` intervals of equal length between
/// `min` and `max`, or between the extreme elements if both are 0. Each has its
/// lower edge, the last one both. The edges are those of `linspace`.
static Values histogram(CompositeBuilder &c) {
  Value x = flattenAll(c, c.value("self"));
  int64_t size = getKnownSize(c, x, 0), bins = c.integer("bins");
  double low = c.number("min"), high = c.number("max");
  auto type = dyn_cast<FloatType>(getElement(x));
  if (c.hasFailed() || !type || type.getWidth() < 32 || size == 0 ||
      bins < 1 || size > kMaxComparisons / (bins + 1))
    return c.fail();
  Value first = c.full({}, c.f64(low), type);
  Value last = c.full({}, c.f64(high), type);
  if (low == high) {
    if (low == 0) {
      first = c.amin(x, {0}, /*keepdim=*/false);
      last = c.amax(x, {0}, /*keepdim=*/false);
    }
    Value isPoint = c.eq(first, last);
    first = c.where(isPoint, c.sub(first, 1.0), first);
    last = c.where(isPoint, c.add(last, 1.0), last);
  }
  // From the nearer end, as linspace.
  Value place = c.convert(buildIota(c, bins + 1), type);
  Value step = c.div(c.sub(last, first), double(bins));
  Value edges = c.where(
      c.lt(place, c.f64((bins + 1) / 2)), c.add(first, c.mul(step, place)),
      c.sub(last, c.mul(step, c.sub(double(bins), place))));
  Value isAbove = c.ge(c.unsqueeze(x, 1), edges);
  // The last edge belongs to the last interval.
  Value isHigher = c.gt(c.unsqueeze(x, 1), edges);
  isAbove = c.where(c.eq(place, c.f64(bins)), isHigher, isAbove);
  Value above = c.sum(isAbove, {0}, /*keepdim=*/false);
  return {c.sub(c.slice(above, 0, 0, bins), c.slice(above, 0, 1, bins + 1))};
}

/// The indices of the elements that are not 0, as many as asked for; rows that
/// are left over hold `fill_value`.
static Values nonzeroStatic(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t size = c.integer("size"), fill = c.integer("fill_value");
  SmallVector<int64_t> shape = getKnownSizes(c, x);
  int64_t count = ShapedType::getNumElements(shape), rank = shape.size();
  if (c.hasFailed() || count == 0 || size < 1 || rank == 0)
    return c.fail();
  Value flat = flattenAll(c, x);
  Value isSet = c.ne(flat, c.numberLike(0, flat));
  Value place = c.sub(c.create<CumsumOp>(isSet, (uint64_t)0, TypeAttr()),
                      c.i64(1));
  // What does not fit goes to a row behind the others.
  Value isKept = c.logicalAnd(isSet, c.lt(place, c.i64(size)));
  place = c.where(isKept, place, c.i64(size));
  Value start = c.full({c.size(size + 1)}, c.i64(-1),
                       c.getBuilder().getI64Type());
  Value rows = c.create<ScatterOp>(start, place, buildIota(c, count),
                                   (uint64_t)0);
  rows = c.unsqueeze(c.slice(rows, 0, 0, size), 1);
  Value isRow = c.ge(rows, c.i64(0));
  Values columns;
  int64_t stride = count;
  for (int64_t dim = 0; dim < rank; ++dim) {
    stride /= shape[dim];
    Value index = c.create<DivRoundedOp>(rows, c.i64(stride), "floor");
    columns.push_back(c.create<RemainderOp>(index, c.i64(shape[dim])));
  }
  return {c.where(isRow, c.cat(columns, 1), c.i64(fill))};
}

ArrayRef<Composite> fx::getHistogramComposites() {
  static constexpr Composite table[] = {
      {"aten.histc.default", histogram},
      {"aten.nonzero_static.default", nonzeroStatic},
  };
  return table;
}
