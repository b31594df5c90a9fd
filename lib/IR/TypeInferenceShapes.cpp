//===- TypeInferenceShapes.cpp - Result types of view and creation ops ----===//

#include "TypeInferenceDetail.h"
#include "fx/IR/TypeInference.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;

LogicalResult fx::inferView(MaybeLoc location, Value self, Dims sizes,
                            Types &results) {
  RankedTensorType type = tensorOf(self);
  SmallVector<int64_t> shape(sizes);
  auto hole = llvm::find(shape, -1);
  bool known = type.hasStaticShape();
  int64_t product = 1;
  for (int64_t size : shape) {
    known &= !isDynamic(size);
    if (size >= 0)
      product *= size;
    else if (size != -1 && !isDynamic(size))
      return emitOptionalError(location, "size ", size, " is negative");
  }
  if (llvm::count(shape, -1) > 1)
    return emitOptionalError(location, "only one size may be -1");
  if (hole != shape.end()) {
    if (!known)
      *hole = kDynamic;
    else if (product != 0 && type.getNumElements() % product == 0)
      *hole = type.getNumElements() / product;
    else
      return emitOptionalError(location, "sizes [", sizes, "] do not divide ",
                               type);
  } else if (known && product != type.getNumElements()) {
    return emitOptionalError(location, "sizes [", sizes, "] hold ", product,
                             " elements, ", type, " has ",
                             type.getNumElements());
  }
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferExpand(MaybeLoc location, Value self, Dims sizes,
                              Types &results) {
  RankedTensorType type = tensorOf(self);
  if (sizes.size() < (size_t)type.getRank())
    return emitOptionalError(location, "sizes [", sizes,
                             "] are fewer than the dimensions of ", type);
  SmallVector<int64_t> shape(sizes);
  size_t offset = sizes.size() - type.getRank();
  for (size_t i = 0; i < offset; ++i)
    if (sizes[i] == -1)
      return emitOptionalError(location, "a new dimension cannot be -1");
  for (int64_t i = 0; i < type.getRank(); ++i) {
    int64_t from = type.getDimSize(i), &to = shape[offset + i];
    if (to == -1)
      to = from;
    else if (from != 1 && !mayEqual(from, to))
      return emitOptionalError(location, "dimension ", i, " of ", type,
                               " does not expand to ", to);
    else if (from != 1)
      to = merge(to, from);
  }
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferRepeat(MaybeLoc location, Value self, Dims repeats,
                              Types &results) {
  RankedTensorType type = tensorOf(self);
  if (repeats.size() < (size_t)type.getRank())
    return emitOptionalError(location, "repeats [", repeats,
                             "] are fewer than the dimensions of ", type);
  SmallVector<int64_t> shape(repeats);
  size_t offset = repeats.size() - type.getRank();
  for (int64_t i = 0; i < type.getRank(); ++i) {
    int64_t &size = shape[offset + i];
    size = isDynamic(size) || type.isDynamicDim(i) ? kDynamic
                                                   : size * type.getDimSize(i);
  }
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferPermute(MaybeLoc location, Value self, Dims dims,
                               Types &results) {
  RankedTensorType type = tensorOf(self);
  SmallVector<int64_t> order;
  for (int64_t dim : dims) {
    auto normal = normalizeDim(location, dim, type.getRank());
    if (failed(normal))
      return failure();
    order.push_back(*normal);
  }
  if ((int64_t)order.size() != type.getRank() || !isPermutationVector(order))
    return emitOptionalError(location, "dims [", dims, "] do not permute ",
                             type);
  return append(results, applyPermutation(type.getShape(), order),
                type.getElementType());
}

LogicalResult fx::inferTranspose(MaybeLoc location, Value self, int64_t dim0,
                                 int64_t dim1, Types &results) {
  RankedTensorType type = tensorOf(self);
  auto first = normalizeDim(location, dim0, type.getRank());
  auto second = normalizeDim(location, dim1, type.getRank());
  if (failed(first) || failed(second))
    return failure();
  SmallVector<int64_t> shape(type.getShape());
  if (!shape.empty())
    std::swap(shape[*first], shape[*second]);
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferT(MaybeLoc location, Value self, Types &results) {
  RankedTensorType type = tensorOf(self);
  if (type.getRank() > 2)
    return emitOptionalError(location, "t() takes at most 2 dimensions, ", type,
                             " has ", type.getRank());
  return append(results, llvm::to_vector(llvm::reverse(type.getShape())),
                type.getElementType());
}

LogicalResult fx::inferUnsqueeze(MaybeLoc location, Value self, int64_t dim,
                                 Types &results) {
  RankedTensorType type = tensorOf(self);
  auto normal = normalizeDim(location, dim, type.getRank() + 1);
  if (failed(normal))
    return failure();
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin() + *normal, 1);
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferSqueeze(MaybeLoc location, Value self,
                               std::optional<ArrayRef<int64_t>> dims,
                               Types &results) {
  RankedTensorType type = tensorOf(self);
  SmallVector<int64_t> candidates =
      llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  if (dims) {
    candidates.clear();
    for (int64_t dim : *dims) {
      auto normal = normalizeDim(location, dim, type.getRank());
      if (failed(normal))
        return failure();
      candidates.push_back(*normal);
    }
  }
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    if (size != 1 || !llvm::is_contained(candidates, (int64_t)i))
      shape.push_back(size);
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferFlatten(MaybeLoc location, Value self, int64_t start,
                               int64_t end, Types &results) {
  RankedTensorType type = tensorOf(self);
  if (type.getRank() == 0)
    return append(results, {1}, type.getElementType());
  auto first = normalizeDim(location, start, type.getRank());
  auto last = normalizeDim(location, end, type.getRank());
  if (failed(first) || failed(last))
    return failure();
  if (*first > *last)
    return emitOptionalError(location, "start_dim ", start,
                             " comes after end_dim ", end);
  SmallVector<int64_t> shape(type.getShape().take_front(*first));
  Dims merged = type.getShape().slice(*first, *last - *first + 1);
  int64_t product = 1;
  for (int64_t size : merged)
    product *= isDynamic(size) ? 1 : size;
  shape.push_back(hasDynamic(merged) ? kDynamic : product);
  llvm::append_range(shape, type.getShape().drop_front(*last + 1));
  return append(results, shape, type.getElementType());
}

/// A constant bound of a slice, clamped as Python does.
static std::optional<int64_t> getBound(Value value, int64_t fallback,
                                       int64_t size) {
  int64_t bound = fallback;
  if (value) {
    APInt constant;
    if (!matchPattern(value, m_ConstantInt(&constant)))
      return std::nullopt;
    bound = constant.getSExtValue();
  }
  if (bound < 0)
    bound += size;
  return std::clamp<int64_t>(bound, 0, size);
}

LogicalResult fx::inferSlice(MaybeLoc location, Value self, int64_t dim,
                             Value start, Value end, int64_t step,
                             Types &results) {
  RankedTensorType type = tensorOf(self);
  auto normal = normalizeDim(location, dim, type.getRank());
  if (failed(normal))
    return failure();
  if (type.getRank() == 0)
    return emitOptionalError(location, "cannot slice a tensor of rank 0");
  if (step <= 0)
    return emitOptionalError(location, "step must be positive, not ", step);
  SmallVector<int64_t> shape(type.getShape());
  int64_t &size = shape[*normal];
  if (!isDynamic(size)) {
    auto first = getBound(start, 0, size);
    auto last = getBound(end, size, size);
    size = first && last
               ? std::max<int64_t>(0, (*last - *first + step - 1) / step)
               : kDynamic;
  }
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferSelect(MaybeLoc location, Value self, int64_t dim,
                              Types &results) {
  RankedTensorType type = tensorOf(self);
  auto normal = normalizeDim(location, dim, type.getRank());
  if (failed(normal))
    return failure();
  if (type.getRank() == 0)
    return emitOptionalError(location, "cannot select in a tensor of rank 0");
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + *normal);
  return append(results, shape, type.getElementType());
}

/// Whether ATen's cat skips this tensor.
static bool isSkippedByCat(RankedTensorType type) {
  return type.getRank() == 1 && type.getDimSize(0) == 0;
}

LogicalResult fx::inferCat(MaybeLoc location, ValueRange tensors, int64_t dim,
                           Types &results) {
  if (tensors.empty())
    return emitOptionalError(location, "cat needs at least one tensor");
  SmallVector<int64_t> shape;
  bool isFirst = true;
  int64_t axis = 0;
  for (Value value : tensors) {
    RankedTensorType type = tensorOf(value);
    if (isSkippedByCat(type))
      continue;
    if (isFirst) {
      shape.assign(type.getShape().begin(), type.getShape().end());
      auto normal = normalizeDim(location, dim, type.getRank());
      if (failed(normal))
        return failure();
      axis = *normal;
      isFirst = false;
      continue;
    }
    if (type.getRank() != (int64_t)shape.size())
      return emitOptionalError(location, "tensors have ranks ", shape.size(),
                               " and ", type.getRank());
    for (int64_t i = 0; i < type.getRank(); ++i) {
      int64_t size = type.getDimSize(i);
      if (i == axis)
        shape[i] = isDynamic(shape[i]) || isDynamic(size) ? kDynamic
                                                          : shape[i] + size;
      else if (!mayEqual(shape[i], size))
        return emitOptionalError(location, "sizes ", shape[i], " and ", size,
                                 " differ in dimension ", i);
      else
        shape[i] = merge(shape[i], size);
    }
  }
  if (isFirst)
    shape.push_back(0);
  return append(results, shape, promoteElementTypes(tensors));
}

LogicalResult fx::inferStack(MaybeLoc location, ValueRange tensors, int64_t dim,
                             Types &results) {
  if (tensors.empty())
    return emitOptionalError(location, "stack needs at least one tensor");
  RankedTensorType first = tensorOf(tensors.front());
  SmallVector<int64_t> shape(first.getShape());
  for (Value value : tensors.drop_front()) {
    RankedTensorType type = tensorOf(value);
    if (failed(verifyCompatibleShape(first, type)))
      return emitOptionalError(location, "shapes of ", first, " and ", type,
                               " differ");
    for (auto [i, size] : llvm::enumerate(type.getShape()))
      shape[i] = merge(shape[i], size);
  }
  auto normal = normalizeDim(location, dim, first.getRank() + 1);
  if (failed(normal))
    return failure();
  shape.insert(shape.begin() + *normal, tensors.size());
  return append(results, shape, promoteElementTypes(tensors));
}

/// Parts of the given sizes along a dimension.
static LogicalResult appendParts(RankedTensorType type, int64_t dim,
                                 Dims sizes, Types &results) {
  for (int64_t size : sizes) {
    SmallVector<int64_t> shape(type.getShape());
    shape[dim] = size;
    (void)append(results, shape, type.getElementType());
  }
  return success();
}

LogicalResult fx::inferSplit(MaybeLoc location, Value self, int64_t size,
                             int64_t dim, Types &results) {
  RankedTensorType type = tensorOf(self);
  auto normal = normalizeDim(location, dim, type.getRank());
  if (failed(normal))
    return failure();
  if (type.getRank() == 0 || type.isDynamicDim(*normal))
    return emitOptionalError(location, "cannot split dimension ", dim, " of ",
                             type, " into a known number of parts");
  int64_t total = type.getDimSize(*normal);
  if (size <= 0 && total != 0)
    return emitOptionalError(location, "split_size must be positive, not ",
                             size);
  SmallVector<int64_t> sizes;
  for (int64_t begin = 0; begin < total; begin += size)
    sizes.push_back(std::min(size, total - begin));
  if (sizes.empty())
    sizes.push_back(0);
  return appendParts(type, *normal, sizes, results);
}

LogicalResult fx::inferSplitWithSizes(MaybeLoc location, Value self, Dims sizes,
                                      int64_t dim, Types &results) {
  RankedTensorType type = tensorOf(self);
  auto normal = normalizeDim(location, dim, type.getRank());
  if (failed(normal))
    return failure();
  if (type.getRank() == 0)
    return emitOptionalError(location, "cannot split a tensor of rank 0");
  int64_t total = 0;
  for (int64_t size : sizes)
    total += size;
  if (!mayEqual(type.getDimSize(*normal), total))
    return emitOptionalError(location, "split_sizes [", sizes, "] sum to ",
                             total, ", dimension ", dim, " of ", type, " is ",
                             type.getDimSize(*normal));
  return appendParts(type, *normal, sizes, results);
}

LogicalResult fx::inferChunk(MaybeLoc location, Value self, int64_t chunks,
                             int64_t dim, Types &results) {
  RankedTensorType type = tensorOf(self);
  auto normal = normalizeDim(location, dim, type.getRank());
  if (failed(normal))
    return failure();
  if (chunks <= 0)
    return emitOptionalError(location, "chunks must be positive, not ", chunks);
  if (type.getRank() == 0 || type.isDynamicDim(*normal))
    return emitOptionalError(location, "cannot split dimension ", dim, " of ",
                             type, " into a known number of parts");
  int64_t size = (type.getDimSize(*normal) + chunks - 1) / chunks;
  // An empty dimension gives `chunks` empty parts.
  if (size == 0)
    return appendParts(type, *normal, SmallVector<int64_t>(chunks, 0), results);
  return inferSplit(location, self, size, dim, results);
}

LogicalResult fx::inferUnbind(MaybeLoc location, Value self, int64_t dim,
                              Types &results) {
  RankedTensorType type = tensorOf(self);
  auto normal = normalizeDim(location, dim, type.getRank());
  if (failed(normal))
    return failure();
  if (type.getRank() == 0 || type.isDynamicDim(*normal))
    return emitOptionalError(location, "cannot unbind dimension ", dim, " of ",
                             type);
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + *normal);
  for (int64_t i = 0, n = type.getDimSize(*normal); i < n; ++i)
    (void)append(results, shape, type.getElementType());
  return success();
}

LogicalResult fx::inferConstantPadNd(MaybeLoc location, Value self, Dims pad,
                                     Types &results) {
  RankedTensorType type = tensorOf(self);
  if (pad.size() % 2 || pad.size() > 2 * (size_t)type.getRank())
    return emitOptionalError(location, "pad [", pad, "] does not fit ", type);
  SmallVector<int64_t> shape(type.getShape());
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    int64_t &size = shape[shape.size() - 1 - i];
    if (isDynamic(size))
      continue;
    size += pad[2 * i] + pad[2 * i + 1];
    if (size < 0)
      return emitOptionalError(location, "pad [", pad, "] crops ", type,
                               " below zero");
  }
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferRepeatInterleave(MaybeLoc location, Value self,
                                        int64_t repeats,
                                        std::optional<int64_t> dim,
                                        Types &results) {
  RankedTensorType type = tensorOf(self);
  if (repeats < 0)
    return emitOptionalError(location, "repeats ", repeats, " is negative");
  if (!dim) {
    int64_t total = type.hasStaticShape() ? type.getNumElements() * repeats
                                          : kDynamic;
    return append(results, {total}, type.getElementType());
  }
  auto normal = normalizeDim(location, *dim, type.getRank());
  if (failed(normal))
    return failure();
  SmallVector<int64_t> shape(type.getShape());
  if (!shape.empty() && !isDynamic(shape[*normal]))
    shape[*normal] *= repeats;
  return append(results, shape, type.getElementType());
}

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

LogicalResult fx::inferFull(MaybeLoc location, Dims sizes, Type dtype,
                            Types &results) {
  for (int64_t size : sizes)
    if (size < 0 && !isDynamic(size))
      return emitOptionalError(location, "size ", size, " is negative");
  return append(results, sizes, dtype);
}

/// The value of a constant integer scalar.
static std::optional<int64_t> getConstantInt(Value value) {
  APInt constant;
  if (!value || !matchPattern(value, m_ConstantInt(&constant)))
    return std::nullopt;
  return constant.getSExtValue();
}

LogicalResult fx::inferArange(MaybeLoc location, Value start, Value end,
                              Value step, Type dtype, Types &results) {
  auto first = getConstantInt(start), last = getConstantInt(end),
       stride = getConstantInt(step);
  if (stride && *stride == 0)
    return emitOptionalError(location, "step must not be zero");
  if (!first || !last || !stride)
    return append(results, {kDynamic}, dtype);
  int64_t distance = *stride > 0 ? *last - *first : *first - *last;
  int64_t width = std::abs(*stride);
  if (distance < 0)
    return emitOptionalError(location, "the sign of step does not lead from ",
                             *first, " to ", *last);
  return append(results, {(distance + width - 1) / width}, dtype);
}

LogicalResult fx::inferIota(MaybeLoc location, Value length, Type dtype,
                            Types &results) {
  return append(results, {getConstantInt(length).value_or(kDynamic)}, dtype);
}

LogicalResult fx::inferLinspace(MaybeLoc location, int64_t steps, Type dtype,
                                Types &results) {
  if (steps < 0)
    return emitOptionalError(location, "steps ", steps, " is negative");
  return append(results, {steps}, dtype);
}
