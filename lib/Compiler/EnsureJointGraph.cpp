//===- EnsureJointGraph.cpp - Joint graphs where there are none -----------===//

#include "fx/Compiler/Passes.h"
#include "fx/Compiler/Pipelines.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::fx {
#define GEN_PASS_DEF_ENSUREJOINTGRAPHPASS
#include "fx/Compiler/Passes.h.inc"

namespace {
struct EnsureJointGraphPass
    : impl::EnsureJointGraphPassBase<EnsureJointGraphPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (hasTangents(module))
      return;
    OpPassManager pm(ModuleOp::getOperationName());
    // No hooks: their text cannot be wrong.
    auto onError = [&](const Twine &message) {
      return LogicalResult(module.emitError(message));
    };
    if (failed(buildAutodiffStage(pm)) ||
        failed(buildJointGraphStage(pm, {}, onError)) ||
        failed(runPipeline(pm, module)))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::fx
