//===- ReductionOps.cpp - Definitions of one family of ops ---------------------===//

#include "OpFamily.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/ReductionOps.cpp.inc"

void FXDialect::addReductionOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/ReductionOps.cpp.inc"
      >();
  fx::detail::registerFamilyBindings<
#define GET_OP_LIST
#include "fx/IR/ReductionOps.cpp.inc"
      >();
}
