//===- GroupedQueries.cpp - Heads of grouped-query attention --------------===//

#include "fx/IR/GroupedQueries.h"

using namespace mlir;
using namespace mlir::fx;

std::optional<int64_t> fx::countQueryGroup(Value query, Value keys) {
  int64_t rank = getRank(query);
  if (getRank(keys) != rank || rank < 3)
    return getRank(keys) == rank ? std::optional<int64_t>(1) : std::nullopt;
  int64_t queryHeads = getTensorType(query).getDimSize(rank - 3);
  int64_t heads = getTensorType(keys).getDimSize(rank - 3);
  if (queryHeads == heads || ShapedType::isDynamic(queryHeads) ||
      ShapedType::isDynamic(heads))
    return 1;
  if (heads == 0 || queryHeads % heads != 0)
    return std::nullopt;
  return queryHeads / heads;
}

/// Sizes [..., heads, group, tokens, head size] of [..., heads, tokens, ...].
static Sizes getGroupedSizes(TensorBuilder &b, Value keys, int64_t group) {
  Sizes sizes = b.sizesOf(keys);
  sizes.insert(sizes.end() - 2, b.size(group));
  return sizes;
}

Value fx::repeatHeads(TensorBuilder &b, Value keys, int64_t group) {
  if (group == 1)
    return keys;
  int64_t rank = getRank(keys);
  Sizes sizes = b.sizesOf(keys);
  sizes[rank - 3] = b.multiply(sizes[rank - 3], b.size(group));
  Value expanded = b.expand(b.unsqueeze(keys, rank - 2),
                            getGroupedSizes(b, keys, group));
  return b.view(expanded, sizes);
}

Value fx::sumHeads(TensorBuilder &b, Value gradient, Value keys,
                      int64_t group) {
  if (group == 1)
    return gradient;
  return b.sum(b.view(gradient, getGroupedSizes(b, keys, group)),
               getRank(keys) - 2, /*keepdim=*/false);
}
