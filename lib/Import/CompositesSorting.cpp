//===- CompositesSorting.cpp - Formulas of sorting and scans --------------===//
//
// An element's place in sorted order is the number of elements that come before
// it. Every pair of elements along the dimension is compared, so this is for
// dimensions of moderate size; longer ones stay calls.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"

using namespace mlir;
using namespace mlir::fx;

/// The longest dimension whose pairs are compared.
static constexpr int64_t kMaxLength = 2048;

//===----------------------------------------------------------------------===//
// Pairs along a dimension
//===----------------------------------------------------------------------===//

namespace {
/// For a dimension d of x: x[i] at dimension d, x[j] at d + 1, and the indices.
struct Pairs {
  Value first, second;
  Value i, j;
  int64_t dim;
};
} // namespace

static std::optional<Pairs> getPairs(CompositeBuilder &c, Value x,
                                     int64_t dim) {
  int64_t length = getTensorType(x).getDimSize(dim), rank = getRank(x) + 1;
  if (ShapedType::isDynamic(length) || length > kMaxLength) {
    c.fail();
    return std::nullopt;
  }
  Value iota = buildIota(c, length);
  return Pairs{c.unsqueeze(x, dim + 1), c.unsqueeze(x, dim),
               alongDim(c, iota, dim, rank), alongDim(c, iota, dim + 1, rank),
               dim};
}

/// Whether `a` comes before `b` in sorted order, or after it with `descending`.
/// NaN counts as larger than all numbers.
static Value isBefore(CompositeBuilder &c, Value a, Value b, bool descending) {
  if (descending)
    std::swap(a, b);
  Value below = c.lt(a, b);
  if (!isFloatType(getElement(a)))
    return below;
  return c.logicalOr(below,
                     c.logicalAnd(c.isNaN(b), c.logicalNot(c.isNaN(a))));
}

static Value isSame(CompositeBuilder &c, Value a, Value b) {
  Value same = c.eq(a, b);
  if (!isFloatType(getElement(a)))
    return same;
  return c.logicalOr(same, c.logicalAnd(c.isNaN(a), c.isNaN(b)));
}

/// The indices that sort x; equal elements keep their order.
static Value buildSortedIndices(CompositeBuilder &c, Value x, int64_t dim,
                                bool descending) {
  if (isBoolType(getElement(x)))
    x = c.convert(x, c.getBuilder().getI64Type());
  std::optional<Pairs> p = getPairs(c, c.detach(x), dim);
  if (!p)
    return {};
  Value precedes = c.logicalOr(
      isBefore(c, p->second, p->first, descending),
      c.logicalAnd(isSame(c, p->second, p->first), c.lt(p->j, p->i)));
  Value place = c.sum(precedes, {dim + 1}, /*keepdim=*/false);
  Value iota = c.indexAlong(c.sizeOf(x, dim), dim, getRank(x));
  Value zeros = c.full(c.sizesOf(x), c.i64(0), c.getBuilder().getI64Type());
  return c.create<ScatterOp>(zeros, place, c.expand(iota, c.sizesOf(x)),
                             (uint64_t)dim);
}

//===----------------------------------------------------------------------===//
// Sorting
//===----------------------------------------------------------------------===//

namespace {
/// An argument with at least one dimension.
struct Input {
  Value x;
  int64_t dim = 0;
  bool isScalar;

  explicit Input(CompositeBuilder &c) {
    x = c.value("self");
    isScalar = getRank(x) == 0;
    dim = c.has("dim") ? getDim(c, "dim", getRank(x)) : 0;
    if (isScalar)
      x = c.unsqueeze(x, 0);
  }
  /// A result in the rank of the argument.
  Value restore(CompositeBuilder &c, Value value) const {
    return isScalar ? c.squeeze(value, {0}) : value;
  }
};
} // namespace

static Value gather(CompositeBuilder &c, Value x, Value index, int64_t dim) {
  return c.create<GatherOp>(x, index, (uint64_t)dim);
}

static Values sort(CompositeBuilder &c) {
  Input in(c);
  bool descending = c.has("descending") && c.flag("descending");
  if (c.hasFailed())
    return {};
  Value indices = buildSortedIndices(c, in.x, in.dim, descending);
  if (c.hasFailed())
    return {};
  Value values = gather(c, in.x, indices, in.dim);
  Values results = {in.restore(c, values), in.restore(c, indices)};
  // msort has no indices.
  results.resize(c.resultCount());
  return results;
}

static Values argsort(CompositeBuilder &c) {
  Input in(c);
  bool descending = c.flag("descending");
  if (c.hasFailed())
    return {};
  Value indices = buildSortedIndices(c, in.x, in.dim, descending);
  if (c.hasFailed())
    return {};
  return {in.restore(c, indices)};
}

static Values topk(CompositeBuilder &c) {
  Input in(c);
  int64_t k = c.integer("k");
  bool descending = c.flag("largest");
  if (c.hasFailed())
    return {};
  Value indices = buildSortedIndices(c, in.x, in.dim, descending);
  if (c.hasFailed())
    return {};
  indices = c.slice(indices, in.dim, 0, k);
  Value values = gather(c, in.x, indices, in.dim);
  if (in.isScalar && k != 1)
    return c.fail();
  return {in.restore(c, values), in.restore(c, indices)};
}

/// The elements at one place of the sorted order, with their indices.
static Values takePlace(CompositeBuilder &c, const Input &in, Value indices,
                        Value place) {
  Value index = gather(c, indices, place, in.dim);
  Value value = gather(c, in.x, index, in.dim);
  Values results = {value, index};
  if (in.isScalar || !c.flag("keepdim"))
    for (Value &result : results)
      result = c.squeeze(result, {in.dim});
  return results;
}

static Values kthValue(CompositeBuilder &c) {
  Input in(c);
  int64_t k = c.integer("k");
  if (c.hasFailed())
    return {};
  Value indices = buildSortedIndices(c, in.x, in.dim, /*descending=*/false);
  if (c.hasFailed())
    return {};
  if (k < 1 || k > getTensorType(in.x).getDimSize(in.dim))
    return c.fail();
  Sizes sizes = c.sizesOf(in.x);
  sizes[in.dim] = c.size(1);
  Value place =
      c.full(sizes, c.i64(k - 1), c.getBuilder().getI64Type());
  return takePlace(c, in, indices, place);
}

//===----------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------===//

/// All elements up to x[i] along a new dimension, later ones replaced.
static Value upTo(CompositeBuilder &c, const Pairs &p, Value replacement) {
  return c.where(c.le(p.j, p.i), p.second, replacement);
}

/// cummax, cummin: of equal elements the last one counts.
template <typename ReductionOp>
static Values cumulativeExtremum(CompositeBuilder &c) {
  Input in(c);
  if (c.hasFailed())
    return {};
  Value x = c.detach(in.x);
  if (isBoolType(getElement(x)))
    x = c.convert(x, c.getBuilder().getI64Type());
  std::optional<Pairs> p = getPairs(c, x, in.dim);
  if (!p || getTensorType(in.x).getDimSize(in.dim) == 0)
    return c.fail();
  // x[i] itself is among the elements, so it does not change the extremum.
  Value extremum = c.create<ReductionOp>(upTo(c, *p, p->first),
                                         ArrayRef<int64_t>{in.dim + 1},
                                         /*keepdim=*/true);
  Value isHere = c.logicalAnd(c.le(p->j, p->i),
                              isSame(c, p->second, extremum));
  Value index = c.amax(c.where(isHere, p->j, c.i64(0)), {in.dim + 1},
                       /*keepdim=*/false);
  return {in.restore(c, gather(c, in.x, index, in.dim)),
          in.restore(c, index)};
}

static Values cumulativeProduct(CompositeBuilder &c) {
  Input in(c);
  if (c.hasFailed())
    return {};
  in.x = c.convert(in.x, c.compute());
  std::optional<Pairs> p = getPairs(c, in.x, in.dim);
  if (!p)
    return c.fail();
  Value products = c.prod(upTo(c, *p, c.numberLike(1, in.x)), {in.dim + 1},
                          /*keepdim=*/false);
  return {in.restore(c, products)};
}

static Values logCumulativeSumExp(CompositeBuilder &c) {
  Input in(c);
  if (c.hasFailed() || !isFloatType(getElement(in.x)))
    return c.fail();
  std::optional<Pairs> p = getPairs(c, c.toCompute(in.x), in.dim);
  if (!p)
    return c.fail();
  Value minusInfinity = c.f64(-std::numeric_limits<double>::infinity());
  Value result = c.create<LogsumexpOp>(upTo(c, *p, minusInfinity),
                                       ArrayRef<int64_t>{in.dim + 1},
                                       /*keepdim=*/false);
  return {in.restore(c, result)};
}

ArrayRef<Composite> fx::getSortingComposites() {
  static constexpr Composite table[] = {
      {"aten.sort.default", sort},
      {"aten.sort.stable", sort},
      {"aten.msort.default", sort},
      {"aten.argsort.default", argsort},
      {"aten.argsort.stable", argsort},
      {"aten.topk.default", topk},
      {"aten.kthvalue.default", kthValue},
      {"aten.cummax.default", cumulativeExtremum<AmaxOp>},
      {"aten.cummin.default", cumulativeExtremum<AminOp>},
      {"aten.cumprod.default", cumulativeProduct},
      {"aten.logcumsumexp.default", logCumulativeSumExp},
  };
  return table;
}
