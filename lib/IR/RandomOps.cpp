//===- RandomOps.cpp - Definitions of one family of ops ---------------------===//

#include "OpFamily.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/RandomOps.cpp.inc"

void FXDialect::addRandomOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/RandomOps.cpp.inc"
      >();
  fx::detail::registerFamilyBindings<
#define GET_OP_LIST
#include "fx/IR/RandomOps.cpp.inc"
      >();
}

void SeedsOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Write::get());
}

LogicalResult SeedsOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getResult().getType());
  if (!type || type.getRank() != 1 || !type.getElementType().isInteger(64) ||
      type.getDimSize(0) != getCount())
    return emitOpError("result must be tensor<") << getCount() << "xi64>";
  return success();
}
