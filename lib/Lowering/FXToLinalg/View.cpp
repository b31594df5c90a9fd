//===- View.cpp - Views of one tensor, slices, and their inverses ---------===//

#include "Patterns.h"
#include "SliceBounds.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Slice bounds
//===----------------------------------------------------------------------===//

/// A bound counted from the front and clamped to [0, size].
static OpFoldResult clampBound(LinalgBuilder &t, Value bound,
                               OpFoldResult fallback, OpFoldResult size) {
  if (!bound)
    return fallback;
  ScalarBuilder s = t.scalars();
  APInt constant;
  auto staticSize = getConstantIntValue(size);
  if (matchPattern(bound, m_ConstantInt(&constant))) {
    int64_t value = constant.getSExtValue();
    if (staticSize)
      return t.constantSize(std::clamp<int64_t>(
          value < 0 ? value + *staticSize : value, 0, *staticSize));
    if (value == 0)
      return t.constantSize(0);
    // PyTorch's "to the end".
    if (value == std::numeric_limits<int64_t>::max())
      return size;
  }
  Value zero = s.constantIndex(0), limit = t.asValue(size);
  Value value = s.toIndex(bound, bound.getType());
  Value isNegative = s.compareIndex(arith::CmpIPredicate::slt, value, zero);
  value = s.select(isNegative, s.op<arith::AddIOp>(value, limit), value);
  value = s.op<arith::MaxSIOp>(value, zero);
  return OpFoldResult(s.op<arith::MinSIOp>(value, limit));
}

SliceBounds fx::buildSliceBounds(LinalgBuilder &t, Value tensor, int64_t dim,
                                 Value start, Value end, int64_t step,
                                 int64_t knownSize) {
  SliceBounds bounds;
  int64_t rank = getTensorType(tensor).getRank();
  bounds.offsets.assign(rank, t.constantSize(0));
  bounds.strides.assign(rank, t.constantSize(1));
  bounds.sizes = t.sizesOf(tensor);
  OpFoldResult size = bounds.sizes[dim];
  OpFoldResult first = clampBound(t, start, t.constantSize(0), size);
  OpFoldResult last = clampBound(t, end, size, size);
  bounds.offsets[dim] = first;
  bounds.strides[dim] = t.constantSize(step);
  auto x = getConstantIntValue(first), y = getConstantIntValue(last);
  if (!ShapedType::isDynamic(knownSize)) {
    bounds.sizes[dim] = t.constantSize(knownSize);
  } else if (x && y) {
    bounds.sizes[dim] =
        t.constantSize(std::max<int64_t>(0, (*y - *x + step - 1) / step));
  } else if (x && *x == 0 && step == 1) {
    bounds.sizes[dim] = last;
  } else {
    ScalarBuilder s = t.scalars();
    Value length = s.subIndex(t.asValue(last), t.asValue(first));
    length = s.op<arith::MaxSIOp>(length, s.constantIndex(0));
    if (step != 1)
      length = s.op<arith::DivUIOp>(s.addIndex(length, step - 1),
                                    s.constantIndex(step));
    bounds.sizes[dim] = length;
  }
  return bounds;
}

SliceBounds fx::buildSelectBounds(LinalgBuilder &t, Value tensor, int64_t dim,
                                  Value index) {
  SliceBounds bounds;
  int64_t rank = getTensorType(tensor).getRank();
  bounds.offsets.assign(rank, t.constantSize(0));
  bounds.strides.assign(rank, t.constantSize(1));
  bounds.sizes = t.sizesOf(tensor);
  OpFoldResult size = bounds.sizes[dim];
  bounds.sizes[dim] = t.constantSize(1);
  ScalarBuilder s = t.scalars();
  APInt constant;
  auto staticSize = getConstantIntValue(size);
  if (matchPattern(index, m_ConstantInt(&constant)) &&
      (staticSize || !constant.isNegative())) {
    int64_t value = constant.getSExtValue();
    bounds.offsets[dim] = t.constantSize(value < 0 ? value + *staticSize
                                                   : value);
    return bounds;
  }
  Value value = s.toIndex(index, index.getType());
  Value isNegative =
      s.compareIndex(arith::CmpIPredicate::slt, value, s.constantIndex(0));
  bounds.offsets[dim] =
      s.select(isNegative, s.addIndex(value, t.asValue(size)), value);
  return bounds;
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// view(x) -> expand_shape(collapse_shape(x))
struct ViewLowering : Lowering<ViewOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(ViewOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    return replace(op, rewriter,
                   t.reshape(adaptor.getSelf(), resultType(op),
                             t.givenSizes(op.getStaticSize(),
                                           adaptor.getSize())));
  }
};

struct FlattenLowering : Lowering<FlattenOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(FlattenOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    int64_t rank = getTensorType(self).getRank();
    if (rank == 0)
      return replace(op, rewriter, t.insertUnitDims(self, 0));
    int64_t first = fromFront(op.getStartDim(), rank);
    int64_t last = fromFront(op.getEndDim(), rank);
    if (first == last)
      return replace(op, rewriter, self);
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0; i < rank; ++i) {
      if (i > first && i <= last)
        groups.back().push_back(i);
      else
        groups.push_back({i});
    }
    Value result = tensor::CollapseShapeOp::create(rewriter, op.getLoc(), self,
                                                   groups);
    return replace(op, rewriter, result);
  }
};

/// expand(x) -> generic that reads x at 0 in the repeated dimensions
struct ExpandLowering : Lowering<ExpandOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(ExpandOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType type = resultType(op), source = getTensorType(self);
    Sizes given = t.givenSizes(op.getStaticSize(), adaptor.getSize());
    Sizes sizes(type.getRank());
    bool isIdentity = type.getRank() == source.getRank();
    for (int64_t i = 0; i < type.getRank(); ++i) {
      int64_t dim = i - (type.getRank() - source.getRank());
      bool repeats = dim < 0 || (source.getDimSize(dim) == 1 &&
                                 type.getDimSize(i) != 1);
      isIdentity &= !repeats;
      if (!type.isDynamicDim(i))
        sizes[i] = t.constantSize(type.getDimSize(i));
      else if (!repeats)
        sizes[i] = t.sizeOf(self, dim);
      else
        sizes[i] = given[i];
    }
    if (isIdentity)
      return replace(op, rewriter, self);
    return replace(
        op, rewriter,
        t.elementwise(self, sizes, type.getElementType(),
                      [](ScalarBuilder &, ValueRange args) {
                        return SmallVector<Value>{args[0]};
                      }));
  }
};

/// repeat(x, n) -> element i is x[i mod size]
struct RepeatLowering : Lowering<RepeatOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(RepeatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType type = resultType(op), source = getTensorType(self);
    Sizes given = t.givenSizes(op.getStaticSize(), adaptor.getSize());
    Sizes from = t.sizesOf(self), sizes(type.getRank());
    int64_t offset = type.getRank() - source.getRank();
    for (int64_t i = 0; i < type.getRank(); ++i) {
      sizes[i] =
          i < offset ? given[i] : t.mulSizes(given[i], from[i - offset]);
    }
    sizes = t.refineSizes(type, sizes);
    Value result = t.generate(
        sizes, type.getElementType(),
        [&](ScalarBuilder &s, ValueRange indices) -> Value {
          LinalgBuilder inner{s.b, s.loc};
          SmallVector<Value> at;
          for (int64_t i = 0; i < source.getRank(); ++i)
            at.push_back(s.op<arith::RemUIOp>(indices[i + offset],
                                              inner.asValue(from[i])));
          return s.op<tensor::ExtractOp>(self, at);
        });
    return replace(op, rewriter, result);
  }
};

struct PermuteLowering : Lowering<PermuteOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(PermuteOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    SmallVector<int64_t> order;
    for (int64_t dim : op.getDims())
      order.push_back(fromFront(dim, op.getDims().size()));
    return replace(op, rewriter, t.transpose(adaptor.getSelf(), order));
  }
};

/// transpose and t exchange two dimensions.
template <typename OpTy>
struct ExchangeLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    int64_t rank = getTensorType(adaptor.getSelf()).getRank();
    SmallVector<int64_t> order =
        llvm::to_vector(llvm::seq<int64_t>(0, rank));
    auto [first, second] = getDims(op, rank);
    if (rank > 1)
      std::swap(order[first], order[second]);
    return this->replace(op, rewriter, t.transpose(adaptor.getSelf(), order));
  }

private:
  static std::pair<int64_t, int64_t> getDims(TransposeOp op, int64_t rank) {
    return {fromFront(op.getDim0(), rank), fromFront(op.getDim1(), rank)};
  }
  static std::pair<int64_t, int64_t> getDims(TOp, int64_t) { return {0, 1}; }
};

struct UnsqueezeLowering : Lowering<UnsqueezeOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(UnsqueezeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    int64_t rank = getTensorType(adaptor.getSelf()).getRank() + 1;
    return replace(
        op, rewriter,
        t.insertUnitDims(adaptor.getSelf(), fromFront(op.getDim(), rank)));
  }
};

struct SqueezeLowering : Lowering<SqueezeOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(SqueezeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    // As the type rule decides it, on the operand's fx type.
    auto type = cast<RankedTensorType>(op.getSelf().getType());
    SmallVector<int64_t> places;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      bool isNamed = !op.getDim() ||
                     llvm::any_of(*op.getDim(), [&](int64_t dim) {
                       return fromFront(dim, type.getRank()) == i;
                     });
      if (isNamed && type.getDimSize(i) == 1)
        places.push_back(i);
    }
    return replace(op, rewriter, t.dropUnitDims(adaptor.getSelf(), places));
  }
};

struct SliceLowering : Lowering<SliceOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(SliceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType type = resultType(op);
    int64_t dim = fromFront(op.getDim(), type.getRank());
    SliceBounds bounds =
        buildSliceBounds(t, self, dim, adaptor.getStart(), adaptor.getEnd(),
                         op.getStep(), type.getDimSize(dim));
    return replace(
        op, rewriter,
        t.slice(self, bounds.offsets, bounds.sizes, bounds.strides));
  }
};

struct SelectLowering : Lowering<SelectOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(SelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    int64_t dim = fromFront(op.getDim(), getTensorType(self).getRank());
    SliceBounds bounds = buildSelectBounds(t, self, dim, adaptor.getIndex());
    Value slice = t.slice(self, bounds.offsets, bounds.sizes, bounds.strides);
    return replace(op, rewriter, t.dropUnitDims(slice, dim));
  }
};

/// x with a slice replaced: insert_slice.
struct SliceScatterLowering : Lowering<SliceScatterOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(SliceScatterOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf(), source = adaptor.getSrc();
    RankedTensorType type = getTensorType(source);
    int64_t dim = fromFront(op.getDim(), type.getRank());
    SliceBounds bounds =
        buildSliceBounds(t, self, dim, adaptor.getStart(), adaptor.getEnd(),
                         op.getStep(), type.getDimSize(dim));
    if (llvm::is_contained(type.getShape(), 0))
      return replace(op, rewriter, self);
    source = t.convert(source, getElement(op.getSrc()),
                       getElement(op.getSelf()));
    Value result = tensor::InsertSliceOp::create(
        rewriter, op.getLoc(), source, self, bounds.offsets,
        t.sizesOf(source), bounds.strides);
    return replace(op, rewriter, result);
  }
};

struct SelectScatterLowering : Lowering<SelectScatterOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(SelectScatterOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf(), source = adaptor.getSrc();
    if (llvm::is_contained(getTensorType(source).getShape(), 0))
      return replace(op, rewriter, self);
    int64_t dim = fromFront(op.getDim(), getTensorType(self).getRank());
    SliceBounds bounds = buildSelectBounds(t, self, dim, adaptor.getIndex());
    source = t.convert(source, getElement(op.getSrc()),
                       getElement(op.getSelf()));
    source = t.insertUnitDims(source, dim);
    Value result = tensor::InsertSliceOp::create(
        rewriter, op.getLoc(), source, self, bounds.offsets,
        t.sizesOf(source), bounds.strides);
    return replace(op, rewriter, result);
  }
};
} // namespace

void fx::populateViewPatterns(const TypeConverter &converter,
                              const LoweringOptions &options,
                              RewritePatternSet &patterns) {
  patterns.add<ViewLowering, FlattenLowering, ExpandLowering, RepeatLowering,
               PermuteLowering, ExchangeLowering<TransposeOp>,
               ExchangeLowering<TOp>, UnsqueezeLowering, SqueezeLowering,
               SliceLowering, SelectLowering, SliceScatterLowering,
               SelectScatterLowering>(converter, patterns.getContext(),
                                      options);
}
