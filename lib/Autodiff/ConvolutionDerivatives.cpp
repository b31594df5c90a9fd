//===- ConvolutionDerivatives.cpp - Convolutions and pooling --------------===//

#include "Derivatives.h"

namespace mlir::fx {

static void differentiate(ConvolutionOp op, GradientBuilder &g) {
  bool bias = op.getBias() && g.isNeeded(2);
  bool mask[] = {g.isNeeded(0), g.isNeeded(1), bias};
  if (!mask[0] && !mask[1] && !mask[2])
    return;
  DenseI64ArrayAttr biasSizes;
  if (op.getBias() && !ShapedType::isDynamic(
                          getTensorType(op.getBias()).getDimSize(0)))
    biasSizes = g.getBuilder().getDenseI64ArrayAttr(
        getTensorType(op.getBias()).getShape());
  auto backward = g.create<ConvolutionBackwardOp>(
      g.gradient(), op.getInput(), op.getWeight(), biasSizes, op.getStride(),
      op.getPadding(), op.getDilation(), op.getTransposed(),
      op.getOutputPadding(), op.getGroups(), ArrayRef<bool>(mask));
  unsigned next = 0;
  for (unsigned i = 0; i < 3; ++i)
    if (mask[i])
      g.set(i, [&]() -> Value { return backward->getResult(next++); });
}

static Value buildMaxPoolGradient(GradientBuilder &g, Value self, Value indices,
                           ArrayRef<int64_t> kernel, ArrayRef<int64_t> stride,
                           ArrayRef<int64_t> padding,
                           ArrayRef<int64_t> dilation, bool ceilMode) {
  return g.create<MaxPool2dWithIndicesBackwardOp>(
      g.gradient(), self, indices, kernel, stride, padding, dilation,
      ceilMode);
}
static void differentiate(MaxPool2dWithIndicesOp op, GradientBuilder &g) {
  g.set(0, [&] {
    return buildMaxPoolGradient(g, op.getSelf(), op.getIndices(),
                                op.getKernelSize(), op.getStride(),
                                op.getPadding(), op.getDilation(),
                                op.getCeilMode());
  });
}
static void differentiate(LowMemoryMaxPoolWithOffsetsOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    ArrayRef<int64_t> plane =
        getTensorType(op.getSelf()).getShape().take_back(2);
    if (llvm::any_of(plane, ShapedType::isDynamic)) {
      g.fail("the size of the plane is not known");
      return {};
    }
    Value indices = g.create<LowMemoryMaxPoolOffsetsToIndicesOp>(
        op.getOffsets(), op.getKernelSize(), plane, op.getStride(),
        op.getPadding(), op.getDilation());
    return buildMaxPoolGradient(g, op.getSelf(), indices, op.getKernelSize(),
                                op.getStride(), op.getPadding(),
                                op.getDilation(), op.getCeilMode());
  });
}
static void differentiate(AvgPool2dOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    return g.create<AvgPool2dBackwardOp>(
        g.gradient(), op.getSelf(), op.getKernelSize(), op.getStride(),
        op.getPadding(), op.getCeilMode(), op.getCountIncludePad(),
        op.getDivisorOverrideAttr());
  });
}

void attachConvolutionDerivatives(MLIRContext *context) {
  attachDerivatives<ConvolutionOp, MaxPool2dWithIndicesOp,
                    LowMemoryMaxPoolWithOffsetsOp, AvgPool2dOp>(context);
}

} // namespace mlir::fx
