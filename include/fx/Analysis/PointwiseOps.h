//===- PointwiseOps.h - Which ops work element by element -------*- C++ -*-===//

#ifndef FX_ANALYSIS_POINTWISEOPS_H
#define FX_ANALYSIS_POINTWISEOPS_H

#include "mlir/IR/Operation.h"

namespace mlir::fx {

/// Whether every element of the result depends on one element of each operand
/// only: the ops of the pointwise families.
bool isPointwiseOp(Operation *op);
/// Whether an op's results go to pointwise ops only, directly or through views.
bool areAllUsersPointwise(Operation *op);

} // namespace mlir::fx

#endif
