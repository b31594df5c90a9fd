//===- VerifyJointGraph.cpp - What the joint-graph stage leaves -----------===//

#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_VERIFYJOINTGRAPHPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// Ops that the decompositions replace.
bool isTorchLevel(Operation *op) {
  return isa<LinearOp, MatmulOp, LayerNormOp, NativeLayerNormOp, BatchNormOp,
             NativeBatchNormOp, DropoutOp, CrossEntropyLossOp, MseLossOp, TOp,
             TransposeOp, FlattenOp, ChunkOp, MaxPool2dOp>(op);
}

bool isRandomCall(CallOp call) {
  return llvm::is_contained(
      {"aten.rand.default", "aten.randn.default", "aten.rand_like.default",
       "aten.randn_like.default", "aten.native_dropout.default"},
      call.getTarget());
}

struct VerifyJointGraphPass
    : impl::VerifyJointGraphPassBase<VerifyJointGraphPass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    func::FuncOp function = getOperation();
    if (failed(verifyRoles(function)))
      return signalPassFailure();
    bool isBroken = false;
    function.walk([&](Operation *op) {
      auto call = dyn_cast<CallOp>(op);
      if (isTorchLevel(op)) {
        op->emitOpError("of the torch level is left after decomposition");
        isBroken = true;
      } else if (call && isRandomCall(call)) {
        op->emitOpError("to ") << call.getTarget() << " takes no seed";
        isBroken = true;
      }
    });
    function.walk([&](Block *block) {
      SeedsOp first;
      for (SeedsOp seeds : block->getOps<SeedsOp>()) {
        if (first) {
          auto error = seeds.emitOpError("is the second one of its block");
          error.attachNote(first.getLoc()) << "the first one is here";
          isBroken = true;
          break;
        }
        first = seeds;
      }
    });
    if (isBroken)
      signalPassFailure();
  }

private:
  static LogicalResult verifyRoles(func::FuncOp function) {
    bool hasTangent = false, hasLoss = false;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      hasTangent |= getArgRole(function, i) == role::tangent;
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      hasLoss |= getResultRole(function, i) == role::loss;
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (getResultRole(function, i) == role::gradient && !hasTangent &&
          !hasLoss)
        return function.emitOpError("result ")
               << i << " is a gradient, but there is neither a tangent nor a "
                       "loss";
    return success();
  }
};

} // namespace
} // namespace mlir::fx
