//===- Passes.h - Passes of the autodiff stage ------------------*- C++ -*-===//

#ifndef FX_AUTODIFF_PASSES_H
#define FX_AUTODIFF_PASSES_H

#include "fx/IR/FXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fx/Autodiff/Passes.h.inc"

/// Attaches the derivatives of fx ops (`DifferentiableOpInterface`).
void registerDerivatives(DialectRegistry &registry);

} // namespace mlir::fx

#endif
