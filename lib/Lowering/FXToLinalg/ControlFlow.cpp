//===- ControlFlow.cpp - Regions to scf.if and scf.while ------------------===//
//
// The loops carry tensors. fx.scan and fx.map are decomposed into fx.while
// before.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "fx/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// Casts values to types of other precision.
SmallVector<Value> castTo(LinalgBuilder &t, ValueRange values,
                          TypeRange types) {
  SmallVector<Value> result;
  for (auto [value, type] : llvm::zip_equal(values, types)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    result.push_back(tensor ? t.castShape(value, tensor) : value);
  }
  return result;
}

/// Whether a boolean, or the element of a tensor, is not zero.
Value toBool(LinalgBuilder &t, Value value) {
  if (auto type = dyn_cast<RankedTensorType>(value.getType())) {
    Value zero = arith::ConstantIndexOp::create(t.b, t.loc, 0);
    SmallVector<Value> indices(type.getRank(), zero);
    value = tensor::ExtractOp::create(t.b, t.loc, value, indices);
  }
  Type type = value.getType();
  if (type.isInteger(1))
    return value;
  Value zero =
      arith::ConstantOp::create(t.b, t.loc, t.b.getZeroAttr(type));
  if (isa<FloatType>(type))
    return arith::CmpFOp::create(t.b, t.loc, arith::CmpFPredicate::UNE, value,
                                 zero);
  return arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::ne, value,
                               zero);
}

/// Moves the ops of a region into `block`, with `values` for its arguments.
template <typename OpTy>
void moveBody(const Lowering<OpTy> &pattern, LinalgBuilder &t,
              ConversionPatternRewriter &rewriter, Region &region,
              Block *block, ValueRange values) {
  SmallVector<Type> types;
  for (BlockArgument argument : region.getArguments())
    types.push_back(
        pattern.getTypeConverter()->convertType(argument.getType()));
  rewriter.setInsertionPointToEnd(block);
  SmallVector<Value> arguments = castTo(t, values, types);
  rewriter.inlineBlockBefore(&region.front(), block, block->end(), arguments);
}

struct CondLowering : Lowering<CondOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(CondOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op.getResultTypes(), types)))
      return failure();
    Value pred = toBool(t, adaptor.getPred());
    auto branch = scf::IfOp::create(rewriter, op.getLoc(), types, pred,
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
    moveBody(*this, t, rewriter, op.getThenRegion(), branch.thenBlock(),
             adaptor.getInputs());
    moveBody(*this, t, rewriter, op.getElseRegion(), branch.elseBlock(),
             adaptor.getInputs());
    rewriter.replaceOp(op, branch);
    return success();
  }
};

struct WhileLowering : Lowering<WhileOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(WhileOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    LinalgBuilder t{rewriter, loc};
    // One type for each carried value: what the body takes.
    SmallVector<Type> types;
    size_t count = op.getCarried().size();
    TypeRange taken = op.getBodyRegion().front().getArgumentTypes();
    if (failed(getTypeConverter()->convertTypes(taken.take_front(count),
                                                types)))
      return failure();
    SmallVector<Value> init = castTo(t, adaptor.getCarried(), types);
    auto loop = scf::WhileOp::create(rewriter, loc, types, init);
    SmallVector<Location> locs(count, loc);
    auto fill = [&](Region &region, Region &source) {
      Block *block = rewriter.createBlock(&region, {}, types, locs);
      SmallVector<Value> values(block->getArguments());
      llvm::append_range(values, adaptor.getAdditional());
      moveBody(*this, t, rewriter, source, block, values);
    };
    fill(loop.getBefore(), op.getCondRegion());
    fill(loop.getAfter(), op.getBodyRegion());
    rewriter.setInsertionPointAfter(loop);
    return replace(op, rewriter, loop.getResults());
  }
};

/// The end of a region whose op is lowered.
struct YieldLowering : Lowering<YieldOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(YieldOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Operation *parent = op->getParentOp();
    if (!isa<scf::IfOp, scf::WhileOp>(parent))
      return failure();
    auto loop = dyn_cast<scf::WhileOp>(parent);
    if (loop && op->getParentRegion() == &loop.getBefore()) {
      Value go = toBool(t, adaptor.getValues().front());
      rewriter.replaceOpWithNewOp<scf::ConditionOp>(
          op, go, loop.getBeforeArguments());
      return success();
    }
    rewriter.replaceOpWithNewOp<scf::YieldOp>(
        op, castTo(t, adaptor.getValues(), parent->getResultTypes()));
    return success();
  }
};
} // namespace

void fx::populateControlFlowPatterns(const TypeConverter &converter,
                                     const LoweringOptions &options,
                                     RewritePatternSet &patterns) {
  patterns.add<CondLowering, WhileLowering, YieldLowering>(
      converter, patterns.getContext(), options);
}
