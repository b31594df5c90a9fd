//===- NoopOps.cpp - Ops that compute one of their operands ---------------===//

#include "fx/Analysis/NoopOps.h"
#include "fx/Analysis/Storage.h"
#include "fx/IR/FXOps.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace mlir::fx;

/// The value of a Python int, if it is known.
static std::optional<int64_t> getInt(Value value) {
  llvm::APInt constant;
  if (!value || !value.getType().isInteger(64) ||
      !matchPattern(value, m_ConstantInt(&constant)))
    return std::nullopt;
  return constant.getSExtValue();
}

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool hasIntegers(Value tensor) {
  return isa<IntegerType>(getType(tensor).getElementType());
}

/// Whether bounds take the whole dimension: start is 0 and end not before the
/// last element.
template <typename OpTy>
static bool takesAll(OpTy op) {
  if (op.getStep() != 1)
    return false;
  if (op.getStart() && getInt(op.getStart()) != 0)
    return false;
  if (!op.getEnd())
    return true;
  RankedTensorType type = getType(op.getSelf());
  int64_t rank = type.getRank(), dim = op.getDim();
  int64_t size = type.getDimSize(dim < 0 ? dim + rank : dim);
  std::optional<int64_t> end = getInt(op.getEnd());
  if (!end) {
    auto length = op.getEnd().template getDefiningOp<SymSizeOp>();
    return length && length.getSelf() == op.getSelf() &&
           ((int64_t)length.getDim() - dim) % rank == 0;
  }
  if (*end == std::numeric_limits<int64_t>::max())
    return true;
  return !ShapedType::isDynamic(size) && *end >= size;
}

/// Equal types mean equal shapes if at most one dimension is not known: the
/// number of elements is the same.
static bool hasKnownShape(Value tensor) {
  return llvm::count_if(getType(tensor).getShape(), ShapedType::isDynamic) <= 1;
}

namespace {
/// One row: the operand that is the result if the row's condition holds.
using Rule = Value (*)(Operation *);
struct Row {
  TypeID op;
  Rule source;
  NoopTable table;
};
} // namespace

template <typename OpTy>
static Row row(Rule source, NoopTable table = NoopTable::Inductor) {
  return {TypeID::get<OpTy>(), source, table};
}

static Value first(Operation *op) { return op->getOperand(0); }
static Value firstIf(bool condition, Operation *op) {
  return condition ? op->getOperand(0) : Value();
}
static Value integersOnly(Operation *op) {
  return firstIf(hasIntegers(op->getOperand(0)), op);
}
static Value ofKnownShape(Operation *op) {
  return firstIf(hasKnownShape(op->getOperand(0)), op);
}
/// A Python 1 on the right.
static Value byOne(Operation *op) {
  Value other = op->getOperand(1);
  return firstIf(getInt(other) == 1 || (other.getType().isF64() &&
                                        matchPattern(other, m_OneFloat())),
                 op);
}

static const Row rows[] = {
    row<SliceOp>([](Operation *op) {
      return firstIf(takesAll(cast<SliceOp>(op)), op);
    }),
    row<SliceScatterOp>([](Operation *op) {
      auto scatter = cast<SliceScatterOp>(op);
      return takesAll(scatter) ? scatter.getSrc() : Value();
    }),
    row<RepeatOp>([](Operation *op) {
      auto repeats = cast<RepeatOp>(op).getStaticSize();
      return firstIf(llvm::all_of(repeats, [](int64_t n) { return n == 1; }),
                     op);
    }),
    row<ConstantPadNdOp>([](Operation *op) {
      auto pads = cast<ConstantPadNdOp>(op).getPad();
      return firstIf(llvm::all_of(pads, [](int64_t n) { return n == 0; }), op);
    }),
    row<ConvertElementTypeOp>(first),
    row<CeilOp>(integersOnly),
    row<FloorOp>(integersOnly),
    row<RoundOp>(integersOnly),
    row<TruncOp>(integersOnly),
    // Only the int: pow(x, 1.0) stays, as in the reference.
    row<PowOp>([](Operation *op) {
      return firstIf(getInt(op->getOperand(1)) == 1, op);
    }),
    row<CatOp>([](Operation *op) {
      return firstIf(op->getNumOperands() == 1, op);
    }),
    row<ViewOp>(ofKnownShape),
    row<CopyOp>([](Operation *op) { return op->getOperand(1); }),
    row<AliasOp>(first),
    row<DetachOp>(first),
    row<CloneOp>(first),
    row<ContiguousOp>(first),
    row<FlattenOp>(first, NoopTable::Extended),
    row<SqueezeOp>(first, NoopTable::Extended),
    row<ExpandOp>(ofKnownShape, NoopTable::Extended),
    row<PermuteOp>([](Operation *op) {
      int64_t rank = getType(op->getResult(0)).getRank();
      for (auto [to, from] : llvm::enumerate(cast<PermuteOp>(op).getDims()))
        if ((from + rank) % rank != (int64_t)to)
          return Value();
      return op->getOperand(0);
    }, NoopTable::Extended),
    row<MulOp>(byOne, NoopTable::Extended),
    row<DivOp>(byOne, NoopTable::Extended),
};

Value fx::getNoopSource(Operation *op, NoopTable table) {
  static const auto *byOp = [] {
    auto *map = new llvm::DenseMap<TypeID, const Row *>();
    for (const Row &row : rows)
      map->try_emplace(row.op, &row);
    return map;
  }();
  const Row *row = byOp->lookup(op->getName().getTypeID());
  if (!row || (row->table == NoopTable::Extended && table != row->table))
    return {};
  Value source = row->source(op);
  if (!source || source.getType() != op->getResult(0).getType())
    return {};
  return source;
}

bool fx::removeNoopOps(Operation *function, NoopTable table) {
  StorageAnalysis storage(function);
  SmallVector<Operation *> removed;
  function->walk([&](Operation *op) {
    Value source = getNoopSource(op, table);
    if (!source || !storage.mayReplace(op->getResult(0), source))
      return;
    storage.noteReplaced(op->getResult(0), source);
    op->getResult(0).replaceAllUsesWith(source);
    removed.push_back(op);
  });
  // The analysis refers to the ops until here.
  eraseDeadOps(removed);
  return !removed.empty();
}
