//===- ScalarBodies.h - Scalar computations of pointwise ops ----*- C++ -*-===//
//
// The models of ScalarBodyOpInterface, and conversion of scalars as ATen does
// it. Values of the fx type ui8 are i8 here.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LOWERING_SCALARBODIES_H
#define FX_LOWERING_SCALARBODIES_H

#include "mlir/IR/Builders.h"

namespace mlir {
class DialectRegistry;
}

namespace mlir::fx {

/// Attaches ScalarBodyOpInterface to all pointwise ops.
void registerScalarBodyModels(DialectRegistry &registry);

/// The fx element types to which the operands of a pointwise op are promoted
/// before its scalar body: one for each operand.
llvm::SmallVector<Type> getScalarBodyTypes(Operation *op);

/// `element` as it is in linalg: ui8 becomes i8.
Type getSignlessType(Type element);

/// Converts a scalar between fx element types (from the type `from`, which
/// tells signedness, to the type `to`), with ATen's meaning: floating point to
/// integer truncates, anything to bool is x != 0. Constants are folded.
Value castScalar(OpBuilder &builder, Location loc, Value value, Type from,
                 Type to);

} // namespace mlir::fx

#endif
