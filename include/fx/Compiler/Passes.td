// Passes that see several stages.
#ifndef FX_COMPILER_PASSES_TD
#define FX_COMPILER_PASSES_TD

include "mlir/Pass/PassBase.td"

def EnsureJointGraphPass : Pass<"fx-ensure-joint-graph", "mlir::ModuleOp"> {
  let summary = "Builds the joint graph if the module has none";
  let description = [{
    Runs the stages Autodiff and JointGraph, unless a function has tangents or
    the module is partitioned already. A joint graph that is there is left
    alone: what it saves depends on every one of its nodes.
  }];
  let dependentDialects = ["mlir::fx::FXDialect"];
}

#endif
