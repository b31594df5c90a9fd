//===- ViewOps.cpp - Definitions of one family of ops ---------------------===//

#include "OpFamily.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/ViewOps.cpp.inc"

void FXDialect::addViewOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/ViewOps.cpp.inc"
      >();
  fx::detail::registerFamilyBindings<
#define GET_OP_LIST
#include "fx/IR/ViewOps.cpp.inc"
      >();
}

OpFoldResult PermuteOp::fold(FoldAdaptor) {
  // A permutation that leaves every dimension in its place.
  if (getSelf().getType() != getType())
    return {};
  int64_t rank = getDims().size();
  for (int64_t i = 0; i < rank; ++i)
    if ((getDims()[i] + rank) % rank != i)
      return {};
  return getSelf();
}
