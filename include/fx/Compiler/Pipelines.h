//===- Pipelines.h - The stages as pass pipelines ---------------*- C++ -*-===//
//
// What `--pre-grad`, `--joint-graph`, … run. Each builder appends one stage;
// it fails, with a message through `onError`, if the text of a custom hook
// does not parse.
//
//===----------------------------------------------------------------------===//

#ifndef FX_COMPILER_PIPELINES_H
#define FX_COMPILER_PIPELINES_H

#include "fx/Compiler/CompileFx.h"

namespace mlir::fx {

using ErrorHandler = llvm::function_ref<LogicalResult(const Twine &)>;

/// `isInference` leaves out what would change a function that is yet to be
/// differentiated.
LogicalResult buildPreGradStage(OpPassManager &pm, const CustomPasses &custom,
                                bool isInference, ErrorHandler onError);
/// Forward functions to joint functions; joint functions stay.
LogicalResult buildAutodiffStage(OpPassManager &pm);
LogicalResult buildJointGraphStage(OpPassManager &pm,
                                   const CustomPasses &custom, bool isInference,
                                   ErrorHandler onError);
/// `options` is the text of fx-partition's options.
LogicalResult buildPartitionStage(OpPassManager &pm, StringRef options,
                                  ErrorHandler onError);
LogicalResult buildPostGradStage(OpPassManager &pm, const CustomPasses &custom,
                                 bool isInference, ErrorHandler onError);
LogicalResult buildLoweringStage(OpPassManager &pm);

/// Registers the pipelines under their flags and under `fx-<flag>`.
void registerPipelines();

} // namespace mlir::fx

#endif
