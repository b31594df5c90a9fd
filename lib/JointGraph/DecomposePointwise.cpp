//===- DecomposePointwise.cpp - Pointwise composites ----------------------===//

#include "Decompose.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;

/// other - alpha * self
static SmallVector<Value> decomposeRsub(RsubOp op, TensorBuilder &b) {
  return {b.create<SubOp>(op.getOther(), op.getSelf(), op.getAlpha())};
}

/// self + value * tensor1 (* or /) tensor2
template <typename OpTy>
static SmallVector<Value> decomposeAddProduct(OpTy op, TensorBuilder &b) {
  Value first = b.toCompute(op.getTensor1()),
        second = b.toCompute(op.getTensor2());
  Value product = std::is_same_v<OpTy, AddcmulOp> ? b.mul(first, second)
                                                  : b.div(first, second);
  Value sum = b.create<AddOp>(b.toCompute(op.getSelf()), product,
                              op.getValue());
  return {b.convert(sum, getElement(op.getResult()))};
}

/// self + weight * (end - self), from the nearer end as ATen does
static SmallVector<Value> decomposeLerp(LerpOp op, TensorBuilder &b) {
  Value self = b.toCompute(op.getSelf()), end = b.toCompute(op.getEnd()),
        weight = b.toCompute(op.getWeight());
  Value difference = b.sub(end, self);
  Value fromSelf = b.add(self, b.mul(weight, difference));
  Type element = getElement(op.getResult());
  FloatAttr constant;
  bool isConstant = matchPattern(weight, m_Constant(&constant));
  if (isConstant && std::abs(constant.getValueAsDouble()) < 0.5)
    return {b.convert(fromSelf, element)};
  if (isConstant)
    return {b.convert(
        b.sub(end, b.mul(difference, 1 - constant.getValueAsDouble())),
        element)};
  // A scalar that is not constant is used as it is.
  if (!isTensor(weight))
    return {b.convert(fromSelf, element)};
  Value fromEnd = b.sub(end, b.mul(difference, b.sub(1.0, weight)));
  Value isNear = b.lt(b.create<AbsOp>(weight), b.f64(0.5));
  return {b.convert(b.where(isNear, fromSelf, fromEnd), element)};
}

/// masked_fill(x, mask, value) -> where(mask, value, x)
static SmallVector<Value> decomposeMaskedFill(MaskedFillOp op,
                                              TensorBuilder &b) {
  Type element = getElement(op.getSelf());
  Value value = b.convert(op.getValue(), element);
  return {b.convert(b.where(op.getMask(), value, op.getSelf()), element)};
}

/// copy(self, src) -> src, broadcast and converted
static SmallVector<Value> decomposeCopy(CopyOp op, TensorBuilder &b) {
  Value value = b.convert(op.getSrc(), getElement(op.getSelf()));
  return {b.expand(value, b.sizesOf(op.getSelf()))};
}

void fx::populateDecomposePointwise(RewritePatternSet &patterns) {
  addDecomposition<RsubOp>(patterns, decomposeRsub);
  addDecomposition<AddcmulOp>(patterns, decomposeAddProduct<AddcmulOp>);
  addDecomposition<AddcdivOp>(patterns, decomposeAddProduct<AddcdivOp>);
  addDecomposition<LerpOp>(patterns, decomposeLerp);
  addDecomposition<MaskedFillOp>(patterns, decomposeMaskedFill);
  addDecomposition<CopyOp>(patterns, decomposeCopy);
}
