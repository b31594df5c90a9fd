//===- SymbolicOps.cpp - Definitions of one family of ops ---------------------===//

#include "OpFamily.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/SymbolicOps.cpp.inc"

void FXDialect::addSymbolicOps() {
  addOperations<
#define GET_OP_LIST
#include "fx/IR/SymbolicOps.cpp.inc"
      >();
  fx::detail::registerFamilyBindings<
#define GET_OP_LIST
#include "fx/IR/SymbolicOps.cpp.inc"
      >();
}

LogicalResult SymSizeOp::verify() {
  int64_t rank = cast<RankedTensorType>(getSelf().getType()).getRank();
  int64_t dim = getDim();
  if (dim < -rank || dim >= rank)
    return emitOpError("dim ") << dim << " is not in a tensor of rank " << rank;
  return success();
}

OpFoldResult SymSizeOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getSelf().getType());
  int64_t dim = getDim();
  if (dim < 0)
    dim += type.getRank();
  if (type.isDynamicDim(dim))
    return {};
  return IntegerAttr::get(IntegerType::get(getContext(), 64),
                          type.getDimSize(dim));
}
