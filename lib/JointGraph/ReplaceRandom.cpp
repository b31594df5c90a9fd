//===- ReplaceRandom.cpp - Random ops as functions of a seed --------------===//

#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REPLACERANDOMPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// A shape as operands and attribute of `fx.random`.
struct Shape {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> sizes;

  static Shape of(OpBuilder &builder, Location loc, Value tensor) {
    Shape shape;
    auto type = cast<RankedTensorType>(tensor.getType());
    shape.sizes.assign(type.getShape().begin(), type.getShape().end());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        shape.dynamic.push_back(SymSizeOp::create(
            builder, loc, builder.getI64Type(), tensor, dim));
    return shape;
  }
};

/// random(lookup_seed(seeds(1), 0)); the seeds of a function are fused later.
Value createRandom(OpBuilder &builder, Location loc, const Shape &shape,
                   StringRef mode) {
  auto seedsType = RankedTensorType::get({1}, builder.getI64Type());
  Value seeds = SeedsOp::create(builder, loc, seedsType, /*count=*/1);
  Value seed = LookupSeedOp::create(builder, loc, seeds, /*index=*/0);
  return RandomOp::create(builder, loc, seed, shape.dynamic, shape.sizes, mode,
                          /*offset=*/0);
}

/// The same values with the type of a result that they replace.
Value convertTo(OpBuilder &builder, Location loc, Value value, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (value.getType() == type)
    return value;
  return ConvertElementTypeOp::create(builder, loc, type, value,
                                      TypeAttr::get(tensor.getElementType()));
}

Value createReal(OpBuilder &builder, Location loc, double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getF64FloatAttr(value));
}

/// (mask, mask * x * 1/(1-p)) with mask = random > p.
std::pair<Value, Value> createDropout(OpBuilder &builder, Location loc, Value x,
                                      double p) {
  Value random = createRandom(builder, loc, Shape::of(builder, loc, x), "rand");
  Value mask = GtOp::create(builder, loc, random, createReal(builder, loc, p));
  Value kept = MulOp::create(builder, loc, mask, x);
  Value scale = createReal(builder, loc, 1.0 / (1.0 - p));
  return {mask, MulOp::create(builder, loc, kept, scale)};
}

/// dropout(x, p) -> (random > p) * x * 1/(1-p)   [rule 3.10]
struct ReplaceDropout : OpRewritePattern<DropoutOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DropoutOp dropout,
                                PatternRewriter &rewriter) const override {
    double p = dropout.getP().convertToDouble();
    Location loc = dropout.getLoc();
    Value x = dropout.getInput();
    if (!dropout.getTrain() || p == 0.0) {
      rewriter.replaceOp(dropout, x);
      return success();
    }
    // Nothing is kept; 1/(1-p) would be infinite. NaN stays NaN, as in ATen.
    Value result =
        p == 1.0
            ? MulOp::create(rewriter, loc, x, createReal(rewriter, loc, 0.0))
                  .getResult()
            : createDropout(rewriter, loc, x, p).second;
    rewriter.replaceOp(dropout,
                       convertTo(rewriter, loc, result, dropout.getType()));
    return success();
  }
};

/// Random calls of ATen -> random   [rule 3.10, replace_random]
struct ReplaceRandomCall : OpRewritePattern<CallOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CallOp call,
                                PatternRewriter &rewriter) const override {
    StringRef target = call.getTarget();
    if (hasGeneratorOrPinnedMemory(call))
      return rewriter.notifyMatchFailure(call, "generator or pinned memory");
    if (target == "aten.rand.default" || target == "aten.rand.generator")
      return replaceSized(call, "rand", rewriter);
    if (target == "aten.randn.default" || target == "aten.randn.generator")
      return replaceSized(call, "randn", rewriter);
    if (target == "aten.rand_like.default")
      return replaceLike(call, "rand", rewriter);
    if (target == "aten.randn_like.default")
      return replaceLike(call, "randn", rewriter);
    if (target == "aten.bernoulli.default" || target == "aten.bernoulli.p")
      return replaceBernoulli(call, rewriter);
    if (target == "aten.native_dropout.default")
      return replaceNativeDropout(call, rewriter);
    return rewriter.notifyMatchFailure(call, "not a random op with a rule");
  }

private:
  static bool hasGeneratorOrPinnedMemory(CallOp call) {
    DictionaryAttr kwargs = call.getKwargsAttr();
    if (!kwargs)
      return false;
    Attribute generator = kwargs.get("generator");
    if (generator && !isa<UnitAttr>(generator))
      return true;
    auto pinned = kwargs.getAs<BoolAttr>("pin_memory");
    return pinned && pinned.getValue();
  }

  /// rand(sizes), with sizes in the argument template.
  static LogicalResult replaceSized(CallOp call, StringRef mode,
                                    PatternRewriter &rewriter) {
    auto sizes = call.getArguments().empty()
                     ? ArrayAttr()
                     : dyn_cast<ArrayAttr>(call.getArguments()[0]);
    if (!sizes)
      return rewriter.notifyMatchFailure(call, "sizes are not a list");
    Shape shape;
    for (Attribute size : sizes) {
      if (auto constant = dyn_cast<IntegerAttr>(size)) {
        shape.sizes.push_back(constant.getInt());
        continue;
      }
      auto reference = dyn_cast<DictionaryAttr>(size);
      auto operand =
          reference ? reference.getAs<IntegerAttr>("operand") : IntegerAttr();
      if (!operand)
        return rewriter.notifyMatchFailure(call, "size is not a number");
      shape.sizes.push_back(ShapedType::kDynamic);
      shape.dynamic.push_back(call.getInputs()[operand.getInt()]);
    }
    Location loc = call.getLoc();
    Value random = createRandom(rewriter, loc, shape, mode);
    rewriter.replaceOp(
        call, convertTo(rewriter, loc, random, call.getResultTypes()[0]));
    return success();
  }

  static LogicalResult replaceLike(CallOp call, StringRef mode,
                                   PatternRewriter &rewriter) {
    Location loc = call.getLoc();
    Shape shape = Shape::of(rewriter, loc, call.getInputs()[0]);
    Value random = createRandom(rewriter, loc, shape, mode);
    rewriter.replaceOp(
        call, convertTo(rewriter, loc, random, call.getResultTypes()[0]));
    return success();
  }

  /// The number that a template gives for argument `index`, if it does.
  static std::optional<double> getNumber(CallOp call, unsigned index) {
    if (index >= call.getArguments().size())
      return std::nullopt;
    Attribute argument = call.getArguments()[index];
    if (auto real = dyn_cast<FloatAttr>(argument))
      return real.getValueAsDouble();
    if (auto integer = dyn_cast<IntegerAttr>(argument))
      return (double)integer.getInt();
    auto reference = dyn_cast<DictionaryAttr>(argument);
    auto operand =
        reference ? reference.getAs<IntegerAttr>("operand") : IntegerAttr();
    if (!operand)
      return std::nullopt;
    APFloat real(0.0);
    Value input = call.getInputs()[operand.getInt()];
    if (matchPattern(input, m_ConstantFloat(&real)))
      return real.convertToDouble();
    return std::nullopt;
  }

  /// bernoulli(x) -> random < x; bernoulli(x, p) -> random < p.
  static LogicalResult replaceBernoulli(CallOp call,
                                        PatternRewriter &rewriter) {
    Location loc = call.getLoc();
    Value x = call.getInputs()[0], probability = x;
    if (call.getTarget() == "aten.bernoulli.p") {
      std::optional<double> p = getNumber(call, 1);
      if (!p)
        return rewriter.notifyMatchFailure(call, "p is not a number");
      probability = createReal(rewriter, loc, *p);
    }
    Value random =
        createRandom(rewriter, loc, Shape::of(rewriter, loc, x), "rand");
    Value below = LtOp::create(rewriter, loc, random, probability);
    rewriter.replaceOp(
        call, convertTo(rewriter, loc, below, call.getResultTypes()[0]));
    return success();
  }

  /// native_dropout(x, p, train) -> (x after dropout, mask)
  static LogicalResult replaceNativeDropout(CallOp call,
                                            PatternRewriter &rewriter) {
    std::optional<double> p = getNumber(call, 1);
    auto train = call.getArguments().size() > 2
                     ? dyn_cast<BoolAttr>(call.getArguments()[2])
                     : BoolAttr();
    if (!p || *p == 0.0 || *p == 1.0 || !train || !train.getValue())
      return rewriter.notifyMatchFailure(call, "not a training dropout");
    Location loc = call.getLoc();
    auto [mask, kept] = createDropout(rewriter, loc, call.getInputs()[0], *p);
    rewriter.replaceOp(
        call, {convertTo(rewriter, loc, kept, call.getResultTypes()[0]),
               convertTo(rewriter, loc, mask, call.getResultTypes()[1])});
    return success();
  }
};

struct ReplaceRandomPass : impl::ReplaceRandomPassBase<ReplaceRandomPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ReplaceDropout, ReplaceRandomCall>(&getContext());
    rewriteInReverse(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace mlir::fx
