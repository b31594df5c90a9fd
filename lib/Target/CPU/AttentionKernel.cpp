//===- AttentionKernel.cpp - Fused attention and its backward -------------===//
//
// The kernel is a call of the runtime with a table of its operands, each of
// them memory with strides.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "fx/IR/FXOps.h"
#include "fx/Lowering/Kernels/Attention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

namespace {

class AttentionEmitter {
public:
  AttentionEmitter(OpBuilder &b, KernelOp kernelOp, KernelFunction &target)
      : b(b), loc(kernelOp.getLoc()), kernelOp(kernelOp), target(target),
        pointer(LLVM::LLVMPointerType::get(b.getContext())),
        i64(b.getI64Type()) {}
  LogicalResult emit();

private:
  /// Memory whose element [b, h, i, j] is at the sum of index times stride.
  struct Operand {
    Value pointer;
    SmallVector<Value> sizes, strides;
  };

  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  Value null() { return LLVM::ZeroOp::create(b, loc, pointer); }
  /// Distances between neighbours of a dense buffer.
  SmallVector<Value> getStrides(const Buffer &buffer);
  Operand getInput(Value tensor);
  /// A mask: dimensions that are absent or of size 1 repeat.
  Operand getMask(Value mask);
  FailureOr<Operand> getResult(Value tensor);
  /// An array of 64-bit fields on the stack, pointers among them.
  Value storeFields(ArrayRef<Value> fields);
  FailureOr<Value> getLogsumexp(Value tensor, bool isResult);

  OpBuilder &b;
  Location loc;
  KernelOp kernelOp;
  KernelFunction &target;
  Type pointer, i64;
};

} // namespace

SmallVector<Value> AttentionEmitter::getStrides(const Buffer &buffer) {
  SmallVector<Value> strides(buffer.sizes.size());
  Value stride = constant(1);
  for (size_t d = strides.size(); d-- > 0;) {
    strides[d] = stride;
    if (d)
      stride = arith::MulIOp::create(b, loc, stride,
                                     materialize(b, loc, buffer.sizes[d]));
  }
  return strides;
}

AttentionEmitter::Operand AttentionEmitter::getInput(Value tensor) {
  SmallVector<Operation *> ops;
  StridedView view = getStridedView(tensor, ops);
  const Buffer &buffer = getBuffer(kernelOp, target, view.base);
  Operand operand{buffer.pointer, {}, {}};
  if (ops.empty()) {
    for (OpFoldResult size : buffer.sizes)
      operand.sizes.push_back(materialize(b, loc, size));
    operand.strides = getStrides(buffer);
    return operand;
  }
  auto type = cast<RankedTensorType>(tensor.getType());
  operand.pointer = LLVM::GEPOp::create(
      b, loc, pointer, type.getElementType(), buffer.pointer,
      LLVM::GEPArg(constant(view.offset)));
  for (auto [size, stride] : llvm::zip(type.getShape(), view.strides)) {
    // Where a view has a dynamic size, another operand or the result has it.
    operand.sizes.push_back(ShapedType::isDynamic(size) ? Value()
                                                        : constant(size));
    operand.strides.push_back(constant(stride));
  }
  return operand;
}

AttentionEmitter::Operand AttentionEmitter::getMask(Value mask) {
  if (!mask)
    return {null(), {}, SmallVector<Value>(4, constant(0))};
  Operand operand = getInput(mask);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(mask.getType()).getShape();
  for (auto [size, stride] : llvm::zip(shape, operand.strides))
    if (size == 1)
      stride = constant(0);
  while (operand.strides.size() < 4)
    operand.strides.insert(operand.strides.begin(), constant(0));
  return operand;
}

FailureOr<AttentionEmitter::Operand> AttentionEmitter::getResult(Value tensor) {
  auto yielded = kernelOp.getBody().front().getTerminator()->getOperands();
  auto find = [&](Value value) -> const Buffer * {
    auto it = llvm::find(yielded, value);
    return it == yielded.end()
               ? nullptr
               : &target.results[std::distance(yielded.begin(), it)];
  };
  Operand operand;
  if (const Buffer *buffer = find(tensor)) {
    operand.pointer = buffer->pointer;
    for (OpFoldResult size : buffer->sizes)
      operand.sizes.push_back(materialize(b, loc, size));
    operand.strides = getStrides(*buffer);
    return operand;
  }
  SmallVector<int64_t> order;
  linalg::GenericOp copy = getPermutingUser(tensor, order);
  const Buffer *buffer = copy ? find(copy.getResult(0)) : nullptr;
  if (!buffer)
    return kernelOp.emitOpError("has no memory for a result of its attention");
  operand.pointer = buffer->pointer;
  operand.sizes.resize(order.size());
  operand.strides.resize(order.size());
  for (auto [i, stride] : llvm::enumerate(getStrides(*buffer))) {
    operand.strides[order[i]] = stride;
    operand.sizes[order[i]] = materialize(b, loc, buffer->sizes[i]);
  }
  return operand;
}

Value AttentionEmitter::storeFields(ArrayRef<Value> fields) {
  Value memory = LLVM::AllocaOp::create(b, loc, pointer, i64,
                                        constant(fields.size()), 8);
  for (auto [i, field] : llvm::enumerate(fields))
    LLVM::StoreOp::create(
        b, loc, field,
        LLVM::GEPOp::create(b, loc, pointer, i64, memory,
                            LLVM::GEPArg(static_cast<int32_t>(i))));
  return memory;
}

FailureOr<Value> AttentionEmitter::getLogsumexp(Value tensor, bool isResult) {
  auto yielded = kernelOp.getBody().front().getTerminator()->getOperands();
  if (isResult && !llvm::is_contained(yielded, tensor))
    return null();
  if (!isResult && !isa<BlockArgument>(tensor))
    return kernelOp.emitOpError("has a logsumexp that is not in memory");
  return getBuffer(kernelOp, target, tensor).pointer;
}

/// How the runtime numbers element types.
static FailureOr<int64_t> getTypeNumber(KernelOp kernelOp, Value tensor) {
  Type element = getElementTypeOrSelf(tensor.getType());
  if (element.isF32())
    return 0;
  if (element.isBF16())
    return 1;
  if (element.isF16())
    return 2;
  return kernelOp.emitOpError("has an attention of ")
         << element << ", which the runtime does not compute";
}

LogicalResult AttentionEmitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(target.entry);
  Operation *op = findFusedAttention(kernelOp.getBody().front());
  auto backward = dyn_cast<FlashAttentionForCpuBackwardOp>(op);
  auto forward = dyn_cast<FlashAttentionForCpuOp>(op);
  Value queryTensor = backward ? backward.getQuery() : forward.getQuery();
  Value keyTensor = backward ? backward.getKey() : forward.getKey();
  Value valueTensor = backward ? backward.getValue() : forward.getValue();
  Value maskTensor =
      backward ? backward.getAttnMask() : forward.getAttnMask();
  auto type = cast<RankedTensorType>(queryTensor.getType());
  std::optional<llvm::APFloat> scale =
      backward ? backward.getScale() : forward.getScale();
  bool isCausal = backward ? backward.getIsCausal() : forward.getIsCausal();
  FailureOr<int64_t> element = getTypeNumber(kernelOp, queryTensor);
  FailureOr<int64_t> maskElement = 0;
  if (maskTensor)
    maskElement = getTypeNumber(kernelOp, maskTensor);
  if (failed(element) || failed(maskElement))
    return failure();

  Operand query = getInput(queryTensor), key = getInput(keyTensor);
  Operand value = getInput(valueTensor), mask = getMask(maskTensor);
  FailureOr<Value> logsumexp =
      backward ? getLogsumexp(backward.getLogsumexp(), /*isResult=*/false)
               : getLogsumexp(forward.getLogsumexp(), /*isResult=*/true);
  if (failed(logsumexp))
    return failure();
  SmallVector<Operand> operands;
  SmallVector<Value> results;
  if (backward) {
    operands = {getInput(backward.getGradOut()), query, key, value, mask,
                getInput(backward.getOut())};
    llvm::append_range(results, backward->getResults());
  } else {
    operands = {query, key, value, mask};
    results.push_back(forward.getOutput());
  }
  for (Value result : results) {
    FailureOr<Operand> memory = getResult(result);
    if (failed(memory))
      return failure();
    operands.push_back(*memory);
  }

  // A dynamic size of a view is that of another operand.
  const Operand &first = operands[operands.size() - results.size()];
  auto sizeOf = [&](const Operand &operand, const Operand &other,
                    int64_t dim) -> Value {
    Value size = operand.sizes[dim] ? operand.sizes[dim] : other.sizes[dim];
    return size;
  };
  Value queries = sizeOf(query, first, 2);
  const Operand &likeKey = backward ? operands[operands.size() - 2] : value;
  SmallVector<Value> shape = {sizeOf(query, first, 0),
                              sizeOf(query, first, 1),
                              sizeOf(key, likeKey, 1),
                              queries,
                              sizeOf(key, likeKey, 2),
                              constant(type.getShape().back()),
                              constant(isCausal),
                              constant(*element),
                              constant(*maskElement)};
  if (llvm::is_contained(shape, Value()))
    return kernelOp.emitOpError("has an attention with a size that is not "
                                "known where its kernel starts");
  SmallVector<Value> table;
  for (const Operand &operand : operands) {
    table.push_back(operand.pointer);
    llvm::append_range(table, operand.strides);
  }
  double factor = scale ? scale->convertToDouble()
                        : 1.0 / std::sqrt((double)type.getShape().back());
  Value scaleValue = arith::ConstantFloatOp::create(
      b, loc, b.getF64Type(), llvm::APFloat(factor));
  SmallVector<Value> arguments = {target.context, storeFields(shape),
                                  scaleValue, storeFields(table), *logsumexp};
  func::FuncOp callee = declareRuntime(
      b, target, backward ? "fx_rt_attention_backward" : "fx_rt_attention",
      b.getFunctionType(ValueRange(arguments).getTypes(), {}));
  func::CallOp::create(b, loc, callee, arguments);
  func::ReturnOp::create(b, loc);
  return success();
}

LogicalResult cpu::emitAttentionKernel(OpBuilder &b, KernelOp kernelOp,
                                       KernelFunction &target) {
  return AttentionEmitter(b, kernelOp, target).emit();
}
