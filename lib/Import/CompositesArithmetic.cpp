//===- CompositesArithmetic.cpp - Elementary functions, numbers, bits -----===//

#include "Composites.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

static const double kInf = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Trigonometric and hyperbolic functions
//===----------------------------------------------------------------------===//

static Values buildTan(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {c.div(c.create<SinOp>(x), c.create<CosOp>(x))};
}
/// sqrt(1 - x^2), accurate near 1 and -1
static Value coordinate(CompositeBuilder &c, Value x) {
  return c.sqrt(c.mul(c.sub(1.0, x), c.add(x, 1.0)));
}
static Values buildAsin(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {c.create<Atan2Op>(x, coordinate(c, x))};
}
static Values buildAcos(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {c.create<Atan2Op>(coordinate(c, x), x)};
}
static Values buildAtan(CompositeBuilder &c) {
  Value one = c.full({}, c.f64(1), c.compute());
  return {c.create<Atan2Op>(c.operand("self"), one)};
}

/// e^x / 2 of numbers whose e^x overflows, too
static Value halfExp(CompositeBuilder &c, Value x) {
  Value root = c.exp(c.mul(x, 0.5));
  return c.mul(c.mul(root, 0.5), root);
}
static Values buildSinh(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value isLarge = c.gt(c.abs(x), c.f64(1));
  Value e = c.expm1(c.whereNumber(isLarge, 0, x));
  Value near = c.mul(c.add(e, c.div(e, c.add(e, 1.0))), 0.5);
  Value far = c.sub(halfExp(c, x), halfExp(c, c.neg(x)));
  return {c.where(isLarge, far, near)};
}
static Values buildCosh(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {c.add(halfExp(c, x), halfExp(c, c.neg(x)))};
}

/// An odd function of x by its formula for numbers that are not negative.
static Value odd(CompositeBuilder &c, Value x,
                 llvm::function_ref<Value(Value)> formula) {
  Value ones = c.full({}, c.f64(1), getElement(x));
  Value sign = c.where(c.lt(x, c.f64(0)), c.f64(-1), ones);
  return c.mul(sign, formula(c.mul(x, sign)));
}
/// Where squares need not be added to 1 any more.
static constexpr double kHuge = 1e9;

static Values buildAsinh(CompositeBuilder &c) {
  return {odd(c, c.operand("self"), [&](Value a) {
    Value isHuge = c.gt(a, c.f64(kHuge));
    Value small = c.whereNumber(isHuge, 1, a), square = c.square(small);
    Value root = c.sqrt(c.add(square, 1.0));
    Value near = c.log1p(c.add(small, c.div(square, c.add(root, 1.0))));
    return c.where(isHuge,
                   c.add(c.log(c.where(isHuge, a, c.f64(1))), M_LN2), near);
  })};
}
static Values buildAcosh(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value isHuge = c.gt(x, c.f64(kHuge));
  Value rest = c.sub(c.whereNumber(isHuge, 2, x), 1.0);
  Value near =
      c.log1p(c.add(rest, c.sqrt(c.mul(rest, c.add(rest, 2.0)))));
  return {c.where(isHuge, c.add(c.log(c.where(isHuge, x, c.f64(1))), M_LN2),
                  near)};
}
static Values buildAtanh(CompositeBuilder &c) {
  return {odd(c, c.operand("self"), [&](Value a) {
    return c.mul(c.log1p(c.div(c.mul(a, 2.0), c.sub(1.0, a))), 0.5);
  })};
}

//===----------------------------------------------------------------------===//
// Exponentials and roots
//===----------------------------------------------------------------------===//

static Values buildLog10(CompositeBuilder &c) {
  return {c.mul(c.create<Log2Op>(c.operand("self")), M_LN2 / M_LN10)};
}
/// sin(pi x) / (pi x), 1 at 0
static Values buildSinc(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value isZero = c.eq(x, c.f64(0));
  Value angle = c.mul(c.whereNumber(isZero, 1, x), M_PI);
  return {c.whereNumber(isZero, 1, c.div(c.create<SinOp>(angle), angle))};
}
/// m + log(1 + b^-|x - y|), m = max(x, y): m alone if both are the same
/// infinity
static Value logAddExp(CompositeBuilder &c, Value x, Value y, bool isBinary) {
  Value isSame = c.logicalAnd(c.isInf(x), c.eq(x, y));
  Value distance = c.whereNumber(isSame, 0, c.neg(c.abs(c.sub(x, y))));
  Value rest = isBinary
                   ? c.mul(c.log1p(c.create<Exp2Op>(distance)), M_LOG2E)
                   : c.log1p(c.exp(distance));
  Value larger = c.maximum(x, y);
  return c.where(isSame, larger, c.add(larger, rest));
}
Value fx::buildLogAddExp(CompositeBuilder &c, Value x, Value y) {
  return logAddExp(c, x, y, /*isBinary=*/false);
}
template <bool IsBinary>
static Values buildLogAddExp(CompositeBuilder &c) {
  return {logAddExp(c, c.operand("self"), c.operand("other"), IsBinary)};
}
/// sqrt(x^2 + y^2), scaled so that the squares neither overflow nor vanish
static Values buildHypot(CompositeBuilder &c) {
  Value x = c.operand("self"), y = c.operand("other");
  Value scale = c.detach(c.maximum(c.abs(x), c.abs(y)));
  Value isUsable = c.logicalAnd(c.gt(scale, c.f64(0)),
                                c.logicalNot(c.isInf(scale)));
  scale = c.where(isUsable, scale, c.f64(1));
  Value sum = c.add(c.square(c.div(x, scale)), c.square(c.div(y, scale)));
  return {c.mul(c.sqrt(sum), scale)};
}
static Values buildLdexp(CompositeBuilder &c) {
  return {c.mul(c.operand("self"), c.pow(c.f64(2), c.operand("other")))};
}
static Values buildFloatPower(CompositeBuilder &c) {
  return {c.pow(c.operand("self"), c.operand("exponent"))};
}
template <bool ToDegrees>
static Values buildAngle(CompositeBuilder &c) {
  return {c.mul(c.operand("self"), ToDegrees ? 180 / M_PI : M_PI / 180)};
}

//===----------------------------------------------------------------------===//
// Parts and classes of numbers
//===----------------------------------------------------------------------===//

static Values buildFrac(CompositeBuilder &c) {
  Value x = c.operand("self");
  return {c.sub(x, c.create<TruncOp>(x))};
}
static Values buildSquare(CompositeBuilder &c) {
  return {c.square(c.operand("self"))};
}
/// Whether the sign bit is set; of a NaN it counts as not set.
static Value isSigned(CompositeBuilder &c, Value x) {
  x = c.toCompute(x);
  Value isNegative = c.lt(x, c.numberLike(0, x));
  if (!isFloatType(getElement(x)))
    return isNegative;
  Value isMinusZero = c.logicalAnd(c.eq(x, c.f64(0)),
                                   c.lt(c.reciprocal(c.detach(x)), c.f64(0)));
  return c.logicalOr(isNegative, isMinusZero);
}
static Values buildSignbit(CompositeBuilder &c) {
  return {isSigned(c, c.value("self"))};
}
static Values buildCopysign(CompositeBuilder &c) {
  Value size = c.abs(c.operand("self")), other = c.operand("other");
  if (!isTensor(other)) {
    if (!c.isLiteral("other"))
      return c.fail();
    return {std::signbit(c.number("other")) ? c.neg(size) : size};
  }
  return {c.where(isSigned(c, other), c.neg(size), size)};
}
/// x = m 2^e, 1/2 <= |m| < 1. The exponent by log2 is at most one off; powers
/// of two are exact in f32 if computed in f64.
static Values buildFrexp(CompositeBuilder &c) {
  Value self = c.value("self");
  Type wide = c.getBuilder().getF64Type();
  if (getElement(self).isF64())
    return c.fail();
  Value x = c.convert(self, wide);
  Value isFinite = c.logicalNot(c.logicalOr(c.isNaN(x), c.isInf(x)));
  Value isUsual = c.logicalAnd(isFinite, c.ne(x, c.f64(0)));
  Value size = c.where(isUsual, c.abs(x), c.f64(0.5));
  Value exponent = c.add(c.floor(c.create<Log2Op>(size)), 1.0);
  Value mantissa = c.mul(size, c.create<Exp2Op>(c.neg(exponent)));
  // Rounds to the mantissa of the narrow type, which has it exactly.
  mantissa = c.convert(c.convert(mantissa, c.getBuilder().getF32Type()), wide);
  Value isLarge = c.ge(mantissa, c.f64(1));
  Value isSmall = c.lt(mantissa, c.f64(0.5));
  Value shift = c.where(isLarge, c.f64(1),
                        c.where(isSmall, c.f64(-1), c.zerosLike(x)));
  mantissa = c.where(isLarge, c.mul(mantissa, 0.5),
                     c.where(isSmall, c.mul(mantissa, 2.0), mantissa));
  mantissa = c.where(isUsual,
                     c.where(c.lt(x, c.f64(0)), c.neg(mantissa), mantissa), x);
  return {mantissa, c.keepWhere(isUsual, c.add(exponent, shift))};
}
static Values buildHeaviside(CompositeBuilder &c) {
  Value x = c.value("self");
  Type type = c.resultType().getElementType();
  return {c.where(c.eq(x, c.numberLike(0, x)), c.value("values"),
                  c.convert(c.gt(x, c.numberLike(0, x)), type))};
}
static Value isFinite(CompositeBuilder &c, Value x) {
  return c.logicalNot(c.logicalOr(c.isNaN(x), c.isInf(x)));
}
static Values buildIsfinite(CompositeBuilder &c) {
  return {isFinite(c, c.value("self"))};
}
template <int Sign>
static Values buildIsInfinity(CompositeBuilder &c) {
  Value x = c.value("self");
  if (!isFloatType(getElement(x)))
    return {c.isInf(x)};
  return {c.eq(x, c.f64(Sign * kInf))};
}
static Values buildIsreal(CompositeBuilder &c) {
  Value x = c.value("self");
  return {c.logicalOr(c.isNaN(x), c.eq(x, x))};
}
/// |self - other| <= atol + |rtol other|, or equal
static Values buildIsclose(CompositeBuilder &c) {
  Value x = c.value("self"), y = c.value("other");
  Type type = getComputeType(promoteElementTypes({x, y}));
  if (isBoolType(type))
    type = c.getBuilder().getF32Type();
  x = c.convert(x, type), y = c.convert(y, type);
  Value isClose = c.eq(x, y);
  if (c.flag("equal_nan"))
    isClose = c.logicalOr(isClose, c.logicalAnd(c.isNaN(x), c.isNaN(y)));
  Value allowed =
      c.add(c.abs(c.mul(y, c.number("rtol"))), c.number("atol"));
  Value error = c.abs(c.sub(x, y));
  Value isWithin = c.logicalAnd(isFinite(c, error), c.le(error, allowed));
  return {c.logicalOr(isClose, isWithin)};
}
static Values buildNanToNum(CompositeBuilder &c) {
  Value x = c.value("self");
  auto type = dyn_cast<FloatType>(getElement(x));
  if (!type)
    return {x};
  double largest =
      llvm::APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
  Value y = c.whereNumber(c.isNaN(x), c.numberOr("nan", 0), x);
  y = c.whereNumber(c.eq(x, c.f64(kInf)), c.numberOr("posinf", largest), y);
  return {c.whereNumber(c.eq(x, c.f64(-kInf)), c.numberOr("neginf", -largest),
                        y)};
}
/// The larger (smaller) number; NaN only if both are.
template <bool IsMax>
static Values buildExtremum(CompositeBuilder &c) {
  Value x = c.operand("self"), y = c.operand("other");
  Value wins = IsMax ? c.ge(x, y) : c.le(x, y);
  return {c.where(c.logicalOr(wins, c.isNaN(y)), x, y)};
}
static Values buildRoundDecimals(CompositeBuilder &c) {
  Value x = c.operand("self");
  int64_t decimals = c.integer("decimals");
  if (!isFloatType(getElement(x)))
    return decimals == 0 ? Values{x} : c.fail();
  double factor = std::pow(10.0, std::abs(decimals));
  if (decimals == 0)
    return {c.create<RoundOp>(x)};
  if (decimals > 0)
    return {c.div(c.create<RoundOp>(c.mul(x, factor)), factor)};
  return {c.mul(c.create<RoundOp>(c.div(x, factor)), factor)};
}
/// pi of negative numbers, 0 of others, NaN of NaN
static Values buildPhase(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value angle = c.where(c.lt(x, c.f64(0)), c.f64(M_PI),
                        c.full({}, c.f64(0), getElement(x)));
  return {c.where(c.isNaN(x), x, angle)};
}

//===----------------------------------------------------------------------===//
// Numbers as tensors and as the first operand, masks
//===----------------------------------------------------------------------===//

static Values buildScalarTensor(CompositeBuilder &c) {
  return {c.full({}, c.value("s"), c.resultType().getElementType())};
}
static Values buildZeros(CompositeBuilder &c) {
  Sizes sizes;
  for (int64_t size : c.integers("size"))
    sizes.push_back(c.size(size));
  return {c.full(sizes, c.f64(0), c.resultType().getElementType())};
}
template <typename OpTy>
static Values buildScalarFirst(CompositeBuilder &c) {
  return {c.create<OpTy>(c.operand("self"), c.operand("other"))};
}
static Values buildNativeDropoutBackward(CompositeBuilder &c) {
  Value mask = c.convert(c.value("mask"), c.compute());
  return {c.mul(c.operand("grad_output"),
                c.mul(mask, c.number("scale")))};
}

//===----------------------------------------------------------------------===//
// Shifts
//===----------------------------------------------------------------------===//

/// x * 2^n; more bits than there are shift everything out.
static Values buildShiftLeft(CompositeBuilder &c) {
  Value n = c.operand("other");
  if (!isTensor(n))
    n = c.full({}, n, c.resultType().getElementType());
  return {c.mul(c.operand("self"), c.pow(c.i64(2), n))};
}
/// floor(x / 2^n); the sign for as many bits as there are.
static Values buildShiftRight(CompositeBuilder &c) {
  Value x = c.operand("self"), n = c.operand("other");
  Type type = c.resultType().getElementType();
  auto integer = cast<IntegerType>(type);
  int64_t most = integer.getWidth() - (integer.isUnsigned() ? 1 : 2);
  if (!isTensor(n))
    n = c.full({}, n, type);
  if (!isTensor(x))
    x = c.full({}, x, type);
  Value zeros = c.full({}, c.i64(0), type);
  Value inRange = c.le(n, c.i64(most));
  if (!integer.isUnsigned())
    inRange = c.logicalAnd(inRange, c.ge(n, c.i64(0)));
  Value divisor = c.pow(c.i64(2), c.where(inRange, n, zeros));
  Value quotient = c.create<DivRoundedOp>(x, divisor, "floor");
  Value rest = integer.isUnsigned()
                   ? zeros
                   : c.where(c.lt(x, c.i64(0)), c.i64(-1), zeros);
  return {c.where(inRange, quotient, rest)};
}

static constexpr Composite composites[] = {
    {"aten.tan.default", buildTan},
    {"aten.asin.default", buildAsin},
    {"aten.arcsin.default", buildAsin},
    {"aten.acos.default", buildAcos},
    {"aten.arccos.default", buildAcos},
    {"aten.atan.default", buildAtan},
    {"aten.arctan.default", buildAtan},
    {"aten.sinh.default", buildSinh},
    {"aten.cosh.default", buildCosh},
    {"aten.asinh.default", buildAsinh},
    {"aten.arcsinh.default", buildAsinh},
    {"aten.acosh.default", buildAcosh},
    {"aten.arccosh.default", buildAcosh},
    {"aten.atanh.default", buildAtanh},
    {"aten.arctanh.default", buildAtanh},
    {"aten.log10.default", buildLog10},
    {"aten.sinc.default", buildSinc},
    {"aten.special_sinc.default", buildSinc},
    {"aten.logaddexp.default", buildLogAddExp<false>},
    {"aten.logaddexp2.default", buildLogAddExp<true>},
    {"aten.hypot.default", buildHypot},
    {"aten.ldexp.Tensor", buildLdexp},
    {"aten.float_power.Tensor_Tensor", buildFloatPower},
    {"aten.float_power.Tensor_Scalar", buildFloatPower},
    {"aten.float_power.Scalar", buildFloatPower},
    {"aten.deg2rad.default", buildAngle<false>},
    {"aten.rad2deg.default", buildAngle<true>},
    {"aten.frac.default", buildFrac},
    {"aten.square.default", buildSquare},
    {"aten.signbit.default", buildSignbit},
    {"aten.copysign.Tensor", buildCopysign},
    {"aten.copysign.Scalar", buildCopysign},
    {"aten.frexp.Tensor", buildFrexp},
    {"aten.heaviside.default", buildHeaviside},
    {"aten.isfinite.default", buildIsfinite},
    {"aten.isposinf.default", buildIsInfinity<1>},
    {"aten.isneginf.default", buildIsInfinity<-1>},
    {"aten.isreal.default", buildIsreal},
    {"aten.isclose.default", buildIsclose},
    {"aten.nan_to_num.default", buildNanToNum},
    {"aten.fmax.default", buildExtremum<true>},
    {"aten.fmin.default", buildExtremum<false>},
    {"aten.round.decimals", buildRoundDecimals},
    {"aten.special_round.default", buildRoundDecimals},
    {"aten.angle.default", buildPhase},
    {"prims.scalar_tensor.default", buildScalarTensor},
    {"aten._efficientzerotensor.default", buildZeros},
    {"aten.remainder.Scalar_Tensor", buildScalarFirst<RemainderOp>},
    {"aten.bitwise_and.Scalar_Tensor", buildScalarFirst<BitwiseAndOp>},
    {"aten.bitwise_or.Scalar_Tensor", buildScalarFirst<BitwiseOrOp>},
    {"aten.bitwise_xor.Scalar_Tensor", buildScalarFirst<BitwiseXorOp>},
    {"aten.native_dropout_backward.default", buildNativeDropoutBackward},
    {"aten.__lshift__.Scalar", buildShiftLeft},
    {"aten.__lshift__.Tensor", buildShiftLeft},
    {"aten.bitwise_left_shift.Tensor", buildShiftLeft},
    {"aten.bitwise_left_shift.Tensor_Scalar", buildShiftLeft},
    {"aten.bitwise_left_shift.Scalar_Tensor", buildShiftLeft},
    {"aten.__rshift__.Scalar", buildShiftRight},
    {"aten.__rshift__.Tensor", buildShiftRight},
    {"aten.bitwise_right_shift.Tensor", buildShiftRight},
    {"aten.bitwise_right_shift.Tensor_Scalar", buildShiftRight},
    {"aten.bitwise_right_shift.Scalar_Tensor", buildShiftRight},
};

ArrayRef<Composite> fx::getArithmeticComposites() { return composites; }
