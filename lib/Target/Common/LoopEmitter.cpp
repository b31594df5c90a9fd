//===- LoopEmitter.cpp - Loop kernels to vector code ----------------------===//

#include "LoopEmitter.h"

#include "fx/Support/Sizes.h"

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

/// Dims of size 1 stand at their only point.
void LoopEmitter::bindUnitDims() {
  for (unsigned d = 0; d < schedule.dims.size(); ++d)
    if (schedule.dims[d].size == 1)
      bindDim(d, getScalarExpr(getAffineConstantExpr(0, b.getContext())));
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
// Kept dims
//===----------------------------------------------------------------------===//

void LoopEmitter::emitPoint() {
  if (schedule.innerDim < 0) {
    emitRow();
    return;
  }
  Value begin = getScalarExpr(getAffineConstantExpr(0, b.getContext()));
  unsigned dim = schedule.innerDim;
  if (!schedule.transposedLoads.empty() && !mask) {
    begin = emitTransposedBlocks();
    if (schedule.dims[dim].size % schedule.width == 0)
      return;
  }
  scf::ForOp loop = openLoop(begin, getSize(dim), 1, {});
  bindDim(dim, loop.getInductionVar());
  emitRow();
  closeLoop(loop, {});
}

/// As many points of the inner dim as are whole blocks; returns their number.
Value LoopEmitter::emitTransposedBlocks() {
  unsigned dim = schedule.innerDim;
  int64_t width = schedule.width;
  Value zero = getScalarExpr(getAffineConstantExpr(0, b.getContext()));
  Value size = getSize(dim);
  setInsertion(0);
  Value end = arith::SubIOp::create(
      b, loc, size, arith::RemSIOp::create(b, loc, size, constant(width)));
  scf::ForOp loop = openLoop(zero, end, width, {});
  bindDim(dim, loop.getInductionVar());
  SmallVector<SmallVector<Value>> blocks;
  for (unsigned number : schedule.transposedLoads)
    blocks.push_back(loadTransposed(kernel.loads[number]));
  for (int64_t point = 0; point < width; ++point) {
    openScope(loop.getBody());
    setInsertion(top());
    bindDim(dim, arith::AddIOp::create(b, loc, loop.getInductionVar(),
                                       constant(point)));
    for (auto [number, block] : llvm::zip(schedule.transposedLoads, blocks)) {
      const LoopAccess &access = kernel.loads[number];
      if (!block.empty())
        scopes.back().values[{access.tensor, access.map}] = {
            block[point], /*isVector=*/true, top(), {}, {}};
    }
    emitRow();
    closeScope();
  }
  closeLoop(loop, {});
  return end;
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
  Value rest = loop.getInductionVar(), chunk;
  if (vectorChunk) {
    Value chunks = getNumChunks();
    setInsertion(top());
    chunk = arith::RemUIOp::create(b, loc, rest, chunks);
    rest = arith::DivUIOp::create(b, loc, rest, chunks);
  }
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
  if (vectorChunk) {
    setInsertion(top());
    Value size = constant(vectorChunk);
    Value first = arith::MulIOp::create(b, loc, chunk, size);
    emitVectorBlocks(first, arith::AddIOp::create(b, loc, first, size),
                     /*wholeDim=*/false);
  } else {
    emitKept(numParallelLevels);
  }
  closeLoop(loop, {});
}

/// The parts that a row is shared in.
Value LoopEmitter::getNumChunks() {
  Value size = getSize(schedule.vectorDim);
  setInsertion(0);
  Value rounded =
      arith::AddIOp::create(b, loc, size, constant(vectorChunk - 1));
  return arith::DivUIOp::create(b, loc, rounded, constant(vectorChunk));
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
  int64_t rows = numParallelLevels || vectorOnly ? points : 1;
  if (!vectorOnly && schedule.vectorDim >= 0 && !schedule.isVectorReduced()) {
    int64_t size = schedule.dims[schedule.vectorDim].size;
    rows *= ShapedType::isDynamic(size)
                ? 256
                : llvm::divideCeil(size, schedule.width);
  }
  chooseSharedDim(rows, total / std::max<int64_t>(rows, 1));
  if (sharedDim >= 0) {
    bindUnitDims();
    emitKept(0);
    setInsertion(0);
    func::ReturnOp::create(b, loc);
    return success();
  }
  // Few rows without a reduction along them are shared in parts, too.
  if (numParallelLevels && numParallelLevels == schedule.kept.size() &&
      points < 16 && schedule.vectorDim >= 0 && !schedule.isVectorReduced()) {
    int64_t size = schedule.dims[schedule.vectorDim].size;
    if (ShapedType::isDynamic(size))
      size = 256 * 16;
    vectorChunk = llvm::alignTo(
        std::max<int64_t>(llvm::divideCeil(size, 16), 64), schedule.width);
    points *= llvm::divideCeil(size, vectorChunk);
  }
  bool parallel = (numParallelLevels || vectorOnly) && points > 1 &&
                  (isDynamic || total >= kSerialWork);
  if (!parallel)
    vectorChunk = 0;
  if (!numParallelLevels && !vectorOnly) {
    bindUnitDims();
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
    if (vectorChunk) {
      Value chunks = getNumChunks();
      count = arith::MulIOp::create(b, loc, count, chunks);
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
  bindUnitDims();
  chooseRowCache();
  emitRange(begin, end);
  setInsertion(0);
  func::ReturnOp::create(b, loc);
  return success();
}

void LoopEmitter::emitLeading(Block *block, ArrayRef<unsigned> leading,
                              Value begin, Value end) {
  OpBuilder::InsertionGuard guard(b);
  ivs.assign(schedule.dims.size(), Value());
  ivScopes.assign(schedule.dims.size(), 0);
  openScope(block);
  SmallVector<unsigned> kept(leading);
  for (unsigned d : schedule.kept)
    if (!llvm::is_contained(leading, d))
      kept.push_back(d);
  schedule.kept = std::move(kept);
  numParallelLevels = leading.size();
  bindUnitDims();
  chooseRowCache();
  emitRange(begin, end);
  setInsertion(0);
}

/// Continues in a function on ranges of points.
void LoopEmitter::enterParallelBody(Value count, int64_t grain, Value &begin,
                                    Value &end) {
  setInsertion(0);
  std::tie(begin, end) =
      target::enterParallelBody(b, loc, target, "body", count, grain);
  scopes.clear();
  sizes.clear();
  strides.clear();
  innerBuffers.clear();
  openScope(b.getInsertionBlock());
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
  bindUnitDims();
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
