//===- CompositesActivation.cpp - Activation functions --------------------===//
//
// Each formula is ATen's, in the type in which ATen's kernel computes. A branch
// that overflows where the other one is taken gets 0 as its operand there: its
// derivative would be 0 times infinity.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Softplus and its like
//===----------------------------------------------------------------------===//

/// Where e^x is so large that log(1 + e^x) is x in f64, too.
static constexpr double kLarge = 40;

Value fx::buildSoftplus(CompositeBuilder &c, Value x, double beta,
                        double threshold) {
  Value scaled = beta == 1 ? x : c.mul(x, beta);
  Value isLarge = c.gt(scaled, c.f64(threshold));
  Value y = c.log1p(c.exp(c.whereNumber(isLarge, 0, scaled)));
  return c.where(isLarge, x, beta == 1 ? y : c.div(y, beta));
}

static Values buildSoftplus(CompositeBuilder &c) {
  return {buildSoftplus(c, c.operand("self"), c.number("beta"),
                        c.number("threshold"))};
}
static Values buildSoftplusBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_output"), x = c.operand("self");
  Value scaled = c.mul(x, c.number("beta"));
  Value isLarge = c.gt(scaled, c.f64(c.number("threshold")));
  return {c.where(isLarge, grad, c.mul(grad, c.sigmoid(scaled)))};
}
static Values buildMish(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {c.mul(x, c.tanh(buildSoftplus(c, x, 1, kLarge)))};
}
static Values buildMishBackward(CompositeBuilder &c) {
  Value x = c.operand("self"), s = c.sigmoid(x);
  Value t = c.tanh(buildSoftplus(c, x, 1, kLarge));
  Value slope = c.add(t, c.mul(c.mul(x, s), c.sub(1.0, c.square(t))));
  return {c.mul(c.operand("grad_output"), slope)};
}
Value fx::buildLogSigmoid(CompositeBuilder &c, Value x) {
  return c.neg(buildSoftplus(c, c.neg(x), 1, kLarge));
}
static Values buildLogSigmoid(CompositeBuilder &c) {
  return {buildLogSigmoid(c, c.operand("self"))};
}
/// The second result is what ATen's backward needs on the CPU.
static Values buildLogSigmoidForward(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {buildLogSigmoid(c, x), c.exp(c.neg(c.abs(x)))};
}
static Values buildLogSigmoidBackward(CompositeBuilder &c) {
  return {c.mul(c.operand("grad_output"),
                c.sigmoid(c.neg(c.operand("self"))))};
}

//===----------------------------------------------------------------------===//
// Exponential units
//===----------------------------------------------------------------------===//

namespace {
struct EluFactors {
  double positive, negative, input;
};
} // namespace

/// positive * x above 0, negative * (e^(input * x) - 1) below
static Value elu(CompositeBuilder &c, EluFactors factors) {
  Value x = c.operand("self");
  Value isPositive = c.gt(x, c.f64(0));
  Value low = c.mul(c.whereNumber(isPositive, 0, x), factors.input);
  return c.where(isPositive, c.mul(x, factors.positive),
                 c.mul(c.expm1(low), factors.negative));
}
static EluFactors getEluFactors(CompositeBuilder &c) {
  double scale = c.number("scale");
  return {scale, c.number("alpha") * scale, c.number("input_scale")};
}
static Values buildElu(CompositeBuilder &c) {
  return {elu(c, getEluFactors(c))};
}
static Values buildSelu(CompositeBuilder &c) {
  const double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;
  return {elu(c, {scale, alpha * scale, 1})};
}
static Values buildCelu(CompositeBuilder &c) {
  double alpha = c.number("alpha");
  return {elu(c, {1, alpha, 1 / alpha})};
}
static Values buildEluBackward(CompositeBuilder &c) {
  EluFactors factors = getEluFactors(c);
  Value grad = c.operand("grad_output"), x = c.operand("self_or_result");
  Value isPositive = c.gt(x, c.f64(0));
  Value slope =
      c.flag("is_result")
          ? c.mul(c.add(x, factors.negative), factors.input)
          : c.mul(c.exp(c.mul(c.whereNumber(isPositive, 0, x), factors.input)),
                  factors.input * factors.negative);
  return {c.where(isPositive, c.mul(grad, factors.positive),
                  c.mul(grad, slope))};
}

//===----------------------------------------------------------------------===//
// Piecewise linear
//===----------------------------------------------------------------------===//

/// -bound <= x <= bound
static Value isWithin(CompositeBuilder &c, Value x, double low, double high) {
  return c.logicalAnd(c.ge(x, c.f64(low)), c.le(x, c.f64(high)));
}
static Values buildHardshrink(CompositeBuilder &c) {
  Value x = c.operand("self");
  double bound = c.number("lambd");
  return {c.whereNumber(isWithin(c, x, -bound, bound), 0, x)};
}
static Values buildHardshrinkBackward(CompositeBuilder &c) {
  double bound = c.number("lambd");
  return {c.whereNumber(isWithin(c, c.operand("self"), -bound, bound), 0,
                        c.operand("grad_out"))};
}
static Values buildSoftshrink(CompositeBuilder &c) {
  Value x = c.operand("self");
  double bound = c.number("lambd");
  // NaN stays.
  Value inner = c.where(c.lt(x, c.f64(-bound)), c.add(x, bound), c.mul(x, 0.0));
  return {c.where(c.gt(x, c.f64(bound)), c.sub(x, bound), inner)};
}
static Values buildSoftshrinkBackward(CompositeBuilder &c) {
  double bound = c.number("lambd");
  return {c.whereNumber(isWithin(c, c.operand("self"), -bound, bound), 0,
                        c.operand("grad_output"))};
}
static Values buildThreshold(CompositeBuilder &c) {
  Value x = c.value("self");
  Value isBelow = c.le(x, c.value("threshold"));
  return {c.whereNumber(isBelow, c.number("value"), x)};
}
static Values buildThresholdBackward(CompositeBuilder &c) {
  Value isBelow = c.le(c.value("self"), c.value("threshold"));
  return {c.whereNumber(isBelow, 0, c.value("grad_output"))};
}
static Values buildHardtanhBackward(CompositeBuilder &c) {
  Value x = c.value("self");
  Value isInside = c.logicalAnd(c.gt(x, c.value("min_val")),
                                c.lt(x, c.value("max_val")));
  return {c.keepWhere(isInside, c.operand("grad_output"))};
}
static Values buildHardsigmoidBackward(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value isInside = c.logicalAnd(c.gt(x, c.f64(-3)), c.lt(x, c.f64(3)));
  return {c.keepWhere(isInside, c.mul(c.operand("grad_output"), 1.0 / 6.0))};
}
static Values buildHardswishBackward(CompositeBuilder &c) {
  Value x = c.operand("self"), grad = c.operand("grad_output");
  Value middle = c.mul(grad, c.add(c.div(x, 3.0), 0.5));
  Value upper = c.where(c.lt(x, c.f64(3)), middle, grad);
  return {c.whereNumber(c.le(x, c.f64(-3)), 0, upper)};
}

/// x above 0, slope * x below
static Value leaky(CompositeBuilder &c, Value x, Value slope) {
  return c.where(c.gt(x, c.f64(0)), x, c.mul(slope, x));
}
static Values buildPrelu(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {leaky(c, x, c.alongChannels(c.operand("weight"), x))};
}
static Values buildPreluKernel(CompositeBuilder &c) {
  return {leaky(c, c.operand("self"), c.operand("weight"))};
}
static Values buildPreluKernelBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_output"), x = c.operand("self");
  Value isPositive = c.gt(x, c.f64(0));
  return {c.where(isPositive, grad, c.mul(c.operand("weight"), grad)),
          c.whereNumber(isPositive, 0, c.mul(x, grad))};
}
static Values buildLeakyReluBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_output");
  return {c.where(c.gt(c.operand("self"), c.f64(0)), grad,
                  c.mul(grad, c.number("negative_slope")))};
}
/// Without training the slope is the mean of its bounds.
static Value rrelu(CompositeBuilder &c) {
  if (c.flag("training"))
    c.fail();
  double slope = (c.number("lower") + c.number("upper")) / 2;
  return leaky(c, c.operand("self"), c.f64(slope));
}
static Values buildRrelu(CompositeBuilder &c) { return {rrelu(c)}; }
static Values buildRreluWithNoise(CompositeBuilder &c) {
  return {rrelu(c), c.value("noise")};
}

//===----------------------------------------------------------------------===//
// Sigmoid, tanh, gelu
//===----------------------------------------------------------------------===//

/// The halves of a tensor along a dimension; null if its size is not known.
static std::pair<Value, Value> getHalves(CompositeBuilder &c, Value x) {
  int64_t dim = getDim(c, "dim", getRank(x));
  if (dim < 0 || dim >= getRank(x) || getTensorType(x).isDynamicDim(dim)) {
    c.fail();
    return {};
  }
  int64_t size = getTensorType(x).getDimSize(dim), half = size / 2;
  return {c.slice(x, dim, 0, half), c.slice(x, dim, half, size)};
}
static Values buildGlu(CompositeBuilder &c) {
  auto [first, second] = getHalves(c, c.operand("self"));
  if (!first)
    return {};
  return {c.mul(first, c.sigmoid(second))};
}
static Values buildGluBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_output");
  auto [first, second] = getHalves(c, c.operand("self"));
  if (!first)
    return {};
  Value s = c.sigmoid(second), inner = c.mul(grad, s);
  Value outer = c.mul(c.mul(inner, c.sub(1.0, s)), first);
  return {c.cat({inner, outer},
                getDim(c, "dim", getRank(grad)))};
}
static Values buildSigmoidBackward(CompositeBuilder &c) {
  Value y = c.operand("output");
  return {c.mul(c.operand("grad_output"), c.mul(y, c.sub(1.0, y)))};
}
static Values buildTanhBackward(CompositeBuilder &c) {
  Value y = c.operand("output");
  return {c.mul(c.operand("grad_output"), c.sub(1.0, c.square(y)))};
}
static Values buildSiluBackward(CompositeBuilder &c) {
  Value x = c.operand("self"), s = c.sigmoid(x);
  Value slope = c.mul(s, c.add(c.mul(x, c.sub(1.0, s)), 1.0));
  return {c.mul(c.operand("grad_output"), slope)};
}
static Values buildGeluBackward(CompositeBuilder &c) {
  Value x = c.operand("self"), slope;
  if (c.text("approximate") == "tanh") {
    const double beta = M_SQRT2 * M_2_SQRTPI * 0.5, kappa = 0.044715;
    Value square = c.square(x);
    Value t = c.tanh(
        c.mul(c.add(x, c.mul(c.mul(square, x), kappa)), beta));
    Value inner = c.mul(c.add(c.mul(square, 3 * kappa), 1.0), beta);
    slope = c.add(c.mul(c.add(t, 1.0), 0.5),
                  c.mul(c.mul(c.mul(x, 0.5), c.sub(1.0, c.square(t))), inner));
  } else {
    Value erf = c.create<ErfOp>(c.mul(x, M_SQRT1_2));
    Value density = c.mul(c.exp(c.mul(c.square(x), -0.5)),
                          M_SQRT1_2 * M_2_SQRTPI * 0.5);
    slope = c.add(c.mul(c.add(erf, 1.0), 0.5), c.mul(x, density));
  }
  return {c.mul(c.has("grad") ? c.operand("grad") : c.operand("grad_output"),
                slope)};
}
static Values buildLogit(CompositeBuilder &c) {
  Value x = c.operand("self");
  if (c.has("eps")) {
    double eps = c.number("eps");
    x = c.clampMax(c.clampMin(x, eps), 1 - eps);
  }
  return {c.log(c.div(x, c.sub(1.0, x)))};
}
static Values buildLogitBackward(CompositeBuilder &c) {
  Value x = c.operand("self");
  bool clamps = c.has("eps");
  double eps = clamps ? c.number("eps") : 0;
  Value slope = c.div(c.operand("grad_output"), c.mul(x, c.sub(1.0, x)));
  double outside = clamps ? 0 : std::numeric_limits<double>::quiet_NaN();
  return {c.where(isWithin(c, x, eps, 1 - eps), slope, c.f64(outside))};
}

static constexpr Composite composites[] = {
    {"aten.softplus.default", buildSoftplus},
    {"aten.softplus_backward.default", buildSoftplusBackward},
    {"aten.mish.default", buildMish},
    {"aten.mish_backward.default", buildMishBackward},
    {"aten.log_sigmoid.default", buildLogSigmoid},
    {"aten.log_sigmoid_forward.default", buildLogSigmoidForward},
    {"aten.log_sigmoid_backward.default", buildLogSigmoidBackward},
    {"aten.elu.default", buildElu},
    {"aten.selu.default", buildSelu},
    {"aten.celu.default", buildCelu},
    {"aten.elu_backward.default", buildEluBackward},
    {"aten.hardshrink.default", buildHardshrink},
    {"aten.hardshrink_backward.default", buildHardshrinkBackward},
    {"aten.softshrink.default", buildSoftshrink},
    {"aten.softshrink_backward.default", buildSoftshrinkBackward},
    {"aten.threshold.default", buildThreshold},
    {"aten.threshold_backward.default", buildThresholdBackward},
    {"aten.hardtanh_backward.default", buildHardtanhBackward},
    {"aten.hardsigmoid_backward.default", buildHardsigmoidBackward},
    {"aten.hardswish_backward.default", buildHardswishBackward},
    {"aten.prelu.default", buildPrelu},
    {"aten._prelu_kernel.default", buildPreluKernel},
    {"aten._prelu_kernel_backward.default", buildPreluKernelBackward},
    {"aten.leaky_relu_backward.default", buildLeakyReluBackward},
    {"aten.rrelu.default", buildRrelu},
    {"aten.rrelu_with_noise_functional.default", buildRreluWithNoise},
    {"aten.glu.default", buildGlu},
    {"aten.glu_backward.default", buildGluBackward},
    {"aten.sigmoid_backward.default", buildSigmoidBackward},
    {"aten.tanh_backward.default", buildTanhBackward},
    {"aten.silu_backward.default", buildSiluBackward},
    {"aten.gelu_backward.default", buildGeluBackward},
    {"aten.logit.default", buildLogit},
    {"aten.special_logit.default", buildLogit},
    {"aten.logit_backward.default", buildLogitBackward},
};

ArrayRef<Composite> fx::getActivationComposites() { return composites; }
