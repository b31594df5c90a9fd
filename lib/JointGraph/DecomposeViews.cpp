//===- DecomposeViews.cpp - Spellings of view and creation ops ------------===//

#include "Decompose.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// flatten -> view
static SmallVector<Value> decomposeFlatten(FlattenOp op, TensorBuilder &b) {
  Value x = op.getSelf();
  int64_t rank = getRank(x);
  if (rank == 0)
    return {b.view(x, {b.size(1)})};
  int64_t first = wrapDim(op.getStartDim(), rank);
  int64_t last = wrapDim(op.getEndDim(), rank);
  if (first == last)
    return {x};
  Sizes sizes;
  for (int64_t i = 0; i < rank; ++i)
    if (i <= first || i > last)
      sizes.push_back(b.sizeOf(x, i));
    else
      sizes.back() = b.multiply(sizes.back(), b.sizeOf(x, i));
  return {b.view(x, sizes)};
}

/// transpose -> permute
static SmallVector<Value> decomposeTranspose(TransposeOp op,
                                             TensorBuilder &b) {
  int64_t rank = getRank(op.getSelf());
  if (rank == 0)
    return {op.getSelf()};
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(dims[wrapDim(op.getDim0(), rank)],
            dims[wrapDim(op.getDim1(), rank)]);
  return {b.permute(op.getSelf(), dims)};
}

/// t -> permute
static SmallVector<Value> decomposeT(TOp op, TensorBuilder &b) {
  if (getRank(op.getSelf()) < 2)
    return {op.getSelf()};
  return {b.permute(op.getSelf(), {1, 0})};
}

/// split and chunk -> split_with_sizes
template <typename OpTy>
static SmallVector<Value> decomposeSplit(OpTy op, TensorBuilder &b) {
  int64_t dim = wrapDim(op.getDim(), getRank(op.getSelf()));
  SmallVector<int64_t> sizes;
  for (Value part : op.getParts())
    sizes.push_back(getTensorType(part).getDimSize(dim));
  if (llvm::any_of(sizes, ShapedType::isDynamic))
    return {};
  auto parts = b.create<SplitWithSizesOp>(op.getSelf(), sizes, (uint64_t)dim);
  if (Attribute names = op->getAttr(kResultNamesAttr))
    parts->setAttr(kResultNamesAttr, names);
  return llvm::to_vector_of<Value>(parts.getParts());
}

/// split_with_sizes -> slices
static SmallVector<Value> decomposeSplitWithSizes(SplitWithSizesOp op,
                                                  TensorBuilder &b) {
  int64_t dim = wrapDim(op.getDim(), getRank(op.getSelf())), begin = 0;
  SmallVector<Value> parts;
  for (int64_t size : op.getSplitSizes()) {
    parts.push_back(b.slice(op.getSelf(), dim, begin, begin + size));
    begin += size;
  }
  return parts;
}

/// unbind -> selects
static SmallVector<Value> decomposeUnbind(UnbindOp op, TensorBuilder &b) {
  int64_t dim = wrapDim(op.getDim(), getRank(op.getSelf()));
  SmallVector<Value> parts;
  for (size_t i = 0; i < op.getParts().size(); ++i)
    parts.push_back(b.select(op.getSelf(), dim, b.i64(i)));
  return parts;
}

/// stack -> cat of unsqueezes
static SmallVector<Value> decomposeStack(StackOp op, TensorBuilder &b) {
  int64_t rank = getRank(op.getResult()), dim = wrapDim(op.getDim(), rank);
  SmallVector<Value> parts;
  for (Value tensor : op.getTensors())
    parts.push_back(b.unsqueeze(tensor, dim));
  return {b.cat(parts, dim)};
}

/// repeat: [n] -> view [1, n] -> expand [r, n] -> view [r * n], per dimension
static SmallVector<Value> decomposeRepeat(RepeatOp op, TensorBuilder &b) {
  Value x = op.getSelf();
  Sizes repeats;
  auto dynamic = op.getSize().begin();
  for (int64_t repeat : op.getStaticSize())
    repeats.push_back(ShapedType::isDynamic(repeat) ? Size(*dynamic++)
                                                    : b.size(repeat));
  int64_t offset = repeats.size() - getRank(x);
  Sizes inner, expanded, result;
  for (auto [i, repeat] : llvm::enumerate(repeats)) {
    Size size = (int64_t)i < offset ? b.size(1) : b.sizeOf(x, i - offset);
    llvm::append_values(inner, b.size(1), size);
    llvm::append_values(expanded, repeat, size);
    result.push_back(b.multiply(repeat, size));
  }
  return {b.view(b.expand(b.view(x, inner), expanded), result)};
}

/// repeat_interleave: [n] -> unsqueeze [n, 1] -> expand [n, r] -> view [n * r]
static SmallVector<Value> decomposeRepeatInterleave(RepeatInterleaveOp op,
                                                    TensorBuilder &b) {
  Value x = op.getSelf();
  int64_t dim = 0;
  if (auto given = op.getDim())
    dim = wrapDim(*given, getRank(x));
  if (!op.getDim() || getRank(x) == 0)
    x = b.view(x, {b.countOf(x, llvm::to_vector(
                                    llvm::seq<int64_t>(0, getRank(x))))});
  Sizes expanded = b.sizesOf(x), result = expanded;
  Size repeats = b.size(op.getRepeats());
  expanded.insert(expanded.begin() + dim + 1, repeats);
  result[dim] = b.multiply(result[dim], repeats);
  return {b.view(b.expand(b.unsqueeze(x, dim + 1), expanded), result)};
}

/// tril and triu: where(column - row <= or >= diagonal, x, 0)
template <typename OpTy>
static SmallVector<Value> decomposeTriangle(OpTy op, TensorBuilder &b) {
  Value x = op.getSelf();
  int64_t rank = getRank(x);
  Value row = b.indexAlong(b.sizeOf(x, rank - 2), 0, 2);
  Value column = b.indexAlong(b.sizeOf(x, rank - 1), 0, 1);
  Value distance = b.sub(column, row);
  Value diagonal = b.i64((int64_t)op.getDiagonal());
  Value keep = std::is_same_v<OpTy, TrilOp> ? b.le(distance, diagonal)
                                            : b.ge(distance, diagonal);
  // The zero must not change the type of an integer or bool tensor.
  Value zero = isFloatType(getElement(x))   ? b.f64(0)
               : isBoolType(getElement(x)) ? b.boolean(false)
                                            : b.i64(0);
  return {b.where(keep, x, zero)};
}

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

/// start + i * step in the first half, end - (n - 1 - i) * step in the second
static SmallVector<Value> decomposeLinspace(LinspaceOp op, TensorBuilder &b) {
  auto getNumber = [](Value value) -> std::optional<double> {
    FloatAttr real;
    APInt integer;
    if (matchPattern(value, m_Constant(&real)))
      return real.getValueAsDouble();
    if (matchPattern(value, m_ConstantInt(&integer)))
      return integer.getSExtValue();
    return std::nullopt;
  };
  auto start = getNumber(op.getStart()), end = getNumber(op.getEnd());
  int64_t steps = op.getSteps();
  if (!start || !end)
    return {};
  Type element = getElement(op.getResult());
  if (steps < 2)
    return {b.full({b.size(steps)}, b.f64(*start), element)};
  if (!isFloatType(element))
    return {};
  double step = (*end - *start) / (steps - 1);
  Type compute = getComputeType(element);
  Value index = b.indexAlong(b.size(steps), 0, 1);
  Value forward = b.add(b.mul(b.convert(index, compute), step), *start);
  Value rest = b.convert(b.sub(b.i64(steps - 1), index), compute);
  Value backward = b.create<RsubOp>(b.mul(rest, step), b.f64(*end),
                                    llvm::APFloat(1.0));
  Value isFirstHalf = b.lt(index, b.i64(steps / 2));
  return {b.convert(b.where(isFirstHalf, forward, backward), element)};
}

/// full_like -> full
static SmallVector<Value> decomposeFullLike(FullLikeOp op, TensorBuilder &b) {
  return {b.full(b.sizesOf(op.getSelf()), op.getFillValue(),
                 getElement(op.getResult()))};
}

/// index_select -> index along one dimension
static SmallVector<Value> decomposeIndexSelect(IndexSelectOp op,
                                               TensorBuilder &b) {
  Value self = op.getSelf(), index = op.getIndex();
  if (getRank(self) == 0)
    return {self};
  if (getRank(index) == 0)
    index = b.unsqueeze(index, 0);
  int64_t dim = wrapDim(op.getDim(), getRank(self));
  return {b.create<IndexOp>(self, index, dim)};
}

void fx::populateDecomposeViews(RewritePatternSet &patterns) {
  addDecomposition<FlattenOp>(patterns, decomposeFlatten);
  addDecomposition<TransposeOp>(patterns, decomposeTranspose);
  addDecomposition<TOp>(patterns, decomposeT);
  addDecomposition<SplitOp>(patterns, decomposeSplit<SplitOp>);
  addDecomposition<ChunkOp>(patterns, decomposeSplit<ChunkOp>);
  addDecomposition<StackOp>(patterns, decomposeStack);
  addDecomposition<RepeatOp>(patterns, decomposeRepeat);
  addDecomposition<RepeatInterleaveOp>(patterns, decomposeRepeatInterleave);
  addDecomposition<TrilOp>(patterns, decomposeTriangle<TrilOp>);
  addDecomposition<TriuOp>(patterns, decomposeTriangle<TriuOp>);
  addDecomposition<LinspaceOp>(patterns, decomposeLinspace);
  addDecomposition<IndexSelectOp>(patterns, decomposeIndexSelect);
}

void fx::populateDecomposeViewsToCore(RewritePatternSet &patterns) {
  addDecomposition<SplitWithSizesOp>(patterns, decomposeSplitWithSizes);
  addDecomposition<UnbindOp>(patterns, decomposeUnbind);
  addDecomposition<FullLikeOp>(patterns, decomposeFullLike);
}
