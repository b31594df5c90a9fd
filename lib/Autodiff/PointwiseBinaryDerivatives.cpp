//===- PointwiseBinaryDerivatives.cpp - Several operands ------------------===//

#include "Derivatives.h"

#include <cmath>

namespace mlir::fx {

static Value scale(GradientBuilder &g, Value value, double factor) {
  return factor == 1 ? value : g.mul(value, factor);
}

static void differentiate(AddOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
  g.set(1, [&] {
    return scale(g, g.gradient(), op.getAlpha().convertToDouble());
  });
}
static void differentiate(SubOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
  g.set(1, [&] {
    return g.neg(scale(g, g.gradient(), op.getAlpha().convertToDouble()));
  });
}
static void differentiate(RsubOp op, GradientBuilder &g) {
  g.set(0, [&] {
    return g.neg(scale(g, g.gradient(), op.getAlpha().convertToDouble()));
  });
  g.set(1, [&] { return g.gradient(); });
}
static void differentiate(MulOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.mul(g.gradient(), op.getOther()); });
  g.set(1, [&] { return g.mul(g.gradient(), op.getSelf()); });
}
static void differentiate(DivOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.div(g.gradient(), op.getOther()); });
  // -self / other^2, in the order that rounds as ATen does
  g.set(1, [&] {
    Value ratio = g.div(g.div(op.getSelf(), op.getOther()), op.getOther());
    return g.mul(g.neg(g.gradient()), ratio);
  });
}
static void differentiate(DivRoundedOp op, GradientBuilder &g) {
  for (unsigned i = 0; i < 2; ++i)
    g.set(i, [&] { return g.zerosLike(op->getOperand(i)); });
}
static void differentiate(RemainderOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
  g.set(1, [&] {
    Value quotient =
        g.create<DivRoundedOp>(op.getSelf(), op.getOther(), "floor");
    return g.neg(g.mul(g.gradient(), quotient));
  });
}
static void differentiate(FmodOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
  g.set(1, [&] {
    Value quotient =
        g.create<DivRoundedOp>(op.getSelf(), op.getOther(), "trunc");
    return g.neg(g.mul(g.gradient(), quotient));
  });
}

static void differentiate(PowOp op, GradientBuilder &g) {
  Value x = op.getSelf(), e = op.getOther();
  // e * x^(e - 1), zero where e is zero
  g.set(0, [&]() -> Value {
    if (auto number = getConstantNumber(e)) {
      if (*number == 0)
        return g.zerosLike(x);
      if (*number == 1)
        return g.gradient();
      if (*number == 2)
        return g.mul(g.gradient(), g.mul(x, 2.0));
      Value power = g.pow(x, g.f64(*number - 1));
      return g.mul(g.gradient(), g.mul(power, *number));
    }
    if (!isTensor(e))
      e = g.full({}, e, getElement(x));
    Value slope = g.mul(e, g.pow(x, g.sub(e, 1.0)));
    return g.where(g.eq(e, g.i64(0)), g.f64(0), g.mul(g.gradient(), slope));
  });
  // y * log(x), zero where x and y are zero
  g.set(1, [&]() -> Value {
    Value y = op.getResult();
    if (auto base = getConstantNumber(x)) {
      if (*base > 0)
        return g.mul(g.gradient(), g.mul(y, std::log(*base)));
    }
    if (!isTensor(x))
      x = g.full({}, x, getElement(e));
    Value isFlat = g.logicalAnd(g.eq(x, g.i64(0)), g.ge(e, g.i64(0)));
    Value slope = g.where(isFlat, g.f64(0), g.mul(y, g.log(x)));
    return g.mul(g.gradient(), slope);
  });
}

/// Equal operands share the gradient.
template <typename OpTy>
static void differentiateExtremum(OpTy op, GradientBuilder &g, bool isMaximum) {
  for (unsigned i = 0; i < 2; ++i)
    g.set(i, [&] {
      Value mine = op->getOperand(i), other = op->getOperand(1 - i);
      Value loses = isMaximum ? g.lt(mine, other) : g.gt(mine, other);
      Value shared = g.where(g.eq(mine, other), g.div(g.gradient(), 2.0),
                             g.gradient());
      return g.where(loses, g.f64(0), shared);
    });
}
static void differentiate(MaximumOp op, GradientBuilder &g) {
  differentiateExtremum(op, g, /*isMaximum=*/true);
}
static void differentiate(MinimumOp op, GradientBuilder &g) {
  differentiateExtremum(op, g, /*isMaximum=*/false);
}

static void differentiate(Atan2Op op, GradientBuilder &g) {
  Value y = op.getSelf(), x = op.getOther();
  auto overSquares = [&](Value numerator) {
    return g.mul(g.gradient(),
                 g.div(numerator, g.add(g.mul(x, x), g.mul(y, y))));
  };
  g.set(0, [&] { return overSquares(x); });
  g.set(1, [&] { return g.neg(overSquares(y)); });
}
static void differentiate(FmaOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.mul(g.gradient(), op.getB()); });
  g.set(1, [&] { return g.mul(g.gradient(), op.getA()); });
  g.set(2, [&] { return g.gradient(); });
}
static void differentiate(ConvertElementTypeOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
}

static void differentiate(WhereOp op, GradientBuilder &g) {
  g.set(1, [&] { return g.keepWhere(op.getCondition(), g.gradient()); });
  g.set(2, [&] {
    return g.where(op.getCondition(), g.f64(0), g.gradient());
  });
}

/// min(max(x, low), high): a bound takes the gradient where it is the result.
/// `low` and `high` may be null; their operand numbers follow that of x.
static void differentiateClamp(Operation *op, Value x, Value low, Value high,
                        GradientBuilder &g) {
  g.set(0, [&] {
    Value inside;
    if (low)
      inside = g.ge(x, low);
    if (high) {
      Value below = g.le(x, high);
      inside = inside ? g.logicalAnd(inside, below) : below;
    }
    return inside ? g.keepWhere(inside, g.gradient()) : g.gradient();
  });
  if (low)
    g.set(1, [&] {
      Value chosen = g.lt(x, low);
      if (high)
        chosen = g.logicalAnd(chosen, g.lt(low, high));
      return g.keepWhere(chosen, g.gradient());
    });
  if (high)
    g.set(low ? 2 : 1, [&] {
      Value chosen = g.gt(x, high);
      if (low) {
        Value crossed = g.create<LogicalOrOp>(chosen, g.gt(low, high));
        chosen = crossed;
      }
      return g.keepWhere(chosen, g.gradient());
    });
}
static void differentiate(ClampOp op, GradientBuilder &g) {
  differentiateClamp(op, op.getSelf(), op.getMin(), op.getMax(), g);
}
static void differentiate(ClampMinOp op, GradientBuilder &g) {
  differentiateClamp(op, op.getSelf(), op.getMin(), {}, g);
}
static void differentiate(ClampMaxOp op, GradientBuilder &g) {
  differentiateClamp(op, op.getSelf(), {}, op.getMax(), g);
}

static void differentiate(AliasOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
}
static void differentiate(CloneOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
}
static void differentiate(ContiguousOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.gradient(); });
}

void attachPointwiseBinaryDerivatives(MLIRContext *context) {
  attachDerivatives<AddOp, SubOp, RsubOp, MulOp, DivOp, DivRoundedOp,
                    RemainderOp, FmodOp, PowOp, MaximumOp, MinimumOp, Atan2Op,
                    FmaOp, ConvertElementTypeOp, WhereOp, ClampOp, ClampMinOp,
                    ClampMaxOp, AliasOp, CloneOp, ContiguousOp>(context);
}

} // namespace mlir::fx
