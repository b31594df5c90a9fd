//===- GatherBeforePointwise.cpp - Pointwise ops on what is gathered ------===//

#include "fx/Analysis/PointwiseOps.h"
#include "fx/IR/FXOps.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_GATHERBEFOREPOINTWISEPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Fewer elements than this fraction of all have to be taken: the op may be
/// computed for all of them as well.
constexpr int64_t kShare = 8;
/// Shorter rows cost little to compute. Where the matrix of logarithms stays, a
/// sum over a short row is the same in the forward and where the backward
/// computes it again, to the last bit.
constexpr int64_t kShortRow = 256;

/// gather(f(x, y), dim, index) -> f(gather(x, dim, index), y)
struct GatherOperands : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp gather,
                                PatternRewriter &rewriter) const override {
    SmallVector<GatherOp> gathers = {gather};
    // The operands may be pointwise, too.
    for (size_t i = 0; i < gathers.size(); ++i)
      if (failed(rewrite(gathers[i], rewriter, gathers)) && i == 0)
        return failure();
    return success();
  }

private:
  /// Appends the gathers that it makes to `created`.
  static LogicalResult rewrite(GatherOp gather, PatternRewriter &rewriter,
                               SmallVectorImpl<GatherOp> &created) {
    rewriter.setInsertionPoint(gather);
    Operation *op = gather.getSelf().getDefiningOp();
    if (!op || !isPointwiseOp(op) || op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(gather, "no pointwise op before it");
    auto type = cast<RankedTensorType>(gather.getSelf().getType());
    auto taken = cast<RankedTensorType>(gather.getType());
    if (!type.hasStaticShape() || !taken.hasStaticShape() ||
        taken.getNumElements() * kShare > type.getNumElements())
      return rewriter.notifyMatchFailure(gather, "not known to take few");
    int64_t rank = type.getRank(), dim = wrapDim(gather.getDim(), rank);
    if (type.getDimSize(dim) < kShortRow)
      return rewriter.notifyMatchFailure(gather, "the rows are short");
    for (int64_t i = 0; i < rank; ++i)
      if (i != dim && taken.getDimSize(i) != type.getDimSize(i))
        return rewriter.notifyMatchFailure(gather, "takes a part of the rows");
    auto isTaken = [&](Value operand) {
      auto own = dyn_cast<RankedTensorType>(operand.getType());
      return own && own.getShape() == type.getShape();
    };
    auto staysSame = [&](Value operand) {
      auto own = dyn_cast<RankedTensorType>(operand.getType());
      int64_t skipped = own ? rank - own.getRank() : rank;
      return dim < skipped || own.getDimSize(dim - skipped) == 1;
    };
    if (!llvm::any_of(op->getOperands(), isTaken) ||
        !llvm::all_of(op->getOperands(), [&](Value operand) {
          return isTaken(operand) || staysSame(operand);
        }))
      return rewriter.notifyMatchFailure(gather, "an operand varies along dim");

    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isTaken(operand)) {
        auto own = cast<RankedTensorType>(operand.getType());
        created.push_back(GatherOp::create(
            rewriter, gather.getLoc(), taken.clone(own.getElementType()),
            operand, gather.getIndex(), gather.getDimAttr()));
        operand = created.back();
      }
      operands.push_back(operand);
    }
    Operation *copy = rewriter.clone(*op);
    copy->setOperands(operands);
    copy->getResult(0).setType(taken);
    rewriter.replaceOp(gather, copy);
    return success();
  }
};

struct GatherBeforePointwisePass
    : impl::GatherBeforePointwisePassBase<GatherBeforePointwisePass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<GatherOperands>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
