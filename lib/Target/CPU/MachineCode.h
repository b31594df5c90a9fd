//===- MachineCode.h - LLVM IR to machine code ------------------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_MACHINECODE_H
#define FX_LIB_TARGET_CPU_MACHINECODE_H

#include "fx/Target/CPU/CPU.h"

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace mlir::fx::cpu {

/// The width of the vector registers of the target in bits.
unsigned getVectorBits(const CPUOptions &options);

/// Optimises the module and generates its object code.
FailureOr<std::unique_ptr<CompiledModule>>
generateMachineCode(ModuleOp source,
                    std::unique_ptr<llvm::LLVMContext> context,
                    std::unique_ptr<llvm::Module> module,
                    const CPUOptions &options);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_MACHINECODE_H
