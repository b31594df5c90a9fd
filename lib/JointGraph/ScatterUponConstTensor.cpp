//===- ScatterUponConstTensor.cpp - Scatters into constants ---------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_SCATTERUPONCONSTTENSORPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// scatter(full(shape, background), dim, index, value)
///   -> where(index == iota(shape[dim]), value, background)   [rule 3.8]
struct SelectInsteadOfScatter : OpRewritePattern<ScatterOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterOp scatter,
                                PatternRewriter &rewriter) const override {
    auto full = scatter.getSelf().getDefiningOp<FullOp>();
    if (!full || !full->hasOneUse())
      return rewriter.notifyMatchFailure(scatter, "not into its own constant");
    Value value = scatter.getSrc();
    if (isa<RankedTensorType>(value.getType()))
      return rewriter.notifyMatchFailure(scatter, "scatters a tensor");
    auto type = cast<RankedTensorType>(scatter.getType());
    auto indexType = cast<RankedTensorType>(scatter.getIndex().getType());
    int64_t rank = type.getRank(), dim = scatter.getDim();
    dim = dim < 0 ? dim + rank : dim;
    if (rank == 0 || indexType.getRank() != rank || type.isDynamicDim(dim))
      return rewriter.notifyMatchFailure(scatter, "sizes are not known");
    for (int64_t i = 0; i < rank; ++i) {
      int64_t size = indexType.getDimSize(i);
      if (ShapedType::isDynamic(size) ||
          size != (i == dim ? 1 : type.getDimSize(i)))
        return rewriter.notifyMatchFailure(scatter, "index selects a part");
    }

    TensorBuilder b(rewriter, scatter.getLoc());
    Size length = b.size(type.getDimSize(dim));
    Value positions = b.indexAlong(length, dim, rank);
    Sizes sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(b.size(size));
    Value chosen = b.eq(b.expand(scatter.getIndex(), sizes), positions);
    // Two Python scalars select in the default type: others need a tensor.
    Value background = full.getFillValue();
    Type element = type.getElementType();
    if (promoteElementTypes({value, background}) != element) {
      value = b.create<ScalarTensorOp>(value, element);
      background = b.create<ScalarTensorOp>(background, element);
    }
    rewriter.replaceOpWithNewOp<WhereOp>(scatter, type, chosen, value,
                                         background);
    return success();
  }
};

struct ScatterUponConstTensorPass
    : impl::ScatterUponConstTensorPassBase<ScatterUponConstTensorPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SelectInsteadOfScatter>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
