//===- SizeHints.h - Sizes that are known at run time only ------*- C++ -*-===//

#ifndef FX_PARTITION_SIZEHINTS_H
#define FX_PARTITION_SIZEHINTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::fx {

/// What `?` stands for when sizes are weighed against each other: arguments say
/// so by `fx.size_hints`, a number for each dimension, and types follow from
/// theirs. A size that does not follow stays unknown.
class SizeHints {
public:
  /// An error is emitted if an argument has not one hint for each dimension.
  static FailureOr<SizeHints> create(func::FuncOp function);

  /// The type of a value of the function.
  Type getType(Value value) const {
    Type hinted = types.lookup(value);
    return hinted ? hinted : value.getType();
  }
  /// Its operations, by these types.
  int64_t getFlops(Operation *op) const;

private:
  llvm::DenseMap<Value, Type> types;
  llvm::DenseMap<Operation *, int64_t> flops;
};

} // namespace mlir::fx

#endif // FX_PARTITION_SIZEHINTS_H
