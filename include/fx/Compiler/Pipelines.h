//===- Pipelines.h - The stages as pass pipelines ---------------*- C++ -*-===//
//
// What `--pre-grad`, `--joint-graph`, … run. Each builder appends one stage;
// it fails, with a message through `onError`, if the text of a custom hook
// does not parse or a disabled pass is none of the stage.
//
//===----------------------------------------------------------------------===//

#ifndef FX_COMPILER_PIPELINES_H
#define FX_COMPILER_PIPELINES_H

#include "fx/Compiler/CompileFx.h"

namespace mlir::fx {

using ErrorHandler = llvm::function_ref<LogicalResult(const Twine &)>;

LogicalResult buildPreGradStage(OpPassManager &pm, const StageHooks &hooks,
                                ErrorHandler onError);
/// Forward functions to joint functions; joint functions stay. With
/// `fusedAttention`, here and below, attention that the target has a kernel for
/// is one op.
LogicalResult buildAutodiffStage(OpPassManager &pm,
                                 bool fusedAttention = false);
LogicalResult buildJointGraphStage(OpPassManager &pm, const StageHooks &hooks,
                                   ErrorHandler onError,
                                   bool fusedAttention = false);
/// `options` is the text of fx-partition's options.
LogicalResult buildPartitionStage(OpPassManager &pm, StringRef options,
                                  const StageHooks &hooks,
                                  ErrorHandler onError);
/// `isInference`: the functions are forwards without a backward.
LogicalResult buildPostGradStage(OpPassManager &pm, const StageHooks &hooks,
                                 bool isInference, ErrorHandler onError);
/// Reads the options of `--pre-grad`, `--joint-graph`, `--post-grad` or
/// `--fx-to-linalg` that are hooks, for tools that run the stages themselves.
LogicalResult parseStageHooks(Stage stage, StringRef text, StageHooks &hooks,
                              ErrorHandler onError);
/// With `assertIndices` the values of index tensors are checked at run time;
/// with `fusedAttention` attention stays for the target where it has a kernel.
LogicalResult buildLoweringStage(OpPassManager &pm, const StageHooks &hooks,
                                 ErrorHandler onError,
                                 bool assertIndices = false,
                                 bool fusedAttention = false);

/// Whether a function of the module has tangents: it is a joint function, or
/// the backward of a partitioned one.
bool hasTangents(ModuleOp module);

/// Registers the pipelines under their flags and under `fx-<flag>`.
void registerPipelines();

} // namespace mlir::fx

#endif
