//===- OrderKernel.cpp - Sorting and running extrema ----------------------===//

#include "Kernels.h"

#include "fx/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

/// How the runtime numbers element types.
static int64_t getTypeNumber(Type element) {
  if (element.isF64())
    return FX_RT_ORDER_F64;
  if (element.isBF16())
    return FX_RT_ORDER_BF16;
  if (element.isF16())
    return FX_RT_ORDER_F16;
  if (element.isInteger(8))
    return FX_RT_ORDER_I8;
  if (element.isInteger(16))
    return FX_RT_ORDER_I16;
  if (element.isInteger(32))
    return FX_RT_ORDER_I32;
  if (element.isInteger(64))
    return FX_RT_ORDER_I64;
  return FX_RT_ORDER_F32;
}

std::optional<OrderCall> cpu::findOrderCall(KernelOp kernelOp) {
  Block &body = kernelOp.getBody().front();
  // The call alone, on memory.
  if (body.getOperations().size() != 2)
    return std::nullopt;
  std::optional<OrderCall> call = matchOrderCall(&body.front());
  if (call && !isa<BlockArgument>(call->input))
    return std::nullopt;
  return call;
}

LogicalResult cpu::emitOrderKernel(OpBuilder &b, KernelOp kernelOp,
                                   KernelFunction &target) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(target.entry);
  Location loc = kernelOp.getLoc();
  OrderCall call = *findOrderCall(kernelOp);
  Block &body = kernelOp.getBody().front();
  auto type = cast<RankedTensorType>(call.input.getType());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  };
  auto getResult = [&](unsigned index) -> Value {
    Value result = body.front().getResult(index);
    if (!llvm::is_contained(body.getTerminator()->getOperands(), result))
      return LLVM::ZeroOp::create(b, loc, pointer);
    return getBuffer(kernelOp, target, result).pointer;
  };
  int64_t outer = 1, inner = 1;
  for (auto [d, size] : llvm::enumerate(type.getShape()))
    if (static_cast<int64_t>(d) != call.dim)
      (static_cast<int64_t>(d) < call.dim ? outer : inner) *= size;
  // The fields of fx_rt_order.
  SmallVector<Value> fields = {
      getBuffer(kernelOp, target, call.input).pointer,
      getResult(0),
      getResult(1),
      constant(outer),
      constant(type.getDimSize(call.dim)),
      constant(inner),
      constant(call.count),
      constant(call.descending),
      constant(getTypeNumber(type.getElementType()))};
  Value order = LLVM::AllocaOp::create(b, loc, pointer, b.getI64Type(),
                                       constant(fields.size()), 8);
  for (auto [i, field] : llvm::enumerate(fields))
    LLVM::StoreOp::create(
        b, loc, field,
        LLVM::GEPOp::create(b, loc, pointer, b.getI64Type(), order,
                            LLVM::GEPArg(static_cast<int32_t>(i))));
  SmallVector<Value> operands = {target.context, order};
  func::FuncOp callee = declareRuntime(
      b, target, call.isRunning ? "fx_rt_cumulative_extremum" : "fx_rt_sort",
      b.getFunctionType(ValueRange(operands).getTypes(), {}));
  func::CallOp::create(b, loc, callee, operands);
  func::ReturnOp::create(b, loc);
  return success();
}
