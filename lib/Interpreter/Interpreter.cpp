//===- Interpreter.cpp - Runs fx functions without code -------------------===//

#include "Evaluation.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

//===----------------------------------------------------------------------===//
// Types and errors
//===----------------------------------------------------------------------===//

static Type getElement(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getElementType() : type;
}

ElementKind interp::getKind(Type type) {
  return *getElementKind(getElement(type));
}

bool interp::fits(const Tensor &tensor, Type type) {
  if (getElementKind(getElement(type)) != tensor.kind())
    return false;
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked)
    return tensor.rank() == 0 && type.isIntOrIndexOrFloat();
  return succeeded(verifyCompatibleShape(ranked.getShape(), tensor.shape()));
}

InFlightDiagnostic interp::emitNodeError(Operation *op) {
  InFlightDiagnostic error = op->emitOpError();
  std::string node =
      op->getNumResults() ? getNodeName(op->getResult(0)) : std::string();
  std::string line = getPythonLine(op->getLoc());
  if (!node.empty())
    error << "of node '" << node << "'"
          << (line.empty() ? "" : " (" + line + ")") << ": ";
  return error;
}

FailureOr<int64_t> interp::checkDim(Operation *op, int64_t dim, int64_t rank) {
  int64_t wrapped = wrapDim(dim, rank);
  if (wrapped < 0 || wrapped >= rank)
    return emitNodeError(op) << "there is no dimension " << dim
                             << " in a tensor of rank " << rank;
  return wrapped;
}

SmallVector<int64_t> interp::wrapDims(ArrayRef<int64_t> dims, int64_t rank) {
  SmallVector<int64_t> wrapped;
  for (int64_t i = 0; i < rank; ++i)
    if (dims.empty() || llvm::any_of(dims, [&](int64_t dim) {
          return wrapDim(dim, rank) == i;
        }))
      wrapped.push_back(i);
  return wrapped;
}

//===----------------------------------------------------------------------===//
// Frames
//===----------------------------------------------------------------------===//

Shape Frame::getSizes(OperandRange dynamic, ArrayRef<int64_t> fixed) const {
  Shape sizes;
  size_t next = 0;
  for (int64_t size : fixed)
    sizes.push_back(ShapedType::isDynamic(size) ? getInteger(dynamic[next++])
                                                : size);
  return sizes;
}

LogicalResult Frame::set(Value result, Tensor value) {
  if (!fits(value, result.getType()))
    return emitNodeError(result.getDefiningOp())
           << "result " << cast<OpResult>(result).getResultNumber()
           << " has the shape " << printShape(value.shape())
           << " at run time, which its type " << result.getType()
           << " does not allow";
  values[result] = std::move(value);
  return success();
}

LogicalResult Frame::set(Operation *op, std::vector<Tensor> results) {
  if (results.size() != op->getNumResults())
    return emitNodeError(op) << "has " << op->getNumResults()
                             << " results, but " << results.size()
                             << " were computed";
  for (auto [result, value] : llvm::zip_equal(op->getResults(), results))
    if (failed(set(result, std::move(value))))
      return failure();
  return success();
}

LogicalResult Frame::setConverted(Value result, const Tensor &value) {
  FailureOr<Tensor> converted =
      convert(result.getDefiningOp(), value, getKind(result));
  return failed(converted) ? failure() : set(result, std::move(*converted));
}

FailureOr<Tensor> Frame::make(Operation *op, ElementKind kind,
                              ArrayRef<int64_t> shape) {
  if (std::optional<Tensor> tensor = Tensor::create(kind, shape))
    return *tensor;
  return emitNodeError(op) << "no memory for a tensor of the shape "
                           << printShape(shape);
}

FailureOr<Tensor> Frame::make(Value result, ArrayRef<int64_t> shape) {
  return make(result.getDefiningOp(), getKind(result), shape);
}

FailureOr<Tensor> Frame::convert(Operation *op, const Tensor &value,
                                 ElementKind kind) {
  if (std::optional<Tensor> converted = value.converted(kind))
    return *converted;
  return emitNodeError(op) << "no memory for a tensor of the shape "
                           << printShape(value.shape());
}

LogicalResult Frame::evaluate(Operation *op) {
  auto it = interpreter.evaluators->byName.find(op->getName().getStringRef());
  if (it == interpreter.evaluators->byName.end())
    return emitNodeError(op) << "the interpreter does not know this op";
  for (TypeRange types : {TypeRange(op->getOperandTypes()),
                          TypeRange(op->getResultTypes())})
    for (Type type : types)
      if (!getElementKind(getElement(type)) ||
          (isa<ShapedType>(type) && !isa<RankedTensorType>(type)))
        return emitNodeError(op)
               << "the interpreter has no values of type " << type;
  if (failed(it->second(op, *this)))
    return failure();
  release(op);
  return success();
}

/// Frees values after their last use.
void Frame::release(Operation *op) {
  for (Value operand : op->getOperands()) {
    auto it = usesLeft.find(operand);
    if (--it->second == 0)
      values.erase(operand);
  }
  for (Value result : op->getResults())
    if (result.use_empty())
      values.erase(result);
}

/// What uses a value. Control flow is isolated, so all uses are in its block.
static unsigned countUses(Value value) {
  return std::distance(value.use_begin(), value.use_end());
}

FailureOr<std::vector<Tensor>> Frame::run(Region &region,
                                          ArrayRef<Tensor> arguments) {
  Operation *parent = region.getParentOp();
  if (!region.hasOneBlock())
    return parent->emitOpError("has a region with ")
           << region.getBlocks().size() << " blocks; the interpreter runs one";
  Block &block = region.front();
  if (block.getNumArguments() != arguments.size())
    return parent->emitOpError("takes ")
           << block.getNumArguments() << " values, not " << arguments.size();
  for (auto [argument, value] :
       llvm::zip_equal(block.getArguments(), arguments)) {
    if (!fits(value, argument.getType()))
      return parent->emitOpError("argument ")
             << argument.getArgNumber() << " of type " << argument.getType()
             << " cannot have the shape " << printShape(value.shape());
    values[argument] = value;
    usesLeft[argument] = countUses(argument);
  }
  if (!block.mightHaveTerminator() || block.empty())
    return parent->emitOpError("has a block without an end");
  for (Operation &op : block.without_terminator()) {
    for (Value result : op.getResults())
      usesLeft[result] = countUses(result);
    if (failed(evaluate(&op)))
      return failure();
  }
  std::vector<Tensor> results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(get(operand));
  return results;
}

//===----------------------------------------------------------------------===//
// Interpreter
//===----------------------------------------------------------------------===//

Interpreter::Interpreter(ModuleOp module, uint64_t seed)
    : module(module), generator(seed),
      evaluators(std::make_unique<Evaluators>()) {
  for (auto *add :
       {addPointwiseUnary, addPointwiseBinary, addComparison, addView,
        addCreation, addReduction, addContraction, addAttention,
        addConvolution, addPooling, addNormalization, addIndexing, addRandom,
        addSymbolic, addControlFlow, addCall})
    add(*evaluators);
}

Interpreter::~Interpreter() = default;

bool Interpreter::knows(StringRef name) const {
  return evaluators->byName.contains(name);
}

FailureOr<std::vector<Tensor>> Interpreter::call(func::FuncOp function,
                                                 ArrayRef<Tensor> arguments) {
  if (function.isExternal())
    return function.emitError("the function '")
           << function.getName() << "' has no body to run";
  // Frames are on the stack.
  constexpr unsigned maxDepth = 200;
  if (depth == maxDepth)
    return function.emitError("calls of '")
           << function.getName() << "' are nested more than " << maxDepth
           << " deep";
  ++depth;
  FailureOr<std::vector<Tensor>> results =
      Frame(*this).run(function.getBody(), arguments);
  --depth;
  return results;
}
