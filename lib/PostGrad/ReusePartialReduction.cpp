//===- ReusePartialReduction.cpp - A full maximum from a partial one ------===//

#include "fx/IR/FXOps.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REUSEPARTIALREDUCTIONPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Below this a second pass over x costs less than a second kernel.
constexpr int64_t minimumElements = 4096;

template <typename OpTy>
bool isFull(OpTy op) {
  int64_t rank = cast<RankedTensorType>(op.getSelf().getType()).getRank();
  return op.getDim().empty() || (int64_t)op.getDim().size() == rank;
}

/// amax(x), amax(x, dims) -> amax(amax(x, dims)); amin too   [rule 5.7]
template <typename OpTy>
struct FullFromPartial : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy full,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(full.getSelf().getType());
    if (!isFull(full) || full.getKeepdim())
      return rewriter.notifyMatchFailure(full, "does not reduce to a scalar");
    if (!type.hasStaticShape() || type.getNumElements() < minimumElements)
      return rewriter.notifyMatchFailure(full, "not known to be large");
    OpTy partial;
    for (Operation *user : full.getSelf().getUsers()) {
      auto candidate = dyn_cast<OpTy>(user);
      if (candidate && !isFull(candidate) &&
          candidate->getBlock() == full->getBlock()) {
        partial = candidate;
        break;
      }
    }
    if (!partial)
      return rewriter.notifyMatchFailure(full, "no partial reduction");
    // It only needs x, which is there already.
    if (full->isBeforeInBlock(partial))
      rewriter.moveOpBefore(partial, full);
    rewriter.modifyOpInPlace(full, [&] {
      full.getSelfMutable().assign(partial.getResult());
      full.setDim({});
    });
    return success();
  }
};

struct ReusePartialReductionPass
    : impl::ReusePartialReductionPassBase<ReusePartialReductionPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FullFromPartial<AmaxOp>, FullFromPartial<AminOp>>(
        &getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
