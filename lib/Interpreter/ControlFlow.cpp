//===- ControlFlow.cpp - Regions and calls of functions -------------------===//

#include "Evaluation.h"
#include "fx/IR/ControlFlowOps.h"
#include "mlir/IR/SymbolTable.h"

#include <cstring>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

static std::vector<Tensor> getAll(Frame &frame, ValueRange values) {
  std::vector<Tensor> tensors;
  for (Value value : values)
    tensors.push_back(frame.get(value));
  return tensors;
}

/// Whether the one element is not zero.
static FailureOr<bool> isTrue(Operation *op, const Tensor &condition) {
  if (condition.size() != 1)
    return emitNodeError(op) << "the condition has the shape "
                             << printShape(condition.shape());
  return condition.real(0) != 0;
}

static FailureOr<std::vector<Tensor>> runRegion(Frame &frame, Region &region,
                                                ArrayRef<Tensor> arguments) {
  return Frame(frame.interpreter).run(region, arguments);
}

static LogicalResult evaluate(CondOp op, Frame &frame) {
  FailureOr<bool> pred = isTrue(op, frame.get(op.getPred()));
  if (failed(pred))
    return failure();
  FailureOr<std::vector<Tensor>> results =
      runRegion(frame, *pred ? op.getThenRegion() : op.getElseRegion(),
                getAll(frame, op.getInputs()));
  return failed(results) ? failure() : frame.set(op, std::move(*results));
}

static LogicalResult evaluate(WhileOp op, Frame &frame) {
  std::vector<Tensor> carried = getAll(frame, op.getCarried());
  std::vector<Tensor> additional = getAll(frame, op.getAdditional());
  while (true) {
    std::vector<Tensor> arguments = carried;
    llvm::append_range(arguments, additional);
    FailureOr<std::vector<Tensor>> condition =
        runRegion(frame, op.getCondRegion(), arguments);
    if (failed(condition))
      return failure();
    if (condition->size() != 1)
      return emitNodeError(op) << "its first region gives no condition";
    FailureOr<bool> goes = isTrue(op, condition->front());
    if (failed(goes))
      return failure();
    if (!*goes)
      return frame.set(op, std::move(carried));
    FailureOr<std::vector<Tensor>> next =
        runRegion(frame, op.getBodyRegion(), arguments);
    if (failed(next))
      return failure();
    carried = std::move(*next);
  }
}

/// Slices along the first dimension, and the way back.
static FailureOr<Tensor> getSlice(Operation *op, Frame &frame,
                                  const Tensor &tensor, int64_t i) {
  FailureOr<Tensor> slice =
      frame.make(op, tensor.kind(), tensor.shape().drop_front());
  if (failed(slice))
    return failure();
  std::memcpy(slice->data(), tensor.data() + i * slice->numBytes(),
              slice->numBytes());
  return slice;
}
static LogicalResult setStacked(Value result, Frame &frame,
                                ArrayRef<Tensor> slices) {
  Operation *op = result.getDefiningOp();
  auto type = cast<RankedTensorType>(result.getType());
  Shape shape;
  if (slices.empty()) {
    shape = Shape(type.getShape());
    shape[0] = 0;
    if (llvm::any_of(shape, ShapedType::isDynamic))
      return emitNodeError(op) << "the sizes of a result without slices are "
                                  "not known";
  } else {
    shape = Shape(slices.front().shape());
    shape.insert(shape.begin(), slices.size());
  }
  FailureOr<Tensor> stacked = frame.make(result, shape);
  if (failed(stacked))
    return failure();
  char *to = stacked->data();
  for (const Tensor &slice : slices) {
    if (slice.shape() != slices.front().shape() ||
        slice.kind() != stacked->kind())
      return emitNodeError(op) << "its slices have different shapes";
    std::memcpy(to, slice.data(), slice.numBytes());
    to += slice.numBytes();
  }
  return frame.set(result, *stacked);
}

/// Runs `body` for each slice of `xs`; results after the carried ones are
/// stacked.
static LogicalResult runSlices(Operation *op, Frame &frame, Region &body,
                               std::vector<Tensor> carried, ValueRange xs,
                               ValueRange additional) {
  std::vector<Tensor> sources = getAll(frame, xs);
  size_t numCarried = carried.size();
  std::vector<std::vector<Tensor>> stacks(op->getNumResults() - numCarried);
  if (sources.empty() || sources.front().rank() == 0)
    return emitNodeError(op) << "has nothing to go over";
  int64_t count = sources.front().dim(0);
  for (int64_t i = 0; i < count; ++i) {
    std::vector<Tensor> arguments = carried;
    for (const Tensor &source : sources) {
      if (source.rank() == 0 || source.dim(0) != count)
        return emitNodeError(op) << "goes over tensors of different lengths";
      FailureOr<Tensor> slice = getSlice(op, frame, source, i);
      if (failed(slice))
        return failure();
      arguments.push_back(*slice);
    }
    llvm::append_range(arguments, getAll(frame, additional));
    FailureOr<std::vector<Tensor>> results =
        runRegion(frame, body, arguments);
    if (failed(results))
      return failure();
    if (results->size() != op->getNumResults())
      return emitNodeError(op) << "its region gives another number of values";
    for (size_t k = 0; k < stacks.size(); ++k)
      stacks[k].push_back((*results)[numCarried + k]);
    results->resize(numCarried);
    carried = std::move(*results);
  }
  for (auto [result, value] : llvm::zip(op->getResults(), carried))
    if (failed(frame.set(result, value)))
      return failure();
  for (auto [k, slices] : llvm::enumerate(stacks))
    if (failed(setStacked(op->getResult(numCarried + k), frame, slices)))
      return failure();
  return success();
}

static LogicalResult evaluate(ScanOp op, Frame &frame) {
  return runSlices(op, frame, op.getBody(), getAll(frame, op.getInit()),
                   op.getXs(), op.getAdditional());
}
static LogicalResult evaluate(MapOp op, Frame &frame) {
  return runSlices(op, frame, op.getBody(), {}, op.getXs(),
                   op.getAdditional());
}

static LogicalResult evaluate(func::CallOp op, Frame &frame) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee)
    return emitNodeError(op) << "there is no function '" << op.getCallee()
                             << "'";
  FailureOr<std::vector<Tensor>> results =
      frame.interpreter.call(callee, getAll(frame, op.getOperands()));
  return failed(results) ? failure() : frame.set(op, std::move(*results));
}

void interp::addControlFlow(Interpreter::Evaluators &evaluators) {
  evaluators.add<CondOp>(evaluate);
  evaluators.add<WhileOp>(evaluate);
  evaluators.add<ScanOp>(evaluate);
  evaluators.add<MapOp>(evaluate);
  evaluators.add<func::CallOp>(evaluate);
}
