//===- AttentionMatch.h - Attention written out -----------------*- C++ -*-===//
//
// softmax(mask(scale(query @ key^T))) @ value in core ops, and its backward.
// Inductor lists 30 families and traces each for several types and shapes. They
// differ in which of the steps below stand between the two products and in what
// order; one walk over the steps finds them all.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_JOINTGRAPH_ATTENTIONMATCH_H
#define FX_LIB_JOINTGRAPH_ATTENTIONMATCH_H

#include "fx/IR/FXOps.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::fx {

/// One step that hides scores: where(condition, scores, fill), the other way
/// round, or scores + bias.
struct AttentionMask {
  Operation *op;
  Value bias;
  Value condition;
  double fill = 0;
  bool keepsWhereTrue = false;
};

/// softmax(...) @ value from the product of the scores to that of the values.
struct AttentionForward {
  BmmOp scores, output;
  /// [batch, heads, queries, keys]
  RankedTensorType type;
  double scale = 1;
  /// From the softmax to the product: the last one is applied first.
  SmallVector<AttentionMask> masks;
  Value probabilities;
  /// What computes the output between the operands of the products.
  llvm::SetVector<Operation *> ops;

  Value getQuery() { return scores.getSelf(); }
  /// [..., head, keys]
  Value getKey() { return scores.getMat2(); }
  Value getValue() { return output.getMat2(); }
};

/// The gradients that exist, and what computes them.
struct AttentionBackward {
  Value grad;
  BmmOp gradProbabilities, gradQuery, gradKey, gradValue;
  /// The gradient of the key is [..., head, keys].
  bool isGradKeyTransposed = false;
  llvm::SetVector<Operation *> ops;
};

/// What stands between the products around a softmax, whose last op this is;
/// null in `reason` if it is no softmax at all.
std::optional<AttentionForward> matchAttention(DivOp softmax,
                                               const char *&reason);

/// The backward of a forward that has one.
std::optional<AttentionBackward>
matchAttentionBackward(AttentionForward &forward);

/// Whether `other` is a batch of matrices transposed.
bool isTransposed(Value a, Value b);

} // namespace mlir::fx

#endif
