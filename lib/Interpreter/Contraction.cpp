//===- Contraction.cpp - Matrix products ----------------------------------===//

#include "Evaluation.h"
#include "Products.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

// Elements in the arithmetic of a kind; unsigned numbers wrap around.
template <typename T>
static std::vector<T> getElements(const Tensor &tensor) {
  if constexpr (std::is_same_v<T, Complex>) {
    return tensor.complexes();
  } else if constexpr (std::is_same_v<T, double>) {
    return tensor.reals();
  } else {
    std::vector<int64_t> numbers = tensor.integers();
    return {numbers.begin(), numbers.end()};
  }
}
static void setElement(Tensor &tensor, int64_t i, Complex value) {
  tensor.setComplex(i, value);
}
static void setElement(Tensor &tensor, int64_t i, double value) {
  tensor.setReal(i, value);
}
static void setElement(Tensor &tensor, int64_t i, uint64_t value) {
  tensor.setInteger(i, value);
}
template <typename T>
static T toNumber(double value) {
  if constexpr (std::is_same_v<T, uint64_t>)
    return static_cast<int64_t>(value);
  else
    return value;
}

namespace {
/// scale * (a @ b) + addendScale * addend; batches and the addend broadcast.
struct Product {
  Tensor a, b;
  std::optional<Tensor> addend;
  double scale = 1, addendScale = 1;
};
} // namespace

template <typename T>
static void multiply(const Product &p, ArrayRef<int64_t> batch,
                     Tensor &result) {
  int64_t rows = p.a.dim(-2), inner = p.a.dim(-1), columns = p.b.dim(-1);
  std::vector<T> a = getElements<T>(p.a), b = getElements<T>(p.b), addend;
  if (p.addend)
    addend = getElements<T>(*p.addend);
  // Matrices of the operands in the order of the result's.
  Positions matrices(batch);
  matrices.add(getBroadcastStrides(p.a.shape().drop_back(2), batch));
  matrices.add(getBroadcastStrides(p.b.shape().drop_back(2), batch));
  Positions elements(result.shape());
  if (p.addend)
    elements.add(getBroadcastStrides(p.addend->shape(), result.shape()));
  std::vector<T> product(rows * columns);
  T scale = toNumber<T>(p.scale), addendScale = toNumber<T>(p.addendScale);
  for (int64_t m = 0, n = 0, count = countElements(batch); m < count; ++m) {
    std::fill(product.begin(), product.end(), T(0));
    addProduct(a.data() + matrices.offset(0) * rows * inner,
               b.data() + matrices.offset(1) * inner * columns, product.data(),
               rows, inner, columns);
    for (T value : product) {
      value = scale * value;
      if (p.addend) {
        value += addendScale * addend[elements.offset(0)];
        elements.next();
      }
      setElement(result, n++, value);
    }
    matrices.next();
  }
}

/// The product as a tensor of the kind of the op's result.
static FailureOr<Tensor> evaluateProduct(Operation *op, Frame &frame,
                                         const Product &p) {
  std::optional<Shape> batch = broadcast(p.a.shape().drop_back(2),
                                         p.b.shape().drop_back(2));
  if (!batch || p.a.dim(-1) != p.b.dim(-2))
    return emitNodeError(op) << "cannot multiply " << printShape(p.a.shape())
                             << " and " << printShape(p.b.shape());
  Shape shape = *batch;
  shape.push_back(p.a.dim(-2));
  shape.push_back(p.b.dim(-1));
  if (p.addend) {
    std::optional<Shape> common = broadcast(p.addend->shape(), shape);
    if (!common || *common != shape)
      return emitNodeError(op)
             << printShape(p.addend->shape()) << " does not broadcast to "
             << printShape(shape);
  }
  FailureOr<Tensor> result = frame.make(op->getResult(0), shape);
  if (failed(result))
    return failure();
  if (isComplexKind(result->kind()))
    multiply<Complex>(p, *batch, *result);
  else if (isFloatKind(result->kind()))
    multiply<double>(p, *batch, *result);
  else
    multiply<uint64_t>(p, *batch, *result);
  return result;
}

static LogicalResult setProduct(Operation *op, Frame &frame,
                                const Product &p) {
  FailureOr<Tensor> result = evaluateProduct(op, frame, p);
  return failed(result) ? failure() : frame.set(op->getResult(0), *result);
}

template <typename OpTy>
static LogicalResult evaluatePlain(OpTy op, Frame &frame) {
  return setProduct(op, frame,
                    {frame.get(op.getSelf()), frame.get(op.getMat2()), {}});
}

/// addmm, baddbmm. A beta of 0 hides what `self` holds, NaN too.
template <typename OpTy>
static LogicalResult evaluateAdded(OpTy op, Frame &frame) {
  Product p{frame.get(op->getOperand(1)), frame.get(op->getOperand(2)), {}};
  p.scale = op.getAlpha().convertToDouble();
  p.addendScale = op.getBeta().convertToDouble();
  if (p.addendScale != 0)
    p.addend = frame.get(op.getSelf());
  return setProduct(op, frame, p);
}

/// Vectors are matrices of one row or one column, which is left out of the
/// result.
static LogicalResult evaluate(MatmulOp op, Frame &frame) {
  Tensor a = frame.get(op.getSelf()), b = frame.get(op.getOther());
  bool isRow = a.rank() == 1, isColumn = b.rank() == 1;
  if (isRow)
    a = a.reshaped({1, a.dim(0)});
  if (isColumn)
    b = b.reshaped({b.dim(0), 1});
  FailureOr<Tensor> result = evaluateProduct(op, frame, {a, b, {}});
  if (failed(result))
    return failure();
  Shape shape(result->shape());
  if (isColumn)
    shape.pop_back();
  if (isRow)
    shape.erase(shape.end() - (isColumn ? 1 : 2));
  return frame.set(op.getResult(), result->reshaped(shape));
}

static LogicalResult evaluate(LinearOp op, Frame &frame) {
  Tensor input = frame.get(op.getInput()), weight = frame.get(op.getWeight());
  bool isVector = weight.rank() == 1;
  int64_t outputs = isVector ? 1 : weight.dim(0), inputs = weight.dim(-1);
  if (input.dim(-1) != inputs)
    return emitNodeError(op) << "cannot multiply "
                             << printShape(input.shape()) << " and "
                             << printShape(weight.shape());
  FailureOr<Tensor> transposed =
      frame.make(op, weight.kind(), {inputs, outputs});
  if (failed(transposed))
    return failure();
  for (int64_t i = 0; i < outputs; ++i)
    for (int64_t k = 0; k < inputs; ++k)
      transposed->copyElement(k * outputs + i, weight, i * inputs + k);
  Product p{input, *transposed, {}};
  if (input.rank() == 1)
    p.a = input.reshaped({1, inputs});
  if (op.getBias())
    p.addend = frame.get(op.getBias());
  FailureOr<Tensor> result = evaluateProduct(op, frame, p);
  if (failed(result))
    return failure();
  Shape shape(input.shape().drop_back());
  if (!isVector)
    shape.push_back(outputs);
  return frame.set(op.getResult(), result->reshaped(shape));
}

static LogicalResult evaluate(OuterOp op, Frame &frame) {
  Tensor a = frame.get(op.getSelf()), b = frame.get(op.getVec2());
  FailureOr<Tensor> left = frame.convert(op, a, getKind(op.getResult()));
  FailureOr<Tensor> right = frame.convert(op, b, getKind(op.getResult()));
  if (failed(left) || failed(right))
    return failure();
  return setProduct(op, frame,
                    {left->reshaped({a.size(), 1}),
                     right->reshaped({1, b.size()}),
                     {}});
}

void interp::addContraction(Interpreter::Evaluators &evaluators) {
  evaluators.add<MmOp>(evaluatePlain);
  evaluators.add<BmmOp>(evaluatePlain);
  evaluators.add<AddmmOp>(evaluateAdded);
  evaluators.add<BaddbmmOp>(evaluateAdded);
  evaluators.add<MatmulOp>(evaluate);
  evaluators.add<LinearOp>(evaluate);
  evaluators.add<OuterOp>(evaluate);
}
