//===- Attention.h - Fused attention and the views that it reads -*- C++ -*-==//
//
// A fused attention, forward or backward, is a template kernel: the fx op with
// the views around it, which the runtime reads and writes through.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LOWERING_KERNELS_ATTENTION_H
#define FX_LOWERING_KERNELS_ATTENTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::fx {

/// Whether an op is a fused attention or its backward.
bool isFusedAttention(Operation *op);
/// The fused attention of a kernel's block, or null.
Operation *findFusedAttention(Block &block);

/// The results of a fused attention that its kernel always computes: all but
/// the logsumexp. None for another op.
SmallVector<OpResult> getNeededResults(Operation *op);

/// A tensor as a view of another's memory: the element at an index is `offset`
/// plus the sum of index times stride from the begin of `base`.
struct StridedView {
  Value base;
  int64_t offset = 0;
  SmallVector<int64_t> strides;
};
/// How a value lies in the memory of the tensor that it is copied, sliced or
/// reshaped from, with the ops in between, last one first. A value that is no
/// view is its own base; a stride that is known at run time only is kDynamic.
StridedView getStridedView(Value value, SmallVectorImpl<Operation *> &ops);

/// The permutation by which the only user of `value` copies it, if that is all
/// that is done with it: dimension i of the copy is order[i] of `value`.
linalg::GenericOp getPermutingUser(Value value,
                                   SmallVectorImpl<int64_t> &order);

/// Gives an attention copies of its own of the views that its kernel reads
/// through.
void takeViews(RewriterBase &rewriter, Operation *attention);
/// The ops of the kernel of an attention, in order: those views, the attention,
/// and permuting copies of its results.
SmallVector<Operation *> getViewsAround(Operation *attention);

/// Sizes of the dynamic dimensions of a result, by ops on the operands.
void appendAttentionSizes(OpBuilder &b, OpResult result,
                          SmallVectorImpl<Value> &sizes);

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_ATTENTION_H
