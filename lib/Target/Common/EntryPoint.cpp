//===- EntryPoint.cpp - The host code of a compiled function --------------===//
//
// The entry point unpacks the caller's pointers, takes the workspace, and
// calls the kernels in order. Sizes and scalars are computed where they are
// first needed.
//
//===----------------------------------------------------------------------===//

#include "EntryPoint.h"

#include "fx/Lowering/Kernels/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

namespace {

class EntryPointEmitter {
public:
  EntryPointEmitter(func::FuncOp source,
                    const llvm::DenseMap<Operation *, func::FuncOp> &kernels,
                    EntryPointTarget &target)
      : source(source), kernels(kernels), target(target),
        b(source.getContext()),
        loc(source.getLoc()),
        pointer(LLVM::LLVMPointerType::get(source.getContext())) {}

  LogicalResult emit();

private:
  LogicalResult emitEntry(StringRef name);
  LogicalResult emitResultSizes(StringRef name);
  LogicalResult emitKernel(KernelOp kernel);
  LogicalResult emitReturn(func::ReturnOp op);

  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  Value loadAt(Type type, Value base, int64_t index) {
    Value address = base;
    if (index)
      address = LLVM::GEPOp::create(b, loc, pointer, type, base,
                                    LLVM::GEPArg(static_cast<int32_t>(index)));
    return LLVM::LoadOp::create(b, loc, type, address);
  }
  /// The address at an offset of the workspace.
  Value getPlace(int64_t offset) {
    if (!offset)
      return workspace;
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), workspace,
                               LLVM::GEPArg(constant(offset)));
  }
  func::FuncOp declare(StringRef name, FunctionType type);
  /// Returns from the entry point with an error, whose text `report` or the
  /// runtime has set.
  void leaveIf(Value failed, llvm::function_ref<void()> report = {});
  /// The same where memory could not be had.
  void leaveIfNull(Value memory);
  void freeDynamicBlocks();
  void emitLend(Value memory, int64_t bytes);
  LogicalResult emitAssert(cf::AssertOp op);
  /// The pointer of a tensor's memory.
  FailureOr<Value> getPointer(Value tensor);
  /// The i64 value of dimension `dim` of `tensor`.
  FailureOr<Value> getSize(Value tensor, int64_t dim);
  /// The value of a scalar of the source function; index becomes i64.
  FailureOr<Value> getScalar(Value scalar);
  FailureOr<Value> getByteSize(Value tensor);
  FailureOr<Value> allocate(Value tensor);
  FailureOr<Value> getConstantPointer(arith::ConstantOp op);

  func::FuncOp source;
  const llvm::DenseMap<Operation *, func::FuncOp> &kernels;
  EntryPointTarget &target;
  OpBuilder b;
  Location loc;
  Type pointer;
  Value context, args, results, sizes, workspace;
  llvm::DenseMap<Value, Value> pointers, scalars;
  llvm::DenseMap<std::pair<Value, int64_t>, Value> dims;
  SmallVector<Value> dynamicBlocks;
  /// A size of a result depends on the value of a scalar argument.
  bool sizesNeedScalars = false;
};

} // namespace

static int64_t getElementBytes(Type type) {
  if (auto complex = dyn_cast<ComplexType>(type))
    return 2 * getElementBytes(complex.getElementType());
  return type.isIndex() ? 8
                        : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

func::FuncOp EntryPointEmitter::declare(StringRef name, FunctionType type) {
  return declareRuntime(b, source->getParentOfType<ModuleOp>(), loc, name,
                        type);
}

FailureOr<Value> EntryPointEmitter::getConstantPointer(arith::ConstantOp op) {
  auto module = source->getParentOfType<ModuleOp>();
  auto type = cast<RankedTensorType>(op.getType());
  Type element = type.getElementType();
  auto attr = cast<ElementsAttr>(op.getValue());
  // Bools are stored as bytes.
  if (element.isInteger(1)) {
    SmallVector<int8_t> bytes;
    for (bool value : attr.getValues<bool>())
      bytes.push_back(value);
    element = b.getI8Type();
    attr = DenseElementsAttr::get(type.clone(element), ArrayRef(bytes));
  }
  std::string name;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    for (int64_t i = 0;; ++i) {
      name = ("fx_constant_" + Twine(i)).str();
      if (!module.lookupSymbol(name))
        break;
    }
    auto array = LLVM::LLVMArrayType::get(element, type.getNumElements());
    auto flat = RankedTensorType::get({type.getNumElements()}, element);
    Attribute value = attr;
    if (auto dense = dyn_cast<DenseElementsAttr>(attr))
      value = dense.isSplat() ? DenseElementsAttr::get(
                                    flat, dense.getSplatValue<Attribute>())
                              : dense.reshape(flat);
    LLVM::GlobalOp::create(b, loc, array, /*isConstant=*/true,
                           LLVM::Linkage::Internal, name, value,
                           /*alignment=*/64);
  }
  Value host = LLVM::AddressOfOp::create(b, loc, pointer, name);
  return target.emitConstant(
      b, loc, context, host,
      constant(type.getNumElements() * getElementBytes(element)));
}

FailureOr<Value> EntryPointEmitter::getPointer(Value tensor) {
  tensor = getStorage(tensor);
  Value &cached = pointers[tensor];
  if (cached)
    return cached;
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    cached = loadAt(pointer, args, argument.getArgNumber());
    target.emitCheck(b, loc, context, cached, argument.getArgNumber(),
                     /*isResult=*/false);
    return cached;
  }
  if (auto constantOp = tensor.getDefiningOp<arith::ConstantOp>())
    return cached = *getConstantPointer(constantOp);
  // Contents that nobody sets still need memory.
  if (tensor.getDefiningOp<tensor::EmptyOp>()) {
    FailureOr<Value> block = allocate(tensor);
    if (succeeded(block))
      pointers[tensor] = *block;
    return block;
  }
  return tensor.getDefiningOp()->emitOpError(
      "has no memory: it is not the result of a kernel");
}

FailureOr<Value> EntryPointEmitter::getSize(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return constant(type.getDimSize(dim));
  if (Value known = dims.lookup({tensor, dim}))
    return known;
  Value size;
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    int64_t index = 0;
    for (Type other :
         source.getArgumentTypes().take_front(argument.getArgNumber()))
      if (auto otherTensor = dyn_cast<RankedTensorType>(other))
        index += otherTensor.getNumDynamicDims();
    size = loadAt(b.getI64Type(), sizes, index + type.getDynamicDimIndex(dim));
  } else if (auto kernel = tensor.getDefiningOp<KernelOp>()) {
    OpFoldResult value = kernel.getResultSizes(
        cast<OpResult>(tensor).getResultNumber())[dim];
    FailureOr<Value> scalar = getScalar(cast<Value>(value));
    if (failed(scalar))
      return failure();
    size = *scalar;
  } else if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>()) {
    FailureOr<Value> scalar =
        getScalar(expand.getOutputShape()[type.getDynamicDimIndex(dim)]);
    if (failed(scalar))
      return failure();
    size = *scalar;
  } else if (auto collapse =
                 tensor.getDefiningOp<tensor::CollapseShapeOp>()) {
    size = constant(1);
    ReassociationIndices parts = collapse.getReassociationIndices()[dim];
    for (int64_t part : parts) {
      FailureOr<Value> factor = getSize(collapse.getSrc(), part);
      if (failed(factor))
        return failure();
      size = arith::MulIOp::create(b, loc, size, *factor);
    }
  } else if (auto reshape = tensor.getDefiningOp<tensor::ReshapeOp>();
             reshape &&
             reshape.getShape().getDefiningOp<tensor::FromElementsOp>()) {
    auto shape = reshape.getShape().getDefiningOp<tensor::FromElementsOp>();
    FailureOr<Value> scalar = getScalar(shape.getElements()[dim]);
    if (failed(scalar))
      return failure();
    size = *scalar;
  } else if (auto cast = tensor.getDefiningOp<tensor::CastOp>()) {
    FailureOr<Value> same = getSize(cast.getSource(), dim);
    if (failed(same))
      return failure();
    size = *same;
  } else if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>()) {
    FailureOr<Value> scalar =
        getScalar(empty.getDynamicSizes()[type.getDynamicDimIndex(dim)]);
    if (failed(scalar))
      return failure();
    size = *scalar;
  } else {
    return tensor.getDefiningOp()->emitOpError(
        "has a dynamic size that the entry point cannot compute");
  }
  dims[{tensor, dim}] = size;
  return size;
}

FailureOr<Value> EntryPointEmitter::getScalar(Value scalar) {
  if (Value known = scalars.lookup(scalar))
    return known;
  Value value;
  if (auto argument = dyn_cast<BlockArgument>(scalar)) {
    if (!args) {
      // The caller has to know; what is computed here is not used.
      sizesNeedScalars = true;
      Type type = scalar.getType().isIndex() ? b.getI64Type() : scalar.getType();
      return arith::ConstantOp::create(b, loc, b.getZeroAttr(type)).getResult();
    }
    Value address = loadAt(pointer, args, argument.getArgNumber());
    Type type = scalar.getType();
    Type stored = type.isIndex()     ? b.getI64Type()
                  : type.isInteger(1) ? b.getI8Type()
                                      : type;
    value = LLVM::LoadOp::create(b, loc, stored, address);
    if (type.isInteger(1))
      value = arith::TruncIOp::create(b, loc, type, value);
  } else if (auto dim = scalar.getDefiningOp<tensor::DimOp>()) {
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index)
      return dim.emitOpError("asks for a dimension that is not a constant");
    FailureOr<Value> size = getSize(dim.getSource(), *index);
    if (failed(size))
      return failure();
    value = *size;
  } else if (auto extract = scalar.getDefiningOp<tensor::ExtractOp>()) {
    if (!args)
      return extract.emitOpError("decides the size of a result, which is not "
                                 "known when results are allocated");
    FailureOr<Value> base = getPointer(extract.getTensor());
    if (failed(base))
      return failure();
    Value offset = constant(0);
    for (auto [d, index] : llvm::enumerate(extract.getIndices())) {
      FailureOr<Value> size = getSize(extract.getTensor(), d);
      FailureOr<Value> position = getScalar(index);
      if (failed(size) || failed(position))
        return failure();
      offset = arith::AddIOp::create(
          b, loc, arith::MulIOp::create(b, loc, offset, *size), *position);
    }
    Type type = scalar.getType();
    Type stored = type.isInteger(1) ? Type(b.getI8Type()) : type;
    Value address = LLVM::GEPOp::create(b, loc, pointer, stored, *base,
                                        LLVM::GEPArg(offset));
    value = target.emitRead(b, loc, context, stored, address);
    if (type.isInteger(1))
      value = arith::TruncIOp::create(b, loc, type, value);
  } else {
    // Arithmetic on scalars; index is i64 here.
    Operation *op = scalar.getDefiningOp();
    if (op->getNumRegions())
      return op->emitOpError("with regions cannot be computed by the entry "
                             "point");
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> mapped = getScalar(operand);
      if (failed(mapped))
        return failure();
      operands.push_back(*mapped);
    }
    if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
      value = operands[0];
      Type type = scalar.getType().isIndex() ? b.getI64Type()
                                             : scalar.getType();
      unsigned from = value.getType().getIntOrFloatBitWidth();
      unsigned to = type.getIntOrFloatBitWidth();
      if (from < to)
        value = isa<arith::IndexCastOp>(op)
                    ? Value(arith::ExtSIOp::create(b, loc, type, value))
                    : Value(arith::ExtUIOp::create(b, loc, type, value));
      else if (from > to)
        value = arith::TruncIOp::create(b, loc, type, value);
    } else if (auto constantOp = dyn_cast<arith::ConstantOp>(op)) {
      if (scalar.getType().isIndex())
        value = constant(cast<IntegerAttr>(constantOp.getValue()).getInt());
      else
        value = b.clone(*op)->getResult(0);
    } else {
      IRMapping mapping;
      mapping.map(op->getOperands(), operands);
      Operation *copy = b.clone(*op, mapping);
      for (Value result : copy->getResults())
        if (result.getType().isIndex())
          result.setType(b.getI64Type());
      for (auto [from, to] : llvm::zip(op->getResults(), copy->getResults()))
        scalars[from] = to;
      return scalars[scalar];
    }
  }
  scalars[scalar] = value;
  return value;
}

FailureOr<Value> EntryPointEmitter::getByteSize(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value bytes = constant(getElementBytes(type.getElementType()));
  for (int64_t d = 0; d < type.getRank(); ++d) {
    FailureOr<Value> size = getSize(tensor, d);
    if (failed(size))
      return failure();
    bytes = arith::MulIOp::create(b, loc, bytes, *size);
  }
  return bytes;
}

/// Memory of the runtime for a tensor, until the function returns.
FailureOr<Value> EntryPointEmitter::allocate(Value tensor) {
  FailureOr<Value> bytes = getByteSize(tensor);
  if (failed(bytes))
    return failure();
  func::FuncOp alloc = declare(
      target.getMemoryFunctions().alloc,
      b.getFunctionType({pointer, b.getI64Type()}, {pointer}));
  Value block =
      func::CallOp::create(b, loc, alloc, ValueRange{context, *bytes})
          .getResult(0);
  leaveIfNull(block);
  dynamicBlocks.push_back(block);
  return block;
}

LogicalResult EntryPointEmitter::emitKernel(KernelOp kernel) {
  loc = kernel.getLoc();
  auto places = kernel->getAttrOfType<DenseI64ArrayAttr>(kPlacementAttr);
  if (!places)
    return kernel.emitOpError("has no memory plan; run fx-plan-memory first");
  for (auto [result, place] :
       llvm::zip(kernel.getResults(), places.asArrayRef())) {
    if (place >= 0) {
      pointers[result] = getPlace(place);
    } else if (place != kDynamicPlacement) {
      pointers[result] = loadAt(pointer, results, -1 - place);
      target.emitCheck(b, loc, context, pointers[result], -1 - place,
                       /*isResult=*/true);
    } else {
      FailureOr<Value> block = allocate(result);
      if (failed(block))
        return failure();
      pointers[result] = *block;
    }
  }
  SmallVector<Value> operands = {context};
  auto addTensor = [&](Value tensor) -> LogicalResult {
    FailureOr<Value> base = getPointer(tensor);
    if (failed(base))
      return failure();
    operands.push_back(*base);
    auto type = cast<RankedTensorType>(tensor.getType());
    for (int64_t d = 0; d < type.getRank(); ++d) {
      if (!type.isDynamicDim(d))
        continue;
      FailureOr<Value> size = getSize(tensor, d);
      if (failed(size))
        return failure();
      operands.push_back(*size);
    }
    return success();
  };
  for (Value input : kernel.getInputs()) {
    if (isa<RankedTensorType>(input.getType())) {
      if (failed(addTensor(input)))
        return failure();
      continue;
    }
    FailureOr<Value> scalar = getScalar(input);
    if (failed(scalar))
      return failure();
    operands.push_back(*scalar);
  }
  for (Value result : kernel.getResults())
    if (failed(addTensor(result)))
      return failure();
  auto lent = kernel->getAttrOfType<IntegerAttr>(kScratchPlacementAttr);
  if (lent)
    emitLend(getPlace(lent.getInt()),
             kernel->getAttrOfType<DenseI64ArrayAttr>(kScratchAttr)[0]);
  func::CallOp::create(b, loc, kernels.lookup(kernel), operands);
  if (lent)
    emitLend(LLVM::ZeroOp::create(b, loc, pointer), 0);
  return success();
}

void EntryPointEmitter::emitLend(Value memory, int64_t bytes) {
  func::FuncOp lend = declare(
      "fx_rt_lend",
      b.getFunctionType({pointer, pointer, b.getI64Type()}, {}));
  func::CallOp::create(b, loc, lend,
                       ValueRange{context, memory, constant(bytes)});
}

void EntryPointEmitter::freeDynamicBlocks() {
  if (dynamicBlocks.empty())
    return;
  func::FuncOp release =
      declare(target.getMemoryFunctions().release,
              b.getFunctionType({pointer, pointer}, {}));
  for (Value block : dynamicBlocks)
    func::CallOp::create(b, loc, release, ValueRange{context, block});
}

void EntryPointEmitter::leaveIf(Value failed,
                                llvm::function_ref<void()> report) {
  Region *region = b.getInsertionBlock()->getParent();
  auto *fail = new Block, *next = new Block;
  region->push_back(fail);
  region->push_back(next);
  LLVM::CondBrOp::create(b, loc, failed, fail, next);
  b.setInsertionPointToEnd(fail);
  if (report)
    report();
  freeDynamicBlocks();
  func::ReturnOp::create(
      b, loc, arith::ConstantIntOp::create(b, loc, 1, 32).getResult());
  b.setInsertionPointToEnd(next);
}

void EntryPointEmitter::leaveIfNull(Value memory) {
  Value null = LLVM::ZeroOp::create(b, loc, pointer);
  leaveIf(LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, memory, null));
}

/// cf.assert of a scalar -> an error of the entry point
LogicalResult EntryPointEmitter::emitAssert(cf::AssertOp op) {
  FailureOr<Value> holds = getScalar(op.getArg());
  if (failed(holds))
    return failure();
  auto module = source->getParentOfType<ModuleOp>();
  std::string text = op.getMsg().str();
  text.push_back('\0');
  std::string name;
  for (int64_t i = 0;; ++i) {
    name = ("fx_message_" + Twine(i)).str();
    if (!module.lookupSymbol(name))
      break;
  }
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(
        b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), text.size()),
        /*isConstant=*/true, LLVM::Linkage::Internal, name,
        b.getStringAttr(text));
  }
  Value one = arith::ConstantIntOp::create(b, loc, 1, 1);
  leaveIf(arith::XOrIOp::create(b, loc, *holds, one), [&] {
    func::FuncOp setError =
        declare("fx_rt_set_error", b.getFunctionType({pointer}, {}));
    func::CallOp::create(
        b, loc, setError,
        ValueRange{LLVM::AddressOfOp::create(b, loc, pointer, name)});
  });
  return success();
}

LogicalResult EntryPointEmitter::emitReturn(func::ReturnOp op) {
  auto ownPlaces =
      source->getAttrOfType<DenseI64ArrayAttr>(kResultPlacementAttr);
  for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
    Value destination;
    if (ownPlaces) {
      bool isWritten = ownPlaces[index] != kDynamicPlacement;
      FailureOr<Value> address = isWritten ? FailureOr<Value>(getPlace(ownPlaces[index]))
                                           : getPointer(operand);
      if (failed(address))
        return failure();
      LLVM::StoreOp::create(
          b, loc, *address,
          LLVM::GEPOp::create(b, loc, pointer, pointer, results,
                              LLVM::GEPArg(static_cast<int32_t>(index))));
      if (!isWritten)
        continue;
      destination = *address;
    } else {
      destination = loadAt(pointer, results, index);
    }
    if (!isa<RankedTensorType>(operand.getType())) {
      FailureOr<Value> scalar = getScalar(operand);
      if (failed(scalar))
        return failure();
      Value value = *scalar;
      if (value.getType().isInteger(1))
        value = arith::ExtUIOp::create(b, loc, b.getI8Type(), value);
      LLVM::StoreOp::create(b, loc, value, destination);
      continue;
    }
    Value storage = getStorage(operand);
    if (auto kernel = storage.getDefiningOp<KernelOp>()) {
      int64_t place = kernel->getAttrOfType<DenseI64ArrayAttr>(
          kPlacementAttr)[cast<OpResult>(storage).getResultNumber()];
      if (place == -1 - static_cast<int64_t>(index))
        continue;
    } else if (storage.getDefiningOp<tensor::EmptyOp>()) {
      continue;
    }
    FailureOr<Value> from = getPointer(operand);
    FailureOr<Value> bytes = getByteSize(operand);
    if (failed(from) || failed(bytes))
      return failure();
    target.emitCopy(b, loc, context, destination, *from, *bytes);
  }
  freeDynamicBlocks();
  return success();
}

LogicalResult EntryPointEmitter::emitEntry(StringRef name) {
  b.setInsertionPoint(source);
  auto entry = func::FuncOp::create(
      b, loc, name,
      b.getFunctionType({pointer, pointer, pointer, pointer},
                        {b.getI32Type()}));
  Block *block = entry.addEntryBlock();
  b.setInsertionPointToEnd(block);
  context = block->getArgument(0);
  args = block->getArgument(1);
  results = block->getArgument(2);
  sizes = block->getArgument(3);
  if (Value status = target.emitBegin(b, loc, context))
    leaveIf(arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::ne, status,
        arith::ConstantIntOp::create(b, loc, 0, 32)));
  auto bytes = source->getAttrOfType<IntegerAttr>(kWorkspaceAttr);
  if (bytes && bytes.getInt() > 0) {
    func::FuncOp take = declare(
        target.getMemoryFunctions().workspace,
        b.getFunctionType({pointer, b.getI64Type()}, {pointer}));
    workspace = func::CallOp::create(
                    b, loc, take,
                    ValueRange{context, constant(bytes.getInt())})
                    .getResult(0);
    leaveIfNull(workspace);
  }
  for (Operation &op : source.getBody().front()) {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      if (failed(emitKernel(kernel)))
        return failure();
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      // Memory that it reads may be reused later.
      if (failed(getScalar(extract)))
        return failure();
    } else if (auto assertOp = dyn_cast<cf::AssertOp>(op)) {
      if (failed(emitAssert(assertOp)))
        return failure();
    } else if (auto ret = dyn_cast<func::ReturnOp>(op)) {
      if (failed(emitReturn(ret)))
        return failure();
    }
  }
  func::ReturnOp::create(b, loc, target.emitEnd(b, loc, context));
  return success();
}

LogicalResult EntryPointEmitter::emitResultSizes(StringRef name) {
  loc = source.getLoc();
  pointers.clear();
  scalars.clear();
  dims.clear();
  context = args = results = workspace = Value();
  b.setInsertionPoint(source);
  auto function = func::FuncOp::create(
      b, loc, (name + "_result_sizes").str(),
      b.getFunctionType({pointer, pointer}, {b.getI32Type()}));
  Block *block = function.addEntryBlock();
  b.setInsertionPointToEnd(block);
  sizes = block->getArgument(0);
  auto ret = cast<func::ReturnOp>(source.getBody().front().getTerminator());
  int64_t next = 0;
  for (Value operand : ret.getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    for (int64_t d = 0; type && d < type.getRank(); ++d) {
      FailureOr<Value> size = getSize(operand, d);
      if (failed(size))
        return failure();
      Value address = LLVM::GEPOp::create(
          b, loc, pointer, b.getI64Type(), block->getArgument(1),
          LLVM::GEPArg(static_cast<int32_t>(next++)));
      LLVM::StoreOp::create(b, loc, *size, address);
    }
  }
  func::ReturnOp::create(
      b, loc, arith::ConstantIntOp::create(b, loc, sizesNeedScalars, 32).getResult());
  return success();
}

LogicalResult EntryPointEmitter::emit() {
  if (!source.getBody().hasOneBlock())
    return source.emitOpError("has several blocks; control flow between blocks "
                              "has no lowering");
  std::string name = source.getName().str();
  source.setName(name + "_source");
  if (failed(emitEntry(name)) || failed(emitResultSizes(name)))
    return failure();
  source.erase();
  return success();
}

Value EntryPointTarget::emitEnd(OpBuilder &b, Location loc, Value context) {
  return arith::ConstantIntOp::create(b, loc, 0, 32);
}

Value EntryPointTarget::emitRead(OpBuilder &b, Location loc, Value context,
                                 Type type, Value address) {
  return LLVM::LoadOp::create(b, loc, type, address);
}

void EntryPointTarget::emitCopy(OpBuilder &b, Location loc, Value context,
                                Value to, Value from, Value bytes) {
  LLVM::MemcpyOp::create(b, loc, to, from, bytes, /*isVolatile=*/false);
}

LogicalResult target::emitEntryPoint(
    func::FuncOp source,
    const llvm::DenseMap<Operation *, func::FuncOp> &kernels,
    EntryPointTarget &target) {
  return EntryPointEmitter(source, kernels, target).emit();
}
