//===- Scalars.cpp - Building computations on scalars ---------------------===//

#include "Scalars.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;

Type fx::getSignlessType(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.isSignless())
    return element;
  return IntegerType::get(element.getContext(), integer.getWidth());
}

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// A constant, converted while it still has all its bits.
static Value castConstant(ScalarBuilder &s, Value value, Type from, Type to) {
  APFloat real(0.0);
  APInt integer;
  if (isFloatType(from) && matchPattern(value, m_ConstantFloat(&real))) {
    bool lossy = false;
    (void)real.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                       &lossy);
    double number = real.convertToDouble();
    if (isFloatType(to))
      return s.constantFloat(to, number);
    if (isBoolType(to))
      return s.constantInt(to, number != 0.0);
    if (std::abs(number) < 9.0e18)
      return s.constantInt(to, static_cast<int64_t>(number));
    return Value();
  }
  if (!isFloatType(from) && matchPattern(value, m_ConstantInt(&integer))) {
    int64_t number = isUnsignedType(from) ? (int64_t)integer.getZExtValue()
                                          : integer.getSExtValue();
    if (isFloatType(to))
      return s.constantFloat(to, static_cast<double>(number));
    return s.constantInt(to, isBoolType(to) ? number != 0 : number);
  }
  return Value();
}

Value fx::castScalar(OpBuilder &builder, Location loc, Value value, Type from,
                     Type to) {
  if (from == to)
    return value;
  ScalarBuilder s{builder, loc};
  if (Value constant = castConstant(s, value, from, to))
    return constant;
  Type f32 = builder.getF32Type();
  bool fromHalf = from.isF16() || from.isBF16();
  bool toHalf = to.isF16() || to.isBF16();
  // Everything between a half type and another type goes through f32, as in
  // ATen; it also avoids conversions that need library functions.
  if (fromHalf && to != f32)
    return castScalar(builder, loc, castScalar(builder, loc, value, from, f32),
                      f32, to);
  if (toHalf && from != f32)
    return castScalar(builder, loc, castScalar(builder, loc, value, from, f32),
                      f32, to);
  if (isFloatType(from) && isFloatType(to)) {
    if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
      return s.op<arith::ExtFOp>(to, value);
    return s.op<arith::TruncFOp>(to, value);
  }
  if (isFloatType(from)) {
    if (isBoolType(to))
      return s.compare(from, Relation::Ne, value, s.constantFloat(from, 0.0));
    unsigned width = to.getIntOrFloatBitWidth();
    // Narrow integers wrap around, as C++ does in practice.
    Type wide = builder.getIntegerType(std::max(width, 32u));
    Value integer = s.op<arith::FPToSIOp>(wide, value);
    return s.cast(integer, wide, to);
  }
  Type signless = getSignlessType(to);
  if (isFloatType(to)) {
    if (isUnsignedType(from))
      return s.op<arith::UIToFPOp>(to, value);
    return s.op<arith::SIToFPOp>(to, value);
  }
  if (isBoolType(to))
    return s.compare(from, Relation::Ne, value, s.constantInt(from, 0));
  unsigned fromWidth = from.getIntOrFloatBitWidth();
  unsigned toWidth = to.getIntOrFloatBitWidth();
  if (fromWidth == toWidth)
    return value;
  if (fromWidth > toWidth)
    return s.op<arith::TruncIOp>(signless, value);
  if (isUnsignedType(from))
    return s.op<arith::ExtUIOp>(signless, value);
  return s.op<arith::ExtSIOp>(signless, value);
}

//===----------------------------------------------------------------------===//
// ScalarBuilder
//===----------------------------------------------------------------------===//

Value ScalarBuilder::constantFloat(Type type, double value) {
  APFloat number(value);
  bool lossy = false;
  (void)number.convert(mlir::cast<FloatType>(type).getFloatSemantics(),
                       APFloat::rmNearestTiesToEven, &lossy);
  return op<arith::ConstantOp>(FloatAttr::get(type, number));
}

Value ScalarBuilder::constantInt(Type type, int64_t value) {
  Type signless = getSignlessType(type);
  return op<arith::ConstantOp>(IntegerAttr::get(
      signless, APInt(signless.getIntOrFloatBitWidth(), (uint64_t)value,
                      /*isSigned=*/false, /*implicitTrunc=*/true)));
}

Value ScalarBuilder::constant(Type type, double value) {
  if (isFloatType(type))
    return constantFloat(type, value);
  return constantInt(type, isBoolType(type) ? value != 0.0
                                            : static_cast<int64_t>(value));
}

Value ScalarBuilder::constantIndex(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value ScalarBuilder::toIndex(Value value, Type type) {
  APInt constant;
  if (!isUnsignedType(type) && matchPattern(value, m_ConstantInt(&constant)))
    return constantIndex(constant.getSExtValue());
  if (isUnsignedType(type))
    return op<arith::IndexCastUIOp>(b.getIndexType(), value);
  return op<arith::IndexCastOp>(b.getIndexType(), value);
}

Value ScalarBuilder::add(Type type, Value a, Value c) {
  if (isFloatType(type))
    return op<arith::AddFOp>(a, c);
  if (isBoolType(type))
    return orI(a, c);
  return op<arith::AddIOp>(a, c);
}

Value ScalarBuilder::sub(Type type, Value a, Value c) {
  if (isFloatType(type))
    return op<arith::SubFOp>(a, c);
  return op<arith::SubIOp>(a, c);
}

Value ScalarBuilder::mul(Type type, Value a, Value c) {
  if (isFloatType(type))
    return op<arith::MulFOp>(a, c);
  if (isBoolType(type))
    return andI(a, c);
  return op<arith::MulIOp>(a, c);
}

Value ScalarBuilder::nonTrappingDivisor(Type type, Value divisor,
                                        Value &isMinusOne) {
  APInt constant;
  bool isConstant = matchPattern(divisor, m_ConstantInt(&constant));
  if (isUnsignedType(type) || (isConstant && !constant.isAllOnes()))
    isMinusOne = Value();
  else
    isMinusOne = compare(type, Relation::Eq, divisor, constantInt(type, -1));
  if (isConstant && !constant.isZero() && !isMinusOne)
    return divisor;
  Value traps = compare(type, Relation::Eq, divisor, constantInt(type, 0));
  if (isMinusOne)
    traps = op<arith::OrIOp>(traps, isMinusOne);
  return select(traps, constantInt(type, 1), divisor);
}

Value ScalarBuilder::div(Type type, Value a, Value c) {
  if (isFloatType(type))
    return op<arith::DivFOp>(a, c);
  Value isMinusOne, divisor = nonTrappingDivisor(type, c, isMinusOne);
  if (isUnsignedType(type))
    return op<arith::DivUIOp>(a, divisor);
  Value quotient = op<arith::DivSIOp>(a, divisor);
  if (!isMinusOne)
    return quotient;
  return select(isMinusOne, op<arith::SubIOp>(constantInt(type, 0), a),
                quotient);
}

Value ScalarBuilder::rem(Type type, Value a, Value c) {
  if (isFloatType(type))
    return op<arith::RemFOp>(a, c);
  // The remainder by -1 is that by 1.
  Value isMinusOne, divisor = nonTrappingDivisor(type, c, isMinusOne);
  if (isUnsignedType(type))
    return op<arith::RemUIOp>(a, divisor);
  return op<arith::RemSIOp>(a, divisor);
}

Value ScalarBuilder::maximum(Type type, Value a, Value c) {
  if (isFloatType(type))
    return op<arith::MaximumFOp>(a, c);
  if (isUnsignedType(type))
    return op<arith::MaxUIOp>(a, c);
  return op<arith::MaxSIOp>(a, c);
}

Value ScalarBuilder::minimum(Type type, Value a, Value c) {
  if (isFloatType(type))
    return op<arith::MinimumFOp>(a, c);
  if (isUnsignedType(type))
    return op<arith::MinUIOp>(a, c);
  return op<arith::MinSIOp>(a, c);
}

Value ScalarBuilder::neg(Type type, Value a) {
  if (isFloatType(type))
    return op<arith::NegFOp>(a);
  return op<arith::SubIOp>(constantInt(type, 0), a);
}

Value ScalarBuilder::compare(Type type, Relation relation, Value a, Value c) {
  unsigned r = static_cast<unsigned>(relation);
  if (isFloatType(type)) {
    using P = arith::CmpFPredicate;
    static constexpr P predicates[] = {P::OEQ, P::UNE, P::OLT,
                                       P::OLE, P::OGT, P::OGE};
    return op<arith::CmpFOp>(predicates[r], a, c);
  }
  using P = arith::CmpIPredicate;
  static constexpr P signedPredicates[] = {P::eq,  P::ne,  P::slt,
                                           P::sle, P::sgt, P::sge};
  static constexpr P unsignedPredicates[] = {P::eq,  P::ne,  P::ult,
                                             P::ule, P::ugt, P::uge};
  return op<arith::CmpIOp>(
      isUnsignedType(type) ? unsignedPredicates[r] : signedPredicates[r], a, c);
}

static std::optional<int64_t> getIndexConstant(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

Value ScalarBuilder::addIndex(Value a, Value c) {
  auto x = getIndexConstant(a), y = getIndexConstant(c);
  if (x && y)
    return constantIndex(*x + *y);
  if (x && *x == 0)
    return c;
  if (y && *y == 0)
    return a;
  return op<arith::AddIOp>(a, c);
}

Value ScalarBuilder::subIndex(Value a, Value c) {
  auto x = getIndexConstant(a), y = getIndexConstant(c);
  if (x && y)
    return constantIndex(*x - *y);
  if (y && *y == 0)
    return a;
  return op<arith::SubIOp>(a, c);
}

Value ScalarBuilder::mulIndex(Value a, Value c) {
  auto x = getIndexConstant(a), y = getIndexConstant(c);
  if (x && y)
    return constantIndex(*x * *y);
  if (x && *x == 1)
    return c;
  if (y && *y == 1)
    return a;
  return op<arith::MulIOp>(a, c);
}

Value fx::buildLowest(ScalarBuilder &s, Type type) {
  if (isFloatType(type))
    return s.constantFloat(type, -std::numeric_limits<double>::infinity());
  if (isUnsignedType(type))
    return s.constantInt(type, 0);
  return s.constantInt(type, int64_t(1) << (type.getIntOrFloatBitWidth() - 1));
}

Value fx::buildHighest(ScalarBuilder &s, Type type) {
  if (isFloatType(type))
    return s.constantFloat(type, std::numeric_limits<double>::infinity());
  if (isUnsignedType(type))
    return s.constantInt(type, -1);
  return s.constantInt(
      type, (int64_t)(~uint64_t(0) >> (65 - type.getIntOrFloatBitWidth())));
}
