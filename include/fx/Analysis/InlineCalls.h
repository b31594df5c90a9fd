//===- InlineCalls.h - Calls of functions of the module ---------*- C++ -*-===//

#ifndef FX_ANALYSIS_INLINECALLS_H
#define FX_ANALYSIS_INLINECALLS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::fx {

/// Replaces the calls in a function, which has one block, by the bodies of the
/// functions they call, calls in these included. Calls of functions with
/// several blocks or without a body stay. A recursive call is an error.
///
/// The ops of a call that is a region (`fx.region`), or whose callee has a budget
/// (`fx.memory_budget`), belong to that region; the budget goes to the caller's
/// `fx.region_budgets`.
LogicalResult inlineCalls(func::FuncOp function, SymbolTable &symbols);

/// Erases private functions that nothing uses.
void eraseUnusedFunctions(ModuleOp module, SymbolTable &symbols);

} // namespace mlir::fx

#endif // FX_ANALYSIS_INLINECALLS_H
