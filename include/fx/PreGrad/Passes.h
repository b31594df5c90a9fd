//===- Passes.h - Passes of the pre-grad stage ------------------*- C++ -*-===//

#ifndef FX_PREGRAD_PASSES_H
#define FX_PREGRAD_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx {

#define GEN_PASS_DECL
#include "fx/PreGrad/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fx/PreGrad/Passes.h.inc"

} // namespace mlir::fx

#endif // FX_PREGRAD_PASSES_H
