//===- CompositesSpecial.cpp - Error and gamma functions ------------------===//
//
// The gamma functions compute in f64: they are sums of large terms of opposite
// sign.
//
//===----------------------------------------------------------------------===//

#include "Composites.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

static const double kInf = std::numeric_limits<double>::infinity();
static const double kNaN = std::numeric_limits<double>::quiet_NaN();

static Value toF64(CompositeBuilder &c, Value x) {
  return c.convert(x, c.getBuilder().getF64Type());
}

//===----------------------------------------------------------------------===//
// Error function
//===----------------------------------------------------------------------===//

/// log(erfc(z)) + z^2 for z >= 0 as log(t) + p(2 t - 1), t = 2 / (2 + z): a
/// Chebyshev expansion, here in powers, as long as the type needs.
static Value scaledLogErfc(CompositeBuilder &c, Value z) {
  static constexpr double f64[] = {
      2.9804724224e-08,        7.99014912e-10,         -2.89560068096e-07,
      1.5975579647999983e-07,  1.28338755584e-06,      -1.7128800911359992e-06,
      -2.9634719252480004e-06, 8.952694538240002e-06,  1.3988043161600056e-07,
      -3.0421098799104e-05,    3.1746944958463994e-05, 7.1495310051328e-05,
      -0.0001743041344256,     -9.3760357455872e-05,   0.00067367913666432,
      -0.00014624252406080003, -0.0023458125532600316, 0.001758933117144512,
      0.00882493856133901,     -0.009872689343194248,  -0.04689561023133001,
      0.047343306841425015,    0.6726432239776583,     -0.6717940840566906};
  static constexpr double f32[] = {
      1.3371503491072e-05,   -8.728381021696e-05,   -3.2113772311552e-05,
      0.0005737663720051199, -0.000182782141716608, -0.002288765238592896,
      0.0017706661186299203, 0.008808825369385823,  -0.009874534918291385,
      -0.04689364055996255,  0.04734341752106748,   0.672643154774543,
      -0.6717940851517215};
  Value t = c.div(c.f64(2), c.add(z, 2.0));
  ArrayRef<double> coefficients(f32);
  if (getElement(z).isF64())
    coefficients = f64;
  return c.add(c.log(t),
               c.polynomial(c.sub(c.mul(t, 2.0), 1.0), coefficients));
}

/// e^(x^2) erfc(x) for x > 0 from its logarithm; 1 - erf(x) near and below 0,
/// where nothing cancels.
static Value erfc(CompositeBuilder &c, Value x) {
  Value isTail = c.gt(x, c.f64(0.5));
  Value z = c.where(isTail, x, c.f64(1));
  Value tail = c.exp(c.sub(scaledLogErfc(c, z), c.square(z)));
  Value erf = c.create<ErfOp>(c.where(isTail, c.f64(0), x));
  return c.where(isTail, tail, c.sub(1.0, erf));
}
static Values buildErfc(CompositeBuilder &c) {
  return {erfc(c, c.operand("self"))};
}
static Values buildErfcx(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value isNegative = c.lt(x, c.f64(0));
  Value scaled = c.exp(scaledLogErfc(c, c.where(isNegative, c.f64(0), x)));
  Value low = c.where(isNegative, x, c.f64(0));
  Value reflected = c.sub(c.mul(c.exp(c.square(low)), 2.0),
                          c.exp(scaledLogErfc(c, c.neg(low))));
  return {c.where(isNegative, reflected, scaled)};
}
/// Phi(x), the normal distribution
static Values buildNdtr(CompositeBuilder &c) {
  return {c.mul(erfc(c, c.mul(c.operand("self"), -M_SQRT1_2)), 0.5)};
}
static Values buildLogNdtr(CompositeBuilder &c) {
  Value z = c.mul(c.operand("self"), -M_SQRT1_2);
  Value isTail = c.gt(z, c.f64(M_SQRT1_2));
  Value far = c.where(isTail, z, c.f64(1));
  Value tail = c.sub(c.sub(scaledLogErfc(c, far), c.square(far)), M_LN2);
  Value near = erfc(c, c.where(isTail, c.f64(0), z));
  return {c.where(isTail, tail, c.log(c.mul(near, 0.5)))};
}

/// The inverse of erf: a rational approximation without a gradient, then two
/// of Newton's steps, through the last of which the gradient is 1 / erf'.
static Values buildErfinv(CompositeBuilder &c) {
  Value y = toF64(c, c.operand("self"));
  Value isInside = c.lt(c.abs(y), c.f64(1));
  Value inner = c.where(isInside, y, c.f64(0));
  Value start = c.detach(inner);
  Value square = c.square(start);
  Value central = c.mul(
      start,
      c.div(c.polynomial(square, {-0.140543331, 0.914624893, -1.645349621,
                                  0.886226899}),
            c.polynomial(square, {0.012229801, -0.329097515, 1.442710462,
                                  -2.118377725, 1.0})));
  Value z = c.sqrt(c.neg(c.log(c.div(c.sub(1.0, c.abs(start)), 2.0))));
  Value tail = c.mul(
      c.sign(start),
      c.div(c.polynomial(z, {1.641345311, 3.429567803, -1.624906493,
                             -1.970840454}),
            c.polynomial(z, {1.637067800, 3.543889200, 1.0})));
  Value x = c.where(c.le(c.abs(start), c.f64(0.7)), central, tail);
  for (int step = 0; step < 2; ++step) {
    Value slope = c.mul(c.exp(c.neg(c.square(x))), M_2_SQRTPI);
    Value erf = c.create<ErfOp>(x);
    x = c.sub(c.detach(x), c.div(c.sub(c.detach(erf), inner),
                                 c.detach(slope)));
  }
  Value nan = c.full({}, c.f64(kNaN), getElement(y));
  Value edge = c.whereNumber(c.eq(y, c.f64(1)), kInf,
                             c.whereNumber(c.eq(y, c.f64(-1)), -kInf, nan));
  return {c.where(isInside, x, edge)};
}

/// The inverse of the normal distribution: a rational approximation of the
/// tail, then two of Halley's steps; the gradient is 1 / density.
static Values buildNdtri(CompositeBuilder &c) {
  Value p = toF64(c, c.operand("self"));
  Value isInside = c.logicalAnd(c.gt(p, c.f64(0)), c.lt(p, c.f64(1)));
  Value inner = c.where(isInside, p, c.f64(0.5));
  Value start = c.detach(inner);
  Value isLow = c.le(start, c.f64(0.5));
  Value tail = c.where(isLow, start, c.sub(1.0, start));
  Value t = c.sqrt(c.mul(c.log(tail), -2.0));
  Value x = c.sub(
      t, c.div(c.polynomial(t, {0.010328, 0.802853, 2.515517}),
               c.polynomial(t, {0.001308, 0.189269, 1.432788, 1.0})));
  for (int step = 0; step < 2; ++step) {
    Value density = c.mul(c.exp(c.mul(c.square(x), -0.5)),
                          M_SQRT1_2 / std::sqrt(M_PI));
    Value above = c.mul(erfc(c, c.mul(x, M_SQRT1_2)), 0.5);
    Value error = c.div(c.sub(above, tail), density);
    x = c.add(x, c.div(error, c.sub(1.0, c.mul(c.mul(error, x), 0.5))));
  }
  x = c.detach(c.where(isLow, c.neg(x), x));
  Value slope = c.mul(c.exp(c.mul(c.square(x), 0.5)), std::sqrt(2 * M_PI));
  x = c.add(x, c.mul(c.sub(inner, start), slope));
  Value nan = c.full({}, c.f64(kNaN), getElement(p));
  Value edge = c.whereNumber(c.eq(p, c.f64(1)), kInf,
                             c.whereNumber(c.eq(p, c.f64(0)), -kInf, nan));
  return {c.where(isInside, x, edge)};
}

//===----------------------------------------------------------------------===//
// Gamma function
//===----------------------------------------------------------------------===//

namespace {
/// x with what the reflection at 1/2 needs: `z` is x or 1 - x, at least 1/2.
struct Reflected {
  Reflected(CompositeBuilder &c, Value x)
      : isLow(c.lt(x, c.f64(0.5))),
        z(c.where(isLow, c.sub(1.0, x), x)) {
    // sin and cos of pi x have the period 2 or 1 up to the sign.
    Value rest = c.sub(x, c.create<RoundOp>(x));
    angle = c.mul(c.where(isLow, rest, c.f64(0.5)), M_PI);
  }
  Value isLow, z, angle;
};
} // namespace

/// z, or z + 10 where it is too small for an asymptotic expansion, and the mask
/// of the latter.
static std::pair<Value, Value> shiftUp(CompositeBuilder &c, Value z) {
  Value isSmall = c.lt(z, c.f64(10));
  return {c.where(isSmall, c.add(z, 10.0), z), isSmall};
}

/// log|Gamma(x)|
static Value lgamma(CompositeBuilder &c, Value x) {
  Value isInfinite = c.isInf(x);
  x = c.whereNumber(isInfinite, 1, x);
  Reflected r(c, x);
  auto [large, isSmall] = shiftUp(c, r.z);
  // Stirling's series.
  Value inverse = c.reciprocal(large);
  Value series = c.polynomial(
      c.square(inverse),
      {-1.0 / 1680, 1.0 / 1260, -1.0 / 360, 1.0 / 12});
  Value result =
      c.add(c.sub(c.mul(c.sub(large, 0.5), c.log(large)), large),
            c.add(c.mul(series, inverse), 0.91893853320467274178));
  // Gamma(z + 10) = Gamma(z) z (z + 1) … (z + 9)
  Value small = c.where(isSmall, r.z, c.f64(1)), product = small;
  for (int k = 1; k < 10; ++k)
    product = c.mul(product, c.add(small, double(k)));
  result = c.sub(result, c.whereNumber(c.create<LogicalNotOp>(isSmall), 0,
                                       c.log(product)));
  // Gamma(x) Gamma(1 - x) = pi / sin(pi x)
  Value sine = c.abs(c.create<SinOp>(r.angle));
  Value reflected = c.sub(c.sub(std::log(M_PI), c.log(sine)), result);
  return c.whereNumber(isInfinite, kInf,
                       c.where(r.isLow, reflected, result));
}
static Values buildLgamma(CompositeBuilder &c) {
  return {lgamma(c, toF64(c, c.operand("self")))};
}
static Values buildMvlgamma(CompositeBuilder &c) {
  Value x = toF64(c, c.operand("self")), sum;
  int64_t p = c.integer("p");
  if (p < 1 || p > 16)
    return c.fail();
  for (int64_t i = 0; i < p; ++i) {
    Value term = lgamma(c, c.sub(x, i / 2.0));
    sum = sum ? c.add(sum, term) : term;
  }
  return {c.add(sum, p * (p - 1) * std::log(M_PI) / 4)};
}

/// The sum of (z + k)^-power for k below 10
static Value sumOfPowers(CompositeBuilder &c, Value z, int power) {
  Value sum;
  for (int k = 0; k < 10; ++k) {
    Value term = c.reciprocal(k == 0 ? z : c.add(z, double(k)));
    if (power == 2)
      term = c.square(term);
    sum = sum ? c.add(sum, term) : term;
  }
  return sum;
}

/// The derivative of log Gamma
static Value digamma(CompositeBuilder &c, Value x) {
  // NaN at negative integers, minus infinity at +0, infinity at -0.
  Value isPole = c.logicalAnd(c.lt(x, c.f64(0)), c.eq(x, c.floor(x)));
  Reflected r(c, x);
  auto [large, isSmall] = shiftUp(c, r.z);
  Value inverse = c.reciprocal(large), square = c.square(inverse);
  Value series = c.mul(
      c.polynomial(square, {-1.0 / 132, 1.0 / 240, -1.0 / 252, 1.0 / 120,
                            -1.0 / 12}),
      square);
  Value result = c.add(c.sub(c.log(large), c.mul(inverse, 0.5)), series);
  Value small = c.where(isSmall, r.z, c.f64(1));
  result = c.sub(result, c.keepWhere(isSmall, sumOfPowers(c, small, 1)));
  Value cotangent =
      c.div(c.create<CosOp>(r.angle), c.create<SinOp>(r.angle));
  result = c.where(r.isLow, c.sub(result, c.mul(cotangent, M_PI)), result);
  result = c.whereNumber(isPole, kNaN, result);
  Value atZero = c.neg(c.reciprocal(c.detach(x)));
  return c.where(c.eq(x, c.f64(0)), atZero, result);
}
static Values buildDigamma(CompositeBuilder &c) {
  return {digamma(c, toF64(c, c.operand("self")))};
}

/// The derivative of digamma
static Value trigamma(CompositeBuilder &c, Value x) {
  Reflected r(c, x);
  auto [large, isSmall] = shiftUp(c, r.z);
  Value inverse = c.reciprocal(large), square = c.square(inverse);
  Value series = c.mul(
      c.polynomial(square, {5.0 / 66, -1.0 / 30, 1.0 / 42, -1.0 / 30, 1.0 / 6}),
      c.mul(square, inverse));
  Value result = c.add(c.add(inverse, c.mul(square, 0.5)), series);
  Value small = c.where(isSmall, r.z, c.f64(1));
  result = c.add(result, c.keepWhere(isSmall, sumOfPowers(c, small, 2)));
  Value ratio = c.div(c.f64(M_PI), c.create<SinOp>(r.angle));
  return c.where(r.isLow, c.sub(c.square(ratio), result), result);
}

/// The sum of (q + k)^-s over k >= 0, s > 1 and q > 0: its first terms, and
/// Euler and Maclaurin's formula for the rest.
static Value zetaOfPositive(CompositeBuilder &c, Value s, Value q) {
  static constexpr int kTerms = 9;
  Value exponent = c.neg(s), sum;
  for (int k = 0; k < kTerms; ++k) {
    Value term = c.pow(k == 0 ? q : c.add(q, double(k)), exponent);
    sum = sum ? c.add(sum, term) : term;
  }
  Value a = c.add(q, double(kTerms)), power = c.pow(a, exponent);
  sum = c.add(sum, c.mul(power, c.add(c.div(a, c.sub(s, 1.0)), 0.5)));
  // Bernoulli's numbers by factorials: B2 / 2!, B4 / 4!, …
  static constexpr double kBernoulli[] = {
      1.0 / 12,
      -1.0 / 720,
      1.0 / 30240,
      -1.0 / 1209600,
      1.0 / 47900160,
      -691.0 / 1307674368000,
      1.0 / 74724249600,
      -3617.0 / 10670622842880000};
  Value factor = c.mul(power, c.div(s, a)), inverse = c.reciprocal(c.square(a));
  for (auto [j, number] : llvm::enumerate(kBernoulli)) {
    sum = c.add(sum, c.mul(factor, number));
    Value next = c.mul(c.add(s, 2.0 * j + 1), c.add(s, 2.0 * j + 2));
    factor = c.mul(c.mul(factor, next), inverse);
  }
  return sum;
}

/// Hurwitz' zeta function for s > 1. Below 0 the terms up to the pole are those
/// of a series from the other side: with r = q - floor(q)
///   zeta(s, q) = zeta(s, r) + (-1)^s (zeta(s, 1 - r) - zeta(s, 1 - q)).
static Value zeta(CompositeBuilder &c, Value s, Value q) {
  Value isPositive = c.gt(q, c.f64(0)), floor = c.floor(q);
  Value isPole = c.logicalAnd(c.logicalNot(isPositive), c.eq(q, floor));
  Value isUsable = c.logicalOr(isPositive, isPole);
  Value direct = zetaOfPositive(c, s, c.whereNumber(isPole, 1,
      c.where(isPositive, q, c.sub(q, floor))));
  Value low = c.where(isUsable, c.f64(-0.5), q);
  Value rest = c.sub(low, c.floor(low));
  Value mirrored = c.sub(zetaOfPositive(c, s, c.sub(1.0, rest)),
                         zetaOfPositive(c, s, c.sub(1.0, low)));
  Value half = c.mul(s, 0.5);
  Value isEven = c.eq(half, c.floor(half));
  mirrored = c.where(isEven, mirrored, c.neg(mirrored));
  // Powers of negative numbers exist for integers only.
  mirrored = c.where(c.eq(s, c.floor(s)), mirrored, c.f64(kNaN));
  Value value = c.where(isUsable, direct, c.add(direct, mirrored));
  return c.whereNumber(isPole, kInf, value);
}
static Values buildZeta(CompositeBuilder &c) {
  Type f64 = c.getBuilder().getF64Type();
  auto argument = [&](StringRef name) {
    Value value = c.value(name);
    return isTensor(value) ? c.convert(value, f64) : c.full({}, value, f64);
  };
  Value s = argument("self"), q = argument("other");
  Value isConvergent = c.gt(s, c.f64(1));
  Value sum = zeta(c, c.where(isConvergent, s, c.f64(2)), q);
  Value isNaN = c.logicalOr(c.isNaN(s), c.lt(s, c.f64(1)));
  Value value = c.whereNumber(c.logicalNot(isConvergent), kInf, sum);
  return {c.whereNumber(isNaN, kNaN, value)};
}

/// Of order 2 and more (-1)^(n + 1) n! zeta(n + 1, x).
static Values buildPolygamma(CompositeBuilder &c) {
  int64_t n = c.integer("n");
  Value x = toF64(c, c.operand("self"));
  if (n == 0)
    return {digamma(c, x)};
  if (n == 1)
    return {trigamma(c, x)};
  // Factorials of larger numbers are not exact.
  if (n < 0 || n > 20)
    return c.fail();
  Value order = c.full({}, c.f64(n + 1), c.getBuilder().getF64Type());
  double factor = std::tgamma(n + 1.0);
  return {c.mul(zeta(c, order, x), n % 2 ? factor : -factor)};
}

//===----------------------------------------------------------------------===//
// Entropy
//===----------------------------------------------------------------------===//

/// x f(y), 0 where x is 0 and f(y) is not finite
static Value timesLogarithm(CompositeBuilder &c, double pole,
                            Value (*logarithm)(CompositeBuilder &, Value)) {
  Value x = c.operand("self"), y = c.operand("other");
  // A number among them becomes a tensor, so that it can be tested.
  Type type = c.compute();
  if (!isTensor(x))
    x = c.full({}, x, type);
  if (!isTensor(y))
    y = c.full({}, y, type);
  Value isUndefined = c.logicalOr(c.le(y, c.f64(pole)),
                                  c.eq(y, c.f64(kInf)));
  isUndefined = c.logicalAnd(c.eq(x, c.f64(0)), isUndefined);
  Value inner = c.where(isUndefined, c.f64(1), y);
  return c.whereNumber(isUndefined, 0, c.mul(x, logarithm(c, inner)));
}
static Values buildXlogy(CompositeBuilder &c) {
  return {timesLogarithm(
      c, 0, [](CompositeBuilder &c, Value y) { return c.log(y); })};
}
static Values buildXlog1py(CompositeBuilder &c) {
  return {timesLogarithm(
      c, -1, [](CompositeBuilder &c, Value y) { return c.log1p(y); })};
}
/// -x log(x), 0 at 0 and minus infinity below
static Values buildEntr(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value isPositive = c.gt(x, c.f64(0));
  Value y = c.neg(c.mul(x, c.log(c.where(isPositive, x, c.f64(1)))));
  y = c.whereNumber(c.lt(x, c.f64(0)), -kInf, y);
  return {c.where(c.isNaN(x), x, y)};
}

static constexpr Composite composites[] = {
    {"aten.erfc.default", buildErfc},
    {"aten.special_erfc.default", buildErfc},
    {"aten.special_erfcx.default", buildErfcx},
    {"aten.erfinv.default", buildErfinv},
    {"aten.special_erfinv.default", buildErfinv},
    {"aten.special_ndtr.default", buildNdtr},
    {"aten.special_ndtri.default", buildNdtri},
    {"aten.special_log_ndtr.default", buildLogNdtr},
    {"aten.lgamma.default", buildLgamma},
    {"aten.special_gammaln.default", buildLgamma},
    {"aten.mvlgamma.default", buildMvlgamma},
    {"aten.special_multigammaln.default", buildMvlgamma},
    {"aten.digamma.default", buildDigamma},
    {"aten.special_digamma.default", buildDigamma},
    {"aten.special_psi.default", buildDigamma},
    {"aten.polygamma.default", buildPolygamma},
    {"aten.special_polygamma.default", buildPolygamma},
    {"aten.special_zeta.default", buildZeta},
    {"aten.special_zeta.self_scalar", buildZeta},
    {"aten.special_zeta.other_scalar", buildZeta},
    {"aten.xlogy.Tensor", buildXlogy},
    {"aten.xlogy.Scalar_Self", buildXlogy},
    {"aten.xlogy.Scalar_Other", buildXlogy},
    {"aten.special_xlogy.default", buildXlogy},
    {"aten.special_xlogy.self_scalar", buildXlogy},
    {"aten.special_xlogy.other_scalar", buildXlogy},
    {"aten.special_xlog1py.default", buildXlog1py},
    {"aten.special_xlog1py.self_scalar", buildXlog1py},
    {"aten.special_xlog1py.other_scalar", buildXlog1py},
    {"aten.special_entr.default", buildEntr},
};

ArrayRef<Composite> fx::getSpecialComposites() { return composites; }
