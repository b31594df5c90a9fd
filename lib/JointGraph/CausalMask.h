//===- CausalMask.h - Masks that hide later keys ----------------*- C++ -*-===//

#ifndef FX_LIB_JOINTGRAPH_CAUSALMASK_H
#define FX_LIB_JOINTGRAPH_CAUSALMASK_H

#include "mlir/IR/Value.h"

namespace mlir::fx {

/// Whether a condition on [..., queries, keys] that comes from constants alone
/// is `key <= query`, or its opposite if `isNegated`.
bool isCausal(Value condition, bool isNegated);

} // namespace mlir::fx

#endif
