//===- Passes.h - From kernels to gpu and to PTX ----------------*- C++ -*-===//

#ifndef FX_TARGET_NVPTX_PASSES_H
#define FX_TARGET_NVPTX_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx::nvptx {

#define GEN_PASS_DECL
#include "fx/Target/NVPTX/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fx/Target/NVPTX/Passes.h.inc"

} // namespace mlir::fx::nvptx

#endif // FX_TARGET_NVPTX_PASSES_H
