//===- Passes.td - Kernel formation and memory planning ----*- tablegen -*-===//

#ifndef FX_LOWERING_KERNELS_PASSES_TD
#define FX_LOWERING_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def OnlineSoftmaxPass : Pass<"fx-online-softmax", "::mlir::func::FuncOp"> {
  let summary = "Computes maximum and sum of a softmax in one sweep";
  let description = [{
    m = max(x), s = sum(e^(x - m)) -> one reduction with the results m and s
    Inductor's `prepare_softmax_online`: while the elements pass by the sum is
    kept relative to the largest one so far, and multiplied by e^(old - new)
    where that grows. A row that does not stay in the cache is read once less. It
    costs as many calls of exp, and some more operations for each element. Rows
    without a finite element are NaN as before.
  }];
  let options = [
    Option<"minElements", "min-elements", "int64_t", /*default=*/"0",
           "Shorter rows keep their two reductions">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

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
    Option<"hostTemplates", "host-templates", "bool", /*default=*/"true",
           "The target has the templates of the CPU's library: convolutions, "
           "products of integers, results that only their epilogues see; off "
           "leaves products of floating-point numbers">
  ];
  let dependentDialects = ["::mlir::fx::FXDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BuildStepPass : Pass<"fx-build-step", "::mlir::ModuleOp"> {
  let summary = "Joins forward and backward kernels to one training step";
  let description = [{
    A backward with `step_forward = @forward` gets a function beside it that
    runs both, kernel after kernel, so that one memory plan covers a whole
    training step: saved values are its own, their memory is reused behind their
    last use, and so is all other memory for gradients. Nothing is fused or
    merged across the border. `step_arguments` has a number for each argument
    of the backward: the result of the forward that it is, -1 - k for argument k
    of the forward, or the smallest number for an argument of the step's own.
    `step_results` lists the results of the forward that the step returns, in
    front of all of the backward's.
  }];
}

def PlanMemoryPass : Pass<"fx-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Places the results of all kernels in one workspace";
  let description = [{
    Sets `fx.placement` on every `fx.kernel`, one number for each result: an
    offset in bytes into the workspace (0 and up), the function result that it
    is written to (-1 - result), or -1000000 for a buffer of dynamic size that
    is allocated at run time. The function gets `fx.workspace_bytes`, the
    planned peak. A kernel that can run in place may share its input's memory.

    A function with `results_in_workspace` keeps its results in its workspace,
    too; `fx.result_placement` has the offsets of those that no kernel writes.
    What a kernel is lent (the first number of `fx.scratch`) gets a place, too:
    `fx.scratch_placement`. `fx.thread_scratch` is what each thread keeps.

    With `peak_budget` a workspace that is larger is a warning that names the
    kernel where it is fullest.
  }];
  let options = [
    Option<"separate", "separate", "bool", /*default=*/"false",
           "Allocate each buffer at run time, to find accesses beyond it; "
           "functions with results_in_workspace are planned all the same">
  ];
}

#endif // FX_LOWERING_KERNELS_PASSES_TD
