//===- PointwiseUnaryOps.cpp - Definitions of one family of ops ---------------------===//

#include "OpFamily.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/PointwiseUnaryOps.cpp.inc"

void FXDialect::addPointwiseUnaryOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/PointwiseUnaryOps.cpp.inc"
      >();
  fx::detail::registerFamilyBindings<
#define GET_OP_LIST
#include "fx/IR/PointwiseUnaryOps.cpp.inc"
      >();
}

LogicalResult GeluOp::verify() {
  if (getApproximate() != "none" && getApproximate() != "tanh")
    return emitOpError("approximate must be \"none\" or \"tanh\", not \"")
           << getApproximate() << '"';
  return success();
}
