//===- Pointwise.h - Functions of elements at the same index ----*- C++ -*-===//

#ifndef FX_LIB_INTERPRETER_POINTWISE_H
#define FX_LIB_INTERPRETER_POINTWISE_H

#include "Evaluation.h"

namespace mlir::fx::interp {

using RealFunction = std::function<double(const double *)>;
using IntegerFunction = std::function<int64_t(const int64_t *)>;
using ComplexFunction = std::function<Complex(const Complex *)>;

/// What an op does with one element of each operand. A function may be absent
/// if the op is not defined on such numbers. Booleans are integers.
struct ScalarFunctions {
  RealFunction real;
  IntegerFunction integer;
  ComplexFunction complex;
};

/// Promotes and broadcasts the operands; applies the function of the promoted
/// type.
LogicalResult evaluatePointwise(Operation *op, Frame &frame,
                                const ScalarFunctions &functions);

/// The shape that tensors broadcast to, or an error on the op.
FailureOr<Shape> broadcastAll(Operation *op, ArrayRef<Tensor> tensors);

template <typename... OpTys>
void addPointwiseOps(Interpreter::Evaluators &evaluators) {
  (evaluators.add<OpTys>(+[](OpTys op, Frame &frame) {
    return evaluatePointwise(op, frame, getFunctions(op));
  }),
   ...);
}

} // namespace mlir::fx::interp

#endif
