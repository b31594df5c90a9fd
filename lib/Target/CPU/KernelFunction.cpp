//===- KernelFunction.cpp - The function made from a kernel ---------------===//

#include "KernelFunction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

Value cpu::materialize(OpBuilder &b, Location loc, OpFoldResult value) {
  if (auto v = dyn_cast<Value>(value)) {
    if (v.getType().isIndex())
      return arith::IndexCastOp::create(b, loc, b.getI64Type(), v);
    return v;
  }
  return arith::ConstantIntOp::create(
      b, loc, cast<IntegerAttr>(cast<Attribute>(value)).getInt(), 64);
}

KernelFunction cpu::createKernelFunction(OpBuilder &b, KernelOp kernel,
                                         StringRef name) {
  Location loc = kernel.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  SmallVector<Type> types = {pointer};
  auto addBuffer = [&](RankedTensorType type) {
    types.push_back(pointer);
    types.append(type.getNumDynamicDims(), b.getI64Type());
  };
  for (Type type : kernel.getInputs().getTypes()) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      addBuffer(tensor);
    else
      types.push_back(type.isIndex() ? b.getI64Type() : type);
  }
  for (Type type : kernel.getResultTypes())
    addBuffer(cast<RankedTensorType>(type));

  KernelFunction result;
  result.function = func::FuncOp::create(b, loc, name,
                                         b.getFunctionType(types, {}));
  result.function.setPrivate();
  Block *entry = result.function.addEntryBlock();
  unsigned next = 0;
  result.context = entry->getArgument(next++);
  auto takeBuffer = [&](RankedTensorType type) {
    Buffer buffer{entry->getArgument(next++), {}, type, {}};
    for (int64_t size : type.getShape()) {
      if (ShapedType::isDynamic(size))
        buffer.sizes.push_back(entry->getArgument(next++));
      else
        buffer.sizes.push_back(b.getI64IntegerAttr(size));
    }
    return buffer;
  };
  for (Type type : kernel.getInputs().getTypes()) {
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      result.inputs.push_back(takeBuffer(tensor));
      result.scalars.push_back({});
    } else {
      result.inputs.push_back({});
      result.scalars.push_back(entry->getArgument(next++));
    }
  }
  for (Type type : kernel.getResultTypes())
    result.results.push_back(takeBuffer(cast<RankedTensorType>(type)));
  return result;
}

func::FuncOp cpu::createCallback(OpBuilder &b, KernelFunction &kernel,
                                 StringRef suffix, FunctionType type) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(kernel.function);
  auto callback = func::FuncOp::create(
      b, kernel.function.getLoc(),
      (kernel.function.getName() + "_" + suffix).str(), type);
  callback.setPrivate();
  callback.addEntryBlock();
  return callback;
}

Value cpu::getAddress(OpBuilder &b, func::FuncOp function) {
  Location loc = function.getLoc();
  Value value = func::ConstantOp::create(b, loc, function.getFunctionType(),
                                         function.getName());
  return UnrealizedConversionCastOp::create(
             b, loc, LLVM::LLVMPointerType::get(b.getContext()), value)
      .getResult(0);
}

static LLVM::LLVMStructType getClosureType(KernelFunction &kernel) {
  return LLVM::LLVMStructType::getLiteral(
      kernel.function.getContext(),
      SmallVector<Type>(kernel.function.getArgumentTypes()));
}

static Value getField(OpBuilder &b, Location loc, Type closureType,
                      Value closure, size_t index) {
  return LLVM::GEPOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), closureType, closure,
      ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
}

Value cpu::packClosure(OpBuilder &b, KernelFunction &kernel) {
  Location loc = kernel.function.getLoc();
  auto type = getClosureType(kernel);
  Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
  Value closure = LLVM::AllocaOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), type, one, 8);
  for (auto [i, argument] : llvm::enumerate(kernel.function.getArguments()))
    LLVM::StoreOp::create(b, loc, argument,
                          getField(b, loc, type, closure, i));
  return closure;
}

void cpu::unpackClosure(OpBuilder &b, KernelFunction &kernel, Value closure) {
  Location loc = kernel.function.getLoc();
  auto type = getClosureType(kernel);
  IRMapping mapping;
  for (auto [i, argument] : llvm::enumerate(kernel.function.getArguments())) {
    Value field = getField(b, loc, type, closure, i);
    mapping.map(argument,
                LLVM::LoadOp::create(b, loc, argument.getType(), field)
                    .getResult());
  }
  auto remap = [&](Buffer &buffer) {
    if (buffer.pointer)
      buffer.pointer = mapping.lookupOrDefault(buffer.pointer);
    for (OpFoldResult &size : buffer.sizes)
      if (auto value = dyn_cast<Value>(size))
        size = mapping.lookupOrDefault(value);
  };
  kernel.context = mapping.lookup(kernel.context);
  llvm::for_each(kernel.inputs, remap);
  llvm::for_each(kernel.results, remap);
  for (Value &scalar : kernel.scalars)
    if (scalar)
      scalar = mapping.lookupOrDefault(scalar);
}

func::FuncOp cpu::declareRuntime(OpBuilder &b, KernelFunction &kernel,
                                 StringRef name, FunctionType type) {
  auto module = kernel.function->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  auto function =
      func::FuncOp::create(b, kernel.function.getLoc(), name, type);
  function.setPrivate();
  return function;
}
