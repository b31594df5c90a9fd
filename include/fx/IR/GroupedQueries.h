//===- GroupedQueries.h - Heads of grouped-query attention ------*- C++ -*-===//
//
// Queries are [..., heads, tokens, head size]. Keys and values may have fewer
// heads, of which each serves a group of query heads.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IR_GROUPEDQUERIES_H
#define FX_IR_GROUPEDQUERIES_H

#include "fx/IR/TensorBuilder.h"

#include <optional>

namespace mlir::fx {

/// Query heads for each head of `keys`, 1 where the numbers of heads are not
/// known; none if the shapes do not fit.
std::optional<int64_t> countQueryGroup(Value query, Value keys);

/// Each head of `keys` as often as it has queries.
Value repeatHeads(TensorBuilder &b, Value keys, int64_t group);

/// The gradient of what `repeatHeads` repeated.
Value sumHeads(TensorBuilder &b, Value gradient, Value keys, int64_t group);

} // namespace mlir::fx

#endif // FX_IR_GROUPEDQUERIES_H
