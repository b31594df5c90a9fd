//===- IndexByPermutation.cpp - Indices that are all different ------------===//

#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_INDEXBYPERMUTATIONPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// The single index along the first dimension of x, if it is randperm(size of
/// that dimension) or a slice of it: in range, and no two alike.
bool indexesByPermutation(Value x, OperandRange indices,
                          ArrayRef<int64_t> dims) {
  if (indices.size() != 1 || dims != ArrayRef<int64_t>{0})
    return false;
  Value index = indices.front();
  while (auto slice = index.getDefiningOp<SliceOp>())
    index = slice.getSelf();
  auto call = index.getDefiningOp<CallOp>();
  return call && call.getTarget().starts_with("aten.randperm.") &&
         !getTensorType(x).isDynamicDim(0) &&
         getTensorType(index).getDimSize(0) == getTensorType(x).getDimSize(0);
}

/// index(x, [randperm(n)[:k]]) -> _unsafe_index   [rule 3.8, randperm_index]
struct IndexUnchecked : OpRewritePattern<IndexOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IndexOp index,
                                PatternRewriter &rewriter) const override {
    if (index->hasAttr(kOverloadAttr) ||
        !indexesByPermutation(index.getSelf(), index.getIndices(),
                              index.getIndexDims()))
      return rewriter.notifyMatchFailure(index, "not by a permutation");
    rewriter.modifyOpInPlace(index, [&] {
      index->setAttr(kOverloadAttr,
                     rewriter.getStringAttr("aten._unsafe_index.Tensor"));
    });
    return success();
  }
};

/// index_add(x, 0, randperm(n)[:k], y)
///   -> _unsafe_index_put(x, [i], _unsafe_index(x, [i]) + y)
///   [rule 3.8, randperm_index_add]
struct AddWithoutCollisions : OpRewritePattern<IndexPutOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IndexPutOp put,
                                PatternRewriter &rewriter) const override {
    if (!put.getAccumulate() ||
        !indexesByPermutation(put.getSelf(), put.getIndices(),
                              put.getIndexDims()))
      return rewriter.notifyMatchFailure(put, "not by a permutation");
    TensorBuilder b(rewriter, put.getLoc());
    auto taken = b.create<IndexOp>(put.getSelf(), put.getIndices(),
                                   put.getIndexDimsAttr());
    taken->setAttr(kOverloadAttr,
                   rewriter.getStringAttr("aten._unsafe_index.Tensor"));
    Value sum = b.convert(b.add(taken, put.getValues()),
                          getElement(put.getSelf()));
    rewriter.modifyOpInPlace(put, [&] {
      put.getValuesMutable().assign(sum);
      put.setAccumulate(false);
      put->setAttr(kOverloadAttr,
                   rewriter.getStringAttr("aten._unsafe_index_put.default"));
    });
    return success();
  }
};

struct IndexByPermutationPass
    : impl::IndexByPermutationPassBase<IndexByPermutationPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<IndexUnchecked, AddWithoutCollisions>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
