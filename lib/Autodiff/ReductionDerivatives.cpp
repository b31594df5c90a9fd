//===- ReductionDerivatives.cpp - Reductions, scans, softmax --------------===//

#include "Derivatives.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::fx {

namespace {
/// A reduction's dimensions and how its results line up with the operand.
template <typename OpTy>
struct Reduced {
  explicit Reduced(OpTy op)
      : self(op.getSelf()), keepdim(op.getKeepdim()),
        dims(wrapDims(op.getDim(), getRank(self))) {}
  /// A value shaped like the result, with the reduced dimensions as 1.
  Value align(GradientBuilder &g, Value value) const {
    return keepdim ? value : g.restoreDims(value, dims);
  }
  /// The same, broadcast to the operand.
  Value spread(GradientBuilder &g, Value value) const {
    return g.expand(align(g, value), g.sizesOf(self));
  }
  Value self;
  bool keepdim;
  SmallVector<int64_t> dims;
};
} // namespace

static void differentiate(SumOp op, GradientBuilder &g) {
  g.set(0, [&] { return Reduced(op).spread(g, g.gradient()); });
}
static void differentiate(MeanOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Reduced r(op);
    Value count = g.asValue(g.countOf(r.self, r.dims));
    return g.div(r.spread(g, g.gradient()), count);
  });
}
static void differentiate(ProdOp op, GradientBuilder &g) {
  // y / x; with one zero in the row only that element has a gradient, the
  // product of the others.
  g.set(0, [&] {
    Reduced r(op);
    Value x = g.convert(r.self, getElement(op.getResult()));
    Value isZero = g.eq(x, g.i64(0));
    Value zeros = g.sum(isZero, r.dims, /*keepdim=*/true);
    Value others = g.create<ProdOp>(g.where(isZero, g.f64(1), x), r.dims,
                                    /*keepdim=*/true, TypeAttr());
    Value ratio = g.div(r.align(g, op.getResult()), x);
    Value slope = g.where(
        isZero, g.keepWhere(g.eq(zeros, g.i64(1)), others),
        g.keepWhere(g.eq(zeros, g.i64(0)), ratio));
    return g.mul(r.align(g, g.gradient()), slope);
  });
}

/// Elements that equal the extremum share the gradient evenly.
template <typename OpTy>
static void differentiateExtremum(OpTy op, GradientBuilder &g) {
  g.set(0, [&] {
    Reduced r(op);
    Value isExtremum = g.eq(r.self, r.align(g, op.getResult()));
    Value count = g.sum(isExtremum, r.dims, /*keepdim=*/true);
    Value share = g.div(r.align(g, g.gradient()), count);
    return g.keepWhere(isExtremum, share);
  });
}
static void differentiate(AmaxOp op, GradientBuilder &g) {
  differentiateExtremum(op, g);
}
static void differentiate(AminOp op, GradientBuilder &g) {
  differentiateExtremum(op, g);
}

/// The element that was chosen takes the gradient.
template <typename OpTy>
static void differentiateChoice(OpTy op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    if (!g.gradient(0))
      return {};
    Value self = op.getSelf(), index = op.getIndices(), grad = g.gradient(0);
    int64_t dim = wrapDim(op.getDim(), getRank(self));
    if (!op.getKeepdim() && getRank(self) > 0) {
      index = g.unsqueeze(index, dim);
      grad = g.unsqueeze(grad, dim);
    }
    return g.create<ScatterOp>(g.zerosLike(self), index, grad, (uint64_t)dim);
  });
}
static void differentiate(MaxDimOp op, GradientBuilder &g) {
  differentiateChoice(op, g);
}
static void differentiate(MinDimOp op, GradientBuilder &g) {
  differentiateChoice(op, g);
}

/// 2 / (n - correction) * (x - mean) * gradient
template <typename OpTy>
static Value buildVarianceGradient(GradientBuilder &g, OpTy op,
                            const Reduced<OpTy> &r, Value grad, Value mean) {
  double correction = op.getCorrection().convertToDouble();
  Value centred = g.sub(g.toCompute(r.self), mean);
  grad = r.align(g, g.toCompute(grad));
  Size count = g.countOf(r.self, r.dims);
  if (auto known = dyn_cast<Attribute>(count)) {
    double n = cast<IntegerAttr>(known).getInt();
    return g.mul(g.mul(grad, 2.0 / (n - correction)), centred);
  }
  Value n = g.create<arith::SIToFPOp>(g.getBuilder().getF64Type(),
                                      cast<Value>(count));
  Value divisor = g.create<arith::SubFOp>(n, g.f64(correction));
  return g.mul(g.div(g.mul(grad, 2.0), divisor), centred);
}
static void differentiate(VarOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Reduced r(op);
    Value mean = g.mean(g.toCompute(r.self), r.dims, /*keepdim=*/true);
    return buildVarianceGradient(g, op, r, g.gradient(), mean);
  });
}
static void differentiate(VarMeanOp op, GradientBuilder &g) {
  g.set(0, [&] {
    Reduced r(op);
    Value result;
    if (Value grad = g.gradient(0))
      result = buildVarianceGradient(
          g, op, r, grad, r.align(g, g.toCompute(op.getMean())));
    if (Value grad = g.gradient(1)) {
      Value count = g.asValue(g.countOf(r.self, r.dims));
      Value part =
          r.spread(g, g.div(g.toCompute(grad), count));
      result = result ? g.add(result, part) : part;
    }
    return result;
  });
}

static void differentiate(CumsumOp op, GradientBuilder &g) {
  // The sums from each index to the end.
  g.set(0, [&]() -> Value {
    int64_t rank = getRank(op.getSelf()), dim = wrapDim(op.getDim(), rank);
    if (rank == 0)
      return g.gradient();
    Value reversed = g.create<FlipOp>(g.gradient(), dim);
    Value sums = g.create<CumsumOp>(reversed, (uint64_t)dim, TypeAttr());
    return g.create<FlipOp>(sums, dim);
  });
}

static void differentiate(SoftmaxOp op, GradientBuilder &g) {
  // y * g - y * sum(y * g)
  g.set(0, [&] {
    int64_t dim = wrapDim(op.getDim(), getRank(op.getSelf()));
    Value y = g.toCompute(op.getResult());
    Value product = g.mul(g.toCompute(g.gradient()), y);
    Value sum = g.sum(product, dim, /*keepdim=*/true);
    return g.sub(product, g.mul(y, sum));
  });
}
static void differentiate(LogSoftmaxOp op, GradientBuilder &g) {
  // g - e^y * sum(g)
  g.set(0, [&] {
    int64_t dim = wrapDim(op.getDim(), getRank(op.getSelf()));
    Value grad = g.toCompute(g.gradient());
    Value sum = g.sum(grad, dim, /*keepdim=*/true);
    return g.sub(grad, g.mul(g.exp(g.toCompute(op.getResult())), sum));
  });
}
static void differentiate(LogsumexpOp op, GradientBuilder &g) {
  // g * e^(x - y)
  g.set(0, [&] {
    Reduced r(op);
    Value y = r.align(g, g.toCompute(op.getResult()));
    Value grad = r.align(g, g.toCompute(g.gradient()));
    return g.mul(grad, g.exp(g.sub(g.toCompute(r.self), y)));
  });
}

void attachReductionDerivatives(MLIRContext *context) {
  attachDerivatives<SumOp, MeanOp, ProdOp, AmaxOp, AminOp, MaxDimOp, MinDimOp,
                    VarOp, VarMeanOp, CumsumOp, SoftmaxOp, LogSoftmaxOp,
                    LogsumexpOp>(context);
}

} // namespace mlir::fx
