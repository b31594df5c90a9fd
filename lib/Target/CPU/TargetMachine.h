//===- TargetMachine.h - The processor that code is for ---------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_TARGETMACHINE_H
#define FX_LIB_TARGET_CPU_TARGETMACHINE_H

#include "fx/Target/CPU/CPU.h"

#include "llvm/Target/TargetMachine.h"

namespace mlir::fx::cpu {

/// Makes LLVM's backends known; can be called any number of times.
void initializeTargets();

/// Whether code is for the kind of machine that this one is, if not for its
/// very processor: it can be loaded and linked here.
bool isHostArchitecture(const CPUOptions &options);

/// Null with `error` set if LLVM knows no such target or processor.
std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const CPUOptions &options, std::string &error);

/// The width of the vector registers in bits.
unsigned getVectorBits(const llvm::TargetMachine &machine);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_TARGETMACHINE_H
