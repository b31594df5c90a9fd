//===- RemovePointlessViews.cpp - Views and permutes that cancel out ------===//

#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REMOVEPOINTLESSVIEWSPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// Whether equal types mean equal shapes: with one unknown dimension the number
/// of elements decides, with two it does not.
bool hasSameShape(Value a, Value b) {
  auto type = cast<RankedTensorType>(a.getType());
  return type == b.getType() && type.getNumDynamicDims() <= 1;
}

/// view(x, shape of x) -> x   [rule 3.6, pointless_view]
struct RemoveView : OpRewritePattern<ViewOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ViewOp view,
                                PatternRewriter &rewriter) const override {
    if (!hasSameShape(view, view.getSelf()))
      return rewriter.notifyMatchFailure(view, "changes the shape");
    rewriter.replaceOp(view, view.getSelf());
    return success();
  }
};

/// view(view(x, s), shape of x) -> x   [rule 3.6, pointless_view_pair]
struct RemoveViewPair : OpRewritePattern<ViewOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ViewOp outer,
                                PatternRewriter &rewriter) const override {
    auto inner = outer.getSelf().getDefiningOp<ViewOp>();
    if (!inner || !inner->hasOneUse())
      return rewriter.notifyMatchFailure(outer, "no view of its own");
    if (!hasSameShape(outer, inner.getSelf()))
      return rewriter.notifyMatchFailure(outer, "not the first shape");
    rewriter.replaceOp(outer, inner.getSelf());
    return success();
  }
};

/// permute(permute(x, p), q) -> x   [rule 3.6, pointless_permute_pair]
struct RemovePermutePair : OpRewritePattern<PermuteOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PermuteOp outer,
                                PatternRewriter &rewriter) const override {
    auto inner = outer.getSelf().getDefiningOp<PermuteOp>();
    if (!inner || !inner->hasOneUse())
      return rewriter.notifyMatchFailure(outer, "no permute of its own");
    ArrayRef<int64_t> p = inner.getDims(), q = outer.getDims();
    int64_t rank = p.size();
    for (int64_t i = 0; i < rank; ++i)
      if ((p[(q[i] + rank) % rank] + rank) % rank != i)
        return rewriter.notifyMatchFailure(outer, "not the inverse");
    if (outer.getType() != inner.getSelf().getType())
      return rewriter.notifyMatchFailure(outer, "one type says more");
    rewriter.replaceOp(outer, inner.getSelf());
    return success();
  }
};

struct RemovePointlessViewsPass
    : impl::RemovePointlessViewsPassBase<RemovePointlessViewsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RemoveView, RemoveViewPair, RemovePermutePair>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
