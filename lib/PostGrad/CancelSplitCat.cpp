//===- CancelSplitCat.cpp - Splits and cats of the same parts -------------===//

#include "fx/Analysis/Storage.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_CANCELSPLITCATPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// The dimension that a split op divides; none for other ops.
std::optional<int64_t> getSplitDim(Operation *op) {
  std::optional<int64_t> dim;
  if (auto split = dyn_cast_or_null<SplitOp>(op))
    dim = split.getDim();
  else if (auto split = dyn_cast_or_null<SplitWithSizesOp>(op))
    dim = split.getDim();
  else if (auto split = dyn_cast_or_null<ChunkOp>(op))
    dim = split.getDim();
  if (dim)
    dim = wrapDim(*dim, getRank(op->getOperand(0)));
  return dim;
}

int64_t getCatDim(CatOp cat) { return wrapDim(cat.getDim(), getRank(cat)); }

std::optional<int64_t> getConstantInt(Value value) {
  APInt constant;
  if (!matchPattern(value, m_ConstantInt(&constant)))
    return std::nullopt;
  return constant.getSExtValue();
}

/// The elements [start, end) that a slice without gaps takes along a dimension
/// of known size.
struct Range {
  int64_t dim, start, end;
};

std::optional<Range> getRange(SliceOp slice) {
  RankedTensorType type = getTensorType(slice.getSelf());
  int64_t dim = wrapDim(slice.getDim(), type.getRank());
  int64_t size = type.getDimSize(dim);
  if (slice.getStep() != 1 || ShapedType::isDynamic(size))
    return std::nullopt;
  auto getBound = [&](Value bound, int64_t absent) -> std::optional<int64_t> {
    std::optional<int64_t> value = bound ? getConstantInt(bound) : absent;
    if (value && *value < 0)
      value = std::max<int64_t>(*value + size, 0);
    return value ? std::min(*value, size) : value;
  };
  std::optional<int64_t> start = getBound(slice.getStart(), 0);
  std::optional<int64_t> end = getBound(slice.getEnd(), size);
  if (!start || !end)
    return std::nullopt;
  return Range{dim, *start, *end};
}

/// cat(all parts of split(x, dim), dim) -> x   [5.7, splitwithsizes_cat]
struct CatOfSplit : OpRewritePattern<CatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CatOp cat,
                                PatternRewriter &rewriter) const override {
    if (cat.getTensors().empty())
      return failure();
    Operation *split = cat.getTensors().front().getDefiningOp();
    if (getSplitDim(split) != getCatDim(cat) ||
        !llvm::equal(split->getResults(), cat.getTensors()))
      return rewriter.notifyMatchFailure(cat, "not all parts of one split");
    if (!llvm::all_of(split->getResults(),
                      [](Value part) { return part.hasOneUse(); }))
      return rewriter.notifyMatchFailure(cat, "a part has other uses");
    Value x = split->getOperand(0);
    if (x.getType() != cat.getType())
      return rewriter.notifyMatchFailure(cat, "one type says more");
    if (!mayReplaceResult(cat, x))
      return rewriter.notifyMatchFailure(cat, "a result would be shared");
    rewriter.replaceOp(cat, x);
    return success();
  }
};

/// split(cat(xs, dim), dim) -> xs   [5.7, cat_splitwithsizes]
template <typename OpTy>
struct SplitOfCat : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy split,
                                PatternRewriter &rewriter) const override {
    std::optional<int64_t> dim = getSplitDim(split);
    auto cat = split.getSelf().template getDefiningOp<CatOp>();
    if (!cat || !cat->hasOneUse() || getCatDim(cat) != *dim)
      return rewriter.notifyMatchFailure(split, "no cat of its own");
    if (!llvm::equal(split->getResultTypes(), cat.getTensors().getTypes()))
      return rewriter.notifyMatchFailure(split, "parts differ");
    // Equal types with an unknown size along dim need not be equal parts.
    for (Value part : split->getResults())
      if (getTensorType(part).isDynamicDim(*dim))
        return rewriter.notifyMatchFailure(split, "a size is not known");
    for (auto [part, x] :
         llvm::zip_equal(split->getResults(), cat.getTensors()))
      if (!mayReplaceResult(part, x))
        return rewriter.notifyMatchFailure(split, "a result would be shared");
    rewriter.replaceOp(split, cat.getTensors());
    return success();
  }
};

/// cat of slices that follow each other from the first to the last element of x
///   -> x: the same rule where splits are already decomposed
struct CatOfSlices : OpRewritePattern<CatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CatOp cat,
                                PatternRewriter &rewriter) const override {
    Value x;
    int64_t dim = getCatDim(cat), position = 0;
    for (Value part : cat.getTensors()) {
      auto slice = part.getDefiningOp<SliceOp>();
      if (!slice || !slice->hasOneUse() || (x && slice.getSelf() != x))
        return rewriter.notifyMatchFailure(cat, "not slices of one tensor");
      x = slice.getSelf();
      std::optional<Range> range = getRange(slice);
      if (!range || range->dim != dim || range->start != position)
        return rewriter.notifyMatchFailure(cat, "slices leave a gap");
      position = range->end;
    }
    if (!x || x.getType() != cat.getType())
      return rewriter.notifyMatchFailure(cat, "not all of the tensor");
    if (!mayReplaceResult(cat, x))
      return rewriter.notifyMatchFailure(cat, "a result would be shared");
    rewriter.replaceOp(cat, x);
    return success();
  }
};

/// slice(cat(xs, dim), dim, where x begins, where it ends) -> x: the same rule
/// where splits are already decomposed
struct SliceOfCat : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp slice,
                                PatternRewriter &rewriter) const override {
    auto cat = slice.getSelf().getDefiningOp<CatOp>();
    std::optional<Range> range = cat ? getRange(slice) : std::nullopt;
    if (!range || range->dim != getCatDim(cat))
      return rewriter.notifyMatchFailure(slice, "not along a cat's dimension");
    int64_t position = 0;
    for (Value x : cat.getTensors()) {
      // An empty one-dimensional tensor is skipped by cat.
      if (getRank(x) != getRank(cat) ||
          getTensorType(x).isDynamicDim(range->dim))
        return rewriter.notifyMatchFailure(slice, "a part's size is not known");
      int64_t end = position + getTensorType(x).getDimSize(range->dim);
      if (range->start == position && range->end == end &&
          x.getType() == slice.getType() && mayReplaceResult(slice, x)) {
        rewriter.replaceOp(slice, x);
        return success();
      }
      position = end;
      if (position > range->start)
        break;
    }
    return rewriter.notifyMatchFailure(slice, "not one part");
  }
};

/// cat([c, slice(c, 1, 0, k)], 1) -> cat([*xs, slice(xs[0], 1, 0, k)], 1) with
/// c = cat(xs, 1)   [5.7, cat_slice_cat]
struct CatSliceCat : OpRewritePattern<CatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CatOp outer,
                                PatternRewriter &rewriter) const override {
    if (outer.getTensors().size() != 2 || getCatDim(outer) != 1)
      return rewriter.notifyMatchFailure(outer, "not a pair along dimension 1");
    auto inner = outer.getTensors()[0].getDefiningOp<CatOp>();
    auto slice = outer.getTensors()[1].getDefiningOp<SliceOp>();
    if (!inner || !slice || slice.getSelf() != inner.getResult() ||
        getCatDim(inner) != 1 || !llvm::hasNItems(inner->getUses(), 2) ||
        !slice->hasOneUse())
      return rewriter.notifyMatchFailure(outer, "not a cat and its slice");
    std::optional<int64_t> start = slice.getStart()
                                       ? getConstantInt(slice.getStart())
                                       : std::optional<int64_t>(0);
    std::optional<int64_t> end =
        slice.getEnd() ? getConstantInt(slice.getEnd()) : std::nullopt;
    Value first = inner.getTensors()[0];
    // An empty one-dimensional tensor is skipped by cat.
    if (getRank(first) != getRank(inner) ||
        wrapDim(slice.getDim(), getRank(inner)) != 1 || slice.getStep() != 1 ||
        start != 0 || !end || *end < 0 ||
        getTensorType(first).isDynamicDim(1) ||
        *end > getTensorType(first).getDimSize(1) ||
        getElement(first) != getElement(outer))
      return rewriter.notifyMatchFailure(outer, "not of the first part");

    TensorBuilder b(rewriter, outer.getLoc());
    SmallVector<Value> parts(inner.getTensors());
    parts.push_back(b.slice(first, /*dim=*/1, /*start=*/0, *end));
    Value cat = b.cat(parts, /*dim=*/1);
    rewriter.replaceOp(outer, b.withType(cat, outer.getType()));
    return success();
  }
};

struct CancelSplitCatPass : impl::CancelSplitCatPassBase<CancelSplitCatPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<CatOfSplit, CatOfSlices, CatSliceCat, SliceOfCat,
                 SplitOfCat<SplitOp>, SplitOfCat<SplitWithSizesOp>,
                 SplitOfCat<ChunkOp>>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
