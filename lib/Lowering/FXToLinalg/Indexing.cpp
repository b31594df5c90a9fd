//===- Indexing.cpp - Gather, scatter, advanced indexing ------------------===//
//
// Reads are linalg.generic with tensor.extract. Writes are loops in the order
// of the index tensor, so that of several values for one place the last one
// stays, and sums are deterministic.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "fx/Analysis/Rematerialization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace mlir::fx;

/// An index of a dimension of size `limit`; a negative one counts from the end.
static Value wrapIndex(ScalarBuilder &s, Value value, Type type, Value limit) {
  Value index = s.toIndex(value, type);
  if (isUnsignedType(type))
    return index;
  Value isNegative =
      s.compareIndex(arith::CmpIPredicate::slt, index, s.constantIndex(0));
  return s.select(isNegative, s.addIndex(index, limit), index);
}

/// The same for an access. Where indices are checked, one out of range is
/// replaced: the check may come after the access.
static Value buildIndex(ScalarBuilder &s, Value value, Type type,
                        OpFoldResult size, const LoweringOptions &options) {
  Value limit = getValueOrCreateConstantIndexOp(s.b, s.loc, size);
  Value index = wrapIndex(s, value, type, limit);
  if (!options.assertIndices)
    return index;
  Value inRange = s.compareIndex(arith::CmpIPredicate::ult, index, limit);
  return s.select(inRange, index, s.constantIndex(0));
}

/// If the options ask for it, a check that all indices are in range. One
/// reduction before the op: an assertion in its loops would keep them scalar.
static void assertInRange(LinalgBuilder &t, Operation *op, Value indices,
                          Type type, OpFoldResult size,
                          const LoweringOptions &options) {
  auto overload = op->getAttrOfType<StringAttr>(kOverloadAttr);
  bool isUnsafe =
      overload && overload.getValue().starts_with("aten._unsafe_");
  if (!options.assertIndices || isUnsafe)
    return;
  auto isInRange = [&](ScalarBuilder &s, Value index) {
    Value limit = getValueOrCreateConstantIndexOp(s.b, s.loc, size);
    return s.compareIndex(arith::CmpIPredicate::ult,
                          wrapIndex(s, index, type, limit), limit);
  };
  ScalarBuilder s = t.scalars();
  Value holds;
  if (int64_t rank = getTensorType(indices).getRank()) {
    Value yes = s.op<arith::ConstantOp>(s.b.getBoolAttr(true));
    Value all = t.reduce(indices, llvm::to_vector(llvm::seq<int64_t>(0, rank)),
                         yes, [&](ScalarBuilder &s, ValueRange args) {
                           return SmallVector<Value>{s.op<arith::AndIOp>(
                               args[1], isInRange(s, args[0]))};
                         })[0];
    holds = s.op<tensor::ExtractOp>(all, ValueRange{});
  } else {
    holds = isInRange(s, s.op<tensor::ExtractOp>(indices, ValueRange{}));
  }
  std::string node = getNodeName(op->getResult(0));
  std::string message =
      node.empty() ? op->getName().getStringRef().str() : "node '" + node + "'";
  message += ": an index is out of range";
  if (auto limit = getConstantIntValue(size))
    message += " for a dimension of size " + std::to_string(*limit);
  cf::AssertOp::create(s.b, s.loc, holds, message);
}

namespace {
/// embedding(w, i) -> w[i, :]
struct EmbeddingLowering : Lowering<EmbeddingOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(EmbeddingOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value weight = adaptor.getWeight(), indices = adaptor.getIndices();
    Type type = getElement(op.getIndices());
    OpFoldResult rows = t.sizeOf(weight, 0);
    Sizes sizes = t.sizesOf(indices);
    int64_t rank = sizes.size();
    sizes.push_back(t.sizeOf(weight, 1));
    assertInRange(t, op, indices, type, rows, options);
    // The index tensor, read at all but the last dimension.
    Value result = t.generic(
        indices, t.empty(sizes, getTensorType(weight).getElementType()),
        {getLeadingDimsMap(rewriter.getContext(), rank + 1, rank),
         rewriter.getMultiDimIdentityMap(rank + 1)},
        SmallVector<utils::IteratorType>(rank + 1,
                                         utils::IteratorType::parallel),
        [&](ScalarBuilder &s, ValueRange args) {
          Value row = buildIndex(s, args[0], type, rows, options);
          Value column = s.op<linalg::IndexOp>(rank);
          return SmallVector<Value>{
              s.op<tensor::ExtractOp>(weight, ValueRange{row, column})};
        });
    return replace(op, rewriter, result);
  }
};

/// gather(x, i) along dim -> x[..., i[...], ...]
struct GatherLowering : Lowering<GatherOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf(), indices = adaptor.getIndex();
    RankedTensorType source = getTensorType(self);
    Type type = getElement(op.getIndex());
    int64_t dim = fromFront(op.getDim(), source.getRank());
    OpFoldResult size =
        source.getRank() ? t.sizeOf(self, dim) : t.constantSize(1);
    assertInRange(t, op, indices, type, size, options);
    Value result = t.elementwise(
        indices, t.sizesOf(indices), source.getElementType(),
        [&](ScalarBuilder &s, ValueRange args) {
          SmallVector<Value> at;
          for (int64_t i = 0; i < source.getRank(); ++i) {
            if (i == dim)
              at.push_back(buildIndex(s, args[0], type, size, options));
            else
              at.push_back(s.op<linalg::IndexOp>(i));
          }
          return SmallVector<Value>{s.op<tensor::ExtractOp>(self, at)};
        });
    return replace(op, rewriter, result);
  }
};

struct IndexSelectLowering : Lowering<IndexSelectOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(IndexSelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf(), indices = adaptor.getIndex();
    RankedTensorType source = getTensorType(self);
    if (source.getRank() == 0)
      return replace(op, rewriter, self);
    int64_t rank = source.getRank(), dim = fromFront(op.getDim(), rank);
    if (getTensorType(indices).getRank() == 0)
      indices = t.insertUnitDims(indices, 0);
    Type type = getElement(op.getIndex());
    Sizes sizes = t.sizesOf(self);
    OpFoldResult size = sizes[dim];
    sizes[dim] = t.sizeOf(indices, 0);
    assertInRange(t, op, indices, type, size, options);
    Value result = t.generic(
        indices, t.empty(sizes, source.getElementType()),
        {AffineMap::get(rank, 0, rewriter.getAffineDimExpr(dim)),
         rewriter.getMultiDimIdentityMap(rank)},
        SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
        [&](ScalarBuilder &s, ValueRange args) {
          SmallVector<Value> at;
          for (int64_t i = 0; i < rank; ++i) {
            if (i == dim)
              at.push_back(buildIndex(s, args[0], type, size, options));
            else
              at.push_back(s.op<linalg::IndexOp>(i));
          }
          return SmallVector<Value>{s.op<tensor::ExtractOp>(self, at)};
        });
    return replace(op, rewriter, result);
  }
};

/// scatter and scatter_add: loops over the index tensor.
template <typename OpTy>
struct ScatterLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool adds = std::is_same_v<OpTy, ScatterAddOp>;
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf(), indices = adaptor.getIndex();
    Value source = adaptor.getSrc();
    Type element = getElement(op.getSelf()), wide = getComputeType(element);
    Type type = getElement(op.getIndex());
    Type sourceType = getElementTypeOrSelf(op.getSrc().getType());
    int64_t rank = getTensorType(self).getRank();
    int64_t dim = fromFront(op.getDim(), rank);
    OpFoldResult size = rank ? t.sizeOf(self, dim) : t.constantSize(1);
    assertInRange(t, op, indices, type, size, this->options);
    Value start = adds ? t.convert(self, element, wide) : self;
    Value result =
        t.loopNest(
             t.sizesOf(indices), start,
             [&](ScalarBuilder &s, ValueRange at, ValueRange carried) {
               Value index = s.op<tensor::ExtractOp>(indices, at);
               SmallVector<Value> to(at);
               if (rank > 0)
                 to[dim] = buildIndex(s, index, type, size, this->options);
               Value x = isa<RankedTensorType>(source.getType())
                             ? s.op<tensor::ExtractOp>(source, at)
                             : source;
               x = s.cast(x, sourceType, element);
               if (adds)
                 x = s.add(wide, s.op<tensor::ExtractOp>(carried[0], to),
                           s.cast(x, element, wide));
               return SmallVector<Value>{
                   s.op<tensor::InsertOp>(x, carried[0], to)};
             })
            .front();
    if (adds)
      result = t.convert(result, wide, element);
    return this->replace(op, rewriter, result);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Advanced indexing
//===----------------------------------------------------------------------===//

namespace {
/// How positions of x[indices] map to positions of x.
struct IndexedAccess {
  /// Sizes of x[indices].
  Sizes sizes;
  /// The first dimension, and the number, of those of the index tensors.
  int64_t first = 0, broadcastRank = 0;
  SmallVector<Value> indices;
  SmallVector<Type> types;
  SmallVector<int64_t> dims;
  Sizes selfSizes;

  /// The position in x of element `at` of x[indices].
  SmallVector<Value> locate(ScalarBuilder &s, ValueRange at,
                            const LoweringOptions &options) const {
    SmallVector<Value> position;
    int64_t next = first == 0 ? broadcastRank : 0;
    for (int64_t i = 0, rank = selfSizes.size(); i < rank; ++i) {
      const auto *it = llvm::find(dims, i);
      if (it == dims.end()) {
        position.push_back(at[next++]);
        if (next == first)
          next += broadcastRank;
        continue;
      }
      int64_t k = it - dims.begin();
      RankedTensorType type = getTensorType(indices[k]);
      SmallVector<Value> indexAt;
      for (int64_t j = 0; j < type.getRank(); ++j)
        indexAt.push_back(
            type.getDimSize(j) == 1
                ? s.constantIndex(0)
                : at[first + broadcastRank - type.getRank() + j]);
      Value index = s.op<tensor::ExtractOp>(indices[k], indexAt);
      position.push_back(
          buildIndex(s, index, types[k], selfSizes[i], options));
    }
    return position;
  }
};
} // namespace

static IndexedAccess getAccess(LinalgBuilder &t, Operation *op, Value self,
                               ValueRange indices, ValueRange fxIndices,
                               ArrayRef<int64_t> dims,
                               const LoweringOptions &options) {
  IndexedAccess access;
  access.dims.assign(dims.begin(), dims.end());
  access.selfSizes = t.sizesOf(self);
  for (auto [index, fxIndex, dim] : llvm::zip_equal(indices, fxIndices, dims))
    assertInRange(t, op, index, getElement(fxIndex), access.selfSizes[dim],
                  options);
  for (auto [index, fxIndex] : llvm::zip_equal(indices, fxIndices)) {
    access.indices.push_back(index);
    access.types.push_back(getElement(fxIndex));
    access.broadcastRank =
        std::max(access.broadcastRank, getTensorType(index).getRank());
  }
  bool adjacent = dims.back() - dims.front() + 1 == (int64_t)dims.size();
  access.first = adjacent ? dims.front() : 0;
  auto open = RankedTensorType::get(
      SmallVector<int64_t>(access.broadcastRank, ShapedType::kDynamic),
      t.b.getI64Type());
  Sizes broadcast = t.broadcastSizes(indices, open), rest;
  for (int64_t i = 0, rank = access.selfSizes.size(); i < rank; ++i)
    if (!llvm::is_contained(dims, i))
      rest.push_back(access.selfSizes[i]);
  access.sizes = rest;
  access.sizes.insert(access.sizes.begin() + access.first, broadcast.begin(),
                      broadcast.end());
  return access;
}

/// Element `at` of a tensor that broadcasts to the shape `at` belongs to.
static Value extractBroadcast(ScalarBuilder &s, Value tensor, ValueRange at) {
  RankedTensorType type = getTensorType(tensor);
  SmallVector<Value> position;
  for (int64_t i = 0; i < type.getRank(); ++i)
    position.push_back(type.getDimSize(i) == 1
                           ? s.constantIndex(0)
                           : at[at.size() - type.getRank() + i]);
  return s.op<tensor::ExtractOp>(tensor, position);
}

/// self with self[indices] = values, or += ; where `mask` is null or true.
static Value buildIndexPut(LinalgBuilder &t, const IndexedAccess &access,
                           Value self, Value values, Value mask, Type element,
                           Type valueType, bool accumulate,
                           const LoweringOptions &options) {
  Type wide = accumulate ? getComputeType(element) : element;
  Value start = t.convert(self, element, wide);
  Value result =
      t.loopNest(access.sizes, start,
                 [&](ScalarBuilder &s, ValueRange at, ValueRange carried) {
                   auto put = [&](ScalarBuilder &s) -> Value {
                     SmallVector<Value> to = access.locate(s, at, options);
                     Value x = extractBroadcast(s, values, at);
                     x = s.cast(s.cast(x, valueType, element), element, wide);
                     if (accumulate)
                       x = s.add(wide,
                                 s.op<tensor::ExtractOp>(carried[0], to), x);
                     return s.op<tensor::InsertOp>(x, carried[0], to);
                   };
                   if (!mask)
                     return SmallVector<Value>{put(s)};
                   Value condition = extractBroadcast(s, mask, at);
                   // Where the mask is false the indices may be invalid.
                   auto branch = scf::IfOp::create(
                       s.b, s.loc, condition,
                       [&](OpBuilder &b, Location loc) {
                         ScalarBuilder inner{b, loc};
                         scf::YieldOp::create(b, loc, put(inner));
                       },
                       [&](OpBuilder &b, Location loc) {
                         scf::YieldOp::create(b, loc, carried[0]);
                       });
                   return SmallVector<Value>{branch.getResult(0)};
                 })
          .front();
  return t.convert(result, wide, element);
}

namespace {
struct IndexLowering : Lowering<IndexOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(IndexOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    IndexedAccess access =
        getAccess(t, op, self, adaptor.getIndices(), op.getIndices(),
                  op.getIndexDims(), options);
    Value result = t.generate(
        t.refineSizes(resultType(op), access.sizes),
        getTensorType(self).getElementType(),
        [&](ScalarBuilder &s, ValueRange at) -> Value {
          return s.op<tensor::ExtractOp>(self, access.locate(s, at, options));
        });
    return replace(op, rewriter, result);
  }
};

struct IndexPutLowering : Lowering<IndexPutOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(IndexPutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    if (llvm::any_of(op.getIndices(), [](Value index) {
          return isBoolType(getElement(index));
        }))
      return lowerMasked(t, op, adaptor, rewriter);
    IndexedAccess access =
        getAccess(t, op, adaptor.getSelf(), adaptor.getIndices(),
                  op.getIndices(), op.getIndexDims(), options);
    return replace(op, rewriter,
                   buildIndexPut(t, access, adaptor.getSelf(),
                                 adaptor.getValues(), Value(),
                                 getElement(op.getSelf()),
                                 getElement(op.getValues()),
                                 op.getAccumulate(), options));
  }

private:
  /// x[mask] = value, one value for all: a selection.
  LogicalResult lowerMasked(LinalgBuilder &t, IndexPutOp op, OpAdaptor adaptor,
                            ConversionPatternRewriter &rewriter) const {
    Value self = adaptor.getSelf(), values = adaptor.getValues();
    RankedTensorType valueType = getTensorType(values);
    bool isOne = valueType.hasStaticShape() && valueType.getNumElements() == 1;
    if (op.getIndices().size() != 1 || !isOne || op.getIndexDims()[0] != 0)
      return this->options.refuse(
          op, "a boolean mask as index, other than x[mask] = one value");
    int64_t rank = getTensorType(self).getRank();
    Value mask = adaptor.getIndices()[0];
    SmallVector<int64_t> trailing = llvm::to_vector(
        llvm::seq<int64_t>(getTensorType(mask).getRank(), rank));
    mask = t.insertUnitDims(mask, trailing);
    values = t.reshape(values, valueType.clone(ArrayRef<int64_t>()), {});
    Type element = getElement(op.getSelf());
    Value result = t.elementwise(
        {self, mask, values}, t.sizesOf(self),
        getTensorType(self).getElementType(),
        [&](ScalarBuilder &s, ValueRange args) {
          Value x = s.cast(args[2], getElement(op.getValues()), element);
          if (op.getAccumulate())
            x = s.add(element, args[0], x);
          return SmallVector<Value>{s.select(args[1], x, args[0])};
        });
    return replace(op, rewriter, result);
  }
};

struct MaskedIndexPutLowering : Lowering<MaskedIndexPutAccumulateOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(MaskedIndexPutAccumulateOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    // Where the mask is false the indices may be anything.
    LoweringOptions unchecked = options;
    unchecked.assertIndices = false;
    IndexedAccess access =
        getAccess(t, op, adaptor.getSelf(), adaptor.getIndices(),
                  op.getIndices(), op.getIndexDims(), unchecked);
    return replace(op, rewriter,
                   buildIndexPut(t, access, adaptor.getSelf(),
                                 adaptor.getValues(), adaptor.getMask(),
                                 getElement(op.getSelf()),
                                 getElement(op.getValues()),
                                 /*accumulate=*/true, options));
  }
};
} // namespace

void fx::populateIndexingPatterns(const TypeConverter &converter,
                                  const LoweringOptions &options,
                                  RewritePatternSet &patterns) {
  patterns.add<EmbeddingLowering, GatherLowering, IndexSelectLowering,
               ScatterLowering<ScatterOp>, ScatterLowering<ScatterAddOp>,
               IndexLowering, IndexPutLowering, MaskedIndexPutLowering>(
      converter, patterns.getContext(), options);
}
