//===- KernelStatistics.h - What a pipeline plans ---------------*- C++ -*-===//

#ifndef FX_LIB_TARGET_COMMON_KERNELSTATISTICS_H
#define FX_LIB_TARGET_COMMON_KERNELSTATISTICS_H

#include "fx/Support/CompileStatistics.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::fx {

/// Adds the kernels that fx-form-kernels makes when `pm` runs, and the
/// workspaces that fx-plan-memory plans, to `statistics`, which may be null.
void collectKernelStatistics(PassManager &pm, CompileStatistics *statistics);

} // namespace mlir::fx

#endif // FX_LIB_TARGET_COMMON_KERNELSTATISTICS_H
