//===- DeviceLoops.cpp - Loop kernels on a GPU ----------------------------===//

#include "DeviceLoops.h"

#include "fx/Lowering/Kernels/OnlineSoftmax.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::nvptx;

/// Stand-in for a size that is known at run time only.
static constexpr int64_t kDynamicGuess = 1024;
/// With at least this many points a thread each fills the GPU.
static constexpr int64_t kManyPoints = 1 << 16;
/// Threads that hide the latency of memory on the largest GPUs.
static constexpr int64_t kFullThreads = 1 << 18;
/// A part of a row that is worth a block.
static constexpr int64_t kMinSteps = 16;
/// Bytes that a thread moves at once.
static constexpr int64_t kVectorBytes = 16;
static constexpr int64_t kWarp = 32;
/// Static shared memory that a block may use.
static constexpr int64_t kSharedBytes = 40 << 10;

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

/// How many neighbours along dim `d` one access can take, 1 for none.
static int64_t getVectorWidth(const LoopSchedule &schedule,
                              const LoopStrides &strides, unsigned d) {
  int64_t size = schedule.dims[d].size;
  int64_t width = kVectorBytes;
  for (Type element : strides.elements)
    width = std::min<int64_t>(
        width, kVectorBytes * 8 /
                   std::max<int64_t>(8, element.isIndex()
                                            ? 64
                                            : element.getIntOrFloatBitWidth()));
  auto fits = [&](int64_t w) {
    if (ShapedType::isDynamic(size) || size % w)
      return false;
    for (auto [access, offset] : llvm::zip(strides.accesses, strides.offsets)) {
      if (!access[d] || (*access[d] != 0 && *access[d] != 1))
        return false;
      if (*access[d] == 0)
        continue;
      if (offset % w)
        return false;
      for (auto [other, stride] : llvm::enumerate(access))
        if (other != d && schedule.dims[other].size != 1 &&
            (!stride || *stride % w ||
             ShapedType::isDynamic(schedule.dims[other].size)))
          return false;
    }
    return true;
  };
  while (width > 1 && !fits(width))
    width /= 2;
  return width;
}

/// Whether partial results of rows are all that a second kernel needs: there is
/// one sweep with reductions, and nothing is stored during it.
static bool canSplit(const LoopKernel &kernel) {
  if (kernel.reductions.empty())
    return false;
  for (const LoopReduction &reduction : kernel.reductions) {
    if (reduction.sweep != 0)
      return false;
    for (unsigned i = 0; i < reduction.maps.size(); ++i)
      if (!getCombiner(reduction.op, i))
        return false;
  }
  for (const LoopDim &dim : kernel.dims)
    if (!dim.reduced && ShapedType::isDynamic(dim.size))
      return false;
  return llvm::none_of(kernel.outputs,
                       [](const LoopOutput &o) { return o.alongRow; });
}

DeviceSchedule nvptx::chooseFinalSchedule(const LoopKernel &kernel,
                                          int64_t splits) {
  DeviceSchedule device;
  device.splits = splits;
  device.isFinal = true;
  LoopStrides strides;
  for (unsigned d : orderDims(kernel, device.loops, strides))
    (device.loops.dims[d].reduced ? device.loops.reduced : device.loops.kept)
        .push_back(d);
  return device;
}

int64_t nvptx::getNumPartials(const LoopKernel &kernel,
                              const DeviceSchedule &schedule) {
  int64_t count = schedule.splits * kernel.getNumPoints(/*reduced=*/false);
  int64_t accumulators = 0;
  for (const LoopReduction &reduction : kernel.reductions)
    accumulators += reduction.maps.size();
  return count * accumulators;
}

DeviceSchedule nvptx::chooseDeviceSchedule(const LoopKernel &kernel,
                                           bool vectors) {
  DeviceSchedule device;
  LoopSchedule &schedule = device.loops;
  LoopStrides strides;
  SmallVector<unsigned> order = orderDims(kernel, schedule, strides);
  int64_t points = 1, rowSize = 1;
  for (unsigned d : order) {
    int64_t size = schedule.dims[d].size;
    (schedule.dims[d].reduced ? rowSize : points) *=
        ShapedType::isDynamic(size) ? kDynamicGuess : size;
  }
  // Gathers are not aligned, but nor are they vectors of 16 bytes.
  auto useVectors = [&](unsigned d) {
    int64_t width = vectors ? getVectorWidth(schedule, strides, d) : 1;
    if (width == 1)
      return;
    schedule.vectorDim = d;
    schedule.width = width;
    schedule.aligned = true;
  };
  auto finish = [&] {
    for (unsigned d : order)
      if (static_cast<int64_t>(d) != schedule.vectorDim)
        (schedule.dims[d].reduced ? schedule.reduced : schedule.kept)
            .push_back(d);
    if (canSplit(kernel)) {
      int64_t threads = llvm::divideCeil(points, device.points) *
                        device.getBlockSize();
      int64_t steps = rowSize / schedule.width / device.lanes;
      while (threads * device.splits < kFullThreads &&
             steps / device.splits >= 2 * kMinSteps)
        device.splits *= 2;
    }
    return device;
  };
  if (kernel.reductions.empty()) {
    // Enough threads first, then long accesses.
    if (!order.empty() && points >= kManyPoints)
      useVectors(order.back());
    return finish();
  }

  // Reductions that are not one associative op have an order.
  int64_t accumulatorBytes = 0;
  for (const LoopReduction &reduction : kernel.reductions)
    for (unsigned i = 0; i < reduction.maps.size(); ++i) {
      if (!getCombiner(reduction.op, i) && !isOnlineSum(reduction.op))
        return finish();
      accumulatorBytes += 8;
    }

  // Neighbouring threads should read neighbouring elements.
  auto isContiguous = [&](unsigned d) {
    return llvm::all_of(strides.accesses, [&](auto &access) {
      return access[d] && std::abs(*access[d]) <= 1;
    });
  };
  unsigned innermost = order.back();
  bool rowContiguous = false, pointsContiguous = false;
  for (unsigned d : order)
    if (isContiguous(d))
      (schedule.dims[d].reduced ? rowContiguous : pointsContiguous) = true;
  if (!rowContiguous && !pointsContiguous)
    (schedule.dims[innermost].reduced ? rowContiguous : pointsContiguous) =
        true;
  int64_t maxLanes = 1024;
  while (maxLanes > kWarp && maxLanes * accumulatorBytes > kSharedBytes)
    maxLanes /= 2;

  if (pointsContiguous && (points >= kManyPoints || !rowContiguous)) {
    // Threads of a warp take neighbouring points; several warps share rows if
    // there are too few points.
    device.lanesFirst = false;
    int64_t lanes = 1;
    while (points * lanes < kManyPoints && lanes < maxLanes / kWarp &&
           rowSize / lanes >= 8)
      lanes *= 2;
    if (lanes > 1) {
      device.lanes = lanes;
      device.points = kWarp;
    }
    return finish();
  }
  if (schedule.dims[innermost].reduced)
    useVectors(innermost);
  int64_t steps = std::max<int64_t>(1, rowSize / schedule.width);
  int64_t lanes = 1;
  // A lane has about 16 elements, in long rows more.
  int64_t perLane = std::max<int64_t>(1, 16 / schedule.width);
  while (lanes < std::min<int64_t>(kWarp, steps))
    lanes *= 2;
  while (lanes < 512 && steps / lanes >= 2 * perLane)
    lanes *= 2;
  if (points < 64)
    while (lanes < maxLanes && steps / lanes >= 4)
      lanes *= 2;
  device.lanes = std::min(lanes, maxLanes);
  device.points = std::max<int64_t>(1, 256 / device.lanes);
  return finish();
}

Value nvptx::emitGridSize(
    OpBuilder &b, Location loc, const LoopKernel &kernel,
    const DeviceSchedule &schedule,
    llvm::function_ref<Value(Value tensor, int64_t dim)> getSize) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  };
  int64_t known = 1;
  Value dynamic;
  for (const LoopDim &dim : schedule.loops.dims) {
    if (dim.reduced)
      continue;
    if (!ShapedType::isDynamic(dim.size)) {
      known *= dim.size;
      continue;
    }
    Value size = getSize(dim.sizeTensor, dim.sizeDim);
    if (dim.divisor != 1)
      size = arith::DivSIOp::create(b, loc, size, constant(dim.divisor));
    dynamic =
        dynamic ? Value(arith::MulIOp::create(b, loc, dynamic, size)) : size;
  }
  const LoopSchedule &loops = schedule.loops;
  // A vector of kept points is one thread; its dim is static.
  if (loops.vectorDim >= 0 && !loops.isVectorReduced())
    known /= loops.width;
  if (!dynamic)
    return constant(llvm::divideCeil(known, schedule.points) *
                    (schedule.isFinal ? 1 : schedule.splits));
  Value count = arith::MulIOp::create(b, loc, dynamic, constant(known));
  Value round =
      arith::AddIOp::create(b, loc, count, constant(schedule.points - 1));
  return arith::DivUIOp::create(b, loc, round, constant(schedule.points));
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

DeviceLoopEmitter::DeviceLoopEmitter(OpBuilder &b, KernelOp kernelOp,
                                     KernelFunction &function, StringRef name,
                                     LoopKernel kernel, DeviceSchedule device)
    : LoopEmitter(b, kernelOp, function, std::move(kernel), device.loops),
      name(name), device(std::move(device)) {}

SmallVector<unsigned> DeviceLoopEmitter::getFlatDims(bool reduced) const {
  SmallVector<unsigned> dims(reduced ? schedule.reduced : schedule.kept);
  if (schedule.vectorDim >= 0 && schedule.isVectorReduced() == reduced)
    dims.push_back(schedule.vectorDim);
  return dims;
}

Value DeviceLoopEmitter::getFlatSize(ArrayRef<unsigned> dims) {
  int64_t known = 1;
  Value dynamic;
  for (unsigned d : dims) {
    int64_t size = schedule.dims[d].size;
    if (!ShapedType::isDynamic(size)) {
      known *= static_cast<int64_t>(d) == schedule.vectorDim
                   ? size / schedule.width
                   : size;
      continue;
    }
    Value value = getSize(d);
    setInsertion(0);
    dynamic =
        dynamic ? Value(arith::MulIOp::create(b, loc, dynamic, value)) : value;
  }
  setInsertion(0);
  if (!dynamic)
    return constant(known);
  return arith::MulIOp::create(b, loc, dynamic, constant(known));
}

void DeviceLoopEmitter::bindFlat(ArrayRef<unsigned> dims, Value index) {
  // Divisions of 64 bits are slow.
  int64_t points = 1;
  for (unsigned d : dims)
    points = ShapedType::isDynamic(schedule.dims[d].size) || points < 0
                 ? -1
                 : points * schedule.dims[d].size;
  bool isNarrow = points >= 0 && points < (int64_t(1) << 31);
  Type narrow = b.getI32Type(), wide = b.getI64Type();
  auto split = [&](Value size) -> Value {
    setInsertion(top());
    Value dividend = index, divisor = size;
    if (isNarrow) {
      dividend = arith::TruncIOp::create(b, loc, narrow, dividend);
      divisor = arith::TruncIOp::create(b, loc, narrow, divisor);
    }
    Value rest = arith::RemUIOp::create(b, loc, dividend, divisor);
    index = arith::DivUIOp::create(b, loc, dividend, divisor);
    if (isNarrow) {
      rest = arith::ExtUIOp::create(b, loc, wide, rest);
      index = arith::ExtUIOp::create(b, loc, wide, index);
    }
    return rest;
  };
  for (size_t i = dims.size(); i-- > 0;) {
    unsigned d = dims[i];
    Value iv = i == 0 ? index : split(getFlatSize(d));
    if (static_cast<int64_t>(d) == schedule.vectorDim && schedule.width > 1) {
      setInsertion(top());
      iv = arith::MulIOp::create(b, loc, iv, constant(schedule.width));
    }
    bindDim(d, iv);
  }
}

void DeviceLoopEmitter::emitIf(Value condition,
                               llvm::function_ref<void()> body) {
  setInsertion(top());
  auto branch = scf::IfOp::create(b, loc, condition, /*withElse=*/false);
  branch.thenBlock()->getTerminator()->erase();
  scopes.back().before = branch;
  openScope(branch.thenBlock());
  body();
  b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(b, loc);
  closeScope();
}

Value DeviceLoopEmitter::emitPoint(ArrayRef<unsigned> kept, Value &exists) {
  ivs.assign(schedule.dims.size(), Value());
  ivScopes.assign(schedule.dims.size(), 0);
  openScope(target.entry);
  setInsertion(0);
  for (unsigned d = 0; d < schedule.dims.size(); ++d)
    if (schedule.dims[d].size == 1)
      bindDim(d, getScalarExpr(getAffineConstantExpr(0, b.getContext())));
  auto getId = [&](auto id) -> Value {
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), id);
  };
  setInsertion(0);
  Value thread = getId(gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x));
  Value block = getId(gpu::BlockIdOp::create(b, loc, gpu::Dimension::x));
  Value count = getFlatSize(kept);
  setInsertion(0);
  split = constant(0);
  if (device.splits > 1 && !device.isFinal) {
    Value parts = constant(device.splits);
    split = arith::RemUIOp::create(b, loc, block, parts);
    block = arith::DivUIOp::create(b, loc, block, parts);
  }
  pointInBlock = thread;
  lane = constant(0);
  if (device.lanes > 1) {
    Value inner = constant(device.lanesFirst ? device.lanes : device.points);
    Value fast = arith::RemUIOp::create(b, loc, thread, inner);
    Value slow = arith::DivUIOp::create(b, loc, thread, inner);
    lane = device.lanesFirst ? fast : slow;
    pointInBlock = device.lanesFirst ? slow : fast;
  }
  Value point = arith::AddIOp::create(
      b, loc,
      arith::MulIOp::create(b, loc, block, constant(device.points)),
      pointInBlock);
  exists =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, point, count);
  // All threads of shared rows reach the barriers: those without a point
  // repeat the last one and store nothing.
  if (isRowShared() && device.points > 1) {
    isValid = exists;
    Value last = arith::SubIOp::create(b, loc, count, constant(1));
    point = arith::MinUIOp::create(b, loc, point, last);
  }
  pointNumber = point;
  return point;
}

void DeviceLoopEmitter::emitDevice() {
  OpBuilder::InsertionGuard guard(b);
  SmallVector<unsigned> kept = getFlatDims(/*reduced=*/false);
  Value exists;
  Value point = emitPoint(kept, exists);
  auto emitBody = [&] {
    bindFlat(kept, point);
    emitRow();
  };
  if (isRowShared())
    emitBody();
  else
    emitIf(exists, emitBody);
  setInsertion(0);
  gpu::ReturnOp::create(b, loc);
}

Value DeviceLoopEmitter::getPartialAddress(int64_t index, Value splitNumber) {
  int64_t points = kernel.getNumPoints(/*reduced=*/false);
  Value row = arith::AddIOp::create(b, loc, splitNumber,
                                    constant(index * device.splits));
  Value slot = arith::AddIOp::create(
      b, loc, arith::MulIOp::create(b, loc, row, constant(points)),
      pointNumber);
  return LLVM::GEPOp::create(b, loc, partials.getType(), b.getI64Type(),
                             partials, LLVM::GEPArg(slot));
}

void DeviceLoopEmitter::emitPartials(Value memory) {
  OpBuilder::InsertionGuard guard(b);
  SmallVector<unsigned> kept = getFlatDims(/*reduced=*/false);
  Value exists;
  Value point = emitPoint(kept, exists);
  auto emitBody = [&] {
    bindFlat(kept, point);
    SmallVector<Value> finished = emitSweep(0, getNeutrals(0));
    partials = memory;
    int64_t next = 0;
    for (const LoopReduction &reduction : kernel.reductions)
      for (unsigned i = 0; i < reduction.maps.size(); ++i, ++next) {
        setInsertion(top());
        Operation *combiner = getCombiner(reduction.op, i);
        Value value = combineThreads(
            combiner, combineVector(combiner, finished[next]));
        auto store = [&] {
          setInsertion(top());
          Value address = getPartialAddress(next, split);
          if (value.getType().isInteger(1))
            value = arith::ExtUIOp::create(b, loc, b.getI8Type(), value);
          LLVM::StoreOp::create(b, loc, value, address);
        };
        if (isRowShared())
          emitIf(getStoreCondition(/*alongRow=*/false), store);
        else
          store();
      }
  };
  if (isRowShared())
    emitBody();
  else
    emitIf(exists, emitBody);
  setInsertion(0);
  gpu::ReturnOp::create(b, loc);
}

SmallVector<Value> DeviceLoopEmitter::emitSweep(unsigned sweep,
                                                ValueRange accumulators) {
  if (device.isFinal) {
    setInsertion(0);
    scf::ForOp loop =
        openLoop(constant(0), constant(device.splits), 1, accumulators);
    setInsertion(top());
    SmallVector<Value> updated;
    for (const LoopReduction &reduction : kernel.reductions)
      for (unsigned i = 0; i < reduction.maps.size(); ++i) {
        int64_t next = updated.size();
        Value old = loop.getRegionIterArg(next);
        bool isBool = old.getType().isInteger(1);
        Value value = LLVM::LoadOp::create(
            b, loc, isBool ? Type(b.getI8Type()) : old.getType(),
            getPartialAddress(next, loop.getInductionVar()));
        if (isBool)
          value = arith::TruncIOp::create(b, loc, old.getType(), value);
        updated.push_back(
            combine(getCombiner(reduction.op, i), old, value));
      }
    closeLoop(loop, updated);
    return SmallVector<Value>(loop.getResults());
  }
  if (!isRowShared() && device.splits == 1)
    return LoopEmitter::emitSweep(sweep, accumulators);
  SmallVector<unsigned> dims = getFlatDims(/*reduced=*/true);
  Value size = getFlatSize(dims);
  setInsertion(0);
  Value begin = arith::AddIOp::create(
      b, loc,
      arith::MulIOp::create(b, loc, split, constant(device.lanes)), lane);
  scf::ForOp loop =
      openLoop(begin, size, device.lanes * device.splits, accumulators);
  bindFlat(dims, loop.getInductionVar());
  SmallVector<Value> updated = emitSweepBody(sweep, loop.getRegionIterArgs());
  closeLoop(loop, updated);
  return SmallVector<Value>(loop.getResults());
}

/// Which of the threads that share a row store, null for all.
Value DeviceLoopEmitter::getStoreCondition(bool alongRow) {
  setInsertion(0);
  if (alongRow)
    return isValid;
  Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, lane,
                                        constant(0));
  return isValid
             ? Value(arith::AndIOp::create(b, loc, isValid, isFirst))
             : isFirst;
}

void DeviceLoopEmitter::store(const LoopOutput &output) {
  if (!isRowShared()) {
    LoopEmitter::store(output);
    return;
  }
  evaluate(output.tensor, output.map);
  if (Value condition = getStoreCondition(output.alongRow))
    emitIf(condition, [&] { LoopEmitter::store(output); });
  else
    LoopEmitter::store(output);
}

//===----------------------------------------------------------------------===//
// Reductions across threads
//===----------------------------------------------------------------------===//

/// Combines neighbouring `lanes` threads of a warp; all get the result.
SmallVector<Value> DeviceLoopEmitter::combineWarp(Combine combine,
                                                  ValueRange accumulators,
                                                  int64_t lanes) {
  Value width = arith::ConstantIntOp::create(b, loc, kWarp, 32);
  SmallVector<Value> values(accumulators);
  for (int64_t distance = lanes / 2; distance > 0; distance /= 2) {
    Value offset = arith::ConstantIntOp::create(b, loc, distance, 32);
    SmallVector<Value> others;
    for (Value value : values)
      others.push_back(gpu::ShuffleOp::create(b, loc, value, offset, width,
                                              gpu::ShuffleMode::XOR)
                           .getShuffleResult());
    values = combine(values, others);
  }
  return values;
}

Value DeviceLoopEmitter::allocateShared(Type element, int64_t count) {
  constexpr unsigned kSharedSpace = 3;
  auto *context = b.getContext();
  auto module = target.entry->getParentOp()->getParentOfType<gpu::GPUModuleOp>();
  std::string symbol = name + "_shared_" + std::to_string(numShared++);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(element, count),
                           /*isConstant=*/false, LLVM::Linkage::Internal,
                           symbol, Attribute(), /*alignment=*/16,
                           kSharedSpace);
  }
  return LLVM::AddressOfOp::create(
      b, loc, LLVM::LLVMPointerType::get(context, kSharedSpace), symbol);
}

/// Combines the lanes of each point through shared memory; all get the result.
SmallVector<Value>
DeviceLoopEmitter::combineShared(Combine combine, ValueRange accumulators) {
  SmallVector<Type> types(accumulators.getTypes()), stored;
  SmallVector<Value> memories;
  for (Type type : types) {
    stored.push_back(type.isInteger(1) ? Type(b.getI8Type()) : type);
    memories.push_back(allocateShared(stored.back(), device.getBlockSize()));
  }
  auto getAddress = [&](unsigned i, Value laneNumber) -> Value {
    Value index = arith::AddIOp::create(
        b, loc,
        arith::MulIOp::create(b, loc, laneNumber, constant(device.points)),
        pointInBlock);
    return LLVM::GEPOp::create(b, loc, memories[i].getType(), stored[i],
                               memories[i], LLVM::GEPArg(index));
  };
  auto read = [&](Value laneNumber) {
    SmallVector<Value> values;
    for (unsigned i = 0; i < types.size(); ++i) {
      Value value = LLVM::LoadOp::create(b, loc, stored[i],
                                         getAddress(i, laneNumber));
      values.push_back(stored[i] == types[i]
                           ? value
                           : arith::TruncIOp::create(b, loc, types[i], value));
    }
    return values;
  };
  auto write = [&](ValueRange values) {
    for (auto [i, value] : llvm::enumerate(values)) {
      Value x = value;
      if (stored[i] != types[i])
        x = arith::ExtUIOp::create(b, loc, stored[i], x);
      LLVM::StoreOp::create(b, loc, x, getAddress(i, lane));
    }
  };
  write(accumulators);
  gpu::BarrierOp::create(b, loc);
  for (int64_t distance = device.lanes / 2; distance > 0; distance /= 2) {
    Value active = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                         lane, constant(distance));
    scf::IfOp::create(b, loc, active, [&](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(inner.getInsertionBlock(),
                          inner.getInsertionPoint());
      SmallVector<Value> others = read(
          arith::AddIOp::create(b, loc, lane, constant(distance)));
      write(combine(read(lane), others));
      scf::YieldOp::create(b, loc);
    });
    gpu::BarrierOp::create(b, loc);
  }
  return read(constant(0));
}

SmallVector<Value> DeviceLoopEmitter::combineThreads(Combine combine,
                                                     ValueRange accumulators) {
  if (!isRowShared())
    return SmallVector<Value>(accumulators);
  bool hasShuffle = llvm::all_of(accumulators.getTypes(), [](Type type) {
    return type.isF32() || type.isInteger(32);
  });
  if (!device.lanesFirst || !hasShuffle)
    return combineShared(combine, accumulators);
  SmallVector<Value> values = combineWarp(
      combine, accumulators, std::min<int64_t>(device.lanes, kWarp));
  if (device.lanes <= kWarp)
    return values;
  // One partial result of each warp, combined again by every warp.
  int64_t warps = device.lanes / kWarp;
  SmallVector<Value> memories;
  for (Value value : values)
    memories.push_back(
        allocateShared(value.getType(), device.points * warps));
  auto getAddress = [&](unsigned i, Value warp) -> Value {
    Value index = arith::AddIOp::create(
        b, loc,
        arith::MulIOp::create(b, loc, pointInBlock, constant(warps)), warp);
    return LLVM::GEPOp::create(b, loc, memories[i].getType(),
                               values[i].getType(), memories[i],
                               LLVM::GEPArg(index));
  };
  Value warp = arith::DivUIOp::create(b, loc, lane, constant(kWarp));
  Value inWarp = arith::RemUIOp::create(b, loc, lane, constant(kWarp));
  Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                        inWarp, constant(0));
  scf::IfOp::create(b, loc, isFirst, [&](OpBuilder &inner, Location) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
    for (auto [i, value] : llvm::enumerate(values))
      LLVM::StoreOp::create(b, loc, value, getAddress(i, warp));
    scf::YieldOp::create(b, loc);
  });
  gpu::BarrierOp::create(b, loc);
  Value part = arith::RemUIOp::create(b, loc, inWarp, constant(warps));
  SmallVector<Value> partial;
  for (auto [i, value] : llvm::enumerate(values))
    partial.push_back(LLVM::LoadOp::create(b, loc, value.getType(),
                                           getAddress(i, part)));
  return combineWarp(combine, partial, warps);
}
