//===- Passes.td - Kernel formation and memory planning ----*- tablegen -*-===//

#ifndef FX_LOWERING_KERNELS_PASSES_TD
#define FX_LOWERING_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FormKernelsPass : Pass<"fx-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "Groups linalg on tensors into fx.kernel";
  let description = [{
    Every op on tensors ends in an `fx.kernel`, except reshapes between
    kernels, which cost nothing on dense buffers. Contractions and convolutions
    with their pointwise consumers become template kernels; pointwise ops,
    reductions and index maps are fused into loop kernels as long as one loop
    nest can compute them (see LoopKernel.h); all else becomes a generic kernel.
  }];
  let options = [
    Option<"fuse", "fuse", "bool", /*default=*/"true",
           "Form fused kernels; off gives one generic kernel">,
    Option<"convolutions", "convolutions", "bool", /*default=*/"true",
           "The target has templates for convolutions; off makes them loop "
           "kernels">
  ];
  let dependentDialects = ["::mlir::fx::FXDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def PlanMemoryPass : Pass<"fx-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Places the results of all kernels in one workspace";
  let description = [{
    Sets `fx.placement` on every `fx.kernel`, one number for each result: an
    offset in bytes into the workspace (0 and up), the function result that it
    is written to (-1 - result), or -1000000 for a buffer of dynamic size that
    is allocated at run time. The function gets `fx.workspace_bytes`, the
    planned peak. A kernel that can run in place may share its input's memory.
  }];
}

#endif // FX_LOWERING_KERNELS_PASSES_TD
