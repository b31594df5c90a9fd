//===- Decompose.h - Shared by the decompositions ---------------*- C++ -*-===//

#ifndef FX_LIB_JOINTGRAPH_DECOMPOSE_H
#define FX_LIB_JOINTGRAPH_DECOMPOSE_H

#include "fx/IR/TensorBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {

/// Builds the values that replace an op; none if it must stay.
template <typename OpTy>
using Decomposition = SmallVector<Value> (*)(OpTy op, TensorBuilder &b);

template <typename OpTy>
struct DecomposePattern : OpRewritePattern<OpTy> {
  DecomposePattern(MLIRContext *context, Decomposition<OpTy> build)
      : OpRewritePattern<OpTy>(context), build(build) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(rewriter, op.getLoc());
    SmallVector<Value> values = build(op, b);
    if (values.empty())
      return rewriter.notifyMatchFailure(op, "depends on an unknown size");
    for (auto [value, result] : llvm::zip_equal(values, op->getResults()))
      value = b.withType(value, result.getType());
    rewriter.replaceOp(op, values);
    return success();
  }

  Decomposition<OpTy> build;
};

template <typename OpTy>
void addDecomposition(RewritePatternSet &patterns, Decomposition<OpTy> build) {
  patterns.add<DecomposePattern<OpTy>>(patterns.getContext(), build);
}

/// numpy's matmul of two tensors in terms of mm and bmm.
Value buildMatmul(TensorBuilder &b, Value lhs, Value rhs);
/// x with elements zeroed with probability p and the others scaled.
Value buildDropout(TensorBuilder &b, Value x, double p);

// Ops without a derivative, by family.
/// With `fused`, attention that a fused kernel can compute becomes its op.
void populateDecomposeAttention(RewritePatternSet &patterns, bool fused);
void populateDecomposeContractions(RewritePatternSet &patterns);
void populateDecomposeLosses(RewritePatternSet &patterns);
void populateDecomposeNormalization(RewritePatternSet &patterns);
void populateDecomposePointwise(RewritePatternSet &patterns);
void populateDecomposeViews(RewritePatternSet &patterns);
void populateDecomposeWindows(RewritePatternSet &patterns);
// Ops with a derivative that are not in the core set.
/// With `fused`, the ops that a fused kernel can compute stay.
void populateDecomposeAttentionToCore(RewritePatternSet &patterns, bool fused);
void populateDecomposeControlFlowToCore(RewritePatternSet &patterns);
void populateDecomposeReductionsToCore(RewritePatternSet &patterns);
void populateDecomposeViewsToCore(RewritePatternSet &patterns);

} // namespace mlir::fx

#endif
