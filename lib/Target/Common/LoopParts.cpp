//===- LoopParts.cpp - Rows that threads share ----------------------------===//
//
// A kernel with few rows, or one, is parallel along them: the sweep is a loop
// over parts of the row, which leave their accumulators in memory, where they
// are combined in order. How many parts there are depends on sizes alone, so
// that the result does not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

#include "fx/Lowering/Kernels/OnlineSoftmax.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

/// Rows that are enough for all threads.
static constexpr int64_t kEnoughRows = 8;
/// Work of a part that is worth a fork.
static constexpr int64_t kPartWork = 1 << 15;
static constexpr int64_t kMaxParts = 32;

/// Bytes that an accumulator takes in memory.
static int64_t getSlotBytes(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return 8;
  int64_t bytes = std::max(8u, vector.getElementTypeBitWidth()) / 8;
  return llvm::alignTo(bytes * vector.getNumElements(), 64);
}

void LoopEmitter::chooseSharedDim(int64_t rows, int64_t rowWork) {
  // Kernels of several sweeps have many rows, or short ones, which stay in the
  // cache between the sweeps.
  if (kernel.reductions.empty() || kernel.numSweeps != 1 ||
      rows >= kEnoughRows || rowWork < 4 * kPartWork)
    return;
  for (const LoopReduction &reduction : kernel.reductions)
    for (unsigned i = 0; i < reduction.maps.size(); ++i)
      if (!getCombiner(reduction.op, i) && !matchSelection(reduction.op) &&
          !isOnlineSum(reduction.op))
        return;
  // The outermost loop that has enough steps, else the longest one.
  SmallVector<unsigned> dims(schedule.reduced);
  if (schedule.isVectorReduced())
    dims.push_back(schedule.vectorDim);
  int64_t most = 3;
  for (unsigned d : dims) {
    int64_t size = schedule.dims[d].size;
    int64_t steps = ShapedType::isDynamic(size) ? 256 : size;
    if (static_cast<int64_t>(d) == schedule.vectorDim)
      steps /= schedule.width;
    if (steps <= most)
      continue;
    most = steps;
    sharedDim = d;
    if (steps >= kMaxParts)
      break;
  }
  if (sharedDim >= 0)
    leastPart = llvm::divideCeil(
        kPartWork, std::max<int64_t>(1, rowWork / most));
}

/// A sweep over the row in parts that threads take.
SmallVector<Value> LoopEmitter::emitSharedSweep(unsigned sweep,
                                                ValueRange init) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  int64_t step = sharedDim == schedule.vectorDim ? schedule.width : 1;
  int64_t least = leastPart * step;
  Value size = getSize(sharedDim);
  setInsertion(0);
  // Elements of a part, and the number of parts.
  Value part, count;
  if (int64_t known = schedule.dims[sharedDim].size;
      !ShapedType::isDynamic(known)) {
    int64_t length = std::max<int64_t>(
        least, llvm::alignTo(llvm::divideCeil(known, kMaxParts), step));
    part = constant(length);
    count = constant(llvm::divideCeil(known, length));
  } else {
    Value steps = arith::DivUIOp::create(
        b, loc,
        arith::AddIOp::create(b, loc, size, constant(kMaxParts * step - 1)),
        constant(kMaxParts * step));
    part = arith::MaxSIOp::create(
        b, loc, constant(least),
        arith::MulIOp::create(b, loc, steps, constant(step)));
    Value rounded = arith::AddIOp::create(
        b, loc, size, arith::SubIOp::create(b, loc, part, constant(1)));
    count = arith::MaxSIOp::create(
        b, loc, constant(1), arith::DivUIOp::create(b, loc, rounded, part));
  }

  // What the parts need beside the kernel's arguments, in front of their
  // results: the place of the row.
  Value closure = packClosure(b, target);
  SmallVector<Value> fields = {closure, part, size};
  for (auto [d, dim] : llvm::enumerate(schedule.dims))
    if (!dim.reduced && dim.size != 1)
      fields.push_back(ivs[d]);
  // The address of the results is one more.
  int64_t head = llvm::alignTo(8 * (fields.size() + 1), 64), slots = 0;
  for (Value value : init)
    slots += getSlotBytes(value.getType());
  setInsertion(0);
  Value memory =
      LLVM::AllocaOp::create(b, loc, pointer, b.getI8Type(),
                             constant(head + kMaxParts * slots), 64);
  Value results = LLVM::GEPOp::create(
      b, loc, pointer, b.getI8Type(), memory,
      LLVM::GEPArg(static_cast<int32_t>(head)));
  fields.push_back(results);
  SmallVector<Type> fieldTypes(ValueRange(fields).getTypes());
  setInsertion(top());
  for (auto [i, field] : llvm::enumerate(fields))
    LLVM::StoreOp::create(
        b, loc, field,
        LLVM::GEPOp::create(b, loc, pointer, b.getI64Type(), memory,
                            LLVM::GEPArg(static_cast<int32_t>(i))),
        8);

  func::FuncOp body = createCallback(
      b, target, ("parts" + Twine(numSharedSweeps++)).str(),
      b.getFunctionType({pointer, i64, i64}, {}));
  emitPartsOfSweep(sweep, body, fieldTypes);
  func::FuncOp run = declareRuntime(
      b, target, "fx_rt_parallel_for",
      b.getFunctionType({pointer, pointer, pointer, i64, i64}, {}));
  func::CallOp::create(b, loc, run,
                       ValueRange{target.context, getAddress(b, body), memory,
                                  count, constant(1)});
  if (init.empty())
    return {};

  // The parts, combined in order.
  auto loadPart = [&](Value number) {
    Value begin = arith::MulIOp::create(b, loc, number, constant(slots));
    Value start = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), results,
                                      LLVM::GEPArg(begin));
    SmallVector<Value> values;
    int64_t at = 0;
    for (Value value : init) {
      Type type = value.getType();
      values.push_back(LLVM::LoadOp::create(
          b, loc, type,
          LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), start,
                              LLVM::GEPArg(static_cast<int32_t>(at))),
          8));
      at += getSlotBytes(type);
    }
    return values;
  };
  SmallVector<Value> first = loadPart(constant(0));
  Value one = constant(1);
  scf::ForOp loop = openLoop(one, count, 1, first);
  setInsertion(top());
  SmallVector<Value> next = loadPart(loop.getInductionVar());
  SmallVector<Value> combined =
      combineParts(sweep, loop.getRegionIterArgs(), next);
  closeLoop(loop, combined);
  return SmallVector<Value>(loop.getResults());
}

/// The function that runs a range of parts.
void LoopEmitter::emitPartsOfSweep(unsigned sweep, func::FuncOp body,
                                   ArrayRef<Type> fieldTypes) {
  OpBuilder::InsertionGuard guard(b);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  KernelFunction outerTarget = target;
  SmallVector<Scope> outerScopes = std::move(scopes);
  auto outerSizes = std::move(sizes);
  auto outerStrides = std::move(strides);
  auto outerBuffers = std::move(innerBuffers);
  SmallVector<Value> outerIvs = ivs;
  SmallVector<unsigned> outerIvScopes = ivScopes;
  Value outerMask = mask;
  scopes.clear();
  sizes.clear();
  strides.clear();
  innerBuffers.clear();
  mask = Value();
  openScope(&body.getBody().front());
  setInsertion(0);

  SmallVector<Value> fields;
  for (auto [i, type] : llvm::enumerate(fieldTypes))
    fields.push_back(LLVM::LoadOp::create(
        b, loc, type,
        LLVM::GEPOp::create(b, loc, pointer, b.getI64Type(),
                            body.getArgument(0),
                            LLVM::GEPArg(static_cast<int32_t>(i))),
        8));
  unpackClosure(b, target, fields[0]);
  Value part = fields[1], size = fields[2], results = fields.back();
  unsigned next = 3;
  for (auto [d, dim] : llvm::enumerate(schedule.dims)) {
    if (dim.size == 1)
      bindDim(d, getScalarExpr(getAffineConstantExpr(0, b.getContext())));
    else if (!dim.reduced)
      bindDim(d, fields[next++]);
  }
  if (outerMask) {
    Value all = getSize(schedule.vectorDim);
    setInsertion(0);
    mask = createMask(
        arith::SubIOp::create(b, loc, all, ivs[schedule.vectorDim]));
  }

  scf::ForOp loop =
      openLoop(body.getArgument(1), body.getArgument(2), 1, {});
  setInsertion(top());
  Value number = loop.getInductionVar();
  sharedBegin = arith::MulIOp::create(b, loc, number, part);
  sharedEnd = arith::MinSIOp::create(
      b, loc, size, arith::AddIOp::create(b, loc, sharedBegin, part));
  SmallVector<Lanes> starts;
  SmallVector<Value> init = getInitial(sweep, starts);
  SmallVector<Value> finished = emitReduced(0, sweep, init);
  setInsertion(top());
  int64_t slots = 0;
  for (Value value : finished)
    slots += getSlotBytes(value.getType());
  Value begin = arith::MulIOp::create(b, loc, number, constant(slots));
  Value start = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), results,
                                    LLVM::GEPArg(begin));
  int64_t at = 0;
  for (Value value : finished) {
    LLVM::StoreOp::create(
        b, loc, value,
        LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), start,
                            LLVM::GEPArg(static_cast<int32_t>(at))),
        8);
    at += getSlotBytes(value.getType());
  }
  closeLoop(loop, {});
  setInsertion(0);
  func::ReturnOp::create(b, loc);

  target = outerTarget;
  scopes = std::move(outerScopes);
  sizes = std::move(outerSizes);
  strides = std::move(outerStrides);
  innerBuffers = std::move(outerBuffers);
  ivs = outerIvs;
  ivScopes = outerIvScopes;
  mask = outerMask;
  sharedBegin = sharedEnd = Value();
}
