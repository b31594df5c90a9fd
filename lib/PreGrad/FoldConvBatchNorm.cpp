//===- FoldConvBatchNorm.cpp - Batch norm into the convolution ------------===//

#include "fx/Analysis/Storage.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/PreGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FOLDCONVBATCHNORMPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

/// A convolution or linear whose output channels are dimension 1 of the result
/// and dimension 0 of the weight.
bool isFoldable(Operation *op) {
  if (auto convolution = dyn_cast_or_null<ConvolutionOp>(op))
    return !convolution.getTransposed();
  if (auto linear = dyn_cast_or_null<LinearOp>(op))
    return getRank(linear) == 2;
  return isa_and_nonnull<Conv1dOp, Conv2dOp>(op);
}

/// batch_norm(conv(x, w, b)) -> conv(x, w * c, beta + c * (b - mean)) with
/// c = gamma * rsqrt(var + eps)   [rules 2.4, 2.7]
struct FoldIntoConvolution : OpRewritePattern<BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BatchNormOp norm,
                                PatternRewriter &rewriter) const override {
    if (norm.getTraining() || !norm.getRunningMean() || !norm.getRunningVar())
      return rewriter.notifyMatchFailure(norm, "uses the batch's statistics");
    Operation *conv = norm.getInput().getDefiningOp();
    if (!isFoldable(conv) || !conv->hasOneUse())
      return rewriter.notifyMatchFailure(norm, "no convolution of its own");
    Value x = conv->getOperand(0), weight = conv->getOperand(1);
    Value bias = conv->getNumOperands() > 2 ? conv->getOperand(2) : Value();
    Type element = getElement(weight);
    Value parameters[] = {bias, norm.getRunningMean(), norm.getRunningVar(),
                          norm.getWeight(), norm.getBias()};
    for (Value part : parameters)
      if (part && getElement(part) != element)
        return rewriter.notifyMatchFailure(norm, "element types differ");

    TensorBuilder b(rewriter, norm.getLoc());
    Value deviation = b.add(norm.getRunningVar(),
                            norm.getEps().convertToDouble());
    Value factor = b.create<RsqrtOp>(deviation);
    if (norm.getWeight())
      factor = b.mul(norm.getWeight(), factor);
    SmallVector<Size> perChannel(getRank(weight), b.size(1));
    perChannel[0] = b.sizeOf(weight, 0);
    Value newWeight =
        b.withType(b.mul(weight, b.view(factor, perChannel)), weight.getType());
    Value shift = bias ? b.sub(bias, norm.getRunningMean())
                       : b.create<NegOp>(norm.getRunningMean());
    shift = b.mul(factor, shift);
    if (norm.getBias())
      shift = b.add(norm.getBias(), shift);

    // The same convolution with other operands.
    OperationState state(conv->getLoc(), conv->getName());
    state.addOperands({x, newWeight, shift});
    state.addAttributes(conv->getAttrs());
    state.addTypes(norm.getResult().getType());
    Operation *folded = rewriter.create(state);
    SmallVector<Value> results{folded->getResult(0)};
    // The statistics stay as they are; a result that was fresh stays fresh.
    Value statistics[] = {norm.getRunningMean(), norm.getRunningVar()};
    for (auto [result, source] : llvm::zip(norm.getRunning(), statistics)) {
      bool isCopied = !mayReplaceResult(result, source);
      results.push_back(isCopied ? b.create<CloneOp>(source) : source);
    }
    rewriter.replaceOp(norm, results);
    return success();
  }
};

struct FoldConvBatchNormPass
    : impl::FoldConvBatchNormPassBase<FoldConvBatchNormPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldIntoConvolution>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
