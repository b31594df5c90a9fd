//===- NormalizeOps.cpp - One spelling for one meaning --------------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/PreGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

#include <numeric>

namespace mlir::fx {
#define GEN_PASS_DEF_NORMALIZEOPSPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

/// A permute that exchanges two dimensions of `op`'s operand.
LogicalResult replaceByPermute(Operation *op, int64_t i, int64_t j,
                               PatternRewriter &rewriter) {
  SmallVector<int64_t> dims(getRank(op->getOperand(0)));
  std::iota(dims.begin(), dims.end(), 0);
  std::swap(dims[i], dims[j]);
  rewriter.replaceOpWithNewOp<PermuteOp>(op, op->getResult(0).getType(),
                                         op->getOperand(0), dims);
  return success();
}

/// t(x) -> permute(x, [1, 0])   [rule 2.1]
struct NormalizeT : OpRewritePattern<TOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TOp t,
                                PatternRewriter &rewriter) const override {
    if (getRank(t.getSelf()) != 2)
      return rewriter.notifyMatchFailure(t, "not a matrix");
    return replaceByPermute(t, 0, 1, rewriter);
  }
};

/// transpose(x, i, j) -> permute(x, dims)   [rule 2.1]
struct NormalizeTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp transpose,
                                PatternRewriter &rewriter) const override {
    int64_t rank = getRank(transpose.getSelf());
    if (rank == 0)
      return rewriter.notifyMatchFailure(transpose, "of a scalar");
    return replaceByPermute(transpose, wrapDim(transpose.getDim0(), rank),
                            wrapDim(transpose.getDim1(), rank), rewriter);
  }
};

/// split(x, n), chunk(x, n) -> split_with_sizes(x, sizes)   [rule 2.10]
template <typename OpTy>
struct NormalizeSplit : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy split,
                                PatternRewriter &rewriter) const override {
    int64_t dim = wrapDim(split.getDim(), getRank(split.getSelf()));
    SmallVector<int64_t> sizes;
    for (Value part : split.getParts()) {
      sizes.push_back(getTensorType(part).getDimSize(dim));
      if (ShapedType::isDynamic(sizes.back()))
        return rewriter.notifyMatchFailure(split, "a size is not known");
    }
    auto normal = SplitWithSizesOp::create(
        rewriter, split.getLoc(), split->getResultTypes(), split.getSelf(),
        rewriter.getDenseI64ArrayAttr(sizes), rewriter.getI64IntegerAttr(dim));
    if (Attribute names = split->getAttr(kResultNamesAttr))
      normal->setAttr(kResultNamesAttr, names);
    rewriter.replaceOp(split, normal);
    return success();
  }
};

/// rsub(a, b) -> sub(b, a)   [rule 2.1]
///
/// Not for Python scalars: `aten.sub` takes none as its first argument.
struct NormalizeRsub : OpRewritePattern<RsubOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RsubOp rsub,
                                PatternRewriter &rewriter) const override {
    if (!isTensor(rsub.getSelf()) || !isTensor(rsub.getOther()))
      return rewriter.notifyMatchFailure(rsub, "of a scalar");
    rewriter.replaceOpWithNewOp<SubOp>(rsub, rsub.getType(), rsub.getOther(),
                                       rsub.getSelf(), rsub.getAlphaAttr());
    return success();
  }
};

struct NormalizeOpsPass : impl::NormalizeOpsPassBase<NormalizeOpsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<NormalizeT, NormalizeTranspose, NormalizeSplit<SplitOp>,
                 NormalizeSplit<ChunkOp>, NormalizeRsub>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
