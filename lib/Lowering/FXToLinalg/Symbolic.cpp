//===- Symbolic.cpp - Sizes known at run time -----------------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// sym_size(x, d) -> index_cast(tensor.dim(x, d))
struct SymSizeLowering : Lowering<SymSizeOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(SymSizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    RankedTensorType type = getTensorType(adaptor.getSelf());
    int64_t dim = fromFront(op.getDim(), type.getRank());
    if (!type.isDynamicDim(dim)) {
      rewriter.replaceOp(op, t.scalars().constantInt(rewriter.getI64Type(),
                                                     type.getDimSize(dim)));
      return success();
    }
    Value size = t.asValue(t.sizeOf(adaptor.getSelf(), dim));
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, rewriter.getI64Type(),
                                                    size);
    return success();
  }
};
} // namespace

void fx::populateSymbolicPatterns(const TypeConverter &converter,
                                  const LoweringOptions &options,
                                  RewritePatternSet &patterns) {
  patterns.add<SymSizeLowering>(converter, patterns.getContext(), options);
}
