//===- Order.cpp - Sorting and running extrema as loops -------------------===//
//
// For a target whose run-time library does not sort: every pair of elements
// along the dimension is compared.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "fx/Analysis/OrderCalls.h"

using namespace mlir;
using namespace mlir::fx;

namespace {

struct OrderLowering : Lowering<CallOp> {
  using Lowering::Lowering;

  LogicalResult
  matchAndRewrite(CallOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::optional<OrderCall> call = matchOrderCall(op);
    if (!call)
      return failure();
    LinalgBuilder t{rewriter, op.getLoc()};
    Value x = adaptor.getInputs()[0];
    Type element = getElement(call->input);
    Value indices = call->isRunning ? buildRunning(t, x, element, *call)
                                    : buildSorted(t, x, element, *call);
    int64_t dim = call->dim;
    Value values = t.elementwise(
        indices, t.sizesOf(indices), element,
        [&](ScalarBuilder &s, ValueRange args) {
          SmallVector<Value> at;
          for (int64_t d = 0; d < getTensorType(x).getRank(); ++d)
            at.push_back(d == dim
                             ? s.toIndex(args[0], s.b.getI64Type())
                             : Value(s.op<linalg::IndexOp>(d)));
          return SmallVector<Value>{s.op<tensor::ExtractOp>(x, at)};
        });
    return replace(op, rewriter, {values, indices});
  }

private:
  /// Whether x comes before y, and whether neither comes before the other. NaN
  /// comes before or behind all numbers.
  static std::pair<Value, Value> compare(ScalarBuilder &s, Type type, Value x,
                                         Value y, bool descending,
                                         bool isNaNFirst) {
    Type wide = getComputeType(type);
    x = s.cast(x, type, wide);
    y = s.cast(y, type, wide);
    Value before = s.compare(wide, descending ? Relation::Gt : Relation::Lt, x,
                             y);
    Value same = s.compare(wide, Relation::Eq, x, y);
    if (!isFloatType(type))
      return {before, same};
    Value isNaN = s.isNan(isNaNFirst ? x : y);
    Value isOtherNaN = s.isNan(isNaNFirst ? y : x);
    before = s.orI(before, s.andI(isNaN, s.notI1(isOtherNaN)));
    return {before, s.orI(same, s.andI(isNaN, isOtherNaN))};
  }

  /// A reduction over pairs of elements i and j along the dimension.
  static SmallVector<Value> reducePairs(LinalgBuilder &t, Value x, int64_t dim,
                                        ValueRange initial,
                                        LinalgBuilder::Body body) {
    int64_t rank = getTensorType(x).getRank();
    MLIRContext *context = t.b.getContext();
    SmallVector<AffineExpr> first, second;
    for (int64_t d = 0; d < rank; ++d) {
      first.push_back(getAffineDimExpr(d, context));
      second.push_back(getAffineDimExpr(d == dim ? rank : d, context));
    }
    AffineMap own = AffineMap::get(rank + 1, 0, first, context);
    SmallVector<AffineMap> maps = {
        own, AffineMap::get(rank + 1, 0, second, context)};
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators.push_back(utils::IteratorType::reduction);
    SmallVector<Value> outputs;
    for (Value value : initial) {
      outputs.push_back(t.filled(t.sizesOf(x), value));
      maps.push_back(own);
    }
    return t.genericOp({x, x}, outputs, maps, iterators, body);
  }

  static Value buildSorted(LinalgBuilder &t, Value x, Type element,
                           const OrderCall &call) {
    Type i64 = t.b.getI64Type();
    int64_t rank = getTensorType(x).getRank(), dim = call.dim;
    // An element's place is the number of those before it.
    Value place = reducePairs(
        t, x, dim, t.scalars().constantInt(i64, 0),
        [&](ScalarBuilder &s, ValueRange args) {
          auto [before, same] = compare(s, element, args[1], args[0],
                                        call.descending, call.descending);
          Value isEarlier = s.compareIndex(
              arith::CmpIPredicate::slt, s.op<linalg::IndexOp>(rank),
              s.op<linalg::IndexOp>(dim));
          Value counts = s.orI(before, s.andI(same, isEarlier));
          return SmallVector<Value>{
              s.add(i64, args[2], s.cast(counts, s.b.getI1Type(), i64))};
        })[0];
    Sizes sizes = t.sizesOf(x);
    Value sorted =
        t.loopNest(sizes, t.filled(sizes, t.scalars().constantInt(i64, 0)),
                   [&](ScalarBuilder &s, ValueRange at, ValueRange carried) {
                     SmallVector<Value> to(at);
                     to[dim] = s.toIndex(s.op<tensor::ExtractOp>(place, at),
                                         i64);
                     Value index = s.op<arith::IndexCastOp>(i64, at[dim]);
                     return SmallVector<Value>{
                         s.op<tensor::InsertOp>(index, carried[0], to)};
                   })
            .front();
    Sizes offsets(rank, t.constantSize(0)), ones(rank, t.constantSize(1));
    sizes[dim] = t.constantSize(call.count);
    return t.slice(sorted, offsets, sizes, ones);
  }

  static Value buildRunning(LinalgBuilder &t, Value x, Type element,
                            const OrderCall &call) {
    Type i64 = t.b.getI64Type();
    int64_t rank = getTensorType(x).getRank(), dim = call.dim;
    ScalarBuilder outer = t.scalars();
    SmallVector<Value> initial = {
        outer.op<arith::ConstantOp>(
            cast<TypedAttr>(t.b.getZeroAttr(element))),
        outer.constantInt(i64, -1)};
    return reducePairs(
        t, x, dim, initial, [&](ScalarBuilder &s, ValueRange args) {
          auto [wins, ties] = compare(s, element, args[1], args[2],
                                      call.descending, /*isNaNFirst=*/true);
          Value index = s.op<arith::IndexCastOp>(
              i64, s.op<linalg::IndexOp>(rank));
          Value isLater = s.compare(i64, Relation::Gt, index, args[3]);
          Value isFirst = s.compare(i64, Relation::Lt, args[3],
                                    s.constantInt(i64, 0));
          Value isSoFar = s.compareIndex(
              arith::CmpIPredicate::sle, s.op<linalg::IndexOp>(rank),
              s.op<linalg::IndexOp>(dim));
          Value take = s.orI(isFirst, s.orI(wins, s.andI(ties, isLater)));
          take = s.andI(take, isSoFar);
          return SmallVector<Value>{s.select(take, args[1], args[2]),
                                    s.select(take, index, args[3])};
        })[1];
  }
};

} // namespace

void fx::populateOrderPatterns(const TypeConverter &converter,
                               const LoweringOptions &options,
                               RewritePatternSet &patterns) {
  patterns.add<OrderLowering>(converter, patterns.getContext(), options);
}
