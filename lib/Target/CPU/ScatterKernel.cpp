//===- ScatterKernel.cpp - Writes at places that are data -----------------===//
//
// Loops that write to elements of their own are shared by threads, and one of
// them, if there is one that runs through neighbours in memory, is a vector:
// sums of rows are sums of vectors. The other loops run in order, so that the
// result does not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "fx/Lowering/Kernels/Scatter.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <numeric>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

/// Iterations below which threads do not pay, and of one chunk that a thread
/// takes.
static constexpr int64_t kSerialPoints = 1 << 14;
static constexpr int64_t kChunkPoints = 1 << 13;
/// Columns of one chunk where threads share the vector loop; the least number,
/// which for f32 is a line of the cache.
static constexpr int64_t kChunkColumns = 64;
static constexpr int64_t kLeastColumns = 16;

namespace {

/// A value in an iteration, or in as many as a vector has lanes.
struct Lanes {
  Value value;
  bool isVector = false;
};

class ScatterEmitter {
public:
  ScatterEmitter(OpBuilder &b, Scatter &scatter, KernelOp kernelOp,
                 KernelFunction &function, unsigned vectorBits)
      : b(b), loc(scatter.insert.getLoc()), scatter(scatter),
        kernelOp(kernelOp), function(function), vectorBits(vectorBits) {}

  void emit();

private:
  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  Type getStored(Type type) {
    return type.isIndex()      ? Type(b.getI64Type())
           : type.isInteger(1) ? Type(b.getI8Type())
                               : type;
  }
  VectorType getVector(Type element) {
    return VectorType::get({width}, element);
  }
  Value splat(Lanes lanes);
  Lanes get(Value value);
  Value getSize(scf::ForOp loop) { return get(loop.getUpperBound()).value; }

  /// The vector loop, or null.
  scf::ForOp findVectorLoop();
  int64_t getWidth();
  /// Whether a value changes along the vector loop.
  bool varies(Value value);
  const Buffer &getMemory(Value tensor);
  Value getStart(const Buffer &buffer, ValueRange indices, Type stored,
                 bool &isContiguous, Value &lanes);
  Lanes load(tensor::ExtractOp op);
  void store(tensor::InsertOp op);
  void cloneBlock(Block &block);
  void cloneIf(scf::IfOp op);
  Lanes clone(Operation *op);
  void emitVectorLoop(Value begin, Value end);
  void emitSerial(ArrayRef<scf::ForOp> loops,
                  llvm::function_ref<void()> emitBody);

  OpBuilder &b;
  Location loc;
  Scatter &scatter;
  KernelOp kernelOp;
  KernelFunction &function;
  unsigned vectorBits;
  scf::ForOp vectorLoop;
  int64_t width = 1, chunkColumns = kChunkColumns;
  /// The counter of the vector loop in the code that is made.
  Value column;
  /// Lanes that are iterations, with the condition around them; null for all.
  Value mask;
  llvm::DenseMap<Value, Lanes> values;
  llvm::DenseMap<Value, bool> varying;
};

} // namespace

Value ScatterEmitter::splat(Lanes lanes) {
  if (lanes.isVector)
    return lanes.value;
  return vector::BroadcastOp::create(
      b, loc, getVector(lanes.value.getType()), lanes.value);
}

bool ScatterEmitter::varies(Value value) {
  if (!vectorLoop)
    return false;
  if (isa<BlockArgument>(value))
    return value == vectorLoop.getInductionVar();
  auto [it, isNew] = varying.try_emplace(value, false);
  if (!isNew)
    return it->second;
  bool result = false;
  value.getDefiningOp()->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (operand != value && operand.getDefiningOp() != op)
        result |= varies(operand);
  });
  return varying[value] = result;
}

scf::ForOp ScatterEmitter::findVectorLoop() {
  // Memory has an element for each lane, and no value of an scf.if does.
  Block *body = scatter.loops.back().getBody();
  bool hasChoice = false;
  body->walk([&](scf::IfOp op) {
    hasChoice |= op.getNumResults() != 1 ||
                 !isa<RankedTensorType>(op.getResult(0).getType());
  });
  OperandRange indices = scatter.insert.getIndices();
  if (hasChoice || indices.empty())
    return {};
  for (scf::ForOp loop : scatter.loops)
    if (loop.getInductionVar() == indices.back() &&
        getConstantIntValue(loop.getUpperBound()) != 1)
      return loop;
  return {};
}

int64_t ScatterEmitter::getWidth() {
  int64_t lanes = vectorBits / 32;
  // Two registers for each value, where there are no places to compute.
  bool isContiguous = true;
  scatter.loops.back().getBody()->walk([&](Operation *op) {
    OperandRange indices = op->getOperands().drop_front(op->getNumOperands());
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      indices = extract.getIndices();
    else if (op == scatter.insert)
      indices = scatter.insert.getIndices();
    for (auto [i, index] : llvm::enumerate(indices))
      isContiguous &= !varies(index) ||
                      (i + 1 == indices.size() &&
                       index == vectorLoop.getInductionVar());
  });
  if (isContiguous)
    lanes *= 2;
  if (auto size = getConstantIntValue(vectorLoop.getUpperBound()))
    lanes = std::min<int64_t>(lanes, llvm::PowerOf2Ceil(*size));
  return lanes;
}

Lanes ScatterEmitter::get(Value value) {
  if (auto it = values.find(value); it != values.end())
    return it->second;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return {function.scalars[argument.getArgNumber()]};
  Operation *op = value.getDefiningOp();
  if (auto known = getConstantIntValue(value); known && value.getType().isIndex())
    return {constant(*known)};
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return {materialize(b, loc,
                        getMemory(dim.getSource()).sizes[*dim.getConstantIndex()])};
  return clone(op);
}

const Buffer &ScatterEmitter::getMemory(Value tensor) {
  auto argument = cast<BlockArgument>(tensor);
  return argument.getOwner()->getParentOp() == kernelOp.getOperation()
             ? getBuffer(kernelOp, function, argument)
             : function.results[0];
}

/// The offset of an element; of several, that of what all lanes share, and
/// `lanes` relative to it.
Value ScatterEmitter::getStart(const Buffer &buffer, ValueRange indices,
                               Type stored, bool &isContiguous, Value &lanes) {
  isContiguous = !indices.empty() && vectorLoop &&
                 indices.back() == vectorLoop.getInductionVar();
  for (Value index : indices.drop_back(isContiguous))
    isContiguous &= !varies(index);
  bool isVector = !isContiguous && llvm::any_of(indices, [&](Value index) {
    return varies(index);
  });
  Value offset = constant(0);
  if (isVector)
    lanes = splat({offset});
  for (auto [index, size] : llvm::zip(indices, buffer.sizes)) {
    Value extent = materialize(b, loc, size);
    bool isColumn = isContiguous && index == indices.back();
    Lanes at = isColumn ? Lanes{column} : get(index);
    offset = arith::MulIOp::create(b, loc, offset, extent);
    if (isVector)
      lanes = arith::MulIOp::create(b, loc, lanes, splat({extent}));
    if (at.isVector)
      lanes = arith::AddIOp::create(b, loc, lanes, at.value);
    else
      offset = arith::AddIOp::create(b, loc, offset, at.value);
  }
  return LLVM::GEPOp::create(b, loc, buffer.pointer.getType(), stored,
                             buffer.pointer, LLVM::GEPArg(offset));
}

static unsigned getAlignment(Type stored) {
  return std::max<unsigned>(1, stored.getIntOrFloatBitWidth() / 8);
}

Lanes ScatterEmitter::load(tensor::ExtractOp op) {
  Type stored = getStored(op.getType());
  unsigned alignment = getAlignment(stored);
  bool isContiguous;
  Value lanes, value;
  Value start = getStart(getMemory(op.getTensor()), op.getIndices(), stored,
                         isContiguous, lanes);
  bool isVector = isContiguous || lanes;
  if (!isVector) {
    value = LLVM::LoadOp::create(b, loc, stored, start, alignment);
  } else {
    VectorType type = getVector(stored);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    if (isContiguous && mask) {
      value = LLVM::MaskedLoadOp::create(b, loc, type, start, mask, zero,
                                         b.getI32IntegerAttr(alignment));
    } else if (isContiguous) {
      value = LLVM::LoadOp::create(b, loc, type, start, alignment);
    } else {
      Value all = mask;
      if (!all)
        all = arith::ConstantOp::create(
            b, loc, DenseElementsAttr::get(getVector(b.getI1Type()), true));
      Value pointers = LLVM::GEPOp::create(
          b, loc, getVector(start.getType()), stored, start,
          LLVM::GEPArg(lanes));
      value = LLVM::masked_gather::create(b, loc, type, pointers, all,
                                          ValueRange{zero},
                                          b.getI32IntegerAttr(alignment));
    }
  }
  if (op.getType().isInteger(1))
    value = arith::TruncIOp::create(
        b, loc, isVector ? Type(getVector(op.getType())) : op.getType(), value);
  return {value, isVector};
}

void ScatterEmitter::store(tensor::InsertOp op) {
  Type type = op.getScalar().getType(), stored = getStored(type);
  unsigned alignment = getAlignment(stored);
  bool isContiguous;
  Value lanes;
  Lanes scalar = get(op.getScalar());
  Value start = getStart(function.results[0], op.getIndices(), stored,
                         isContiguous, lanes);
  bool isVector = isContiguous || lanes;
  Value value = isVector ? splat(scalar) : scalar.value;
  if (type.isInteger(1))
    value = arith::ExtUIOp::create(
        b, loc, isVector ? Type(getVector(stored)) : stored, value);
  if (!isVector || (isContiguous && !mask)) {
    LLVM::StoreOp::create(b, loc, value, start, alignment);
    return;
  }
  if (isContiguous) {
    LLVM::MaskedStoreOp::create(b, loc, value, start, mask, alignment);
    return;
  }
  Value all = mask;
  if (!all)
    all = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(getVector(b.getI1Type()), true));
  Value pointers = LLVM::GEPOp::create(b, loc, getVector(start.getType()),
                                       stored, start, LLVM::GEPArg(lanes));
  LLVM::masked_scatter::create(b, loc, value, pointers, all,
                               b.getI32IntegerAttr(alignment));
}

Lanes ScatterEmitter::clone(Operation *op) {
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return values[extract.getResult()] = load(extract);
  SmallVector<Lanes> operands;
  bool isVector = false;
  for (Value operand : op->getOperands()) {
    operands.push_back(get(operand));
    isVector |= operands.back().isVector;
  }
  SmallVector<Value> arguments;
  for (Lanes operand : operands)
    arguments.push_back(isVector ? splat(operand) : operand.value);
  Type type = getStored(op->getResult(0).getType());
  if (op->getResult(0).getType().isInteger(1))
    type = b.getI1Type();
  Type shaped = isVector ? Type(getVector(type)) : type;
  Value value;
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    unsigned from =
        getElementTypeOrSelf(arguments[0].getType()).getIntOrFloatBitWidth();
    unsigned to = type.getIntOrFloatBitWidth();
    value = arguments[0];
    if (from > to)
      value = arith::TruncIOp::create(b, loc, shaped, value);
    else if (from < to && isa<arith::IndexCastOp>(op))
      value = arith::ExtSIOp::create(b, loc, shaped, value);
    else if (from < to)
      value = arith::ExtUIOp::create(b, loc, shaped, value);
  } else if (auto number = dyn_cast<arith::ConstantOp>(op)) {
    value = op->getResult(0).getType().isIndex()
                ? constant(cast<IntegerAttr>(number.getValue()).getInt())
                : b.clone(*op)->getResult(0);
  } else {
    OperationState state(loc, op->getName(), arguments, {shaped},
                         op->getAttrs());
    value = b.create(state)->getResult(0);
  }
  return values[op->getResult(0)] = {value, isVector};
}

/// A choice: between writing and not, or between numbers.
void ScatterEmitter::cloneIf(scf::IfOp op) {
  bool carries = isa<RankedTensorType>(op.getResult(0).getType());
  Lanes condition = get(op.getCondition());
  if (condition.isVector) {
    Value outer = mask;
    mask = outer ? Value(arith::AndIOp::create(b, loc, outer, condition.value))
                 : condition.value;
    cloneBlock(*op.thenBlock());
    mask = outer;
    return;
  }
  SmallVector<Type> types;
  if (!carries)
    for (Type type : op.getResultTypes())
      types.push_back(type.isInteger(1) ? type : getStored(type));
  auto copy = scf::IfOp::create(b, loc, types, condition.value,
                                /*addElseBlock=*/!types.empty());
  auto fill = [&](Block *from, Block *to) {
    OpBuilder::InsertionGuard guard(b);
    llvm::DenseMap<Value, Lanes> outside = values;
    if (to->mightHaveTerminator())
      to->getTerminator()->erase();
    b.setInsertionPointToEnd(to);
    cloneBlock(*from);
    SmallVector<Value> results;
    if (!carries)
      for (Value value : from->getTerminator()->getOperands())
        results.push_back(get(value).value);
    scf::YieldOp::create(b, loc, results);
    values = std::move(outside);
  };
  fill(op.thenBlock(), copy.thenBlock());
  if (types.empty())
    return;
  fill(op.elseBlock(), copy.elseBlock());
  for (auto [from, to] : llvm::zip(op.getResults(), copy.getResults()))
    values[from] = {to};
}

void ScatterEmitter::cloneBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (auto insert = dyn_cast<tensor::InsertOp>(op))
      store(insert);
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      cloneIf(branch);
    else if (!values.contains(op.getResult(0)))
      clone(&op);
  }
}

/// Counts through loops in their order.
void ScatterEmitter::emitSerial(ArrayRef<scf::ForOp> loops,
                                llvm::function_ref<void()> emitBody) {
  if (loops.empty())
    return emitBody();
  OpBuilder::InsertionGuard guard(b);
  scf::ForOp loop = loops.front();
  auto copy = scf::ForOp::create(b, loc, constant(0), getSize(loop),
                                 constant(1));
  values[loop.getInductionVar()] = {copy.getInductionVar()};
  b.setInsertionPoint(copy.getBody()->getTerminator());
  emitSerial(loops.drop_front(), emitBody);
}

/// The body for the columns `begin` to `end`, at the current point of the other
/// loops.
void ScatterEmitter::emitVectorLoop(Value begin, Value end) {
  Block &body = *scatter.loops.back().getBody();
  // What all columns share is computed once. What stands in an scf.if stays.
  for (Operation &op : body.without_terminator())
    if (!isa<tensor::InsertOp, scf::IfOp>(op) && !varies(op.getResult(0)))
      clone(&op);
  llvm::DenseMap<Value, Lanes> shared = values;
  auto emitAt = [&](Value at) {
    column = at;
    Value lanes = at;
    if (width > 1) {
      SmallVector<int64_t> numbers(width);
      std::iota(numbers.begin(), numbers.end(), 0);
      Value iota = arith::ConstantOp::create(
          b, loc,
          DenseElementsAttr::get(getVector(b.getI64Type()),
                                 ArrayRef(numbers)));
      lanes = arith::AddIOp::create(b, loc, splat({at}), iota);
    }
    values[vectorLoop.getInductionVar()] = {lanes, width > 1};
    cloneBlock(body);
    values = shared;
  };
  Value step = constant(width);
  Value length = arith::SubIOp::create(b, loc, end, begin);
  Value rest = arith::RemUIOp::create(b, loc, length, step);
  Value fullEnd = arith::SubIOp::create(b, loc, end, rest);
  {
    OpBuilder::InsertionGuard guard(b);
    auto loop = scf::ForOp::create(b, loc, begin, fullEnd, step);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    emitAt(loop.getInductionVar());
  }
  auto size = getConstantIntValue(vectorLoop.getUpperBound());
  if (size && *size % std::max(width, chunkColumns) == 0)
    return;
  OpBuilder::InsertionGuard guard(b);
  Value hasRest = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest,
                                        constant(0));
  auto branch = scf::IfOp::create(b, loc, hasRest, /*withElse=*/false);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  SmallVector<int32_t> numbers(width);
  std::iota(numbers.begin(), numbers.end(), 0);
  VectorType type = getVector(b.getI32Type());
  Value limit = arith::TruncIOp::create(b, loc, b.getI32Type(), rest);
  mask = arith::CmpIOp::create(
      b, loc, arith::CmpIPredicate::slt,
      arith::ConstantOp::create(
          b, loc, DenseElementsAttr::get(type, ArrayRef(numbers))),
      splat({limit}));
  emitAt(fullEnd);
  mask = Value();
}

void ScatterEmitter::emit() {
  b.setInsertionPointToEnd(function.entry);
  vectorLoop = findVectorLoop();
  if (vectorLoop)
    width = getWidth();
  if (width == 1)
    vectorLoop = scf::ForOp();

  SmallVector<scf::ForOp> own, serial;
  int64_t points = 1, columns = 1;
  for (scf::ForOp loop : scatter.loops) {
    int64_t size =
        getConstantIntValue(loop.getUpperBound()).value_or(kChunkPoints);
    points = std::min<int64_t>(points * std::max<int64_t>(size, 1), 1LL << 40);
    if (loop == vectorLoop)
      columns = size;
    else
      (scatter.isOwn(loop) ? own : serial).push_back(loop);
  }
  // What threads share: the own loops, or chunks of columns.
  bool sharesColumns = own.empty() && vectorLoop;
  if (sharesColumns && columns < 4 * kChunkColumns &&
      points >= kSerialPoints) {
    if (columns < 2 * width)
      width = std::min<int64_t>(width, kLeastColumns);
    chunkColumns = llvm::alignTo(
        std::max<int64_t>(kLeastColumns, llvm::divideCeil(columns, 4)), width);
  }
  Value count;
  if (sharesColumns)
    count = arith::DivUIOp::create(
        b, loc,
        arith::AddIOp::create(b, loc, getSize(vectorLoop),
                              constant(chunkColumns - 1)),
        constant(chunkColumns));
  for (scf::ForOp loop : own)
    count = count ? Value(arith::MulIOp::create(b, loc, count, getSize(loop)))
                  : getSize(loop);
  Value begin = constant(0), end = count;
  if (count && points >= kSerialPoints) {
    int64_t items = 1;
    for (scf::ForOp loop : own)
      items *= std::max<int64_t>(
          1, getConstantIntValue(loop.getUpperBound()).value_or(64));
    if (sharesColumns)
      items = llvm::divideCeil(columns, chunkColumns);
    int64_t grain = std::max<int64_t>(
        1, kChunkPoints / std::max<int64_t>(1, points / items));
    std::tie(begin, end) =
        enterParallelBody(b, loc, function, "body", count, grain);
    values.clear();
  }
  if (sharesColumns) {
    Value chunk = constant(chunkColumns), size = getSize(vectorLoop);
    begin = arith::MulIOp::create(b, loc, begin, chunk);
    end = arith::MinSIOp::create(
        b, loc, size, arith::MulIOp::create(b, loc, end, chunk));
    emitSerial(serial, [&] { emitVectorLoop(begin, end); });
  } else {
    if (!end)
      end = constant(1);
    OpBuilder::InsertionGuard guard(b);
    auto items = scf::ForOp::create(b, loc, begin, end, constant(1));
    b.setInsertionPoint(items.getBody()->getTerminator());
    Value rest = items.getInductionVar();
    for (scf::ForOp loop : llvm::reverse(own)) {
      Value size = getSize(loop);
      values[loop.getInductionVar()] = {
          arith::RemUIOp::create(b, loc, rest, size)};
      rest = arith::DivUIOp::create(b, loc, rest, size);
    }
    emitSerial(serial, [&] {
      if (vectorLoop)
        emitVectorLoop(constant(0), getSize(vectorLoop));
      else
        cloneBlock(*scatter.loops.back().getBody());
    });
  }
  func::ReturnOp::create(b, loc);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static llvm::SetVector<Operation *> getInitOps(KernelOp kernelOp,
                                               Value result) {
  llvm::SetVector<Operation *> ops;
  for (Operation &op : kernelOp.getBody().front().without_terminator())
    if (isLoopOp(&op) && op.getResult(0) != result)
      ops.insert(&op);
  return ops;
}

bool cpu::isScatterKernel(KernelOp kernelOp) {
  Block &body = kernelOp.getBody().front();
  if (body.getTerminator()->getNumOperands() != 1)
    return false;
  Value result = body.getTerminator()->getOperand(0);
  FailureOr<Scatter> scatter = matchScatter(result);
  if (failed(scatter))
    return false;
  // The nest reads memory and numbers that are there when the kernel begins.
  auto isGiven = [&](Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getOwner() == &body;
    Operation *op = value.getDefiningOp();
    if (auto dim = dyn_cast<tensor::DimOp>(op))
      return isa<BlockArgument>(dim.getSource()) &&
             dim.getConstantIndex().has_value();
    return op->hasTrait<OpTrait::ConstantLike>();
  };
  scf::ForOp outer = scatter->loops.front();
  bool isClosed = true;
  outer->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!outer->isAncestor(operand.getParentBlock()->getParentOp()) &&
          operand != scatter->init)
        isClosed &= isGiven(operand);
  });
  if (!isClosed)
    return false;
  if (isa<BlockArgument>(scatter->init))
    return true;
  return succeeded(
      LoopKernel::analyze(getInitOps(kernelOp, result), {scatter->init}));
}

/// Copies what the scatter writes into to the result.
static void emitCopy(OpBuilder &b, KernelFunction &function,
                     Scatter &scatter) {
  constexpr int64_t kChunk = 1 << 16;
  Location loc = scatter.insert.getLoc();
  unsigned number = cast<BlockArgument>(scatter.init).getArgNumber();
  b.setInsertionPointToEnd(function.entry);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  };
  auto getBytes = [&] {
    const Buffer &from = function.inputs[number];
    Value bytes = constant(llvm::divideCeil(
        from.type.getElementType().getIntOrFloatBitWidth(), 8));
    for (OpFoldResult size : from.sizes)
      bytes = arith::MulIOp::create(b, loc, bytes, materialize(b, loc, size));
    return bytes;
  };
  Value count = arith::DivUIOp::create(
      b, loc, arith::AddIOp::create(b, loc, getBytes(), constant(kChunk - 1)),
      constant(kChunk));
  auto [begin, end] = enterParallelBody(b, loc, function, "body", count,
                                        /*grain=*/4);
  Value first = arith::MulIOp::create(b, loc, begin, constant(kChunk));
  Value last = arith::MinSIOp::create(
      b, loc, getBytes(), arith::MulIOp::create(b, loc, end, constant(kChunk)));
  auto at = [&](Value pointer) -> Value {
    return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(),
                               pointer, LLVM::GEPArg(first));
  };
  LLVM::MemcpyOp::create(b, loc, at(function.results[0].pointer),
                         at(function.inputs[number].pointer),
                         arith::SubIOp::create(b, loc, last, first),
                         /*isVolatile=*/false);
  func::ReturnOp::create(b, loc);
}

LogicalResult cpu::emitScatterKernel(OpBuilder &b, KernelOp kernelOp,
                                     KernelFunction &target,
                                     unsigned vectorBits) {
  OpBuilder::InsertionGuard guard(b);
  Value result = kernelOp.getBody().front().getTerminator()->getOperand(0);
  FailureOr<Scatter> scatter = matchScatter(result);
  auto addPart = [&](StringRef suffix) {
    OpBuilder inner(b.getContext());
    inner.setInsertionPointAfter(target.function);
    KernelFunction part = createKernelFunction(
        inner, kernelOp, (target.function.getName() + suffix).str());
    b.setInsertionPointToEnd(target.entry);
    func::CallOp::create(b, kernelOp.getLoc(), part.function,
                         target.function.getArguments());
    return part;
  };
  KernelFunction before = addPart("_before"), nest = addPart("_scatter");
  func::ReturnOp::create(b, kernelOp.getLoc());
  OpBuilder inner(b.getContext());
  if (isa<BlockArgument>(scatter->init)) {
    emitCopy(inner, before, *scatter);
  } else {
    FailureOr<LoopKernel> kernel =
        LoopKernel::analyze(getInitOps(kernelOp, result), {scatter->init});
    LoopSchedule schedule = chooseSchedule(*kernel, vectorBits);
    inner.setInsertionPointToEnd(before.entry);
    LoopEmitter emitter(inner, kernelOp, before, std::move(*kernel),
                        std::move(schedule));
    emitter.setBuffer(
        scatter->init,
        [](OpBuilder &, KernelFunction &f) { return f.results[0]; },
        /*isInput=*/false);
    if (failed(emitter.emit()))
      return failure();
  }
  ScatterEmitter(inner, *scatter, kernelOp, nest, vectorBits).emit();
  return success();
}
