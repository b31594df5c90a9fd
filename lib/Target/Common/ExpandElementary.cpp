//===- ExpandElementary.cpp - Elementary functions of f32, to 2 ulp -------===//
//
// Each is right for infinities, NaN, -0 and denormal results. The coefficients
// are minimax fits on the ranges that the comments name.
//
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"
#include "ShapedBuilder.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

namespace {

/// Arithmetic on f32.
struct Formulas : ShapedBuilder {
  Formulas(PatternRewriter &rewriter, Operation *op, bool hasLdexp)
      : ShapedBuilder{rewriter, op->getLoc(), op->getResult(0).getType()},
        hasLdexp(hasLdexp) {}

  bool hasLdexp;

  Value number(double value) { return real(b.getF32Type(), value); }
  Value add(Value x, Value y) { return make<arith::AddFOp>(x, y); }
  Value sub(Value x, Value y) { return make<arith::SubFOp>(x, y); }
  Value mul(Value x, Value y) { return make<arith::MulFOp>(x, y); }
  Value div(Value x, Value y) { return make<arith::DivFOp>(x, y); }
  Value fma(Value x, Value y, Value z) { return make<math::FmaOp>(x, y, z); }
  Value abs(Value x) { return make<math::AbsFOp>(x); }
  Value withSign(Value x, Value sign) {
    return make<math::CopySignOp>(x, sign);
  }
  Value less(Value x, Value y) {
    return make<arith::CmpFOp>(arith::CmpFPredicate::OLT, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return make<arith::SelectOp>(condition, x, y);
  }
  /// The smaller and the larger of a value and a number; NaN stays NaN.
  Value atMost(Value x, double limit) {
    Value bound = number(limit);
    return select(less(bound, x), bound, x);
  }
  Value atLeast(Value x, double limit) {
    Value bound = number(limit);
    return select(less(x, bound), bound, x);
  }
  /// 2 ** n of an integer from -126 to 127.
  Value powerOfTwo(Value n) {
    Value biased = make<arith::AddIOp>(n, integer(127));
    return make<arith::BitcastOp>(
        withElement(b.getF32Type()),
        make<arith::ShLIOp>(biased, integer(23)));
  }
  /// x * 2 ** n, else in two steps: 2 ** n itself may be no normal number.
  Value scale(Value x, Value n) {
    if (hasLdexp)
      // MLIR's own op of that name takes one n for all lanes.
      return LLVM::CallIntrinsicOp::create(b, loc, x.getType(),
                                           b.getStringAttr("llvm.ldexp"),
                                           ValueRange{x, n})
          ->getResult(0);
    Value half = make<arith::ShRSIOp>(n, integer(1));
    x = mul(x, powerOfTwo(half));
    return mul(x, powerOfTwo(make<arith::SubIOp>(n, half)));
  }
  /// x = n log 2 + r with |r| <= log(2) / 2.
  Value reduce(Value x, Value &n) {
    Value whole =
        make<math::RoundEvenOp>(mul(x, number(0x1.715476p0)));
    n = make<arith::FPToSIOp>(withElement(b.getI32Type()), whole);
    Value r = fma(whole, number(-0x1.62e400p-1), x);
    return fma(whole, number(-0x1.7f7d1cp-20), r);
  }

  /// 2 ** (n + f) of a whole n with |n| <= 120 and |f| <= 1/2: cheaper than
  /// exp, which looks after all arguments.
  Value smallPower(Value n, Value f) {
    Value p = polynomial(f, {0.6931470036506653, 0.24022242426872253,
                             0.05550733581185341, 0.009671512991189957,
                             0.001326472731307149});
    p = fma(p, f, number(1));
    // p is between 0.7 and 1.5: n is added to its exponent.
    Type i32 = withElement(b.getI32Type());
    Value shift = make<arith::ShLIOp>(make<arith::FPToSIOp>(i32, n),
                                      integer(23));
    Value bits = make<arith::AddIOp>(make<arith::BitcastOp>(i32, p), shift);
    return make<arith::BitcastOp>(withElement(b.getF32Type()), bits);
  }

  Value exp(Value x) {
    // Beyond these the result is zero or infinite.
    x = atLeast(atMost(x, 89), -104.5);
    Value n, r = reduce(x, n);
    Value p = polynomial(r, {0.4999999403953552, 0.16666515171527863,
                             0.04166845604777336, 0.008369418792426586,
                             0.0013813144760206342});
    return scale(add(fma(p, mul(r, r), r), number(1)), n);
  }
  Value expm1(Value x) {
    Value zero = x;
    x = atLeast(atMost(x, 89), -25);
    Value n, r = reduce(x, n);
    Value p = polynomial(r, {0.5, 0.1666666567325592, 0.04166634753346443,
                             0.008333391509950161, 0.001394165214151144,
                             0.00019845958740916103});
    p = fma(p, mul(r, r), r);
    // (p + 1 - 2 ** -n) 2 ** n; for a large n the power vanishes.
    Value inverse = powerOfTwo(make<arith::SubIOp>(
        integer(0), make<arith::MinSIOp>(n, integer(60))));
    Value result = scale(add(p, sub(number(1), inverse)), n);
    Value isTiny = less(abs(zero), number(0x1p-25));
    return select(isTiny, zero, result);
  }
  Value log1p(Value x) {
    Value one = number(1), u = add(x, one);
    // What 1 + x rounds away, to first order.
    Value lost = div(sub(x, sub(u, one)), u);
    Value counts = make<arith::AndIOp>(less(number(0), u),
                                       less(u, number(0x1p30)));
    Value result = add(make<math::LogOp>(u), select(counts, lost, number(0)));
    return select(less(abs(x), number(0x1p-25)), x, result);
  }
  Value tanh(Value x) {
    Value t = abs(x), square = mul(x, x);
    Value p = polynomial(square,
                         {-0.3333328068256378, 0.13331441581249237,
                          -0.05373971536755562, 0.0206390880048275,
                          -0.005704987328499556});
    Value small = fma(mul(p, square), x, x);
    // From 10 on the result is 1. e^(2t) = 2^(t c), with c in two parts.
    t = atMost(t, 10);
    Value high = number(0x1.715476p1);
    Value n = make<math::RoundEvenOp>(mul(t, high));
    Value f = fma(t, number(0x1.4ae0cp-25),
                  fma(t, high, make<arith::NegFOp>(n)));
    Value power = smallPower(n, f);
    Value large = sub(number(1), div(number(2), add(power, number(1))));
    // The sum of a small result loses the sign of zero.
    return withSign(select(less(t, number(0.625)), small, large), x);
  }
  Value erf(Value x) {
    Value t = abs(x);
    // Below 1: x + x p(x^2).
    Value p = polynomial(mul(x, x),
                         {0.12837916612625122, -0.3761262595653534,
                          0.1128358542919159, -0.026853812858462334,
                          0.005188328213989735, -0.000801019836217165,
                          7.853875285945833e-05});
    Value small = fma(x, p, x);
    // From 1 to 4: 1 - 2^(t q(t)), and 1 beyond.
    t = atMost(t, 4);
    Value q = polynomial(t, {-1.6281559467315674, -0.9170134663581848,
                             -0.15186196565628052, 0.03271184861660004,
                             -0.004227312281727791, 7.153433398343623e-05,
                             6.576059968210757e-05, -7.124408512027003e-06});
    Value y = mul(t, q), n = make<math::RoundEvenOp>(y);
    Value large = sub(number(1), smallPower(n, sub(y, n)));
    return select(less(t, number(1)), small, withSign(large, x));
  }
  Value atan(Value x) {
    Value t = abs(x), one = number(1);
    Value isLarge = less(one, t);
    // pi/2 - atan(1 / t)
    Value y = select(isLarge, div(one, t), t), square = mul(y, y);
    Value p = polynomial(
        square, {-0.33333298563957214, 0.19998548924922943,
                 -0.14264242351055145, 0.10952185839414597,
                 -0.0840345099568367, 0.05795760452747345,
                 -0.031177856028079987, 0.01091461069881916,
                 -0.001793622737750411});
    p = fma(mul(p, square), y, y);
    Value other = add(sub(number(0x1.921fb6p0), p), number(-0x1.777a5cp-25));
    return withSign(select(isLarge, other, p), x);
  }
};

template <typename Op, Value (Formulas::*formula)(Value)>
struct Expand : OpRewritePattern<Op> {
  Expand(MLIRContext *context, bool hasLdexp)
      : OpRewritePattern<Op>(context), hasLdexp(hasLdexp) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    Formulas formulas(rewriter, op, hasLdexp);
    rewriter.replaceOp(op, (formulas.*formula)(op.getOperand()));
    return success();
  }

private:
  bool hasLdexp;
};

} // namespace

void target::expandElementary(Operation *root, bool hasLdexp) {
  RewritePatternSet patterns(root->getContext());
  patterns.add<Expand<math::ExpOp, &Formulas::exp>,
               Expand<math::ExpM1Op, &Formulas::expm1>,
               Expand<math::Log1pOp, &Formulas::log1p>,
               Expand<math::TanhOp, &Formulas::tanh>,
               Expand<math::ErfOp, &Formulas::erf>,
               Expand<math::AtanOp, &Formulas::atan>>(root->getContext(), hasLdexp);
  walkAndApplyPatterns(root, std::move(patterns));
}
