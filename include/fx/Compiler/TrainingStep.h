//===- TrainingStep.h - Forward and backward as one function ----*- C++ -*-===//

#ifndef FX_COMPILER_TRAININGSTEP_H
#define FX_COMPILER_TRAININGSTEP_H

#include "fx/Support/ModelDescription.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::fx {

/// Asks fx-build-step for a function that runs a forward and its backward, for
/// each pair of which all sizes are known; call it before Lowering drops names
/// and roles. Returns the descriptions of these functions.
std::vector<FunctionDescription>
requestTrainingSteps(ModuleOp module, const ModelDescription &description);

} // namespace mlir::fx

#endif
