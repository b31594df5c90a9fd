//===- Creation.cpp - Tensors from scalars --------------------------------===//

#include "Evaluation.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

static LogicalResult fill(Operation *op, Frame &frame, const Tensor &value,
                          ArrayRef<int64_t> shape) {
  FailureOr<Tensor> result = frame.make(op->getResult(0), shape);
  if (failed(result))
    return failure();
  FailureOr<Tensor> element = frame.convert(op, value, result->kind());
  if (failed(element))
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    result->copyElement(i, *element, 0);
  return frame.set(op->getResult(0), *result);
}

static LogicalResult evaluate(FullOp op, Frame &frame) {
  return fill(op, frame, frame.get(op.getFillValue()),
              frame.getSizes(op.getSize(), op.getStaticSize()));
}
static LogicalResult evaluate(FullLikeOp op, Frame &frame) {
  Shape shape(frame.get(op.getSelf()).shape());
  return fill(op, frame, frame.get(op.getFillValue()), shape);
}
static LogicalResult evaluate(ScalarTensorOp op, Frame &frame) {
  return fill(op, frame, frame.get(op.getS()), {});
}
/// What is not initialised is zero here.
static LogicalResult evaluate(EmptyOp op, Frame &frame) {
  FailureOr<Tensor> result = frame.make(
      op.getResult(), frame.getSizes(op.getSize(), op.getStaticSize()));
  return failed(result) ? failure() : frame.set(op.getResult(), *result);
}

/// start, start + step, … : integers exactly, other numbers as f64.
static LogicalResult setRamp(Operation *op, Frame &frame, const Tensor &start,
                             const Tensor &step, int64_t length) {
  FailureOr<Tensor> result = frame.make(op->getResult(0), length);
  if (failed(result))
    return failure();
  bool isExact = isIntegerKind(start.kind()) && isIntegerKind(step.kind()) &&
                 isIntegerKind(result->kind());
  for (int64_t i = 0; i < length; ++i) {
    if (isExact)
      result->setInteger(
          i, static_cast<uint64_t>(start.integer(0)) +
                 static_cast<uint64_t>(step.integer(0)) * (uint64_t)i);
    else
      result->setReal(i, start.real(0) + step.real(0) * (double)i);
  }
  return frame.set(op->getResult(0), *result);
}

static LogicalResult evaluate(ArangeOp op, Frame &frame) {
  Tensor start = frame.get(op.getStart()), end = frame.get(op.getEnd()),
         step = frame.get(op.getStep());
  double count;
  if (isIntegerKind(start.kind()) && isIntegerKind(end.kind()) &&
      isIntegerKind(step.kind())) {
    __int128 distance = __int128(end.integer(0)) - start.integer(0);
    __int128 stride = step.integer(0);
    if (stride == 0)
      return emitNodeError(op) << "the step is 0";
    __int128 whole = distance / stride;
    count = static_cast<double>(whole + (whole * stride != distance));
    // Counting in the wrong direction.
    if ((distance < 0) != (stride < 0))
      count = 0;
  } else {
    count = std::ceil((end.real(0) - start.real(0)) / step.real(0));
  }
  if (!(count < 0x1p40))
    return emitNodeError(op) << "a range of " << count << " elements";
  return setRamp(op, frame, start, step,
                 std::max<int64_t>(static_cast<int64_t>(count), 0));
}

static LogicalResult evaluate(IotaOp op, Frame &frame) {
  return setRamp(op, frame,
                 Tensor::scalarInteger(ElementKind::I64, op.getStart()),
                 Tensor::scalarInteger(ElementKind::I64, op.getStep()),
                 frame.getInteger(op.getLength()));
}

/// The first half counts from the start, the second from the end, as in ATen;
/// integers are spaced in f32.
static LogicalResult evaluate(LinspaceOp op, Frame &frame) {
  int64_t steps = op.getSteps();
  FailureOr<Tensor> result = frame.make(op.getResult(), steps);
  if (failed(result))
    return failure();
  bool isInteger = isIntegerKind(result->kind());
  ElementKind kind = isInteger ? ElementKind::F32 : result->kind();
  auto round = [&](double x) {
    return isInteger ? roundToKind(x, kind) : x;
  };
  double start = frame.getReal(op.getStart()), end = frame.getReal(op.getEnd());
  double step = steps > 1 ? round((end - start) / double(steps - 1)) : 0;
  for (int64_t i = 0; i < steps; ++i)
    result->setReal(i, round(i < steps / 2 || steps == 1
                                 ? start + step * double(i)
                                 : end - step * double(steps - 1 - i)));
  return frame.set(op.getResult(), *result);
}

void interp::addCreation(Interpreter::Evaluators &evaluators) {
  evaluators.add<FullOp>(evaluate);
  evaluators.add<FullLikeOp>(evaluate);
  evaluators.add<ScalarTensorOp>(evaluate);
  evaluators.add<EmptyOp>(evaluate);
  evaluators.add<ArangeOp>(evaluate);
  evaluators.add<IotaOp>(evaluate);
  evaluators.add<LinspaceOp>(evaluate);
}
