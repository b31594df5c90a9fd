//===- Pointwise.cpp - Functions of elements at the same index ------------===//

#include "Pointwise.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

FailureOr<Shape> interp::broadcastAll(Operation *op, ArrayRef<Tensor> tensors) {
  Shape shape;
  for (const Tensor &tensor : tensors) {
    std::optional<Shape> common = broadcast(shape, tensor.shape());
    if (!common)
      return emitNodeError(op)
             << "the shapes " << printShape(shape) << " and "
             << printShape(tensor.shape()) << " do not broadcast";
    shape = *common;
  }
  return shape;
}

/// Calls `f(number of the element, elements of the operands)`.
template <typename T, typename F>
static void forEachElement(ArrayRef<int64_t> shape,
                           ArrayRef<Tensor> tensors,
                           ArrayRef<std::vector<T>> values, F f) {
  Positions positions(shape);
  for (const Tensor &tensor : tensors)
    positions.add(getBroadcastStrides(tensor.shape(), shape));
  SmallVector<T, 4> elements(tensors.size());
  for (int64_t i = 0, count = countElements(shape); i < count; ++i) {
    for (size_t k = 0; k < tensors.size(); ++k)
      elements[k] = values[k][positions.offset(k)];
    f(i, elements.data());
    positions.next();
  }
}

/// Python scalars are not rounded to the promoted type, but to the type in
/// which eager PyTorch computes. Where their rounding changes the result by
/// more than a rounding, it is the type of the tensor.
static bool roundsScalars(Operation *op) {
  return isa<RemainderOp, FmodOp>(op) ||
         getKind(op->getResult(0)) == ElementKind::Bool;
}

LogicalResult interp::evaluatePointwise(Operation *op, Frame &frame,
                                    const ScalarFunctions &functions) {
  std::vector<Tensor> operands;
  for (Value operand : op->getOperands())
    operands.push_back(frame.get(operand));
  FailureOr<Shape> shape = broadcastAll(op, operands);
  if (failed(shape))
    return failure();
  FailureOr<Tensor> result = frame.make(op->getResult(0), *shape);
  if (failed(result))
    return failure();

  Type promotedType = promoteElementTypes(op->getOperands());
  ElementKind promoted = getKind(promotedType);
  auto refuse = [&]() -> LogicalResult {
    return emitNodeError(op) << "is not defined on " << promotedType;
  };
  if (isComplexKind(promoted)) {
    if (!functions.complex)
      return refuse();
    std::vector<std::vector<Complex>> values;
    for (const Tensor &operand : operands)
      values.push_back(operand.complexes());
    forEachElement<Complex>(*shape, operands, values,
                            [&](int64_t i, const Complex *x) {
                              result->setComplex(i, functions.complex(x));
                            });
    return frame.set(op->getResult(0), *result);
  }
  if (isFloatKind(promoted) || isFloatKind(result->kind())) {
    if (!functions.real)
      return refuse();
    // Integers become the floating-point type of the result.
    ElementKind compute = isFloatKind(promoted)
                              ? getKind(getComputeType(promotedType))
                              : result->kind();
    std::vector<std::vector<double>> values;
    for (auto [operand, tensor] : llvm::zip(op->getOperands(), operands)) {
      std::vector<double> numbers = tensor.reals();
      bool isScalar = !isa<RankedTensorType>(operand.getType());
      bool toPromoted = isScalar && isFloatKind(promoted) && roundsScalars(op);
      for (double &number : numbers)
        number = roundToKind(number, toPromoted ? promoted : compute);
      values.push_back(std::move(numbers));
    }
    forEachElement<double>(*shape, operands, values,
                           [&](int64_t i, const double *x) {
                             result->setReal(i, functions.real(x));
                           });
    return frame.set(op->getResult(0), *result);
  }
  if (!functions.integer)
    return refuse();
  std::vector<std::vector<int64_t>> values;
  for (const Tensor &operand : operands) {
    std::vector<int64_t> numbers = operand.integers();
    for (int64_t &number : numbers)
      number = wrapToKind(number, promoted);
    values.push_back(std::move(numbers));
  }
  forEachElement<int64_t>(*shape, operands, values,
                          [&](int64_t i, const int64_t *x) {
                            result->setInteger(i, functions.integer(x));
                          });
  return frame.set(op->getResult(0), *result);
}
