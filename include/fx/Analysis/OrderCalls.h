//===- OrderCalls.h - Calls that put elements in order ----------*- C++ -*-===//
//
// Sorting, the first elements in order, and running extrema have no op of their
// own: import makes calls of ATen's operators in one form, which the run-time
// library computes on a CPU.
//
//===----------------------------------------------------------------------===//

#ifndef FX_ANALYSIS_ORDERCALLS_H
#define FX_ANALYSIS_ORDERCALLS_H

#include "fx/IR/FXOps.h"

namespace mlir::fx {

/// Of a tensor along `dim`: its elements in order, NaN as the largest, and
/// where they were; or the extremum up to each element and where it is, of
/// equal ones the last.
struct OrderCall {
  Value input;
  int64_t dim;
  /// How many elements in order.
  int64_t count;
  /// The largest first; of running extrema, the maximum.
  bool descending;
  bool isRunning = false;
};

/// Makes the call; its results are elements and places. The input has a rank
/// above 0, a known size along `dim`, and no bool or unsigned elements.
Operation *createOrderCall(OpBuilder &builder, Location loc,
                           const OrderCall &call);

/// Such a call on a tensor of known shape.
std::optional<OrderCall> matchOrderCall(Operation *op);

} // namespace mlir::fx

#endif // FX_ANALYSIS_ORDERCALLS_H
