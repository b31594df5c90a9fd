//===- Passes.h - Passes of the joint-graph stage ---------------*- C++ -*-===//

#ifndef FX_JOINTGRAPH_PASSES_H
#define FX_JOINTGRAPH_PASSES_H

#include "fx/IR/FXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fx/JointGraph/Passes.h.inc"

} // namespace mlir::fx

#endif
