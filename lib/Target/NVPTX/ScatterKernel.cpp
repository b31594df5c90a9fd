//===- ScatterKernel.cpp - Writes at places that are data -----------------===//
//
// Each iteration of the loops that write to elements of their own is a thread.
// The other loops run in order inside of the thread, so that the result is the
// one of the nest. Sums go to memory atomically instead, and then all loops are
// threads: their order, and so the last bits, may vary.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "fx/Lowering/Kernels/Scatter.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::nvptx;

namespace {

/// Clones scalar code with index as i64 and tensors in memory.
class ScatterEmitter {
public:
  ScatterEmitter(OpBuilder &b, Scatter &scatter, KernelOp kernelOp,
                 const KernelFunction &function, const Buffer &result)
      : b(b), scatter(scatter), kernelOp(kernelOp), function(function),
        result(result) {}

  Value get(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    if (auto argument = dyn_cast<BlockArgument>(value))
      return function.scalars[argument.getArgNumber()];
    // A constant of the kernel, outside of the loops.
    Operation *op = value.getDefiningOp();
    if (value.getType().isIndex())
      if (auto known = getConstantIntValue(value))
        return arith::ConstantIntOp::create(b, op->getLoc(), *known, 64);
    clone(op);
    return mapping.lookup(value);
  }
  void set(Value value, Value by) { mapping.map(value, by); }
  void cloneBlock(Block *block) {
    for (Operation &op : block->without_terminator())
      clone(&op);
  }

private:
  Value getAddress(const Buffer &buffer, ValueRange indices, Location loc,
                   Type stored) {
    Value offset = arith::ConstantIntOp::create(b, loc, 0, 64);
    for (auto [index, size] : llvm::zip(indices, buffer.sizes))
      offset = arith::AddIOp::create(
          b, loc,
          arith::MulIOp::create(b, loc, offset, materialize(b, loc, size)),
          get(index));
    return LLVM::GEPOp::create(b, loc, buffer.pointer.getType(), stored,
                               buffer.pointer, LLVM::GEPArg(offset));
  }
  Type getStored(Type type) {
    return type.isIndex()      ? Type(b.getI64Type())
           : type.isInteger(1) ? Type(b.getI8Type())
                               : type;
  }
  void clone(Operation *op);

  OpBuilder &b;
  Scatter &scatter;
  KernelOp kernelOp;
  const KernelFunction &function;
  const Buffer &result;
  IRMapping mapping;
};

void ScatterEmitter::clone(Operation *op) {
  Location loc = op->getLoc();
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    // The old value of a sum is not read.
    if (scatter.sum && llvm::is_contained(scatter.sum->getOperands(),
                                          extract.getResult()) &&
        scatter.addend != extract.getResult())
      return;
    auto argument = cast<BlockArgument>(extract.getTensor());
    const Buffer &buffer =
        argument.getOwner()->getParentOp() == kernelOp.getOperation()
            ? getBuffer(kernelOp, function, argument)
            : result;
    Type stored = getStored(extract.getType());
    Value value = LLVM::LoadOp::create(
        b, loc, stored,
        getAddress(buffer, extract.getIndices(), loc, stored));
    if (extract.getType().isInteger(1))
      value = arith::TruncIOp::create(b, loc, extract.getType(), value);
    mapping.map(extract.getResult(), value);
    return;
  }
  if (auto insert = dyn_cast<tensor::InsertOp>(op)) {
    Type type = insert.getScalar().getType(), stored = getStored(type);
    Value address = getAddress(result, insert.getIndices(), loc, stored);
    if (scatter.sum) {
      auto kind = isa<arith::AddFOp>(scatter.sum) ? LLVM::AtomicBinOp::fadd
                                                  : LLVM::AtomicBinOp::add;
      LLVM::AtomicRMWOp::create(b, loc, kind, address, get(scatter.addend),
                                LLVM::AtomicOrdering::monotonic, "device");
      return;
    }
    Value value = get(insert.getScalar());
    if (type.isInteger(1))
      value = arith::ExtUIOp::create(b, loc, stored, value);
    LLVM::StoreOp::create(b, loc, value, address);
    return;
  }
  if (op == scatter.sum)
    return;
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    bool carries = branch.getNumResults() &&
                   isa<RankedTensorType>(branch.getResult(0).getType());
    SmallVector<Type> types;
    if (!carries)
      for (Type type : branch.getResultTypes())
        types.push_back(type.isIndex() ? Type(b.getI64Type()) : type);
    auto copy = scf::IfOp::create(b, loc, types, get(branch.getCondition()),
                                  /*addElseBlock=*/!types.empty());
    auto fill = [&](Block *from, Block *to) {
      OpBuilder::InsertionGuard guard(b);
      if (to->mightHaveTerminator())
        to->getTerminator()->erase();
      b.setInsertionPointToEnd(to);
      cloneBlock(from);
      SmallVector<Value> values;
      if (!carries)
        for (Value value : from->getTerminator()->getOperands())
          values.push_back(get(value));
      scf::YieldOp::create(b, loc, values);
    };
    fill(branch.thenBlock(), copy.thenBlock());
    if (!types.empty())
      fill(branch.elseBlock(), copy.elseBlock());
    for (auto [from, to] : llvm::zip(branch.getResults(), copy.getResults()))
      mapping.map(from, to);
    return;
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand));
  Type type = op->getResult(0).getType();
  Type wide = type.isIndex() ? Type(b.getI64Type()) : type;
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    unsigned from = operands[0].getType().getIntOrFloatBitWidth();
    unsigned to = wide.getIntOrFloatBitWidth();
    Value value = operands[0];
    if (from > to)
      value = arith::TruncIOp::create(b, loc, wide, value);
    else if (from < to && isa<arith::IndexCastOp>(op))
      value = arith::ExtSIOp::create(b, loc, wide, value);
    else if (from < to)
      value = arith::ExtUIOp::create(b, loc, wide, value);
    mapping.map(op->getResult(0), value);
    return;
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    Value value;
    if (type.isIndex())
      value = arith::ConstantIntOp::create(
          b, loc, cast<IntegerAttr>(constant.getValue()).getInt(), 64);
    else
      value = b.clone(*op)->getResult(0);
    mapping.map(op->getResult(0), value);
    return;
  }
  OperationState state(loc, op->getName(), operands, {wide}, op->getAttrs());
  mapping.map(op->getResult(0), b.create(state)->getResult(0));
}

} // namespace

LogicalResult KernelEmitter::emitScatter() {
  constexpr int64_t kBlock = 256;
  Location loc = kernelOp.getLoc();
  Block &body = kernelOp.getBody().front();
  auto refuse = [&](const Twine &reason) {
    return kernelOp.emitOpError("has no form on the GPU: ") << reason;
  };
  if (body.getTerminator()->getNumOperands() != 1)
    return refuse("a nest of loops with several results");
  Value yielded = body.getTerminator()->getOperand(0);
  FailureOr<Scatter> scatter = matchScatter(yielded);
  if (failed(scatter))
    return refuse("it is neither a nest of loops over all points nor one that "
                  "writes one element in each iteration");

  // The values before.
  llvm::SetVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    if (isLoopOp(&op) && op.getResult(0) != yielded)
      ops.insert(&op);
  auto getResult = [](OpBuilder &, KernelFunction &function) {
    return function.results[0];
  };
  Value init = scatter->init;
  if (init.getDefiningOp()) {
    std::string reason;
    llvm::SetVector<Operation *> needed;
    for (Operation *op : ops)
      needed.insert(op);
    FailureOr<LoopKernel> before =
        LoopKernel::analyze(needed, {init}, &reason);
    if (failed(before))
      return refuse(reason);
    launchLoops("before", std::move(*before), /*vectors=*/true,
                {{init, getResult, /*isInput=*/false}});
  } else {
    const Buffer &from = getBuffer(kernelOp, host, init);
    Value bytes = arith::ConstantIntOp::create(
        b, loc,
        llvm::divideCeil(
            from.type.getElementType().getIntOrFloatBitWidth(), 8),
        64);
    for (OpFoldResult size : from.sizes)
      bytes = arith::MulIOp::create(b, loc, bytes, materialize(b, loc, size));
    SmallVector<Value> operands = {host.context, host.results[0].pointer,
                                   from.pointer, bytes};
    func::CallOp::create(
        b, loc,
        declareRuntime(b, host, "fx_rt_cuda_copy",
                       b.getFunctionType(ValueRange(operands).getTypes(), {})),
        operands);
  }

  // Which loops are threads.
  SmallVector<scf::ForOp> threads, serial;
  for (scf::ForOp loop : scatter->loops)
    (scatter->sum || scatter->isOwn(loop) ? threads : serial).push_back(loop);
  KernelFunction inside;
  gpu::GPUFuncOp function = createDeviceFunction("", kBlock, inside);
  OpBuilder inner(b.getContext());
  inner.setInsertionPointToEnd(inside.entry);
  ScatterEmitter emitter(inner, *scatter, kernelOp, inside, inside.results[0]);
  ScatterEmitter outside(b, *scatter, kernelOp, host, host.results[0]);
  Value count = arith::ConstantIntOp::create(b, loc, 1, 64);
  for (scf::ForOp loop : threads)
    count = arith::MulIOp::create(b, loc, count,
                                  outside.get(loop.getUpperBound()));
  Value grid = arith::DivUIOp::create(
      b, loc,
      arith::AddIOp::create(b, loc, count,
                            arith::ConstantIntOp::create(b, loc, kBlock - 1,
                                                         64)),
      arith::ConstantIntOp::create(b, loc, kBlock, 64));
  launch(function, grid, kBlock);

  auto getId = [&](auto id) -> Value {
    return arith::IndexCastOp::create(inner, loc, inner.getI64Type(), id);
  };
  Value thread = getId(gpu::ThreadIdOp::create(inner, loc, gpu::Dimension::x));
  Value block = getId(gpu::BlockIdOp::create(inner, loc, gpu::Dimension::x));
  Value index = arith::AddIOp::create(
      inner, loc,
      arith::MulIOp::create(
          inner, loc, block,
          arith::ConstantIntOp::create(inner, loc, kBlock, 64)),
      thread);
  Value total = arith::ConstantIntOp::create(inner, loc, 1, 64);
  for (scf::ForOp loop : threads)
    total = arith::MulIOp::create(inner, loc, total,
                                  emitter.get(loop.getUpperBound()));
  Value exists = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ult,
                                       index, total);
  auto guard = scf::IfOp::create(inner, loc, exists, /*withElse=*/false);
  gpu::ReturnOp::create(inner, loc);
  inner.setInsertionPoint(guard.thenBlock()->getTerminator());
  for (scf::ForOp loop : llvm::reverse(threads)) {
    Value size = emitter.get(loop.getUpperBound());
    emitter.set(loop.getInductionVar(),
                arith::RemUIOp::create(inner, loc, index, size));
    index = arith::DivUIOp::create(inner, loc, index, size);
  }
  Value zero = arith::ConstantIntOp::create(inner, loc, 0, 64);
  Value one = arith::ConstantIntOp::create(inner, loc, 1, 64);
  for (scf::ForOp loop : serial) {
    auto copy = scf::ForOp::create(inner, loc, zero,
                                   emitter.get(loop.getUpperBound()), one);
    emitter.set(loop.getInductionVar(), copy.getInductionVar());
    inner.setInsertionPoint(copy.getBody()->getTerminator());
  }
  emitter.cloneBlock(scatter->loops.back().getBody());
  return success();
}
