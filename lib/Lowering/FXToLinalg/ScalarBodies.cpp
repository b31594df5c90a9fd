//===- ScalarBodies.cpp - Scalar computations of pointwise ops ------------===//

#include "Scalars.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;

static Type getResultElement(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
}
static Type getOperandElement(Value operand) {
  auto tensor = dyn_cast<RankedTensorType>(operand.getType());
  return tensor ? tensor.getElementType() : operand.getType();
}

/// Ops that move or choose elements: no arithmetic, so no wider type.
static bool isSelection(Operation *op) {
  return isa<WhereOp, MaskedFillOp, CopyOp, AliasOp, DetachOp, CloneOp,
             ContiguousOp, ConvertElementTypeOp>(op);
}

SmallVector<Type> fx::getScalarBodyTypes(Operation *op) {
  Type result = getResultElement(op);
  if (isa<ConvertElementTypeOp>(op))
    return {getOperandElement(op->getOperand(0))};
  if (isa<WhereOp, MaskedFillOp>(op)) {
    unsigned condition = isa<WhereOp>(op) ? 0 : 1;
    SmallVector<Type> types(op->getNumOperands(), result);
    types[condition] = IntegerType::get(op->getContext(), 1);
    return types;
  }
  if (isa<CopyOp>(op))
    return SmallVector<Type>(2, result);
  Type promoted = promoteElementTypes(op->getOperands());
  // Kind Float turns integers into f32, which is the result's type.
  if (isFloatType(result) && !isFloatType(promoted))
    promoted = result;
  return SmallVector<Type>(op->getNumOperands(),
                           isSelection(op) ? promoted
                                           : getComputeType(promoted));
}

//===----------------------------------------------------------------------===//
// Bodies: one function for each op, in the compute type `t`
//===----------------------------------------------------------------------===//

namespace {
/// What a body needs: the builder, the compute type, and the arguments.
struct BodyContext : ScalarBuilder {
  Type t;
  ValueRange args;

  bool isFloat() const { return isFloatType(t); }
  Value x() const { return args[0]; }
  Value y() const { return args[1]; }
  Value number(double value) { return constant(t, value); }
};
} // namespace

// Arithmetic.
static Value body(AddOp op, BodyContext &c) {
  Value y = c.y();
  if (op.getAlpha().convertToDouble() != 1.0)
    y = c.mul(c.t, y, c.number(op.getAlpha().convertToDouble()));
  return c.add(c.t, c.x(), y);
}
static Value subScaled(BodyContext &c, Value x, Value y, double alpha) {
  if (alpha != 1.0)
    y = c.mul(c.t, y, c.number(alpha));
  return c.sub(c.t, x, y);
}
static Value body(SubOp op, BodyContext &c) {
  return subScaled(c, c.x(), c.y(), op.getAlpha().convertToDouble());
}
static Value body(RsubOp op, BodyContext &c) {
  return subScaled(c, c.y(), c.x(), op.getAlpha().convertToDouble());
}
static Value body(MulOp, BodyContext &c) { return c.mul(c.t, c.x(), c.y()); }
static Value body(DivOp, BodyContext &c) { return c.div(c.t, c.x(), c.y()); }

/// Whether the signs of a nonzero remainder and of the divisor differ.
static Value signsDiffer(BodyContext &c, Value remainder, Value divisor) {
  using R = Relation;
  Value zero = c.number(0);
  Value nonZero = c.compare(c.t, R::Ne, remainder, zero);
  Value differ = c.op<arith::XOrIOp>(c.compare(c.t, R::Lt, remainder, zero),
                                     c.compare(c.t, R::Lt, divisor, zero));
  return c.andI(nonZero, differ);
}
static Value floorDivFloat(BodyContext &c) {
  using R = Relation;
  Value a = c.x(), d = c.y(), zero = c.number(0), one = c.number(1);
  Value mod = c.op<arith::RemFOp>(a, d);
  Value quotient = c.div(c.t, c.sub(c.t, a, mod), d);
  quotient = c.select(signsDiffer(c, mod, d), c.sub(c.t, quotient, one),
                      quotient);
  // `quotient` is nearly an integer: snap to the nearest one.
  Value floor = c.op<math::FloorOp>(quotient);
  Value isAbove = c.compare(c.t, R::Gt, c.sub(c.t, quotient, floor),
                            c.number(0.5));
  floor = c.select(isAbove, c.add(c.t, floor, one), floor);
  Value plain = c.div(c.t, a, d);
  Value signedZero = c.mul(c.t, plain, zero);
  floor = c.select(c.compare(c.t, R::Eq, quotient, zero), signedZero, floor);
  return c.select(c.compare(c.t, R::Eq, d, zero), plain, floor);
}
static Value body(DivRoundedOp op, BodyContext &c) {
  bool toFloor = op.getRoundingMode() == "floor";
  if (c.isFloat())
    return toFloor ? floorDivFloat(c)
                   : c.op<math::TruncOp>(c.div(c.t, c.x(), c.y()));
  Value quotient = c.div(c.t, c.x(), c.y());
  if (!toFloor || isUnsignedType(c.t))
    return quotient;
  Value remainder = c.rem(c.t, c.x(), c.y());
  return c.select(signsDiffer(c, remainder, c.y()),
                  c.sub(c.t, quotient, c.number(1)), quotient);
}
static Value body(RemainderOp, BodyContext &c) {
  Value remainder = c.rem(c.t, c.x(), c.y());
  if (isUnsignedType(c.t))
    return remainder;
  return c.select(signsDiffer(c, remainder, c.y()),
                  c.add(c.t, remainder, c.y()), remainder);
}
static Value body(FmodOp, BodyContext &c) { return c.rem(c.t, c.x(), c.y()); }
static Value body(MaximumOp, BodyContext &c) {
  return c.maximum(c.t, c.x(), c.y());
}
static Value body(MinimumOp, BodyContext &c) {
  return c.minimum(c.t, c.x(), c.y());
}
/// The angle of (x, y), by the ratio of the smaller coordinate to the larger.
/// Zeros have signs, two infinities make a diagonal: `math.atan2` as upstream
/// expands it gives NaN for both.
static Value body(Atan2Op, BodyContext &c) {
  using R = Relation;
  Value y = c.x(), x = c.y();
  Value zero = c.number(0), one = c.number(1);
  Value width = c.op<math::AbsFOp>(x), height = c.op<math::AbsFOp>(y);
  Value isSteep = c.compare(c.t, R::Gt, height, width);
  Value large = c.select(isSteep, height, width);
  Value small = c.select(isSteep, width, height);
  Value ratio = c.div(c.t, small, large);
  // 0 / 0 and infinity / infinity.
  ratio = c.select(c.compare(c.t, R::Eq, small, large), one, ratio);
  ratio = c.select(c.compare(c.t, R::Eq, large, zero), zero, ratio);
  Value angle = c.op<math::AtanOp>(ratio);
  angle = c.select(isSteep, c.sub(c.t, c.number(M_PI_2), angle), angle);
  Value side = c.op<math::CopySignOp>(one, x);
  angle = c.select(c.compare(c.t, R::Lt, side, zero),
                   c.sub(c.t, c.number(M_PI), angle), angle);
  Value isUndefined =
      c.orI(c.compare(c.t, R::Ne, x, x), c.compare(c.t, R::Ne, y, y));
  angle = c.select(isUndefined, c.add(c.t, x, y), angle);
  return c.op<math::CopySignOp>(angle, y);
}
static Value body(FmaOp, BodyContext &c) {
  if (c.isFloat())
    return c.op<math::FmaOp>(c.args[0], c.args[1], c.args[2]);
  return c.add(c.t, c.mul(c.t, c.args[0], c.args[1]), c.args[2]);
}
static Value body(AddcmulOp op, BodyContext &c) {
  Value product = c.mul(c.t, c.args[1], c.args[2]);
  double value = op.getValue().convertToDouble();
  if (value != 1.0)
    product = c.mul(c.t, c.mul(c.t, c.number(value), c.args[1]), c.args[2]);
  return c.add(c.t, c.args[0], product);
}
static Value body(AddcdivOp op, BodyContext &c) {
  double value = op.getValue().convertToDouble();
  Value dividend = c.args[1];
  if (value != 1.0)
    dividend = c.mul(c.t, c.number(value), dividend);
  return c.add(c.t, c.args[0], c.div(c.t, dividend, c.args[2]));
}
static Value body(LerpOp, BodyContext &c) {
  Value self = c.args[0], end = c.args[1], weight = c.args[2];
  Value distance = c.sub(c.t, end, self);
  // From the nearer end, so that weight 1 gives exactly `end`.
  Value low = c.add(c.t, self, c.mul(c.t, weight, distance));
  Value high = c.sub(c.t, end, c.mul(c.t, distance,
                                     c.sub(c.t, c.number(1), weight)));
  Value magnitude = c.op<math::AbsFOp>(weight);
  return c.select(c.compare(c.t, Relation::Lt, magnitude, c.number(0.5)), low,
                  high);
}

/// Integer power by squaring; negative exponents give 0 except for bases 1
/// and -1.
static Value buildIntPower(BodyContext &c) {
  Value base = c.x(), exponent = c.y();
  Value zero = c.constantInt(c.t, 0), one = c.constantInt(c.t, 1);
  Type type = base.getType();
  auto loop = scf::WhileOp::create(
      c.b, c.loc, TypeRange{type, type, type}, ValueRange{one, base, exponent},
      [&](OpBuilder &b, Location loc, ValueRange v) {
        BodyContext n{{b, loc}, c.t, c.args};
        // The power's bits above the width do not matter; a negative exponent
        // stops at once.
        Value more = n.compare(c.t, Relation::Gt, v[2], zero);
        scf::ConditionOp::create(b, loc, more, v);
      },
      [&](OpBuilder &b, Location loc, ValueRange v) {
        BodyContext n{{b, loc}, c.t, c.args};
        Value isOdd = n.compare(c.t, Relation::Ne, n.andI(v[2], one), zero);
        Value product = n.mul(c.t, v[0], v[1]);
        scf::YieldOp::create(
            b, loc,
            ValueRange{n.select(isOdd, product, v[0]), n.mul(c.t, v[1], v[1]),
                       n.op<arith::ShRUIOp>(v[2], one)});
      });
  Value power = loop.getResult(0);
  if (isUnsignedType(c.t))
    return power;
  Value minusOne = c.constantInt(c.t, -1);
  Value isOdd =
      c.compare(c.t, Relation::Ne, c.andI(exponent, one), zero);
  Value ofMinusOne = c.select(isOdd, minusOne, one);
  Value inverse = c.select(
      c.compare(c.t, Relation::Eq, base, one), one,
      c.select(c.compare(c.t, Relation::Eq, base, minusOne), ofMinusOne, zero));
  return c.select(c.compare(c.t, Relation::Lt, exponent, zero), inverse, power);
}
static Value body(PowOp, BodyContext &c) {
  APFloat constant(0.0);
  if (!c.isFloat()) {
    APInt exponent;
    if (matchPattern(c.y(), m_ConstantInt(&exponent))) {
      if (exponent == 2)
        return c.mul(c.t, c.x(), c.x());
      if (exponent == 3)
        return c.mul(c.t, c.mul(c.t, c.x(), c.x()), c.x());
    }
    return buildIntPower(c);
  }
  if (!matchPattern(c.y(), m_ConstantFloat(&constant)))
    return c.op<math::PowFOp>(c.x(), c.y());
  Value x = c.x(), one = c.number(1);
  // The exponents that ATen computes without pow, with their special cases.
  if (constant.isExactlyValue(0.0))
    return one;
  if (constant.isExactlyValue(1.0))
    return x;
  if (constant.isExactlyValue(2.0))
    return c.mul(c.t, x, x);
  if (constant.isExactlyValue(3.0))
    return c.mul(c.t, c.mul(c.t, x, x), x);
  if (constant.isExactlyValue(0.5))
    return c.op<math::SqrtOp>(x);
  if (constant.isExactlyValue(-0.5))
    return c.div(c.t, one, c.op<math::SqrtOp>(x));
  if (constant.isExactlyValue(-1.0))
    return c.div(c.t, one, x);
  if (constant.isExactlyValue(-2.0))
    return c.div(c.t, one, c.mul(c.t, x, x));
  return c.op<math::PowFOp>(x, c.y());
}

// Functions of one number.
static Value body(NegOp, BodyContext &c) { return c.neg(c.t, c.x()); }
static Value body(AbsOp, BodyContext &c) {
  if (c.isFloat())
    return c.op<math::AbsFOp>(c.x());
  return isUnsignedType(c.t) ? c.x()
                             : c.maximum(c.t, c.x(), c.neg(c.t, c.x()));
}
static Value body(SignOp, BodyContext &c) {
  if (isBoolType(c.t))
    return c.x();
  // ATen's sign of NaN is 0.
  Value zero = c.number(0), one = c.number(1);
  Value positive = c.compare(c.t, Relation::Gt, c.x(), zero);
  if (isUnsignedType(c.t))
    return c.select(positive, one, zero);
  Value negative = c.compare(c.t, Relation::Lt, c.x(), zero);
  return c.select(positive, one, c.select(negative, c.number(-1), zero));
}
/// max(x, bound) and min(x, bound) where NaN in x stays. The comparison with a
/// constant is in the form that one vector instruction has.
static Value clampLow(BodyContext &c, Value x, Value bound) {
  APFloat constant(0.0);
  if (c.isFloat() && matchPattern(bound, m_ConstantFloat(&constant)) &&
      !constant.isNaN())
    return c.select(c.compare(c.t, Relation::Gt, bound, x), bound, x);
  return c.maximum(c.t, x, bound);
}
static Value clampHigh(BodyContext &c, Value x, Value bound) {
  APFloat constant(0.0);
  if (c.isFloat() && matchPattern(bound, m_ConstantFloat(&constant)) &&
      !constant.isNaN())
    return c.select(c.compare(c.t, Relation::Lt, bound, x), bound, x);
  return c.minimum(c.t, x, bound);
}
static Value body(ReluOp, BodyContext &c) {
  return clampLow(c, c.x(), c.number(0));
}
template <typename FloatOp>
static Value roundFloat(BodyContext &c) {
  return c.isFloat() ? c.op<FloatOp>(c.x()) : c.x();
}
static Value body(FloorOp, BodyContext &c) {
  return roundFloat<math::FloorOp>(c);
}
static Value body(CeilOp, BodyContext &c) {
  return roundFloat<math::CeilOp>(c);
}
static Value body(RoundOp, BodyContext &c) {
  return roundFloat<math::RoundEvenOp>(c);
}
static Value body(TruncOp, BodyContext &c) {
  return roundFloat<math::TruncOp>(c);
}
static Value body(ExpOp, BodyContext &c) { return c.op<math::ExpOp>(c.x()); }
static Value body(Exp2Op, BodyContext &c) { return c.op<math::Exp2Op>(c.x()); }
static Value body(Expm1Op, BodyContext &c) {
  return c.op<math::ExpM1Op>(c.x());
}
static Value body(LogOp, BodyContext &c) { return c.op<math::LogOp>(c.x()); }
static Value body(Log1pOp, BodyContext &c) {
  return c.op<math::Log1pOp>(c.x());
}
static Value body(Log2Op, BodyContext &c) { return c.op<math::Log2Op>(c.x()); }
static Value body(SqrtOp, BodyContext &c) { return c.op<math::SqrtOp>(c.x()); }
static Value body(RsqrtOp, BodyContext &c) {
  return c.div(c.t, c.number(1), c.op<math::SqrtOp>(c.x()));
}
static Value body(ReciprocalOp, BodyContext &c) {
  return c.div(c.t, c.number(1), c.x());
}
static Value body(SinOp, BodyContext &c) { return c.op<math::SinOp>(c.x()); }
static Value body(CosOp, BodyContext &c) { return c.op<math::CosOp>(c.x()); }
static Value body(TanhOp, BodyContext &c) { return c.op<math::TanhOp>(c.x()); }
static Value body(ErfOp, BodyContext &c) { return c.op<math::ErfOp>(c.x()); }
/// 1 + e^-x
static Value buildSigmoidDivisor(BodyContext &c) {
  return c.add(c.t, c.number(1), c.op<math::ExpOp>(c.neg(c.t, c.x())));
}
static Value body(SigmoidOp, BodyContext &c) {
  return c.div(c.t, c.number(1), buildSigmoidDivisor(c));
}
static Value body(SiluOp, BodyContext &c) {
  return c.div(c.t, c.x(), buildSigmoidDivisor(c));
}
/// clamp(x + 3, 0, 6)
static Value buildHardRamp(BodyContext &c) {
  Value shifted = c.add(c.t, c.x(), c.number(3));
  return clampHigh(c, clampLow(c, shifted, c.number(0)), c.number(6));
}
static Value body(HardswishOp, BodyContext &c) {
  return c.div(c.t, c.mul(c.t, c.x(), buildHardRamp(c)), c.number(6));
}
static Value body(HardsigmoidOp, BodyContext &c) {
  return c.div(c.t, buildHardRamp(c), c.number(6));
}
static Value body(GeluOp op, BodyContext &c) {
  Value x = c.x(), half = c.number(0.5), one = c.number(1), inner;
  if (op.getApproximate() == "tanh") {
    Value cube = c.mul(c.t, c.mul(c.t, x, x), x);
    Value sum = c.add(c.t, x, c.mul(c.t, c.number(0.044715), cube));
    // sqrt(2 / pi)
    inner = c.op<math::TanhOp>(
        c.mul(c.t, c.number(0.79788456080286535588), sum));
  } else {
    // 1 / sqrt(2)
    inner = c.op<math::ErfOp>(
        c.mul(c.t, x, c.number(0.70710678118654752440)));
  }
  return c.mul(c.t, c.mul(c.t, half, x), c.add(c.t, one, inner));
}
static Value body(HardtanhOp op, BodyContext &c) {
  Value low = c.number(op.getMinVal().convertToDouble());
  Value high = c.number(op.getMaxVal().convertToDouble());
  return clampHigh(c, clampLow(c, c.x(), low), high);
}
static Value body(LeakyReluOp op, BodyContext &c) {
  Value slope = c.number(op.getNegativeSlope().convertToDouble());
  return c.select(c.compare(c.t, Relation::Gt, c.x(), c.number(0)), c.x(),
                  c.mul(c.t, c.x(), slope));
}
static Value body(ClampMinOp, BodyContext &c) {
  return clampLow(c, c.x(), c.y());
}
static Value body(ClampMaxOp, BodyContext &c) {
  return clampHigh(c, c.x(), c.y());
}
static Value body(ClampOp op, BodyContext &c) {
  Value result = c.x();
  unsigned next = 1;
  if (op.getMin())
    result = clampLow(c, result, c.args[next++]);
  if (op.getMax())
    result = clampHigh(c, result, c.args[next]);
  return result;
}

// Comparison, logic, selection.
static Value body(EqOp, BodyContext &c) {
  return c.compare(c.t, Relation::Eq, c.x(), c.y());
}
static Value body(NeOp, BodyContext &c) {
  return c.compare(c.t, Relation::Ne, c.x(), c.y());
}
static Value body(LtOp, BodyContext &c) {
  return c.compare(c.t, Relation::Lt, c.x(), c.y());
}
static Value body(LeOp, BodyContext &c) {
  return c.compare(c.t, Relation::Le, c.x(), c.y());
}
static Value body(GtOp, BodyContext &c) {
  return c.compare(c.t, Relation::Gt, c.x(), c.y());
}
static Value body(GeOp, BodyContext &c) {
  return c.compare(c.t, Relation::Ge, c.x(), c.y());
}
static Value toBool(BodyContext &c, Value value) {
  return c.cast(value, c.t, c.b.getI1Type());
}
static Value body(LogicalAndOp, BodyContext &c) {
  return c.andI(toBool(c, c.x()), toBool(c, c.y()));
}
static Value body(LogicalOrOp, BodyContext &c) {
  return c.orI(toBool(c, c.x()), toBool(c, c.y()));
}
static Value body(LogicalXorOp, BodyContext &c) {
  return c.op<arith::XOrIOp>(toBool(c, c.x()), toBool(c, c.y()));
}
static Value body(LogicalNotOp, BodyContext &c) {
  return c.notI1(toBool(c, c.x()));
}
static Value body(IsnanOp, BodyContext &c) {
  return c.isFloat() ? c.isNan(c.x()) : c.constantInt(c.b.getI1Type(), 0);
}
static Value body(IsinfOp, BodyContext &c) {
  if (!c.isFloat())
    return c.constantInt(c.b.getI1Type(), 0);
  return c.compare(c.t, Relation::Eq, c.op<math::AbsFOp>(c.x()),
                   c.number(std::numeric_limits<double>::infinity()));
}
static Value body(BitwiseNotOp, BodyContext &c) {
  return c.op<arith::XOrIOp>(c.x(), c.constantInt(c.t, -1));
}
static Value body(BitwiseAndOp, BodyContext &c) {
  return c.andI(c.x(), c.y());
}
static Value body(BitwiseOrOp, BodyContext &c) { return c.orI(c.x(), c.y()); }
static Value body(BitwiseXorOp, BodyContext &c) {
  return c.op<arith::XOrIOp>(c.x(), c.y());
}
static Value body(WhereOp, BodyContext &c) {
  return c.select(c.args[0], c.args[1], c.args[2]);
}
static Value body(MaskedFillOp, BodyContext &c) {
  return c.select(c.args[1], c.args[2], c.args[0]);
}
static Value body(CopyOp, BodyContext &c) { return c.y(); }
static Value body(AliasOp, BodyContext &c) { return c.x(); }
static Value body(DetachOp, BodyContext &c) { return c.x(); }
static Value body(CloneOp, BodyContext &c) { return c.x(); }
static Value body(ContiguousOp, BodyContext &c) { return c.x(); }
static Value body(ConvertElementTypeOp, BodyContext &c) { return c.x(); }

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

namespace {
template <typename OpTy>
struct ScalarBody
    : ScalarBodyOpInterface::ExternalModel<ScalarBody<OpTy>, OpTy> {
  Value buildScalarBody(Operation *op, OpBuilder &builder, Location loc,
                        ValueRange args) const {
    SmallVector<Type> types = getScalarBodyTypes(op);
    Type compute = types.back();
    BodyContext context{{builder, loc}, compute, args};
    Value value = body(cast<OpTy>(op), context);
    // Predicates are in the result's type already.
    Type result = getResultElement(op);
    if (isBoolType(result) && value.getType().isInteger(1))
      return value;
    return castScalar(builder, loc, value, compute, result);
  }
};

template <typename... OpTys>
void attachModels(MLIRContext *context) {
  (OpTys::template attachInterface<ScalarBody<OpTys>>(*context), ...);
}
} // namespace

void fx::registerScalarBodyModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, FXDialect *) {
    attachModels<AddOp, SubOp, RsubOp, MulOp, DivOp, DivRoundedOp, PowOp,
                 MaximumOp, MinimumOp, RemainderOp, FmodOp, Atan2Op, FmaOp,
                 AddcmulOp, AddcdivOp, LerpOp, ConvertElementTypeOp>(context);
    attachModels<NegOp, AbsOp, SignOp, ReluOp, FloorOp, CeilOp, RoundOp,
                 TruncOp, ExpOp, Exp2Op, Expm1Op, LogOp, Log1pOp, Log2Op,
                 SqrtOp, RsqrtOp, ReciprocalOp, SinOp, CosOp, TanhOp, SigmoidOp,
                 ErfOp, SiluOp, HardswishOp, HardsigmoidOp, GeluOp, HardtanhOp,
                 LeakyReluOp>(context);
    attachModels<EqOp, NeOp, LtOp, LeOp, GtOp, GeOp, LogicalAndOp, LogicalOrOp,
                 LogicalXorOp, LogicalNotOp, IsnanOp, IsinfOp, BitwiseNotOp,
                 BitwiseAndOp, BitwiseOrOp, BitwiseXorOp, WhereOp, MaskedFillOp,
                 ClampOp, ClampMinOp, ClampMaxOp, AliasOp, DetachOp, CloneOp,
                 ContiguousOp, CopyOp>(context);
  });
}
