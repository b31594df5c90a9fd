//===- KernelOps.cpp - Fusion groups of the lowering ----------------------===//

#include "fx/IR/KernelOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fx;

#include "fx/IR/KernelOpsEnums.cpp.inc"

LogicalResult KernelOp::verifyRegions() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("the region's arguments are not the types of the "
                       "inputs");
  auto yield = dyn_cast<KernelReturnOp>(body.getTerminator());
  if (!yield)
    return emitOpError("the region does not end in fx.kernel_return");
  if (yield.getValues().getTypes() != getResultTypes())
    return emitOpError("fx.kernel_return does not have the result types");
  int64_t dynamic = 0;
  for (Type type : getResultTypes())
    dynamic += cast<RankedTensorType>(type).getNumDynamicDims();
  if (dynamic != static_cast<int64_t>(getSizes().size()))
    return emitOpError("has ")
           << getSizes().size() << " sizes for " << dynamic
           << " dynamic result dimensions";
  return success();
}

/// The run-time sizes of the dimensions of result `index`: a constant, or the
/// operand among `sizes`.
SmallVector<OpFoldResult> KernelOp::getResultSizes(unsigned index) {
  Builder b(getContext());
  auto nextDynamic = getSizes().begin();
  for (unsigned i = 0; i < index; ++i)
    nextDynamic += cast<RankedTensorType>(getResult(i).getType())
                       .getNumDynamicDims();
  SmallVector<OpFoldResult> sizes;
  for (int64_t size :
       cast<RankedTensorType>(getResult(index).getType()).getShape()) {
    if (ShapedType::isDynamic(size))
      sizes.push_back(*nextDynamic++);
    else
      sizes.push_back(b.getIndexAttr(size));
  }
  return sizes;
}

#define GET_OP_CLASSES
#include "fx/IR/KernelOps.cpp.inc"

void FXDialect::addKernelOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/KernelOps.cpp.inc"
      >();
}
