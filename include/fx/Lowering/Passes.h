//===- Passes.h - Passes of the Lowering stage ------------------*- C++ -*-===//

#ifndef FX_LOWERING_PASSES_H
#define FX_LOWERING_PASSES_H

#include "fx/IR/FXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx {

#define GEN_PASS_DECL
#include "fx/Lowering/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fx/Lowering/Passes.h.inc"

} // namespace mlir::fx

#endif
