//===- Numbers.h - Python numbers in the graph ------------------*- C++ -*-===//

#ifndef FX_LIB_JOINTGRAPH_NUMBERS_H
#define FX_LIB_JOINTGRAPH_NUMBERS_H

#include "fx/IR/FXOps.h"
#include "mlir/IR/Matchers.h"

#include <optional>

namespace mlir::fx {

/// The number that a Python scalar is, if it is a constant.
inline std::optional<double> getNumber(Value value) {
  APFloat real(0.0);
  APInt integer;
  if (value.getType().isF64() && matchPattern(value, m_ConstantFloat(&real)))
    return real.convertToDouble();
  if (value.getType().isInteger(64) &&
      matchPattern(value, m_ConstantInt(&integer)))
    return (double)integer.getSExtValue();
  if (value.getType().isInteger(1) &&
      matchPattern(value, m_ConstantInt(&integer)))
    return (double)integer.getZExtValue();
  return std::nullopt;
}

/// The number that a scalar or all elements of a tensor are.
inline std::optional<double> getUniformNumber(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto full = dyn_cast<FullOp>(op))
      return getNumber(full.getFillValue());
    if (!isa<ViewOp, ExpandOp, ConvertElementTypeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return getNumber(value);
}

} // namespace mlir::fx

#endif
