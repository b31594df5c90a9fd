//===- RemoveInactiveDropout.cpp - Dropout that keeps every element -------===//

#include "fx/IR/FXOps.h"
#include "fx/PreGrad/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REMOVEINACTIVEDROPOUTPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

/// dropout(x, p, train) -> x where not train or p = 0   [rule 2.4]
struct RemoveInactiveDropoutPass
    : impl::RemoveInactiveDropoutPassBase<RemoveInactiveDropoutPass> {
  void runOnOperation() override {
    getOperation().walk([](DropoutOp dropout) {
      Value x = dropout.getInput();
      bool isActive =
          dropout.getTrain() && dropout.getP().convertToDouble() != 0.0;
      if (isActive || x.getType() != dropout.getType())
        return;
      dropout.getResult().replaceAllUsesWith(x);
      dropout.erase();
    });
  }
};

} // namespace
} // namespace mlir::fx
