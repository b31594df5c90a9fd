//===- VerifyPreGrad.cpp - What the pre-grad stage may see ----------------===//

#include "fx/IR/FXOps.h"
#include "fx/PreGrad/Passes.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::fx {
#define GEN_PASS_DEF_VERIFYPREGRADPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

struct VerifyPreGradPass : impl::VerifyPreGradPassBase<VerifyPreGradPass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    names.clear();
    if (failed(verifyArguments()) || failed(verifyResults()))
      signalPassFailure();
  }

private:
  LogicalResult verifyArguments() {
    func::FuncOp function = getOperation();
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      StringRef role = getArgRole(function, i);
      if (role == role::tangent || role == role::saved)
        return function.emitOpError("argument ")
               << i << " is a " << role << " before autodiff";
      names.insert(getArgName(function, i));
    }
    return success();
  }

  LogicalResult verifyResults() {
    func::FuncOp function = getOperation();
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      StringRef role = getResultRole(function, i);
      if (role == role::gradient || role == role::saved)
        return function.emitOpError("result ")
               << i << " is a " << role << " before autodiff";
      auto mutates =
          function.getResultAttrOfType<StringAttr>(i, kMutatesAttr);
      if (!mutates)
        continue;
      if (role != role::mutation)
        return function.emitOpError("result ")
               << i << " mutates " << mutates << " but is no mutation";
      if (!names.contains(mutates.getValue()))
        return function.emitOpError("result ")
               << i << " mutates " << mutates << ", which is no argument";
    }
    return success();
  }

  llvm::StringSet<> names;
};

} // namespace
} // namespace mlir::fx
