//===- Call.cpp - Operators without an op of their own --------------------===//
//
// Assertions are checked. Of the others those are known that stand for
// themselves in graphs which are compiled around them.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

/// The first argument, if it is a value of the graph.
static const Tensor *getFirst(CallOp op, Frame &frame) {
  if (op.getArguments().empty())
    return nullptr;
  auto reference = dyn_cast<DictionaryAttr>(op.getArguments()[0]);
  auto index =
      reference ? reference.getAs<IntegerAttr>("operand") : IntegerAttr();
  return index ? &frame.get(op.getInputs()[index.getInt()]) : nullptr;
}

static LogicalResult checkAssertion(CallOp op, Frame &frame) {
  if (op.getArguments().empty() || op.getNumResults() != 0)
    return emitNodeError(op) << "an assertion without a condition";
  auto literal = dyn_cast<BoolAttr>(op.getArguments()[0]);
  const Tensor *condition = getFirst(op, frame);
  if (condition && condition->size() != 1)
    return emitNodeError(op) << "an assertion on the shape "
                             << printShape(condition->shape());
  bool holds = literal ? literal.getValue()
                       : condition && condition->real(0) != 0;
  if (holds)
    return success();
  auto message = op.getArguments().size() > 1
                     ? dyn_cast<StringAttr>(op.getArguments()[1])
                     : StringAttr();
  return emitNodeError(op) << "the assertion does not hold"
                           << (message ? ": " + message.str() : "");
}

/// One row of indices for each element that is not zero.
static LogicalResult setNonzero(CallOp op, Frame &frame, const Tensor &self) {
  std::vector<int64_t> found;
  for (int64_t i = 0; i < self.size(); ++i)
    if (self.complex(i) != Complex(0))
      found.push_back(i);
  FailureOr<Tensor> result =
      frame.make(op->getResult(0), {(int64_t)found.size(), self.rank()});
  if (failed(result))
    return failure();
  for (auto [row, position] : llvm::enumerate(found))
    for (int64_t dim = self.rank(), rest = position; dim-- > 0;
         rest /= self.dim(dim))
      result->setInteger(row * self.rank() + dim, rest % self.dim(dim));
  return frame.set(op->getResult(0), *result);
}

static LogicalResult setMasked(CallOp op, Frame &frame, const Tensor &self,
                               const Tensor &mask) {
  std::optional<Shape> shape = broadcast(self.shape(), mask.shape());
  if (!shape)
    return emitNodeError(op) << "the mask does not broadcast";
  Positions positions(*shape);
  positions.add(getBroadcastStrides(self.shape(), *shape));
  positions.add(getBroadcastStrides(mask.shape(), *shape));
  std::vector<int64_t> found;
  for (int64_t i = 0, count = countElements(*shape); i < count; ++i) {
    if (mask.integer(positions.offset(1)))
      found.push_back(positions.offset(0));
    positions.next();
  }
  FailureOr<Tensor> result =
      frame.make(op->getResult(0), (int64_t)found.size());
  if (failed(result))
    return failure();
  for (auto [i, position] : llvm::enumerate(found))
    result->copyElement(i, self, position);
  return frame.set(op->getResult(0), *result);
}

static LogicalResult evaluate(CallOp op, Frame &frame) {
  StringRef target = op.getTarget();
  if (target == "aten._assert_async.default" ||
      target == "aten._assert_async.msg" ||
      target == "aten._assert_scalar.default")
    return checkAssertion(op, frame);
  const Tensor *self = getFirst(op, frame);
  if (self && op.getNumResults() == 1) {
    Tensor x = *self;
    Value result = op->getResult(0);
    if (target == "aten.item.default" ||
        target == "aten._local_scalar_dense.default") {
      if (x.size() != 1)
        return emitNodeError(op) << "takes one element, not the shape "
                                 << printShape(x.shape());
      return frame.setConverted(result, x.reshaped({}));
    }
    if (target == "aten.view.dtype") {
      std::optional<Tensor> bits = x.bitcast(getKind(result));
      if (!bits)
        return emitNodeError(op) << "the bits of " << printShape(x.shape())
                                 << " are no whole elements";
      return frame.set(result, *bits);
    }
    if (target == "aten.nonzero.default")
      return setNonzero(op, frame, x);
    if (target == "aten.masked_select.default" && op.getInputs().size() == 2)
      return setMasked(op, frame, x, frame.get(op.getInputs()[1]));
  }
  return emitNodeError(op) << "the interpreter does not know the operator '"
                           << target << "'";
}

void interp::addCall(Interpreter::Evaluators &evaluators) {
  evaluators.add<CallOp>(evaluate);
}
