//===- FuseAddmm.cpp - A matrix product and an addition -------------------===//

#include "fx/Analysis/PointwiseOps.h"
#include "fx/IR/FXOps.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FUSEADDMMPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// add(mm(a, b), c) or add(c, mm(a, b)) -> addmm(c, a, b)   [rule 5.7]
struct FuseMmAndAdd : OpRewritePattern<AddOp> {
  FuseMmAndAdd(MLIRContext *context, bool isGPU)
      : OpRewritePattern(context), isGPU(isGPU) {}

  LogicalResult matchAndRewrite(AddOp add,
                                PatternRewriter &rewriter) const override {
    if (isGPU && areAllUsersPointwise(add))
      return rewriter.notifyMatchFailure(add, "its users' kernel adds");
    double factor = add.getAlpha().convertToDouble();
    // addmm takes beta = 0 and alpha = 0 as "absent": NaN would be lost.
    if (factor == 0.0)
      return rewriter.notifyMatchFailure(add, "multiplies by 0");
    MmOp left = getOwnProduct(add.getSelf());
    if (left && fits(add.getOther(), left, add)) {
      fuse(add, left, add.getOther(), /*beta=*/factor, /*alpha=*/1.0, rewriter);
      return success();
    }
    MmOp right = getOwnProduct(add.getOther());
    if (right && fits(add.getSelf(), right, add)) {
      fuse(add, right, add.getSelf(), /*beta=*/1.0, /*alpha=*/factor, rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(add, "no product of its own");
  }

private:
  static MmOp getOwnProduct(Value value) {
    auto mm = value.getDefiningOp<MmOp>();
    return mm && mm->hasOneUse() ? mm : MmOp();
  }

  /// Whether `c` broadcasts to the product and the sum has its type.
  static bool fits(Value c, MmOp mm, AddOp add) {
    auto type = dyn_cast<RankedTensorType>(c.getType());
    auto product = cast<RankedTensorType>(mm.getType());
    return type && type.getElementType() == product.getElementType() &&
           type.getRank() <= 2 && add.getType() == product;
  }

  static void fuse(AddOp add, MmOp mm, Value c, double beta, double alpha,
                   PatternRewriter &rewriter) {
    rewriter.replaceOpWithNewOp<AddmmOp>(
        add, add.getType(), c, mm.getSelf(), mm.getMat2(),
        rewriter.getF64FloatAttr(beta), rewriter.getF64FloatAttr(alpha));
  }

  bool isGPU;
};

struct FuseAddmmPass : impl::FuseAddmmPassBase<FuseAddmmPass> {
  using FuseAddmmPassBase::FuseAddmmPassBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseMmAndAdd>(&getContext(), isGPU);
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
