//===- DecomposeWindows.cpp - Convolutions and pooling --------------------===//

#include "Decompose.h"

using namespace mlir;
using namespace mlir::fx;

/// A window parameter with one entry for each of `rank` dimensions.
static SmallVector<int64_t> fillWindow(ArrayRef<int64_t> list, int64_t rank) {
  if (list.size() == 1)
    return SmallVector<int64_t>(rank, list.front());
  return SmallVector<int64_t>(list);
}

/// conv1d and conv2d -> convolution of a batch
template <typename OpTy>
static SmallVector<Value> decomposeConvolution(OpTy op, TensorBuilder &b) {
  Value x = op.getInput();
  int64_t rank = getRank(op.getWeight()) - 2;
  bool batched = getRank(x) == rank + 2;
  if (!batched)
    x = b.unsqueeze(x, 0);
  Value y = b.create<ConvolutionOp>(
      x, op.getWeight(), op.getBias(), fillWindow(op.getStride(), rank),
      fillWindow(op.getPadding(), rank), fillWindow(op.getDilation(), rank),
      /*transposed=*/false, SmallVector<int64_t>(rank, 0), op.getGroups());
  return {batched ? y : b.squeeze(y, 0)};
}

/// max_pool2d -> the first result of max_pool2d_with_indices
static SmallVector<Value> decomposeMaxPool(MaxPool2dOp op, TensorBuilder &b) {
  return {b.create<MaxPool2dWithIndicesOp>(
               op.getSelf(), op.getKernelSize(), op.getStride(),
               op.getPadding(), op.getDilation(), op.getCeilMode())
              .getResult()};
}

/// Means of the windows [i * n / parts, ceil((i + 1) * n / parts)) along dim.
static Value averageParts(TensorBuilder &b, Value x, int64_t dim,
                          int64_t parts) {
  int64_t size = getTensorType(x).getDimSize(dim);
  if (size == parts)
    return x;
  SmallVector<Value> means;
  for (int64_t i = 0; i < parts; ++i) {
    int64_t begin = i * size / parts;
    int64_t end = ((i + 1) * size + parts - 1) / parts;
    means.push_back(
        b.mean(b.slice(x, dim, begin, end), dim, /*keepdim=*/true));
  }
  return b.cat(means, dim);
}

/// mean for one window, avg_pool2d for equal windows, else the mean over
/// columns of the means over rows (a window is a rectangle).
static SmallVector<Value> decomposeAdaptivePool(AdaptiveAvgPool2dOp op,
                                                TensorBuilder &b) {
  Value x = op.getSelf();
  int64_t rank = getRank(x);
  SmallVector<int64_t> parts = fillWindow(op.getOutputSize(), 2);
  if (parts[0] == 1 && parts[1] == 1)
    return {b.mean(x, {rank - 2, rank - 1}, /*keepdim=*/true)};
  int64_t height = getTensorType(x).getDimSize(rank - 2);
  int64_t width = getTensorType(x).getDimSize(rank - 1);
  if (ShapedType::isDynamic(height) || ShapedType::isDynamic(width))
    return {};
  if (parts[0] > 0 && parts[1] > 0 && height % parts[0] == 0 &&
      width % parts[1] == 0) {
    SmallVector<int64_t> kernel = {height / parts[0], width / parts[1]};
    return {b.create<AvgPool2dOp>(x, kernel, kernel, ArrayRef<int64_t>{0, 0},
                                  /*ceil_mode=*/false,
                                  /*count_include_pad=*/true, IntegerAttr())};
  }
  Type element = getElement(x);
  Value rows = averageParts(b, b.toCompute(x), rank - 2, parts[0]);
  return {b.convert(averageParts(b, rows, rank - 1, parts[1]), element)};
}

void fx::populateDecomposeWindows(RewritePatternSet &patterns) {
  addDecomposition<Conv1dOp>(patterns, decomposeConvolution<Conv1dOp>);
  addDecomposition<Conv2dOp>(patterns, decomposeConvolution<Conv2dOp>);
  addDecomposition<MaxPool2dOp>(patterns, decomposeMaxPool);
  addDecomposition<AdaptiveAvgPool2dOp>(patterns, decomposeAdaptivePool);
}
