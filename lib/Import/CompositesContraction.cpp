//===- CompositesContraction.cpp - Formulas of products -------------------===//
//
// einsum and its like contract two tensors at a time: the dimensions of a
// product have labels, those that neither the result nor a later tensor has are
// summed, by a matrix product where both tensors have them.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"
#include "fx/IR/GroupedQueries.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Labelled tensors
//===----------------------------------------------------------------------===//

namespace {
using Labels = SmallVector<int>;

/// A tensor with a label for each dimension, all different.
struct Labelled {
  Value value;
  Labels labels;

  bool has(int label) const { return llvm::is_contained(labels, label); }
  int64_t find(int label) const {
    return llvm::find(labels, label) - labels.begin();
  }
  bool isUnit(int label) const {
    return getTensorType(value).getDimSize(find(label)) == 1;
  }
};
} // namespace

static void sumOver(CompositeBuilder &c, Labelled &x,
                    function_ref<bool(int)> isSummed) {
  SmallVector<int64_t> dims;
  Labels rest;
  for (auto [dim, label] : llvm::enumerate(x.labels))
    if (isSummed(label))
      dims.push_back(dim);
    else
      rest.push_back(label);
  if (dims.empty())
    return;
  x = {c.sum(x.value, dims, /*keepdim=*/false), rest};
}

/// Drops dimensions of size 1 that the other tensor has in full size.
static void dropUnits(CompositeBuilder &c, Labelled &x, const Labelled &other) {
  SmallVector<int64_t> dims;
  Labels rest;
  for (auto [dim, label] : llvm::enumerate(x.labels))
    if (other.has(label) && x.isUnit(label) && !other.isUnit(label))
      dims.push_back(dim);
    else
      rest.push_back(label);
  if (!dims.empty())
    x = {c.squeeze(x.value, dims), rest};
}

static Value transposeTo(CompositeBuilder &c, const Labelled &x,
                         ArrayRef<int> labels) {
  SmallVector<int64_t> dims;
  for (int label : labels)
    dims.push_back(x.find(label));
  return permuteTo(c, x.value, dims);
}

/// Merges the dimensions of a tensor into groups of the given lengths.
static Value groupDims(CompositeBuilder &c, Value x,
                       ArrayRef<size_t> lengths) {
  Sizes sizes;
  int64_t dim = 0;
  for (size_t length : lengths) {
    Size size = c.size(1);
    for (size_t i = 0; i < length; ++i)
      size = c.multiply(size, c.sizeOf(x, dim++));
    sizes.push_back(size);
  }
  return c.view(x, sizes);
}

/// The product of two tensors, summed over labels that are not kept.
static Labelled contract(CompositeBuilder &c, Labelled a, Labelled b,
                         function_ref<bool(int)> isKept) {
  dropUnits(c, a, b);
  dropUnits(c, b, a);
  sumOver(c, a, [&](int label) { return !isKept(label) && !b.has(label); });
  sumOver(c, b, [&](int label) { return !isKept(label) && !a.has(label); });
  Labels batch, summed, onlyA, onlyB;
  for (int label : a.labels)
    (!b.has(label) ? onlyA : isKept(label) ? batch : summed).push_back(label);
  for (int label : b.labels)
    if (!a.has(label))
      onlyB.push_back(label);

  Labels result = batch;
  llvm::append_range(result, onlyA);
  llvm::append_range(result, onlyB);
  Labels orderA = batch, orderB = batch;
  llvm::append_range(orderA, onlyA);
  llvm::append_range(orderA, summed);
  if (summed.empty() || (onlyA.empty() && onlyB.empty())) {
    // Products of elements, with the dimensions of `result` and `summed`.
    llvm::append_range(orderB, onlyB);
    llvm::append_range(orderB, summed);
    Value x = transposeTo(c, a, orderA), y = transposeTo(c, b, orderB);
    for (size_t i = 0; i < onlyB.size(); ++i)
      x = c.unsqueeze(x, batch.size() + onlyA.size());
    for (size_t i = 0; i < onlyA.size(); ++i)
      y = c.unsqueeze(y, batch.size());
    if (summed.empty())
      return {c.mul(x, y), result};
    SmallVector<int64_t> dims = llvm::to_vector(
        llvm::seq<int64_t>(result.size(), result.size() + summed.size()));
    Type element = promoteTypes(getElement(a.value), getElement(b.value));
    Value dot = c.sum(c.mul(c.toCompute(x), c.toCompute(y)), dims,
                      /*keepdim=*/false);
    return {c.convert(dot, element), result};
  }
  llvm::append_range(orderB, summed);
  llvm::append_range(orderB, onlyB);
  Value x = transposeTo(c, a, orderA), y = transposeTo(c, b, orderB);
  Sizes sizes;
  for (int label : batch)
    sizes.push_back(c.sizeOf(a.value, a.find(label)));
  for (int label : onlyA)
    sizes.push_back(c.sizeOf(a.value, a.find(label)));
  for (int label : onlyB)
    sizes.push_back(c.sizeOf(b.value, b.find(label)));
  Value product;
  if (batch.empty())
    product = c.create<MmOp>(groupDims(c, x, {onlyA.size(), summed.size()}),
                             groupDims(c, y, {summed.size(), onlyB.size()}));
  else
    product = c.create<BmmOp>(
        groupDims(c, x, {batch.size(), onlyA.size(), summed.size()}),
        groupDims(c, y, {batch.size(), summed.size(), onlyB.size()}));
  return {c.view(product, sizes), result};
}

/// The sum of the products of all tensors, with the dimensions of `result`.
static Value contractAll(CompositeBuilder &c, MutableArrayRef<Labelled> tensors,
                         ArrayRef<int> result) {
  Labelled product = tensors.front();
  for (size_t i = 1; i < tensors.size(); ++i) {
    auto isKept = [&](int label) {
      return llvm::is_contained(result, label) ||
             llvm::any_of(tensors.drop_front(i + 1), [&](const Labelled &x) {
               return x.has(label);
             });
    };
    product = contract(c, product, tensors[i], isKept);
  }
  sumOver(c, product,
          [&](int label) { return !llvm::is_contained(result, label); });
  return transposeTo(c, product, result);
}

//===----------------------------------------------------------------------===//
// einsum
//===----------------------------------------------------------------------===//

namespace {
/// Dimensions of `...`, counted from the last one.
constexpr int kEllipsis = 1000;

/// One side of a comma or arrow; false if it is not one.
struct Term {
  Labels before, after;
  bool hasEllipsis = false;

  bool parse(StringRef text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text.substr(i).starts_with("...") && !hasEllipsis) {
        hasEllipsis = true;
        i += 2;
        continue;
      }
      if (!llvm::isAlpha(text[i]))
        return false;
      (hasEllipsis ? after : before).push_back(text[i]);
    }
    return true;
  }

  Labels expand(int64_t ellipsisRank) const {
    Labels labels = before;
    for (int64_t i = ellipsisRank; hasEllipsis && i-- > 0;)
      labels.push_back(kEllipsis + i);
    llvm::append_range(labels, after);
    return labels;
  }
};
} // namespace

/// Takes the diagonal of dimensions with the same label.
static bool mergeEqualLabels(CompositeBuilder &c, Labelled &x) {
  for (size_t i = 0; i < x.labels.size(); ++i)
    for (size_t j = i + 1; j < x.labels.size(); ++j) {
      if (x.labels[i] != x.labels[j])
        continue;
      if (getTensorType(x.value).getDimSize(i) !=
          getTensorType(x.value).getDimSize(j))
        return false;
      x.value = buildDiagonal(c, x.value, 0, i, j);
      if (!x.value)
        return false;
      int label = x.labels[i];
      x.labels.erase(x.labels.begin() + j);
      x.labels.erase(x.labels.begin() + i);
      x.labels.push_back(label);
      return mergeEqualLabels(c, x);
    }
  return true;
}

static Values einsum(CompositeBuilder &c) {
  std::string equation = c.text("equation").str();
  llvm::erase(equation, ' ');
  auto [inputs, output] = StringRef(equation).split("->");
  Values tensors = c.values("tensors");
  SmallVector<StringRef> texts;
  inputs.split(texts, ',');
  if (c.hasFailed() || texts.size() != tensors.size())
    return c.fail();

  SmallVector<Term> terms(texts.size());
  int64_t ellipsisRank = 0;
  SmallVector<Labelled> operands;
  for (auto [text, term, tensor] : llvm::zip(texts, terms, tensors)) {
    if (!term.parse(text))
      return c.fail();
    int64_t rest =
        getRank(tensor) - int64_t(term.before.size() + term.after.size());
    if (rest < 0 || (rest > 0 && !term.hasEllipsis))
      return c.fail();
    ellipsisRank = std::max(ellipsisRank, rest);
    operands.push_back({tensor, term.expand(rest)});
    if (!mergeEqualLabels(c, operands.back()))
      return c.fail();
  }
  Labels result;
  if (StringRef(equation).contains("->")) {
    Term term;
    if (!term.parse(output))
      return c.fail();
    result = term.expand(ellipsisRank);
  } else {
    // Labels that occur once, in alphabetical order behind the ellipsis.
    Term all;
    all.hasEllipsis = true;
    llvm::append_range(result, all.expand(ellipsisRank));
    Labels letters;
    for (char letter : inputs)
      if (llvm::isAlpha(letter) && inputs.count(letter) == 1)
        letters.push_back(letter);
    llvm::sort(letters);
    llvm::append_range(result, letters);
  }
  llvm::SmallDenseSet<int> seen;
  for (int label : result)
    if (!seen.insert(label).second ||
        llvm::none_of(operands,
                      [&](const Labelled &x) { return x.has(label); }))
      return c.fail();
  return {contractAll(c, operands, result)};
}

//===----------------------------------------------------------------------===//
// Other products of two or three tensors
//===----------------------------------------------------------------------===//

static Values tensordot(CompositeBuilder &c) {
  Labelled a{c.value("self"), {}}, b{c.value("other"), {}};
  SmallVector<int64_t> dimsA = c.integers("dims_self"),
                       dimsB = c.integers("dims_other");
  if (c.hasFailed() || dimsA.size() != dimsB.size())
    return c.fail();
  int rankA = getRank(a.value), rankB = getRank(b.value);
  for (int i = 0; i < rankA; ++i)
    a.labels.push_back(i);
  for (int i = 0; i < rankB; ++i)
    b.labels.push_back(rankA + i);
  for (auto [dimA, dimB] : llvm::zip(dimsA, dimsB)) {
    int64_t i = wrapDimOrFail(c, dimA, rankA);
    int64_t k = wrapDimOrFail(c, dimB, rankB);
    if (c.hasFailed())
      return {};
    b.labels[k] = i;
  }
  Labels result;
  for (int label : a.labels)
    if (!b.has(label))
      result.push_back(label);
  for (int label : b.labels)
    if (!a.has(label))
      result.push_back(label);
  Labelled both[] = {a, b};
  return {contractAll(c, both, result)};
}

/// y[…, k] = x1[…, i] W[k, i, j] x2[…, j] + bias[k]
static Values bilinear(CompositeBuilder &c) {
  Labelled x1{c.value("input1"), {}}, x2{c.value("input2"), {}};
  Labelled weight{c.value("weight"), {'k', 'i', 'j'}};
  int64_t rank = getRank(x1.value);
  if (rank == 0 || getRank(x2.value) != rank || getRank(weight.value) != 3)
    return c.fail();
  Labels result;
  for (int64_t i = 0; i + 1 < rank; ++i)
    result.push_back(kEllipsis + i);
  x1.labels = x2.labels = result;
  x1.labels.push_back('i');
  x2.labels.push_back('j');
  result.push_back('k');
  Labelled all[] = {x1, weight, x2};
  Value y = contractAll(c, all, result);
  return {c.has("bias") ? c.add(y, c.value("bias")) : y};
}

/// The product of three tensors with dimensions of size 1 inserted, summed.
static Values trilinear(CompositeBuilder &c) {
  Value product;
  for (auto [name, dims] : {std::pair("i1", "expand1"), {"i2", "expand2"},
                            {"i3", "expand3"}}) {
    Value x = c.toCompute(c.value(name));
    SmallVector<int64_t> expand = c.integers(dims);
    llvm::sort(expand);
    for (int64_t dim : expand) {
      if (dim < 0 || dim > getRank(x))
        return c.fail();
      x = c.unsqueeze(x, dim);
    }
    product = product ? c.mul(product, x) : x;
  }
  SmallVector<int64_t> dims = c.dims("sumdim", product);
  if (c.hasFailed())
    return {};
  return {c.sum(product, dims, /*keepdim=*/false)};
}

static Value matmul(CompositeBuilder &c, Value a, Value b) {
  return c.create<MatmulOp>(a, b);
}

template <int64_t rankA, int64_t rankB>
static Values product(CompositeBuilder &c) {
  Value a = c.value("self");
  Value b = c.value(c.has("other")   ? "other"
                    : c.has("tensor") ? "tensor"
                    : c.has("vec")    ? "vec"
                                      : "vec2");
  if ((rankA && getRank(a) != rankA) || (rankB && getRank(b) != rankB) ||
      getRank(a) == 0 || getRank(b) == 0)
    return c.fail();
  return {matmul(c, a, b)};
}

/// Sums of products of the last dimensions.
static Values inner(CompositeBuilder &c) {
  Value a = c.value("self"), b = c.value("other");
  if (getRank(a) == 0 || getRank(b) == 0)
    return {c.mul(a, b)};
  Labelled both[] = {{a, {}}, {b, {}}};
  Labels result;
  int next = 1;
  for (Labelled &x : both) {
    for (int64_t i = 0; i + 1 < getRank(x.value); ++i) {
      x.labels.push_back(next);
      result.push_back(next++);
    }
    x.labels.push_back(0);
  }
  return {contractAll(c, both, result)};
}

static Values vecdot(CompositeBuilder &c) {
  Value products = c.mul(c.operand("x"), c.operand("y"));
  int64_t dim = getDim(c, "dim", getRank(products));
  if (c.hasFailed() || getRank(products) == 0)
    return c.fail();
  return {c.sum(products, {dim}, /*keepdim=*/false)};
}

static Values outer(CompositeBuilder &c) {
  return {c.create<OuterOp>(c.value("self"), c.value("vec2"))};
}

static Values multiDot(CompositeBuilder &c) {
  Values matrices = c.values("tensors");
  if (c.hasFailed() || matrices.empty())
    return c.fail();
  Value result = matrices[0];
  for (Value matrix : ArrayRef(matrices).drop_front())
    result = matmul(c, result, matrix);
  return {result};
}

/// beta * self + alpha * product; with beta = 0, NaN of self does not count.
static Value addScaled(CompositeBuilder &c, Value product) {
  Type element = getElement(product);
  auto scale = [&](Value x, double factor) {
    return factor == 1 ? x : c.mul(x, c.numberLike(factor, x));
  };
  product = scale(product, c.number("alpha"));
  double beta = c.number("beta");
  if (beta == 0)
    return product;
  return c.convert(c.add(scale(c.value("self"), beta), product), element);
}

static Values addmv(CompositeBuilder &c) {
  return {addScaled(c, matmul(c, c.value("mat"), c.value("vec")))};
}
static Values addr(CompositeBuilder &c) {
  return {addScaled(c, c.create<OuterOp>(c.value("vec1"), c.value("vec2")))};
}
static Values addbmm(CompositeBuilder &c) {
  Value products = c.create<BmmOp>(c.value("batch1"), c.value("batch2"));
  return {addScaled(c, c.sum(products, {0}, /*keepdim=*/false))};
}

/// kron: element (i, k) of a times element (j, l) of b at (i, j), (k, l).
static Values kron(CompositeBuilder &c) {
  Value a = c.value("self"), b = c.value("other");
  int64_t rank = std::max(getRank(a), getRank(b));
  Sizes sizesA, sizesB, result;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t dimA = i - rank + getRank(a), dimB = i - rank + getRank(b);
    Size sizeA = dimA < 0 ? c.size(1) : c.sizeOf(a, dimA);
    Size sizeB = dimB < 0 ? c.size(1) : c.sizeOf(b, dimB);
    llvm::append_values(sizesA, sizeA, c.size(1));
    llvm::append_values(sizesB, c.size(1), sizeB);
    result.push_back(c.multiply(sizeA, sizeB));
  }
  return {c.view(c.mul(c.view(a, sizesA), c.view(b, sizesB)), result)};
}

static Values cross(CompositeBuilder &c) {
  Value a = c.value("self"), b = c.value("other");
  auto shape = broadcastShapes(std::nullopt, getTensorType(a).getShape(),
                               getTensorType(b).getShape());
  if (failed(shape) || getRank(a) != getRank(b))
    return c.fail();
  int64_t dim = 0, rank = shape->size();
  if (c.has("dim"))
    dim = getDim(c, "dim", rank);
  else
    while (dim < rank && (*shape)[dim] != 3)
      ++dim;
  if (c.hasFailed() || dim == rank ||
      getTensorType(a).getDimSize(dim) != 3 ||
      getTensorType(b).getDimSize(dim) != 3)
    return c.fail();
  auto turn = [&](Value x, int64_t by) {
    return c.cat({c.slice(x, dim, by, 3), c.slice(x, dim, 0, by)}, dim);
  };
  return {c.sub(c.mul(turn(a, 1), turn(b, 2)), c.mul(turn(a, 2), turn(b, 1)))};
}

//===----------------------------------------------------------------------===//
// Distances
//===----------------------------------------------------------------------===//

/// |x1[…, i, :] - x2[…, j, :]| and the norm p of its last dimension, with the
/// derivative 0 at distance 0.
static Value buildDistance(CompositeBuilder &c, Value difference, double p) {
  int64_t last = getRank(difference) - 1;
  Value size = c.abs(difference);
  if (p == 0)
    return c.sum(c.convert(c.ne(difference, c.f64(0)), getElement(difference)),
                 {last}, /*keepdim=*/false);
  if (p == 1)
    return c.sum(size, {last}, /*keepdim=*/false);
  if (std::isinf(p))
    return c.amax(size, {last}, /*keepdim=*/false);
  // Powers of 0 have no finite derivative for small exponents.
  auto safePow = [&](Value x, double exponent) {
    Value isZero = c.eq(x, c.f64(0));
    Value safe = c.where(isZero, c.f64(1), x);
    Value power = exponent == 0.5 ? c.sqrt(safe) : c.pow(safe, c.f64(exponent));
    return c.where(isZero, c.f64(0), power);
  };
  Value powers = p == 2 ? c.square(difference) : safePow(size, p);
  return safePow(c.sum(powers, {last}, /*keepdim=*/false), 1 / p);
}

static Value pairDifferences(CompositeBuilder &c, Value a, Value b) {
  return c.sub(c.unsqueeze(a, getRank(a) - 1), c.unsqueeze(b, getRank(b) - 2));
}

static Values cdist(CompositeBuilder &c) {
  Value a = c.operand("x1"), b = c.operand("x2");
  double p = c.number("p");
  // A row without elements has no largest one.
  if (c.hasFailed() || getRank(a) < 2 || getRank(b) < 2 || p < 0 ||
      (std::isinf(p) && getTensorType(a).getShape().back() == 0))
    return c.fail();
  return {buildDistance(c, pairDifferences(c, a, b), p)};
}

/// The gradient of x1: sum over j of g * d|difference| / d difference.
static Values cdistBackward(CompositeBuilder &c) {
  Value a = c.value("x1"), b = c.value("x2");
  double p = c.number("p");
  if (c.hasFailed() || getRank(a) < 2 || getRank(b) < 2 || p < 0)
    return c.fail();
  int64_t rank = std::max(getRank(a), getRank(b)) + 1;
  Value difference = pairDifferences(c, a, b);
  Value gradient = c.unsqueeze(c.value("grad"), rank - 1);
  Value distance = c.unsqueeze(c.value("cdist"), rank - 1);
  Value isZero = c.eq(distance, c.f64(0));
  Value factor;
  if (p == 0)
    factor = c.zerosLike(difference);
  else if (p == 1)
    factor = c.sign(difference);
  else if (std::isinf(p))
    factor = c.mul(c.sign(difference),
                   c.convert(c.eq(c.abs(difference), distance),
                             getElement(difference)));
  else {
    Value ratio = c.div(difference, c.where(isZero, c.f64(1), distance));
    Value isEqual = c.eq(difference, c.f64(0));
    Value safe = c.where(isEqual, c.f64(1), c.abs(ratio));
    factor = p == 2 ? ratio
                    : c.mul(c.sign(ratio), c.pow(safe, c.f64(p - 1)));
    factor = c.where(c.create<LogicalOrOp>(isZero, isEqual), c.f64(0), factor);
  }
  Value sum = c.sum(c.mul(gradient, factor), {rank - 2}, /*keepdim=*/false);
  // The batch dimensions of x1 may have been broadcast.
  return {c.sumTo(sum, getTensorType(a))};
}

/// Attention with enable_gqa: each head of key and value serves a group of query
/// heads. Without, the op of its own is built.
static Values groupedAttention(CompositeBuilder &c) {
  Value query = c.value("query"), key = c.value("key"),
        value = c.value("value");
  int64_t rank = getRank(query);
  for (Value tensor : {query, key, value})
    if (rank < 3 || getRank(tensor) != rank ||
        getTensorType(tensor).isDynamicDim(rank - 3))
      return c.fail();
  std::optional<int64_t> keyGroup = countQueryGroup(query, key);
  std::optional<int64_t> valueGroup = countQueryGroup(query, value);
  if (!keyGroup || !valueGroup)
    return c.fail();
  key = repeatHeads(c, key, *keyGroup);
  value = repeatHeads(c, value, *valueGroup);
  FloatAttr scale;
  if (c.has("scale"))
    scale = c.getBuilder().getF64FloatAttr(c.number("scale"));
  return {c.create<ScaledDotProductAttentionOp>(
      query, key, value, c.optional("attn_mask"),
      c.getBuilder().getF64FloatAttr(c.number("dropout_p")),
      c.getBuilder().getBoolAttr(c.flag("is_causal")), scale)};
}

/// The product of 8-bit integers in 32 bits.
static Values intMm(CompositeBuilder &c) {
  SmallVector<Value> operands = {c.value("self"), c.value("mat2")};
  for (Value &operand : operands) {
    if (getRank(operand) != 2 || !getElement(operand).isInteger(8))
      return c.fail();
    operand = c.convert(operand, c.getBuilder().getI32Type());
  }
  return {c.create<MmOp>(operands[0], operands[1])};
}

ArrayRef<Composite> fx::getContractionComposites() {
  static constexpr Composite table[] = {
      {"aten.einsum.default", einsum},
      {"aten.tensordot.default", tensordot},
      {"aten.bilinear.default", bilinear},
      {"aten._trilinear.default", trilinear},
      {"aten.dot.default", product<1, 1>},
      {"aten.vdot.default", product<1, 1>},
      {"aten.mv.default", product<2, 1>},
      {"aten.linalg_matmul.default", product<0, 0>},
      {"aten._int_mm.default", intMm},
      {"aten.inner.default", inner},
      {"aten.linalg_vecdot.default", vecdot},
      {"aten.ger.default", outer},
      {"aten.linalg_multi_dot.default", multiDot},
      {"aten.addmv.default", addmv},
      {"aten.addr.default", addr},
      {"aten.addbmm.default", addbmm},
      {"aten.kron.default", kron},
      {"aten.cross.default", cross},
      {"aten.linalg_cross.default", cross},
      {"aten.scaled_dot_product_attention.default", groupedAttention},
      {"aten.cdist.default", cdist},
      {"aten._cdist_forward.default", cdist},
      {"aten._cdist_backward.default", cdistBackward},
  };
  return table;
}
