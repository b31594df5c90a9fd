//===- Backpropagation.h - Reverse mode over straight-line code -*- C++ -*-===//

#ifndef FX_LIB_AUTODIFF_BACKPROPAGATION_H
#define FX_LIB_AUTODIFF_BACKPROPAGATION_H

#include "fx/IR/TensorBuilder.h"

namespace mlir::fx {

/// Adds to `dependent` the differentiable results of `ops` that depend on it.
void addDependent(ArrayRef<Operation *> ops, DenseSet<Value> &dependent);

/// The values among `dependent` on which one of `targets` depends.
DenseSet<Value> findActive(ArrayRef<Operation *> ops, ValueRange targets,
                           const DenseSet<Value> &dependent);

/// Sums up the gradients of values, from the last op to the first.
class Backpropagation {
public:
  /// Gradients are built by `builder`, and only of values in `active`.
  Backpropagation(OpBuilder &builder, const DenseSet<Value> &active)
      : builder(builder), active(active) {}

  /// Adds a gradient that has the shape and type of its value or is broadcast.
  void accumulate(Value value, Value gradient, Location loc);

  /// Visits the ops in reverse order. Fails, with an error that names the
  /// node, if an op on the way has no derivative.
  LogicalResult run(ArrayRef<Operation *> ops);

  /// The sum so far, null if there is none.
  Value getGradient(Value value) const { return gradients.lookup(value); }

private:
  LogicalResult visit(Operation *op);

  OpBuilder &builder;
  const DenseSet<Value> &active;
  DenseMap<Value, Value> gradients;
};

/// Replaces loops whose condition bounds the number of iterations by scans,
/// which have a derivative. Returns whether there are any.
bool convertBoundedLoops(Operation *root);

} // namespace mlir::fx

#endif
