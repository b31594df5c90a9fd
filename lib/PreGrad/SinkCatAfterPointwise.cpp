//===- SinkCatAfterPointwise.cpp - relu and tanh before a cat -------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/PreGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_SINKCATAFTERPOINTWISEPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

/// f(view(cat(xs, dim))) -> view(cat([f(x) for x in xs], dim))   [rule 2.2]
template <typename OpTy>
struct SinkCat : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy pointwise,
                                PatternRewriter &rewriter) const override {
    Value input = pointwise.getSelf();
    while (auto view = input.getDefiningOp<ViewOp>()) {
      if (!view->hasOneUse())
        return rewriter.notifyMatchFailure(pointwise, "a view has other uses");
      input = view.getSelf();
    }
    auto cat = input.getDefiningOp<CatOp>();
    if (!cat || !cat->hasOneUse() || cat.getTensors().size() < 2)
      return rewriter.notifyMatchFailure(pointwise, "no cat of its own");
    // The function must not change the type, nor the cat promote.
    Type element = getElement(cat);
    if (getElement(pointwise) != element ||
        !llvm::all_of(cat.getTensors(), [&](Value x) {
          return getElement(x) == element;
        }))
      return rewriter.notifyMatchFailure(pointwise, "element types differ");

    rewriter.setInsertionPoint(cat);
    SmallVector<Value> parts;
    for (Value x : cat.getTensors())
      parts.push_back(
          OpTy::create(rewriter, pointwise.getLoc(), x.getType(), x));
    rewriter.modifyOpInPlace(
        cat, [&] { cat.getTensorsMutable().assign(parts); });
    rewriter.replaceOp(pointwise, pointwise.getSelf());
    return success();
  }
};

struct SinkCatAfterPointwisePass
    : impl::SinkCatAfterPointwisePassBase<SinkCatAfterPointwisePass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkCat<ReluOp>, SinkCat<TanhOp>>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
