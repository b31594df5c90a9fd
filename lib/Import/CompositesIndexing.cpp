//===- CompositesIndexing.cpp - Formulas of gather and scatter ------------===//

#include "CompositeShapes.h"

#include "fx/Analysis/OrderCalls.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::fx;

/// A vector of indices; a scalar index counts as one of length 1.
static Value toVector(CompositeBuilder &c, Value index) {
  return getRank(index) == 0 ? c.unsqueeze(index, 0) : index;
}

//===----------------------------------------------------------------------===//
// Along one dimension
//===----------------------------------------------------------------------===//

/// index_add, index_copy, index_fill: a scalar is treated as a vector.
static Values putSlices(CompositeBuilder &c, Value source, bool accumulate) {
  Value self = c.value("self"), index = toVector(c, c.value("index"));
  int64_t rank = getRank(self), dim = getDim(c, "dim", rank);
  if (c.hasFailed() || getRank(index) != 1)
    return c.fail();
  if (rank == 0) {
    Value result = putAlong(c, c.unsqueeze(self, 0), index, 0, source,
                            accumulate);
    return {c.squeeze(result, {0})};
  }
  return {putAlong(c, self, index, dim, source, accumulate)};
}

static Values indexAdd(CompositeBuilder &c) {
  Value source = c.value("source");
  double alpha = c.number("alpha");
  if (alpha != 1)
    source = c.mul(source, c.numberLike(alpha, source));
  return putSlices(c, source, /*accumulate=*/true);
}

static Values indexCopy(CompositeBuilder &c) {
  return putSlices(c, c.value("source"), /*accumulate=*/false);
}

static Values indexFill(CompositeBuilder &c) {
  Value value = c.value("value");
  Type element = getElement(c.value("self"));
  if (!isTensor(value))
    value = c.full({}, value, element);
  if (getRank(value) != 0)
    return c.fail();
  return putSlices(c, c.convert(value, element), /*accumulate=*/false);
}

/// gather of broadcast operands; of all elements without a dimension.
static Values takeAlongDim(CompositeBuilder &c) {
  Value x = c.value("self"), index = c.value("indices");
  if (!c.has("dim"))
    return {c.create<GatherOp>(flattenAll(c, x), flattenAll(c, index),
                               (uint64_t)0)};
  int64_t rank = getRank(x), dim = getDim(c, "dim", rank);
  if (c.hasFailed() || getRank(index) != rank || rank == 0)
    return c.fail();
  Sizes sizesX, sizesIndex;
  for (int64_t i = 0; i < rank; ++i) {
    bool fromIndex = getTensorType(x).getDimSize(i) == 1;
    Size size = c.sizeOf(fromIndex ? index : x, i);
    sizesX.push_back(i == dim ? c.sizeOf(x, i) : size);
    sizesIndex.push_back(i == dim ? c.sizeOf(index, i) : size);
  }
  return {c.create<GatherOp>(c.expand(x, sizesX), c.expand(index, sizesIndex),
                             (uint64_t)dim)};
}

static Values take(CompositeBuilder &c) {
  return {takeAlong(c, flattenAll(c, c.value("self")), c.value("index"), 0)};
}

static Values put(CompositeBuilder &c) {
  Value self = c.value("self");
  Value result = putAlong(c, flattenAll(c, self),
                          flattenAll(c, c.value("index")), 0,
                          flattenAll(c, c.value("source")),
                          c.flag("accumulate"));
  return {c.view(result, c.sizesOf(self))};
}

//===----------------------------------------------------------------------===//
// Scatter with a reduction
//===----------------------------------------------------------------------===//

/// scatter by the largest or the smallest, of many: the elements are sent in
/// ascending order, and the last one stays. The gradient goes to that one, of
/// equal ones to the last.
static Value scatterInOrder(CompositeBuilder &c, Value self, Value index,
                            Value source, int64_t dim, bool isMax,
                            bool includesSelf) {
  Value key = c.detach(source);
  // NaN comes last in both directions.
  if (!isMax && isFloatType(getElement(key)))
    key = c.neg(key);
  else if (!isMax)
    key = c.create<BitwiseNotOp>(key);
  int64_t length = getTensorType(key).getDimSize(dim);
  Value order = createOrderCall(c.getBuilder(), c.getLoc(),
                                {key, dim, length, /*descending=*/false})
                    ->getResult(1);
  index = c.create<GatherOp>(index, order, (uint64_t)dim);
  source = c.create<GatherOp>(source, order, (uint64_t)dim);
  Value last = c.create<ScatterOp>(self, index, source, (uint64_t)dim);
  if (!includesSelf)
    return last;
  return isMax ? c.maximum(self, last) : c.minimum(self, last);
}

/// scatter by the largest, the smallest, or the product: each result looks at
/// all elements along the dimension for those that are sent to it.
static Value reduceHits(CompositeBuilder &c, Value self, Value index,
                        Value source, int64_t dim, StringRef reduce,
                        bool includesSelf) {
  Type element = getElement(self);
  int64_t rank = getRank(self);
  SmallVector<int64_t> sizes = getKnownSizes(c, self);
  SmallVector<int64_t> sent = getKnownSizes(c, index);
  static constexpr int64_t kFewPairs = 1 << 10, kMaxPairs = 1 << 20;
  if (!c.hasFailed() && reduce.starts_with("am") && !isBoolType(element) &&
      !element.isUnsignedInteger() && sizes[dim] > 0 &&
      sent[dim] > kFewPairs / sizes[dim]) {
    for (int64_t i = 0; i < rank; ++i)
      source = c.slice(source, i, 0, sent[i]);
    return scatterInOrder(c, self, index, source, dim, reduce == "amax",
                          includesSelf);
  }
  if (c.hasFailed() || isBoolType(element) || sizes[dim] == 0 ||
      sent[dim] > kMaxPairs / sizes[dim]) {
    c.fail();
    return {};
  }
  // Without elements that are sent nothing changes.
  if (sent[dim] == 0)
    return self;
  // Elements that the index does not have are sent nowhere.
  SmallVector<int64_t> pad;
  for (int64_t i = rank; i-- > 0;) {
    bool isShort = i != dim && sent[i] < sizes[i];
    llvm::append_values(pad, 0, isShort ? sizes[i] - sent[i] : 0);
    source = c.slice(source, i, 0, sent[i]);
  }
  if (llvm::any_of(pad, [](int64_t n) { return n != 0; })) {
    index = c.create<ConstantPadNdOp>(index, c.i64(-1), pad);
    source = c.create<ConstantPadNdOp>(source, c.numberLike(0, source), pad);
  }
  // [..., result, sent, ...]
  Value place = alongDim(c, buildIota(c, sizes[dim]), dim, rank + 1);
  Value isHit = c.eq(c.unsqueeze(index, dim), place);
  Value candidates = c.unsqueeze(source, dim);
  Value own = c.unsqueeze(self, dim + 1);
  SmallVector<int64_t> over = {dim + 1};
  auto combine = [&](Value x) -> Value {
    if (reduce == "amax")
      return c.amax(x, over, /*keepdim=*/false);
    if (reduce == "amin")
      return c.amin(x, over, /*keepdim=*/false);
    return c.convert(c.prod(x, over, /*keepdim=*/false), element);
  };
  Value isReached = c.create<AnyOp>(isHit, over, /*keepdim=*/true);
  if (reduce == "prod" || reduce == "multiply") {
    Value one = c.numberLike(1, self);
    Value product = combine(c.where(isHit, candidates, one));
    if (includesSelf)
      return c.mul(self, product);
    return c.where(c.squeeze(isReached, over), product, self);
  }
  // The own element stands for those that are sent elsewhere. If it does not
  // count, one that is sent does: the first.
  if (includesSelf) {
    Value extremum = combine(c.where(isHit, candidates, own));
    return reduce == "amax" ? c.maximum(self, extremum)
                            : c.minimum(self, extremum);
  }
  Value positions = alongDim(c, buildIota(c, sent[dim]), dim + 1, rank + 1);
  Value first = c.amin(c.where(isHit, positions, c.i64(sent[dim] - 1)), over,
                       /*keepdim=*/false);
  Value reached = c.create<GatherOp>(source, first, (uint64_t)dim);
  Value other = c.where(isReached, c.unsqueeze(reached, dim + 1), own);
  return combine(c.where(isHit, candidates, other));
}

static Values scatterReduce(CompositeBuilder &c) {
  Value self = c.value("self"), index = c.value("index");
  bool isNumber = c.has("value");
  Value source = c.value(isNumber ? "value" : "src");
  Type element = getElement(self);
  if (isNumber)
    source = c.full(c.sizesOf(index), source, element);
  bool includesSelf = !c.has("include_self") || c.flag("include_self");
  StringRef reduce = c.text("reduce");
  if (c.hasFailed() || getRank(index) > std::max<int64_t>(getRank(self), 1) ||
      getRank(source) > std::max<int64_t>(getRank(self), 1))
    return c.fail();
  // A scalar is treated as a vector.
  bool isScalar = getRank(self) == 0;
  if (isScalar)
    self = c.unsqueeze(self, 0);
  index = toVector(c, index);
  source = toVector(c, source);
  int64_t dim = getDim(c, "dim", getRank(self));
  if (c.hasFailed() || getRank(self) != getRank(index) ||
      getRank(self) != getRank(source) ||
      (reduce == "mean" && !isFloatType(element)))
    return c.fail();
  auto restore = [&](Value value) -> Values {
    if (c.hasFailed())
      return {};
    return {isScalar ? c.squeeze(value, {0}) : value};
  };
  if (reduce == "amax" || reduce == "amin" || reduce == "prod" ||
      reduce == "multiply")
    return restore(
        reduceHits(c, self, index, source, dim, reduce, includesSelf));
  if (reduce != "add" && reduce != "sum" && reduce != "mean")
    return c.fail();
  if (!includesSelf)
    self = c.create<ScatterOp>(self, index, c.numberLike(0, self),
                               (uint64_t)dim);
  Value sum = c.create<ScatterAddOp>(self, index, source, (uint64_t)dim);
  if (reduce != "mean")
    return restore(sum);
  Type wide = getComputeType(element);
  Value ones = c.full(c.sizesOf(index), c.f64(1), wide);
  Value start = c.full(c.sizesOf(self), c.f64(1), wide);
  if (!includesSelf)
    start = c.create<ScatterOp>(start, index, c.f64(0), (uint64_t)dim);
  Value count = c.create<ScatterAddOp>(start, index, ones, (uint64_t)dim);
  return restore(c.div(sum, count));
}

/// index_reduce: whole slices are sent to places along the dimension.
static Values indexReduce(CompositeBuilder &c) {
  Value self = c.value("self"), source = c.value("source");
  Value index = toVector(c, c.value("index"));
  StringRef reduce = c.text("reduce");
  bool includesSelf = c.flag("include_self");
  if (c.hasFailed() || getRank(index) != 1 ||
      (reduce != "amax" && reduce != "amin" && reduce != "prod"))
    return c.fail();
  bool isScalar = getRank(self) == 0;
  if (isScalar)
    self = c.unsqueeze(self, 0);
  source = toVector(c, source);
  int64_t dim = getDim(c, "dim", getRank(self));
  if (c.hasFailed() || getRank(source) != getRank(self))
    return c.fail();
  Value places = c.expand(alongDim(c, index, dim, getRank(self)),
                          c.sizesOf(source));
  Value result =
      reduceHits(c, self, places, source, dim, reduce, includesSelf);
  if (c.hasFailed())
    return {};
  return {isScalar ? c.squeeze(result, {0}) : result};
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Elements of `source`, in their order, where the mask is true.
static Values maskedScatter(CompositeBuilder &c) {
  Value self = c.value("self"), mask = c.value("mask");
  Value source = flattenAll(c, c.value("source"));
  auto shape = broadcastShapes(std::nullopt, getTensorType(self).getShape(),
                               getTensorType(mask).getShape());
  if (failed(shape) || llvm::any_of(*shape, ShapedType::isDynamic) ||
      getTensorType(source).getDimSize(0) == 0)
    return c.fail();
  mask = expandTo(c, mask, *shape);
  Value flat = flattenAll(c, mask);
  Value place = c.create<CumsumOp>(flat, (uint64_t)0, TypeAttr());
  place = c.create<ClampMinOp>(c.sub(place, c.i64(1)), c.i64(0));
  // Behind the last true element the values do not count.
  Value limit = c.asValue(c.sizeOf(source, 0));
  Value last = c.sub(c.full({}, limit, c.getBuilder().getI64Type()), c.i64(1));
  place = c.create<MinimumOp>(place, last);
  Value values = viewAs(c, takeAlong(c, source, place, 0), *shape);
  return {c.where(mask, values, expandTo(c, self, *shape))};
}

/// The elements where the mask is true, in a row, then zeros.
static Values maskedScatterBackward(CompositeBuilder &c) {
  Value gradient = c.value("grad_output"), mask = c.value("mask");
  SmallVector<int64_t> sizes = c.integers("sizes");
  if (c.hasFailed() || !getTensorType(gradient).hasStaticShape())
    return c.fail();
  int64_t length = 1;
  for (int64_t size : sizes)
    length *= size;
  Value flat = flattenAll(
      c, expandTo(c, mask, getTensorType(gradient).getShape()));
  // The other elements go to a place behind the last one.
  Value place = c.create<CumsumOp>(flat, (uint64_t)0, TypeAttr());
  place = c.where(flat, c.sub(place, c.i64(1)), c.i64(length));
  Value row = c.full({c.size(length + 1)}, c.f64(0), getElement(gradient));
  row = putAlong(c, row, place, 0, flattenAll(c, gradient),
                 /*accumulate=*/false);
  return {viewAs(c, c.slice(row, 0, 0, length), sizes)};
}

/// self[:, …, mask] = values where the values do not depend on the place in
/// the mask: a choice between old and new elements.
static Values indexPut(CompositeBuilder &c) {
  Value self = c.value("self"), values = c.value("values"), mask;
  int64_t rank = getRank(self), first = 0;
  for (auto [dim, index] : llvm::enumerate(c.optionals("indices"))) {
    if (!index)
      continue;
    if (mask || !isBoolType(getElement(index)))
      return c.fail();
    mask = index;
    first = dim;
  }
  if (c.hasFailed() || !mask || first + getRank(mask) > rank)
    return c.fail();
  int64_t maskRank = getRank(mask), rest = rank - first - maskRank;
  int64_t valuesRank = getRank(values);
  if (valuesRank > first + 1 + rest)
    return c.fail();
  if (valuesRank > rest) {
    // The dimension of the selected elements becomes those of the mask.
    int64_t place = valuesRank - rest - 1;
    if (getTensorType(values).getDimSize(place) != 1)
      return c.fail();
    for (int64_t i = 1; i < maskRank; ++i)
      values = c.unsqueeze(values, place);
    if (maskRank == 0)
      values = c.squeeze(values, {place});
  }
  for (int64_t i = 0; i < rest; ++i)
    mask = c.unsqueeze(mask, getRank(mask));
  values = c.convert(values, getElement(self));
  if (c.flag("accumulate"))
    values = c.add(self, values);
  return {c.where(mask, values, self)};
}

/// x[indices], `fill` where the mask is false; there the indices may be out of
/// range.
static Values maskedIndex(CompositeBuilder &c) {
  Value self = c.value("self"), mask = c.value("mask");
  Values places;
  SmallVector<int64_t> dims;
  for (auto [dim, index] : llvm::enumerate(c.optionals("indices"))) {
    if (!index)
      continue;
    int64_t size = getKnownSize(c, self, dim);
    if (c.hasFailed() || size == 0 || isBoolType(getElement(index)))
      return c.fail();
    index = c.create<ClampMinOp>(index, c.i64(0));
    places.push_back(c.create<ClampMaxOp>(index, c.i64(size - 1)));
    dims.push_back(dim);
  }
  if (c.hasFailed() || places.empty())
    return c.fail();
  Value taken = c.create<IndexOp>(self, places, dims);
  return {c.where(mask, taken,
                  c.full({}, c.value("fill"), getElement(self)))};
}

//===----------------------------------------------------------------------===//
// Search
//===----------------------------------------------------------------------===//

/// How many elements of each sorted sequence come before each value: those
/// below it, with `right` also the equal ones. NaN comes last.
static Value countBefore(CompositeBuilder &c, Value sorted, Value values,
                         bool right) {
  Value x = c.unsqueeze(values, getRank(values));
  if (getRank(sorted) > 1)
    sorted = c.unsqueeze(sorted, getRank(sorted) - 1);
  Value isBehind = right ? c.gt(sorted, x) : c.ge(sorted, x);
  Value isBefore = c.logicalNot(isBehind);
  return c.sum(isBefore, {getRank(isBefore) - 1}, /*keepdim=*/false);
}

static Values searchSorted(CompositeBuilder &c) {
  bool isBucketize = c.has("boundaries");
  Value sorted = c.value(isBucketize ? "boundaries" : "sorted_sequence");
  Value values = c.value("self");
  bool right = c.flag("right");
  if (c.has("side"))
    right |= c.text("side") == "right";
  if (c.has("sorter"))
    sorted = c.create<GatherOp>(sorted, c.value("sorter"),
                                (uint64_t)(getRank(sorted) - 1));
  if (c.hasFailed() || getRank(sorted) == 0 ||
      (getRank(sorted) > 1 && isTensor(values) &&
       getRank(sorted) != getRank(values)))
    return c.fail();
  if (isTensor(values))
    return {countBefore(c, sorted, values, right)};
  // A number is compared as the tensor of rank 0 that PyTorch makes of it.
  Type element = getElement(sorted);
  if (getRank(sorted) != 1 || (values.getType().isF64() &&
                               !isFloatType(element)))
    return c.fail();
  return {countBefore(c, sorted, c.full({}, values, element), right)};
}

//===----------------------------------------------------------------------===//
// Bags of embeddings
//===----------------------------------------------------------------------===//

namespace {
/// Which bag each index is in, and what it counts there.
struct Bags {
  Value bagOf;  ///< for each index
  Value weight; ///< for each index, in the compute type; null for 1
  Size count;
};
enum BagMode : int64_t { Sum = 0, Mean = 1, Max = 2 };
} // namespace

/// Fails for the mode max and for gradients scaled by frequency.
static Bags getBags(CompositeBuilder &c, Value indices, Value offsets,
                    Size count, Type wide) {
  Bags bags;
  bags.count = count;
  int64_t mode = c.integer("mode");
  bool isScaled =
      c.has("scale_grad_by_freq") && c.flag("scale_grad_by_freq");
  if (isScaled || mode == Max || getRank(indices) != 1 ||
      getRank(offsets) != 1)
    c.fail();
  if (c.hasFailed())
    return bags;
  // How many bags have begun at each index; empty ones at the end begin behind
  // the last index.
  Type i64 = c.getBuilder().getI64Type();
  Size length = c.sizeOf(indices, 0);
  Size places;
  if (auto known = getConstantIntValue(length))
    places = c.size(*known + 1);
  else
    places = c.create<arith::AddIOp>(c.asValue(length), c.i64(1)).getResult();
  Value begins = c.full({places}, c.i64(0), i64);
  begins = putAlong(c, begins, offsets, 0, c.full({count}, c.i64(1), i64),
                    /*accumulate=*/true);
  Value begun = c.create<CumsumOp>(begins, (uint64_t)0, TypeAttr());
  begun = c.slice(begun, 0, c.i64(0), c.asValue(length));
  bags.bagOf = c.sub(begun, c.i64(1));
  int64_t padding = c.has("padding_idx") ? c.integer("padding_idx") : -1;
  if (padding >= 0)
    bags.weight = c.convert(c.ne(indices, c.i64(padding)), wide);
  if (mode == Mean) {
    Value ones = bags.weight
                     ? bags.weight
                     : c.full({c.sizeOf(indices, 0)}, c.f64(1), wide);
    Value zeros = c.full({count}, c.f64(0), wide);
    Value sizes = putAlong(c, zeros, bags.bagOf, 0, ones, /*accumulate=*/true);
    sizes = c.create<ClampMinOp>(sizes, c.f64(1));
    bags.weight = c.div(ones, takeAlong(c, sizes, bags.bagOf, 0));
  }
  if (Value given = c.optional("per_sample_weights")) {
    given = c.convert(given, wide);
    bags.weight = bags.weight ? c.mul(bags.weight, given) : given;
  }
  return bags;
}

/// The offsets of the bags: with `include_last_offset` one more is given.
static Value getOffsets(CompositeBuilder &c) {
  Value offsets = c.value("offsets");
  if (getRank(offsets) == 1 && c.has("include_last_offset") &&
      c.flag("include_last_offset"))
    offsets = c.slice(offsets, 0, c.i64(0), c.i64(-1));
  return offsets;
}

static Value scaleRows(CompositeBuilder &c, Value rows, Value weight) {
  return weight ? c.mul(rows, c.unsqueeze(weight, 1)) : rows;
}

/// The results behind the first are for the backward operator only, whose
/// formula computes what it needs from the offsets.
static Values embeddingBag(CompositeBuilder &c) {
  Value weight = c.value("weight"), indices = c.value("indices");
  Value offsets = getOffsets(c);
  Type wide = getComputeType(getElement(weight));
  for (unsigned i = 1; i < c.resultCount(); ++i)
    if (!c.resultType(i).hasStaticShape())
      return c.fail();
  if (getRank(weight) != 2)
    return c.fail();
  Bags bags = getBags(c, indices, offsets, c.sizeOf(offsets, 0), wide);
  if (c.hasFailed())
    return {};
  Value rows = c.convert(takeAlong(c, weight, indices, 0), wide);
  Value zeros = c.full({bags.count, c.sizeOf(weight, 1)}, c.f64(0), wide);
  Values results = {putAlong(c, zeros, bags.bagOf, 0,
                             scaleRows(c, rows, bags.weight),
                             /*accumulate=*/true)};
  for (unsigned i = 1; i < c.resultCount(); ++i) {
    Sizes sizes;
    for (int64_t size : c.resultType(i).getShape())
      sizes.push_back(c.size(size));
    results.push_back(
        c.full(sizes, c.i64(0), c.resultType(i).getElementType()));
  }
  return results;
}

/// The offsets of `count` bags out of the given ones.
static Value takeOffsets(CompositeBuilder &c, Size count) {
  Value offsets = c.value("offsets");
  return getRank(offsets) == 1 ? c.slice(offsets, 0, c.i64(0), c.asValue(count))
                               : offsets;
}

static Values embeddingBagWeightsBackward(CompositeBuilder &c) {
  Value gradient = c.value("grad"), weight = c.value("weight");
  Value indices = c.value("indices");
  Type wide = getComputeType(getElement(gradient));
  if (getRank(gradient) != 2 || getRank(weight) != 2)
    return c.fail();
  Size count = c.sizeOf(gradient, 0);
  Bags bags = getBags(c, indices, takeOffsets(c, count), count, wide);
  if (c.hasFailed())
    return {};
  Value rows = c.convert(takeAlong(c, weight, indices, 0), wide);
  Value gradients = c.convert(takeAlong(c, gradient, bags.bagOf, 0), wide);
  Value products = scaleRows(c, c.mul(rows, gradients), bags.weight);
  return {c.sum(products, {1}, /*keepdim=*/false)};
}

static Values embeddingBagBackward(CompositeBuilder &c) {
  Value gradient = c.value("grad"), indices = c.value("indices");
  Type wide = getComputeType(getElement(gradient));
  if (getRank(gradient) != 2)
    return c.fail();
  Size count = c.sizeOf(gradient, 0);
  Bags bags = getBags(c, indices, takeOffsets(c, count), count, wide);
  int64_t rows = c.integer("num_weights");
  if (c.hasFailed())
    return {};
  Value values = c.convert(takeAlong(c, gradient, bags.bagOf, 0), wide);
  Value zeros =
      c.full({c.size(rows), c.sizeOf(gradient, 1)}, c.f64(0), wide);
  return {putAlong(c, zeros, indices, 0, scaleRows(c, values, bags.weight),
                   /*accumulate=*/true)};
}

ArrayRef<Composite> fx::getIndexingComposites() {
  static constexpr Composite table[] = {
      {"aten.index_add.default", indexAdd},
      {"aten.index_copy.default", indexCopy},
      {"aten.index_fill.int_Scalar", indexFill},
      {"aten.index_fill.int_Tensor", indexFill},
      {"aten.take_along_dim.default", takeAlongDim},
      {"aten.take.default", take},
      {"aten.put.default", put},
      {"aten.scatter.reduce", scatterReduce},
      {"aten.scatter.value_reduce", scatterReduce},
      {"aten.scatter_reduce.two", scatterReduce},
      {"aten.index_reduce.default", indexReduce},
      {"aten.masked_scatter.default", maskedScatter},
      {"aten.masked_scatter_backward.default", maskedScatterBackward},
      {"aten.index_put.default", indexPut},
      {"aten._unsafe_masked_index.default", maskedIndex},
      {"aten.bucketize.Tensor", searchSorted},
      {"aten.bucketize.Scalar", searchSorted},
      {"aten.searchsorted.Tensor", searchSorted},
      {"aten.searchsorted.Scalar", searchSorted},
      {"aten.embedding_bag.default", embeddingBag},
      {"aten.embedding_bag.padding_idx", embeddingBag},
      {"aten._embedding_bag.default", embeddingBag},
      {"aten._embedding_bag_forward_only.default", embeddingBag},
      {"aten._embedding_bag_backward.default", embeddingBagBackward},
      {"aten._embedding_bag_per_sample_weights_backward.default",
       embeddingBagWeightsBackward},
  };
  return table;
}
