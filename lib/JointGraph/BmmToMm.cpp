//===- BmmToMm.cpp - Batches of one matrix product ------------------------===//

#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_BMMTOMMPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// bmm(a, b) -> unsqueeze(mm(squeeze(a, 0), squeeze(b, 0)), 0)   [rule 3.8]
struct BatchOfOne : OpRewritePattern<BmmOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BmmOp bmm,
                                PatternRewriter &rewriter) const override {
    auto hasBatchOne = [](Value batch) {
      return cast<RankedTensorType>(batch.getType()).getDimSize(0) == 1;
    };
    if (!hasBatchOne(bmm.getSelf()) || !hasBatchOne(bmm.getMat2()))
      return rewriter.notifyMatchFailure(bmm, "batch is not known to be 1");

    Location loc = bmm.getLoc();
    auto dropBatch = [&](Value batch) -> Value {
      return SqueezeOp::create(rewriter, loc, batch,
                               rewriter.getDenseI64ArrayAttr({0}));
    };
    Value mm = MmOp::create(rewriter, loc, dropBatch(bmm.getSelf()),
                            dropBatch(bmm.getMat2()));
    rewriter.replaceOpWithNewOp<UnsqueezeOp>(bmm, bmm.getType(), mm,
                                             /*dim=*/0);
    return success();
  }
};

struct BmmToMmPass : impl::BmmToMmPassBase<BmmToMmPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<BatchOfOne>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
