//===- ScaleSoftmax.cpp - Scaled softmax ----------------------------------===//

#include "Numbers.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/PatternMatch.h"

#include <limits>

namespace mlir::fx {
#define GEN_PASS_DEF_SCALESOFTMAXPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

bool isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isFloatType(type.getElementType());
}

/// s = x * c or x / c for a Python number c.
struct Scaling {
  Value x;
  double c;
  bool divides;
};

std::optional<Scaling> matchScaling(Operation *op) {
  if (!op || !isa<MulOp, DivOp>(op))
    return std::nullopt;
  bool divides = isa<DivOp>(op);
  Value x = op->getOperand(0), other = op->getOperand(1);
  if (!divides && !isFloatTensor(x))
    std::swap(x, other);
  if (!isFloatTensor(x))
    return std::nullopt;
  std::optional<double> c = getNumber(other);
  if (!c)
    return std::nullopt;
  return Scaling{x, *c, divides};
}

/// s - amax(s, dim)
///   -> where(all(isfinite(s), dim), (x*g - amax(x*g, dim)) * (g*c),
///            s - amax(s, dim))   [rule 3.9]
struct ScaleAfterMaximum : OpRewritePattern<SubOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SubOp sub,
                                PatternRewriter &rewriter) const override {
    Value s = sub.getSelf();
    auto amax = sub.getOther().getDefiningOp<AmaxOp>();
    if (!amax || amax.getSelf() != s || sub.getAlpha().convertToDouble() != 1.0)
      return rewriter.notifyMatchFailure(sub, "not s - amax(s)");
    if (!amax->hasOneUse())
      return rewriter.notifyMatchFailure(sub, "the maximum has other uses");
    // s may be x * c in another type.
    auto convert = s.getDefiningOp<ConvertElementTypeOp>();
    std::optional<Scaling> scaling =
        matchScaling(convert ? convert.getSelf().getDefiningOp()
                             : s.getDefiningOp());
    if (!scaling || !isFloatTensor(s))
      return rewriter.notifyMatchFailure(sub, "s is not scaled by a number");

    TensorBuilder b(rewriter, sub.getLoc());
    auto dims = amax.getDimAttr();
    auto keepdim = amax.getKeepdimAttr();
    int64_t sign = scaling->c >= 0 ? 1 : -1;

    Value x = scaling->x;
    if (convert)
      x = b.create<ConvertElementTypeOp>(x, convert.getDtypeAttr());
    Value signedX = b.mul(x, b.i64(sign));
    Value centred = b.sub(signedX, b.create<AmaxOp>(signedX, dims, keepdim));
    double factor = sign * scaling->c;
    Value scaled =
        scaling->divides ? b.div(centred, factor) : b.mul(centred, factor);

    // x may be so large that only the scaled values are finite, or the other
    // way round: rows with an infinity or NaN keep the original formula.
    Value isNumber = b.eq(s, s);
    Value infinity = b.f64(std::numeric_limits<double>::infinity());
    Value isBounded = b.ne(b.create<AbsOp>(s), infinity);
    Value isNot = b.logicalNot(b.mul(isNumber, isBounded));
    Value allFinite = b.logicalNot(b.create<AnyOp>(isNot, dims, keepdim));
    Value original = b.sub(s, amax);
    rewriter.replaceOpWithNewOp<WhereOp>(sub, sub.getType(), allFinite, scaled,
                                         original);
    return success();
  }
};

struct ScaleSoftmaxPass : impl::ScaleSoftmaxPassBase<ScaleSoftmaxPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ScaleAfterMaximum>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
