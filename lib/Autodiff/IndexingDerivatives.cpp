//===- IndexingDerivatives.cpp - Gather, scatter, embeddings --------------===//

#include "Derivatives.h"

namespace mlir::fx {

/// zeros with zeros[indices] += gradient
static Value accumulate(GradientBuilder &g, Value self, Value gradient,
                 ValueRange indices, ArrayRef<int64_t> dims) {
  return g.create<IndexPutOp>(g.zerosLike(self), gradient, indices, dims,
                              /*accumulate=*/true);
}

static void differentiate(EmbeddingOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Value grad = g.gradient();
    // The padding row stays as it is.
    int64_t padding = op.getPaddingIdx();
    if (padding >= 0) {
      Value isRow = g.ne(op.getIndices(), g.i64(padding));
      grad = g.keepWhere(g.unsqueeze(isRow, -1), grad);
    }
    return accumulate(g, op.getWeight(), grad, op.getIndices(), 0);
  });
}
/// Whether a gather takes one element of each row along `dim`.
static bool picksOnePerRow(GatherOp op, int64_t dim) {
  ArrayRef<int64_t> self = getTensorType(op.getSelf()).getShape();
  ArrayRef<int64_t> index = getTensorType(op.getIndex()).getShape();
  for (int64_t i = 0; i < (int64_t)self.size(); ++i)
    if (i == dim ? index[i] != 1 : index[i] != self[i])
      return false;
  return !self.empty();
}
static void differentiate(GatherOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    // One element of each row (a class of each sample): a comparison fuses
    // with what follows, a scatter does not.
    Value self = op.getSelf();
    int64_t dim = wrapDim(op.getDim(), getRank(self));
    if (picksOnePerRow(op, dim)) {
      Value position =
          g.indexAlong(g.sizeOf(self, dim), dim, getRank(self));
      return g.keepWhere(g.eq(op.getIndex(), position), g.gradient());
    }
    return g.create<ScatterAddOp>(g.zerosLike(op.getSelf()), op.getIndex(),
                                  g.gradient(), op.getDim());
  });
}

/// The gradient at the elements that `src` went to.
static Value gatherSource(GradientBuilder &g, Value index, Value src, uint64_t dim) {
  Value picked = g.create<GatherOp>(g.gradient(), index, dim);
  // Only the part of src that index covers is used.
  RankedTensorType from = getTensorType(picked), to = getTensorType(src);
  SmallVector<int64_t> pad;
  for (int64_t i = to.getRank() - 1; i >= 0; --i) {
    int64_t missing = ShapedType::isDynamic(to.getDimSize(i)) ||
                              ShapedType::isDynamic(from.getDimSize(i))
                          ? 0
                          : to.getDimSize(i) - from.getDimSize(i);
    llvm::append_values(pad, 0, missing);
  }
  if (llvm::all_of(pad, [](int64_t amount) { return amount == 0; }))
    return picked;
  return g.create<ConstantPadNdOp>(picked, g.f64(0), pad);
}
static void differentiate(ScatterOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    return g.create<ScatterOp>(g.gradient(), op.getIndex(), g.f64(0),
                               op.getDim());
  });
  g.set(2, [&] {
    return gatherSource(g, op.getIndex(), op.getSrc(), op.getDim());
  });
}
static void differentiate(ScatterAddOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
  g.set(2, [&] {
    return gatherSource(g, op.getIndex(), op.getSrc(), op.getDim());
  });
}

static void differentiate(IndexOp op, GradientBuilder &g) {
  g.set(0, [&] {
    return accumulate(g, op.getSelf(), g.gradient(), op.getIndices(),
                      op.getIndexDims());
  });
}
static void differentiate(IndexPutOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    if (op.getAccumulate())
      return g.gradient();
    Value zero = g.full({}, g.f64(0), getElement(op.getValues()));
    return g.create<IndexPutOp>(g.gradient(), zero, op.getIndices(),
                                op.getIndexDims(), /*accumulate=*/false);
  });
  g.set(1, [&]() -> Value {
    return g.create<IndexOp>(g.gradient(), op.getIndices(),
                             op.getIndexDims());
  });
}

void attachIndexingDerivatives(MLIRContext *context) {
  attachDerivatives<EmbeddingOp, GatherOp, ScatterOp, ScatterAddOp, IndexOp,
                    IndexPutOp>(context);
}

} // namespace mlir::fx
