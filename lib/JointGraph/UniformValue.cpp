//===- UniformValue.cpp - Tensors whose elements are all equal ------------===//

#include "UniformValue.h"
#include "fx/IR/FXOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fx;

static constexpr auto nearest = llvm::APFloat::rmNearestTiesToEven;

TypedAttr fx::convertNumber(TypedAttr number, Type element) {
  if (number.getType() == element)
    return number;
  auto real = dyn_cast<FloatAttr>(number);
  bool toBool = element.isInteger(1);
  if (auto type = dyn_cast<FloatType>(element)) {
    APFloat value(type.getFloatSemantics());
    if (real) {
      value = real.getValue();
      bool loses;
      value.convert(type.getFloatSemantics(), nearest, &loses);
    } else {
      auto integer = cast<IntegerAttr>(number);
      value.convertFromAPInt(integer.getValue(),
                             /*IsSigned=*/!integer.getType().isInteger(1),
                             nearest);
    }
    return FloatAttr::get(type, value);
  }
  auto type = dyn_cast<IntegerType>(element);
  if (!type || type.isUnsigned())
    return {};
  if (toBool) {
    bool isTrue = real ? !real.getValue().isZero()
                       : !cast<IntegerAttr>(number).getValue().isZero();
    return IntegerAttr::get(type, isTrue);
  }
  if (real) {
    llvm::APSInt value(type.getWidth(), /*isUnsigned=*/false);
    bool exact;
    if (real.getValue().convertToInteger(value, llvm::APFloat::rmTowardZero,
                                         &exact) == APFloat::opInvalidOp)
      return {};
    return IntegerAttr::get(type, value);
  }
  auto integer = cast<IntegerAttr>(number);
  APInt value = integer.getType().isInteger(1)
                    ? integer.getValue().zextOrTrunc(type.getWidth())
                    : integer.getValue().sextOrTrunc(type.getWidth());
  return IntegerAttr::get(type, value);
}

/// Two operands whose types are promoted to `element` (null if unknown). `f16`
/// and `bf16` kernels compute in f32; comparisons do not.
static bool promote(Operation *op, ArrayRef<TypedAttr> operands, Type element,
                    SmallVectorImpl<TypedAttr> &promoted) {
  for (TypedAttr operand : operands) {
    TypedAttr number = operand ? convertNumber(operand, element) : TypedAttr();
    if (!number)
      return false;
    promoted.push_back(number);
  }
  return true;
}

static std::optional<APFloat> computeFloat(Operation *op,
                                           ArrayRef<APFloat> x) {
  using Result = std::optional<APFloat>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](AddOp add) -> Result {
        if (add.getAlpha().convertToDouble() != 1.0)
          return {};
        return x[0] + x[1];
      })
      .Case([&](SubOp sub) -> Result {
        if (sub.getAlpha().convertToDouble() != 1.0)
          return {};
        return x[0] - x[1];
      })
      .Case([&](RsubOp sub) -> Result {
        if (sub.getAlpha().convertToDouble() != 1.0)
          return {};
        return x[1] - x[0];
      })
      .Case<MulOp>([&](auto) -> Result { return x[0] * x[1]; })
      .Case<DivOp>([&](auto) -> Result { return x[0] / x[1]; })
      .Case<ReciprocalOp>([&](auto) -> Result {
        return APFloat::getOne(x[0].getSemantics()) / x[0];
      })
      .Case<NegOp>([&](auto) -> Result { return -x[0]; })
      .Case<AbsOp>([&](auto) -> Result { return abs(x[0]); })
      .Case<MaximumOp>([&](auto) -> Result { return maximum(x[0], x[1]); })
      .Case<MinimumOp>([&](auto) -> Result { return minimum(x[0], x[1]); })
      .Case<ReluOp>([&](auto) -> Result {
        // Which zero the maximum of -0 and 0 is differs between machines.
        if (x[0].isNegZero())
          return {};
        return x[0].isNegative() && !x[0].isNaN()
                   ? APFloat::getZero(x[0].getSemantics())
                   : x[0];
      })
      .Case<FloorOp, CeilOp, TruncOp, RoundOp>([&](auto rounding) -> Result {
        using OpTy = decltype(rounding);
        APFloat value = x[0];
        value.roundToIntegral(
            std::is_same_v<OpTy, FloorOp>   ? APFloat::rmTowardNegative
            : std::is_same_v<OpTy, CeilOp>  ? APFloat::rmTowardPositive
            : std::is_same_v<OpTy, TruncOp> ? APFloat::rmTowardZero
                                            : nearest);
        return value;
      })
      .Default([](Operation *) -> Result { return {}; });
}

/// Signed integers wrap; on bools `+` is or, `*` is and.
static std::optional<APInt> computeInteger(Operation *op, ArrayRef<APInt> x) {
  using Result = std::optional<APInt>;
  bool isBool = x[0].getBitWidth() == 1;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](AddOp add) -> Result {
        if (add.getAlpha().convertToDouble() != 1.0)
          return {};
        return isBool ? x[0] | x[1] : x[0] + x[1];
      })
      .Case([&](SubOp sub) -> Result {
        if (isBool || sub.getAlpha().convertToDouble() != 1.0)
          return {};
        return x[0] - x[1];
      })
      .Case<MulOp>([&](auto) -> Result { return x[0] * x[1]; })
      .Case<NegOp>([&](auto) -> Result {
        if (isBool)
          return {};
        return -x[0];
      })
      .Case<BitwiseAndOp>([&](auto) -> Result { return x[0] & x[1]; })
      .Case<BitwiseOrOp>([&](auto) -> Result { return x[0] | x[1]; })
      .Case<BitwiseXorOp>([&](auto) -> Result { return x[0] ^ x[1]; })
      .Case<BitwiseNotOp>([&](auto) -> Result { return ~x[0]; })
      .Default([](Operation *) -> Result { return {}; });
}

static bool isTrue(TypedAttr number) {
  if (auto real = dyn_cast<FloatAttr>(number))
    return !real.getValue().isZero();
  return !cast<IntegerAttr>(number).getValue().isZero();
}

/// Comparisons and logic; null for other ops.
static std::optional<bool> computeBool(Operation *op, ArrayRef<TypedAttr> x) {
  using Result = std::optional<bool>;
  if (isa<LogicalNotOp>(op))
    return !isTrue(x[0]);
  if (isa<LogicalAndOp>(op))
    return isTrue(x[0]) && isTrue(x[1]);
  if (isa<LogicalOrOp>(op))
    return isTrue(x[0]) || isTrue(x[1]);
  if (isa<LogicalXorOp>(op))
    return isTrue(x[0]) != isTrue(x[1]);
  if (isa<IsnanOp>(op))
    return isa<FloatAttr>(x[0]) && cast<FloatAttr>(x[0]).getValue().isNaN();
  if (isa<IsinfOp>(op))
    return isa<FloatAttr>(x[0]) &&
           cast<FloatAttr>(x[0]).getValue().isInfinity();
  if (!isa<EqOp, NeOp, LtOp, LeOp, GtOp, GeOp>(op))
    return {};

  bool less, equal, unordered = false;
  if (auto real = dyn_cast<FloatAttr>(x[0])) {
    APFloat::cmpResult result =
        real.getValue().compare(cast<FloatAttr>(x[1]).getValue());
    less = result == APFloat::cmpLessThan;
    equal = result == APFloat::cmpEqual;
    unordered = result == APFloat::cmpUnordered;
  } else {
    const APInt &a = cast<IntegerAttr>(x[0]).getValue();
    const APInt &b = cast<IntegerAttr>(x[1]).getValue();
    less = a.getBitWidth() == 1 ? a.ult(b) : a.slt(b);
    equal = a == b;
  }
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<EqOp>([&](auto) { return equal; })
      .Case<NeOp>([&](auto) { return !equal; })
      .Case<LtOp>([&](auto) { return less; })
      .Case<LeOp>([&](auto) { return less || equal; })
      .Case<GtOp>([&](auto) { return !less && !equal && !unordered; })
      .Case<GeOp>([&](auto) { return !less && !unordered; });
}

TypedAttr fx::computeUniform(Operation *op, ArrayRef<TypedAttr> operands) {
  Type element =
      cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  if (!llvm::all_of(operands, [](TypedAttr known) { return bool(known); }))
    return {};
  if (isa<ConvertElementTypeOp, CloneOp>(op))
    return convertNumber(operands[0], element);
  if (isa<WhereOp>(op))
    return convertNumber(operands[isTrue(operands[0]) ? 1 : 2], element);
  if (isa<MaskedFillOp>(op))
    return convertNumber(operands[isTrue(operands[1]) ? 2 : 0], element);

  Type common = promoteElementTypes(op->getOperands());
  if (!common || !isa<IntegerType, FloatType>(common))
    return {};
  SmallVector<TypedAttr> x;
  bool isComparison = isa<EqOp, NeOp, LtOp, LeOp, GtOp, GeOp>(op);
  if (isComparison || element.isInteger(1)) {
    // Whether a scalar is rounded to f16 before it is compared is not said.
    if (isComparison && common != getComputeType(common) &&
        llvm::any_of(operands, [&](TypedAttr operand) {
          return operand.getType().isF64() &&
                 convertNumber(convertNumber(operand, common),
                               operand.getType()) != operand;
        }))
      return {};
    SmallVector<TypedAttr> promoted(operands);
    if (isComparison) {
      promoted.clear();
      if (!promote(op, operands, common, promoted))
        return {};
    }
    if (std::optional<bool> result = computeBool(op, promoted))
      return IntegerAttr::get(element, *result);
  }
  // `div` and the like turn integers into floats.
  if (isa<FloatType>(element) && isa<IntegerType>(common))
    common = element;
  if (!promote(op, operands, getComputeType(common), x))
    return {};
  if (isa<FloatType>(common)) {
    SmallVector<APFloat> numbers;
    for (TypedAttr number : x)
      numbers.push_back(cast<FloatAttr>(number).getValue());
    std::optional<APFloat> result = computeFloat(op, numbers);
    if (!result)
      return {};
    return convertNumber(FloatAttr::get(getComputeType(common), *result),
                         element);
  }
  SmallVector<APInt> numbers;
  for (TypedAttr number : x)
    numbers.push_back(cast<IntegerAttr>(number).getValue());
  std::optional<APInt> result = computeInteger(op, numbers);
  if (!result)
    return {};
  return convertNumber(IntegerAttr::get(common, *result), element);
}
