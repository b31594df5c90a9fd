//===- TypeInferenceWindows.cpp - Products, convolutions, pooling ---------===//

#include "TypeInferenceDetail.h"
#include "fx/IR/TypeInference.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// Checks ranks, element types and the contracted dimension of a product.
static LogicalResult checkProduct(MaybeLoc location, RankedTensorType a,
                                  RankedTensorType b, int64_t rank) {
  if (a.getRank() != rank || b.getRank() != rank)
    return emitOptionalError(location, "operands must have rank ", rank,
                             ", not ", a, " and ", b);
  if (a.getElementType() != b.getElementType())
    return emitOptionalError(location, "element types of ", a, " and ", b,
                             " differ");
  if (!mayEqual(a.getShape().back(), b.getDimSize(rank - 2)))
    return emitOptionalError(location, "cannot multiply ", a, " and ", b,
                             ": inner sizes differ");
  return success();
}

LogicalResult fx::inferMm(MaybeLoc location, Value a, Value b, Types &results) {
  RankedTensorType lhs = tensorOf(a), rhs = tensorOf(b);
  if (failed(checkProduct(location, lhs, rhs, 2)))
    return failure();
  return append(results, {lhs.getDimSize(0), rhs.getDimSize(1)},
                lhs.getElementType());
}

LogicalResult fx::inferBmm(MaybeLoc location, Value a, Value b,
                           Types &results) {
  RankedTensorType lhs = tensorOf(a), rhs = tensorOf(b);
  if (failed(checkProduct(location, lhs, rhs, 3)))
    return failure();
  if (!mayEqual(lhs.getDimSize(0), rhs.getDimSize(0)))
    return emitOptionalError(location, "batch sizes of ", lhs, " and ", rhs,
                             " differ");
  return append(results,
                {merge(lhs.getDimSize(0), rhs.getDimSize(0)), lhs.getDimSize(1),
                 rhs.getDimSize(2)},
                lhs.getElementType());
}

/// Checks that `self` broadcasts to the product that `results` ends with.
static LogicalResult checkAddend(MaybeLoc location, Value self,
                                 const Types &results) {
  auto product = cast<RankedTensorType>(results.back());
  auto shape =
      broadcastShapes(location, tensorOf(self).getShape(), product.getShape());
  if (failed(shape))
    return failure();
  if (shape->size() != (size_t)product.getRank() ||
      failed(verifyCompatibleShape(*shape, product.getShape())))
    return emitOptionalError(location, self.getType(),
                             " does not broadcast to ", product);
  return success();
}

LogicalResult fx::inferAddmm(MaybeLoc location, Value self, Value a, Value b,
                             Types &results) {
  if (failed(inferMm(location, a, b, results)))
    return failure();
  return checkAddend(location, self, results);
}

LogicalResult fx::inferBaddbmm(MaybeLoc location, Value self, Value a, Value b,
                               Types &results) {
  if (failed(inferBmm(location, a, b, results)))
    return failure();
  return checkAddend(location, self, results);
}

LogicalResult fx::inferMatmul(MaybeLoc location, Value a, Value b,
                              Types &results) {
  RankedTensorType lhs = tensorOf(a), rhs = tensorOf(b);
  if (lhs.getRank() == 0 || rhs.getRank() == 0)
    return emitOptionalError(location, "matmul of a tensor of rank 0");
  if (lhs.getElementType() != rhs.getElementType())
    return emitOptionalError(location, "element types of ", lhs, " and ", rhs,
                             " differ");
  // A vector on the left is a row, one on the right a column.
  int64_t inner = rhs.getRank() == 1 ? rhs.getDimSize(0)
                                     : rhs.getDimSize(rhs.getRank() - 2);
  if (!mayEqual(lhs.getShape().back(), inner))
    return emitOptionalError(location, "cannot multiply ", lhs, " and ", rhs,
                             ": inner sizes differ");
  Dims batchA = lhs.getShape().drop_back(std::min<int64_t>(2, lhs.getRank()));
  Dims batchB = rhs.getShape().drop_back(std::min<int64_t>(2, rhs.getRank()));
  auto shape = broadcastShapes(location, batchA, batchB);
  if (failed(shape))
    return failure();
  if (lhs.getRank() > 1)
    shape->push_back(lhs.getDimSize(lhs.getRank() - 2));
  if (rhs.getRank() > 1)
    shape->push_back(rhs.getShape().back());
  return append(results, *shape, lhs.getElementType());
}

LogicalResult fx::inferLinear(MaybeLoc location, Value input, Value weight,
                              Value bias, Types &results) {
  RankedTensorType type = tensorOf(input), matrix = tensorOf(weight);
  if (type.getRank() == 0 || matrix.getRank() < 1 || matrix.getRank() > 2)
    return emitOptionalError(location, "linear takes [..., in] and [out, in], "
                             "not ", type, " and ", matrix);
  if (type.getElementType() != matrix.getElementType())
    return emitOptionalError(location, "element types of ", type, " and ",
                             matrix, " differ");
  if (!mayEqual(type.getShape().back(), matrix.getShape().back()))
    return emitOptionalError(location, "input ", type,
                             " does not fit the weight ", matrix);
  SmallVector<int64_t> shape(type.getShape().drop_back());
  if (matrix.getRank() == 2)
    shape.push_back(matrix.getDimSize(0));
  (void)append(results, shape, type.getElementType());
  return bias ? checkAddend(location, bias, results) : success();
}

LogicalResult fx::inferOuter(MaybeLoc location, Value a, Value b,
                             Types &results) {
  RankedTensorType lhs = tensorOf(a), rhs = tensorOf(b);
  if (lhs.getRank() != 1 || rhs.getRank() != 1)
    return emitOptionalError(location, "outer takes two vectors, not ", lhs,
                             " and ", rhs);
  return append(results, {lhs.getDimSize(0), rhs.getDimSize(0)},
                promoteElementTypes({a, b}));
}

LogicalResult fx::inferAttention(MaybeLoc location, Value query, Value value,
                                 Types &results) {
  RankedTensorType q = tensorOf(query), v = tensorOf(value);
  if (q.getRank() < 2 || v.getRank() < 2)
    return emitOptionalError(location,
                             "attention takes [..., tokens, head size], not ",
                             q, " and ", v);
  SmallVector<int64_t> shape(q.getShape());
  shape.back() = v.getShape().back();
  return append(results, shape, q.getElementType());
}

LogicalResult fx::inferFlashAttention(MaybeLoc location, Value query,
                                      Value value, Types &results) {
  if (failed(inferAttention(location, query, value, results)))
    return failure();
  RankedTensorType q = tensorOf(query);
  Type element = q.getElementType().isF64()
                     ? q.getElementType()
                     : Float32Type::get(q.getContext());
  return append(results, q.getShape().drop_back(), element);
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// A window parameter of one dimension: lists of length 1 count for all.
static int64_t at(Dims list, size_t i, int64_t fallback) {
  if (list.empty())
    return fallback;
  return list.size() == 1 ? list[0] : list[i];
}

LogicalResult fx::inferConvolution(MaybeLoc location, Value input, Value weight,
                                   Dims stride, Dims padding, Dims dilation,
                                   bool transposed, Dims outputPadding,
                                   int64_t groups, Types &results) {
  RankedTensorType x = tensorOf(input), w = tensorOf(weight);
  // The batch dimension may be absent.
  int64_t spatial = w.getRank() - 2, first = x.getRank() - spatial;
  if (spatial < 1 || (first != 2 && first != 1))
    return emitOptionalError(location, "convolution of ", x, " with ", w);
  if (x.getElementType() != w.getElementType())
    return emitOptionalError(location, "element types of ", x, " and ", w,
                             " differ");
  for (Dims list : {stride, padding, dilation, outputPadding})
    if (!list.empty() && list.size() != 1 && (int64_t)list.size() != spatial)
      return emitOptionalError(location, "window [", list, "] does not have ",
                               spatial, " entries");
  if (groups < 1)
    return emitOptionalError(location, "groups must be positive, not ", groups);
  int64_t channels = x.getDimSize(first - 1);
  int64_t expected =
      transposed ? w.getDimSize(0)
                 : (isDynamic(w.getDimSize(1)) ? kDynamic
                                               : w.getDimSize(1) * groups);
  if (!mayEqual(channels, expected))
    return emitOptionalError(location, "input ", x, " has ", channels,
                             " channels, weight ", w, " with ", groups,
                             " groups takes ", expected);
  SmallVector<int64_t> shape(x.getShape().take_front(first - 1));
  int64_t features = w.getDimSize(transposed ? 1 : 0);
  shape.push_back(transposed && !isDynamic(features) ? features * groups
                                                     : features);
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t size = x.getDimSize(first + i), kernel = w.getDimSize(2 + i);
    int64_t step = at(stride, i, 1), pad = at(padding, i, 0);
    int64_t span = isDynamic(kernel) ? 0 : at(dilation, i, 1) * (kernel - 1);
    if (step < 1 || pad < 0)
      return emitOptionalError(location, "stride ", step, " or padding ", pad,
                               " is out of range");
    if (isDynamic(size) || isDynamic(kernel)) {
      shape.push_back(kDynamic);
      continue;
    }
    int64_t out = transposed ? (size - 1) * step - 2 * pad + span +
                                   at(outputPadding, i, 0) + 1
                             : (size + 2 * pad - span - 1) / step + 1;
    if (!transposed && size + 2 * pad - span - 1 < 0)
      return emitOptionalError(location, "the kernel of ", w,
                               " is larger than the padded input ", x);
    shape.push_back(out);
  }
  return append(results, shape, x.getElementType());
}

LogicalResult fx::inferConvolutionBackward(MaybeLoc location, Value gradOutput,
                                           Value input, Value weight,
                                           ArrayRef<bool> mask,
                                           Types &results) {
  if (mask.size() != 3)
    return emitOptionalError(location, "output_mask must have 3 entries");
  if (mask[0])
    results.push_back(input.getType());
  if (mask[1])
    results.push_back(weight.getType());
  if (mask[2]) {
    RankedTensorType gradient = tensorOf(gradOutput);
    int64_t channel = gradient.getRank() - (tensorOf(weight).getRank() - 1);
    (void)append(results, {gradient.getDimSize(channel)},
                 gradient.getElementType());
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

LogicalResult fx::inferPool(MaybeLoc location, Value self, Dims kernel,
                            Dims stride, Dims padding, Dims dilation,
                            bool ceilMode, std::optional<unsigned> indexBits,
                            Types &results) {
  RankedTensorType type = tensorOf(self);
  if (type.getRank() != 3 && type.getRank() != 4)
    return emitOptionalError(location, "2-d pooling of ", type);
  if (kernel.empty())
    return emitOptionalError(location, "kernel_size is empty");
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t i = 0; i < 2; ++i) {
    int64_t &size = shape[type.getRank() - 2 + i];
    int64_t window = at(kernel, i, 1), step = at(stride, i, window);
    int64_t pad = at(padding, i, 0);
    int64_t span = at(dilation, i, 1) * (window - 1) + 1;
    if (window < 1 || step < 1 || pad < 0 || 2 * pad > span)
      return emitOptionalError(location, "window of size ", window, ", stride ",
                               step, ", padding ", pad, " is out of range");
    if (isDynamic(size))
      continue;
    int64_t room = size + 2 * pad - span;
    if (room < 0)
      return emitOptionalError(location, "the window is larger than ", type);
    int64_t out = (room + (ceilMode ? step - 1 : 0)) / step + 1;
    // The last window must start inside the input or its left padding.
    if (ceilMode && (out - 1) * step >= size + pad)
      --out;
    size = out;
  }
  (void)append(results, shape, type.getElementType());
  return indexBits ? append(results, shape,
                            IntegerType::get(type.getContext(), *indexBits))
                   : success();
}

LogicalResult fx::inferAdaptivePool(MaybeLoc location, Value self,
                                    Dims outputSize, Types &results) {
  RankedTensorType type = tensorOf(self);
  if (type.getRank() < (int64_t)outputSize.size() + 1)
    return emitOptionalError(location, "adaptive pooling of ", type);
  SmallVector<int64_t> shape(type.getShape());
  size_t first = shape.size() - outputSize.size();
  for (auto [i, size] : llvm::enumerate(outputSize))
    shape[first + i] = size;
  return append(results, shape, type.getElementType());
}
