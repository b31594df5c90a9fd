//===- PointwiseOps.cpp - Which ops work element by element ---------------===//

#include "fx/Analysis/PointwiseOps.h"
#include "fx/Analysis/Storage.h"
#include "fx/IR/FXOps.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::isPointwiseOp(Operation *op) {
  return isa<
#define GET_OP_LIST
#include "fx/IR/PointwiseUnaryOps.cpp.inc"
             >(op) ||
         isa<
#define GET_OP_LIST
#include "fx/IR/PointwiseBinaryOps.cpp.inc"
             >(op) ||
         isa<
#define GET_OP_LIST
#include "fx/IR/ComparisonOps.cpp.inc"
             >(op);
}

bool fx::areAllUsersPointwise(Operation *op) {
  SmallVector<Operation *> pending{op};
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val()->getUsers()) {
      if (isViewOp(user))
        pending.push_back(user);
      else if (!isPointwiseOp(user))
        return false;
    }
  return true;
}
