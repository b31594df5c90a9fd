//===- PointwiseUnaryDerivatives.cpp - Functions of one tensor ------------===//

#include "Derivatives.h"

#include <cmath>

namespace mlir::fx {

namespace {
// Formulas use f32 for f16 and bf16, as ATen's backward kernels do; the result
// is converted to the operand's type by the caller.
struct Unary {
  template <typename OpTy>
  Unary(OpTy op, GradientBuilder &g)
      : grad(g.toCompute(g.gradient())), x(op.getSelf()), y(op.getResult()) {}
  /// Operand and result in the compute type.
  Value input(GradientBuilder &g) const { return g.toCompute(x); }
  Value output(GradientBuilder &g) const { return g.toCompute(y); }
  Value grad, x, y;
};
} // namespace

static void differentiate(NegOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.neg(g.gradient()); });
}
static void differentiate(AbsOp op, GradientBuilder &g) {
  g.set(0, [&] {
    return g.mul(g.gradient(), g.create<SignOp>(op.getSelf()));
  });
}
static void differentiate(ReluOp op, GradientBuilder &g) {
  g.set(0, [&] {
    return g.where(g.le(op.getResult(), g.i64(0)), g.f64(0), g.gradient());
  });
}

/// Steps: the derivative is zero everywhere.
template <typename OpTy>
static void differentiateStep(OpTy op, GradientBuilder &g) {
  g.set(0, [&] { return g.zerosLike(op.getSelf()); });
}
static void differentiate(SignOp op, GradientBuilder &g) { differentiateStep(op, g); }
static void differentiate(FloorOp op, GradientBuilder &g) { differentiateStep(op, g); }
static void differentiate(CeilOp op, GradientBuilder &g) { differentiateStep(op, g); }
static void differentiate(RoundOp op, GradientBuilder &g) { differentiateStep(op, g); }
static void differentiate(TruncOp op, GradientBuilder &g) { differentiateStep(op, g); }

static void differentiate(ExpOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.mul(g.gradient(), op.getResult()); });
}
static void differentiate(Exp2Op op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    return g.mul(g.mul(u.grad, u.output(g)), std::log(2.0));
  });
}
static void differentiate(Expm1Op op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    return g.mul(u.grad, g.add(u.output(g), 1.0));
  });
}
static void differentiate(LogOp op, GradientBuilder &g) {
  g.set(0, [&] { return g.div(g.gradient(), op.getSelf()); });
}
static void differentiate(Log1pOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    return g.div(u.grad, g.add(u.input(g), 1.0));
  });
}
static void differentiate(Log2Op op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    return g.div(u.grad, g.mul(u.input(g), std::log(2.0)));
  });
}
static void differentiate(SqrtOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    return g.div(u.grad, g.mul(u.output(g), 2.0));
  });
}
static void differentiate(RsqrtOp op, GradientBuilder &g) {
  // -1/2 * y^3
  g.set(0, [&] {
    Unary u(op, g);
    Value y = u.output(g);
    return g.mul(g.mul(u.grad, -0.5), g.mul(g.mul(y, y), y));
  });
}
static void differentiate(ReciprocalOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    Value y = u.output(g);
    return g.mul(g.neg(u.grad), g.mul(y, y));
  });
}
static void differentiate(SinOp op, GradientBuilder &g) {
  g.set(0, [&] {
    return g.mul(g.gradient(), g.create<CosOp>(op.getSelf()));
  });
}
static void differentiate(CosOp op, GradientBuilder &g) {
  g.set(0, [&] {
    return g.mul(g.gradient(), g.neg(g.create<SinOp>(op.getSelf())));
  });
}
static void differentiate(TanhOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    Value y = u.output(g);
    return g.mul(u.grad, g.sub(1.0, g.mul(y, y)));
  });
}
static void differentiate(SigmoidOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    Value y = u.output(g);
    return g.mul(u.grad, g.mul(y, g.sub(1.0, y)));
  });
}
static void differentiate(ErfOp op, GradientBuilder &g) {
  // 2 / sqrt(pi) * e^(-x^2)
  g.set(0, [&] {
    Unary u(op, g);
    Value x = u.input(g);
    Value bell = g.exp(g.neg(g.mul(x, x)));
    return g.mul(g.mul(bell, M_2_SQRTPI), u.grad);
  });
}
static void differentiate(SiluOp op, GradientBuilder &g) {
  // s * (1 + x * (1 - s)) with s = sigmoid(x)
  g.set(0, [&] {
    Unary u(op, g);
    Value x = u.input(g), s = g.sigmoid(x);
    Value slope = g.mul(s, g.add(g.mul(x, g.sub(1.0, s)), 1.0));
    return g.mul(u.grad, slope);
  });
}
static void differentiate(HardswishOp op, GradientBuilder &g) {
  // 0 up to -3, 1 from 3, x / 3 + 1/2 between
  g.set(0, [&] {
    Unary u(op, g);
    Value x = u.input(g);
    Value middle = g.mul(u.grad, g.add(g.div(x, 3.0), 0.5));
    Value upper = g.where(g.lt(x, g.f64(3)), middle, u.grad);
    return g.where(g.le(x, g.f64(-3)), g.f64(0), upper);
  });
}
static void differentiate(HardsigmoidOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    Value x = u.input(g);
    Value inside = g.logicalAnd(g.gt(x, g.f64(-3)), g.lt(x, g.f64(3)));
    return g.keepWhere(inside, g.mul(u.grad, 1.0 / 6.0));
  });
}
static void differentiate(HardtanhOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Value low = g.f64(op.getMinVal().convertToDouble());
    Value high = g.f64(op.getMaxVal().convertToDouble());
    Value inside = g.logicalAnd(g.gt(op.getSelf(), low),
                                g.lt(op.getSelf(), high));
    return g.keepWhere(inside, g.gradient());
  });
}
static void differentiate(LeakyReluOp op, GradientBuilder &g) {
  g.set(0, [&] {
    double slope = op.getNegativeSlope().convertToDouble();
    return g.where(g.gt(op.getSelf(), g.i64(0)), g.gradient(),
                   g.mul(g.gradient(), slope));
  });
}
static void differentiate(GeluOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Unary u(op, g);
    Value x = u.input(g);
    if (op.getApproximate() == "none") {
      // Phi(x) + x * phi(x)
      Value cdf =
          g.mul(g.add(g.create<ErfOp>(g.mul(x, M_SQRT1_2)), 1.0), 0.5);
      Value density = g.mul(g.exp(g.mul(g.mul(x, x), -0.5)),
                            M_SQRT1_2 * M_2_SQRTPI * 0.5);
      return g.mul(u.grad, g.add(cdf, g.mul(x, density)));
    }
    // x/2 * (1 + t), t = tanh(b * (x + c x^3))
    const double beta = M_SQRT2 * M_2_SQRTPI * 0.5, kappa = 0.044715;
    Value square = g.mul(x, x);
    Value inner =
        g.mul(g.add(x, g.mul(g.mul(square, x), kappa)), beta);
    Value t = g.create<TanhOp>(inner);
    Value left = g.mul(g.add(t, 1.0), 0.5);
    Value slope = g.mul(g.add(g.mul(square, 3 * kappa), 1.0), beta);
    Value right = g.mul(g.mul(g.mul(x, 0.5), g.sub(1.0, g.mul(t, t))), slope);
    return g.mul(u.grad, g.add(left, right));
  });
}

void attachPointwiseUnaryDerivatives(MLIRContext *context) {
  attachDerivatives<NegOp, AbsOp, ReluOp, SignOp, FloorOp, CeilOp, RoundOp,
                    TruncOp, ExpOp, Exp2Op, Expm1Op, LogOp, Log1pOp, Log2Op,
                    SqrtOp, RsqrtOp, ReciprocalOp, SinOp, CosOp, TanhOp,
                    SigmoidOp, ErfOp, SiluOp, HardswishOp, HardsigmoidOp,
                    HardtanhOp, LeakyReluOp, GeluOp>(context);
}

} // namespace mlir::fx
