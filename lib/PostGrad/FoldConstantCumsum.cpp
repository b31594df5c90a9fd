//===- FoldConstantCumsum.cpp - Running sums of constants -----------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FOLDCONSTANTCUMSUMPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// cumsum(full(shape, c), dim) -> expand(view((1, 2, …) * c))   [rule 5.7]
struct CumsumOfFull : OpRewritePattern<CumsumOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CumsumOp cumsum,
                                PatternRewriter &rewriter) const override {
    auto full = cumsum.getSelf().getDefiningOp<FullOp>();
    RankedTensorType type = getTensorType(cumsum);
    Type element = type.getElementType();
    if (!full || !type.hasStaticShape() || type.getRank() == 0)
      return rewriter.notifyMatchFailure(cumsum, "not of a constant");
    if (!isFloatType(element) && !element.isInteger(64))
      return rewriter.notifyMatchFailure(cumsum, "sums wrap around");
    // The constant is what the tensor holds: 0.1 rounded, 2.7 as 2 in integers.
    Type held = getElement(full);
    if (held != element && !isa<IntegerType>(held))
      return rewriter.notifyMatchFailure(cumsum, "converts while it sums");

    TensorBuilder b(rewriter, cumsum.getLoc());
    int64_t rank = type.getRank(), dim = wrapDim(cumsum.getDim(), rank);
    Value counts = b.create<IotaOp>(
        b.i64(type.getDimSize(dim)), rewriter.getI64IntegerAttr(1),
        rewriter.getI64IntegerAttr(1), TypeAttr::get(rewriter.getI64Type()));
    // ATen sums f16 and bf16 in f32.
    Type compute = getComputeType(element);
    Value constant = b.convert(
        b.create<ScalarTensorOp>(full.getFillValue(), held), compute);
    Value sums =
        b.convert(b.mul(b.convert(counts, compute), constant), element);
    SmallVector<Size> along(rank, b.size(1)), sizes;
    along[dim] = b.size(type.getDimSize(dim));
    for (int64_t size : type.getShape())
      sizes.push_back(b.size(size));
    rewriter.replaceOp(
        cumsum, b.withType(b.expand(b.view(sums, along), sizes), type));
    return success();
  }
};

struct FoldConstantCumsumPass
    : impl::FoldConstantCumsumPassBase<FoldConstantCumsumPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<CumsumOfFull>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
