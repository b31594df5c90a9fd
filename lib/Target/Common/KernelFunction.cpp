//===- KernelFunction.cpp - The function made from a kernel ---------------===//

#include "KernelFunction.h"

#include "fx/Lowering/Kernels/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

Value target::materialize(OpBuilder &b, Location loc, OpFoldResult value) {
  if (auto v = dyn_cast<Value>(value)) {
    if (v.getType().isIndex())
      return arith::IndexCastOp::create(b, loc, b.getI64Type(), v);
    return v;
  }
  return arith::ConstantIntOp::create(
      b, loc, cast<IntegerAttr>(cast<Attribute>(value)).getInt(), 64);
}

SmallVector<Type> target::getArgumentTypes(OpBuilder &b, KernelOp kernel) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  SmallVector<Type> types;
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
  return types;
}

void target::takeArguments(OpBuilder &b, KernelOp kernel, ValueRange arguments,
                           KernelFunction &function) {
  unsigned next = 0;
  auto takeBuffer = [&](RankedTensorType type) {
    Buffer buffer{arguments[next++], {}, type, {}};
    for (int64_t size : type.getShape()) {
      if (ShapedType::isDynamic(size))
        buffer.sizes.push_back(arguments[next++]);
      else
        buffer.sizes.push_back(b.getI64IntegerAttr(size));
    }
    return buffer;
  };
  for (Type type : kernel.getInputs().getTypes()) {
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      function.inputs.push_back(takeBuffer(tensor));
      function.scalars.push_back({});
    } else {
      function.inputs.push_back({});
      function.scalars.push_back(arguments[next++]);
    }
  }
  for (Type type : kernel.getResultTypes())
    function.results.push_back(takeBuffer(cast<RankedTensorType>(type)));
}

KernelFunction target::createKernelFunction(OpBuilder &b, KernelOp kernel,
                                            StringRef name) {
  SmallVector<Type> types = getArgumentTypes(b, kernel);
  types.insert(types.begin(), LLVM::LLVMPointerType::get(b.getContext()));
  KernelFunction result;
  result.function = func::FuncOp::create(b, kernel.getLoc(), name,
                                         b.getFunctionType(types, {}));
  result.function.setPrivate();
  result.entry = result.function.addEntryBlock();
  result.context = result.entry->getArgument(0);
  takeArguments(b, kernel, result.entry->getArguments().drop_front(), result);
  return result;
}

const Buffer &target::getBuffer(KernelOp kernel,
                                const KernelFunction &function, Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return function.inputs[argument.getArgNumber()];
  auto yielded = kernel.getBody().front().getTerminator()->getOperands();
  auto it = llvm::find(yielded, tensor);
  assert(it != yielded.end() && "a tensor without a buffer");
  return function.results[std::distance(yielded.begin(), it)];
}

std::string target::getFingerprint(KernelOp kernel) {
  std::string text;
  auto add = [&](uint64_t value) {
    text.append(reinterpret_cast<const char *>(&value), sizeof(value));
  };
  // Types, attributes and names of ops are the same pointers if they are equal;
  // to print them takes much longer.
  auto addPointer = [&](const void *pointer) {
    add(reinterpret_cast<uintptr_t>(pointer));
  };
  auto addTypes = [&](TypeRange types) {
    add(types.size());
    for (Type type : types)
      addPointer(type.getAsOpaquePointer());
  };
  add(static_cast<uint64_t>(kernel.getKind()));
  addTypes(kernel.getOperandTypes());
  addTypes(kernel.getResultTypes());
  add(kernel->hasAttr(kFrozenAttr));
  llvm::DenseMap<Value, unsigned> numbers;
  // Numbering by appearance makes the text independent of the place.
  kernel.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          numbers.try_emplace(argument, numbers.size());
    for (Value argument : op->getBlock()->getArguments())
      numbers.try_emplace(argument, numbers.size());
    for (Value result : op->getResults())
      numbers.try_emplace(result, numbers.size());
    addPointer(op->getName().getAsOpaquePointer());
    add(op->getNumOperands());
    for (Value operand : op->getOperands())
      add(numbers.lookup(operand));
    addTypes(op->getResultTypes());
    addPointer(op->getAttrDictionary().getAsOpaquePointer());
    add(op->getNumRegions());
    add(op->getBlock()->getNumArguments());
  });
  return text;
}

func::FuncOp target::createCallback(OpBuilder &b, KernelFunction &kernel,
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

Value target::getAddress(OpBuilder &b, func::FuncOp function) {
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

Value target::packClosure(OpBuilder &b, KernelFunction &kernel) {
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

void target::unpackClosure(OpBuilder &b, KernelFunction &kernel, Value closure) {
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

std::pair<Value, Value> target::enterParallelBody(OpBuilder &b, Location loc,
                                                  KernelFunction &kernel,
                                                  StringRef suffix,
                                                  Value count, int64_t grain) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  func::FuncOp body = createCallback(
      b, kernel, suffix, b.getFunctionType({pointer, i64, i64}, {}));
  func::FuncOp run = declareRuntime(
      b, kernel, "fx_rt_parallel_for",
      b.getFunctionType({pointer, pointer, pointer, i64, i64}, {}));
  Value closure = packClosure(b, kernel);
  func::CallOp::create(
      b, loc, run,
      ValueRange{kernel.context, getAddress(b, body), closure, count,
                 arith::ConstantIntOp::create(b, loc, grain, 64)});
  func::ReturnOp::create(b, loc);
  b.setInsertionPointToEnd(&body.getBody().front());
  unpackClosure(b, kernel, body.getArgument(0));
  return {body.getArgument(1), body.getArgument(2)};
}

func::FuncOp target::declareRuntime(OpBuilder &b, ModuleOp module, Location loc,
                                    StringRef name, FunctionType type) {
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  auto function = func::FuncOp::create(b, loc, name, type);
  function.setPrivate();
  return function;
}

func::FuncOp target::declareRuntime(OpBuilder &b, KernelFunction &kernel,
                                    StringRef name, FunctionType type) {
  return declareRuntime(b, kernel.function->getParentOfType<ModuleOp>(),
                        kernel.function.getLoc(), name, type);
}
