//===- LoopEmitter.cpp - Loop kernels to vector code ----------------------===//

#include "LoopEmitter.h"
#include "fx/Support/Sizes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

/// Below this much work (elements times a cost of each), threads do not pay.
static constexpr int64_t kSerialWork = 1 << 16;
/// Work of one chunk that a thread takes.
static constexpr int64_t kChunkWork = 1 << 15;

LoopEmitter::LoopEmitter(OpBuilder &b, KernelOp kernelOp,
                         KernelFunction &function, LoopKernel kernel,
                         LoopSchedule schedule)
    : b(b), loc(kernelOp.getLoc()), kernelOp(kernelOp), target(function),
      kernel(std::move(kernel)), schedule(std::move(schedule)) {}

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

void LoopEmitter::setInsertion(unsigned scope) {
  Scope &s = scopes[scope];
  if (s.before)
    b.setInsertionPoint(s.before);
  else
    b.setInsertionPointToEnd(s.block);
}

void LoopEmitter::openScope(Block *block) {
  Scope scope;
  scope.block = block;
  scopes.push_back(std::move(scope));
}

void LoopEmitter::closeScope() {
  scopes.pop_back();
  if (!scopes.empty())
    scopes.back().before = nullptr;
}

scf::ForOp LoopEmitter::openLoop(Value begin, Value end, int64_t step,
                                 ValueRange init) {
  setInsertion(0);
  Value stepValue = constant(step);
  setInsertion(top());
  auto loop = scf::ForOp::create(b, loc, begin, end, stepValue, init);
  if (loop.getBody()->mightHaveTerminator())
    loop.getBody()->getTerminator()->erase();
  scopes.back().before = loop;
  openScope(loop.getBody());
  return loop;
}

void LoopEmitter::closeLoop(scf::ForOp loop, ValueRange yielded) {
  b.setInsertionPointToEnd(loop.getBody());
  scf::YieldOp::create(b, loc, yielded);
  closeScope();
}

/// True in the first `count` lanes.
Value LoopEmitter::createMask(Value count) {
  Type i32 = b.getI32Type();
  auto type = VectorType::get({schedule.width}, i32);
  SmallVector<int32_t> lanes(schedule.width);
  std::iota(lanes.begin(), lanes.end(), 0);
  Value numbers = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef(lanes)));
  Value limit = vector::BroadcastOp::create(
      b, loc, type, arith::TruncIOp::create(b, loc, i32, count));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, numbers,
                               limit);
}

void LoopEmitter::bindDim(unsigned dim, Value iv) {
  ivs[dim] = iv;
  ivScopes[dim] = top();
}

Value LoopEmitter::getBufferSize(Value tensor, int64_t dim) {
  setInsertion(0);
  return materialize(b, loc, getBuffer(tensor).sizes[dim]);
}

Value LoopEmitter::getSize(unsigned dim) {
  Value &known = sizes[dim];
  if (known)
    return known;
  const LoopDim &d = schedule.dims[dim];
  if (!ShapedType::isDynamic(d.size)) {
    setInsertion(0);
    return known = constant(d.size);
  }
  Value size = getBufferSize(d.sizeTensor, d.sizeDim);
  if (d.divisor != 1)
    size = arith::DivSIOp::create(b, loc, size, constant(d.divisor));
  return known = size;
}

//===----------------------------------------------------------------------===//
// Rows: sweeps over the reduced dims
//===----------------------------------------------------------------------===//

static std::optional<vector::CombiningKind> getCombiningKind(Operation *op) {
  using Kind = vector::CombiningKind;
  return llvm::TypeSwitch<Operation *, std::optional<Kind>>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return Kind::ADD; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return Kind::MUL; })
      .Case<arith::MaximumFOp>([](auto) { return Kind::MAXIMUMF; })
      .Case<arith::MinimumFOp>([](auto) { return Kind::MINIMUMF; })
      .Case<arith::MaxNumFOp>([](auto) { return Kind::MAXNUMF; })
      .Case<arith::MinNumFOp>([](auto) { return Kind::MINNUMF; })
      .Case<arith::MaxSIOp>([](auto) { return Kind::MAXSI; })
      .Case<arith::MinSIOp>([](auto) { return Kind::MINSI; })
      .Case<arith::MaxUIOp>([](auto) { return Kind::MAXUI; })
      .Case<arith::MinUIOp>([](auto) { return Kind::MINUI; })
      .Case<arith::AndIOp>([](auto) { return Kind::AND; })
      .Case<arith::OrIOp>([](auto) { return Kind::OR; })
      .Case<arith::XOrIOp>([](auto) { return Kind::XOR; })
      .Default([](Operation *) { return std::nullopt; });
}

Value LoopEmitter::combine(Operation *combiner, Value lhs, Value rhs) {
  OperationState state(loc, combiner->getName(), {lhs, rhs}, {lhs.getType()},
                       combiner->getAttrs());
  return b.create(state)->getResult(0);
}

Value LoopEmitter::combineVector(Operation *combiner, Value accumulator) {
  if (!isa<VectorType>(accumulator.getType()))
    return accumulator;
  return vector::ReductionOp::create(b, loc, *getCombiningKind(combiner),
                                     accumulator);
}

/// The value that `combiner` leaves others unchanged with.
static TypedAttr getNeutral(OpBuilder &b, Operation *combiner, Type type) {
  if (auto attr = arith::getNeutralElement(combiner))
    return *attr;
  unsigned bits = type.getIntOrFloatBitWidth();
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner))
    return b.getFloatAttr(
        type, APFloat::getInf(cast<FloatType>(type).getFloatSemantics(),
                              /*Negative=*/true));
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(combiner))
    return b.getFloatAttr(
        type, APFloat::getInf(cast<FloatType>(type).getFloatSemantics()));
  if (isa<arith::MaxSIOp>(combiner))
    return b.getIntegerAttr(type, APInt::getSignedMinValue(bits));
  if (isa<arith::MinSIOp>(combiner))
    return b.getIntegerAttr(type, APInt::getSignedMaxValue(bits));
  if (isa<arith::MinUIOp, arith::AndIOp>(combiner))
    return b.getIntegerAttr(type, APInt::getAllOnes(bits));
  if (isa<arith::MulIOp>(combiner))
    return b.getIntegerAttr(type, 1);
  return cast<TypedAttr>(b.getZeroAttr(type));
}

/// The body at one point of the row: new accumulators, and stores.
SmallVector<Value> LoopEmitter::emitSweepBody(unsigned sweep,
                                              ValueRange accumulators) {
  SmallVector<Value> result;
  unsigned next = 0;
  // Whether accumulators have a value for each lane.
  bool isVector = schedule.width > 1;
  for (const LoopReduction &reduction : kernel.reductions) {
    if (reduction.sweep != sweep)
      continue;
    unsigned count = reduction.maps.size();
    SmallVector<Lanes> current;
    for (unsigned i = 0; i < count; ++i)
      current.push_back({accumulators[next + i], isVector, top(), {}, {}});
    SmallVector<Lanes> updated =
        evaluateBody(reduction.op, reduction.loops, current);
    for (unsigned i = 0; i < count; ++i) {
      Value value = splat(updated[i]);
      if (mask && schedule.isVectorReduced()) {
        setInsertion(top());
        value = arith::SelectOp::create(b, loc, mask, value,
                                        accumulators[next + i]);
      }
      result.push_back(value);
    }
    next += count;
  }
  // All values before the first store: a result may share the memory of an
  // input.
  for (const LoopOutput &output : kernel.outputs)
    if (output.alongRow && output.level == sweep)
      evaluate(output.tensor, output.map);
  for (const LoopOutput &output : kernel.outputs)
    if (output.alongRow && output.level == sweep)
      store(output);
  return result;
}

/// The neutral accumulators of a sweep; empty if it has a reduction that is not
/// one associative op.
SmallVector<Value> LoopEmitter::getNeutrals(unsigned sweep) {
  SmallVector<Value> neutrals;
  for (const LoopReduction &reduction : kernel.reductions) {
    if (reduction.sweep != sweep)
      continue;
    linalg::GenericOp op = reduction.op;
    for (unsigned i = 0; i < reduction.maps.size(); ++i) {
      Operation *combiner = getCombiner(op, i);
      if (!combiner)
        return {};
      Type element = getElementTypeOrSelf(op->getResult(i).getType());
      setInsertion(0);
      auto type = getType(element, schedule.width > 1);
      TypedAttr neutral = getNeutral(b, combiner, element);
      if (auto vectorType = dyn_cast<VectorType>(type))
        neutral = DenseElementsAttr::get(vectorType, Attribute(neutral));
      neutrals.push_back(arith::ConstantOp::create(b, loc, neutral));
    }
  }
  return neutrals;
}

/// A loop that carries accumulators. A long one is cut into blocks with
/// accumulators of their own: sums of floats stay accurate.
SmallVector<Value> LoopEmitter::emitAccumulation(
    unsigned dim, Value end, int64_t step, unsigned sweep,
    ValueRange accumulators,
    llvm::function_ref<SmallVector<Value>(ValueRange)> emitBody) {
  constexpr int64_t kBlock = 128;
  Value zero = getScalarExpr(getAffineConstantExpr(0, b.getContext()));
  auto emitLoop = [&](Value begin, Value loopEnd, ValueRange init) {
    scf::ForOp loop = openLoop(begin, loopEnd, step, init);
    bindDim(dim, loop.getInductionVar());
    SmallVector<Value> updated = emitBody(loop.getRegionIterArgs());
    closeLoop(loop, updated);
    return SmallVector<Value>(loop.getResults());
  };
  bool sums = false;
  for (const LoopReduction &reduction : kernel.reductions) {
    linalg::GenericOp op = reduction.op;
    if (reduction.sweep == sweep)
      for (unsigned i = 0; i < reduction.maps.size(); ++i)
        sums |= isa_and_nonnull<arith::AddFOp>(getCombiner(op, i));
  }
  int64_t size = schedule.dims[dim].size;
  bool isLong = ShapedType::isDynamic(size) || size / step >= 4 * kBlock;
  SmallVector<Value> neutrals;
  if (sums && isLong)
    neutrals = getNeutrals(sweep);
  if (neutrals.empty())
    return emitLoop(zero, end, accumulators);

  scf::ForOp blocks = openLoop(zero, end, kBlock * step, accumulators);
  setInsertion(top());
  Value begin = blocks.getInductionVar();
  Value blockEnd = arith::MinSIOp::create(
      b, loc, end,
      arith::AddIOp::create(b, loc, begin, constant(kBlock * step)));
  SmallVector<Value> partial = emitLoop(begin, blockEnd, neutrals);
  setInsertion(top());
  SmallVector<Value> combined;
  unsigned next = 0;
  for (const LoopReduction &reduction : kernel.reductions) {
    if (reduction.sweep != sweep)
      continue;
    linalg::GenericOp op = reduction.op;
    for (unsigned i = 0; i < reduction.maps.size(); ++i, ++next) {
      Operation *combiner = getCombiner(op, i);
      Value total = blocks.getRegionIterArg(next);
      combined.push_back(combine(combiner, total, partial[next]));
    }
  }
  closeLoop(blocks, combined);
  return SmallVector<Value>(blocks.getResults());
}

SmallVector<Value> LoopEmitter::emitReduced(unsigned level, unsigned sweep,
                                            ValueRange accumulators) {
  bool vectorRow = schedule.isVectorReduced();
  if (level < schedule.reduced.size()) {
    unsigned dim = schedule.reduced[level];
    return emitAccumulation(dim, getSize(dim), 1, sweep, accumulators,
                            [&](ValueRange current) {
                              return emitReduced(level + 1, sweep, current);
                            });
  }
  if (!vectorRow)
    return emitSweepBody(sweep, accumulators);

  // Full vectors, then a masked one.
  unsigned dim = schedule.vectorDim;
  int64_t width = schedule.width;
  const LoopDim &d = schedule.dims[dim];
  bool isStatic = !ShapedType::isDynamic(d.size);
  SmallVector<Value> current(accumulators);
  Value fullEnd;
  if (isStatic) {
    setInsertion(0);
    fullEnd = constant(d.size / width * width);
  } else {
    Value size = getSize(dim);
    setInsertion(0);
    fullEnd = arith::SubIOp::create(
        b, loc, size,
        arith::RemSIOp::create(b, loc, size, constant(width)));
  }
  if (!isStatic || d.size >= width)
    current = emitAccumulation(dim, fullEnd, width, sweep, current,
                               [&](ValueRange accs) {
                                 return emitSweepBody(sweep, accs);
                               });
  if (isStatic && d.size % width == 0)
    return current;
  // The tail: its own scope, so that values of full vectors are not reused.
  setInsertion(top());
  Value size = getSize(dim);
  setInsertion(top());
  Value condition = arith::CmpIOp::create(
      b, loc, arith::CmpIPredicate::slt, fullEnd, size);
  SmallVector<Type> types(ValueRange(current).getTypes());
  auto branch = scf::IfOp::create(b, loc, types, condition,
                                  /*addElseBlock=*/!current.empty());
  scopes.back().before = branch;
  if (branch.thenBlock()->mightHaveTerminator())
    branch.thenBlock()->getTerminator()->erase();
  openScope(branch.thenBlock());
  bindDim(dim, fullEnd);
  setInsertion(top());
  Value rest = arith::SubIOp::create(b, loc, size, fullEnd);
  mask = createMask(rest);
  SmallVector<Value> inner = emitSweepBody(sweep, current);
  mask = Value();
  b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(b, loc, inner);
  closeScope();
  if (current.empty())
    return {};
  b.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(b, loc, current);
  return SmallVector<Value>(branch.getResults());
}

/// What the value of a tensor at a place needs, up to results of reductions.
void LoopEmitter::collectValues(
    Value tensor, AffineMap map,
    llvm::SetVector<std::pair<Value, AffineMap>> &values) {
  Operation *op = tensor.getDefiningOp();
  if (!op || stored.contains(tensor) || !values.insert({tensor, map}))
    return;
  if (isIndexMapOp(op)) {
    collectValues(op->getOperand(0), kernel.getSourceMap(op, map), values);
    return;
  }
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumReductionLoops())
    return;
  SmallVector<AffineExpr> loops =
      kernel.getLoops(generic, cast<OpResult>(tensor), map);
  for (OpOperand &operand : generic->getOpOperands())
    if (isa<RankedTensorType>(operand.get().getType()) &&
        !generic.getMatchingBlockArgument(&operand).use_empty())
      collectValues(
          operand.get(),
          kernel.composeMap(generic.getMatchingIndexingMap(&operand), loops),
          values);
}

/// Finds values with expensive functions that more than one sweep needs.
void LoopEmitter::chooseRowCache() {
  constexpr int64_t kMaxBytes = 1 << 15;
  if (kernel.numSweeps < 2 || kernel.numTranscendental == 0)
    return;
  int64_t points = 1;
  for (const LoopDim &dim : schedule.dims)
    if (dim.reduced) {
      if (ShapedType::isDynamic(dim.size))
        return;
      points *= dim.size;
    }
  // A last vector may be stored as a whole.
  points += schedule.width;
  if (!schedule.isVectorReduced())
    points *= schedule.width;
  llvm::MapVector<std::pair<Value, AffineMap>, unsigned> uses;
  for (unsigned sweep = 0; sweep < kernel.numSweeps; ++sweep) {
    llvm::SetVector<std::pair<Value, AffineMap>> values;
    for (const LoopReduction &reduction : kernel.reductions) {
      linalg::GenericOp op = reduction.op;
      if (reduction.sweep == sweep)
        for (OpOperand *operand : op.getDpsInputOperands())
          if (isa<RankedTensorType>(operand->get().getType()))
            collectValues(operand->get(),
                          kernel.composeMap(op.getMatchingIndexingMap(operand),
                                            reduction.loops),
                          values);
    }
    for (const LoopOutput &output : kernel.outputs)
      if (output.alongRow && output.level == sweep)
        collectValues(output.tensor, output.map, values);
    for (auto &value : values)
      ++uses[value];
  }
  int64_t bytes = 0;
  for (auto &[value, count] : uses) {
    auto generic = value.first.getDefiningOp<linalg::GenericOp>();
    if (count < 2 || !generic || generic.getNumReductionLoops())
      continue;
    Type element = getElementTypeOrSelf(value.first.getType());
    bool expensive = llvm::any_of(
        generic.getBody()->without_terminator(), [](Operation &op) {
          return isa<math::ExpOp, math::TanhOp, math::ErfOp, math::LogOp,
                     math::SinOp, math::CosOp, math::PowFOp, math::Exp2Op,
                     math::Log1pOp, math::ExpM1Op>(op);
        });
    bool alongRow = llvm::any_of(
        llvm::seq<unsigned>(0, kernel.dims.size()), [&](unsigned d) {
          return kernel.dims[d].reduced && value.second.isFunctionOfDim(d);
        });
    if (!expensive || !alongRow || !element.isF32() ||
        bytes + points * 4 > kMaxBytes)
      continue;
    bytes += points * 4;
    setInsertion(0);
    Value memory = LLVM::AllocaOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext()), element,
        constant(points), 64);
    rowCache.push_back({value, memory, false});
  }
}

/// The element of a row cache at the current point of the row.
Value LoopEmitter::getRowCacheAddress(unsigned slot) {
  Value offset;
  int64_t stride = schedule.isVectorReduced() ? 1 : schedule.width;
  auto addDim = [&](unsigned d) {
    Value term = ivs[d];
    if (stride != 1)
      term = arith::MulIOp::create(b, loc, term, constant(stride));
    offset = offset ? Value(arith::AddIOp::create(b, loc, offset, term)) : term;
    stride *= schedule.dims[d].size;
  };
  if (schedule.isVectorReduced())
    addDim(schedule.vectorDim);
  for (unsigned d : llvm::reverse(schedule.reduced))
    addDim(d);
  if (!offset)
    offset = constant(0);
  return LLVM::GEPOp::create(b, loc,
                             LLVM::LLVMPointerType::get(b.getContext()),
                             b.getF32Type(), rowCache[slot].memory,
                             LLVM::GEPArg(offset));
}

void LoopEmitter::emitRow() {
  // Accumulators that are combined at the end of the sweep.
  bool vectorRow = schedule.isVectorReduced() && schedule.width > 1;
  bool partial = vectorRow || isRowShared();
  for (RowCache &cache : rowCache)
    cache.filled = cache.stored = false;
  for (unsigned sweep = 0; sweep < kernel.numSweeps; ++sweep) {
    SmallVector<Value> init;
    SmallVector<Lanes> starts;
    bool any = false;
    for (const LoopReduction &reduction : kernel.reductions) {
      if (reduction.sweep != sweep)
        continue;
      any = true;
      for (auto [i, map] : llvm::enumerate(reduction.maps)) {
        linalg::GenericOp op = reduction.op;
        Lanes start =
            evaluate(op.getDpsInitOperand(i)->get(), map);
        starts.push_back(start);
        if (!partial) {
          init.push_back(splat(start));
          continue;
        }
        Type element = start.value.getType();
        setInsertion(0);
        Type type = getType(element, schedule.width > 1);
        TypedAttr neutral = getNeutral(b, getCombiner(op, i), element);
        if (auto vectorType = dyn_cast<VectorType>(type))
          neutral = DenseElementsAttr::get(vectorType, Attribute(neutral));
        init.push_back(arith::ConstantOp::create(b, loc, neutral));
      }
    }
    for (const LoopOutput &output : kernel.outputs)
      any |= output.alongRow && output.level == sweep;
    if (!any)
      continue;
    SmallVector<Value> finished = emitSweep(sweep, init);
    // What this sweep stored, the next ones load.
    for (RowCache &cache : rowCache)
      cache.filled |= cache.stored;
    unsigned next = 0;
    for (const LoopReduction &reduction : kernel.reductions) {
      if (reduction.sweep != sweep)
        continue;
      for (auto [i, map] : llvm::enumerate(reduction.maps)) {
        linalg::GenericOp op = reduction.op;
        Lanes lanes{finished[next], schedule.width > 1 && !vectorRow, top(),
                    {}, {}};
        if (partial) {
          Operation *combiner = getCombiner(op, i);
          setInsertion(top());
          if (vectorRow)
            lanes.value = combineVector(combiner, lanes.value);
          lanes.value = combineThreads(combiner, lanes.value);
          Value start = starts[next].value;
          if (lanes.isVector)
            start = splat(starts[next]);
          Attribute constantStart;
          bool neutral =
              matchPattern(starts[next].value, m_Constant(&constantStart)) &&
              constantStart ==
                  getNeutral(b, combiner, starts[next].value.getType());
          setInsertion(top());
          if (!neutral)
            lanes.value = combine(combiner, start, lanes.value);
        }
        scopes.back().values[{op->getResult(i), map}] = lanes;
        ++next;
      }
    }
  }
  for (const LoopOutput &output : kernel.outputs)
    if (!output.alongRow)
      evaluate(output.tensor, output.map);
  for (const LoopOutput &output : kernel.outputs)
    if (!output.alongRow)
      store(output);
}

//===----------------------------------------------------------------------===//
// Kept dims
//===----------------------------------------------------------------------===//

void LoopEmitter::emitPoint() {
  if (schedule.innerDim < 0) {
    emitRow();
    return;
  }
  Value zero = getScalarExpr(getAffineConstantExpr(0, b.getContext()));
  unsigned dim = schedule.innerDim;
  scf::ForOp loop = openLoop(zero, getSize(dim), 1, {});
  bindDim(dim, loop.getInductionVar());
  emitRow();
  closeLoop(loop, {});
}

/// Vectors along the kept vector dim from element `begin` to `end`; `end` is a
/// multiple of the width, or past the size: then the last vector is masked.
void LoopEmitter::emitVectorBlocks(Value begin, Value end, bool wholeDim) {
  unsigned dim = schedule.vectorDim;
  int64_t width = schedule.width;
  const LoopDim &d = schedule.dims[dim];
  bool isStatic = !ShapedType::isDynamic(d.size);
  Value size = getSize(dim);
  setInsertion(0);
  Value fullSize =
      isStatic ? constant(d.size / width * width)
               : Value(arith::SubIOp::create(
                     b, loc, size,
                     arith::RemSIOp::create(b, loc, size, constant(width))));
  if (!isStatic || d.size >= width) {
    setInsertion(top());
    Value fullEnd = wholeDim ? fullSize
                             : Value(arith::MinSIOp::create(b, loc, end,
                                                            fullSize));
    scf::ForOp loop = openLoop(begin, fullEnd, width, {});
    bindDim(dim, loop.getInductionVar());
    emitPoint();
    closeLoop(loop, {});
  }
  if (isStatic && d.size % width == 0)
    return;
  setInsertion(top());
  Value condition = arith::CmpIOp::create(
      b, loc, arith::CmpIPredicate::sgt, wholeDim ? size : end, fullSize);
  auto branch = scf::IfOp::create(b, loc, condition, /*withElse=*/false);
  branch.thenBlock()->getTerminator()->erase();
  scopes.back().before = branch;
  openScope(branch.thenBlock());
  bindDim(dim, fullSize);
  setInsertion(top());
  Value rest = arith::SubIOp::create(b, loc, size, fullSize);
  mask = createMask(rest);
  emitPoint();
  mask = Value();
  b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(b, loc);
  closeScope();
}

void LoopEmitter::emitKept(unsigned level) {
  Value zero = getScalarExpr(getAffineConstantExpr(0, b.getContext()));
  if (level < schedule.kept.size()) {
    unsigned dim = schedule.kept[level];
    scf::ForOp loop = openLoop(zero, getSize(dim), 1, {});
    bindDim(dim, loop.getInductionVar());
    emitKept(level + 1);
    closeLoop(loop, {});
    return;
  }
  if (schedule.vectorDim >= 0 && !schedule.isVectorReduced())
    emitVectorBlocks(zero, getSize(schedule.vectorDim), /*wholeDim=*/true);
  else
    emitRow();
}

/// The points `begin` to `end` of the loops that threads share.
void LoopEmitter::emitRange(Value begin, Value end) {
  if (schedule.kept.empty()) {
    // Blocks of the vector dim.
    setInsertion(0);
    Value width = constant(schedule.width);
    Value first = arith::MulIOp::create(b, loc, begin, width);
    Value last = arith::MulIOp::create(b, loc, end, width);
    emitVectorBlocks(first, last, /*wholeDim=*/false);
    return;
  }
  scf::ForOp loop = openLoop(begin, end, 1, {});
  Value rest = loop.getInductionVar();
  for (unsigned level = numParallelLevels; level-- > 0;) {
    unsigned dim = schedule.kept[level];
    if (level == 0) {
      bindDim(dim, rest);
      break;
    }
    Value size = getSize(dim);
    setInsertion(top());
    bindDim(dim, arith::RemUIOp::create(b, loc, rest, size));
    rest = arith::DivUIOp::create(b, loc, rest, size);
  }
  emitKept(numParallelLevels);
  closeLoop(loop, {});
}

LogicalResult LoopEmitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  ivs.assign(schedule.dims.size(), Value());
  ivScopes.assign(schedule.dims.size(), 0);
  openScope(target.entry);

  // How the work divides among threads: leading kept loops until there are
  // enough points, or the vectors of a single kept dim.
  int64_t cost = 1 + kernel.numOps + kernel.loads.size() +
                 10 * kernel.numTranscendental;
  int64_t total = cost, points = 1;
  bool isDynamic = false;
  for (const LoopDim &dim : schedule.dims) {
    isDynamic |= ShapedType::isDynamic(dim.size);
    total = estimateProduct(total, dim.size ? dim.size : 1, 256);
  }
  bool vectorOnly = schedule.kept.empty() && schedule.vectorDim >= 0 &&
                    !schedule.isVectorReduced();
  while (numParallelLevels < schedule.kept.size() && points < 64) {
    int64_t size = schedule.dims[schedule.kept[numParallelLevels++]].size;
    points *= ShapedType::isDynamic(size) ? 256 : std::max<int64_t>(size, 1);
  }
  if (vectorOnly) {
    int64_t size = schedule.dims[schedule.vectorDim].size;
    points = llvm::divideCeil(ShapedType::isDynamic(size) ? 256 * 16 : size,
                              schedule.width);
  }
  bool parallel = (numParallelLevels || vectorOnly) && points > 1 &&
                  (isDynamic || total >= kSerialWork);
  if (!numParallelLevels && !vectorOnly) {
    for (unsigned d = 0; d < schedule.dims.size(); ++d)
      if (schedule.dims[d].size == 1)
        bindDim(d, getScalarExpr(getAffineConstantExpr(0, b.getContext())));
    chooseRowCache();
    emitKept(0);
    setInsertion(0);
    func::ReturnOp::create(b, loc);
    return success();
  }

  setInsertion(0);
  Value count;
  if (vectorOnly) {
    Value size = getSize(schedule.vectorDim);
    setInsertion(0);
    count = arith::DivUIOp::create(
        b, loc,
        arith::AddIOp::create(b, loc, size, constant(schedule.width - 1)),
        constant(schedule.width));
  } else {
    for (unsigned level = 0; level < numParallelLevels; ++level) {
      Value size = getSize(schedule.kept[level]);
      setInsertion(0);
      count = count ? Value(arith::MulIOp::create(b, loc, count, size)) : size;
    }
  }
  Value begin, end = count;
  setInsertion(0);
  begin = constant(0);
  if (parallel) {
    int64_t grain =
        std::max<int64_t>(1, kChunkWork / std::max<int64_t>(1, total / points));
    enterParallelBody(count, grain, begin, end);
  }
  for (unsigned d = 0; d < schedule.dims.size(); ++d)
    if (schedule.dims[d].size == 1)
      bindDim(d, getScalarExpr(getAffineConstantExpr(0, b.getContext())));
  chooseRowCache();
  emitRange(begin, end);
  setInsertion(0);
  func::ReturnOp::create(b, loc);
  return success();
}

/// Ends the kernel function with a call of the runtime that runs a second
/// function on ranges of points, and continues in that function.
void LoopEmitter::enterParallelBody(Value count, int64_t grain, Value &begin,
                                    Value &end) {
  setInsertion(0);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  func::FuncOp body =
      createCallback(b, target, "body", b.getFunctionType({pointer, i64, i64},
                                                          {}));
  func::FuncOp run = declareRuntime(
      b, target, "fx_rt_parallel_for",
      b.getFunctionType({pointer, pointer, pointer, i64, i64}, {}));
  Value closure = packClosure(b, target);
  func::CallOp::create(b, loc, run,
                       ValueRange{target.context, getAddress(b, body),
                                  closure, count, constant(grain)});
  func::ReturnOp::create(b, loc);

  scopes.clear();
  sizes.clear();
  strides.clear();
  innerBuffers.clear();
  openScope(&body.getBody().front());
  setInsertion(0);
  unpackClosure(b, target, body.getArgument(0));
  begin = body.getArgument(1);
  end = body.getArgument(2);
}

//===----------------------------------------------------------------------===//
// Tiles: the epilogue of a template
//===----------------------------------------------------------------------===//

/// Binds dims that a template counts as one.
void LoopEmitter::bindJoined(ArrayRef<unsigned> joined, Value index) {
  for (size_t i = joined.size(); i-- > 0;) {
    if (i == 0) {
      bindDim(joined[0], index);
      return;
    }
    Value size = getSize(joined[i]);
    setInsertion(top());
    bindDim(joined[i], arith::RemUIOp::create(b, loc, index, size));
    index = arith::DivUIOp::create(b, loc, index, size);
  }
}

void LoopEmitter::emitTile(func::FuncOp function, const TileDims &tile) {
  OpBuilder::InsertionGuard guard(b);
  // batch, row, col, rows, cols; the dims stand in the same order.
  ivs.assign(schedule.dims.size(), Value());
  ivScopes.assign(schedule.dims.size(), 0);
  openScope(&function.getBody().front());
  setInsertion(0);
  for (unsigned d = 0; d < schedule.dims.size(); ++d)
    if (schedule.dims[d].size == 1)
      bindDim(d, getScalarExpr(getAffineConstantExpr(0, b.getContext())));
  Value batch = function.getArgument(1), row = function.getArgument(2),
        col = function.getArgument(3), rows = function.getArgument(4),
        cols = function.getArgument(5);
  bindJoined(tile.batch, batch);
  setInsertion(0);
  Value rowEnd = arith::AddIOp::create(b, loc, row, rows);
  Value colEnd = arith::AddIOp::create(b, loc, col, cols);
  scf::ForOp loop = openLoop(row, rowEnd, 1, {});
  bindJoined(tile.row, loop.getInductionVar());
  if (schedule.vectorDim < 0) {
    emitRow();
  } else {
    setInsertion(0);
    Value rest = arith::RemUIOp::create(b, loc, cols,
                                        constant(schedule.width));
    Value fullEnd = arith::SubIOp::create(b, loc, colEnd, rest);
    unsigned dim = schedule.vectorDim;
    scf::ForOp vectors = openLoop(col, fullEnd, schedule.width, {});
    bindDim(dim, vectors.getInductionVar());
    emitRow();
    closeLoop(vectors, {});
    setInsertion(top());
    Value condition = arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::ne, rest, constant(0));
    auto branch = scf::IfOp::create(b, loc, condition, /*withElse=*/false);
    branch.thenBlock()->getTerminator()->erase();
    scopes.back().before = branch;
    openScope(branch.thenBlock());
    bindDim(dim, fullEnd);
    setInsertion(top());
    mask = createMask(rest);
    emitRow();
    mask = Value();
    b.setInsertionPointToEnd(branch.thenBlock());
    scf::YieldOp::create(b, loc);
    closeScope();
  }
  closeLoop(loop, {});
  setInsertion(0);
  func::ReturnOp::create(b, loc);
}
