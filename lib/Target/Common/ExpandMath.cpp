//===- ExpandMath.cpp - Elementary functions of f32 -----------------------===//

#include "LoopEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

namespace {

/// x ** y of f32 as 2 ** (y * log2 |x|) in f64, so that the product keeps all
/// bits of an f32 result; the special cases are those of C's powf.
struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Builder b{rewriter, op.getLoc(), op.getType()};
    Value x = b.op<arith::ExtFOp>(b.f64, op.getLhs());
    Value y = b.op<arith::ExtFOp>(b.f64, op.getRhs());
    Value size = b.op<math::AbsFOp>(x);
    Value one = b.number(1), zero = b.number(0);
    Value exponent = b.op<arith::MulFOp>(y, b.log2(size));
    // |x| = 1 to an infinite power, 0 to the power 0: 0 times infinity.
    exponent = b.select(b.compare(arith::CmpFPredicate::UNO, exponent, exponent),
                        zero, exponent);
    Value result = b.exp2(exponent);
    // Negative x: only whole powers, odd ones are negative.
    Value isWhole = b.compare(arith::CmpFPredicate::OEQ,
                              b.op<math::FloorOp>(y), y);
    Value half = b.op<arith::MulFOp>(y, b.number(0.5));
    Value isOdd = b.op<arith::AndIOp>(
        isWhole, b.compare(arith::CmpFPredicate::ONE,
                           b.op<math::FloorOp>(half), half));
    Value sign = b.select(isOdd, b.op<math::CopySignOp>(one, x), one);
    result = b.op<arith::MulFOp>(result, sign);
    Value nan = b.number(std::numeric_limits<double>::quiet_NaN());
    Value minusInfinity = b.number(-std::numeric_limits<double>::infinity());
    Value isNegative = b.op<arith::AndIOp>(
        b.compare(arith::CmpFPredicate::OLT, x, zero),
        b.compare(arith::CmpFPredicate::OGT, x, minusInfinity));
    Value hasNoRoot = b.op<arith::AndIOp>(
        isNegative,
        b.compare(arith::CmpFPredicate::ONE, b.op<math::FloorOp>(y), y));
    result = b.select(hasNoRoot, nan, result);
    result = b.select(b.compare(arith::CmpFPredicate::UNO, x, y), nan, result);
    Value isOne =
        b.op<arith::OrIOp>(b.compare(arith::CmpFPredicate::OEQ, x, one),
                           b.compare(arith::CmpFPredicate::OEQ, y, zero));
    result = b.select(isOne, one, result);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), result);
    return success();
  }

private:
  /// Makes ops on f64 in the shape of an f32.
  struct Builder {
    Builder(PatternRewriter &rewriter, Location loc, Type like)
        : rewriter(rewriter), loc(loc), shape(dyn_cast<VectorType>(like)),
          f64(getType(rewriter.getF64Type())),
          i64(getType(rewriter.getI64Type())) {}

    Type getType(Type scalar) const {
      return shape ? Type(VectorType::get(shape.getShape(), scalar)) : scalar;
    }
    Value constant(TypedAttr scalar) {
      TypedAttr value = scalar;
      if (shape)
        value = DenseElementsAttr::get(
            cast<VectorType>(getType(scalar.getType())), Attribute(scalar));
      return arith::ConstantOp::create(rewriter, loc, value);
    }
    Value number(double value) {
      return constant(rewriter.getF64FloatAttr(value));
    }
    Value integer(int64_t value) {
      return constant(rewriter.getI64IntegerAttr(value));
    }
    template <typename Op, typename... Args> Value op(Args... args) {
      return Op::create(rewriter, loc, args...);
    }
    Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
      return op<arith::CmpFOp>(predicate, a, b);
    }
    Value select(Value condition, Value a, Value b) {
      return op<arith::SelectOp>(condition, a, b);
    }
    /// sum of coefficients[i] * x ** i
    Value polynomial(Value x, ArrayRef<double> coefficients) {
      Value sum = number(coefficients.back());
      for (double c : llvm::reverse(coefficients.drop_back()))
        sum = op<math::FmaOp>(sum, x, number(c));
      return sum;
    }
    /// Of a number that is not negative and, as it comes from an f32, not
    /// denormal. Absolute error below 1e-13.
    Value log2(Value x) {
      // x = 2 ** e * m with m in [sqrt(1/2), sqrt(2)): the exponent is that of
      // x / sqrt(1/2).
      Value bits = op<arith::BitcastOp>(i64, x);
      constexpr int64_t kRootHalf = 0x3FE6A09E667F3BCD;
      Value e = op<arith::ShRSIOp>(
          op<arith::SubIOp>(bits, integer(kRootHalf)), integer(52));
      Value m = op<arith::BitcastOp>(
          f64, op<arith::SubIOp>(bits, op<arith::ShLIOp>(e, integer(52))));
      Value t = op<arith::DivFOp>(op<arith::SubFOp>(m, number(1)),
                                  op<arith::AddFOp>(m, number(1)));
      // log m = 2 artanh t
      double series[8];
      for (int i = 0; i < 8; ++i)
        series[i] = 2.0 / (2 * i + 1) / M_LN2;
      Value tail = polynomial(op<arith::MulFOp>(t, t), series);
      Value sum = op<math::FmaOp>(t, tail, op<arith::SIToFPOp>(f64, e));
      double infinity = std::numeric_limits<double>::infinity();
      sum = select(compare(arith::CmpFPredicate::OEQ, x, number(0)),
                   number(-infinity), sum);
      return select(compare(arith::CmpFPredicate::OEQ, x, number(infinity)),
                    number(infinity), sum);
    }
    /// Of a number; what an f32 cannot hold becomes 2 ** -200 or 2 ** 200.
    Value exp2(Value x) {
      x = op<arith::MaxNumFOp>(op<arith::MinNumFOp>(x, number(200)),
                               number(-200));
      Value n = op<math::RoundEvenOp>(x);
      Value f = op<arith::SubFOp>(x, n);
      double series[12] = {1};
      for (int i = 1; i < 12; ++i)
        series[i] = series[i - 1] * M_LN2 / i;
      Value power = op<arith::ShLIOp>(
          op<arith::AddIOp>(op<arith::FPToSIOp>(i64, n), integer(1023)),
          integer(52));
      return op<arith::MulFOp>(polynomial(f, series),
                               op<arith::BitcastOp>(f64, power));
    }

    PatternRewriter &rewriter;
    Location loc;
    VectorType shape;
    Type f64, i64;
  };
};

/// log x -> log (2**24 x) - 24 log 2, where x is below the normal numbers: the
/// polynomial takes all those for the smallest normal one.
template <typename LogOp> void scaleDenormal(LogOp op, double shift) {
  Type type = op.getType();
  if (!getElementTypeOrSelf(type).isF32())
    return;
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto number = [&](double value) -> Value {
    TypedAttr attr = b.getF32FloatAttr(value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(b, loc, attr);
  };
  Value x = op.getOperand();
  Value isSmall = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x,
                                        number(0x1p-126));
  Value scaled = arith::MulFOp::create(b, loc, x, number(0x1p24));
  op.getOperandMutable().assign(
      arith::SelectOp::create(b, loc, isSmall, scaled, x));
  b.setInsertionPointAfter(op);
  Value excess =
      arith::SelectOp::create(b, loc, isSmall, number(shift), number(0));
  Value result = arith::SubFOp::create(b, loc, op.getResult(), excess);
  op.getResult().replaceAllUsesExcept(result, result.getDefiningOp());
}

} // namespace

void target::expandMath(Operation *root, bool hasLdexp) {
  expandElementary(root, hasLdexp);
  SmallVector<Operation *> ops;
  root->walk([&](Operation *op) {
    if (isa_and_nonnull<math::MathDialect>(op->getDialect()))
      ops.push_back(op);
  });
  if (ops.empty())
    return;
  for (Operation *op : ops) {
    if (auto log = dyn_cast<math::LogOp>(op))
      scaleDenormal(log, 24 * M_LN2);
    else if (auto log2 = dyn_cast<math::Log2Op>(op))
      scaleDenormal(log2, 24);
  }
  RewritePatternSet patterns(root->getContext());
  patterns.add<ExpandPow>(root->getContext());
  populateMathPolynomialApproximationPatterns(patterns);
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  config.enableFolding(false);
  (void)applyOpPatternsGreedily(ops, std::move(patterns), config);
}
