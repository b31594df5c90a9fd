//===- DecomposeReductions.cpp - Softmax, variance, mean ------------------===//

#include "Decompose.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::fx;

/// The operand of a reduction with an optional dtype, in the compute type.
template <typename OpTy>
static Value getReduced(OpTy op, TensorBuilder &b) {
  Value self = op.getSelf();
  if (auto dtype = op.getDtype())
    self = b.convert(self, *dtype);
  return b.toCompute(self);
}

/// e / sum(e) with e = exp(x - amax(x))
static SmallVector<Value> decomposeSoftmax(SoftmaxOp op, TensorBuilder &b) {
  Value x = getReduced(op, b);
  int64_t dim = wrapDim(op.getDim(), getRank(x));
  Value e = b.exp(b.sub(x, b.amax(x, dim, /*keepdim=*/true)));
  Value y = b.div(e, b.sum(e, dim, /*keepdim=*/true));
  return {b.convert(y, getElement(op.getResult()))};
}

/// s - log(sum(exp(s))) with s = x - amax(x)
static SmallVector<Value> decomposeLogSoftmax(LogSoftmaxOp op,
                                              TensorBuilder &b) {
  Value x = getReduced(op, b);
  int64_t dim = wrapDim(op.getDim(), getRank(x));
  Value shifted = b.sub(x, b.amax(x, dim, /*keepdim=*/true));
  Value sum = b.sum(b.exp(shifted), dim, /*keepdim=*/true);
  return {b.convert(b.sub(shifted, b.log(sum)), getElement(op.getResult()))};
}

/// m + log(sum(exp(x - m))) with m = amax(x), 0 where that is infinite
static SmallVector<Value> decomposeLogsumexp(LogsumexpOp op,
                                             TensorBuilder &b) {
  Value x = b.toCompute(op.getSelf());
  SmallVector<int64_t> dims = wrapDims(op.getDim(), getRank(x));
  Value largest = b.amax(x, dims, /*keepdim=*/true);
  Value isInfinite = b.create<IsinfOp>(largest);
  largest = b.where(isInfinite, b.f64(0), largest);
  Value sum = b.sum(b.exp(b.sub(x, largest)), dims, op.getKeepdim());
  if (!op.getKeepdim() && !dims.empty())
    largest = b.squeeze(largest, dims);
  return {b.convert(b.add(b.log(sum), largest), getElement(op.getResult()))};
}

/// sum(x) / n
static SmallVector<Value> decomposeMean(MeanOp op, TensorBuilder &b) {
  Value x = getReduced(op, b);
  SmallVector<int64_t> dims = wrapDims(op.getDim(), getRank(x));
  Value sum = b.sum(x, dims, op.getKeepdim());
  Value mean = b.div(sum, b.asValue(b.countOf(x, dims)));
  return {b.convert(mean, getElement(op.getResult()))};
}

/// max(n - correction, 0) as a scalar
static Value buildVarianceDivisor(TensorBuilder &b, Value x,
                                  ArrayRef<int64_t> dims, double correction) {
  Size count = b.countOf(x, dims);
  if (auto known = dyn_cast<Attribute>(count))
    return b.f64(
        std::max(0.0, cast<IntegerAttr>(known).getInt() - correction));
  Value n = b.create<arith::SIToFPOp>(b.getBuilder().getF64Type(),
                                      cast<Value>(count));
  Value divisor = b.create<arith::SubFOp>(n, b.f64(correction));
  return b.create<arith::MaximumFOp>(divisor, b.f64(0));
}

/// mean = sum(x) / n, var = sum((x - mean)^2) / (n - correction)
template <typename OpTy>
static SmallVector<Value> decomposeVariance(OpTy op, TensorBuilder &b) {
  Value x = b.toCompute(op.getSelf());
  Type element = getElement(op.getSelf());
  SmallVector<int64_t> dims = wrapDims(op.getDim(), getRank(x));
  Value mean = b.div(b.sum(x, dims, /*keepdim=*/true),
                     b.asValue(b.countOf(x, dims)));
  Value difference = b.sub(x, mean);
  Value squares = b.mul(difference, difference);
  Value variance =
      b.div(b.sum(squares, dims, op.getKeepdim()),
            buildVarianceDivisor(b, x, dims,
                                 op.getCorrection().convertToDouble()));
  SmallVector<Value> results = {b.convert(variance, element)};
  if (!std::is_same_v<OpTy, VarMeanOp>)
    return results;
  if (!op.getKeepdim() && !dims.empty())
    mean = b.squeeze(mean, dims);
  results.push_back(b.convert(mean, element));
  return results;
}

void fx::populateDecomposeReductionsToCore(RewritePatternSet &patterns) {
  addDecomposition<SoftmaxOp>(patterns, decomposeSoftmax);
  addDecomposition<LogSoftmaxOp>(patterns, decomposeLogSoftmax);
  addDecomposition<LogsumexpOp>(patterns, decomposeLogsumexp);
  addDecomposition<MeanOp>(patterns, decomposeMean);
  addDecomposition<VarOp>(patterns, decomposeVariance<VarOp>);
  addDecomposition<VarMeanOp>(patterns, decomposeVariance<VarMeanOp>);
}
