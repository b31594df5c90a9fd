//===- UniformValue.h - Tensors whose elements are all equal ----*- C++ -*-===//

#ifndef FX_LIB_JOINTGRAPH_UNIFORMVALUE_H
#define FX_LIB_JOINTGRAPH_UNIFORMVALUE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace mlir::fx {

/// A number rounded to an element type as by a conversion of a tensor.
/// Null where that is not defined (a float out of the range of integers).
TypedAttr convertNumber(TypedAttr number, Type element);

/// The number that every element of a pointwise op's result is, given those of
/// its operands (null where they are unknown); null if it is not known. Only
/// functions that are exact or correctly rounded are computed: the result is
/// that of any machine.
TypedAttr computeUniform(Operation *op, ArrayRef<TypedAttr> operands);

} // namespace mlir::fx

#endif
