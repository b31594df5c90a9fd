//===- BoundedLoops.cpp - while as scan -----------------------------------===//
//
// A loop can be gone through backward if the number of its iterations is
// bounded: i < 10, alone or and-ed with other conditions. It becomes a scan
// over 10 slices that, where there are other conditions, carries whether the
// loop still runs.
//
//===----------------------------------------------------------------------===//

#include "Backpropagation.h"
#include "Derivatives.h"
#include "fx/IR/ControlFlowOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// More iterations than this would keep too much.
constexpr int64_t maxIterations = 1 << 20;

/// What is known of the number of iterations.
struct Bound {
  int64_t count;
  /// The condition depends on nothing else.
  bool isExact;
};

enum class Comparison { Less, LessEqual, Greater, GreaterEqual };

/// A carried value compared with a constant.
struct CounterTest {
  unsigned carried;
  Comparison comparison;
  double limit;
};
} // namespace

/// The constant of a scalar or of a tensor that is filled with it.
static std::optional<double> getConstant(Value value) {
  if (auto full = value.getDefiningOp<FullOp>())
    value = full.getFillValue();
  return getConstantNumber(value);
}

static Comparison mirror(Comparison comparison) {
  switch (comparison) {
  case Comparison::Less:
    return Comparison::Greater;
  case Comparison::LessEqual:
    return Comparison::GreaterEqual;
  case Comparison::Greater:
    return Comparison::Less;
  case Comparison::GreaterEqual:
    return Comparison::LessEqual;
  }
  llvm_unreachable("all comparisons are handled");
}

static std::optional<Comparison> getComparison(Operation *op) {
  if (isa<LtOp>(op))
    return Comparison::Less;
  if (isa<LeOp>(op))
    return Comparison::LessEqual;
  if (isa<GtOp>(op))
    return Comparison::Greater;
  if (isa<GeOp>(op))
    return Comparison::GreaterEqual;
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    switch (compare.getPredicate()) {
    case arith::CmpIPredicate::slt:
      return Comparison::Less;
    case arith::CmpIPredicate::sle:
      return Comparison::LessEqual;
    case arith::CmpIPredicate::sgt:
      return Comparison::Greater;
    case arith::CmpIPredicate::sge:
      return Comparison::GreaterEqual;
    default:
      return std::nullopt;
    }
  return std::nullopt;
}

static std::optional<CounterTest> matchTest(WhileOp loop, Value condition) {
  Operation *op = condition.getDefiningOp();
  std::optional<Comparison> comparison =
      op ? getComparison(op) : std::nullopt;
  if (!comparison)
    return std::nullopt;
  Block &block = loop.getCondRegion().front();
  for (bool swapped : {false, true}) {
    auto counter = dyn_cast<BlockArgument>(op->getOperand(swapped));
    std::optional<double> limit = getConstant(op->getOperand(!swapped));
    if (counter && limit && counter.getOwner() == &block &&
        counter.getArgNumber() < loop.getCarried().size())
      return CounterTest{counter.getArgNumber(),
                         swapped ? mirror(*comparison) : *comparison, *limit};
  }
  return std::nullopt;
}

/// What the body adds to a carried value.
static std::optional<double> getStep(WhileOp loop, unsigned carried) {
  Block &body = loop.getBodyRegion().front();
  Operation *op = body.getTerminator()->getOperand(carried).getDefiningOp();
  if (!op || !isa<AddOp, SubOp, arith::AddIOp, arith::SubIOp>(op))
    return std::nullopt;
  double scale = 1;
  if (auto add = dyn_cast<AddOp>(op))
    scale = add.getAlpha().convertToDouble();
  if (auto sub = dyn_cast<SubOp>(op))
    scale = sub.getAlpha().convertToDouble();
  bool subtracts = isa<SubOp, arith::SubIOp>(op);
  Value counter = body.getArgument(carried);
  if (op->getOperand(0) == counter) {
    std::optional<double> step = getConstant(op->getOperand(1));
    if (step)
      return (subtracts ? -scale : scale) * *step;
  } else if (op->getOperand(1) == counter && !subtracts && scale == 1) {
    return getConstant(op->getOperand(0));
  }
  return std::nullopt;
}

/// The number of times that a counter of integers passes its test.
static std::optional<int64_t> countIterations(WhileOp loop,
                                              const CounterTest &test) {
  Value init = loop.getCarried()[test.carried];
  if (!getElementTypeOrSelf(init.getType()).isInteger())
    return std::nullopt;
  std::optional<double> start = getConstant(init);
  std::optional<double> step = getStep(loop, test.carried);
  if (!start || !step)
    return std::nullopt;
  // Counting down is counting up on the other side of zero.
  double from = *start, by = *step, limit = test.limit;
  bool down = test.comparison == Comparison::Greater ||
              test.comparison == Comparison::GreaterEqual;
  if (down) {
    from = -from;
    by = -by;
    limit = -limit;
  }
  bool inclusive = test.comparison == Comparison::LessEqual ||
                   test.comparison == Comparison::GreaterEqual;
  bool passes = inclusive ? from <= limit : from < limit;
  if (!passes)
    return 0;
  if (by <= 0)
    return std::nullopt;
  double count = inclusive ? std::floor((limit - from) / by) + 1
                           : std::ceil((limit - from) / by);
  if (count > maxIterations)
    return std::nullopt;
  return static_cast<int64_t>(count);
}

static std::optional<Bound> findBound(WhileOp loop) {
  SmallVector<Value> terms{
      loop.getCondRegion().front().getTerminator()->getOperand(0)};
  std::optional<int64_t> count;
  bool isExact = true;
  while (!terms.empty()) {
    Value term = terms.pop_back_val();
    Operation *op = term.getDefiningOp();
    if (op && isa<BitwiseAndOp, LogicalAndOp, arith::AndIOp>(op)) {
      llvm::append_range(terms, op->getOperands());
      continue;
    }
    std::optional<CounterTest> test = matchTest(loop, term);
    std::optional<int64_t> bound;
    if (test)
      bound = countIterations(loop, *test);
    if (bound)
      count = count ? std::min(*count, *bound) : *bound;
    else
      isExact = false;
  }
  if (!count)
    return std::nullopt;
  return Bound{*count, isExact};
}

/// Copies the ops of a region of one block; returns what it yields.
static SmallVector<Value> copyBody(OpBuilder &builder, Region &region,
                                   ValueRange arguments) {
  IRMapping mapping;
  mapping.map(region.getArguments(), arguments);
  Block &block = region.front();
  for (Operation &op : block.without_terminator())
    builder.clone(op, mapping);
  SmallVector<Value> values;
  for (Value value : block.getTerminator()->getOperands())
    values.push_back(mapping.lookupOrDefault(value));
  return values;
}

/// A condition as a tensor, which can be carried.
static Value asTensor(TensorBuilder &b, Value condition) {
  if (isTensor(condition))
    return b.convert(b.view(condition, {}), b.getBuilder().getI1Type());
  return b.full({}, condition, b.getBuilder().getI1Type());
}

static void addRegion(OpBuilder &builder, OperationState &state,
                      TypeRange types, Location loc,
                      llvm::function_ref<SmallVector<Value>(ValueRange)> fill) {
  OpBuilder::InsertionGuard guard(builder);
  Region *region = state.addRegion();
  Block *block = builder.createBlock(
      region, {}, types, SmallVector<Location>(types.size(), loc));
  YieldOp::create(builder, loc, fill(block->getArguments()));
}

static void convert(WhileOp loop, const Bound &bound) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  TensorBuilder b(builder, loc);
  size_t numCarried = loop.getCarried().size();
  SmallVector<Value> init;
  TypeRange bodyTypes = loop.getBodyRegion().getArgumentTypes();
  if (!bound.isExact)
    init.push_back(asTensor(
        b, copyBody(builder, loop.getCondRegion(), loop.getOperands())
               .front()));
  llvm::append_range(init, loop.getCarried());
  Value xs = b.indexAlong(b.size(bound.count), 0, 1);

  OperationState state(loc, ScanOp::getOperationName());
  state.addOperands(init);
  state.addOperands(xs);
  state.addOperands(loop.getAdditional());
  state.addAttribute(
      "operandSegmentSizes",
      builder.getDenseI32ArrayAttr({int32_t(init.size()), 1,
                                    int32_t(loop.getAdditional().size())}));
  SmallVector<Type> types, argumentTypes;
  if (!bound.isExact)
    types.push_back(init.front().getType());
  llvm::append_range(argumentTypes, types);
  llvm::append_range(types, loop.getResultTypes());
  llvm::append_range(argumentTypes, bodyTypes.take_front(numCarried));
  argumentTypes.push_back(RankedTensorType::get({}, builder.getI64Type()));
  llvm::append_range(argumentTypes, bodyTypes.drop_front(numCarried));
  state.addTypes(types);
  addRegion(builder, state, argumentTypes, loc, [&](ValueRange arguments) {
    bool isExact = bound.isExact;
    SmallVector<Value> inputs(
        arguments.drop_front(isExact ? 0 : 1).take_front(numCarried));
    llvm::append_range(inputs, arguments.drop_front(
                                   (isExact ? 0 : 1) + numCarried + 1));
    if (isExact)
      return copyBody(builder, loop.getBodyRegion(), inputs);
    // The step if the loop still runs, else nothing.
    OperationState step(loc, CondOp::getOperationName());
    step.addOperands(arguments.front());
    step.addOperands(inputs);
    step.addTypes(argumentTypes[0]);
    step.addTypes(bodyTypes.take_front(numCarried));
    addRegion(builder, step, bodyTypes, loc, [&](ValueRange inside) {
      SmallVector<Value> next =
          copyBody(builder, loop.getBodyRegion(), inside);
      SmallVector<Value> asked(next);
      llvm::append_range(asked, inside.drop_front(numCarried));
      SmallVector<Value> results{asTensor(
          b, copyBody(builder, loop.getCondRegion(), asked).front())};
      llvm::append_range(results, next);
      return results;
    });
    addRegion(builder, step, bodyTypes, loc, [&](ValueRange inside) {
      SmallVector<Value> results{
          b.full({}, b.boolean(false), builder.getI1Type())};
      llvm::append_range(results, inside.take_front(numCarried));
      return results;
    });
    return SmallVector<Value>(builder.create(step)->getResults());
  });
  if (auto names = loop->getAttrOfType<ArrayAttr>(kResultNamesAttr)) {
    SmallVector<Attribute> all;
    if (!bound.isExact)
      all.push_back(builder.getStringAttr(
          getNodeName(loop->getResult(0)) + "_runs"));
    llvm::append_range(all, names.getValue());
    state.addAttribute(kResultNamesAttr, builder.getArrayAttr(all));
  }
  Operation *scan = builder.create(state);
  loop.replaceAllUsesWith(scan->getResults().take_back(numCarried));
  loop.erase();
}

bool fx::convertBoundedLoops(Operation *root) {
  SmallVector<WhileOp> loops;
  root->walk([&](WhileOp loop) {
    if (llvm::any_of(loop.getCarried(), [](Value value) {
          return isDifferentiableType(value.getType());
        }))
      loops.push_back(loop);
  });
  bool changed = false;
  // Inner loops come first in the walk, and are copied with outer ones.
  for (WhileOp loop : loops)
    if (std::optional<Bound> bound = findBound(loop)) {
      convert(loop, *bound);
      changed = true;
    }
  return changed;
}
