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

def ApplyPatternsPass : Pass<"fx-apply-patterns"> {
  let summary = "Applies PDL patterns from a file";
  let description = [{
    The file is PDLL (`.pdll`: needs the tool mlir-pdll), or PDL as MLIR text or
    bytecode. Its native constraints and rewrites are those of
    `fx/Compiler/PatternFunctions.h`. The patterns are applied to all ops of the
    regions, nested ones too, until none applies any more. Nothing is folded or
    merged beside them; a node keeps the name of the one that it replaces.

    Errors of the file carry its lines. Patterns that do not come to an end are
    an error.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"", "The file">,
    ListOption<"include", "include", "std::string",
               "Folders of files that a .pdll includes">,
    Option<"maxRewrites", "max-rewrites", "int64_t", /*default=*/"0",
           "More are an error (default: 1000 and 10 for each op)">];
  let dependentDialects = ["mlir::pdl::PDLDialect",
                           "mlir::pdl_interp::PDLInterpDialect"];
}

#endif
