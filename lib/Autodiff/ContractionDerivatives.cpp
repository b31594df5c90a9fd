//===- ContractionDerivatives.cpp - Matrix products -----------------------===//

#include "Derivatives.h"

namespace mlir::fx {

static Value scale(GradientBuilder &g, Value value, llvm::APFloat factor) {
  double number = factor.convertToDouble();
  return number == 1 ? value : g.mul(value, number);
}

template <typename ProductOp>
static void differentiateProduct(GradientBuilder &g, unsigned first, Value a, Value b,
                          Value grad) {
  // y = a b: da = g b^T, db = a^T g
  g.set(first, [&]() -> Value {
    return g.create<ProductOp>(grad, g.transposeLast(b));
  });
  g.set(first + 1, [&]() -> Value {
    return g.create<ProductOp>(g.transposeLast(a), grad);
  });
}

template <typename ProductOp, typename OpTy>
static void differentiateAddProduct(OpTy op, GradientBuilder &g, Value a, Value b) {
  g.set(0, [&] { return scale(g, g.gradient(), op.getBeta()); });
  if (g.isNeeded(1) || g.isNeeded(2))
    differentiateProduct<ProductOp>(g, 1, a, b,
                                    scale(g, g.gradient(), op.getAlpha()));
}

static void differentiate(MmOp op, GradientBuilder &g) {
  differentiateProduct<MmOp>(g, 0, op.getSelf(), op.getMat2(), g.gradient());
}
static void differentiate(BmmOp op, GradientBuilder &g) {
  differentiateProduct<BmmOp>(g, 0, op.getSelf(), op.getMat2(), g.gradient());
}
static void differentiate(AddmmOp op, GradientBuilder &g) {
  differentiateAddProduct<MmOp>(op, g, op.getMat1(), op.getMat2());
}
static void differentiate(BaddbmmOp op, GradientBuilder &g) {
  differentiateAddProduct<BmmOp>(op, g, op.getBatch1(), op.getBatch2());
}

static void differentiate(FlashAttentionForCpuOp op, GradientBuilder &g) {
  if (!g.gradient(0) || g.gradient(1))
    return g.fail("only its first result can be differentiated");
  if (op.getAttnMask() && g.isNeeded(3))
    return g.fail("the mask needs a gradient");
  if (!g.isNeeded(0) && !g.isNeeded(1) && !g.isNeeded(2))
    return;
  auto backward = g.create<FlashAttentionForCpuBackwardOp>(
      g.gradient(), op.getQuery(), op.getKey(), op.getValue(), op.getOutput(),
      op.getLogsumexp(), op.getAttnMask(), op.getDropoutP(), op.getIsCausal(),
      op.getScaleAttr());
  for (unsigned i = 0; i < 3; ++i)
    g.set(i, [&]() -> Value { return backward.getResult(i); });
}

void attachContractionDerivatives(MLIRContext *context) {
  attachDerivatives<MmOp, BmmOp, AddmmOp, BaddbmmOp, FlashAttentionForCpuOp>(
      context);
}

} // namespace mlir::fx
