//===- Pointwise.cpp - Pointwise ops to linalg.generic --------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// The type through which a scalar operand is rounded on its way to `compute`:
/// where a rounding of the scalar changes the result by more than a rounding,
/// eager PyTorch's choice counts, which is the type of the tensor.
static Type getScalarRounding(Operation *op, Type compute) {
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  Type promoted = promoteElementTypes(op->getOperands());
  bool rounds = isBoolType(result.getElementType()) ||
                isa<RemainderOp, FmodOp>(op);
  return rounds && getComputeType(promoted) == compute ? promoted : compute;
}

/// op(x, y, …) -> generic { body(promote(x), promote(y), …) }
struct PointwiseLowering
    : OpInterfaceConversionPattern<ScalarBodyOpInterface> {
  PointwiseLowering(const TypeConverter &converter, MLIRContext *context,
                    const LoweringOptions &options)
      : OpInterfaceConversionPattern(converter, context), options(options) {}

  LogicalResult
  matchAndRewrite(ScalarBodyOpInterface op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(
        getTypeConverter()->convertType(op->getResult(0).getType()));
    LinalgBuilder t{rewriter, op.getLoc()};
    if (isIdentity(op)) {
      rewriter.replaceOp(op, t.castShape(operands[0], type));
      return success();
    }
    SmallVector<Type> scalarTypes = getScalarBodyTypes(op);
    SmallVector<Value> tensors;
    for (auto [fxOperand, operand] :
         llvm::zip_equal(op->getOperands(), operands)) {
      if (isa<ComplexType>(getElementTypeOrSelf(fxOperand)))
        return options.refuse(op, "complex numbers");
      if (isa<RankedTensorType>(operand.getType()))
        tensors.push_back(operand);
    }
    // copy: the first operand gives the type alone.
    if (isa<CopyOp>(op))
      tensors.erase(tensors.begin());
    Value result = t.elementwise(
        tensors, getSizes(op, t, operands, type), type.getElementType(),
        [&](ScalarBuilder &s, ValueRange args) {
          SmallVector<Value> scalars;
          unsigned next = 0;
          for (auto [i, fxOperand] : llvm::enumerate(op->getOperands())) {
            Type to = scalarTypes[i], from = fxOperand.getType();
            if (isa<CopyOp>(op) && i == 0) {
              scalars.push_back(Value());
              continue;
            }
            if (auto tensor = dyn_cast<RankedTensorType>(from)) {
              scalars.push_back(
                  s.cast(args[next++], tensor.getElementType(), to));
              continue;
            }
            Type rounding = getScalarRounding(op, to);
            Value rounded = s.cast(operands[i], from, rounding);
            scalars.push_back(s.cast(rounded, rounding, to));
          }
          return SmallVector<Value>{op.buildScalarBody(s.b, s.loc, scalars)};
        });
    rewriter.replaceOp(op, t.castShape(result, type));
    return success();
  }

private:
  LoweringOptions options;

  static bool isIdentity(Operation *op) {
    if (isa<AliasOp, DetachOp, CloneOp, ContiguousOp>(op))
      return true;
    return isa<ConvertElementTypeOp>(op) &&
           getElementTypeOrSelf(op->getOperand(0)) ==
               getElementTypeOrSelf(op->getResult(0));
  }
  static Sizes getSizes(Operation *op, LinalgBuilder &t,
                        ArrayRef<Value> operands, RankedTensorType type) {
    if (isa<CopyOp>(op))
      return t.refineSizes(type, t.sizesOf(operands[0]));
    return t.broadcastSizes(operands, type);
  }
};
} // namespace

void fx::populatePointwisePatterns(const TypeConverter &converter,
                                   const LoweringOptions &options,
                                   RewritePatternSet &patterns) {
  patterns.add<PointwiseLowering>(converter, patterns.getContext(), options);
}
