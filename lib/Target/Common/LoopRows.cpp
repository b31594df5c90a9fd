//===- LoopRows.cpp - Sweeps over the reduced dims of a loop kernel -------===//

#include "LoopEmitter.h"

#include "fx/Lowering/Kernels/OnlineSoftmax.h"
#include "fx/Support/Sizes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

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

/// The better one of two candidates of a selection, lane by lane.
SmallVector<Value> LoopEmitter::combineSelection(linalg::GenericOp op,
                                                 const Selection &selection,
                                                 ValueRange low,
                                                 ValueRange high) {
  IRMapping mapping;
  for (unsigned i = 0; i < low.size(); ++i) {
    mapping.map(selection.candidates[i], high[i]);
    mapping.map(op.getBody()->getArgument(op.getNumDpsInputs() + i), low[i]);
  }
  auto vectorType = dyn_cast<VectorType>(low[0].getType());
  auto getLike = [&](Type element) -> Type {
    return vectorType ? VectorType::get(vectorType.getShape(), element)
                      : element;
  };
  for (Operation *nested : selection.ops) {
    SmallVector<Value> operands;
    for (Value operand : nested->getOperands()) {
      Value lanes = mapping.lookupOrNull(operand);
      if (!lanes) {
        // A scalar from outside of the body.
        lanes = getScalarOperand(operand).value;
        setInsertion(top());
        if (vectorType)
          lanes = vector::BroadcastOp::create(b, loc, getLike(lanes.getType()),
                                              lanes);
      }
      operands.push_back(lanes);
    }
    OperationState state(loc, nested->getName(), operands,
                         {getLike(nested->getResult(0).getType())},
                         nested->getAttrs());
    mapping.map(nested->getResult(0), b.create(state)->getResult(0));
  }
  Value condition = mapping.lookup(selection.condition);
  SmallVector<Value> best;
  for (unsigned i = 0; i < low.size(); ++i)
    best.push_back(
        arith::SelectOp::create(b, loc, condition, high[i], low[i]));
  return best;
}

SmallVector<Value>
LoopEmitter::combineSelectionLanes(linalg::GenericOp op,
                                   const Selection &selection,
                                   ArrayRef<Value> accumulators) {
  SmallVector<Value> current(accumulators);
  for (int64_t width = schedule.width / 2; width > 0; width /= 2) {
    SmallVector<Value> low, high;
    for (Value accumulator : current) {
      auto getHalf = [&](int64_t first) -> Value {
        SmallVector<int64_t> lanes(width);
        std::iota(lanes.begin(), lanes.end(), first);
        return vector::ShuffleOp::create(b, loc, accumulator, accumulator,
                                         lanes);
      };
      low.push_back(getHalf(0));
      high.push_back(getHalf(width));
    }
    current = combineSelection(op, selection, low, high);
  }
  for (Value &value : current)
    value = vector::ExtractOp::create(b, loc, value, ArrayRef<int64_t>{0});
  return current;
}

/// Maximum and sum of two parts of a softmax.
static SmallVector<Value> combinePair(OpBuilder &b, Location loc, ValueRange a,
                                      ValueRange c) {
  OnlineSum sums = combineOnline(b, loc, {a[0], a[1]}, {c[0], c[1]});
  return {sums.largest, sums.total};
}

SmallVector<Value>
LoopEmitter::combineOnlineSums(ArrayRef<Value> accumulators) {
  SmallVector<Value> current(accumulators);
  setInsertion(top());
  if (schedule.isVectorReduced() && schedule.width > 1) {
    for (int64_t width = schedule.width / 2; width > 0; width /= 2) {
      SmallVector<Value> low, high;
      for (Value value : current) {
        SmallVector<int64_t> lanes(2 * width);
        std::iota(lanes.begin(), lanes.end(), 0);
        ArrayRef<int64_t> all(lanes);
        low.push_back(vector::ShuffleOp::create(b, loc, value, value,
                                                all.take_front(width)));
        high.push_back(vector::ShuffleOp::create(b, loc, value, value,
                                                 all.drop_front(width)));
      }
      current = combinePair(b, loc, low, high);
    }
    for (Value &value : current)
      value = vector::ExtractOp::create(b, loc, value, ArrayRef<int64_t>{0});
  }
  return combineThreads(
      [&](ValueRange a, ValueRange c) { return combinePair(b, loc, a, c); },
      current);
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

/// The neutral accumulators of a sweep, null for those of selections; empty if
/// it has another reduction that has none.
SmallVector<Value> LoopEmitter::getNeutrals(unsigned sweep) {
  SmallVector<Value> neutrals;
  for (const LoopReduction &reduction : kernel.reductions) {
    if (reduction.sweep != sweep)
      continue;
    linalg::GenericOp op = reduction.op;
    bool isOnline = isOnlineSum(op);
    for (unsigned i = 0; i < reduction.maps.size(); ++i) {
      Operation *combiner = getCombiner(op, i);
      if (isOnline) {
        neutrals.push_back(
            splat(evaluate(op.getDpsInitOperand(i)->get(), reduction.maps[i])));
        continue;
      }
      if (!combiner && !matchSelection(op))
        return {};
      if (!combiner) {
        neutrals.push_back({});
        continue;
      }
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

/// A loop that carries accumulators, `innerSteps` steps of inner loops in each
/// step of it (an estimate). Many steps are cut into blocks with accumulators of
/// their own: sums of floats stay accurate.
SmallVector<Value> LoopEmitter::emitAccumulation(
    unsigned dim, Value end, int64_t step, int64_t innerSteps, unsigned sweep,
    ValueRange accumulators,
    llvm::function_ref<SmallVector<Value>(ValueRange)> emitBody) {
  constexpr int64_t kBlock = 128;
  Value first = isShared(dim)
                    ? sharedBegin
                    : getScalarExpr(getAffineConstantExpr(0, b.getContext()));
  auto emitLoop = [&](Value begin, Value loopEnd, ValueRange init) {
    scf::ForOp loop = openLoop(begin, loopEnd, step, init);
    bindDim(dim, loop.getInductionVar());
    SmallVector<Value> updated = emitBody(loop.getRegionIterArgs());
    closeLoop(loop, updated);
    return SmallVector<Value>(loop.getResults());
  };
  // The combiner of each accumulator, null for those of selections and online
  // sums; where pairs of the latter begin.
  SmallVector<Operation *> combiners;
  SmallVector<size_t> pairs;
  bool sums = false;
  for (const LoopReduction &reduction : kernel.reductions) {
    linalg::GenericOp op = reduction.op;
    if (reduction.sweep != sweep)
      continue;
    if (isOnlineSum(op)) {
      pairs.push_back(combiners.size());
      combiners.append(2, nullptr);
      sums = true;
      continue;
    }
    for (unsigned i = 0; i < reduction.maps.size(); ++i) {
      combiners.push_back(getCombiner(op, i));
      sums |= isa_and_nonnull<arith::AddFOp>(combiners.back());
    }
  }
  int64_t size = schedule.dims[dim].size;
  bool isLong = ShapedType::isDynamic(size) ||
                estimateProduct(innerSteps, size / step, 0) >= 4 * kBlock;
  SmallVector<Value> neutrals;
  if (sums && isLong)
    neutrals = getNeutrals(sweep);
  if (neutrals.empty())
    return emitLoop(first, end, accumulators);

  int64_t blockSteps =
      std::max<int64_t>(1, kBlock / std::max<int64_t>(1, innerSteps));
  scf::ForOp blocks = openLoop(first, end, blockSteps * step, accumulators);
  ValueRange totals = blocks.getRegionIterArgs();
  // Selections go on from block to block.
  for (auto [neutral, total] : llvm::zip(neutrals, totals))
    if (!neutral)
      neutral = total;
  SmallVector<Value> partial;
  if (blockSteps == 1) {
    bindDim(dim, blocks.getInductionVar());
    partial = emitBody(neutrals);
  } else {
    setInsertion(top());
    Value begin = blocks.getInductionVar();
    Value blockEnd = arith::MinSIOp::create(
        b, loc, end,
        arith::AddIOp::create(b, loc, begin, constant(blockSteps * step)));
    partial = emitLoop(begin, blockEnd, neutrals);
  }
  setInsertion(top());
  for (auto [i, combiner] : llvm::enumerate(combiners))
    if (combiner)
      partial[i] = combine(combiner, totals[i], partial[i]);
  for (size_t i : pairs)
    llvm::copy(combinePair(b, loc, totals.slice(i, 2),
                           ValueRange(partial).slice(i, 2)),
               partial.begin() + i);
  closeLoop(blocks, partial);
  return SmallVector<Value>(blocks.getResults());
}

SmallVector<Value> LoopEmitter::emitReduced(unsigned level, unsigned sweep,
                                            ValueRange accumulators) {
  bool vectorRow = schedule.isVectorReduced();
  if (level < schedule.reduced.size()) {
    unsigned dim = schedule.reduced[level];
    int64_t innerSteps = 1;
    for (unsigned inner : ArrayRef(schedule.reduced).drop_front(level + 1))
      innerSteps = estimateProduct(innerSteps, schedule.dims[inner].size, 256);
    if (vectorRow)
      innerSteps = estimateProduct(
          innerSteps, schedule.dims[schedule.vectorDim].size, 256) /
          schedule.width;
    return emitAccumulation(dim, isShared(dim) ? sharedEnd : getSize(dim), 1,
                            innerSteps, sweep, accumulators,
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
  if (!isStatic || d.size >= width) {
    Value end = fullEnd;
    if (isShared(dim)) {
      setInsertion(top());
      end = arith::MinSIOp::create(b, loc, fullEnd, sharedEnd);
    }
    current = emitAccumulation(dim, end, width, /*innerSteps=*/1, sweep,
                               current, [&](ValueRange accs) {
                                 return emitSweepBody(sweep, accs);
                               });
  }
  if (isStatic && d.size % width == 0)
    return current;
  // The tail: its own scope, so that values of full vectors are not reused.
  setInsertion(top());
  Value size = getSize(dim);
  setInsertion(top());
  Value condition =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, fullEnd,
                            isShared(dim) ? sharedEnd : size);
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

/// What the accumulators of a sweep begin with. `starts` receives what the
/// reductions do, which partial accumulators get in the end.
SmallVector<Value> LoopEmitter::getInitial(unsigned sweep,
                                           SmallVectorImpl<Lanes> &starts) {
  SmallVector<Value> init;
  for (const LoopReduction &reduction : kernel.reductions) {
    if (reduction.sweep != sweep)
      continue;
    for (auto [i, map] : llvm::enumerate(reduction.maps)) {
      linalg::GenericOp op = reduction.op;
      Lanes start = evaluate(op.getDpsInitOperand(i)->get(), map);
      starts.push_back(start);
      // A selection may see its start many times, an online sum has a
      // neutral one.
      if (!isPartial() || matchSelection(op) || isOnlineSum(op)) {
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
  return init;
}

SmallVector<Value> LoopEmitter::combineParts(unsigned sweep, ValueRange a,
                                             ValueRange c) {
  SmallVector<Value> result;
  setInsertion(top());
  for (const LoopReduction &reduction : kernel.reductions) {
    linalg::GenericOp op = reduction.op;
    if (reduction.sweep != sweep)
      continue;
    unsigned next = result.size(), count = reduction.maps.size();
    if (std::optional<Selection> selection = matchSelection(op))
      llvm::append_range(result, combineSelection(op, *selection,
                                                  a.slice(next, count),
                                                  c.slice(next, count)));
    else if (isOnlineSum(op))
      llvm::append_range(result, combinePair(b, loc, a.slice(next, count),
                                             c.slice(next, count)));
    else
      for (unsigned i = 0; i < count; ++i)
        result.push_back(
            combine(getCombiner(op, i), a[next + i], c[next + i]));
  }
  return result;
}

void LoopEmitter::emitRow() {
  bool vectorRow = schedule.isVectorReduced() && schedule.width > 1;
  bool partial = isPartial();
  for (RowCache &cache : rowCache)
    cache.filled = cache.stored = false;
  for (unsigned sweep = 0; sweep < kernel.numSweeps; ++sweep) {
    SmallVector<Lanes> starts;
    SmallVector<Value> init = getInitial(sweep, starts);
    bool any = !init.empty();
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
      linalg::GenericOp op = reduction.op;
      std::optional<Selection> selection = matchSelection(op);
      if (selection && vectorRow) {
        setInsertion(top());
        unsigned count = reduction.maps.size();
        llvm::copy(combineSelectionLanes(op, *selection,
                                         ArrayRef(finished).slice(next, count)),
                   finished.begin() + next);
      }
      bool isOnline = isOnlineSum(op);
      if (isOnline && partial)
        llvm::copy(combineOnlineSums(ArrayRef(finished).slice(next, 2)),
                   finished.begin() + next);
      for (auto [i, map] : llvm::enumerate(reduction.maps)) {
        Lanes lanes{finished[next], schedule.width > 1 && !vectorRow, top(),
                    {}, {}};
        if (partial && !selection && !isOnline) {
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
