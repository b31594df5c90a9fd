//===- UnfuseBiasAdd.cpp - An addmm whose users are all pointwise ---------===//

#include "fx/Analysis/PointwiseOps.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_UNFUSEBIASADDPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// addmm(c, a, b, beta, alpha) -> beta * c + alpha * mm(a, b)   [rule 5.7]
struct SplitAddmm : OpRewritePattern<AddmmOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddmmOp addmm,
                                PatternRewriter &rewriter) const override {
    Type element = getElement(addmm);
    if (element != getComputeType(element))
      return rewriter.notifyMatchFailure(addmm, "would round twice");
    if (addmm->use_empty() || !areAllUsersPointwise(addmm))
      return rewriter.notifyMatchFailure(addmm, "a user is not pointwise");
    double beta = addmm.getBeta().convertToDouble();
    double alpha = addmm.getAlpha().convertToDouble();
    // With beta = 0 or alpha = 0 addmm does not read that operand.
    if (beta == 0.0 || alpha == 0.0)
      return rewriter.notifyMatchFailure(addmm, "ignores an operand");

    TensorBuilder b(rewriter, addmm.getLoc());
    auto scale = [&](Value value, double factor) {
      return factor == 1.0 ? value : b.mul(value, factor);
    };
    Value product = b.create<MmOp>(addmm.getMat1(), addmm.getMat2());
    Value sum = b.add(scale(addmm.getSelf(), beta), scale(product, alpha));
    rewriter.replaceOp(addmm, b.withType(sum, addmm.getType()));
    return success();
  }
};

struct UnfuseBiasAddPass : impl::UnfuseBiasAddPassBase<UnfuseBiasAddPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SplitAddmm>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
