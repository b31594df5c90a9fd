//===- VerifyPostGrad.cpp - What the post-grad stage leaves ---------------===//

#include "fx/IR/FXOps.h"
#include "fx/PostGrad/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_VERIFYPOSTGRADPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

struct VerifyPostGradPass : impl::VerifyPostGradPassBase<VerifyPostGradPass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    func::FuncOp function = getOperation();
    bool isBroken = failed(verifyRoles(function));
    function.walk([&](Operation *op) {
      if (isa<DetachOp, AliasOp, DropoutOp>(op)) {
        op->emitOpError("has no meaning after autodiff");
        isBroken = true;
      } else if (op->use_empty() && isOpTriviallyDead(op)) {
        op->emitOpError("is dead");
        isBroken = true;
      }
    });
    if (isBroken)
      signalPassFailure();
  }

private:
  static LogicalResult verifyRoles(func::FuncOp function) {
    std::optional<unsigned> saved, gradient;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      if (getResultRole(function, i) == role::saved)
        saved = i;
      if (getResultRole(function, i) == role::gradient)
        gradient = i;
    }
    if (saved && gradient)
      return function.emitOpError("returns the saved value ")
             << *saved << " and the gradient " << *gradient
             << "; a forward and a backward are functions of their own";
    return success();
  }
};

} // namespace
} // namespace mlir::fx
