// Passes of the partition stage.
#ifndef FX_PARTITION_PASSES_TD
#define FX_PARTITION_PASSES_TD

include "mlir/Pass/PassBase.td"

def PartitionPass : Pass<"fx-partition", "mlir::ModuleOp"> {
  let summary = "Splits joint functions into forward and backward";
  let description = [{
    joint(primals, tangents) -> (mutations, outputs, gradients)
    becomes
    forward(primals) -> (mutations, outputs, saved)
    backward(saved, tangents) -> (gradients)

    Which values are saved and which are computed again is the minimum cut,
    nearest the sink, of functorch's flow network (reference 4.1 to 4.7). A
    joint function is one with tangents or gradients; the first one of a module
    becomes `@forward` and `@backward`, each further `@f` becomes `@f_forward`
    and `@f_backward`. Before it is cut, a function goes through dead-code
    elimination and the merging of equal ops, and nothing else.

    With `peak-budget` the partition is instead the cheapest that was found
    within so many bytes of true peak: of all that is alive at one time in the
    forward and the backward, beside parameters and inputs. With
    `budget-mode=improved` functorch's answer is replaced by a partition that
    saves no more and recomputes no more, if one is found.

    Calls of functions of the module are inlined. Budgets may be attributes:
    `fx.peak_budget` and `fx.region_budgets` of the joint function (the latter for
    ops with `fx.region`), `fx.memory_budget` of a called one.

    `fx.remat` on an op constrains the cut: `must_save`, or `must_recompute` and
    `prefer_recompute`. Remarks of the category `fx-partition` name each saved
    and each recomputed node with the rule that decided.
  }];
  let options = [
    Option<"function", "function", "std::string", /*default=*/"\"\"",
           "Partition only the function of this name">,
    Option<"mode", "mode", "std::string", /*default=*/"\"default\"",
           "`default` or `aggressive` (recompute all but matrix products, "
           "convolutions, attention and random ops)">,
    Option<"memoryBudget", "memory-budget", "double", /*default=*/"1.0",
           "functorch's activation_memory_budget: 1 is the mode's own cut, 0 "
           "saves nothing but inputs [4.8]">,
    Option<"budgetMode", "budget-mode", "std::string", /*default=*/"\"exact\"",
           "`exact`: functorch's answer to the memory budget; `improved`: a "
           "partition that saves and recomputes no more, and less of one">,
    Option<"peakBudget", "peak-budget", "std::string", /*default=*/"\"\"",
           "The most bytes that may be alive at one time, such as 8GiB">,
    Option<"objective", "objective", "std::string", /*default=*/"\"flops\"",
           "What recomputation costs: `flops`, `fused` (operations, and memory "
           "traffic after fusion) or `roofline`">,
    Option<"gflops", "gflops", "int64_t", /*default=*/"116",
           "Billions of operations a second of the machine">,
    Option<"bandwidth", "bandwidth", "int64_t", /*default=*/"25800",
           "Millions of bytes a second that the machine reads or writes">,
    Option<"report", "report", "std::string", /*default=*/"\"\"",
           "Write the saved and recomputed nodes to this file as JSON">,
    Option<"partitionReport", "partition-report", "std::string",
           /*default=*/"\"\"",
           "Write a page with memory over time, saved values and other budgets "
           "to this file">,
    Option<"summary", "summary", "bool", /*default=*/"false",
           "Print a few lines with the peak to stderr">,
    Option<"reportNetwork", "report-network", "bool", /*default=*/"false",
           "Add classification and network of each node to the report">,
    Option<"keepJoint", "keep-joint", "bool", /*default=*/"false",
           "Keep the joint functions">,
    Option<"dynamicSize", "dynamic-size", "int64_t", /*default=*/"4096",
           "The number that stands for each unknown dimension">
  ];
  let dependentDialects = ["mlir::func::FuncDialect"];
}

def SaveSourcesPass : Pass<"fx-save-sources", "mlir::ModuleOp"> {
  let summary = "Saves what a saved view is a view of";
  let description = [{
    forward(x) -> (…, view(x))   backward(v, …)
    becomes
    forward(x) -> (…, x)         backward(x, …) { v = view(x) }

    The minimum cut may save a permuted activation or weight, which costs
    nothing in PyTorch, where it is a view. Compiled code would write it to
    memory of its own. A view is followed to an argument of the forward, or to
    a value that is not larger than the view.

    With `pass-arguments` an argument of the forward is no result of it: the
    backward has an argument of the same name and role, and the caller passes
    what it passed to the forward.
  }];
  let options = [
    Option<"passArguments", "pass-arguments", "bool", /*default=*/"false",
           "Leave arguments of the forward out of its results">
  ];
}

def PartitionLoopsPass : Pass<"fx-partition-loops", "mlir::ModuleOp"> {
  let summary = "Cuts the bodies of loops into forward and backward";
  let description = [{
    For an `fx.scan` or `fx.map` of a joint function and the scan that goes
    backward through it: one step of both is a joint function of its own, which is
    cut by functorch's rules as whole functions are. What the cut saves is
    stacked by the forward loop, and the backward's body computes the rest again.
    Before, that body computed the whole step again. Loops with sizes that are
    not known stay as they are.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::fx::FXDialect"];
}

def VerifyPartitionPass : Pass<"fx-verify-partition", "mlir::ModuleOp"> {
  let summary = "Checks that forward and backward functions fit together";
  let description = [{
    For each pair `@forward`, `@backward` or `@f_forward`, `@f_backward`: what
    the forward saves is what the backward takes, by name and type, SymInts last
    in the forward and first in the backward; roles stand only on the side where
    they belong.
  }];
}

#endif
