//===- CallOps.cpp - Definitions of one family of ops ---------------------===//

#include "OpFamily.h"
#include "fx/IR/ControlFlowOps.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/CallOps.cpp.inc"

void FXDialect::addCallOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/CallOps.cpp.inc"
      >();
  // Higher-order operators are calls, too: of subgraphs.
  addOperations<
#define GET_OP_LIST
#include "fx/IR/ControlFlowOps.cpp.inc"
      >();
  fx::detail::registerFamilyBindings<
#define GET_OP_LIST
#include "fx/IR/CallOps.cpp.inc"
      >();
}

void CallOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  if (!getPure())
    effects.emplace_back(MemoryEffects::Write::get());
}

/// Checks that every `{operand = k}` of a template names an input.
static LogicalResult verifyTemplate(CallOp op, Attribute entry) {
  if (auto list = dyn_cast<ArrayAttr>(entry)) {
    for (Attribute element : list)
      if (failed(verifyTemplate(op, element)))
        return failure();
    return success();
  }
  auto reference = dyn_cast<DictionaryAttr>(entry);
  if (!reference)
    return success();
  auto index = reference.getAs<IntegerAttr>("operand");
  if (!index)
    return success();
  if (index.getInt() < 0 || index.getInt() >= (int64_t)op.getInputs().size())
    return op.emitOpError("argument template names operand ")
           << index.getInt() << ", but there are " << op.getInputs().size();
  return success();
}

LogicalResult CallOp::verify() {
  if (failed(verifyTemplate(*this, getArgumentsAttr())))
    return failure();
  if (DictionaryAttr kwargs = getKwargsAttr())
    for (NamedAttribute entry : kwargs)
      if (failed(verifyTemplate(*this, entry.getValue())))
        return failure();
  return success();
}
