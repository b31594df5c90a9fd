//===- Pooling.cpp - Max and average pooling and their gradients ----------===//
//
// Pools are reductions over windows of a padded tensor. Their gradients gather:
// each input element sums over the few windows that can contain it, so nothing
// is scattered.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "Windows.h"

using namespace mlir;
using namespace mlir::fx;

using Iterator = utils::IteratorType;

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// The two windows of a pooling op; an empty stride is the kernel size.
static SmallVector<Window> getPoolWindows(ArrayRef<int64_t> kernel,
                                          ArrayRef<int64_t> stride,
                                          ArrayRef<int64_t> padding,
                                          ArrayRef<int64_t> dilation,
                                          size_t numDims = 2) {
  SmallVector<Window> windows;
  for (size_t i = 0; i < numDims; ++i) {
    int64_t size = getWindowEntry(kernel, i, 1);
    windows.push_back({size, getWindowEntry(stride, i, size),
                       getWindowEntry(padding, i, 0),
                       getWindowEntry(dilation, i, 1)});
  }
  return windows;
}

static LogicalResult checkSpatial(Operation *op, RankedTensorType type,
                                  const LoweringOptions &options) {
  int64_t rank = type.getRank();
  if (type.isDynamicDim(rank - 1) || type.isDynamicDim(rank - 2))
    return options.refuse(
        op, "pooling over dimensions of unknown size");
  return success();
}

/// Sizes of a tensor with its last two replaced.
static Sizes getPooledSizes(LinalgBuilder &t, Value tensor,
                            RankedTensorType pooled) {
  Sizes sizes = t.sizesOf(tensor);
  int64_t rank = pooled.getRank();
  for (int64_t i = rank - 2; i < rank; ++i)
    sizes[i] = t.constantSize(pooled.getDimSize(i));
  return sizes;
}

/// Reduces windows of `tensor`, padded with `padding`, to `initial.size()`
/// results. Dimensions: the result's, then the two of the window.
static SmallVector<Value> reduceWindows(LinalgBuilder &t, Value tensor,
                                        RankedTensorType pooled,
                                        ArrayRef<Window> windows,
                                        Value padding, ValueRange initial,
                                        LinalgBuilder::Body body) {
  RankedTensorType type = getTensorType(tensor);
  int64_t rank = type.getRank();
  Sizes sizes = getPooledSizes(t, tensor, pooled), kernel;
  SmallVector<int64_t> low, high;
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rank - 2; ++i)
    exprs.push_back(t.b.getAffineDimExpr(i));
  SmallVector<AffineExpr> kernelExprs;
  for (auto [i, window] : llvm::enumerate(windows)) {
    int64_t dim = rank - 2 + i;
    int64_t needed = (pooled.getDimSize(dim) - 1) * window.stride +
                     (window.kernel - 1) * window.dilation + 1;
    low.push_back(window.padding);
    high.push_back(std::max<int64_t>(
        0, needed - window.padding - type.getDimSize(dim)));
    AffineExpr k = t.b.getAffineDimExpr(rank + i);
    exprs.push_back(t.b.getAffineDimExpr(dim) * window.stride +
                    k * window.dilation);
    kernelExprs.push_back(k);
    kernel.push_back(t.constantSize(window.kernel));
  }
  Value padded = padSpatial(t, tensor, low, high, padding);
  // Gives the sizes of the window's dimensions; never read.
  Value shape = t.empty(kernel, type.getElementType());
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank + 2, 0, exprs, t.b.getContext()),
      AffineMap::get(rank + 2, 0, kernelExprs, t.b.getContext())};
  SmallVector<Value> outputs;
  for (Value scalar : initial) {
    outputs.push_back(t.filled(sizes, scalar));
    maps.push_back(
        getLeadingDimsMap(t.b.getContext(), rank + 2, rank));
  }
  SmallVector<Iterator> iterators(rank, Iterator::parallel);
  iterators.append(2, Iterator::reduction);
  return t.genericOp(ValueRange{padded, shape}, outputs, maps, iterators,
                     [&](ScalarBuilder &s, ValueRange args) {
                       SmallVector<Value> rest = {args[0]};
                       llvm::append_range(rest, args.drop_front(2));
                       return body(s, rest);
                     });
}

/// i = o * stride - padding + k * dilation for the current window position.
static Value buildInputIndex(ScalarBuilder &s, const Window &window, Value o,
                             Value k) {
  Value index = s.addIndex(s.mulIndex(o, window.stride),
                           s.mulIndex(k, window.dilation));
  return s.addIndex(index, -window.padding);
}

//===----------------------------------------------------------------------===//
// Max pooling
//===----------------------------------------------------------------------===//

namespace {
enum class MaxPoolResult { Value, Index, Offset };
} // namespace

/// Windows' maxima, and for each either its index in the input plane or its
/// offset in the window. As in ATen the first of equal elements is chosen, and
/// the last NaN.
static SmallVector<Value> buildMaxPool(LinalgBuilder &t, Value tensor,
                                       Type type, RankedTensorType pooled,
                                       ArrayRef<Window> windows,
                                       MaxPoolResult kind) {
  RankedTensorType input = getTensorType(tensor);
  int64_t rank = input.getRank();
  int64_t height = input.getDimSize(rank - 2);
  int64_t width = input.getDimSize(rank - 1);
  ScalarBuilder outer = t.scalars();
  Value lowest = buildLowest(outer, type);
  if (kind == MaxPoolResult::Value)
    return reduceWindows(t, tensor, pooled, windows, lowest, lowest,
                         [&](ScalarBuilder &s, ValueRange args) {
                           return SmallVector<Value>{
                               s.maximum(type, args[0], args[1])};
                         });
  Type i64 = t.b.getI64Type(), compute = getComputeType(type);
  // -1: nothing chosen yet, the first element inside the input is.
  SmallVector<Value> initial = {lowest, outer.constantInt(i64, -1)};
  auto isInside = [&](ScalarBuilder &s, int64_t i, Value index) -> Value {
    const Window &window = windows[i];
    int64_t size = i == 0 ? height : width;
    int64_t last = (pooled.getDimSize(rank - 2 + i) - 1) * window.stride -
                   window.padding + (window.kernel - 1) * window.dilation;
    Value inside;
    if (window.padding > 0)
      inside = s.compareIndex(arith::CmpIPredicate::sge, index,
                              s.constantIndex(0));
    if (last >= size) {
      Value below = s.compareIndex(arith::CmpIPredicate::slt, index,
                                   s.constantIndex(size));
      inside = inside ? s.andI(inside, below) : below;
    }
    return inside;
  };
  return reduceWindows(
      t, tensor, pooled, windows, lowest, initial,
      [&](ScalarBuilder &s, ValueRange args) {
        Value kh = s.op<linalg::IndexOp>(rank);
        Value kw = s.op<linalg::IndexOp>(rank + 1);
        Value row = buildInputIndex(s, windows[0],
                                    s.op<linalg::IndexOp>(rank - 2), kh);
        Value column = buildInputIndex(s, windows[1],
                                       s.op<linalg::IndexOp>(rank - 1), kw);
        Value number = kind == MaxPoolResult::Index
                           ? s.addIndex(s.mulIndex(row, width), column)
                           : s.addIndex(s.mulIndex(kh, windows[1].kernel), kw);
        number = s.op<arith::IndexCastOp>(i64, number);
        Value x = s.cast(args[0], type, compute);
        Value best = s.cast(args[1], type, compute);
        Value take = s.compare(compute, Relation::Gt, x, best);
        if (isFloatType(type))
          take = s.orI(take, s.isNan(x));
        take = s.orI(take, s.compare(i64, Relation::Lt, args[2],
                                     s.constantInt(i64, 0)));
        for (Value inside : {isInside(s, 0, row), isInside(s, 1, column)})
          if (inside)
            take = s.andI(take, inside);
        return SmallVector<Value>{s.select(take, args[0], args[1]),
                                  s.select(take, number, args[2])};
      });
}

namespace {
template <typename OpTy>
struct MaxPoolLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    if (failed(checkSpatial(op, getTensorType(self), this->options)))
      return failure();
    constexpr MaxPoolResult kind =
        std::is_same_v<OpTy, MaxPool2dOp> ? MaxPoolResult::Value
        : std::is_same_v<OpTy, MaxPool2dWithIndicesOp>
            ? MaxPoolResult::Index
            : MaxPoolResult::Offset;
    SmallVector<Value> results = buildMaxPool(
        t, self, getElement(op.getSelf()), this->resultType(op),
        getPoolWindows(op.getKernelSize(), op.getStride(), op.getPadding(),
                       op.getDilation()),
        kind);
    if (kind == MaxPoolResult::Offset)
      results[1] = t.convert(results[1], rewriter.getI64Type(),
                             getElement(op->getResult(1)));
    return this->replace(op, rewriter, results);
  }
};

struct OffsetsToIndicesLowering
    : Lowering<LowMemoryMaxPoolOffsetsToIndicesOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(LowMemoryMaxPoolOffsetsToIndicesOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value offsets = adaptor.getOffsets();
    Type from = getElement(op.getOffsets()), i64 = rewriter.getI64Type();
    // Images, or volumes.
    ArrayRef<int64_t> inputSize = op.getInputSize();
    SmallVector<Window> windows =
        getPoolWindows(op.getKernelSize(), op.getStride(), op.getPadding(),
                       op.getDilation(), inputSize.size());
    int64_t first = getTensorType(offsets).getRank() - inputSize.size();
    if (first < 0)
      return options.refuse(op, "more dimensions in input_size than offsets");
    Value result = t.elementwise(
        offsets, t.sizesOf(offsets), i64,
        [&](ScalarBuilder &s, ValueRange args) {
          Value offset = s.toIndex(args[0], from), index;
          int64_t step = 1;
          for (size_t d = windows.size(); d-- > 0;) {
            Value width = s.constantIndex(windows[d].kernel);
            Value tap =
                d == 0 ? offset : s.op<arith::RemUIOp>(offset, width);
            offset = d == 0 ? offset : s.op<arith::DivUIOp>(offset, width);
            Value place = s.mulIndex(
                buildInputIndex(s, windows[d],
                                s.op<linalg::IndexOp>(first + d), tap),
                step);
            index = index ? s.addIndex(index, place) : place;
            step *= inputSize[d];
          }
          return SmallVector<Value>{s.op<arith::IndexCastOp>(i64, index)};
        });
    return replace(op, rewriter, result);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

/// Sums `body` over the windows that may contain each input element. The body
/// gets the input indices, the window's position (in range where `valid` says
/// so, else clamped to 0), `valid` and the two taps k = i + padding - o*stride.
static Value gatherWindows(
    LinalgBuilder &t, const Sizes &inputSizes, ArrayRef<int64_t> outputSizes,
    ArrayRef<Window> windows, Type wide,
    llvm::function_ref<Value(ScalarBuilder &, ValueRange input,
                             ValueRange output, ArrayRef<Value> taps,
                             Value valid)>
        body) {
  int64_t rank = inputSizes.size();
  Sizes candidates;
  for (const Window &window : windows)
    candidates.push_back(t.constantSize(
        ((window.kernel - 1) * window.dilation + window.stride) /
        window.stride));
  Value shape = t.empty(candidates, wide);
  SmallVector<AffineExpr> exprs = {t.b.getAffineDimExpr(rank),
                                   t.b.getAffineDimExpr(rank + 1)};
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank + 2, 0, exprs, t.b.getContext()),
      getLeadingDimsMap(t.b.getContext(), rank + 2, rank)};
  SmallVector<Iterator> iterators(rank, Iterator::parallel);
  iterators.append(2, Iterator::reduction);
  return t.generic(
      shape, t.filled(inputSizes, wide, 0.0), maps, iterators,
      [&](ScalarBuilder &s, ValueRange args) {
        SmallVector<Value> input, output, taps;
        for (int64_t i = 0; i < rank; ++i)
          input.push_back(s.op<linalg::IndexOp>(i));
        output = input;
        Value valid, zero = s.constantIndex(0);
        for (auto [i, window] : llvm::enumerate(windows)) {
          int64_t dim = rank - 2 + i;
          Value position = s.addIndex(input[dim], window.padding);
          Value stride = s.constantIndex(window.stride);
          Value o = s.subIndex(s.op<arith::DivUIOp>(position, stride),
                               s.op<linalg::IndexOp>(rank + (int64_t)i));
          Value inRange = s.andI(
              s.compareIndex(arith::CmpIPredicate::sge, o, zero),
              s.compareIndex(arith::CmpIPredicate::slt, o,
                             s.constantIndex(outputSizes[i])));
          valid = valid ? s.andI(valid, inRange) : inRange;
          output[dim] = s.select(inRange, o, zero);
          taps.push_back(s.subIndex(position, s.mulIndex(o, stride)));
        }
        Value term = body(s, input, output, taps, valid);
        return SmallVector<Value>{s.add(wide, args[1], term)};
      });
}

namespace {
/// Each element sums the gradients of the windows whose index names it.
struct MaxPoolBackwardLowering : Lowering<MaxPool2dWithIndicesBackwardOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(MaxPool2dWithIndicesBackwardOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value gradient = adaptor.getGradOutput(), indices = adaptor.getIndices();
    RankedTensorType input = getTensorType(adaptor.getSelf());
    RankedTensorType output = getTensorType(gradient);
    if (failed(checkSpatial(op, input, this->options)) ||
        failed(checkSpatial(op, output, this->options)))
      return failure();
    Type element = getElement(op.getGradOutput());
    Type wide = getComputeType(element), i64 = rewriter.getI64Type();
    int64_t rank = input.getRank(), width = input.getDimSize(rank - 1);
    Value result = gatherWindows(
        t, t.sizesOf(adaptor.getSelf()), output.getShape().take_back(2),
        getPoolWindows(op.getKernelSize(), op.getStride(), op.getPadding(),
                       op.getDilation()),
        wide,
        [&](ScalarBuilder &s, ValueRange in, ValueRange out, ArrayRef<Value>,
            Value valid) {
          Value own = s.addIndex(s.mulIndex(in[rank - 2], width), in[rank - 1]);
          own = s.op<arith::IndexCastOp>(i64, own);
          Value chosen = s.cast(s.op<tensor::ExtractOp>(indices, out),
                                getElement(op.getIndices()), i64);
          Value isOwn =
              s.andI(valid, s.compare(i64, Relation::Eq, chosen, own));
          Value term =
              s.cast(s.op<tensor::ExtractOp>(gradient, out), element, wide);
          return s.select(isOwn, term, s.constant(wide, 0.0));
        });
    return replace(op, rewriter, t.convert(result, wide, element));
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Average pooling
//===----------------------------------------------------------------------===//

/// The divisor of the window at a position, as ATen counts it.
template <typename OpTy>
static Value buildDivisor(ScalarBuilder &s, OpTy op, ArrayRef<Window> windows,
                          ArrayRef<int64_t> inputSizes,
                          ArrayRef<int64_t> outputSizes,
                          ArrayRef<Value> position, Type wide) {
  if (std::optional<int64_t> divisor = op.getDivisorOverride())
    return s.constant(wide, static_cast<double>(*divisor));
  bool includePad = op.getCountIncludePad();
  Value count = s.constantIndex(1);
  for (auto [i, window] : llvm::enumerate(windows)) {
    int64_t size = inputSizes[i];
    int64_t last = (outputSizes[i] - 1) * window.stride - window.padding +
                   window.kernel;
    int64_t limit = includePad ? size + window.padding : size;
    bool isPlain = last <= limit && (includePad || window.padding == 0);
    if (isPlain) {
      count = s.mulIndex(count, window.kernel);
      continue;
    }
    Value begin = s.addIndex(s.mulIndex(position[i], window.stride),
                             -window.padding);
    Value end = s.addIndex(begin, window.kernel);
    end = s.op<arith::MinSIOp>(end, s.constantIndex(limit));
    if (!includePad)
      begin = s.op<arith::MaxSIOp>(begin, s.constantIndex(0));
    count = s.mulIndex(count, s.subIndex(end, begin));
  }
  APInt constant;
  if (matchPattern(count, m_ConstantInt(&constant)))
    return s.constant(wide, static_cast<double>(constant.getSExtValue()));
  Type i64 = s.b.getI64Type();
  return s.cast(s.op<arith::IndexCastOp>(i64, count), i64, wide);
}

namespace {
struct AvgPoolLowering : Lowering<AvgPool2dOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(AvgPool2dOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType input = getTensorType(self), pooled = resultType(op);
    if (failed(checkSpatial(op, input, this->options)))
      return failure();
    Type type = getElement(op.getSelf()), wide = getComputeType(type);
    int64_t rank = input.getRank();
    SmallVector<Window> windows =
        getPoolWindows(op.getKernelSize(), op.getStride(), op.getPadding(), {});
    ScalarBuilder outer = t.scalars();
    Value sum = reduceWindows(
                    t, self, pooled, windows, outer.constant(type, 0.0),
                    outer.constant(wide, 0.0),
                    [&](ScalarBuilder &s, ValueRange args) {
                      return SmallVector<Value>{s.add(
                          wide, args[1], s.cast(args[0], type, wide))};
                    })
                    .front();
    Value result = t.elementwise(
        sum, t.sizesOf(sum), type, [&](ScalarBuilder &s, ValueRange args) {
          SmallVector<Value> position = {s.op<linalg::IndexOp>(rank - 2),
                                         s.op<linalg::IndexOp>(rank - 1)};
          Value divisor = buildDivisor(
              s, op, windows, input.getShape().take_back(2),
              pooled.getShape().take_back(2), position, wide);
          return SmallVector<Value>{
              s.cast(s.div(wide, args[0], divisor), wide, type)};
        });
    return replace(op, rewriter, result);
  }
};

struct AvgPoolBackwardLowering : Lowering<AvgPool2dBackwardOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(AvgPool2dBackwardOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value gradient = adaptor.getGradOutput();
    RankedTensorType input = getTensorType(adaptor.getSelf());
    RankedTensorType output = getTensorType(gradient);
    if (failed(checkSpatial(op, input, this->options)) ||
        failed(checkSpatial(op, output, this->options)))
      return failure();
    Type type = getElement(op.getGradOutput()), wide = getComputeType(type);
    int64_t rank = input.getRank();
    SmallVector<Window> windows =
        getPoolWindows(op.getKernelSize(), op.getStride(), op.getPadding(), {});
    Value result = gatherWindows(
        t, t.sizesOf(adaptor.getSelf()), output.getShape().take_back(2),
        windows, wide,
        [&](ScalarBuilder &s, ValueRange, ValueRange out, ArrayRef<Value> taps,
            Value valid) {
          for (auto [tap, window] : llvm::zip_equal(taps, windows))
            valid = s.andI(valid,
                           s.compareIndex(arith::CmpIPredicate::slt, tap,
                                          s.constantIndex(window.kernel)));
          Value divisor = buildDivisor(
              s, op, windows, input.getShape().take_back(2),
              output.getShape().take_back(2), {out[rank - 2], out[rank - 1]},
              wide);
          Value term =
              s.cast(s.op<tensor::ExtractOp>(gradient, out), type, wide);
          return s.select(valid, s.div(wide, term, divisor),
                          s.constant(wide, 0.0));
        });
    return replace(op, rewriter, t.convert(result, wide, type));
  }
};

/// Window o covers [floor(o * in / out), ceil((o + 1) * in / out)).
struct AdaptiveAvgPoolLowering : Lowering<AdaptiveAvgPool2dOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(AdaptiveAvgPool2dOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value self = adaptor.getSelf();
    RankedTensorType input = getTensorType(self), pooled = resultType(op);
    if (failed(checkSpatial(op, input, this->options)))
      return failure();
    Type type = getElement(op.getSelf()), wide = getComputeType(type);
    int64_t rank = input.getRank();
    SmallVector<int64_t, 2> in(input.getShape().take_back(2));
    SmallVector<int64_t, 2> out(pooled.getShape().take_back(2));
    Sizes kernel, sizes = getPooledSizes(t, self, pooled);
    for (int64_t i = 0; i < 2; ++i) {
      int64_t largest = 0;
      for (int64_t o = 0; o < out[i]; ++o)
        largest = std::max(largest, ((o + 1) * in[i] + out[i] - 1) / out[i] -
                                        o * in[i] / out[i]);
      kernel.push_back(t.constantSize(largest));
    }
    Value shape = t.empty(kernel, type);
    SmallVector<AffineExpr> exprs = {t.b.getAffineDimExpr(rank),
                                     t.b.getAffineDimExpr(rank + 1)};
    SmallVector<AffineMap> maps = {
        AffineMap::get(rank + 2, 0, exprs, t.b.getContext()),
        getLeadingDimsMap(t.b.getContext(), rank + 2, rank)};
    SmallVector<Iterator> iterators(rank, Iterator::parallel);
    iterators.append(2, Iterator::reduction);
    auto bounds = [&](ScalarBuilder &s, int64_t i, Value o) {
      Value count = s.constantIndex(out[i]);
      Value scaled = s.mulIndex(o, in[i]);
      Value begin = s.op<arith::DivUIOp>(scaled, count);
      Value end = s.op<arith::DivUIOp>(s.addIndex(scaled, in[i] + out[i] - 1),
                                       count);
      return std::make_pair(begin, end);
    };
    Value sum = t.generic(
        shape, t.filled(sizes, wide, 0.0), maps, iterators,
        [&](ScalarBuilder &s, ValueRange args) {
          SmallVector<Value> at;
          for (int64_t i = 0; i < rank; ++i)
            at.push_back(s.op<linalg::IndexOp>(i));
          Value valid;
          for (int64_t i = 0; i < 2; ++i) {
            auto [begin, end] = bounds(s, i, at[rank - 2 + i]);
            Value index = s.addIndex(begin, s.op<linalg::IndexOp>(rank + i));
            Value inside =
                s.compareIndex(arith::CmpIPredicate::slt, index, end);
            at[rank - 2 + i] = s.select(inside, index, begin);
            valid = valid ? s.andI(valid, inside) : inside;
          }
          Value x = s.cast(s.op<tensor::ExtractOp>(self, at), type, wide);
          x = s.select(valid, x, s.constant(wide, 0.0));
          return SmallVector<Value>{s.add(wide, args[1], x)};
        });
    Value result = t.elementwise(
        sum, sizes, type, [&](ScalarBuilder &s, ValueRange args) {
          Value count = s.constantIndex(1);
          for (int64_t i = 0; i < 2; ++i) {
            auto [begin, end] =
                bounds(s, i, s.op<linalg::IndexOp>(rank - 2 + i));
            count = s.mulIndex(count, s.subIndex(end, begin));
          }
          Type i64 = s.b.getI64Type();
          Value divisor =
              s.cast(s.op<arith::IndexCastOp>(i64, count), i64, wide);
          return SmallVector<Value>{
              s.cast(s.div(wide, args[0], divisor), wide, type)};
        });
    return replace(op, rewriter, result);
  }
};
} // namespace

void fx::populatePoolingPatterns(const TypeConverter &converter,
                                 const LoweringOptions &options,
                                 RewritePatternSet &patterns) {
  patterns.add<MaxPoolLowering<MaxPool2dOp>,
               MaxPoolLowering<MaxPool2dWithIndicesOp>,
               MaxPoolLowering<LowMemoryMaxPoolWithOffsetsOp>,
               OffsetsToIndicesLowering, MaxPoolBackwardLowering,
               AvgPoolLowering, AvgPoolBackwardLowering,
               AdaptiveAvgPoolLowering>(converter, patterns.getContext(),
                                        options);
}
