//===- TypeInferenceIndexing.cpp - Gather, scatter, advanced indexing -----===//

#include "TypeInferenceDetail.h"
#include "fx/IR/TypeInference.h"

using namespace mlir;
using namespace mlir::fx;

/// Checks that a tensor can be used as indices.
static LogicalResult checkIndices(MaybeLoc location, RankedTensorType type) {
  if (isa<IntegerType>(type.getElementType()))
    return success();
  return emitOptionalError(location, "indices must be integers, not ", type);
}

LogicalResult fx::inferEmbedding(MaybeLoc location, Value weight, Value indices,
                                 Types &results) {
  RankedTensorType table = tensorOf(weight), index = tensorOf(indices);
  if (table.getRank() != 2)
    return emitOptionalError(location, "weight must be a matrix, not ", table);
  if (failed(checkIndices(location, index)))
    return failure();
  SmallVector<int64_t> shape(index.getShape());
  shape.push_back(table.getDimSize(1));
  return append(results, shape, table.getElementType());
}

LogicalResult fx::inferGather(MaybeLoc location, Value self, Value index,
                              Types &results) {
  RankedTensorType type = tensorOf(self), indices = tensorOf(index);
  if (failed(checkIndices(location, indices)))
    return failure();
  if (std::max<int64_t>(type.getRank(), 1) !=
      std::max<int64_t>(indices.getRank(), 1))
    return emitOptionalError(location, "ranks of ", type, " and ", indices,
                             " differ");
  return append(results, indices.getShape(), type.getElementType());
}

LogicalResult fx::inferIndexSelect(MaybeLoc location, Value self, Value index,
                                   int64_t dim, Types &results) {
  RankedTensorType type = tensorOf(self), indices = tensorOf(index);
  if (failed(checkIndices(location, indices)))
    return failure();
  auto normal = normalizeDim(location, dim, type.getRank());
  if (failed(normal))
    return failure();
  if (indices.getRank() > 1)
    return emitOptionalError(location, "index must be a vector, not ", indices);
  SmallVector<int64_t> shape(type.getShape());
  if (!shape.empty())
    shape[*normal] = indices.getRank() == 0 ? 1 : indices.getDimSize(0);
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferIndex(MaybeLoc location, Value self, ValueRange indices,
                             Dims indexDims, Types &results) {
  RankedTensorType type = tensorOf(self);
  if (indices.empty() || indices.size() != indexDims.size())
    return emitOptionalError(location, "index_dims [", indexDims,
                             "] must name one dimension for each of the ",
                             indices.size(), " index tensors");
  SmallVector<int64_t> broadcast;
  for (auto [k, value] : llvm::enumerate(indices)) {
    RankedTensorType index = tensorOf(value);
    if (failed(checkIndices(location, index)))
      return failure();
    if (isBoolType(index.getElementType()))
      return emitOptionalError(
          location, "a boolean mask has a result of unknown size; use nonzero");
    if (indexDims[k] < 0 || indexDims[k] >= type.getRank() ||
        (k > 0 && indexDims[k] <= indexDims[k - 1]))
      return emitOptionalError(location, "index_dims [", indexDims,
                               "] are not ascending dimensions of ", type);
    auto shape = broadcastShapes(location, broadcast, index.getShape());
    if (failed(shape))
      return failure();
    broadcast = std::move(*shape);
  }
  bool adjacent =
      indexDims.back() - indexDims.front() + 1 == (int64_t)indexDims.size();
  SmallVector<int64_t> shape;
  if (!adjacent)
    shape = broadcast;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (adjacent && i == indexDims.front())
      llvm::append_range(shape, broadcast);
    if (!llvm::is_contained(indexDims, i))
      shape.push_back(type.getDimSize(i));
  }
  return append(results, shape, type.getElementType());
}

LogicalResult fx::inferLookupSeed(MaybeLoc location, Value seeds,
                                  Types &results) {
  RankedTensorType type = tensorOf(seeds);
  if (type.getRank() != 1 || !type.getElementType().isInteger(64))
    return emitOptionalError(location, "seeds must be tensor<nxi64>, not ",
                             type);
  return append(results, {}, type.getElementType());
}
