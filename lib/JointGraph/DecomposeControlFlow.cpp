//===- DecomposeControlFlow.cpp - scan and map as while -------------------===//

#include "Decompose.h"
#include "fx/IR/ControlFlowOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::fx {
namespace {

/// `value` where `type` is wanted; they differ in what is known of sizes.
Value castSizes(TensorBuilder &b, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return b.create<tensor::CastOp>(type, value);
}

/// A loop over the slices of `xs`:
///   (i, init…, ys…) = while i < n: (i + 1, body(init…, xs[i]…, additional…))
/// Returns no values if a size of a result cannot be told before.
SmallVector<Value> buildLoop(Operation *op, TensorBuilder &b,
                             OpBuilder &builder, ValueRange init, ValueRange xs,
                             ValueRange additional, Region &body) {
  Location loc = op->getLoc();
  size_t numInit = init.size(), numXs = xs.size();
  TypeRange stackTypes = TypeRange(op->getResultTypes()).drop_front(numInit);
  for (Type type : stackTypes)
    for (int64_t size : cast<RankedTensorType>(type).getShape().drop_front())
      if (ShapedType::isDynamic(size))
        return {};

  Size count = b.sizeOf(xs.front(), 0);
  SmallVector<Value> carried{b.i64(0)};
  llvm::append_range(carried, init);
  SmallVector<Value> others{b.asValue(count)};
  llvm::append_range(others, xs);
  llvm::append_range(others, additional);
  for (Type type : stackTypes) {
    auto tensor = cast<RankedTensorType>(type);
    SmallVector<Size> sizes{count};
    for (int64_t size : tensor.getShape().drop_front())
      sizes.push_back(builder.getI64IntegerAttr(size));
    carried.push_back(b.full(sizes, b.i64(0), tensor.getElementType()));
  }

  OperationState state(loc, WhileOp::getOperationName());
  state.addOperands(carried);
  state.addOperands(others);
  state.addAttribute("operandSegmentSizes",
                     builder.getDenseI32ArrayAttr(
                         {int32_t(carried.size()), int32_t(others.size())}));
  state.addTypes(ValueRange(carried).getTypes());
  state.addRegion();
  state.addRegion();
  auto loop = cast<WhileOp>(builder.create(state));

  SmallVector<Type> types(loop.getOperandTypes());
  SmallVector<Location> locs(types.size(), loc);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&loop.getCondRegion(), {}, types, locs);
  Value go = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                   block->getArgument(0),
                                   block->getArgument(carried.size()));
  YieldOp::create(builder, loc, go);

  block = builder.createBlock(&loop.getBodyRegion(), {}, types, locs);
  ValueRange arguments = block->getArguments();
  Value index = arguments.front();
  ValueRange inside = arguments.drop_front(carried.size() + 1);
  SmallVector<Value> values(arguments.slice(1, numInit));
  for (Value x : inside.take_front(numXs))
    values.push_back(b.select(x, 0, index));
  llvm::append_range(values, inside.drop_front(numXs));
  IRMapping mapping;
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), values))
    mapping.map(argument, castSizes(b, value, argument.getType()));
  for (Operation &nested : body.front().without_terminator())
    builder.clone(nested, mapping);
  SmallVector<Value> next{
      arith::AddIOp::create(builder, loc, index, b.i64(1))};
  for (auto [i, yielded] :
       llvm::enumerate(body.front().getTerminator()->getOperands())) {
    Value value = mapping.lookupOrDefault(yielded);
    Value old = arguments[1 + i];
    if (i >= numInit) {
      auto type = cast<RankedTensorType>(old.getType());
      Type slice = RankedTensorType::get(type.getShape().drop_front(),
                                         type.getElementType());
      value = SelectScatterOp::create(builder, loc, type, old,
                                      castSizes(b, value, slice), 0,
                                      index);
    }
    next.push_back(value);
  }
  YieldOp::create(builder, loc, next);
  return SmallVector<Value>(loop.getResults().drop_front());
}

template <typename OpTy>
struct DecomposeLoop : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(rewriter, op.getLoc());
    ValueRange init;
    if constexpr (std::is_same_v<OpTy, ScanOp>)
      init = op.getInit();
    SmallVector<Value> values =
        buildLoop(op, b, rewriter, init, op.getXs(), op.getAdditional(),
                  op.getBody());
    if (values.size() != op->getNumResults())
      return rewriter.notifyMatchFailure(op, "depends on an unknown size");
    rewriter.setInsertionPoint(op);
    for (auto [value, result] : llvm::zip_equal(values, op->getResults()))
      value = castSizes(b, value, result.getType());
    rewriter.replaceOp(op, values);
    return success();
  }
};

} // namespace

void populateDecomposeControlFlowToCore(RewritePatternSet &patterns) {
  patterns.add<DecomposeLoop<ScanOp>, DecomposeLoop<MapOp>>(
      patterns.getContext());
}

} // namespace mlir::fx
