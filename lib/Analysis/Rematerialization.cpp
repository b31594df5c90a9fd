//===- Rematerialization.cpp - Models of the interface, and costs ---------===//

#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/ATenBinding.h"
#include "fx/IR/FXOps.h"
#include "fx/Support/Sizes.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fx;

#include "fx/Analysis/RematerializationInterface.cpp.inc"

int64_t mlir::fx::getSizeInBytes(Type type, int64_t dynamicSize) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type.isIntOrIndexOrFloat() ? 1 : 0;
  Type element = tensor.getElementType();
  unsigned count = 1;
  if (auto complex = dyn_cast<ComplexType>(element)) {
    element = complex.getElementType();
    count = 2;
  }
  int64_t bytes =
      element.isIntOrFloat()
          ? count * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8)
          : 0;
  return estimateProduct(bytes, tensor.getShape(), dynamicSize);
}

static int64_t countBytesMoved(Operation *op, int64_t dynamicSize) {
  int64_t bytes = 0;
  for (Type type : op->getOperandTypes())
    bytes += getSizeInBytes(type, dynamicSize);
  for (Type type : op->getResultTypes())
    bytes += getSizeInBytes(type, dynamicSize);
  return bytes;
}

/// The number of elements, 0 if it is not known.
static int64_t countElements(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape() ? type.getNumElements() : 0;
}

static int64_t getDim(Value value, int64_t dim) {
  auto type = cast<RankedTensorType>(value.getType());
  if (dim < 0)
    dim += type.getRank();
  if (dim < 0 || dim >= type.getRank() || type.isDynamicDim(dim))
    return 0;
  return type.getDimSize(dim);
}

/// Each element of the result is a sum of `lhs`'s last size products.
static int64_t countProductFlops(Value lhs, Value result) {
  return 2 * countElements(result) * getDim(lhs, -1);
}

/// A forward convolution multiplies each element of the smaller-strided side,
/// the output or for a transposed one the input, with a filter's elements.
static int64_t countConvolutionFlops(Value input, Value weight, Value result,
                                     bool transposed) {
  Value windows = transposed ? input : result;
  int64_t channels = getDim(windows, 1);
  if (channels == 0)
    return 0;
  return 2 * (countElements(windows) / channels) * countElements(weight);
}

static int64_t countFlops(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case<MmOp, BmmOp>([](auto product) {
        return countProductFlops(product.getSelf(), product.getResult());
      })
      .Case([](AddmmOp product) {
        return countProductFlops(product.getMat1(), product.getResult());
      })
      .Case([](BaddbmmOp product) {
        return countProductFlops(product.getBatch1(), product.getResult());
      })
      .Case([](ConvolutionOp conv) {
        return countConvolutionFlops(conv.getInput(), conv.getWeight(),
                                     conv.getResult(), conv.getTransposed());
      })
      .Case([](ConvolutionBackwardOp conv) {
        ArrayRef<bool> mask = conv.getOutputMask();
        int64_t wanted = (mask.size() > 0 && mask[0] ? 1 : 0) +
                         (mask.size() > 1 && mask[1] ? 1 : 0);
        return wanted * countConvolutionFlops(conv.getInput(), conv.getWeight(),
                                              conv.getGradOutput(),
                                              conv.getTransposed());
      })
      .Default([](Operation *) { return 0; });
}

namespace {
/// The model of every fx op: the table of ATen packets.
struct ATenModel
    : RematerializationOpInterface::FallbackModel<ATenModel> {
  RematClass getRematClasses(Operation *op) const {
    if (auto overload = op->getAttrOfType<StringAttr>(kOverloadAttr))
      return getRematClassesOfPacket(overload.getValue().rsplit('.').first);
    return getRematClassesOfPacket(getATenPacket(op));
  }
  int64_t getFlops(Operation *op) const { return countFlops(op); }
  int64_t getBytesMoved(Operation *op, int64_t dynamicSize) const {
    return countBytesMoved(op, dynamicSize);
  }
};
} // namespace

void mlir::fx::registerRematerializationModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, FXDialect *) {
    for (RegisteredOperationName name : context->getRegisteredOperations())
      if (name.getDialectNamespace() == FXDialect::getDialectNamespace())
        name.attachInterface<ATenModel>();
  });
  registerUpstreamRematerializationModels(registry);
}
