//===- LoopKernel.h - What one loop nest can compute ------------*- C++ -*-===//
//
// The analysis behind loop kernels. A set of ops on tensors is one loop kernel
// if there is an iteration space ("dims") in which every value has a place: an
// affine map from the dims to its index. Dims are kept or reduced; reductions
// all run over the reduced dims for each point of the kept ones, so that a
// kernel is a loop over rows with some sweeps over each row: softmax has three
// (maximum, sum, result), a pointwise kernel has one over an empty row.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LOWERING_KERNELS_LOOPKERNEL_H
#define FX_LOWERING_KERNELS_LOOPKERNEL_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::fx {

/// A tensor read or written at a place of the iteration space.
struct LoopAccess {
  Value tensor;
  AffineMap map;
  bool operator==(const LoopAccess &other) const {
    return tensor == other.tensor && map == other.map;
  }
};

/// A loop of the kernel.
struct LoopDim {
  /// ShapedType::kDynamic if it is known at run time only.
  int64_t size;
  bool reduced = false;
  /// A dynamic size is that of this dimension of a tensor, over `divisor`.
  Value sizeTensor = {};
  int64_t sizeDim = 0;
  int64_t divisor = 1;
};

/// A reduction and the sweep that computes it.
struct LoopReduction {
  linalg::GenericOp op;
  /// For each loop of the op its index in the kernel's dims.
  SmallVector<AffineExpr> loops;
  /// The place of each result.
  SmallVector<AffineMap> maps;
  unsigned sweep = 0;
};

/// A result that leaves the kernel.
struct LoopOutput {
  Value tensor;
  AffineMap map;
  /// Varies along the reduced dims: written during sweep `level`. Otherwise
  /// written after the sweeps before `level`.
  bool alongRow = false;
  unsigned level = 0;
};

struct LoopKernel {
  SmallVector<LoopDim> dims;
  SmallVector<LoopReduction> reductions;
  SmallVector<LoopOutput> outputs;
  /// All reads of tensors from outside, without repetition.
  SmallVector<LoopAccess> loads;
  /// Tensors read at indices that are data.
  llvm::SetVector<Value> gathered;
  /// Dims whose value itself is used (linalg.index, floordiv, mod).
  llvm::SmallBitVector indexDims;
  unsigned numSweeps = 1;
  /// Calls of expensive functions for each point.
  unsigned numTranscendental = 0;
  unsigned numOps = 0;
  /// Cost for each point of values that are computed at more points than they
  /// have elements; one that stays the same along a row counts once a row.
  double recomputedCost = 0;

  /// The kernel that computes `outputs` with `ops`, or failure; `reason` tells
  /// why.
  static FailureOr<LoopKernel> analyze(const llvm::SetVector<Operation *> &ops,
                                       ArrayRef<Value> outputs,
                                       std::string *reason = nullptr);

  /// The number of points of the kept or reduced dims; a dynamic dim counts
  /// as `dynamicGuess`.
  int64_t getNumPoints(bool reduced, int64_t dynamicGuess = 256) const;

  /// map after loops, simplified with the ranges of the dims.
  AffineMap composeMap(AffineMap map, ArrayRef<AffineExpr> loops) const;
  /// Where the source of a reshape or slice is read.
  AffineMap getSourceMap(Operation *op, AffineMap map) const;
  /// The loops of a pointwise generic whose result is read at `map`.
  SmallVector<AffineExpr> getLoops(linalg::GenericOp op, OpResult result,
                                   AffineMap map) const;
  bool hasReduction() const { return !reductions.empty(); }
};

/// Whether an op can be part of a loop kernel at all.
bool isLoopOp(Operation *op);
/// Reshapes of dense buffers, which cost nothing between kernels.
bool isReshape(Operation *op);
/// A reshape, or a slice with constant offsets.
bool isIndexMapOp(Operation *op);

/// The associative op that combines accumulator `index` of a reduction with
/// the rest of the body; null if the body is of another form.
Operation *getCombiner(linalg::GenericOp op, unsigned index);

/// A reduction that keeps one of the elements it sees, such as argmax: result i
/// is select(condition, candidates[i], accumulator i), and the condition is a
/// function of candidates and accumulators alone. Accumulators of parts of a
/// row are then elements themselves, and combine by the same condition.
struct Selection {
  Value condition;
  SmallVector<Value> candidates;
  /// What computes the condition, in order.
  SmallVector<Operation *> ops;
};
std::optional<Selection> matchSelection(linalg::GenericOp op);

/// Splits `expr` into a factor for each dim and a constant; false if it has
/// floordiv or mod.
bool getLinearForm(AffineExpr expr, unsigned numDims,
                   SmallVectorImpl<int64_t> &factors, int64_t &constant);

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_LOOPKERNEL_H
