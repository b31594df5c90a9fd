//===- EliminateDeadCode.cpp - Ops whose results nothing uses -------------===//

#include "fx/IR/FXOps.h"
#include "fx/PostGrad/Passes.h"
#include "mlir/IR/Iterators.h"

namespace mlir::fx {
#define GEN_PASS_DEF_ELIMINATEDEADCODEPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Rule 5.1: users before producers, so one sweep is enough.
struct EliminateDeadCodePass
    : impl::EliminateDeadCodePassBase<EliminateDeadCodePass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    function.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
      if (op == function || !op->use_empty())
        return;
      // Fresh seeds that nobody reads: no state of eager's advances.
      if (isa<SeedsOp>(op) || isOpTriviallyDead(op))
        op->erase();
    });
  }
};

} // namespace
} // namespace mlir::fx
