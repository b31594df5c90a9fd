//===- Scatter.h - Writes at places that are data ---------------*- C++ -*-===//
//
// The lowering of scatter and index_put is a perfect nest of scf.for whose body
// replaces one element of a tensor. Iterations of a loop whose counter is an
// index of the written element write to elements of their own: such a loop may
// run in any order, the others in theirs.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LOWERING_KERNELS_SCATTER_H
#define FX_LOWERING_KERNELS_SCATTER_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::fx {

/// A nest of loops that carries one tensor.
struct Scatter {
  /// From outside to inside; they count from 0 in steps of 1.
  SmallVector<scf::ForOp> loops;
  /// What the tensor holds before.
  Value init;
  tensor::InsertOp insert;
  /// old + value, of the element that is replaced, if memory can add its type;
  /// else null.
  Operation *sum = nullptr;
  Value addend;

  /// Whether iterations of a loop write to elements of their own.
  bool isOwn(scf::ForOp loop) const {
    return llvm::is_contained(insert->getOperands().drop_front(2),
                              loop.getInductionVar());
  }
};

/// The nest that computes `result`.
FailureOr<Scatter> matchScatter(Value result);

/// Lets the nest around `extract` read a tensor itself and not a broadcast or
/// permuted copy of it: the places of whole rows are numbers then, not rows of
/// equal numbers.
void readThroughCopies(RewriterBase &rewriter, tensor::ExtractOp extract);

/// Computes an element of a pointwise op's result in `scatter`'s nest, where
/// `extract` reads it, if the nest reads each element at most once and nothing
/// else reads the result; likewise its operands. Of a fill it takes the value.
void computeWhereRead(RewriterBase &rewriter, const Scatter &scatter,
                      tensor::ExtractOp extract);

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_SCATTER_H
