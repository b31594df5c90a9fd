//===- PointwiseBinaryOps.cpp - Definitions of one family of ops ---------------------===//

#include "OpFamily.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/PointwiseBinaryOps.cpp.inc"

void FXDialect::addPointwiseBinaryOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/PointwiseBinaryOps.cpp.inc"
      >();
  fx::detail::registerFamilyBindings<
#define GET_OP_LIST
#include "fx/IR/PointwiseBinaryOps.cpp.inc"
      >();
}

LogicalResult DivRoundedOp::verify() {
  if (getRoundingMode() != "floor" && getRoundingMode() != "trunc")
    return emitOpError("rounding_mode must be \"floor\" or \"trunc\", not \"")
           << getRoundingMode() << '"';
  return success();
}
