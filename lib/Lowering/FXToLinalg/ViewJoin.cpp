//===- ViewJoin.cpp - Joining, splitting, padding, reversing --------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::fx;

/// Copies tensors side by side along `dim` into a tensor of the given sizes.
static Value join(LinalgBuilder &t, ArrayRef<Value> parts, int64_t dim,
                  const Sizes &sizes, Type element) {
  Value result = t.empty(sizes, element);
  Sizes offsets(sizes.size(), t.constantSize(0));
  Sizes strides(sizes.size(), t.constantSize(1));
  for (Value part : parts) {
    Sizes extent = t.sizesOf(part);
    if (llvm::none_of(extent, [](OpFoldResult size) {
          return getConstantIntValue(size) == 0;
        }))
      result = tensor::InsertSliceOp::create(t.b, t.loc, part, result, offsets,
                                             extent, strides);
    offsets[dim] = t.addSizes(offsets[dim], extent[dim]);
  }
  return result;
}

namespace {
struct CatLowering : Lowering<CatOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(CatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    RankedTensorType type = resultType(op);
    Type element = getElement(op.getResult());
    int64_t dim = fromFront(op.getDim(), type.getRank());
    SmallVector<Value> parts;
    OpFoldResult total = t.constantSize(0);
    for (auto [fxPart, part] :
         llvm::zip_equal(op.getTensors(), adaptor.getTensors())) {
      RankedTensorType partType = getTensorType(part);
      // ATen skips empty vectors of any element type.
      if (partType.getRank() == 1 && partType.getDimSize(0) == 0)
        continue;
      parts.push_back(t.convert(part, getElement(fxPart), element));
      total = t.addSizes(total, t.sizeOf(part, dim));
    }
    if (parts.size() == 1)
      return replace(op, rewriter, parts.front());
    Sizes sizes = parts.empty() ? Sizes{t.constantSize(0)}
                                : t.sizesOf(parts.front());
    sizes[dim] = total;
    return replace(op, rewriter,
                   join(t, parts, dim, t.refineSizes(type, sizes),
                        type.getElementType()));
  }
};

struct StackLowering : Lowering<StackOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(StackOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    RankedTensorType type = resultType(op);
    int64_t dim = fromFront(op.getDim(), type.getRank());
    SmallVector<Value> parts;
    for (auto [fxPart, part] :
         llvm::zip_equal(op.getTensors(), adaptor.getTensors()))
      parts.push_back(t.insertUnitDims(
          t.convert(part, getElement(fxPart), getElement(op.getResult())),
          dim));
    Sizes sizes = t.sizesOf(parts.front());
    sizes[dim] = t.constantSize(parts.size());
    return replace(op, rewriter,
                   join(t, parts, dim, t.refineSizes(type, sizes),
                        type.getElementType()));
  }
};

/// split, split_with_sizes, chunk: one slice for each result, whose size the
/// type rule has worked out.
template <typename OpTy>
struct SplitLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    int64_t rank = getTensorType(self).getRank();
    int64_t dim = fromFront(op.getDim(), rank), start = 0;
    SmallVector<Value> parts;
    for (unsigned i = 0; i < op->getNumResults(); ++i) {
      Sizes offsets(rank, t.constantSize(0)), sizes = t.sizesOf(self);
      Sizes strides(rank, t.constantSize(1));
      int64_t size = this->resultType(op, i).getDimSize(dim);
      offsets[dim] = t.constantSize(start);
      sizes[dim] = t.constantSize(size);
      parts.push_back(t.slice(self, offsets, sizes, strides));
      start += size;
    }
    return this->replace(op, rewriter, parts);
  }
};

struct UnbindLowering : Lowering<UnbindOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(UnbindOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    int64_t rank = getTensorType(self).getRank();
    int64_t dim = fromFront(op.getDim(), rank);
    SmallVector<Value> parts;
    for (unsigned i = 0; i < op->getNumResults(); ++i) {
      Sizes offsets(rank, t.constantSize(0)), sizes = t.sizesOf(self);
      offsets[dim] = t.constantSize(i);
      sizes[dim] = t.constantSize(1);
      Value slice =
          t.slice(self, offsets, sizes, Sizes(rank, t.constantSize(1)));
      parts.push_back(t.dropUnitDims(slice, dim));
    }
    return replace(op, rewriter, parts);
  }
};

/// flip(x): element i is x[size - 1 - i]
struct FlipLowering : Lowering<FlipOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(FlipOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType type = getTensorType(self);
    SmallVector<bool> isFlipped(type.getRank(), false);
    for (int64_t dim : op.getDims())
      if (type.getRank() > 0)
        isFlipped[fromFront(dim, type.getRank())] = true;
    Sizes sizes = t.sizesOf(self);
    Value result = t.generate(
        sizes, type.getElementType(),
        [&](ScalarBuilder &s, ValueRange indices) -> Value {
          LinalgBuilder inner{s.b, s.loc};
          SmallVector<Value> at(indices);
          for (int64_t i = 0; i < type.getRank(); ++i)
            if (isFlipped[i])
              at[i] = s.subIndex(
                  inner.asValue(t.addSizes(sizes[i], t.constantSize(-1))),
                  indices[i]);
          return s.op<tensor::ExtractOp>(self, at);
        });
    return replace(op, rewriter, result);
  }
};

struct ConstantPadNdLowering : Lowering<ConstantPadNdOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(ConstantPadNdOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    int64_t rank = getTensorType(adaptor.getSelf()).getRank();
    SmallVector<int64_t> low(rank, 0), high(rank, 0);
    for (size_t i = 0; i < op.getPad().size() / 2; ++i) {
      low[rank - 1 - i] = op.getPad()[2 * i];
      high[rank - 1 - i] = op.getPad()[2 * i + 1];
    }
    Value scalar = t.scalars().cast(adaptor.getValue(), op.getValue().getType(),
                                    getElement(op.getSelf()));
    return replace(op, rewriter, t.pad(adaptor.getSelf(), low, high, scalar));
  }
};

/// repeat_interleave(x, n): element i along dim is x[i / n]
struct RepeatInterleaveLowering : Lowering<RepeatInterleaveOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(RepeatInterleaveOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType type = getTensorType(self);
    if (!op.getDim()) {
      int64_t count =
          type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
      type = RankedTensorType::get(count, type.getElementType());
      self = t.reshape(self, type, OpFoldResult());
    }
    if (type.getRank() == 0)
      return this->options.refuse(
          op, "repeat_interleave along a dimension of a tensor of rank 0");
    int64_t dim = fromFront(op.getDim().value_or(0), type.getRank());
    int64_t repeats = op.getRepeats();
    Sizes sizes = t.sizesOf(self);
    sizes[dim] = t.mulSizes(sizes[dim], t.constantSize(repeats));
    Value result =
        t.generate(t.refineSizes(resultType(op), sizes), type.getElementType(),
                   [&](ScalarBuilder &s, ValueRange indices) -> Value {
                     SmallVector<Value> at(indices);
                     at[dim] = s.op<arith::DivUIOp>(
                         at[dim],
                         s.constantIndex(std::max<int64_t>(repeats, 1)));
                     return s.op<tensor::ExtractOp>(self, at);
                   });
    return replace(op, rewriter, result);
  }
};

/// Zero where the column is past the diagonal: column > row + diagonal (tril)
/// or column < row + diagonal (triu).
template <typename OpTy>
struct TriangleLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType type = getTensorType(self);
    if (type.getRank() < 2)
      return this->options.refuse(op, "tensor has no matrix dimensions");
    Type element = getElement(op.getSelf());
    int64_t diagonal = op.getDiagonal(), rank = type.getRank();
    Value result = t.elementwise(
        self, t.sizesOf(self), type.getElementType(),
        [&](ScalarBuilder &s, ValueRange args) {
          Value row = s.op<linalg::IndexOp>(rank - 2);
          Value column = s.op<linalg::IndexOp>(rank - 1);
          Value limit = s.addIndex(row, diagonal);
          auto keeps = std::is_same_v<OpTy, TrilOp> ? arith::CmpIPredicate::sle
                                                    : arith::CmpIPredicate::sge;
          return SmallVector<Value>{
              s.select(s.compareIndex(keeps, column, limit), args[0],
                       s.constant(element, 0.0))};
        });
    return this->replace(op, rewriter, result);
  }
};
} // namespace

void fx::populateViewJoinPatterns(const TypeConverter &converter,
                                  const LoweringOptions &options,
                                  RewritePatternSet &patterns) {
  patterns.add<CatLowering, StackLowering, SplitLowering<SplitOp>,
               SplitLowering<SplitWithSizesOp>, SplitLowering<ChunkOp>,
               UnbindLowering, FlipLowering, ConstantPadNdLowering,
               RepeatInterleaveLowering, TriangleLowering<TrilOp>,
               TriangleLowering<TriuOp>>(converter, patterns.getContext(),
                                         options);
}
