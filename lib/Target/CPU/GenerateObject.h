//===- GenerateObject.h - LLVM IR to an object file -------------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_GENERATEOBJECT_H
#define FX_LIB_TARGET_CPU_GENERATEOBJECT_H

#include "fx/Target/CPU/CPU.h"

namespace llvm {
class Module;
} // namespace llvm

namespace mlir::fx::cpu {

/// What is made of one module of LLVM IR.
struct GeneratedCode {
  /// Machine code, or its assembly text with CPUOptions::assembly.
  llvm::SmallVector<char, 0> object;
  /// With CPUOptions::keepLLVMIR, the optimised IR.
  std::string llvmIR;
  /// Not empty on failure.
  std::string error;
};

/// Optimises the module and generates its code. Modules of different contexts
/// may be worked on at the same time.
GeneratedCode generateObject(llvm::Module &module, const CPUOptions &options);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_GENERATEOBJECT_H
