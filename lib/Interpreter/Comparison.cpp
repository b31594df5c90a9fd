//===- Comparison.cpp - Comparison, logic, selection, copies --------------===//

#include "Pointwise.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

// In the namespace of the ops, where a template finds them.
namespace mlir::fx {

/// A predicate on two numbers of one type.
template <typename F>
static ScalarFunctions predicate(F f) {
  return {[f](const double *x) { return double(f(x[0], x[1])); },
          [f](const int64_t *x) { return int64_t(f(x[0], x[1])); }, nullptr};
}
static ScalarFunctions getFunctions(EqOp) {
  ScalarFunctions f = predicate([](auto x, auto y) { return x == y; });
  f.complex = [](const Complex *x) { return Complex(x[0] == x[1]); };
  return f;
}
static ScalarFunctions getFunctions(NeOp) {
  ScalarFunctions f = predicate([](auto x, auto y) { return x != y; });
  f.complex = [](const Complex *x) { return Complex(x[0] != x[1]); };
  return f;
}
static ScalarFunctions getFunctions(LtOp) {
  return predicate([](auto x, auto y) { return x < y; });
}
static ScalarFunctions getFunctions(LeOp) {
  return predicate([](auto x, auto y) { return x <= y; });
}
static ScalarFunctions getFunctions(GtOp) {
  return predicate([](auto x, auto y) { return x > y; });
}
static ScalarFunctions getFunctions(GeOp) {
  return predicate([](auto x, auto y) { return x >= y; });
}
static ScalarFunctions getFunctions(LogicalAndOp) {
  return predicate([](auto x, auto y) { return x != 0 && y != 0; });
}
static ScalarFunctions getFunctions(LogicalOrOp) {
  return predicate([](auto x, auto y) { return x != 0 || y != 0; });
}
static ScalarFunctions getFunctions(LogicalXorOp) {
  return predicate([](auto x, auto y) { return (x != 0) != (y != 0); });
}
static ScalarFunctions getFunctions(LogicalNotOp) {
  return {[](const double *x) { return double(x[0] == 0); },
          [](const int64_t *x) { return int64_t(x[0] == 0); }, nullptr};
}
static ScalarFunctions getFunctions(IsnanOp) {
  return {[](const double *x) { return double(std::isnan(x[0])); },
          [](const int64_t *) { return int64_t(0); }, nullptr};
}
static ScalarFunctions getFunctions(IsinfOp) {
  return {[](const double *x) { return double(std::isinf(x[0])); },
          [](const int64_t *) { return int64_t(0); }, nullptr};
}
static ScalarFunctions getFunctions(BitwiseNotOp op) {
  bool isBool = getKind(op.getSelf()) == ElementKind::Bool;
  return {nullptr,
          [isBool](const int64_t *x) {
            return isBool ? int64_t(x[0] == 0) : ~x[0];
          },
          nullptr};
}
static ScalarFunctions getFunctions(BitwiseAndOp) {
  return {nullptr, [](const int64_t *x) { return x[0] & x[1]; }, nullptr};
}
static ScalarFunctions getFunctions(BitwiseOrOp) {
  return {nullptr, [](const int64_t *x) { return x[0] | x[1]; }, nullptr};
}
static ScalarFunctions getFunctions(BitwiseXorOp) {
  return {nullptr, [](const int64_t *x) { return x[0] ^ x[1]; }, nullptr};
}

/// min(max(x, low), high) where NaN in any of them stays.
template <typename T>
static T clamp(T x, const T *low, const T *high) {
  if (low && x == x && !(x > *low))
    x = *low;
  if (high && x == x && !(x < *high))
    x = *high;
  return x;
}
static ScalarFunctions getClamp(bool hasLow, bool hasHigh) {
  auto f = [=](const auto *x) {
    return clamp(x[0], hasLow ? x + 1 : nullptr,
                 hasHigh ? x + 1 + hasLow : nullptr);
  };
  return {[f](const double *x) { return f(x); },
          [f](const int64_t *x) { return f(x); }, nullptr};
}
static ScalarFunctions getFunctions(ClampOp op) {
  return getClamp(bool(op.getMin()), bool(op.getMax()));
}
static ScalarFunctions getFunctions(ClampMinOp) {
  return getClamp(true, false);
}
static ScalarFunctions getFunctions(ClampMaxOp) {
  return getClamp(false, true);
}

/// condition ? yes : no, where both have the kind of the result.
static LogicalResult select(Operation *op, Frame &frame,
                            const Tensor &condition, const Tensor &yes,
                            const Tensor &no) {
  FailureOr<Shape> shape = broadcastAll(op, {condition, yes, no});
  if (failed(shape))
    return failure();
  FailureOr<Tensor> result = frame.make(op->getResult(0), *shape);
  if (failed(result))
    return failure();
  auto first = frame.convert(op, yes, result->kind());
  auto second = frame.convert(op, no, result->kind());
  if (failed(first) || failed(second))
    return failure();
  Positions positions(*shape);
  for (const Tensor *tensor : {&condition, &yes, &no})
    positions.add(getBroadcastStrides(tensor->shape(), *shape));
  for (int64_t i = 0; i < result->size(); ++i) {
    if (condition.integer(positions.offset(0)))
      result->copyElement(i, *first, positions.offset(1));
    else
      result->copyElement(i, *second, positions.offset(2));
    positions.next();
  }
  return frame.set(op->getResult(0), *result);
}
static LogicalResult evaluate(WhereOp op, Frame &frame) {
  return select(op, frame, frame.get(op.getCondition()),
                frame.get(op.getSelf()), frame.get(op.getOther()));
}
static LogicalResult evaluate(MaskedFillOp op, Frame &frame) {
  return select(op, frame, frame.get(op.getMask()), frame.get(op.getValue()),
                frame.get(op.getSelf()));
}

static LogicalResult evaluate(CopyOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf()), &src = frame.get(op.getSrc());
  std::optional<Shape> shape = broadcast(self.shape(), src.shape());
  if (!shape || ArrayRef<int64_t>(*shape) != self.shape())
    return emitNodeError(op) << "the shape " << printShape(src.shape())
                             << " does not broadcast to "
                             << printShape(self.shape());
  FailureOr<Tensor> result = frame.make(op.getResult(), self.shape());
  FailureOr<Tensor> source = frame.convert(op, src, self.kind());
  if (failed(result) || failed(source))
    return failure();
  Positions positions(self.shape());
  positions.add(getBroadcastStrides(src.shape(), self.shape()));
  for (int64_t i = 0; i < result->size(); ++i) {
    result->copyElement(i, *source, positions.offset(0));
    positions.next();
  }
  return frame.set(op.getResult(), *result);
}

template <typename OpTy>
static LogicalResult keep(OpTy op, Frame &frame) {
  return frame.set(op.getResult(), frame.get(op.getSelf()));
}

} // namespace mlir::fx

void interp::addComparison(Interpreter::Evaluators &evaluators) {
  addPointwiseOps<EqOp, NeOp, LtOp, LeOp, GtOp, GeOp, LogicalAndOp,
                  LogicalOrOp, LogicalXorOp, LogicalNotOp, IsnanOp, IsinfOp,
                  BitwiseNotOp, BitwiseAndOp, BitwiseOrOp, BitwiseXorOp,
                  ClampOp, ClampMinOp, ClampMaxOp>(evaluators);
  evaluators.add<WhereOp>(evaluate);
  evaluators.add<MaskedFillOp>(evaluate);
  evaluators.add<CopyOp>(evaluate);
  evaluators.add<AliasOp>(keep);
  evaluators.add<DetachOp>(keep);
  evaluators.add<CloneOp>(keep);
  evaluators.add<ContiguousOp>(keep);
}
