//===- MachineCode.h - Object files as a module -----------------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_MACHINECODE_H
#define FX_LIB_TARGET_CPU_MACHINECODE_H

#include "fx/Target/CPU/CPU.h"

namespace mlir::fx::cpu {

/// The function of a module that frees what is prepared of frozen weights.
inline constexpr llvm::StringLiteral kReleaseFrozen = "fx_release_frozen";

std::unique_ptr<CompiledModule>
makeCompiledModule(std::vector<std::string> objects, std::string llvmIR,
                   const CPUOptions &options);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_MACHINECODE_H
