//===- ControlFlowOps.cpp - Higher-order operators ------------------------===//

#include "fx/IR/ControlFlowOps.h"

using namespace mlir;
using namespace mlir::fx;

#define GET_OP_CLASSES
#include "fx/IR/ControlFlowOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

/// Whether a value of one type may go where another is expected: known sizes
/// may become unknown and the other way round.
static bool canPass(Type from, Type to) {
  auto tensor = dyn_cast<RankedTensorType>(from);
  auto other = dyn_cast<RankedTensorType>(to);
  if (!tensor || !other)
    return from == to;
  return tensor.getElementType() == other.getElementType() &&
         succeeded(verifyCompatibleShape(tensor, other));
}

/// Types of slices along the first dimension.
static LogicalResult getSliceTypes(Operation *op, TypeRange types,
                                   SmallVectorImpl<Type> &slices) {
  for (Type type : types) {
    auto tensor = cast<RankedTensorType>(type);
    if (tensor.getRank() == 0)
      return op->emitOpError("takes slices of a tensor without dimensions");
    slices.push_back(RankedTensorType::get(tensor.getShape().drop_front(),
                                           tensor.getElementType()));
  }
  return success();
}

static LogicalResult verifyTypes(Operation *op, StringRef what, TypeRange from,
                                 TypeRange to) {
  if (from.size() != to.size())
    return op->emitOpError("has ")
           << to.size() << " " << what << ", " << from.size()
           << " are expected";
  for (auto [index, expected, actual] : llvm::enumerate(from, to))
    if (!canPass(expected, actual))
      return op->emitOpError("number ")
             << index << " of the " << what << " is " << actual
             << " where " << expected << " is expected";
  return success();
}

/// Checks what a region takes, and returns what it yields.
static FailureOr<TypeRange> verifyRegion(Operation *op, Region &region,
                                         TypeRange inputs) {
  Block &body = region.front();
  if (failed(verifyTypes(op, "region arguments", inputs,
                         body.getArgumentTypes())))
    return failure();
  if (body.empty() || !isa<YieldOp>(body.back()))
    return op->emitOpError("a region does not end in fx.yield");
  return TypeRange(body.back().getOperandTypes());
}

/// A boolean, or a tensor of one element.
static LogicalResult verifyPredicate(Operation *op, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (type.isInteger(1) ||
      (tensor && tensor.hasStaticShape() && tensor.getNumElements() == 1))
    return success();
  return op->emitOpError("condition is ")
         << type << ", neither a boolean nor a tensor of one element";
}

LogicalResult CondOp::verifyRegions() {
  if (failed(verifyPredicate(*this, getPred().getType())))
    return failure();
  for (Region &region : (*this)->getRegions()) {
    FailureOr<TypeRange> types =
        verifyRegion(*this, region, getInputs().getTypes());
    if (failed(types) ||
        failed(verifyTypes(*this, "yielded values", getResultTypes(), *types)))
      return failure();
  }
  return success();
}

LogicalResult WhileOp::verifyRegions() {
  FailureOr<TypeRange> condition =
      verifyRegion(*this, getCondRegion(), getOperandTypes());
  if (failed(condition))
    return failure();
  if (condition->size() != 1)
    return emitOpError("condition gives ")
           << condition->size() << " values, one is expected";
  if (failed(verifyPredicate(*this, condition->front())))
    return failure();
  FailureOr<TypeRange> next =
      verifyRegion(*this, getBodyRegion(), getOperandTypes());
  if (failed(next))
    return failure();
  TypeRange carried = getCarried().getTypes();
  if (failed(verifyTypes(*this, "yielded values", carried, *next)))
    return failure();
  return verifyTypes(*this, "results", carried, getResultTypes());
}

/// Checks a region that goes over slices of `xs`: it takes the carried values,
/// slices and others, and yields the next carried values and slices of the
/// results.
static LogicalResult verifySlices(Operation *op, Region &region,
                                  TypeRange carried, TypeRange xs,
                                  TypeRange additional) {
  if (xs.empty())
    return op->emitOpError("has nothing to take slices of");
  SmallVector<Type> inputs(carried), expected(carried);
  if (failed(getSliceTypes(op, xs, inputs)))
    return failure();
  llvm::append_range(inputs, additional);
  FailureOr<TypeRange> yielded = verifyRegion(op, region, inputs);
  if (failed(yielded))
    return failure();
  if (op->getNumResults() < carried.size())
    return op->emitOpError("has fewer results than carried values");
  TypeRange results(op->getResultTypes());
  TypeRange stacks = results.drop_front(carried.size());
  for (Type type : stacks)
    if (!isa<RankedTensorType>(type))
      return op->emitOpError("stacks ") << type << ", which is no tensor";
  if (failed(getSliceTypes(op, stacks, expected)) ||
      failed(verifyTypes(op, "yielded values", expected, *yielded)))
    return failure();
  return verifyTypes(op, "carried results", carried,
                     results.take_front(carried.size()));
}

LogicalResult ScanOp::verifyRegions() {
  return verifySlices(*this, getBody(), getInit().getTypes(),
                      getXs().getTypes(), getAdditional().getTypes());
}

LogicalResult MapOp::verifyRegions() {
  return verifySlices(*this, getBody(), {}, getXs().getTypes(),
                      getAdditional().getTypes());
}
