//===- Convolution.cpp - Convolutions and their gradients -----------------===//
//
// Everything is built of two contractions on padded tensors: the convolution
// itself, and the product that gives the gradient of a weight. A transposed
// convolution, which is also the gradient of an input, becomes convolutions of
// stride 1 with flipped weights: one for each residue of the output position
// modulo the stride, so that no zeros are multiplied.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "Windows.h"

#include <numeric>

using namespace mlir;
using namespace mlir::fx;

using Iterator = utils::IteratorType;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Value fx::splitDim(LinalgBuilder &t, Value tensor, int64_t dim, int64_t outer) {
  RankedTensorType type = getTensorType(tensor);
  SmallVector<int64_t> shape(type.getShape());
  Sizes sizes = t.sizesOf(tensor);
  int64_t inner = shape[dim] / outer;
  shape[dim] = outer;
  shape.insert(shape.begin() + dim + 1, inner);
  sizes[dim] = t.constantSize(outer);
  sizes.insert(sizes.begin() + dim + 1, t.constantSize(inner));
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    int64_t shift = i > dim ? 1 : 0;
    groups.push_back({i + shift});
    if (i == dim)
      groups.back().push_back(i + 1);
  }
  return tensor::ExpandShapeOp::create(t.b, t.loc, type.clone(shape), tensor,
                                       groups, sizes);
}

Value fx::mergeDims(LinalgBuilder &t, Value tensor, int64_t dim) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < getTensorType(tensor).getRank(); ++i) {
    if (i == dim + 1)
      groups.back().push_back(i);
    else
      groups.push_back({i});
  }
  return tensor::CollapseShapeOp::create(t.b, t.loc, tensor, groups);
}

Value fx::padSpatial(LinalgBuilder &t, Value tensor, ArrayRef<int64_t> low,
                     ArrayRef<int64_t> high, Value scalar) {
  int64_t lead = getTensorType(tensor).getRank() - low.size();
  SmallVector<int64_t> allLow(lead, 0), allHigh(lead, 0);
  llvm::append_range(allLow, low);
  llvm::append_range(allHigh, high);
  return t.pad(tensor, allLow, allHigh, scalar);
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

namespace {
/// A convolution with its fx element type; accumulation is in the compute
/// type, in which all builders return their results.
struct ConvolutionBuilder {
  LinalgBuilder &t;
  Type element;
  SmallVector<Window> windows;
  int64_t groups;

  Type wide() const { return getComputeType(element); }
  int64_t spatial() const { return windows.size(); }
  Value zero() { return t.scalars().constant(element, 0.0); }

  /// x[n, c, o*stride + k*dilation] * w[f, c, k], summed over c and k. The
  /// input is padded, `output` are the spatial sizes of the result.
  Value convolve(Value x, Value w, ArrayRef<Window> windows,
                 const Sizes &output);
  Value forward(Value x, Value w, const Sizes &output);
  /// The gradient of x, and the transposed convolution; with `rounded` in the
  /// fx element type.
  Value backwardData(Value gradient, Value w, ArrayRef<int64_t> inputSizes,
                     bool rounded);
  /// small[n, f, o] * large[n, c, o*stride + k*dilation], summed over n and o.
  Value backwardWeight(Value small, Value large);

private:
  Value convolveGrouped(Value x, Value w, ArrayRef<Window> windows,
                        const Sizes &output);
  Value flipWeight(Value w, ArrayRef<int64_t> first, ArrayRef<int64_t> step,
                   ArrayRef<int64_t> count);
  SmallVector<Value> multiplyAdd(ScalarBuilder &s, ValueRange args) {
    Value a = s.cast(args[0], element, wide());
    Value b = s.cast(args[1], element, wide());
    return {s.add(wide(), args[2], s.mul(wide(), a, b))};
  }
  /// o*stride + k*dilation for dimensions numbered from `o` and `k`.
  void appendWindowExprs(SmallVectorImpl<AffineExpr> &exprs,
                         ArrayRef<Window> windows, int64_t o, int64_t k) {
    for (auto [i, window] : llvm::enumerate(windows))
      exprs.push_back(t.b.getAffineDimExpr(o + i) * window.stride +
                      t.b.getAffineDimExpr(k + i) * window.dilation);
  }
};
} // namespace

Value ConvolutionBuilder::convolve(Value x, Value w, ArrayRef<Window> windows,
                                   const Sizes &output) {
  if (groups > 1)
    return convolveGrouped(x, w, windows, output);
  Sizes sizes = {t.sizeOf(x, 0), t.sizeOf(w, 0)};
  llvm::append_range(sizes, output);
  Value init = t.filled(sizes, wide(), 0.0);
  SmallVector<int64_t> strides, dilations;
  for (const Window &window : windows) {
    strides.push_back(window.stride);
    dilations.push_back(window.dilation);
  }
  auto strideAttr = t.b.getI64VectorAttr(strides);
  auto dilationAttr = t.b.getI64VectorAttr(dilations);
  auto create = [&](auto tag) -> Value {
    using OpTy = decltype(tag);
    return OpTy::create(t.b, t.loc, TypeRange(init.getType()), ValueRange{x, w},
                        ValueRange(init), strideAttr, dilationAttr)
        ->getResult(0);
  };
  switch (spatial()) {
  case 1:
    return create(linalg::Conv1DNcwFcwOp());
  case 2:
    return create(linalg::Conv2DNchwFchwOp());
  default:
    return create(linalg::Conv3DNcdhwFcdhwOp());
  }
}

/// Dimensions: n, g, f, o…, c, k…
Value ConvolutionBuilder::convolveGrouped(Value x, Value w,
                                          ArrayRef<Window> windows,
                                          const Sizes &output) {
  x = splitDim(t, x, 1, groups);
  w = splitDim(t, w, 0, groups);
  int64_t n = spatial(), c = 3 + n, k = 4 + n, rank = 4 + 2 * n;
  auto dim = [&](int64_t i) { return t.b.getAffineDimExpr(i); };
  SmallVector<AffineExpr> xExprs = {dim(0), dim(1), dim(c)};
  appendWindowExprs(xExprs, windows, 3, k);
  SmallVector<AffineExpr> wExprs = {dim(1), dim(2), dim(c)};
  SmallVector<AffineExpr> outExprs = {dim(0), dim(1), dim(2)};
  for (int64_t i = 0; i < n; ++i) {
    wExprs.push_back(dim(k + i));
    outExprs.push_back(dim(3 + i));
  }
  SmallVector<AffineMap> maps;
  for (ArrayRef<AffineExpr> exprs :
       {ArrayRef<AffineExpr>(xExprs), ArrayRef<AffineExpr>(wExprs),
        ArrayRef<AffineExpr>(outExprs)})
    maps.push_back(AffineMap::get(rank, 0, exprs, t.b.getContext()));
  SmallVector<Iterator> iterators(rank, Iterator::parallel);
  std::fill(iterators.begin() + c, iterators.end(), Iterator::reduction);
  Sizes sizes = {t.sizeOf(x, 0), t.sizeOf(w, 0), t.sizeOf(w, 1)};
  llvm::append_range(sizes, output);
  Value result = t.generic(
      ValueRange{x, w}, t.filled(sizes, wide(), 0.0), maps, iterators,
      [&](ScalarBuilder &s, ValueRange args) { return multiplyAdd(s, args); });
  return mergeDims(t, result, 1);
}

Value ConvolutionBuilder::forward(Value x, Value w, const Sizes &output) {
  SmallVector<int64_t> padding;
  for (const Window &window : windows)
    padding.push_back(window.padding);
  return convolve(padSpatial(t, x, padding, padding, zero()), w, windows,
                  output);
}

/// Exchanges input and output channels (within the groups) and takes the
/// kernel positions first + (count - 1 - j) * step.
Value ConvolutionBuilder::flipWeight(Value w, ArrayRef<int64_t> first,
                                     ArrayRef<int64_t> step,
                                     ArrayRef<int64_t> count) {
  w = splitDim(t, w, 0, groups);
  int64_t n = spatial(), rank = 3 + n;
  auto dim = [&](int64_t i) { return t.b.getAffineDimExpr(i); };
  // Result: g, c, f, j…; weight: g, f, c, k…
  SmallVector<AffineExpr> exprs = {dim(0), dim(2), dim(1)};
  Sizes sizes = {t.sizeOf(w, 0), t.sizeOf(w, 2), t.sizeOf(w, 1)};
  for (int64_t i = 0; i < n; ++i) {
    exprs.push_back(dim(3 + i) * -step[i] +
                    (first[i] + (count[i] - 1) * step[i]));
    sizes.push_back(t.constantSize(count[i]));
  }
  Value init = t.empty(sizes, getTensorType(w).getElementType());
  Value flipped = t.generic(
      w, init,
      {AffineMap::get(rank, 0, exprs, t.b.getContext()),
       t.b.getMultiDimIdentityMap(rank)},
      SmallVector<Iterator>(rank, Iterator::parallel),
      [](ScalarBuilder &, ValueRange args) {
        return SmallVector<Value>{args[0]};
      });
  return mergeDims(t, flipped, 0);
}

namespace {
/// Positions u = i + padding of the result with u mod stride = residue, along
/// one dimension. They are u = stride * (begin + t) + residue for t < count,
/// and gather gradient[start + t + j * dilation] over kernel positions in
/// reverse order.
struct Phase {
  int64_t begin = 0, count = 0;
  int64_t firstTap = 0, tapStep = 1, taps = 0;
  int64_t start = 0, dilation = 1;
  int64_t offset = 0; // of t = 0 in the result
};
} // namespace

static int64_t ceilDiv(int64_t a, int64_t b) {
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}
static int64_t floorDiv(int64_t a, int64_t b) { return -ceilDiv(-a, b); }

static Phase getPhase(const Window &window, int64_t inputSize,
                      int64_t residue) {
  Phase phase;
  int64_t s = window.stride, d = window.dilation, p = window.padding;
  int64_t common = std::gcd(s, d);
  phase.begin = ceilDiv(p - residue, s);
  phase.count = floorDiv(p + inputSize - 1 - residue, s) - phase.begin + 1;
  phase.offset = phase.begin * s + residue - p;
  phase.tapStep = s / common;
  phase.dilation = d / common;
  // The first tap k with k * d = residue (mod s).
  int64_t k = 0;
  while (k < window.kernel && (k * d) % s != residue)
    ++k;
  if (k >= window.kernel)
    return phase;
  phase.firstTap = k;
  phase.taps = (window.kernel - 1 - k) / phase.tapStep + 1;
  phase.start = phase.begin - (k * d - residue) / s -
                (phase.taps - 1) * phase.dilation;
  return phase;
}

Value ConvolutionBuilder::backwardData(Value gradient, Value w,
                                       ArrayRef<int64_t> inputSizes,
                                       bool rounded) {
  RankedTensorType type = getTensorType(gradient);
  Type resultType = rounded ? getSignlessType(element) : wide();
  int64_t residues = 1;
  for (const Window &window : windows)
    residues *= window.stride;
  SmallVector<SmallVector<Phase>> phases;
  bool covers = true;
  for (int64_t r = 0; r < residues; ++r) {
    SmallVector<Phase> list;
    int64_t rest = r;
    for (auto [i, window] : llvm::enumerate(windows)) {
      list.push_back(getPhase(window, inputSizes[i], rest % window.stride));
      rest /= window.stride;
    }
    if (llvm::any_of(list, [](Phase &phase) { return phase.count <= 0; }))
      continue;
    if (llvm::any_of(list, [](Phase &phase) { return phase.taps == 0; }))
      covers = false; // no tap reaches these: zero
    else
      phases.push_back(std::move(list));
  }
  OpFoldResult batch = t.sizeOf(gradient, 0);
  int64_t channels = getTensorType(w).getDimSize(1) * groups;
  Sizes sizes = {batch, t.constantSize(channels)};
  for (int64_t size : inputSizes)
    sizes.push_back(t.constantSize(size));
  bool isWhole = residues == 1 && phases.size() == 1;
  Value result;
  if (!isWhole)
    result = covers ? t.empty(sizes, resultType)
                    : t.filled(sizes, resultType, 0.0);
  for (ArrayRef<Phase> list : phases) {
    SmallVector<int64_t> low, high, first, step, count;
    SmallVector<Window> unit;
    Sizes output;
    Sizes offsets(2, t.constantSize(0)), strides(2, t.constantSize(1));
    for (auto [i, phase] : llvm::enumerate(list)) {
      int64_t end = phase.start + phase.count +
                    (phase.taps - 1) * phase.dilation;
      low.push_back(-phase.start);
      high.push_back(end - type.getDimSize(2 + i));
      first.push_back(phase.firstTap);
      step.push_back(phase.tapStep);
      count.push_back(phase.taps);
      unit.push_back({phase.taps, 1, 0, phase.dilation});
      output.push_back(t.constantSize(phase.count));
      offsets.push_back(t.constantSize(phase.offset));
      strides.push_back(t.constantSize(windows[i].stride));
    }
    Value part = convolve(padSpatial(t, gradient, low, high, zero()),
                          flipWeight(w, first, step, count), unit, output);
    if (rounded)
      part = t.convert(part, wide(), element);
    if (isWhole)
      return part;
    result = tensor::InsertSliceOp::create(t.b, t.loc, part, result, offsets,
                                           t.sizesOf(part), strides);
  }
  return result;
}

/// Dimensions: (g,) f, c, k…, n, o…
Value ConvolutionBuilder::backwardWeight(Value small, Value large) {
  SmallVector<int64_t> low, high;
  for (auto [i, window] : llvm::enumerate(windows)) {
    int64_t needed =
        (getTensorType(small).getDimSize(2 + i) - 1) * window.stride +
        (window.kernel - 1) * window.dilation + 1;
    low.push_back(window.padding);
    high.push_back(needed - window.padding -
                   getTensorType(large).getDimSize(2 + i));
  }
  large = padSpatial(t, large, low, high, zero());
  small = splitDim(t, small, 1, groups);
  large = splitDim(t, large, 1, groups);
  int64_t n = spatial(), batch = 3 + n, rank = 4 + 2 * n;
  auto dim = [&](int64_t i) { return t.b.getAffineDimExpr(i); };
  SmallVector<AffineExpr> smallExprs = {dim(batch), dim(0), dim(1)};
  SmallVector<AffineExpr> largeExprs = {dim(batch), dim(0), dim(2)};
  SmallVector<AffineExpr> outExprs = {dim(0), dim(1), dim(2)};
  appendWindowExprs(largeExprs, windows, batch + 1, 3);
  Sizes sizes = {t.constantSize(groups), t.sizeOf(small, 2),
                 t.sizeOf(large, 2)};
  for (int64_t i = 0; i < n; ++i) {
    smallExprs.push_back(dim(batch + 1 + i));
    outExprs.push_back(dim(3 + i));
    sizes.push_back(t.constantSize(windows[i].kernel));
  }
  SmallVector<SmallVector<AffineExpr>> lists = {smallExprs, largeExprs,
                                                outExprs};
  SmallVector<Iterator> iterators(rank, Iterator::parallel);
  std::fill(iterators.begin() + batch, iterators.end(), Iterator::reduction);
  if (groups == 1) {
    // Without the dimension of the groups.
    small = mergeDims(t, small, 1);
    large = mergeDims(t, large, 1);
    sizes.erase(sizes.begin());
    iterators.erase(iterators.begin());
    --rank;
    for (auto [k, list] : llvm::enumerate(lists)) {
      list.erase(list.begin() + (k == 2 ? 0 : 1));
      for (AffineExpr &expr : list)
        expr = expr.shiftDims(rank + 1, -1);
    }
  }
  SmallVector<AffineMap> maps;
  for (ArrayRef<AffineExpr> exprs : lists)
    maps.push_back(AffineMap::get(rank, 0, exprs, t.b.getContext()));
  Value result = t.generic(
      ValueRange{small, large}, t.filled(sizes, wide(), 0.0), maps, iterators,
      [&](ScalarBuilder &s, ValueRange args) { return multiplyAdd(s, args); });
  return groups == 1 ? result : mergeDims(t, result, 0);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

template <typename OpTy>
static SmallVector<Window> getWindows(OpTy op, RankedTensorType weight) {
  SmallVector<Window> windows;
  for (int64_t i = 0; i < weight.getRank() - 2; ++i)
    windows.push_back({weight.getDimSize(2 + i),
                       getWindowEntry(op.getStride(), i, 1),
                       getWindowEntry(op.getPadding(), i, 0),
                       getWindowEntry(op.getDilation(), i, 1)});
  return windows;
}

/// What the builders need to know at compile time.
static LogicalResult checkShapes(Operation *op, RankedTensorType weight,
                                 ArrayRef<RankedTensorType> spatial,
                                 const LoweringOptions &options) {
  if (isa<ComplexType>(weight.getElementType()))
    return options.refuse(op, "convolution of complex numbers");
  if (weight.getRank() < 3 || weight.getRank() > 5)
    return options.refuse(
        op, "convolution over other than 1 to 3 dimensions");
  if (!weight.hasStaticShape())
    return options.refuse(op,
                                       "convolution weight of unknown size");
  for (RankedTensorType type : spatial)
    for (int64_t i = 0; i < weight.getRank() - 2; ++i)
      if (type.isDynamicDim(type.getRank() - 1 - i))
        return options.refuse(
            op, "gradient of a convolution over dimensions of unknown size");
  return success();
}

static bool isTransposed(ConvolutionOp op) { return op.getTransposed(); }
template <typename OpTy>
static bool isTransposed(OpTy) {
  return false;
}

namespace {
/// convolution, conv1d, conv2d; the bias is added before rounding.
template <typename OpTy>
struct ConvolutionLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value x = adaptor.getInput(), w = adaptor.getWeight();
    RankedTensorType weight = getTensorType(w), type = this->resultType(op);
    bool transposed = isTransposed(op);
    SmallVector<RankedTensorType> spatialTypes;
    if (transposed)
      spatialTypes = {getTensorType(x), type};
    if (failed(checkShapes(op, weight, spatialTypes, this->options)))
      return failure();
    int64_t spatial = weight.getRank() - 2;
    bool isBatched = getTensorType(x).getRank() == spatial + 2;
    if (!isBatched)
      x = t.insertUnitDims(x, 0);
    Type element = getElement(op.getResult());
    ConvolutionBuilder builder{t, element, getWindows(op, weight),
                               static_cast<int64_t>(op.getGroups())};
    Value result;
    if (transposed)
      result =
          builder.backwardData(x, w, type.getShape().take_back(spatial),
                               /*rounded=*/!adaptor.getBias());
    else
      result = builder.forward(x, w, getOutput(t, x, type, builder.windows));
    if (adaptor.getBias()) {
      Value bias = t.insertUnitDims(
          adaptor.getBias(),
          llvm::to_vector(llvm::seq<int64_t>(1, spatial + 1)));
      Type biasType = getElement(op.getBias()), wide = builder.wide();
      result = t.elementwise(
          {result, bias}, t.sizesOf(result), getSignlessType(element),
          [&](ScalarBuilder &s, ValueRange args) {
            Value sum = s.add(wide, args[0], s.cast(args[1], biasType, wide));
            return SmallVector<Value>{s.cast(sum, wide, element)};
          });
    } else if (!transposed) {
      result = t.convert(result, builder.wide(), element);
    }
    if (!isBatched)
      result = t.dropUnitDims(result, 0);
    return this->replace(op, rewriter, result);
  }

private:
  /// Spatial sizes of the result: (size + 2p - d(k - 1) - 1) / s + 1.
  static Sizes getOutput(LinalgBuilder &t, Value x, RankedTensorType type,
                         ArrayRef<Window> windows) {
    Sizes output;
    int64_t first = type.getRank() - windows.size();
    for (auto [i, window] : llvm::enumerate(windows)) {
      if (!type.isDynamicDim(first + i)) {
        output.push_back(t.constantSize(type.getDimSize(first + i)));
        continue;
      }
      ScalarBuilder s = t.scalars();
      int64_t room =
          2 * window.padding - window.dilation * (window.kernel - 1) - 1;
      Value size = t.asValue(
          t.addSizes(t.sizeOf(x, 2 + i), t.constantSize(room)));
      if (window.stride != 1)
        size = s.op<arith::DivUIOp>(size, s.constantIndex(window.stride));
      output.push_back(t.addSizes(size, t.constantSize(1)));
    }
    return output;
  }
};

struct ConvolutionBackwardLowering : Lowering<ConvolutionBackwardOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(ConvolutionBackwardOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value gradient = adaptor.getGradOutput(), x = adaptor.getInput();
    Value w = adaptor.getWeight();
    RankedTensorType weight = getTensorType(w);
    if (failed(checkShapes(op, weight,
                           {getTensorType(gradient), getTensorType(x)},
                           options)))
      return failure();
    int64_t spatial = weight.getRank() - 2;
    bool isBatched = getTensorType(x).getRank() == spatial + 2;
    if (!isBatched) {
      x = t.insertUnitDims(x, 0);
      gradient = t.insertUnitDims(gradient, 0);
    }
    Type element = getElement(op.getGradOutput());
    ConvolutionBuilder builder{t, element, getWindows(op, weight),
                               static_cast<int64_t>(op.getGroups())};
    ArrayRef<bool> mask = op.getOutputMask();
    SmallVector<Value> results;
    auto add = [&](Value value) {
      results.push_back(t.convert(value, builder.wide(), element));
    };
    if (mask[0]) {
      ArrayRef<int64_t> sizes = getTensorType(x).getShape().drop_front(2);
      Sizes output;
      for (int64_t size : sizes)
        output.push_back(t.constantSize(size));
      if (op.getTransposed())
        add(builder.forward(gradient, w, output));
      else
        results.push_back(
            builder.backwardData(gradient, w, sizes, /*rounded=*/true));
      if (!isBatched)
        results.back() = t.dropUnitDims(results.back(), 0);
    }
    if (mask[1])
      add(op.getTransposed() ? builder.backwardWeight(x, gradient)
                             : builder.backwardWeight(gradient, x));
    if (mask[2]) {
      SmallVector<int64_t> dims = {0};
      llvm::append_range(dims, llvm::seq<int64_t>(2, spatial + 2));
      add(t.sum(t.convert(gradient, element, builder.wide()), dims));
    }
    return replace(op, rewriter, results);
  }
};
} // namespace

void fx::populateConvolutionPatterns(const TypeConverter &converter,
                                     const LoweringOptions &options,
                                     RewritePatternSet &patterns) {
  patterns
      .add<ConvolutionLowering<ConvolutionOp>, ConvolutionLowering<Conv1dOp>,
           ConvolutionLowering<Conv2dOp>, ConvolutionBackwardLowering>(
          converter, patterns.getContext(), options);
}
