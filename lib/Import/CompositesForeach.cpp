//===- CompositesForeach.cpp - One operation on each tensor of a list -----===//
//
// The operators of optimisers. The second operand is a list of tensors or
// numbers, one tensor or one number: overloads List, ScalarList, Tensor, Scalar.
//
//===----------------------------------------------------------------------===//

#include "Composites.h"

using namespace mlir;
using namespace mlir::fx;

/// The operand for each tensor of `self`; empty if the lengths differ.
static Values spread(CompositeBuilder &c, StringRef name) {
  size_t count = c.values("self").size();
  if (c.isList(name)) {
    Values values;
    if (c.isLiteral(name))
      for (double number : c.numbers(name))
        values.push_back(c.f64(number));
    else
      values = c.values(name);
    return values.size() == count ? values : c.fail();
  }
  return Values(count, c.value(name));
}
/// The name of the second operand: `other`, or numbers.
static Values spreadOther(CompositeBuilder &c) {
  for (StringRef name : {"other", "scalars", "scalar", "exponent"})
    if (c.has(name))
      return spread(c, name);
  return c.fail();
}

template <typename OpTy>
static Values buildEach(CompositeBuilder &c) {
  Values results;
  for (Value x : c.values("self"))
    results.push_back(c.create<OpTy>(x));
  return results;
}
template <typename OpTy>
static Values buildPairs(CompositeBuilder &c) {
  Values results;
  for (auto [x, y] : llvm::zip(c.values("self"), spreadOther(c)))
    results.push_back(c.create<OpTy>(x, y));
  return results;
}
template <typename OpTy>
static Values buildSums(CompositeBuilder &c) {
  llvm::APFloat alpha(c.numberOr("alpha", 1));
  Values results;
  for (auto [x, y] : llvm::zip(c.values("self"), spreadOther(c)))
    results.push_back(c.create<OpTy>(x, y, alpha));
  return results;
}
/// self + value * tensor1 (* or /) tensor2
template <typename OpTy>
static Values buildProducts(CompositeBuilder &c) {
  Values first = spread(c, "tensor1"), second = spread(c, "tensor2");
  size_t count = c.values("self").size();
  SmallVector<double> factors = c.has("scalars")
                                    ? c.numbers("scalars")
                                    : SmallVector<double>(count,
                                                          c.number("value"));
  if (c.hasFailed() || factors.size() != count)
    return c.fail();
  Values results;
  for (auto [x, a, b, factor] :
       llvm::zip(c.values("self"), first, second, factors))
    results.push_back(c.create<OpTy>(x, a, b, llvm::APFloat(factor)));
  return results;
}
static Values buildLerps(CompositeBuilder &c) {
  Values ends = spread(c, "tensors1");
  Values weights = spread(c, c.has("weights") ? "weights" : "weight");
  Values results;
  for (auto [x, end, weight] : llvm::zip(c.values("self"), ends, weights))
    results.push_back(c.create<LerpOp>(x, end, weight));
  return results;
}
static Values buildNorms(CompositeBuilder &c) {
  Values results;
  double order = c.number("ord");
  for (auto [index, x] : llvm::enumerate(c.values("self"))) {
    Value value = c.convert(x, c.compute(index));
    results.push_back(buildVectorNorm(c, value, order, c.allDims(value),
                                      /*keepdim=*/false));
  }
  return results;
}

static constexpr Composite composites[] = {
    {"aten._foreach_abs.default", buildEach<AbsOp>},
    {"aten._foreach_ceil.default", buildEach<CeilOp>},
    {"aten._foreach_clone.default", buildEach<CloneOp>},
    {"aten._foreach_cos.default", buildEach<CosOp>},
    {"aten._foreach_erf.default", buildEach<ErfOp>},
    {"aten._foreach_exp.default", buildEach<ExpOp>},
    {"aten._foreach_expm1.default", buildEach<Expm1Op>},
    {"aten._foreach_floor.default", buildEach<FloorOp>},
    {"aten._foreach_log.default", buildEach<LogOp>},
    {"aten._foreach_log1p.default", buildEach<Log1pOp>},
    {"aten._foreach_log2.default", buildEach<Log2Op>},
    {"aten._foreach_neg.default", buildEach<NegOp>},
    {"aten._foreach_reciprocal.default", buildEach<ReciprocalOp>},
    {"aten._foreach_round.default", buildEach<RoundOp>},
    {"aten._foreach_rsqrt.default", buildEach<RsqrtOp>},
    {"aten._foreach_sigmoid.default", buildEach<SigmoidOp>},
    {"aten._foreach_sign.default", buildEach<SignOp>},
    {"aten._foreach_sin.default", buildEach<SinOp>},
    {"aten._foreach_sqrt.default", buildEach<SqrtOp>},
    {"aten._foreach_tanh.default", buildEach<TanhOp>},
    {"aten._foreach_trunc.default", buildEach<TruncOp>},
    {"aten._foreach_add.List", buildSums<AddOp>},
    {"aten._foreach_add.Scalar", buildSums<AddOp>},
    {"aten._foreach_add.ScalarList", buildSums<AddOp>},
    {"aten._foreach_add.Tensor", buildSums<AddOp>},
    {"aten._foreach_sub.List", buildSums<SubOp>},
    {"aten._foreach_sub.Scalar", buildSums<SubOp>},
    {"aten._foreach_sub.ScalarList", buildSums<SubOp>},
    {"aten._foreach_mul.List", buildPairs<MulOp>},
    {"aten._foreach_mul.Scalar", buildPairs<MulOp>},
    {"aten._foreach_mul.ScalarList", buildPairs<MulOp>},
    {"aten._foreach_mul.Tensor", buildPairs<MulOp>},
    {"aten._foreach_div.List", buildPairs<DivOp>},
    {"aten._foreach_div.Scalar", buildPairs<DivOp>},
    {"aten._foreach_div.ScalarList", buildPairs<DivOp>},
    {"aten._foreach_div.Tensor", buildPairs<DivOp>},
    {"aten._foreach_pow.List", buildPairs<PowOp>},
    {"aten._foreach_pow.Scalar", buildPairs<PowOp>},
    {"aten._foreach_pow.ScalarList", buildPairs<PowOp>},
    {"aten._foreach_maximum.List", buildPairs<MaximumOp>},
    {"aten._foreach_maximum.Scalar", buildPairs<ClampMinOp>},
    {"aten._foreach_maximum.ScalarList", buildPairs<ClampMinOp>},
    {"aten._foreach_minimum.List", buildPairs<MinimumOp>},
    {"aten._foreach_minimum.Scalar", buildPairs<ClampMaxOp>},
    {"aten._foreach_minimum.ScalarList", buildPairs<ClampMaxOp>},
    {"aten._foreach_clamp_min.List", buildPairs<ClampMinOp>},
    {"aten._foreach_clamp_min.Scalar", buildPairs<ClampMinOp>},
    {"aten._foreach_clamp_min.ScalarList", buildPairs<ClampMinOp>},
    {"aten._foreach_clamp_max.List", buildPairs<ClampMaxOp>},
    {"aten._foreach_clamp_max.Scalar", buildPairs<ClampMaxOp>},
    {"aten._foreach_clamp_max.ScalarList", buildPairs<ClampMaxOp>},
    {"aten._foreach_addcmul.Scalar", buildProducts<AddcmulOp>},
    {"aten._foreach_addcmul.ScalarList", buildProducts<AddcmulOp>},
    {"aten._foreach_addcdiv.Scalar", buildProducts<AddcdivOp>},
    {"aten._foreach_addcdiv.ScalarList", buildProducts<AddcdivOp>},
    {"aten._foreach_lerp.List", buildLerps},
    {"aten._foreach_lerp.Scalar", buildLerps},
    {"aten._foreach_lerp.ScalarList", buildLerps},
    {"aten._foreach_norm.Scalar", buildNorms},
};

ArrayRef<Composite> fx::getForeachComposites() { return composites; }
