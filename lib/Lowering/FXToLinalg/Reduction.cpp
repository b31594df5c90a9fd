//===- Reduction.cpp - Reductions, scans and softmax ----------------------===//

#include "Patterns.h"

#include <numeric>

using namespace mlir;
using namespace mlir::fx;

/// The number of elements along `dims` as a scalar of a floating-point type.
static Value buildCount(LinalgBuilder &t, Value tensor, ArrayRef<int64_t> dims,
                        Type type) {
  OpFoldResult count = t.constantSize(1);
  for (int64_t dim : dims)
    count = t.mulSizes(count, t.sizeOf(tensor, dim));
  ScalarBuilder s = t.scalars();
  if (auto constant = getConstantIntValue(count))
    return s.constantFloat(type, static_cast<double>(*constant));
  Type i64 = t.b.getI64Type();
  return s.cast(s.op<arith::IndexCastOp>(i64, t.asValue(count)), i64, type);
}

/// Applies a function of one scalar to all elements; `to` is an fx type.
static Value mapElements(LinalgBuilder &t, Value tensor, Type to,
                         llvm::function_ref<Value(ScalarBuilder &, Value)> f) {
  return t.elementwise(tensor, t.sizesOf(tensor), getSignlessType(to),
                       [&](ScalarBuilder &s, ValueRange args) {
                         return SmallVector<Value>{f(s, args[0])};
                       });
}

namespace {
/// What the patterns of this file share: the reduced dimensions, and the end
/// of a reduction (dimensions of size 1 for keepdim).
template <typename OpTy>
struct ReductionLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;

  static SmallVector<int64_t> getDims(OpTy op) {
    return getReducedDims(op.getDim(), getTensorType(op.getSelf()).getRank());
  }
  /// The sizes of the operand without the reduced dimensions come out of
  /// `reduced`; keepdim puts ones back.
  static Value finish(LinalgBuilder &t, Value reduced, ArrayRef<int64_t> dims,
                      bool keepdim) {
    return keepdim ? t.insertUnitDims(reduced, dims) : reduced;
  }
};

/// sum, prod, mean: accumulated in the compute type of the result.
template <typename OpTy>
struct SumLikeLowering : ReductionLowering<OpTy> {
  using ReductionLowering<OpTy>::ReductionLowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool isProduct = std::is_same_v<OpTy, ProdOp>;
    constexpr bool isMean = std::is_same_v<OpTy, MeanOp>;
    LinalgBuilder t{rewriter, op.getLoc()};
    Type from = getElement(op.getSelf()), to = getElement(op.getResult());
    Type wide = getComputeType(to);
    if (isa<ComplexType>(to))
      return this->options.refuse(op, "complex numbers");
    SmallVector<int64_t> dims = this->getDims(op);
    Value initial = t.scalars().constant(wide, isProduct ? 1.0 : 0.0);
    Value result =
        t.reduce(adaptor.getSelf(), dims, initial,
                 [&](ScalarBuilder &s, ValueRange args) {
                   // With a dtype the elements are converted to it first.
                   Value x = s.cast(s.cast(args[0], from, to), to, wide);
                   return SmallVector<Value>{isProduct
                                                 ? s.mul(wide, args[1], x)
                                                 : s.add(wide, args[1], x)};
                 })
            .front();
    if (isMean) {
      Value count = buildCount(t, adaptor.getSelf(), dims, wide);
      result = mapElements(t, result, to, [&](ScalarBuilder &s, Value x) {
        return s.cast(s.div(wide, x, count), wide, to);
      });
    } else {
      result = t.convert(result, wide, to);
    }
    return this->replace(op, rewriter,
                         this->finish(t, result, dims, op.getKeepdim()));
  }
};

/// amax, amin
template <typename OpTy>
struct ExtremeLowering : ReductionLowering<OpTy> {
  using ReductionLowering<OpTy>::ReductionLowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool isMax = std::is_same_v<OpTy, AmaxOp>;
    LinalgBuilder t{rewriter, op.getLoc()};
    Type type = getElement(op.getSelf());
    SmallVector<int64_t> dims = this->getDims(op);
    ScalarBuilder outer = t.scalars();
    Value initial =
        isMax ? buildLowest(outer, type) : buildHighest(outer, type);
    Value result =
        t.reduce(adaptor.getSelf(), dims, initial,
                 [&](ScalarBuilder &s, ValueRange args) {
                   return SmallVector<Value>{
                       isMax ? s.maximum(type, args[0], args[1])
                             : s.minimum(type, args[0], args[1])};
                 })
            .front();
    return this->replace(op, rewriter,
                         this->finish(t, result, dims, op.getKeepdim()));
  }
};

/// any, all
template <typename OpTy>
struct LogicalReductionLowering : ReductionLowering<OpTy> {
  using ReductionLowering<OpTy>::ReductionLowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool isAny = std::is_same_v<OpTy, AnyOp>;
    LinalgBuilder t{rewriter, op.getLoc()};
    Type from = getElement(op.getSelf()), i1 = rewriter.getI1Type();
    SmallVector<int64_t> dims = this->getDims(op);
    Value result =
        t.reduce(adaptor.getSelf(), dims, t.scalars().constantInt(i1, !isAny),
                 [&](ScalarBuilder &s, ValueRange args) {
                   Value x = s.cast(args[0], from, i1);
                   return SmallVector<Value>{isAny ? s.orI(args[1], x)
                                                   : s.andI(args[1], x)};
                 })
            .front();
    return this->replace(op, rewriter,
                         this->finish(t, result, dims, op.getKeepdim()));
  }
};
} // namespace

/// Reduces to the extreme element and its index among `dims` (row-major).
/// Ties go to the smallest index and NaN beats numbers, whatever the order of
/// the loops.
static SmallVector<Value> buildArgExtreme(LinalgBuilder &t, Value tensor,
                                          Type type, ArrayRef<int64_t> dims,
                                          bool isMax) {
  Type i64 = t.b.getI64Type();
  ScalarBuilder outer = t.scalars();
  SmallVector<Value> initial = {
      isMax ? buildLowest(outer, type) : buildHighest(outer, type),
      outer.constantInt(i64, std::numeric_limits<int64_t>::max())};
  Sizes sizes = t.sizesOf(tensor);
  SmallVector<Value> dimSizes;
  for (int64_t dim : dims)
    dimSizes.push_back(t.asValue(sizes[dim]));
  return t.reduce(
      tensor, dims, initial, [&](ScalarBuilder &s, ValueRange args) {
        Value x = args[0], best = args[1], bestIndex = args[2];
        Value linear = s.constantIndex(0);
        for (auto [dim, size] : llvm::zip_equal(dims, dimSizes))
          linear = s.addIndex(s.mulIndex(linear, size),
                              s.op<linalg::IndexOp>(dim));
        Value index = s.op<arith::IndexCastOp>(i64, linear);
        Type compute = getComputeType(type);
        Value a = s.cast(x, type, compute), c = s.cast(best, type, compute);
        Value wins = s.compare(compute, isMax ? Relation::Gt : Relation::Lt, a,
                               c);
        Value ties = s.compare(compute, Relation::Eq, a, c);
        if (isFloatType(type)) {
          Value xNan = s.isNan(a), bestNan = s.isNan(c);
          wins = s.orI(wins, s.andI(xNan, s.notI1(bestNan)));
          ties = s.orI(ties, s.andI(xNan, bestNan));
        }
        Value isEarlier = s.compare(i64, Relation::Lt, index, bestIndex);
        Value take = s.orI(wins, s.andI(ties, isEarlier));
        return SmallVector<Value>{s.select(take, x, best),
                                  s.select(take, index, bestIndex)};
      });
}

/// Whether there is nothing to reduce along a dimension; a tensor of rank 0
/// counts as one element.
static bool isScalarTensor(Value tensor) {
  return getTensorType(tensor).getRank() == 0;
}

namespace {
/// argmax, argmin
template <typename OpTy>
struct ArgReductionLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    int64_t rank = getTensorType(self).getRank();
    SmallVector<int64_t> dims;
    if (op.getDim() && rank > 0)
      dims.push_back(fromFront(*op.getDim(), rank));
    else
      dims = getReducedDims({}, rank);
    if (isScalarTensor(self))
      return this->replace(op, rewriter,
                           t.filled({}, rewriter.getI64Type(), 0.0));
    Value index = buildArgExtreme(t, self, getElement(op.getSelf()), dims,
                                  std::is_same_v<OpTy, ArgmaxOp>)[1];
    if (op.getKeepdim())
      index = t.insertUnitDims(index, dims);
    return this->replace(op, rewriter, index);
  }
};

/// max_dim, min_dim
template <typename OpTy>
struct ValueIndexLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    if (isScalarTensor(self))
      return this->replace(
          op, rewriter, {self, t.filled({}, rewriter.getI64Type(), 0.0)});
    int64_t dim = fromFront(op.getDim(), getTensorType(self).getRank());
    SmallVector<Value> results =
        buildArgExtreme(t, self, getElement(op.getSelf()), dim,
                        std::is_same_v<OpTy, MaxDimOp>);
    if (op.getKeepdim())
      for (Value &result : results)
        result = t.insertUnitDims(result, dim);
    return this->replace(op, rewriter, results);
  }
};

/// cumsum -> loops over the other dimensions, then along dim with a running
/// sum. The sum of f32 is in f64, as PyTorch's on the CPU, else in the compute
/// type; each element is rounded from it.
struct CumsumLowering : Lowering<CumsumOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(CumsumOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    Type from = getElement(op.getSelf()), to = getElement(op.getResult());
    Type wide = to.isF32() ? rewriter.getF64Type() : getComputeType(to);
    int64_t rank = getTensorType(self).getRank();
    if (rank == 0)
      return replace(op, rewriter, t.convert(self, from, to));
    int64_t dim = fromFront(op.getDim(), rank);
    Sizes outer = t.sizesOf(self);
    OpFoldResult length = outer[dim];
    Sizes init = outer;
    outer.erase(outer.begin() + dim);
    // Each sum waits for the one before it: several rows side by side hide that.
    constexpr int64_t kMaxRows = 4;
    int64_t rows = 1;
    if (!outer.empty())
      if (std::optional<int64_t> last = getConstantIntValue(outer.back());
          last && *last > 0) {
        rows = std::gcd(*last, kMaxRows);
        outer.back() = rewriter.getIndexAttr(*last / rows);
      }
    Value result = t.loopNest(
        outer, t.empty(init, getSignlessType(to)),
        [&](ScalarBuilder &s, ValueRange indices, ValueRange carried) {
          LinalgBuilder inner{s.b, s.loc};
          SmallVector<SmallVector<Value>> at;
          SmallVector<Value> starts = {carried[0]};
          for (int64_t row = 0; row < rows; ++row) {
            SmallVector<Value> &place = at.emplace_back(indices);
            if (rows > 1)
              place.back() = s.op<arith::AddIOp>(
                  s.op<arith::MulIOp>(
                      place.back(), s.op<arith::ConstantIndexOp>(rows)),
                  s.op<arith::ConstantIndexOp>(row));
            place.insert(place.begin() + dim, Value());
            starts.push_back(s.constant(wide, 0.0));
          }
          SmallVector<Value> results = inner.loopNest(
              {length}, starts,
              [&](ScalarBuilder &s, ValueRange index, ValueRange carried) {
                SmallVector<Value> next(carried);
                for (auto [row, place] : llvm::enumerate(at)) {
                  place[dim] = index[0];
                  Value x = s.op<tensor::ExtractOp>(self, place);
                  x = s.cast(s.cast(x, from, to), to, wide);
                  next[1 + row] = s.add(wide, carried[1 + row], x);
                  next[0] = s.op<tensor::InsertOp>(
                      s.cast(next[1 + row], wide, to), next[0], place);
                }
                return next;
              });
          return SmallVector<Value>{results[0]};
        })[0];
    return replace(op, rewriter, result);
  }
};
} // namespace

/// Variance in two passes, and the mean; both in the compute type, reduced.
static std::pair<Value, Value> buildVariance(LinalgBuilder &t, Value tensor,
                                             Type from,
                                             ArrayRef<int64_t> dims,
                                             double correction) {
  Type wide = getComputeType(from);
  Value count = buildCount(t, tensor, dims, wide);
  Value zero = t.scalars().constant(wide, 0.0);
  Value sum = t.reduce(tensor, dims, zero,
                       [&](ScalarBuilder &s, ValueRange args) {
                         return SmallVector<Value>{s.add(
                             wide, args[1], s.cast(args[0], from, wide))};
                       })
                  .front();
  Value mean = mapElements(t, sum, wide, [&](ScalarBuilder &s, Value x) {
    return s.div(wide, x, count);
  });
  Value spread = t.insertUnitDims(mean, dims);
  Value squares = t.elementwise(
      {tensor, spread}, t.sizesOf(tensor), wide,
      [&](ScalarBuilder &s, ValueRange args) {
        Value d = s.sub(wide, s.cast(args[0], from, wide), args[1]);
        return SmallVector<Value>{s.mul(wide, d, d)};
      });
  ScalarBuilder s = t.scalars();
  Value divisor = s.sub(wide, count, s.constant(wide, correction));
  divisor = s.op<arith::MaximumFOp>(divisor, zero);
  Value variance =
      mapElements(t, t.sum(squares, dims), wide,
                  [&](ScalarBuilder &s, Value x) {
                    return s.div(wide, x, divisor);
                  });
  return {variance, mean};
}

namespace {
template <typename OpTy>
struct VarianceLowering : ReductionLowering<OpTy> {
  using ReductionLowering<OpTy>::ReductionLowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Type type = getElement(op.getSelf());
    SmallVector<int64_t> dims = this->getDims(op);
    auto [variance, mean] =
        buildVariance(t, adaptor.getSelf(), type, dims,
                      op.getCorrection().convertToDouble());
    SmallVector<Value> results = {variance};
    if (std::is_same_v<OpTy, VarMeanOp>)
      results.push_back(mean);
    for (Value &result : results)
      result = this->finish(t, t.convert(result, getComputeType(type), type),
                            dims, op.getKeepdim());
    return this->replace(op, rewriter, results);
  }
};

/// softmax and log_softmax, in the compute type of the result.
template <typename OpTy>
struct SoftmaxLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool isLog = std::is_same_v<OpTy, LogSoftmaxOp>;
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    Type from = getElement(op.getSelf()), to = getElement(op.getResult());
    Type wide = getComputeType(to);
    int64_t rank = getTensorType(self).getRank();
    SmallVector<int64_t> dims;
    if (rank > 0)
      dims.push_back(fromFront(op.getDim(), rank));
    Value x = t.convert(self, from, wide);
    Value largest = t.insertUnitDims(t.maximum(x, dims), dims);
    Value shifted = combine(t, x, largest, wide,
                            [&](ScalarBuilder &s, Value a, Value c) {
                              return s.sub(wide, a, c);
                            });
    Value powers =
        mapElements(t, shifted, wide, [](ScalarBuilder &s, Value a) {
          return s.op<math::ExpOp>(a);
        });
    Value total = t.insertUnitDims(t.sum(powers, dims), dims);
    if (isLog)
      total = mapElements(t, total, wide, [&](ScalarBuilder &s, Value a) {
        return s.op<math::LogOp>(a);
      });
    Value result =
        combine(t, isLog ? shifted : powers, total, to,
                [&](ScalarBuilder &s, Value a, Value c) {
                  return s.cast(isLog ? s.sub(wide, a, c) : s.div(wide, a, c),
                                wide, to);
                });
    return this->replace(op, rewriter, result);
  }

private:
  template <typename F>
  static Value combine(LinalgBuilder &t, Value a, Value c, Type to, F f) {
    return t.elementwise({a, c}, t.sizesOf(a), to,
                         [&](ScalarBuilder &s, ValueRange args) {
                           return SmallVector<Value>{f(s, args[0], args[1])};
                         });
  }
};

/// logsumexp(x) = m + log(sum(e^(x - m))), m = max(x), or 0 where that is
/// infinite.
struct LogsumexpLowering : ReductionLowering<LogsumexpOp> {
  using ReductionLowering::ReductionLowering;
  LogicalResult
  matchAndRewrite(LogsumexpOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Type type = getElement(op.getSelf()), wide = getComputeType(type);
    SmallVector<int64_t> dims = getDims(op);
    Value x = t.convert(adaptor.getSelf(), type, wide);
    Value largest = t.maximum(x, dims);
    Value shift =
        mapElements(t, largest, wide, [&](ScalarBuilder &s, Value a) {
          Value isInfinite = s.compare(
              wide, Relation::Eq, s.op<math::AbsFOp>(a),
              s.constant(wide, std::numeric_limits<double>::infinity()));
          return s.select(isInfinite, s.constant(wide, 0.0), a);
        });
    Value powers = t.elementwise(
        {x, t.insertUnitDims(shift, dims)}, t.sizesOf(x), wide,
        [&](ScalarBuilder &s, ValueRange args) {
          return SmallVector<Value>{
              s.op<math::ExpOp>(s.sub(wide, args[0], args[1]))};
        });
    Value total = t.sum(powers, dims);
    Value result = t.elementwise(
        {total, shift}, t.sizesOf(total), type,
        [&](ScalarBuilder &s, ValueRange args) {
          Value sum = s.add(wide, s.op<math::LogOp>(args[0]), args[1]);
          return SmallVector<Value>{s.cast(sum, wide, type)};
        });
    return replace(op, rewriter, finish(t, result, dims, op.getKeepdim()));
  }
};
} // namespace

void fx::populateReductionPatterns(const TypeConverter &converter,
                                   const LoweringOptions &options,
                                   RewritePatternSet &patterns) {
  patterns
      .add<SumLikeLowering<SumOp>, SumLikeLowering<ProdOp>,
           SumLikeLowering<MeanOp>, ExtremeLowering<AmaxOp>,
           ExtremeLowering<AminOp>, LogicalReductionLowering<AnyOp>,
           LogicalReductionLowering<AllOp>, ArgReductionLowering<ArgmaxOp>,
           ArgReductionLowering<ArgminOp>, ValueIndexLowering<MaxDimOp>,
           ValueIndexLowering<MinDimOp>, CumsumLowering,
           VarianceLowering<VarOp>, VarianceLowering<VarMeanOp>,
           SoftmaxLowering<SoftmaxOp>, SoftmaxLowering<LogSoftmaxOp>,
           LogsumexpLowering>(converter, patterns.getContext(), options);
}
