//===- Symbolic.cpp - Sizes, and upstream's ops on numbers ----------------===//
//
// Arithmetic on SymInts is upstream's arith and math; on tensors these ops work
// on each element.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

static LogicalResult evaluate(SymSizeOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  return frame.set(
      op.getResult(),
      Tensor::scalarInteger(ElementKind::I64,
                            self.dim(wrapDim(op.getDim(), self.rank()))));
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// Bits of a number as an attribute stores it.
static void setBits(Tensor &tensor, int64_t i, const APInt &bits) {
  unsigned width = getByteWidth(tensor.kind());
  uint64_t raw = bits.getZExtValue();
  std::memcpy(tensor.data() + i * width, &raw, width);
}

static LogicalResult evaluate(arith::ConstantOp op, Frame &frame) {
  Attribute value = op.getValue();
  auto type = dyn_cast<RankedTensorType>(op.getType());
  ElementKind kind =
      *getStoredKind(type ? type.getElementType() : op.getType());
  FailureOr<Tensor> result =
      frame.make(op, kind, type ? type.getShape() : ArrayRef<int64_t>());
  if (failed(result))
    return failure();
  if (isComplexKind(kind))
    return emitNodeError(op) << "complex constants are not interpreted";
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    setBits(*result, 0, integer.getValue());
  } else if (auto real = dyn_cast<FloatAttr>(value)) {
    setBits(*result, 0, real.getValue().bitcastToAPInt());
  } else if (auto dense = dyn_cast<DenseIntElementsAttr>(value)) {
    for (auto [i, bits] : llvm::enumerate(dense.getValues<APInt>()))
      setBits(*result, i, bits);
  } else if (auto dense = dyn_cast<DenseFPElementsAttr>(value)) {
    for (auto [i, number] : llvm::enumerate(dense.getValues<APFloat>()))
      setBits(*result, i, number.bitcastToAPInt());
  } else if (auto dense = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = dense.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != result->numBytes())
      return emitNodeError(op) << "its data is not there";
    std::memcpy(result->data(), blob->getData().data(), result->numBytes());
  } else {
    return emitNodeError(op) << "constants of this kind are not interpreted";
  }
  return frame.setConverted(op.getResult(), *result);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// Applies `f(operands, i)`, a number of the result, to all elements.
template <typename F>
static LogicalResult apply(Operation *op, Frame &frame, F f) {
  SmallVector<Tensor, 3> operands;
  for (Value operand : op->getOperands())
    operands.push_back(frame.get(operand));
  ArrayRef<int64_t> shape = operands.back().shape();
  for (const Tensor &operand : operands)
    if (operand.shape() != shape && operand.rank() != 0)
      return emitNodeError(op) << "its operands have different shapes";
  FailureOr<Tensor> result = frame.make(op->getResult(0), shape);
  if (failed(result))
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    f(*result, operands, i);
  return frame.set(op->getResult(0), *result);
}
using Operands = ArrayRef<Tensor>;

template <typename F>
static LogicalResult applyInteger(Operation *op, Frame &frame, F f) {
  return apply(op, frame, [&](Tensor &result, Operands x, int64_t i) {
    result.setInteger(i, f(x[0].integer(i), x.back().integer(i)));
  });
}
template <typename F>
static LogicalResult applyReal(Operation *op, Frame &frame, F f) {
  return apply(op, frame, [&](Tensor &result, Operands x, int64_t i) {
    result.setReal(i, f(x[0].real(i), x.back().real(i)));
  });
}

/// Division: by zero there is no number that could be right.
template <typename F>
static LogicalResult divideInteger(Operation *op, Frame &frame, F f) {
  const Tensor &divisor = frame.get(op->getOperand(1));
  for (int64_t i = 0; i < divisor.size(); ++i)
    if (divisor.integer(i) == 0)
      return emitNodeError(op) << "divides by zero";
  return applyInteger(op, frame, [&](int64_t x, int64_t y) -> int64_t {
    // The one quotient that overflows.
    return y == -1 ? f(0 - static_cast<uint64_t>(x), int64_t(1)) : f(x, y);
  });
}
static int64_t floorDivide(int64_t x, int64_t y) {
  return x / y - (x % y != 0 && (x < 0) != (y < 0));
}

static LogicalResult evaluate(arith::CmpIOp op, Frame &frame) {
  using P = arith::CmpIPredicate;
  P predicate = op.getPredicate();
  return applyInteger(op, frame, [=](int64_t x, int64_t y) -> int64_t {
    auto a = static_cast<uint64_t>(x), b = static_cast<uint64_t>(y);
    switch (predicate) {
    case P::eq:
      return x == y;
    case P::ne:
      return x != y;
    case P::slt:
      return x < y;
    case P::sle:
      return x <= y;
    case P::sgt:
      return x > y;
    case P::sge:
      return x >= y;
    case P::ult:
      return a < b;
    case P::ule:
      return a <= b;
    case P::ugt:
      return a > b;
    case P::uge:
      return a >= b;
    }
    llvm_unreachable("all predicates are above");
  });
}

static LogicalResult evaluate(arith::CmpFOp op, Frame &frame) {
  // Bits of a predicate: equal, greater, less, unordered.
  auto predicate = static_cast<unsigned>(op.getPredicate());
  return applyReal(op, frame, [=](double x, double y) -> double {
    unsigned relation = std::isnan(x) || std::isnan(y) ? 8
                        : x == y                       ? 1
                        : x > y                        ? 2
                                                       : 4;
    return (predicate & relation) != 0;
  });
}

static LogicalResult evaluate(arith::SelectOp op, Frame &frame) {
  return apply(op, frame, [&](Tensor &result, Operands x, int64_t i) {
    bool chosen = x[0].integer(x[0].rank() == 0 ? 0 : i);
    result.copyElement(i, chosen ? x[1] : x[2], i);
  });
}

static uint64_t dropHighBits(int64_t value, ElementKind kind) {
  unsigned bits = kind == ElementKind::Bool ? 1 : 8 * getByteWidth(kind);
  return bits == 64 ? value : value & ((uint64_t(1) << bits) - 1);
}

/// Conversions between kinds; `f` makes the number of element `i`.
template <typename OpTy>
static LogicalResult convert(OpTy op, Frame &frame) {
  return apply(op, frame, [&](Tensor &result, Operands operands, int64_t i) {
    const Tensor &x = operands[0];
    if constexpr (std::is_same_v<OpTy, arith::ExtUIOp>)
      result.setInteger(i, dropHighBits(x.integer(i), x.kind()));
    else if constexpr (std::is_same_v<OpTy, arith::UIToFPOp>)
      result.setReal(i, double(dropHighBits(x.integer(i), x.kind())));
    else if constexpr (std::is_same_v<OpTy, arith::ExtSIOp> ||
                       std::is_same_v<OpTy, arith::SIToFPOp>)
      // The one bit of a boolean is its sign.
      result.setInteger(i, x.kind() == ElementKind::Bool ? -x.integer(i)
                                                         : x.integer(i));
    else if constexpr (std::is_same_v<OpTy, arith::TruncIOp>)
      result.setInteger(i, result.kind() == ElementKind::Bool
                               ? x.integer(i) & 1
                               : x.integer(i));
    else if constexpr (std::is_same_v<OpTy, arith::IndexCastOp>)
      result.setInteger(i, x.integer(i));
    else
      result.setReal(i, x.real(i));
  });
}

template <typename OpTy>
static void addInteger(Interpreter::Evaluators &evaluators) {
  evaluators.add<OpTy>(+[](OpTy op, Frame &frame) {
    return applyInteger(op, frame, [](int64_t x, int64_t y) -> int64_t {
      auto a = static_cast<uint64_t>(x), b = static_cast<uint64_t>(y);
      if constexpr (std::is_same_v<OpTy, arith::AddIOp>)
        return a + b;
      else if constexpr (std::is_same_v<OpTy, arith::SubIOp>)
        return a - b;
      else if constexpr (std::is_same_v<OpTy, arith::MulIOp>)
        return a * b;
      else if constexpr (std::is_same_v<OpTy, arith::MaxSIOp>)
        return std::max(x, y);
      else if constexpr (std::is_same_v<OpTy, arith::MinSIOp>)
        return std::min(x, y);
      else if constexpr (std::is_same_v<OpTy, arith::AndIOp>)
        return a & b;
      else if constexpr (std::is_same_v<OpTy, arith::OrIOp>)
        return a | b;
      else
        return a ^ b;
    });
  });
}

template <typename OpTy>
static void addReal(Interpreter::Evaluators &evaluators) {
  evaluators.add<OpTy>(+[](OpTy op, Frame &frame) {
    return applyReal(op, frame, [](double x, double y) -> double {
      if constexpr (std::is_same_v<OpTy, arith::AddFOp>)
        return x + y;
      else if constexpr (std::is_same_v<OpTy, arith::SubFOp>)
        return x - y;
      else if constexpr (std::is_same_v<OpTy, arith::MulFOp>)
        return x * y;
      else if constexpr (std::is_same_v<OpTy, arith::DivFOp>)
        return x / y;
      else if constexpr (std::is_same_v<OpTy, arith::NegFOp>)
        return -x;
      else if constexpr (std::is_same_v<OpTy, arith::MaximumFOp>)
        return std::isnan(x) || x > y ? x : y;
      else if constexpr (std::is_same_v<OpTy, arith::MinimumFOp>)
        return std::isnan(x) || x < y ? x : y;
      else if constexpr (std::is_same_v<OpTy, math::CeilOp>)
        return std::ceil(x);
      else if constexpr (std::is_same_v<OpTy, math::FloorOp>)
        return std::floor(x);
      else if constexpr (std::is_same_v<OpTy, math::RoundEvenOp>)
        return std::nearbyint(x);
      else if constexpr (std::is_same_v<OpTy, math::SqrtOp>)
        return std::sqrt(x);
      else
        return std::pow(x, y);
    });
  });
}

static LogicalResult evaluate(arith::DivSIOp op, Frame &frame) {
  return divideInteger(op, frame, [](int64_t x, int64_t y) { return x / y; });
}
static LogicalResult evaluate(arith::RemSIOp op, Frame &frame) {
  return divideInteger(op, frame, [](int64_t x, int64_t y) { return x % y; });
}
static LogicalResult evaluate(arith::FloorDivSIOp op, Frame &frame) {
  return divideInteger(op, frame, floorDivide);
}
static LogicalResult evaluate(arith::CeilDivSIOp op, Frame &frame) {
  return divideInteger(op, frame, [](int64_t x, int64_t y) {
    return x / y + (x % y != 0 && (x < 0) == (y < 0));
  });
}
/// 0 for a negative exponent of a base other than 1 and -1.
static LogicalResult evaluate(math::IPowIOp op, Frame &frame) {
  return applyInteger(op, frame, [](int64_t base, int64_t exponent) -> int64_t {
    if (exponent < 0)
      return base == 1    ? 1
             : base == -1 ? (exponent % 2 ? -1 : 1)
                          : 0;
    uint64_t power = 1;
    for (auto square = static_cast<uint64_t>(base); exponent > 0;
         exponent >>= 1, square *= square)
      if (exponent & 1)
        power *= square;
    return power;
  });
}

template <typename... OpTys>
static void addAll(Interpreter::Evaluators &evaluators) {
  (evaluators.add<OpTys>(
       static_cast<LogicalResult (*)(OpTys, Frame &)>(evaluate)),
   ...);
}

void interp::addSymbolic(Interpreter::Evaluators &evaluators) {
  addAll<SymSizeOp, arith::ConstantOp, arith::CmpIOp, arith::CmpFOp,
         arith::SelectOp, arith::DivSIOp, arith::RemSIOp, arith::FloorDivSIOp,
         arith::CeilDivSIOp, math::IPowIOp>(evaluators);
  addInteger<arith::AddIOp>(evaluators);
  addInteger<arith::SubIOp>(evaluators);
  addInteger<arith::MulIOp>(evaluators);
  addInteger<arith::MaxSIOp>(evaluators);
  addInteger<arith::MinSIOp>(evaluators);
  addInteger<arith::AndIOp>(evaluators);
  addInteger<arith::OrIOp>(evaluators);
  addInteger<arith::XOrIOp>(evaluators);
  addReal<arith::AddFOp>(evaluators);
  addReal<arith::SubFOp>(evaluators);
  addReal<arith::MulFOp>(evaluators);
  addReal<arith::DivFOp>(evaluators);
  addReal<arith::NegFOp>(evaluators);
  addReal<arith::MaximumFOp>(evaluators);
  addReal<arith::MinimumFOp>(evaluators);
  addReal<math::CeilOp>(evaluators);
  addReal<math::FloorOp>(evaluators);
  addReal<math::RoundEvenOp>(evaluators);
  addReal<math::SqrtOp>(evaluators);
  addReal<math::PowFOp>(evaluators);
  evaluators.add<arith::ExtUIOp>(convert);
  evaluators.add<arith::ExtSIOp>(convert);
  evaluators.add<arith::TruncIOp>(convert);
  evaluators.add<arith::IndexCastOp>(convert);
  evaluators.add<arith::SIToFPOp>(convert);
  evaluators.add<arith::UIToFPOp>(convert);
  evaluators.add<arith::FPToSIOp>(convert);
  evaluators.add<arith::ExtFOp>(convert);
  evaluators.add<arith::TruncFOp>(convert);
}
