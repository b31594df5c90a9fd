//===- LoopValues.cpp - Values of a loop kernel at a point ----------------===//
//
// The fused expression is evaluated from its end: the value of a tensor at an
// index asks for the values of its producer's operands. Each value is emitted
// in the outermost loop that it depends on, and once there.
//
//===----------------------------------------------------------------------===//

#include "LoopEmitter.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

static Type getIntegerForIndex(Type type) {
  return type.isIndex() ? IntegerType::get(type.getContext(), 64) : type;
}

Type LoopEmitter::getType(Type scalar, bool isVector) {
  scalar = getIntegerForIndex(scalar);
  return isVector ? Type(VectorType::get({schedule.width}, scalar)) : scalar;
}

Value LoopEmitter::constant(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, value, 64);
}

/// The scalar behind a splat.
Value LoopEmitter::splat(const Lanes &lanes) {
  if (lanes.isVector || schedule.width == 1)
    return lanes.value;
  Value &known = scopes[lanes.scope].splats[lanes.value];
  if (known)
    return known;
  setInsertion(lanes.scope);
  auto type =
      cast<VectorType>(getType(lanes.value.getType(), /*isVector=*/true));
  Attribute attr;
  if (matchPattern(lanes.value, m_Constant(&attr)))
    known = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, attr));
  else
    known = vector::BroadcastOp::create(b, loc, type, lanes.value);
  return known;
}

//===----------------------------------------------------------------------===//
// Index expressions
//===----------------------------------------------------------------------===//

unsigned LoopEmitter::getScope(AffineExpr expr) {
  unsigned scope = 0;
  expr.walk([&](AffineExpr e) {
    if (auto d = dyn_cast<AffineDimExpr>(e))
      scope = std::max(scope, ivScopes[d.getPosition()]);
  });
  return scope;
}

static Value createIndexOp(OpBuilder &b, Location loc, AffineExprKind kind,
                           Value lhs, Value rhs) {
  switch (kind) {
  case AffineExprKind::Add:
    return arith::AddIOp::create(b, loc, lhs, rhs);
  case AffineExprKind::Mul:
    return arith::MulIOp::create(b, loc, lhs, rhs);
  case AffineExprKind::FloorDiv:
    return arith::DivSIOp::create(b, loc, lhs, rhs);
  case AffineExprKind::Mod:
    return arith::RemSIOp::create(b, loc, lhs, rhs);
  default:
    llvm_unreachable("no other index expressions are made");
  }
}

Value LoopEmitter::getScalarExpr(AffineExpr expr) {
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return ivs[d.getPosition()];
  unsigned scope = getScope(expr);
  if (Value known = scopes[scope].exprs.lookup(expr))
    return known;
  Value value;
  if (auto c = dyn_cast<AffineConstantExpr>(expr)) {
    setInsertion(0);
    value = constant(c.getValue());
  } else {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value lhs = getScalarExpr(binary.getLHS());
    Value rhs = getScalarExpr(binary.getRHS());
    setInsertion(scope);
    value = createIndexOp(b, loc, expr.getKind(), lhs, rhs);
  }
  scopes[scope].exprs[expr] = value;
  return value;
}

LoopEmitter::Lanes LoopEmitter::getLanes(AffineExpr expr) {
  unsigned scope = getScope(expr);
  if (schedule.width == 1 || !expr.isFunctionOfDim(schedule.vectorDim))
    return {getScalarExpr(expr), false, scope, {}, {}};
  auto type = cast<VectorType>(getType(b.getI64Type(), true));
  SmallVector<int64_t> factors;
  int64_t constantPart;
  if (getLinearForm(expr, ivs.size(), factors, constantPart)) {
    Value base = getScalarExpr(expr);
    int64_t stride = factors[schedule.vectorDim];
    setInsertion(scope);
    SmallVector<int64_t> steps;
    for (int64_t lane = 0; lane < schedule.width; ++lane)
      steps.push_back(lane * stride);
    Value step = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, ArrayRef(steps)));
    Value value = arith::AddIOp::create(
        b, loc, vector::BroadcastOp::create(b, loc, type, base), step);
    return {value, true, scope, base, stride};
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = splat(getLanes(binary.getLHS()));
  Value rhs = splat(getLanes(binary.getRHS()));
  setInsertion(scope);
  Value value = createIndexOp(b, loc, expr.getKind(), lhs, rhs);
  return {value, true, scope, {}, {}};
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

const Buffer &LoopEmitter::getBuffer(Value tensor) {
  if (auto it = inner.find(tensor); it != inner.end()) {
    auto [buffer, isNew] = innerBuffers.try_emplace(tensor);
    if (isNew) {
      OpBuilder::InsertionGuard guard(b);
      setInsertion(0);
      buffer->second = it->second(b, target);
    }
    return buffer->second;
  }
  return target::getBuffer(kernelOp, target, tensor);
}

SmallVector<OpFoldResult> LoopEmitter::getStrides(Value tensor) {
  auto [it, isNew] = strides.try_emplace(tensor);
  if (!isNew)
    return it->second;
  const Buffer &buffer = getBuffer(tensor);
  if (!buffer.strides.empty())
    return it->second = buffer.strides;
  SmallVector<OpFoldResult> result(buffer.sizes.size());
  OpFoldResult stride = b.getI64IntegerAttr(1);
  setInsertion(0);
  for (int64_t d = result.size() - 1; d >= 0; --d) {
    result[d] = stride;
    std::optional<int64_t> a = getConstantIntValue(stride);
    std::optional<int64_t> size = getConstantIntValue(buffer.sizes[d]);
    if (a && size)
      stride = b.getI64IntegerAttr(*a * *size);
    else if (d)
      stride = arith::MulIOp::create(b, loc, materialize(b, loc, stride),
                                     materialize(b, loc, buffer.sizes[d]))
                   .getResult();
  }
  strides[tensor] = result;
  return result;
}

LoopEmitter::Address LoopEmitter::getAccess(Value tensor, AffineMap map) {
  SmallVector<OpFoldResult> steps = getStrides(tensor);
  unsigned numDims = ivs.size();
  Address address;
  address.laneStride = 0;
  address.aligned = schedule.aligned;
  // Factors of the dims, known ones and those with a dynamic stride.
  SmallVector<int64_t> known(numDims, 0);
  int64_t offset = 0;
  SmallVector<std::pair<AffineExpr, Value>> dynamicTerms;
  SmallVector<std::pair<AffineExpr, OpFoldResult>> laneTerms;
  for (auto [expr, step] : llvm::zip(map.getResults(), steps)) {
    SmallVector<int64_t> factors;
    int64_t constantPart;
    bool linear = getLinearForm(expr, numDims, factors, constantPart);
    std::optional<int64_t> stepValue = getConstantIntValue(step);
    bool perLane = schedule.width > 1 &&
                   expr.isFunctionOfDim(schedule.vectorDim);
    if (!linear && perLane) {
      laneTerms.push_back({expr, step});
      continue;
    }
    if (linear && stepValue) {
      for (unsigned d = 0; d < numDims; ++d)
        known[d] += factors[d] * *stepValue;
      offset += constantPart * *stepValue;
      continue;
    }
    setInsertion(0);
    dynamicTerms.push_back({expr, materialize(b, loc, step)});
    if (perLane) {
      int64_t factor = factors[schedule.vectorDim];
      setInsertion(0);
      Value stride = arith::MulIOp::create(b, loc, materialize(b, loc, step),
                                           constant(factor));
      address.dynamicStride =
          address.dynamicStride
              ? Value(arith::AddIOp::create(b, loc, address.dynamicStride,
                                            stride))
              : stride;
    }
  }
  if (schedule.width > 1)
    address.laneStride = known[schedule.vectorDim];
  if (address.dynamicStride || !laneTerms.empty()) {
    address.laneStride = std::nullopt;
  }

  // The terms of each loop are added in that loop.
  Value sum;
  unsigned sumScope = 0;
  auto addTerm = [&](Value term, unsigned scope) {
    scope = std::max(scope, sumScope);
    setInsertion(scope);
    sum = sum ? Value(arith::AddIOp::create(b, loc, sum, term)) : term;
    sumScope = scope;
  };
  std::pair<Value, AffineMap> key{tensor, map};
  if (offset) {
    setInsertion(0);
    addTerm(constant(offset), 0);
  }
  for (unsigned scope = 0; scope <= top(); ++scope) {
    SmallVector<Value> terms;
    bool hasTerms = false;
    for (unsigned d = 0; d < numDims; ++d)
      hasTerms |= known[d] && ivScopes[d] == scope;
    for (auto &[expr, step] : dynamicTerms)
      hasTerms |= getScope(expr) == scope;
    if (!hasTerms)
      continue;
    if (Value done = scopes[scope].offsets.lookup(key)) {
      sum = done;
      sumScope = scope;
      continue;
    }
    for (unsigned d = 0; d < numDims; ++d) {
      if (!known[d] || ivScopes[d] != scope)
        continue;
      Value term = ivs[d];
      if (known[d] != 1) {
        setInsertion(scope);
        term = arith::MulIOp::create(b, loc, term, constant(known[d]));
      }
      addTerm(term, scope);
    }
    for (auto &[expr, step] : dynamicTerms) {
      if (getScope(expr) != scope)
        continue;
      Value index = getScalarExpr(expr);
      setInsertion(scope);
      addTerm(arith::MulIOp::create(b, loc, index, step), scope);
    }
    scopes[scope].offsets[key] = sum;
  }
  if (!sum) {
    setInsertion(0);
    sum = constant(0);
  }
  address.offset = sum;
  address.scope = sumScope;
  if (address.laneStride)
    return address;

  // Offsets of the lanes relative to the scalar part.
  Value lanes;
  unsigned scope = sumScope;
  auto addLanes = [&](Value term) {
    lanes = lanes ? Value(arith::AddIOp::create(b, loc, lanes, term)) : term;
  };
  auto type = cast<VectorType>(getType(b.getI64Type(), true));
  int64_t knownLane = known[schedule.vectorDim];
  setInsertion(scope);
  SmallVector<int64_t> stepValues;
  for (int64_t lane = 0; lane < schedule.width; ++lane)
    stepValues.push_back(lane);
  Value iota = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef(stepValues)));
  if (knownLane || address.dynamicStride) {
    Value stride = address.dynamicStride;
    if (!stride)
      stride = constant(knownLane);
    else if (knownLane)
      stride = arith::AddIOp::create(b, loc, stride, constant(knownLane));
    addLanes(arith::MulIOp::create(
        b, loc, iota, vector::BroadcastOp::create(b, loc, type, stride)));
  }
  for (auto &[expr, step] : laneTerms) {
    Lanes index = getLanes(expr);
    scope = std::max(scope, index.scope);
    setInsertion(scope);
    addLanes(arith::MulIOp::create(
        b, loc, splat(index),
        vector::BroadcastOp::create(b, loc, type, materialize(b, loc, step))));
  }
  address.laneOffsets = lanes;
  address.scope = scope;
  return address;
}

Value LoopEmitter::getMask() {
  if (mask)
    return mask;
  auto type = VectorType::get({schedule.width}, b.getI1Type());
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, true));
}

/// The pointers of all lanes of a strided or irregular access.
Value LoopEmitter::getPointers(Value base, Type element,
                               const Address &address) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto indices = cast<VectorType>(getType(b.getI64Type(), true));
  Value lanes = address.laneOffsets;
  if (!lanes) {
    SmallVector<int64_t> steps;
    for (int64_t lane = 0; lane < schedule.width; ++lane)
      steps.push_back(lane * *address.laneStride);
    lanes = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(indices, ArrayRef(steps)));
  }
  Value start = LLVM::GEPOp::create(b, loc, pointer, element, base,
                                    LLVM::GEPArg(address.offset));
  return LLVM::GEPOp::create(b, loc,
                             VectorType::get({schedule.width}, pointer),
                             element, start, LLVM::GEPArg(lanes));
}

static unsigned getAlignment(Type element) {
  return std::max<unsigned>(1, element.getIntOrFloatBitWidth() / 8);
}

/// Neighbours in memory, the last one first.
Value LoopEmitter::loadBackwards(Value base, Type stored,
                                 const Address &address) {
  int64_t width = schedule.width;
  auto type = VectorType::get({width}, stored);
  SmallVector<int64_t> order(llvm::reverse(llvm::seq<int64_t>(0, width)));
  auto reverse = [&](Value lanes) {
    return vector::ShuffleOp::create(b, loc, lanes, lanes, order).getResult();
  };
  Value first = arith::SubIOp::create(b, loc, address.offset,
                                      constant(width - 1));
  Value start =
      LLVM::GEPOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                          stored, base, LLVM::GEPArg(first));
  if (!mask)
    return reverse(
        LLVM::LoadOp::create(b, loc, type, start, getAlignment(stored)));
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return reverse(LLVM::MaskedLoadOp::create(
      b, loc, type, start, reverse(mask), zero,
      b.getI32IntegerAttr(getAlignment(stored))));
}

LoopEmitter::Lanes LoopEmitter::load(Value tensor, const Address &address) {
  const Buffer &buffer = getBuffer(tensor);
  Type element = getIntegerForIndex(buffer.type.getElementType());
  bool isBool = element.isInteger(1);
  Type stored = isBool ? b.getI8Type() : element;
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  bool isVector = schedule.width > 1 && address.laneStride != 0;
  unsigned scope = address.scope;
  // A masked load belongs to the loop that the mask belongs to.
  if (isVector)
    scope = std::max(scope, ivScopes[schedule.vectorDim]);
  setInsertion(scope);
  Value value;
  unsigned alignment = getAlignment(stored);
  if (isVector && address.aligned)
    alignment *= schedule.width;
  if (!isVector || address.laneStride == 1) {
    Value start = LLVM::GEPOp::create(b, loc, pointer, stored, buffer.pointer,
                                      LLVM::GEPArg(address.offset));
    Type type = isVector ? Type(VectorType::get({schedule.width}, stored))
                         : stored;
    if (isVector && mask) {
      Value zero =
          arith::ConstantOp::create(b, loc, type, b.getZeroAttr(type));
      value = LLVM::MaskedLoadOp::create(b, loc, type, start, mask, zero,
                                         b.getI32IntegerAttr(alignment));
    } else {
      value = LLVM::LoadOp::create(b, loc, type, start, alignment);
    }
  } else if (address.laneStride == -1) {
    value = loadBackwards(buffer.pointer, stored, address);
  } else {
    Type type = VectorType::get({schedule.width}, stored);
    Value zero = arith::ConstantOp::create(b, loc, type, b.getZeroAttr(type));
    Value pointers = getPointers(buffer.pointer, stored, address);
    value = LLVM::masked_gather::create(b, loc, type, pointers, getMask(),
                                        ValueRange{zero},
                                        b.getI32IntegerAttr(alignment));
  }
  if (isBool)
    value = arith::TruncIOp::create(b, loc, getType(element, isVector), value);
  return {value, isVector, scope, {}, {}};
}

SmallVector<Value> LoopEmitter::loadTransposed(const LoopAccess &access) {
  Address address = getAccess(access.tensor, access.map);
  if (!address.laneStride)
    return {};
  const Buffer &buffer = getBuffer(access.tensor);
  Type element = buffer.type.getElementType();
  bool isBool = element.isInteger(1);
  Type stored = isBool ? b.getI8Type() : element;
  int64_t width = schedule.width;
  auto type = VectorType::get({width}, stored);
  setInsertion(top());
  Value start = LLVM::GEPOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), stored,
      buffer.pointer, LLVM::GEPArg(address.offset));
  SmallVector<Value> rows;
  for (int64_t lane = 0; lane < width; ++lane) {
    Value row = LLVM::GEPOp::create(b, loc, start.getType(), stored, start,
                                    LLVM::GEPArg(constant(
                                        lane * *address.laneStride)));
    rows.push_back(
        LLVM::LoadOp::create(b, loc, type, row, getAlignment(stored)));
  }
  // Blocks off the diagonal change places, then those inside of each block.
  for (int64_t size = width / 2; size > 0; size /= 2)
    for (int64_t i = 0; i < width; ++i) {
      if (i & size)
        continue;
      SmallVector<int64_t> upper, lower;
      for (int64_t lane = 0; lane < width; ++lane) {
        upper.push_back(lane & size ? width + lane - size : lane);
        lower.push_back(lane & size ? width + lane : lane + size);
      }
      Value first = rows[i], second = rows[i + size];
      rows[i] = vector::ShuffleOp::create(b, loc, first, second, upper);
      rows[i + size] = vector::ShuffleOp::create(b, loc, first, second, lower);
    }
  if (isBool)
    for (Value &row : rows)
      row = arith::TruncIOp::create(b, loc, getType(element, true), row);
  return rows;
}

void LoopEmitter::store(const LoopOutput &output) {
  Lanes lanes = evaluate(output.tensor, output.map);
  Address address = getAccess(output.tensor, output.map);
  const Buffer &buffer = getBuffer(output.tensor);
  Type element = getIntegerForIndex(buffer.type.getElementType());
  bool isBool = element.isInteger(1);
  Type stored = isBool ? b.getI8Type() : element;
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  bool isVector = schedule.width > 1 && address.laneStride != 0;
  Value value = isVector ? splat(lanes) : lanes.value;
  // A result over kept dims whose rows are vectors has one lane.
  setInsertion(top());
  if (isBool)
    value = arith::ExtUIOp::create(b, loc, getType(stored, isVector), value);
  unsigned alignment = getAlignment(stored);
  if (isVector && address.aligned)
    alignment *= schedule.width;
  if (!isVector || address.laneStride == 1) {
    Value start = LLVM::GEPOp::create(b, loc, pointer, stored, buffer.pointer,
                                      LLVM::GEPArg(address.offset));
    if (isVector && mask)
      LLVM::MaskedStoreOp::create(b, loc, value, start, mask, alignment);
    else
      LLVM::StoreOp::create(b, loc, value, start, alignment);
    return;
  }
  LLVM::masked_scatter::create(b, loc, value,
                               getPointers(buffer.pointer, stored, address),
                               getMask(), b.getI32IntegerAttr(alignment));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

LoopEmitter::Lanes LoopEmitter::getScalarOperand(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return {target.scalars[argument.getArgNumber()], false, 0, {}, {}};
  // A constant of the kernel.
  setInsertion(0);
  Attribute attr;
  if (!matchPattern(value, m_Constant(&attr)))
    llvm_unreachable("a kernel holds no scalar ops but constants");
  if (value.getType().isIndex())
    return {constant(cast<IntegerAttr>(attr).getInt()), false, 0, {}, {}};
  return {arith::ConstantOp::create(b, loc, cast<TypedAttr>(attr)),
          false, 0, {}, {}};
}

LoopEmitter::Lanes LoopEmitter::evaluate(Value tensor, AffineMap map) {
  for (Scope &scope : llvm::reverse(scopes)) {
    auto it = scope.values.find({tensor, map});
    if (it != scope.values.end())
      return it->second;
  }
  auto cache = llvm::find_if(rowCache, [&](RowCache &c) {
    return c.value == std::pair<Value, AffineMap>(tensor, map);
  });
  if (cache == rowCache.end()) {
    Lanes lanes = evaluateNew(tensor, map);
    scopes[lanes.scope].values[{tensor, map}] = lanes;
    return lanes;
  }
  unsigned slot = std::distance(rowCache.begin(), cache);
  Lanes lanes;
  if (cache->filled) {
    setInsertion(top());
    Type type = getType(b.getF32Type(), schedule.width > 1);
    lanes = {LLVM::LoadOp::create(b, loc, type, getRowCacheAddress(slot), 4),
             schedule.width > 1, top(), {}, {}};
  } else {
    lanes = evaluateNew(tensor, map);
    Value value = splat(lanes);
    setInsertion(top());
    LLVM::StoreOp::create(b, loc, value, getRowCacheAddress(slot), 4);
    cache->stored = true;
  }
  scopes[lanes.scope].values[{tensor, map}] = lanes;
  return lanes;
}

LoopEmitter::Lanes LoopEmitter::evaluateNew(Value tensor, AffineMap map) {
  Operation *op = tensor.getDefiningOp();
  if (!op || stored.contains(tensor))
    return load(tensor, getAccess(tensor, map));
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  if (isa<tensor::EmptyOp>(op)) {
    // Contents that nobody has set: anything will do.
    setInsertion(0);
    Type type = getIntegerForIndex(element);
    return {arith::ConstantOp::create(b, loc, type, b.getZeroAttr(type)),
            false, 0, {}, {}};
  }
  if (auto constantOp = dyn_cast<arith::ConstantOp>(op)) {
    setInsertion(0);
    auto attr = cast<TypedAttr>(cast<DenseElementsAttr>(constantOp.getValue())
                                    .getSplatValue<Attribute>());
    if (element.isIndex())
      return {constant(cast<IntegerAttr>(attr).getInt()), false, 0, {}, {}};
    return {arith::ConstantOp::create(b, loc, attr), false, 0, {}, {}};
  }
  if (isIndexMapOp(op))
    return evaluate(op->getOperand(0), kernel.getSourceMap(op, map));
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return getScalarOperand(fill.value());
  auto generic = cast<linalg::GenericOp>(op);
  SmallVector<AffineExpr> loops =
      kernel.getLoops(generic, cast<OpResult>(tensor), map);
  SmallVector<Lanes> results = evaluateBody(generic, loops, {});
  for (auto [i, lanes] : llvm::enumerate(results)) {
    AffineMap place = kernel.composeMap(
        generic.getMatchingIndexingMap(generic.getDpsInitOperand(i)), loops);
    scopes[lanes.scope].values[{generic->getResult(i), place}] = lanes;
  }
  return results[cast<OpResult>(tensor).getResultNumber()];
}

SmallVector<LoopEmitter::Lanes>
LoopEmitter::evaluateBody(linalg::GenericOp op, ArrayRef<AffineExpr> loops,
                          ArrayRef<Lanes> accumulators) {
  llvm::DenseMap<Value, Lanes> values;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    if (!accumulators.empty() && op.isDpsInit(&operand)) {
      values[argument] = accumulators[argument.getArgNumber() -
                                      op.getNumDpsInputs()];
      continue;
    }
    if (!isa<RankedTensorType>(operand.get().getType())) {
      values[argument] = getScalarOperand(operand.get());
      continue;
    }
    values[argument] = evaluate(
        operand.get(),
        kernel.composeMap(op.getMatchingIndexingMap(&operand), loops));
  }
  auto get = [&](Value value) {
    auto it = values.find(value);
    if (it != values.end())
      return it->second;
    Lanes lanes = getScalarOperand(value);
    values[value] = lanes;
    return lanes;
  };
  for (Operation &nested : op.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(nested)) {
      values[index] = getLanes(loops[index.getDim()]);
      continue;
    }
    SmallVector<Lanes> operands;
    ValueRange used = nested.getOperands();
    auto extract = dyn_cast<tensor::ExtractOp>(nested);
    if (extract)
      used = extract.getIndices();
    for (Value operand : used)
      operands.push_back(get(operand));
    values[nested.getResult(0)] = extract ? evaluateExtract(extract, operands)
                                          : evaluateOp(&nested, operands);
  }
  SmallVector<Lanes> results;
  for (Value value : op.getBody()->getTerminator()->getOperands())
    results.push_back(get(value));
  return results;
}

LoopEmitter::Lanes LoopEmitter::evaluateOp(Operation *op,
                                           ArrayRef<Lanes> operands) {
  Lanes result;
  for (const Lanes &operand : operands) {
    result.isVector |= operand.isVector;
    result.scope = std::max(result.scope, operand.scope);
  }
  Type element = getIntegerForIndex(op->getResult(0).getType());
  if (auto constantOp = dyn_cast<arith::ConstantOp>(op)) {
    setInsertion(0);
    if (op->getResult(0).getType().isIndex())
      result.value =
          constant(cast<IntegerAttr>(constantOp.getValue()).getInt());
    else
      result.value = b.clone(*op)->getResult(0);
    return result;
  }
  SmallVector<Value> values;
  for (const Lanes &operand : operands)
    values.push_back(result.isVector ? splat(operand) : operand.value);
  Type type = getType(element, result.isVector);

  // Index arithmetic keeps what is known about the lanes.
  auto keepLanes = [&](const Lanes &from, Value base, int64_t stride) {
    result.base = base;
    result.stride = stride;
  };
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    unsigned from =
        getElementTypeOrSelf(values[0].getType()).getIntOrFloatBitWidth();
    unsigned to = element.getIntOrFloatBitWidth();
    setInsertion(result.scope);
    if (from == to) {
      return operands[0];
    }
    if (from > to)
      result.value = arith::TruncIOp::create(b, loc, type, values[0]);
    else if (isa<arith::IndexCastOp>(op))
      result.value = arith::ExtSIOp::create(b, loc, type, values[0]);
    else
      result.value = arith::ExtUIOp::create(b, loc, type, values[0]);
    return result;
  }
  if (isa<arith::AddIOp, arith::SubIOp>(op) && result.isVector) {
    const Lanes &x = operands[0], &y = operands[1];
    auto known = [](const Lanes &l) { return !l.isVector || l.stride; };
    if (known(x) && known(y)) {
      setInsertion(result.scope);
      Value xBase = x.isVector ? x.base : x.value;
      Value yBase = y.isVector ? y.base : y.value;
      int64_t xStride = x.stride.value_or(0), yStride = y.stride.value_or(0);
      if (isa<arith::AddIOp>(op))
        keepLanes(x, arith::AddIOp::create(b, loc, xBase, yBase),
                  xStride + yStride);
      else
        keepLanes(x, arith::SubIOp::create(b, loc, xBase, yBase),
                  xStride - yStride);
    }
  }
  setInsertion(result.scope);
  // Lanes outside of the tensor hold zeros, which integers must not be divided
  // by.
  if (mask && result.isVector &&
      isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
          arith::FloorDivSIOp, arith::CeilDivSIOp, arith::CeilDivUIOp>(op)) {
    setInsertion(std::max(result.scope, ivScopes[schedule.vectorDim]));
    Value one = arith::ConstantOp::create(b, loc, type, b.getOneAttr(type));
    values[1] = arith::SelectOp::create(b, loc, mask, values[1], one);
    result.scope = std::max(result.scope, ivScopes[schedule.vectorDim]);
  }
  OperationState state(loc, op->getName(), values, {type}, op->getAttrs());
  result.value = b.create(state)->getResult(0);
  return result;
}

LoopEmitter::Lanes LoopEmitter::evaluateExtract(tensor::ExtractOp op,
                                                ArrayRef<Lanes> indices) {
  // Offset = sum of index * stride; each index is one value for all lanes, or
  // advances by a known step from lane to lane, or is data.
  SmallVector<OpFoldResult> steps = getStrides(op.getTensor());
  Address address;
  address.laneStride = 0;
  Value offset, lanes;
  unsigned scope = 0;
  for (const Lanes &index : indices)
    scope = std::max(scope, index.scope);
  auto type = schedule.width > 1
                  ? cast<VectorType>(getType(b.getI64Type(), true))
                  : VectorType();
  setInsertion(scope);
  for (auto [index, step] : llvm::zip(indices, steps)) {
    Value stride = materialize(b, loc, step);
    std::optional<int64_t> stepValue = getConstantIntValue(step);
    bool affine = index.isVector && index.stride && stepValue;
    if (!index.isVector || affine) {
      Value base = index.isVector ? index.base : index.value;
      Value term = arith::MulIOp::create(b, loc, base, stride);
      offset = offset ? Value(arith::AddIOp::create(b, loc, offset, term))
                      : term;
      if (affine)
        *address.laneStride += *index.stride * *stepValue;
      continue;
    }
    Value term = arith::MulIOp::create(
        b, loc, index.value, vector::BroadcastOp::create(b, loc, type, stride));
    lanes = lanes ? Value(arith::AddIOp::create(b, loc, lanes, term)) : term;
  }
  address.offset = offset ? offset : constant(0);
  address.scope = scope;
  if (lanes) {
    if (*address.laneStride) {
      SmallVector<int64_t> stepValues;
      for (int64_t lane = 0; lane < schedule.width; ++lane)
        stepValues.push_back(lane * *address.laneStride);
      lanes = arith::AddIOp::create(
          b, loc, lanes,
          arith::ConstantOp::create(
              b, loc, DenseElementsAttr::get(type, ArrayRef(stepValues))));
    }
    address.laneStride = std::nullopt;
    address.laneOffsets = lanes;
  }
  return load(op.getTensor(), address);
}
