//===- MergeViews.cpp - Chains of views and permutes ----------------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_MERGEVIEWSPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// view(view(x, s), t) -> view(x, t)
struct MergeViewChain : OpRewritePattern<ViewOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ViewOp outer,
                                PatternRewriter &rewriter) const override {
    Value x = outer.getSelf();
    while (auto inner = x.getDefiningOp<ViewOp>())
      x = inner.getSelf();
    if (x == outer.getSelf())
      return rewriter.notifyMatchFailure(outer, "not of a view");
    rewriter.modifyOpInPlace(outer, [&] { outer.getSelfMutable().assign(x); });
    return success();
  }
};

/// permute(permute(x, p), q) -> permute(x, p∘q)
struct MergePermuteChain : OpRewritePattern<PermuteOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PermuteOp outer,
                                PatternRewriter &rewriter) const override {
    auto inner = outer.getSelf().getDefiningOp<PermuteOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(outer, "not of a permute");
    SmallVector<int64_t> dims(outer.getDims());
    Value x = outer.getSelf();
    for (; inner; inner = x.getDefiningOp<PermuteOp>()) {
      int64_t rank = dims.size();
      for (int64_t &dim : dims)
        dim = wrapDim(inner.getDims()[wrapDim(dim, rank)], rank);
      x = inner.getSelf();
    }
    rewriter.modifyOpInPlace(outer, [&] {
      outer.getSelfMutable().assign(x);
      outer.setDims(dims);
    });
    return success();
  }
};

struct MergeViewsPass : impl::MergeViewsPassBase<MergeViewsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MergeViewChain, MergePermuteChain>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
