//===- JoinParts.cpp - Tensors side by side in a result -------------------===//

#include "JoinParts.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

/// The ops of the kernel that `value` needs.
static llvm::SetVector<Operation *> getProducers(Value value, Block &body) {
  llvm::DenseSet<Operation *> needed;
  SmallVector<Value> worklist = {value};
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (!op || !needed.insert(op).second)
      continue;
    llvm::append_range(worklist, op->getOperands());
  }
  llvm::SetVector<Operation *> ops;
  for (Operation &op : body)
    if (needed.contains(&op) && isLoopOp(&op))
      ops.insert(&op);
  return ops;
}

/// The slice of the result that an op writes; all of it without an op.
static Buffer getPartBuffer(OpBuilder &b, KernelFunction &function,
                            tensor::InsertSliceOp insert) {
  Buffer buffer = function.results[0];
  if (!insert)
    return buffer;
  Location loc = insert.getLoc();
  auto get = [&](OpFoldResult value) -> OpFoldResult {
    if (auto known = getConstantIntValue(value))
      return b.getI64IntegerAttr(*known);
    return function
        .scalars[cast<BlockArgument>(cast<Value>(value)).getArgNumber()];
  };
  auto multiply = [&](OpFoldResult x, OpFoldResult y) -> OpFoldResult {
    auto a = getConstantIntValue(x), c = getConstantIntValue(y);
    if (a && c)
      return b.getI64IntegerAttr(*a * *c);
    return arith::MulIOp::create(b, loc, materialize(b, loc, x),
                                 materialize(b, loc, y))
        .getResult();
  };
  SmallVector<OpFoldResult> sizes, strides;
  Value offset = materialize(b, loc, b.getI64IntegerAttr(0));
  OpFoldResult stride = b.getI64IntegerAttr(1);
  llvm::SmallBitVector dropped = insert.getDroppedDims();
  for (int64_t d = buffer.sizes.size() - 1; d >= 0; --d) {
    OpFoldResult at = multiply(get(insert.getMixedOffsets()[d]), stride);
    offset = arith::AddIOp::create(b, loc, offset, materialize(b, loc, at));
    if (!dropped[d]) {
      sizes.push_back(get(insert.getMixedSizes()[d]));
      strides.push_back(multiply(get(insert.getMixedStrides()[d]), stride));
    }
    stride = multiply(stride, buffer.sizes[d]);
  }
  buffer.sizes.assign(sizes.rbegin(), sizes.rend());
  buffer.strides.assign(strides.rbegin(), strides.rend());
  buffer.type = insert.getSourceType();
  Type element = buffer.type.getElementType();
  if (element.isInteger(1) || element.isIndex())
    element = element.isIndex() ? b.getI64Type() : b.getI8Type();
  buffer.pointer =
      LLVM::GEPOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                          element, buffer.pointer, LLVM::GEPArg(offset));
  return buffer;
}

FailureOr<std::vector<JoinPart>> target::getJoinParts(KernelOp kernelOp) {
  Block &body = kernelOp.getBody().front();
  // From the end to the start of the chain.
  SmallVector<std::pair<Value, tensor::InsertSliceOp>> chain;
  Value result = body.getTerminator()->getOperand(0);
  while (auto insert = result.getDefiningOp<tensor::InsertSliceOp>()) {
    chain.push_back({insert.getSource(), insert});
    result = insert.getDest();
  }
  if (!result.getDefiningOp<tensor::EmptyOp>())
    chain.push_back({result, {}});
  std::vector<JoinPart> parts;
  for (auto [tensor, insert] : llvm::reverse(chain)) {
    std::string reason;
    FailureOr<LoopKernel> kernel =
        LoopKernel::analyze(getProducers(tensor, body), {tensor}, &reason);
    if (failed(kernel))
      return kernelOp.emitOpError("has a part that is no loop kernel: ")
             << reason;
    // Dims that are neighbours in the part are not in the result.
    if (insert)
      kernel->indexDims.set();
    parts.push_back({tensor, std::move(*kernel),
                     [insert = insert](OpBuilder &b, KernelFunction &f) {
                       return getPartBuffer(b, f, insert);
                     },
                     insert});
  }
  return parts;
}
