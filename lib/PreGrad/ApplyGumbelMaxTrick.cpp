//===- ApplyGumbelMaxTrick.cpp - Sampling without the softmax -------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/PreGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_APPLYGUMBELMAXTRICKPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

/// Whether a call draws from the exponential distribution of rate 1.
bool isStandardExponential(CallOp call) {
  StringRef target = call.getTarget();
  if (target != "aten.exponential.default" &&
      target != "aten.exponential_.default")
    return false;
  ArrayAttr arguments = call.getArguments();
  if (arguments.size() < 2)
    return !call.getKwargs() || call.getKwargs()->empty();
  auto rate = dyn_cast<FloatAttr>(arguments[1]);
  return rate && rate.getValueAsDouble() == 1.0;
}

/// argmax(softmax(x, -1) / e, -1, keepdim) -> argmax(x - log(e), -1, keepdim)
/// [rule 2.8]
struct SampleFromLogits : OpRewritePattern<ArgmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ArgmaxOp argmax,
                                PatternRewriter &rewriter) const override {
    auto quotient = argmax.getSelf().getDefiningOp<DivOp>();
    if (!quotient || !quotient->hasOneUse() || !argmax.getKeepdim())
      return rewriter.notifyMatchFailure(argmax, "not of a quotient");
    auto softmax = quotient.getSelf().getDefiningOp<SoftmaxOp>();
    auto exponential = quotient.getOther().getDefiningOp<CallOp>();
    if (!softmax || !softmax->hasOneUse() || softmax.getDtype() ||
        !exponential || !exponential->hasOneUse() ||
        !isStandardExponential(exponential))
      return rewriter.notifyMatchFailure(argmax, "not softmax / exponential");
    int64_t rank = getRank(softmax);
    if (rank == 0 || !argmax.getDim() ||
        wrapDim(*argmax.getDim(), rank) != rank - 1 ||
        wrapDim(softmax.getDim(), rank) != rank - 1)
      return rewriter.notifyMatchFailure(argmax, "not over the last dimension");

    TensorBuilder b(rewriter, argmax.getLoc());
    Value noise = b.neg(b.log(exponential.getResult(0)));
    Value scores = b.add(softmax.getSelf(), noise);
    rewriter.modifyOpInPlace(
        argmax, [&] { argmax.getSelfMutable().assign(scores); });
    return success();
  }
};

struct ApplyGumbelMaxTrickPass
    : impl::ApplyGumbelMaxTrickPassBase<ApplyGumbelMaxTrickPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SampleFromLogits>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
