//===- SimplifySplits.cpp - Algebra of splits and cats --------------------===//

#include "fx/Analysis/Storage.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/PreGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

#include <numeric>

namespace mlir::fx {
#define GEN_PASS_DEF_SIMPLIFYSPLITSPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

int64_t getDim(SplitWithSizesOp split) {
  return wrapDim(split.getDim(), getRank(split.getSelf()));
}

/// split(x, [n]) -> x   [rule 2.10, remove_split_with_size_one_pass]
struct RemoveSplitIntoOne : OpRewritePattern<SplitWithSizesOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SplitWithSizesOp split,
                                PatternRewriter &rewriter) const override {
    if (split.getParts().size() != 1 ||
        split.getParts().front().getType() != split.getSelf().getType())
      return rewriter.notifyMatchFailure(split, "more than one part");
    rewriter.replaceOp(split, split.getSelf());
    return success();
  }
};

/// split(split(x, a)[k], b) -> parts of split(x, a with b in place of a[k])
///   [rule 2.10, merge_splits_pass]
struct MergeSplits : OpRewritePattern<SplitWithSizesOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SplitWithSizesOp inner,
                                PatternRewriter &rewriter) const override {
    auto part = dyn_cast<OpResult>(inner.getSelf());
    auto outer = inner.getSelf().getDefiningOp<SplitWithSizesOp>();
    if (!outer || !part.hasOneUse() || getDim(outer) != getDim(inner) ||
        outer->getBlock() != inner->getBlock())
      return rewriter.notifyMatchFailure(inner, "no part of its own");
    size_t k = part.getResultNumber();
    SmallVector<int64_t> sizes(outer.getSplitSizes());
    sizes.erase(sizes.begin() + k);
    sizes.insert(sizes.begin() + k, inner.getSplitSizes().begin(),
                 inner.getSplitSizes().end());
    rewriter.setInsertionPoint(outer);
    auto merged = SplitWithSizesOp::create(
        rewriter, inner.getLoc(), outer.getSelf(), sizes, outer.getDim());
    size_t added = inner.getParts().size();
    for (auto [i, old] : llvm::enumerate(outer.getParts()))
      if (i != k)
        rewriter.replaceAllUsesWith(
            old, merged.getParts()[i < k ? i : i + added - 1]);
    rewriter.replaceOp(inner, merged.getParts().slice(k, added));
    rewriter.eraseOp(outer);
    return success();
  }
};

/// The neighbouring parts [first, last) of one split that a cat joins along
/// the dimension of the split.
struct Run {
  SplitWithSizesOp split;
  size_t first, last;
};

std::optional<Run> getRun(CatOp cat) {
  auto begin = cat.getTensors().empty()
                   ? OpResult()
                   : dyn_cast<OpResult>(cat.getTensors().front());
  auto split =
      begin ? dyn_cast<SplitWithSizesOp>(begin.getOwner()) : SplitWithSizesOp();
  if (!split || getDim(split) != wrapDim(cat.getDim(), getRank(cat)))
    return std::nullopt;
  size_t first = begin.getResultNumber();
  size_t last = first + cat.getTensors().size();
  if (last > split.getParts().size() ||
      !llvm::equal(cat.getTensors(),
                   split.getParts().slice(first, last - first)))
    return std::nullopt;
  return Run{split, first, last};
}

/// cat(neighbouring parts that nothing else uses) -> one part of a split with
/// fewer   [rule 2.10, merge_getitem_cat_pass]
struct MergeParts : OpRewritePattern<CatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CatOp cat,
                                PatternRewriter &rewriter) const override {
    std::optional<Run> run = getRun(cat);
    if (!run || run->last - run->first < 2 ||
        run->last - run->first == run->split.getParts().size())
      return rewriter.notifyMatchFailure(cat, "not some parts of one split");
    if (!llvm::all_of(cat.getTensors(), [](Value x) { return x.hasOneUse(); }))
      return rewriter.notifyMatchFailure(cat, "a part has other uses");
    if (!mayReplaceResult(cat, run->split.getSelf()))
      return rewriter.notifyMatchFailure(cat, "a result would be shared");
    ArrayRef<int64_t> old = run->split.getSplitSizes();
    SmallVector<int64_t> sizes(old.take_front(run->first));
    int64_t joined = 0;
    for (int64_t size : old.slice(run->first, run->last - run->first))
      joined += size;
    sizes.push_back(joined);
    llvm::append_range(sizes, old.drop_front(run->last));
    rewriter.setInsertionPoint(run->split);
    auto merged = SplitWithSizesOp::create(rewriter, run->split.getLoc(),
                                           run->split.getSelf(), sizes,
                                           run->split.getDim());
    size_t removed = run->last - run->first - 1;
    for (auto [i, part] : llvm::enumerate(run->split.getParts()))
      if (i < run->first || i >= run->last)
        rewriter.replaceAllUsesWith(
            part, merged.getParts()[i < run->first ? i : i - removed]);
    rewriter.replaceOp(cat, merged.getParts()[run->first]);
    rewriter.eraseOp(run->split);
    return success();
  }
};

/// cat(all parts) -> x, cat(neighbouring parts) -> a slice of x
///   [rule 2.10, mutate_cat_pass]
struct SliceInsteadOfCat : OpRewritePattern<CatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CatOp cat,
                                PatternRewriter &rewriter) const override {
    std::optional<Run> run = getRun(cat);
    if (!run)
      return rewriter.notifyMatchFailure(cat, "not parts of one split");
    // A cat that is returned is fresh memory; x and a slice are not.
    if (!mayReplaceResult(cat, run->split.getSelf()))
      return rewriter.notifyMatchFailure(cat, "a result would be shared");
    ArrayRef<int64_t> sizes = run->split.getSplitSizes();
    Value x = run->split.getSelf();
    auto sum = [](ArrayRef<int64_t> list) {
      return std::accumulate(list.begin(), list.end(), int64_t(0));
    };
    if (run->last - run->first != sizes.size()) {
      TensorBuilder b(rewriter, cat.getLoc());
      x = b.slice(x, getDim(run->split), sum(sizes.take_front(run->first)),
                  sum(sizes.take_front(run->last)));
    }
    if (x.getType() != cat.getType())
      return rewriter.notifyMatchFailure(cat, "one type says more");
    rewriter.replaceOp(cat, x);
    return success();
  }
};

/// stack(unbind(x, d), d) -> x   [rule 2.10, unbind_stack_pass]
struct StackOfUnbind : OpRewritePattern<StackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(StackOp stack,
                                PatternRewriter &rewriter) const override {
    if (stack.getTensors().empty())
      return failure();
    auto unbind = stack.getTensors().front().getDefiningOp<UnbindOp>();
    int64_t rank = getRank(stack);
    if (!unbind || !llvm::equal(unbind.getParts(), stack.getTensors()) ||
        wrapDim(unbind.getDim(), rank) != wrapDim(stack.getDim(), rank) ||
        unbind.getSelf().getType() != stack.getType())
      return rewriter.notifyMatchFailure(stack, "not all slices in order");
    if (!mayReplaceResult(stack, unbind.getSelf()))
      return rewriter.notifyMatchFailure(stack, "a result would be shared");
    rewriter.replaceOp(stack, unbind.getSelf());
    return success();
  }
};

struct SimplifySplitsPass : impl::SimplifySplitsPassBase<SimplifySplitsPass> {
  using SimplifySplitsPassBase::SimplifySplitsPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    auto isOn = [&](StringRef key) { return rule.empty() || rule == key; };
    if (isOn("remove_split_with_size_one_pass"))
      set.add<RemoveSplitIntoOne>(context);
    if (isOn("merge_splits_pass"))
      set.add<MergeSplits>(context);
    if (isOn("merge_getitem_cat_pass"))
      set.add<MergeParts>(context);
    if (isOn("mutate_cat_pass"))
      set.add<SliceInsteadOfCat>(context);
    if (isOn("unbind_stack_pass"))
      set.add<StackOfUnbind>(context);
    if (set.getNativePatterns().empty())
      return emitError(UnknownLoc::get(context))
             << "fx-simplify-splits has no rule '" << rule << "'";
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override { rewriteInReverse(getOperation(), patterns); }

  FrozenRewritePatternSet patterns;
};

} // namespace
} // namespace mlir::fx
