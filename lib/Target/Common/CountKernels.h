//===- CountKernels.h - How many kernels a pipeline forms -------*- C++ -*-===//

#ifndef FX_LIB_TARGET_COMMON_COUNTKERNELS_H
#define FX_LIB_TARGET_COMMON_COUNTKERNELS_H

#include "fx/Support/CompileStatistics.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::fx {

/// Adds the kernels that fx-form-kernels makes when `pm` runs to `statistics`,
/// which may be null.
void countKernels(PassManager &pm, CompileStatistics *statistics);

} // namespace mlir::fx

#endif // FX_LIB_TARGET_COMMON_COUNTKERNELS_H
