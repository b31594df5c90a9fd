//===- Call.cpp - Operators without an op of their own --------------------===//
//
// Assertions are checked. Of the others those are known that import leaves to
// later passes or that stand for themselves in graphs which are compiled around
// them.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "fx/Analysis/OrderCalls.h"
#include "mlir/IR/TypeUtilities.h"

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

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// Rows in order, or the extremum up to each element.
static LogicalResult setOrder(CallOp op, Frame &frame, const OrderCall &call) {
  Tensor x = frame.get(call.input);
  Shape shape(x.shape());
  int64_t length = shape[call.dim], inner = 1;
  for (size_t d = call.dim + 1; d < shape.size(); ++d)
    inner *= shape[d];
  shape[call.dim] = call.count;
  FailureOr<Tensor> values = frame.make(op->getResult(0), shape);
  FailureOr<Tensor> indices = frame.make(op->getResult(1), shape);
  if (failed(values) || failed(indices))
    return failure();
  bool isFloat = isFloatKind(x.kind());
  auto isBefore = [&](int64_t a, int64_t b, bool isNaNFirst) {
    if (!isFloat)
      return call.descending ? x.integer(a) > x.integer(b)
                             : x.integer(a) < x.integer(b);
    double left = x.real(a), right = x.real(b);
    if (std::isnan(left) || std::isnan(right))
      return isNaNFirst ? std::isnan(left) && !std::isnan(right)
                        : !std::isnan(left) && std::isnan(right);
    return call.descending ? left > right : left < right;
  };
  int64_t rows = length ? x.size() / length : 0;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t from = row / inner * length * inner + row % inner;
    int64_t to = row / inner * call.count * inner + row % inner;
    std::vector<int64_t> order(length);
    for (int64_t i = 0; i < length; ++i)
      order[i] = i;
    if (call.isRunning) {
      for (int64_t i = 1; i < length; ++i)
        if (isBefore(from + order[i - 1] * inner, from + i * inner,
                     /*isNaNFirst=*/true))
          order[i] = order[i - 1];
    } else {
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        return isBefore(from + a * inner, from + b * inner, call.descending);
      });
    }
    for (int64_t i = 0; i < call.count; ++i) {
      values->copyElement(to + i * inner, x, from + order[i] * inner);
      indices->setInteger(to + i * inner, order[i]);
    }
  }
  return frame.set(op, {*values, *indices});
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

/// The number that argument `index` is, if it is one.
static std::optional<double> getNumber(CallOp op, Frame &frame,
                                       unsigned index) {
  if (index >= op.getArguments().size())
    return std::nullopt;
  Attribute argument = op.getArguments()[index];
  if (auto real = dyn_cast<FloatAttr>(argument))
    return real.getValueAsDouble();
  if (auto integer = dyn_cast<IntegerAttr>(argument))
    return double(integer.getInt());
  auto reference = dyn_cast<DictionaryAttr>(argument);
  auto operand =
      reference ? reference.getAs<IntegerAttr>("operand") : IntegerAttr();
  if (!operand)
    return std::nullopt;
  const Tensor &value = frame.get(op.getInputs()[operand.getInt()]);
  return value.size() == 1 ? std::optional(value.real(0)) : std::nullopt;
}

/// The sizes in a template; none if they are no numbers.
static std::optional<Shape> getSizes(CallOp op, Frame &frame) {
  auto list = op.getArguments().empty()
                  ? ArrayAttr()
                  : dyn_cast<ArrayAttr>(op.getArguments()[0]);
  if (!list)
    return std::nullopt;
  Shape shape;
  for (Attribute entry : list) {
    if (auto size = dyn_cast<IntegerAttr>(entry)) {
      shape.push_back(size.getInt());
      continue;
    }
    auto reference = dyn_cast<DictionaryAttr>(entry);
    auto operand =
        reference ? reference.getAs<IntegerAttr>("operand") : IntegerAttr();
    if (!operand)
      return std::nullopt;
    shape.push_back(frame.getInteger(op.getInputs()[operand.getInt()]));
  }
  return shape;
}

/// Numbers of one fresh seed, uniform or normal.
static LogicalResult drawNumbers(CallOp op, Frame &frame,
                                 ArrayRef<int64_t> shape, bool isNormal) {
  FailureOr<Tensor> result = frame.make(op->getResult(0), shape);
  if (failed(result))
    return failure();
  int64_t seed = frame.interpreter.drawSeed();
  for (int64_t i = 0; i < result->size(); ++i)
    result->setReal(i, isNormal ? drawNormal(seed, i) : drawUniform(seed, i));
  return frame.set(op->getResult(0), *result);
}

static LogicalResult drawBernoulli(CallOp op, Frame &frame,
                                   const Tensor &self) {
  std::optional<double> p;
  if (op.getTarget() == "aten.bernoulli.p") {
    p = getNumber(op, frame, 1);
    if (!p)
      return emitNodeError(op) << "its probability is no number";
  }
  FailureOr<Tensor> result = frame.make(op->getResult(0), self.shape());
  if (failed(result))
    return failure();
  int64_t seed = frame.interpreter.drawSeed();
  for (int64_t i = 0; i < self.size(); ++i)
    result->setReal(i, drawUniform(seed, i) < (p ? *p : self.real(i)));
  return frame.set(op->getResult(0), *result);
}

/// The elements that are kept, scaled, and which these are.
static LogicalResult dropElements(CallOp op, Frame &frame,
                                  const Tensor &self) {
  std::optional<double> p = getNumber(op, frame, 1);
  auto train = op.getArguments().size() > 2
                   ? dyn_cast<BoolAttr>(op.getArguments()[2])
                   : BoolAttr();
  if (!p || *p <= 0 || *p >= 1 || !train || !train.getValue())
    return emitNodeError(op) << "only a dropout that draws is interpreted";
  FailureOr<Tensor> result = frame.make(op->getResult(0), self.shape());
  FailureOr<Tensor> mask = frame.make(op->getResult(1), self.shape());
  if (failed(result) || failed(mask))
    return failure();
  int64_t seed = frame.interpreter.drawSeed();
  for (int64_t i = 0; i < self.size(); ++i) {
    bool keeps = drawUniform(seed, i) > roundToKind(*p, ElementKind::F32);
    result->setReal(i, self.real(i) * keeps / (1 - *p));
    mask->setInteger(i, keeps);
  }
  return frame.set(op, {*result, *mask});
}

static LogicalResult evaluate(CallOp op, Frame &frame) {
  StringRef target = op.getTarget();
  bool isNormal = target.starts_with("aten.randn");
  if ((target == "aten.rand.default" || target == "aten.randn.default") &&
      op.getNumResults() == 1)
    if (std::optional<Shape> shape = getSizes(op, frame))
      return drawNumbers(op, frame, *shape, isNormal);
  if (target == "aten._assert_async.default" ||
      target == "aten._assert_async.msg" ||
      target == "aten._assert_scalar.default")
    return checkAssertion(op, frame);
  if (std::optional<OrderCall> call = matchOrderCall(op))
    return setOrder(op, frame, *call);
  const Tensor *self = getFirst(op, frame);
  if (self && op.getNumResults() == 2 &&
      target == "aten.native_dropout.default")
    return dropElements(op, frame, *self);
  if (self && op.getNumResults() == 1) {
    Tensor x = *self;
    if (target == "aten.rand_like.default" ||
        target == "aten.randn_like.default")
      return drawNumbers(op, frame, x.shape(), isNormal);
    if (target == "aten.bernoulli.default" || target == "aten.bernoulli.p")
      return drawBernoulli(op, frame, x);
    Value result = op->getResult(0);
    if (target == "aten.item.default" ||
        target == "aten._local_scalar_dense.default") {
      if (x.size() != 1)
        return emitNodeError(op) << "takes one element, not the shape "
                                 << printShape(x.shape());
      return frame.setConverted(result, x.reshaped({}));
    }
    if (target == "aten.view.dtype") {
      FailureOr<Tensor> stored = frame.convert(
          op, x, *getStoredKind(getElementTypeOrSelf(op.getInputs()[0])));
      if (failed(stored))
        return failure();
      std::optional<Tensor> bits =
          stored->bitcast(*getStoredKind(getElementTypeOrSelf(result)));
      if (!bits)
        return emitNodeError(op) << "the bits of " << printShape(x.shape())
                                 << " are no whole elements";
      return frame.setConverted(result, *bits);
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
