//===- TemplateCall.cpp - A template kernel and its operands --------------===//

#include "TemplateCall.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

/// The distance between neighbours along `dim` of a dense buffer.
static Value getStride(OpBuilder &b, Location loc, const Buffer &buffer,
                       unsigned dim) {
  Value stride = arith::ConstantIntOp::create(b, loc, 1, 64);
  for (size_t d = dim + 1; d < buffer.sizes.size(); ++d)
    stride = arith::MulIOp::create(b, loc, stride,
                                   materialize(b, loc, buffer.sizes[d]));
  return stride;
}

/// The step in memory of a class of loops, 0 if the tensor does not vary.
static Value getStride(OpBuilder &b, Location loc, const Buffer &buffer,
                       AffineMap map, ArrayRef<unsigned> loops) {
  if (!loops.empty())
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (cast<AffineDimExpr>(expr).getPosition() == loops.back())
        return getStride(b, loc, buffer, i);
  return arith::ConstantIntOp::create(b, loc, 0, 64);
}

Value TemplateCall::getNumPoints(OpBuilder &b, KernelFunction &target,
                                 ArrayRef<unsigned> loops) const {
  Location loc = kernelOp->getLoc();
  Value points;
  for (unsigned loop : loops) {
    Value size;
    for (auto [tensor, map] : {std::pair(match.lhs, match.lhsMap),
                               std::pair(match.rhs, match.rhsMap)})
      for (auto [i, expr] : llvm::enumerate(map.getResults()))
        if (!size && cast<AffineDimExpr>(expr).getPosition() == loop)
          size = materialize(b, loc,
                             getBuffer(kernelOp, target, tensor).sizes[i]);
    points = points ? Value(arith::MulIOp::create(b, loc, points, size)) : size;
  }
  return points ? points : arith::ConstantIntOp::create(b, loc, 1, 64);
}

FailureOr<Contraction> TemplateCall::findContraction(KernelOp kernelOp) {
  for (auto op : kernelOp.getBody().front().getOps<linalg::GenericOp>()) {
    FailureOr<Contraction> found = matchContraction(op);
    if (succeeded(found))
      return found;
  }
  return failure();
}

FailureOr<std::optional<Epilogue>>
TemplateCall::findEpilogue(KernelOp kernelOp, Contraction &contraction) {
  Block &body = kernelOp.getBody().front();
  Value raw = contraction.op.getResult(0);
  llvm::SetVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    if (&op != contraction.op && !isa<tensor::PadOp>(op) && isLoopOp(&op))
      ops.insert(&op);
  SmallVector<Value> outputs;
  for (Value value : body.getTerminator()->getOperands())
    if (value != raw)
      outputs.push_back(value);
  if (outputs.empty())
    return std::optional<Epilogue>();
  FailureOr<Epilogue> found = matchEpilogue(contraction, ops, outputs);
  if (failed(found))
    return kernelOp.emitOpError("has ops that are no epilogue of its "
                                "contraction");
  return std::optional<Epilogue>(std::move(*found));
}

Value TemplateCall::findMemory(KernelOp kernelOp, Contraction &contraction,
                               const std::optional<Epilogue> &epilogue) {
  Value raw = contraction.op.getResult(0);
  auto yielded = kernelOp.getBody().front().getTerminator()->getOperands();
  if (llvm::is_contained(yielded, raw))
    return raw;
  return epilogue ? epilogue->inPlace : Value();
}

FailureOr<TemplateCall> TemplateCall::create(OpBuilder &b, KernelOp kernelOp,
                                             KernelFunction &target) {
  TemplateCall call;
  call.kernelOp = kernelOp;
  FailureOr<Contraction> contraction = findContraction(kernelOp);
  if (failed(contraction))
    return kernelOp.emitOpError("holds no contraction that is a template");
  call.match = *contraction;
  Contraction &match = call.match;
  call.raw = match.op.getResult(0);
  FailureOr<std::optional<Epilogue>> epilogue = findEpilogue(kernelOp, match);
  if (failed(epilogue))
    return failure();
  call.epilogue = std::move(*epilogue);
  Buffer &result = call.result;
  Buffer memory;
  if (Value value = findMemory(kernelOp, match, call.epilogue)) {
    auto yielded = kernelOp.getBody().front().getTerminator()->getOperands();
    call.resultIndex =
        std::distance(yielded.begin(), llvm::find(yielded, value));
    memory = target.results[call.resultIndex];
  } else if (!canHideResult(match)) {
    return kernelOp.emitOpError("has no memory for its contraction");
  }
  result = memory;
  result.type = cast<RankedTensorType>(call.raw.getType());
  if (!call.epilogue || memory.type != result.type) {
    result.sizes.clear();
    for (int64_t dim : result.type.getShape())
      result.sizes.push_back(b.getI64IntegerAttr(dim));
  }
  // Dynamic sizes of the result follow from the operands.
  for (auto [i, dim] : llvm::enumerate(result.type.getShape())) {
    if (!ShapedType::isDynamic(dim))
      continue;
    if (match.kind == ContractionKind::Product) {
      auto loop = cast<AffineDimExpr>(
          match.op.getIndexingMapsArray()[2].getResult(i));
      result.sizes[i] = call.getNumPoints(b, target, {loop.getPosition()});
    } else if (i == 0) {
      result.sizes[i] = getBuffer(kernelOp, target, match.input).sizes[0];
    } else if (memory.type &&
               memory.type.getRank() == result.type.getRank()) {
      result.sizes[i] = memory.sizes[i];
    } else {
      return kernelOp.emitOpError("has a dynamic size that is not known");
    }
  }
  return call;
}

ProductCall TemplateCall::getProduct(OpBuilder &b,
                                     KernelFunction &target) const {
  Location loc = kernelOp->getLoc();
  const Buffer &lhs = getBuffer(kernelOp, target, match.lhs);
  const Buffer &rhs = getBuffer(kernelOp, target, match.rhs);
  linalg::GenericOp op = match.op;
  AffineMap map = op.getIndexingMapsArray()[2];
  auto operand = [&](const Buffer &buffer, AffineMap map,
                     ArrayRef<unsigned> rows, ArrayRef<unsigned> columns) {
    return MatrixOperand{buffer.pointer,
                         getStride(b, loc, buffer, map, match.batch),
                         getStride(b, loc, buffer, map, rows),
                         getStride(b, loc, buffer, map, columns)};
  };
  return {getNumPoints(b, target, match.batch),
          getNumPoints(b, target, match.row),
          getNumPoints(b, target, match.column),
          getNumPoints(b, target, match.inner),
          operand(lhs, match.lhsMap, match.row, match.inner),
          operand(rhs, match.rhsMap, match.inner, match.column),
          operand(result, map, match.row, match.column)};
}

FailureOr<Buffer> TemplateCall::getResultIn(const KernelFunction &target,
                                            const KernelFunction &other) const {
  Buffer buffer = result;
  if (!isHidden())
    buffer.pointer = other.results[resultIndex].pointer;
  IRMapping mapping;
  for (auto [outer, inner] : llvm::zip(target.inputs, other.inputs))
    for (auto [x, y] : llvm::zip(outer.sizes, inner.sizes))
      if (auto value = dyn_cast<Value>(x))
        mapping.map(value, cast<Value>(y));
  for (OpFoldResult &size : buffer.sizes) {
    auto value = dyn_cast<Value>(size);
    if (!value)
      continue;
    Value known = mapping.lookupOrNull(value);
    if (!known)
      return KernelOp(kernelOp).emitOpError(
          "has a dynamic size in its epilogue that is not one of its "
          "operands");
    size = known;
  }
  return buffer;
}
