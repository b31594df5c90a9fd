//===- DecomposeNormalization.cpp - Layer norm, batch norm, dropout -------===//

#include "Decompose.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
struct Normalized {
  Value value, mean, variance, rstd;
};
} // namespace

/// (x - mean) * rsqrt(var + eps) over `dims`, in the compute type.
static Normalized normalize(TensorBuilder &b, Value x, ArrayRef<int64_t> dims,
                            double eps) {
  x = b.toCompute(x);
  auto stats = b.create<VarMeanOp>(x, dims, llvm::APFloat(0.0),
                                   /*keepdim=*/true);
  Value rstd = b.create<RsqrtOp>(b.add(stats.getVariance(), eps));
  Value value = b.mul(b.sub(x, stats.getMean()), rstd);
  return {value, stats.getMean(), stats.getVariance(), rstd};
}

/// value * weight + bias, both optional.
static Value scaleAndShift(TensorBuilder &b, Value value, Value weight,
                           Value bias) {
  if (weight)
    value = b.mul(value, weight);
  return bias ? b.add(value, bias) : value;
}

//===----------------------------------------------------------------------===//
// Layer norm
//===----------------------------------------------------------------------===//

template <typename OpTy>
static Normalized buildLayerNorm(OpTy op, TensorBuilder &b, Value &result) {
  Value x = op.getInput();
  int64_t rank = getRank(x), count = op.getNormalizedShape().size();
  Normalized normalized =
      normalize(b, x, llvm::to_vector(llvm::seq(rank - count, rank)),
                op.getEps().convertToDouble());
  result = b.convert(scaleAndShift(b, normalized.value, op.getWeight(),
                                   op.getBias()),
                     getElement(x));
  return normalized;
}

static SmallVector<Value> decomposeLayerNorm(LayerNormOp op,
                                             TensorBuilder &b) {
  Value result;
  buildLayerNorm(op, b, result);
  return {result};
}

static SmallVector<Value> decomposeNativeLayerNorm(NativeLayerNormOp op,
                                                   TensorBuilder &b) {
  Value result;
  Normalized normalized = buildLayerNorm(op, b, result);
  return {result, normalized.mean, normalized.rstd};
}

//===----------------------------------------------------------------------===//
// Batch norm
//===----------------------------------------------------------------------===//

/// A vector over the channels of x, shaped [1, C, 1, ...]; null stays null.
static Value toChannels(TensorBuilder &b, Value vector, Value x) {
  if (!vector)
    return {};
  Sizes sizes(getRank(x), b.size(1));
  sizes[1] = b.sizeOf(vector, 0);
  return b.view(vector, sizes);
}

/// momentum * current + (1 - momentum) * running, in the type of running.
static Value updateRunning(TensorBuilder &b, Value running, Value current,
                           double momentum) {
  Value updated = b.add(b.mul(current, momentum), b.mul(running, 1 - momentum));
  return b.convert(updated, getElement(running));
}

template <typename OpTy>
static SmallVector<Value> decomposeBatchNorm(OpTy op, TensorBuilder &b) {
  Value x = op.getInput(), runningMean = op.getRunningMean(),
        runningVar = op.getRunningVar();
  Type element = getElement(x);
  Value weight = toChannels(b, op.getWeight(), x);
  Value bias = toChannels(b, op.getBias(), x);
  double eps = op.getEps().convertToDouble();
  constexpr bool saves = std::is_same_v<OpTy, NativeBatchNormOp>;

  if (!op.getTraining() && runningMean) {
    Value mean = toChannels(b, runningMean, x);
    Value rstd = b.create<RsqrtOp>(
        b.add(toChannels(b, runningVar, x), eps));
    Value value = b.mul(b.sub(b.toCompute(x), mean), rstd);
    value = b.convert(scaleAndShift(b, value, weight, bias), element);
    SmallVector<Value> results = {value};
    if (saves)
      for (int i = 0; i < 2; ++i)
        results.push_back(
            b.full({b.size(0)}, b.f64(0), getComputeType(element)));
    results.push_back(runningMean);
    results.push_back(runningVar);
    return results;
  }

  SmallVector<int64_t> dims = {0};
  for (int64_t i = 2; i < getRank(x); ++i)
    dims.push_back(i);
  Normalized normalized = normalize(b, x, dims, eps);
  Value value = b.convert(
      scaleAndShift(b, normalized.value, weight, bias), element);
  SmallVector<Value> results = {value};
  if (saves) {
    results.push_back(b.squeeze(normalized.mean, dims));
    results.push_back(b.squeeze(normalized.rstd, dims));
  }
  if (!runningMean)
    return results;
  double momentum = op.getMomentum().convertToDouble();
  results.push_back(updateRunning(
      b, runningMean, b.squeeze(normalized.mean, dims), momentum));
  // The running variance is the unbiased one: n / (n - 1) times the biased.
  Value variance = b.squeeze(normalized.variance, dims);
  Size count = b.countOf(x, dims);
  if (auto known = dyn_cast<Attribute>(count)) {
    double n = cast<IntegerAttr>(known).getInt();
    variance = b.mul(variance, n / (n - 1));
  } else {
    Value n = cast<Value>(count);
    Value less = b.create<arith::SubIOp>(n, b.i64(1));
    variance = b.div(b.mul(variance, n), less);
  }
  results.push_back(updateRunning(b, runningVar, variance, momentum));
  return results;
}

//===----------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------===//

Value fx::buildDropout(TensorBuilder &b, Value x, double p) {
  if (p >= 1)
    return b.mul(x, 0.0);
  OpBuilder &builder = b.getBuilder();
  Value seeds = b.create<SeedsOp>(
      RankedTensorType::get({1}, builder.getI64Type()), (uint64_t)1);
  Value seed = b.create<LookupSeedOp>(seeds, (uint64_t)0);
  SmallVector<Value> dynamic;
  SmallVector<int64_t> fixed;
  for (Size size : b.sizesOf(x)) {
    auto known = dyn_cast<Attribute>(size);
    fixed.push_back(known ? cast<IntegerAttr>(known).getInt()
                          : ShapedType::kDynamic);
    if (!known)
      dynamic.push_back(cast<Value>(size));
  }
  Value random =
      b.create<RandomOp>(seed, dynamic, fixed, "rand", (uint64_t)0);
  Value keep = b.gt(random, b.f64(p));
  return b.mul(b.mul(keep, x), 1.0 / (1.0 - p));
}

static SmallVector<Value> decomposeDropout(DropoutOp op, TensorBuilder &b) {
  double p = op.getP().convertToDouble();
  if (!op.getTrain() || p == 0)
    return {op.getInput()};
  return {buildDropout(b, op.getInput(), p)};
}

void fx::populateDecomposeNormalization(RewritePatternSet &patterns) {
  addDecomposition<LayerNormOp>(patterns, decomposeLayerNorm);
  addDecomposition<NativeLayerNormOp>(patterns, decomposeNativeLayerNorm);
  addDecomposition<BatchNormOp>(patterns, decomposeBatchNorm<BatchNormOp>);
  addDecomposition<NativeBatchNormOp>(patterns,
                                      decomposeBatchNorm<NativeBatchNormOp>);
  addDecomposition<DropoutOp>(patterns, decomposeDropout);
}
