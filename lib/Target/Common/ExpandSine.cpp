//===- ExpandSine.cpp - Sine and cosine of f32 ----------------------------===//

#include "LoopEmitter.h"
#include "ShapedBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

namespace {
/// f32 sin and cos: x = k pi/2 + r with |r| <= pi/4, then by k mod 4
/// a polynomial for the sine or for the cosine of r. The upstream expansion
/// subtracts k pi/2 in f32, which loses r where x is large or close to a
/// multiple of pi; in f64, with pi/2 in two parts, r is right to f32's last
/// bit for every |x| below 2^40. Far above, where neighbouring floats are
/// periods apart, results are in [-1, 1] and no more.
template <typename Op, int quadrantShift>
struct ExpandSine : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    ShapedBuilder s{rewriter, op.getLoc(), op.getType()};
    Type f32 = rewriter.getF32Type(), f64 = rewriter.getF64Type();
    Type i32 = rewriter.getI32Type();
    Value x = op.getOperand();
    Value wide = s.make<arith::ExtFOp>(s.withElement(f64), x);
    Value k = s.make<math::RoundEvenOp>(
        s.make<arith::MulFOp>(wide, s.real(f64, 0x1.45f306dc9c883p-1)));
    Value negative = s.make<arith::NegFOp>(k);
    Value r = s.make<math::FmaOp>(negative, s.real(f64, 0x1.921fb54442d18p+0),
                                  wide);
    r = s.make<math::FmaOp>(negative, s.real(f64, 0x1.1a62633145c07p-54), r);
    // Where k is beyond f64's integers; NaN stays NaN.
    Value bound = s.real(f64, 0.8);
    r = s.make<arith::MinimumFOp>(r, bound);
    r = s.make<arith::MaximumFOp>(r, s.make<arith::NegFOp>(bound));
    r = s.make<arith::TruncFOp>(s.withElement(f32), r);

    // k mod 4 is in the low bits of the significand of k + 1.5 2^52.
    Value biased = s.make<arith::AddFOp>(k, s.real(f64, 0x1.8p52));
    Value bits = s.make<arith::BitcastOp>(
        s.withElement(rewriter.getI64Type()), biased);
    Value quadrant = s.make<arith::TruncIOp>(s.withElement(i32), bits);
    if (quadrantShift)
      quadrant = s.make<arith::AddIOp>(quadrant, s.integer(quadrantShift));

    Value square = s.make<arith::MulFOp>(r, r);
    // Minimax on [-pi/4, pi/4], relative error 2^-28.
    Value sine = s.polynomial(
        square, {-0x1.555546p-3, 0x1.11076p-7, -0x1.994e8p-13});
    sine = s.make<math::FmaOp>(s.make<arith::MulFOp>(sine, square), r, r);
    Value cosine = s.polynomial(
        square,
        {1.0, -0.5, 0x1.55554ap-5, -0x1.6c0c8ap-10, 0x1.9a0222p-16});
    Value isOdd = s.make<arith::CmpIOp>(
        arith::CmpIPredicate::ne,
        s.make<arith::AndIOp>(quadrant, s.integer(1)), s.integer(0));
    Value isNegative = s.make<arith::CmpIOp>(
        arith::CmpIPredicate::ne,
        s.make<arith::AndIOp>(quadrant, s.integer(2)), s.integer(0));
    Value result = s.make<arith::SelectOp>(isOdd, cosine, sine);
    result = s.make<arith::SelectOp>(isNegative,
                                     s.make<arith::NegFOp>(result), result);
    // -0 is its own sine.
    if (quadrantShift == 0)
      result = s.make<arith::SelectOp>(
          s.make<arith::CmpFOp>(arith::CmpFPredicate::OEQ, x,
                                s.real(f32, 0.0)),
          x, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void target::expandSine(Operation *root) {
  RewritePatternSet patterns(root->getContext());
  patterns.add<ExpandSine<math::SinOp, 0>, ExpandSine<math::CosOp, 1>>(
      root->getContext());
  walkAndApplyPatterns(root, std::move(patterns));
}
