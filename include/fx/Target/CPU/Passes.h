//===- Passes.h - From kernels to the LLVM dialect --------------*- C++ -*-===//

#ifndef FX_TARGET_CPU_PASSES_H
#define FX_TARGET_CPU_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx::cpu {

#define GEN_PASS_DECL
#include "fx/Target/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fx/Target/CPU/Passes.h.inc"

} // namespace mlir::fx::cpu

#endif // FX_TARGET_CPU_PASSES_H
