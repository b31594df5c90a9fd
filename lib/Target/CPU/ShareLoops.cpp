//===- ShareLoops.cpp - Loops of generic kernels in parallel --------------===//
//
// After bufferization: the outermost loops whose iterations touch elements of
// their own become functions on ranges of iterations, which threads share.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "fx/Support/Sizes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

/// Operations below which threads do not pay, and of what one of them takes.
static constexpr int64_t kSerialOps = 1 << 16;
static constexpr int64_t kChunkOps = 1 << 15;
/// Iterations of a loop whose bounds are not known.
static constexpr int64_t kUnknownTrips = 64;

static int64_t getTrips(scf::ForOp loop) {
  auto begin = getConstantIntValue(loop.getLowerBound());
  auto end = getConstantIntValue(loop.getUpperBound());
  auto step = getConstantIntValue(loop.getStep());
  if (!begin || !end || !step || *step < 1)
    return kUnknownTrips;
  return llvm::divideCeil(std::max<int64_t>(0, *end - *begin), *step);
}

static bool isDynamic(scf::ForOp loop) {
  bool found = false;
  loop->walk([&](scf::ForOp nested) {
    found |= !getConstantIntValue(nested.getLowerBound()) ||
             !getConstantIntValue(nested.getUpperBound());
  });
  return found;
}

/// Operations that run, an estimate.
static int64_t getWork(Block &block) {
  int64_t work = 0;
  for (Operation &op : block) {
    int64_t trips = 1;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      trips = getTrips(loop);
    int64_t own = isa<math::MathDialect>(op.getDialect()) ? 10 : 1;
    for (Region &region : op.getRegions())
      for (Block &nested : region)
        own = std::min<int64_t>(own + getWork(nested), 1LL << 40);
    work = std::min<int64_t>(work + estimateProduct(own, trips, 1), 1LL << 40);
  }
  return work;
}

/// An index that differs from iteration to iteration: `factor` times the
/// counter and a constant below that. Returns the factor, or 0.
static int64_t getFactor(Value index, Value counter) {
  if (index == counter)
    return 1;
  auto getScale = [&](Value value) -> int64_t {
    auto product = value.getDefiningOp<arith::MulIOp>();
    if (!product)
      return 0;
    for (unsigned i : {0u, 1u})
      if (product->getOperand(i) == counter)
        if (auto factor = getConstantIntValue(product->getOperand(1 - i)))
          return std::max<int64_t>(0, *factor);
    return 0;
  };
  if (int64_t factor = getScale(index))
    return factor;
  auto sum = index.getDefiningOp<arith::AddIOp>();
  if (!sum)
    return 0;
  for (unsigned i : {0u, 1u}) {
    int64_t factor = getScale(sum->getOperand(i));
    auto rest = getConstantIntValue(sum->getOperand(1 - i));
    if (factor && rest && *rest >= 0 && *rest < factor)
      return factor;
  }
  return 0;
}

/// The buffer behind a memref.
static Value getRoot(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

/// Whether no iteration touches what another one writes.
static bool isParallel(scf::ForOp loop) {
  if (loop.getNumResults())
    return false;
  struct Access {
    Value memref;
    OperandRange indices;
  };
  llvm::MapVector<Value, SmallVector<Access>> accesses;
  llvm::SetVector<Value> written;
  WalkResult result = loop.getBody()->walk([&](Operation *op) {
    if (auto load = dyn_cast<memref::LoadOp>(op)) {
      accesses[getRoot(load.getMemRef())].push_back(
          {load.getMemRef(), load.getIndices()});
      return WalkResult::advance();
    }
    if (auto store = dyn_cast<memref::StoreOp>(op)) {
      Value root = getRoot(store.getMemRef());
      accesses[root].push_back({store.getMemRef(), store.getIndices()});
      written.insert(root);
      return WalkResult::advance();
    }
    bool isKnown =
        isa<scf::ForOp, scf::IfOp, scf::YieldOp, memref::AllocOp,
            memref::DeallocOp, ViewLikeOpInterface>(op) ||
        (isPure(op) && op->getNumRegions() == 0);
    return isKnown ? WalkResult::advance() : WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return false;
  for (Value root : written) {
    // Memory of the iteration.
    if (loop->isAncestor(root.getParentBlock()->getParentOp()))
      continue;
    if (!root.getDefiningOp<UnrealizedConversionCastOp>() &&
        !root.getDefiningOp<memref::AllocOp>())
      return false;
    ArrayRef<Access> all = accesses[root];
    size_t rank = all.front().indices.size();
    auto isOwn = [&](size_t dim) {
      int64_t factor =
          getFactor(all.front().indices[dim], loop.getInductionVar());
      return factor && llvm::all_of(all, [&](const Access &access) {
               return access.memref == root &&
                      getFactor(access.indices[dim],
                                loop.getInductionVar()) == factor;
             });
    };
    if (llvm::none_of(llvm::seq<size_t>(0, rank), isOwn))
      return false;
  }
  // Freed memory is the iteration's own.
  result = loop.getBody()->walk([&](memref::DeallocOp op) {
    return loop->isAncestor(
               getRoot(op.getMemref()).getParentBlock()->getParentOp())
               ? WalkResult::advance()
               : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

/// The type of a memref's descriptor.
static Type getDescriptor(MemRefType type) {
  MLIRContext *context = type.getContext();
  auto pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = IntegerType::get(context, 64);
  SmallVector<Type> fields = {pointer, pointer, i64};
  if (int64_t rank = type.getRank())
    fields.append(2, LLVM::LLVMArrayType::get(i64, rank));
  return LLVM::LLVMStructType::getLiteral(context, fields);
}

static void shareLoop(scf::ForOp loop, func::FuncOp function, unsigned number) {
  Location loc = loop.getLoc();
  OpBuilder b(loop);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type(), index = b.getIndexType();
  llvm::SetVector<Value> captured, constants;
  getUsedValuesDefinedAbove(loop.getRegion(), captured);
  captured.insert(loop.getLowerBound());
  captured.insert(loop.getStep());
  constants = captured;
  auto isConstant = [](Value value) {
    Operation *op = value.getDefiningOp();
    return op && (op->hasTrait<OpTrait::ConstantLike>() ||
                  isa<memref::GetGlobalOp>(op));
  };
  captured.remove_if(isConstant);
  constants.remove_if([&](Value value) { return !isConstant(value); });

  // What the closure holds.
  SmallVector<Value> fields;
  SmallVector<Type> types;
  for (Value value : captured) {
    Type type = value.getType();
    if (auto memref = dyn_cast<MemRefType>(type))
      value = UnrealizedConversionCastOp::create(b, loc, getDescriptor(memref),
                                                 value)
                  .getResult(0);
    else if (type.isIndex())
      value = arith::IndexCastOp::create(b, loc, i64, value);
    fields.push_back(value);
    types.push_back(value.getType());
  }
  auto closureType = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  auto getField = [&](OpBuilder &b, Value closure, size_t i) -> Value {
    return LLVM::GEPOp::create(
        b, loc, pointer, closureType, closure,
        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
  };
  Value closure;
  {
    // Once, however often the loop runs.
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
    closure = LLVM::AllocaOp::create(b, loc, pointer, closureType, one, 8);
  }
  for (auto [i, value] : llvm::enumerate(fields))
    LLVM::StoreOp::create(b, loc, value, getField(b, closure, i));

  OpBuilder inside(b.getContext());
  inside.setInsertionPointAfter(function);
  auto body = func::FuncOp::create(
      inside, loc, (function.getName() + "_loop" + Twine(number)).str(),
      inside.getFunctionType({pointer, i64, i64}, {}));
  body.setPrivate();
  inside.setInsertionPointToEnd(body.addEntryBlock());
  IRMapping mapping;
  for (Value value : constants)
    inside.clone(*value.getDefiningOp(), mapping);
  for (auto [i, value] : llvm::enumerate(captured)) {
    Value field = LLVM::LoadOp::create(
        inside, loc, types[i], getField(inside, body.getArgument(0), i));
    if (isa<MemRefType>(value.getType()))
      field = UnrealizedConversionCastOp::create(inside, loc, value.getType(),
                                                 field)
                  .getResult(0);
    else if (value.getType().isIndex())
      field = arith::IndexCastOp::create(inside, loc, index, field);
    mapping.map(value, field);
  }
  auto castToIndex = [&](Value value) -> Value {
    return arith::IndexCastOp::create(inside, loc, index, value);
  };
  Value one = arith::ConstantIndexOp::create(inside, loc, 1);
  auto range = scf::ForOp::create(inside, loc, castToIndex(body.getArgument(1)),
                                  castToIndex(body.getArgument(2)), one);
  func::ReturnOp::create(inside, loc);
  inside.setInsertionPoint(range.getBody()->getTerminator());
  Value scaled = arith::MulIOp::create(inside, loc, range.getInductionVar(),
                                       mapping.lookup(loop.getStep()));
  mapping.map(loop.getInductionVar(),
              arith::AddIOp::create(inside, loc, scaled,
                                    mapping.lookup(loop.getLowerBound()))
                  .getResult());
  for (Operation &op : loop.getBody()->without_terminator())
    inside.clone(op, mapping);

  Value length = arith::SubIOp::create(b, loc, loop.getUpperBound(),
                                       loop.getLowerBound());
  Value count = arith::CeilDivSIOp::create(b, loc, length, loop.getStep());
  int64_t grain = std::max<int64_t>(
      1, kChunkOps / std::max<int64_t>(1, getWork(*loop.getBody())));
  auto module = function->getParentOfType<ModuleOp>();
  func::FuncOp run = declareRuntime(
      b, module, loc, "fx_rt_parallel_for",
      b.getFunctionType({pointer, pointer, pointer, i64, i64}, {}));
  func::CallOp::create(
      b, loc, run,
      ValueRange{function.getArgument(0), getAddress(b, body), closure,
                 arith::IndexCastOp::create(b, loc, i64, count),
                 arith::ConstantIntOp::create(b, loc, grain, 64)});
  loop.erase();
}

void cpu::shareLoops(func::FuncOp function) {
  SmallVector<scf::ForOp> loops;
  function.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
    int64_t trips = getTrips(loop);
    int64_t work = estimateProduct(getWork(*loop.getBody()), trips, 1);
    if (trips < 2 || (work < kSerialOps && !isDynamic(loop)) ||
        !isParallel(loop))
      return WalkResult::advance();
    loops.push_back(loop);
    return WalkResult::skip();
  });
  for (auto [i, loop] : llvm::enumerate(loops))
    shareLoop(loop, function, i);
}
