//===- Backpropagation.cpp - Reverse mode over straight-line code ---------===//

#include "Backpropagation.h"
#include "Derivatives.h"
#include "fx/IR/ControlFlowOps.h"

using namespace mlir;
using namespace mlir::fx;

/// Ops whose results do not depend on the operand's elements for autograd.
static bool stopsGradients(Operation *op) {
  return isa<DetachOp, FullLikeOp>(op);
}

void fx::addDependent(ArrayRef<Operation *> ops, DenseSet<Value> &dependent) {
  for (Operation *op : ops) {
    if (stopsGradients(op) || llvm::none_of(op->getOperands(), [&](Value v) {
          return dependent.contains(v);
        }))
      continue;
    for (Value result : op->getResults())
      if (isDifferentiableType(result.getType()))
        dependent.insert(result);
  }
}

DenseSet<Value> fx::findActive(ArrayRef<Operation *> ops, ValueRange targets,
                               const DenseSet<Value> &dependent) {
  DenseSet<Value> active;
  for (Value target : targets)
    if (dependent.contains(target))
      active.insert(target);
  for (Operation *op : llvm::reverse(ops)) {
    if (stopsGradients(op) || llvm::none_of(op->getResults(), [&](Value v) {
          return active.contains(v);
        }))
      continue;
    for (Value operand : op->getOperands())
      if (dependent.contains(operand))
        active.insert(operand);
  }
  return active;
}

void Backpropagation::accumulate(Value value, Value gradient, Location loc) {
  TensorBuilder b(builder, loc);
  RankedTensorType type = getTensorType(value);
  gradient = b.convert(b.sumTo(gradient, type), type.getElementType());
  Value &slot = gradients[value];
  slot = slot ? b.add(slot, gradient) : gradient;
}

LogicalResult Backpropagation::run(ArrayRef<Operation *> ops) {
  for (Operation *op : llvm::reverse(ops))
    if (failed(visit(op)))
      return failure();
  return success();
}

static LogicalResult emitFailure(Operation *op, const Twine &reason) {
  InFlightDiagnostic error = mlir::emitError(op->getLoc());
  error << "cannot differentiate '" << op->getName() << "'";
  std::string name = getNodeName(op->getResult(0));
  if (!name.empty())
    error << ", node " << name;
  std::string line = getPythonLine(op->getLoc());
  if (!line.empty())
    error << ", " << line;
  return error << ": " << reason;
}

LogicalResult Backpropagation::visit(Operation *op) {
  SmallVector<Value> resultGradients;
  for (Value result : op->getResults())
    resultGradients.push_back(gradients.lookup(result));
  SmallVector<bool> needed;
  for (Value operand : op->getOperands())
    needed.push_back(active.contains(operand));
  if (llvm::none_of(resultGradients, [](Value v) { return !!v; }) ||
      llvm::none_of(needed, [](bool flag) { return flag; }) ||
      stopsGradients(op))
    return success();
  auto model = dyn_cast<DifferentiableOpInterface>(op);
  if (isa<WhileOp>(op))
    return emitFailure(op, "nothing in its condition bounds the number of "
                           "iterations by a constant; compare a counter that "
                           "starts and steps by constants, as in `i < 10`, or "
                           "use scan");
  if (!model)
    return emitFailure(op, "it has no derivative; composites must be "
                           "decomposed first (fx-decompose)");
  for (Value value : op->getOperands())
    if (active.contains(value) &&
        isa<ComplexType>(getTensorType(value).getElementType()))
      return emitFailure(op, "derivatives of complex tensors are not built");
  SmallVector<Value> operandGradients;
  if (failed(model.buildGradients(builder, resultGradients, needed,
                                  operandGradients)))
    return failure();
  Location loc = GradientBuilder::getGradientLoc(op);
  for (auto [operand, gradient] :
       llvm::zip_equal(op->getOperands(), operandGradients))
    if (gradient)
      accumulate(operand, gradient, loc);
  return success();
}
