//===- EntryPoint.h - The host code of a compiled function ------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_ENTRYPOINT_H
#define FX_LIB_TARGET_CPU_ENTRYPOINT_H

#include "KernelFunction.h"

namespace mlir::fx::cpu {

/// Replaces `source` by its entry point and its function of result sizes.
/// `kernels` gives the emitted function of every fx.kernel.
LogicalResult
emitEntryPoint(func::FuncOp source,
               const llvm::DenseMap<Operation *, func::FuncOp> &kernels);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_ENTRYPOINT_H
