//===- DecomposeMm.cpp - Products that memory bounds ----------------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/PostGrad/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_DECOMPOSEMMPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Inductor's sizes: on a CPU one row, on a GPU many rows of few elements.
bool isBoundByMemory(RankedTensorType a, RankedTensorType b, bool isGPU) {
  if (!a.hasStaticShape() || !b.hasStaticShape())
    return false;
  int64_t m = a.getDimSize(0), k = a.getDimSize(1), n = b.getDimSize(1);
  return isGPU ? m >= 10240 && k < 32 && n < 32
               : m <= 1 && k <= 2048 && n <= 2048;
}

/// sum over k of a[:, k, None] * b[None, k, :], in the type of a and b.
Value buildProduct(TensorBuilder &b, Value x, Value y) {
  Value wide = b.mul(b.unsqueeze(b.toCompute(x), 2),
                     b.unsqueeze(b.toCompute(y), 0));
  return b.convert(b.sum(wide, 1, /*keepdim=*/false), getElement(x));
}

/// mm(a, b) -> sum(unsqueeze(a, 2) * unsqueeze(b, 0), 1)   [rule 5.10]
struct DecomposeMm : OpRewritePattern<MmOp> {
  DecomposeMm(MLIRContext *context, bool isGPU)
      : OpRewritePattern(context), isGPU(isGPU) {}
  LogicalResult matchAndRewrite(MmOp mm,
                                PatternRewriter &rewriter) const override {
    if (!isFloatType(getElement(mm)) ||
        !isBoundByMemory(getTensorType(mm.getSelf()),
                         getTensorType(mm.getMat2()), isGPU))
      return rewriter.notifyMatchFailure(mm, "not bound by memory");
    TensorBuilder b(rewriter, mm.getLoc());
    rewriter.replaceOp(mm, buildProduct(b, mm.getSelf(), mm.getMat2()));
    return success();
  }
  bool isGPU;
};

/// addmm(c, a, b) -> c + the same, without other factors.
struct DecomposeAddmm : OpRewritePattern<AddmmOp> {
  DecomposeAddmm(MLIRContext *context, bool isGPU)
      : OpRewritePattern(context), isGPU(isGPU) {}
  LogicalResult matchAndRewrite(AddmmOp addmm,
                                PatternRewriter &rewriter) const override {
    if (!isFloatType(getElement(addmm)) ||
        addmm.getAlpha().convertToDouble() != 1.0 ||
        addmm.getBeta().convertToDouble() != 1.0 ||
        !isBoundByMemory(getTensorType(addmm.getMat1()),
                         getTensorType(addmm.getMat2()), isGPU))
      return rewriter.notifyMatchFailure(addmm, "not bound by memory");
    TensorBuilder b(rewriter, addmm.getLoc());
    rewriter.replaceOp(addmm,
                       b.add(buildProduct(b, addmm.getMat1(), addmm.getMat2()),
                             addmm.getSelf()));
    return success();
  }
  bool isGPU;
};

struct DecomposeMmPass : impl::DecomposeMmPassBase<DecomposeMmPass> {
  using DecomposeMmPassBase::DecomposeMmPassBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DecomposeMm, DecomposeAddmm>(&getContext(), isGPU);
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
