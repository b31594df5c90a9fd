//===- CompositesSorting.cpp - Formulas of sorting ------------------------===//
//
// The places of sorted elements come from a call in one form, which targets know
// (OrderCalls.h); the elements are gathered from there, so that their gradient
// goes where they came from. In a short dimension, an element's place in sorted
// order is the number of elements that come before it: every pair is compared.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"

#include "fx/Analysis/OrderCalls.h"

using namespace mlir;
using namespace mlir::fx;

/// The longest dimension whose pairs are compared: where the shape is known, and
/// where it is not.
static constexpr int64_t kFewElements = 8, kMaxLength = 2048;

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

Value fx::buildSortedIndices(CompositeBuilder &c, Value x, int64_t dim,
                             bool descending, std::optional<int64_t> count) {
  Type element = getElement(x);
  if (isBoolType(element) || element.isUnsignedInteger())
    x = c.convert(x, c.getBuilder().getI64Type());
  int64_t length = getTensorType(x).getDimSize(dim);
  if (count && (*count < 0 || *count > length)) {
    c.fail();
    return {};
  }
  if (getTensorType(x).hasStaticShape() && length > kFewElements)
    return createOrderCall(
               c.getBuilder(), c.getLoc(),
               {c.detach(x), dim, count.value_or(length), descending})
        ->getResult(1);
  std::optional<Pairs> p = getPairs(c, c.detach(x), dim);
  if (!p)
    return {};
  Value precedes = c.logicalOr(
      isBefore(c, p->second, p->first, descending),
      c.logicalAnd(isSame(c, p->second, p->first), c.lt(p->j, p->i)));
  Value place = c.sum(precedes, {dim + 1}, /*keepdim=*/false);
  Value iota = c.indexAlong(c.sizeOf(x, dim), dim, getRank(x));
  Value zeros = c.full(c.sizesOf(x), c.i64(0), c.getBuilder().getI64Type());
  Value sorted = c.create<ScatterOp>(
      zeros, place, c.expand(iota, c.sizesOf(x)), (uint64_t)dim);
  return count ? c.slice(sorted, dim, 0, *count) : sorted;
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
  Value indices = buildSortedIndices(c, in.x, in.dim, descending, k);
  if (c.hasFailed())
    return {};
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

ArrayRef<Composite> fx::getSortingComposites() {
  static constexpr Composite table[] = {
      {"aten.sort.default", sort},
      {"aten.sort.stable", sort},
      {"aten.msort.default", sort},
      {"aten.argsort.default", argsort},
      {"aten.argsort.stable", argsort},
      {"aten.topk.default", topk},
      {"aten.kthvalue.default", kthValue},
  };
  return table;
}
