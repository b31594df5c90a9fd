//===- SplitModule.h - Parts that are compiled alone ------------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_SPLITMODULE_H
#define FX_LIB_TARGET_CPU_SPLITMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::fx::cpu {

/// Moves the functions of a module in the LLVM dialect to modules of about
/// `opsPerPart` ops: what refers to one another stays together, but entry
/// points call kernels of other parts. Kernels become visible to other parts,
/// and to nobody else. The parts depend on the module alone.
SmallVector<OwningOpRef<ModuleOp>> splitModule(ModuleOp module,
                                               unsigned opsPerPart);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_SPLITMODULE_H
