//===- Passes.h - Passes that see several stages ----------------*- C++ -*-===//

#ifndef FX_COMPILER_PASSES_H
#define FX_COMPILER_PASSES_H

#include "fx/IR/FXDialect.h"
#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/Dialect/PDLInterp/IR/PDLInterp.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx {

#define GEN_PASS_DECL
#include "fx/Compiler/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fx/Compiler/Passes.h.inc"

} // namespace mlir::fx

#endif
