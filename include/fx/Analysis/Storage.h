//===- Storage.h - Which tensors share memory in PyTorch --------*- C++ -*-===//
//
// Tensors of the dialect are values, so any op that computes its operand may be
// replaced by it. The caller of the compiled function can still see a
// difference: a result that was a fresh tensor must not become an argument, or
// the same memory as another result.
//
//===----------------------------------------------------------------------===//

#ifndef FX_ANALYSIS_STORAGE_H
#define FX_ANALYSIS_STORAGE_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::fx {

/// Whether the results of an op share memory with its first operand.
bool isViewOp(Operation *op);

/// The memory behind each tensor of a function: views share it, every other op
/// makes its own. Ops must not be erased while an analysis of them is in use.
class StorageAnalysis {
public:
  explicit StorageAnalysis(Operation *function);

  /// The value that owns the memory of `tensor`.
  Value getStorage(Value tensor);
  /// Whether `value` may be replaced by the equal `source` without a result of
  /// a function or region changing from fresh memory to shared memory.
  bool mayReplace(Value value, Value source);
  /// Tells that `value` is from now on `source`.
  void noteReplaced(Value value, Value source);

private:
  llvm::DenseMap<Value, Value> owner;
  llvm::DenseSet<Value> arguments;
  llvm::DenseSet<Value> outputs;
};

/// The same question for IR that changes all the time; looks only at the views
/// around the two values.
bool mayReplaceResult(Value value, Value source);

} // namespace mlir::fx

#endif
