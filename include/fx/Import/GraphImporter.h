//===- GraphImporter.h - FX graphs as fx functions --------------*- C++ -*-===//
//
// Builds a functional `func.func` from a graph as plain data. Both readers
// (.pt2 and JSON) use it.
//
// * A node becomes the op that its overload is bound to (ATenBinding.h), or
//   `fx.call` where there is none or the op has no place for an argument.
//   Nothing is simplified. Symbolic arithmetic becomes arith ops.
// * In-place operators are made functional: the name of the tensor gets a new
//   value, tensors that share its memory are derived again when they are used
//   next, and writing through a view scatters into what it is a view of.
//   Inputs that were written to become results with `fx.mutates`, first of
//   all results.
// * `_assert_tensor_metadata`, `_log_api_usage_once` and the range hints of
//   symbols are dropped.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IMPORT_GRAPHIMPORTER_H
#define FX_IMPORT_GRAPHIMPORTER_H

#include "fx/Import/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace mlir::fx {

/// Appends a function with the graph's computation to the block that `builder`
/// points into. Errors name the node.
FailureOr<func::FuncOp> importGraph(OpBuilder &builder,
                                    const graph::Graph &graph,
                                    llvm::StringRef name);

/// The MLIR type of a PyTorch data type such as `float32`; null if there is
/// none.
Type getElementType(MLIRContext *context, llvm::StringRef dtype);

} // namespace mlir::fx

#endif // FX_IMPORT_GRAPHIMPORTER_H
