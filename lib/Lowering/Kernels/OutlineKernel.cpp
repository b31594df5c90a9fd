//===- OutlineKernel.cpp - Ops into an fx.kernel --------------------------===//

#include "OutlineKernel.h"

#include "fx/Lowering/Kernels/Attention.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::isClonedIntoKernels(Operation *op) {
  if (isa<tensor::EmptyOp>(op))
    return true;
  // A fill costs nothing inside of a kernel, unless its tensor leaves as it is.
  if (isa<linalg::FillOp>(op)) {
    Operation *init = op->getOperand(1).getDefiningOp();
    return isa_and_nonnull<tensor::EmptyOp>(init) &&
           llvm::none_of(op->getUsers(), [](Operation *user) {
             return user->hasTrait<OpTrait::IsTerminator>() ||
                    !isa<linalg::LinalgOp, tensor::InsertSliceOp>(user);
           });
  }
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return false;
  auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
  return !isa<ShapedType>(constant.getType()) ||
         (elements && elements.isSplat());
}

/// The sizes of the dynamic dimensions of `value`, computed by ops outside of
/// the kernel.
static LogicalResult appendDynamicSizes(OpBuilder &b, Value value,
                                        SmallVectorImpl<Value> &sizes) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.hasStaticShape())
    return success();
  // A destination has its result's shape and comes from a tensor.empty.
  Operation *op = value.getDefiningOp();
  Value init = value;
  while (auto destination = init.getDefiningOp<DestinationStyleOpInterface>())
    init = destination.getTiedOpOperand(cast<OpResult>(init))->get();
  if (auto empty = init.getDefiningOp<tensor::EmptyOp>()) {
    llvm::append_range(sizes, empty.getDynamicSizes());
    return success();
  }
  if (isFusedAttention(op)) {
    appendAttentionSizes(b, cast<OpResult>(value), sizes);
    return success();
  }
  ReifiedRankedShapedTypeDims shapes;
  if (failed(reifyResultShapes(b, op, shapes)))
    return op->emitOpError("has dynamic sizes that cannot be computed before "
                           "it runs");
  for (auto [size, dim] : llvm::zip(
           type.getShape(),
           shapes[cast<OpResult>(value).getResultNumber()])) {
    if (ShapedType::isDynamic(size))
      sizes.push_back(getValueOrCreateConstantIndexOp(b, op->getLoc(), dim));
  }
  return success();
}

FailureOr<KernelOp> fx::outlineKernel(ArrayRef<Operation *> ops,
                                      KernelKind kind,
                                      ArrayRef<Value> scratch) {
  llvm::SmallPtrSet<Operation *, 16> inside(ops.begin(), ops.end());
  auto isInside = [&](Operation *op) {
    while (op && !inside.contains(op))
      op = op->getParentOp();
    return op != nullptr;
  };

  llvm::SetVector<Value> inputs, outputs;
  llvm::SetVector<Operation *> cloned;
  std::function<void(Value)> addUse = [&](Value value) {
    Operation *definition = value.getDefiningOp();
    if (definition ? isInside(definition)
                   : isInside(value.getParentBlock()->getParentOp()))
      return;
    if (definition && isClonedIntoKernels(definition)) {
      // Operands first: the copies are in order of dependence.
      if (!cloned.contains(definition)) {
        llvm::for_each(definition->getOperands(), addUse);
        cloned.insert(definition);
      }
      return;
    }
    inputs.insert(value);
  };
  for (Operation *op : ops) {
    op->walk([&](Operation *nested) {
      llvm::for_each(nested->getOperands(), addUse);
    });
    for (Value result : op->getResults()) {
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !isInside(user);
          }))
        outputs.insert(result);
    }
  }

  outputs.insert(scratch.begin(), scratch.end());

  Operation *last = ops.back();
  OpBuilder b(last);
  SmallVector<Value> sizes;
  for (Value output : outputs) {
    if (!isa<RankedTensorType>(output.getType()))
      return output.getDefiningOp()->emitOpError(
          "gives a value that is not a ranked tensor to other kernels");
    if (failed(appendDynamicSizes(b, output, sizes)))
      return failure();
  }
  SmallVector<Location> names;
  for (Operation *op : ops)
    names.push_back(op->getLoc());
  auto kernel = KernelOp::create(
      b, b.getFusedLoc(names), ValueRange(outputs.getArrayRef()).getTypes(),
      inputs.getArrayRef(), sizes, KernelKindAttr::get(b.getContext(), kind));

  Block *body = &kernel.getBody().emplaceBlock();
  IRMapping mapping;
  for (Value value : inputs)
    mapping.map(value, body->addArgument(value.getType(), value.getLoc()));
  b.setInsertionPointToStart(body);
  for (Operation *op : cloned)
    b.clone(*op, mapping);
  SmallVector<Value> results;
  for (Operation *op : ops)
    op->moveBefore(body, body->end());
  b.setInsertionPointToEnd(body);
  KernelReturnOp::create(b, kernel.getLoc(), outputs.getArrayRef());
  for (auto [output, result] :
       llvm::zip(outputs, kernel.getResults()))
    Value(output).replaceUsesWithIf(result, [&](OpOperand &use) {
      return !kernel->isProperAncestor(use.getOwner());
    });
  kernel.getBody().walk([&](Operation *nested) {
    for (OpOperand &operand : nested->getOpOperands())
      if (Value mapped = mapping.lookupOrNull(operand.get()))
        operand.set(mapped);
  });
  return kernel;
}
