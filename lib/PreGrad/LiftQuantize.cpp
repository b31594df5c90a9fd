//===- LiftQuantize.cpp - Quantises before views --------------------------===//

#include "fx/Analysis/Storage.h"
#include "fx/IR/FXOps.h"
#include "fx/PreGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_LIFTQUANTIZEPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

RankedTensorType withElement(Type type, Type element) {
  return cast<RankedTensorType>(type).clone(element);
}

/// quantize(view*(x), scale, zero, …) -> view*(quantize(x, scale, zero, …))
///   [rule 2.11]
struct QuantizeBeforeViews : OpRewritePattern<CallOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CallOp quantize,
                                PatternRewriter &rewriter) const override {
    if (!quantize.getTarget().starts_with(
            "quantized_decomposed.quantize_per_tensor."))
      return rewriter.notifyMatchFailure(quantize, "no quantisation");
    auto isTensor = [](Value x) { return isa<RankedTensorType>(x.getType()); };
    if (quantize->getNumResults() != 1 || quantize.getInputs().empty() ||
        !isTensor(quantize.getInputs()[0]) ||
        llvm::any_of(quantize.getInputs().drop_front(), isTensor))
      return rewriter.notifyMatchFailure(quantize, "scale is a tensor");

    SmallVector<Operation *> views;
    Value x = quantize.getInputs()[0];
    for (Operation *op = x.getDefiningOp();
         op && isViewOp(op) && op->getNumResults() == 1 && op->hasOneUse() &&
         isTensor(op->getOperand(0));
         op = x.getDefiningOp()) {
      views.push_back(op);
      x = op->getOperand(0);
    }
    if (views.empty())
      return rewriter.notifyMatchFailure(quantize, "not of a view");

    Type element =
        cast<RankedTensorType>(quantize->getResultTypes()[0]).getElementType();
    // The scalars may be defined after the views, the views never read them.
    Operation *lifted = rewriter.clone(*quantize);
    lifted->setOperand(0, x);
    lifted->getResult(0).setType(withElement(x.getType(), element));
    Value last = lifted->getResult(0);
    for (Operation *view : llvm::reverse(views)) {
      Operation *copy = rewriter.clone(*view);
      copy->setOperand(0, last);
      last = copy->getResult(0);
      last.setType(withElement(last.getType(), element));
    }
    rewriter.replaceOp(quantize, last);
    return success();
  }
};

struct LiftQuantizePass : impl::LiftQuantizePassBase<LiftQuantizePass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<QuantizeBeforeViews>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
