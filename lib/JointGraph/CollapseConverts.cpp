//===- CollapseConverts.cpp - Chains of floating-point conversions --------===//

#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_COLLAPSECONVERTSPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

FloatType getPlainFloat(Value tensor) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  if (element.isF16() || element.isBF16() || element.isF32() || element.isF64())
    return cast<FloatType>(element);
  return {};
}

/// Whether every value of `from` is one of `to`.
bool representsAll(FloatType from, FloatType to) {
  const llvm::fltSemantics &narrow = from.getFloatSemantics();
  const llvm::fltSemantics &wide = to.getFloatSemantics();
  return llvm::APFloat::isRepresentableBy(narrow, wide);
}

/// convert(convert(x, A), B) -> convert(x, B)   [rule 3.8]
struct CollapseConvertChain : OpRewritePattern<ConvertElementTypeOp> {
  CollapseConvertChain(MLIRContext *context, bool onlyLossless)
      : OpRewritePattern(context), onlyLossless(onlyLossless) {}

  LogicalResult matchAndRewrite(ConvertElementTypeOp outer,
                                PatternRewriter &rewriter) const override {
    auto inner = outer.getSelf().getDefiningOp<ConvertElementTypeOp>();
    if (!inner || !inner->hasOneUse())
      return rewriter.notifyMatchFailure(outer, "no conversion of its own");
    FloatType x = getPlainFloat(inner.getSelf());
    FloatType a = getPlainFloat(inner), b = getPlainFloat(outer);
    if (!x || !a || !b)
      return rewriter.notifyMatchFailure(outer, "chain leaves plain floats");
    if (a.getWidth() < b.getWidth())
      return rewriter.notifyMatchFailure(outer, "intermediate is narrower");
    if (onlyLossless && !representsAll(/*from=*/x, /*to=*/a))
      return rewriter.notifyMatchFailure(outer, "first conversion rounds");

    rewriter.modifyOpInPlace(
        outer, [&] { outer.getSelfMutable().assign(inner.getSelf()); });
    return success();
  }

  bool onlyLossless;
};

struct CollapseConvertsPass
    : impl::CollapseConvertsPassBase<CollapseConvertsPass> {
  using CollapseConvertsPassBase::CollapseConvertsPassBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<CollapseConvertChain>(&getContext(), emulatePrecisionCasts);
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
