//===- ControlFlowDerivatives.cpp - cond, scan and map --------------------===//
//
// The backward op computes the forward of its region again. Of a scan the
// carried values that this needs are kept: the forward becomes a scan that
// stacks them.
//
//===----------------------------------------------------------------------===//

#include "Backpropagation.h"
#include "Derivatives.h"
#include "fx/IR/ControlFlowOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

static SmallVector<Operation *> getOps(Block &body) {
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  return ops;
}

/// Computes `body` with `arguments` at the builder's place, and behind it the
/// gradients of the arguments that take one, zeros where nothing depends on
/// them. Of what the body yields a gradient may be null.
static FailureOr<SmallVector<Value>>
differentiateBody(OpBuilder &builder, Location loc, Block &body,
                  ValueRange arguments, ArrayRef<bool> takes,
                  ArrayRef<Value> yieldGradients) {
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  SmallVector<Operation *> ops;
  for (Operation *op : getOps(body))
    ops.push_back(builder.clone(*op, mapping));

  DenseSet<Value> dependent;
  for (auto [argument, takesGradient] : llvm::zip_equal(arguments, takes))
    if (takesGradient)
      dependent.insert(argument);
  addDependent(ops, dependent);
  SmallVector<std::pair<Value, Value>> targets;
  SmallVector<Value> values;
  for (auto [yielded, gradient] : llvm::zip_equal(
           body.getTerminator()->getOperands(), yieldGradients)) {
    Value value = mapping.lookupOrDefault(yielded);
    if (!gradient || !dependent.contains(value))
      continue;
    targets.emplace_back(value, gradient);
    values.push_back(value);
  }
  DenseSet<Value> active = findActive(ops, values, dependent);

  Backpropagation gradients(builder, active);
  for (auto [value, gradient] : targets)
    gradients.accumulate(value, gradient, loc);
  if (failed(gradients.run(ops)))
    return failure();
  TensorBuilder b(builder, loc);
  SmallVector<Value> results;
  for (auto [argument, takesGradient] : llvm::zip_equal(arguments, takes)) {
    Value gradient;
    if (takesGradient) {
      gradient = gradients.getGradient(argument);
      gradient = gradient ? b.withType(gradient, argument.getType())
                          : b.zerosLike(argument);
    }
    results.push_back(gradient);
  }
  return results;
}

static void eraseUnused(Block &block) {
  SmallVector<Operation *> ops = getOps(block);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

/// Adds arguments like the values, and returns them.
static SmallVector<Value> addArguments(Block &block, TypeRange types,
                                       Location loc) {
  SmallVector<Value> arguments;
  for (Type type : types)
    arguments.push_back(block.addArgument(type, loc));
  return arguments;
}

/// A region of one empty block, in which `builder` then inserts.
static std::unique_ptr<Region> createRegion(OpBuilder &builder) {
  auto region = std::make_unique<Region>();
  builder.createBlock(region.get());
  return region;
}

//===----------------------------------------------------------------------===//
// cond
//===----------------------------------------------------------------------===//

namespace mlir::fx {
static void differentiate(CondOp op, GradientBuilder &g) {
  OpBuilder &builder = g.getBuilder();
  Location loc = g.getLoc();
  // The regions take the inputs and the gradients of the results.
  SmallVector<Value> operands(op.getInputs());
  SmallVector<Type> gradientTypes;
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    if (Value gradient = g.gradient(i)) {
      operands.push_back(gradient);
      gradientTypes.push_back(gradient.getType());
    }
  SmallVector<bool> takes;
  SmallVector<Type> types;
  for (unsigned i = 0; i < op.getInputs().size(); ++i) {
    takes.push_back(g.isNeeded(i + 1));
    if (takes.back())
      types.push_back(op.getInputs()[i].getType());
  }

  SmallVector<std::unique_ptr<Region>> regions;
  {
    OpBuilder::InsertionGuard guard(builder);
    for (Region *source : {&op.getThenRegion(), &op.getElseRegion()}) {
      Block &body = source->front();
      regions.push_back(createRegion(builder));
      Block &block = regions.back()->front();
      SmallVector<Value> inputs =
          addArguments(block, body.getArgumentTypes(), loc);
      SmallVector<Value> given = addArguments(block, gradientTypes, loc);
      SmallVector<Value> yieldGradients;
      for (unsigned i = 0, next = 0; i < op.getNumResults(); ++i)
        yieldGradients.push_back(g.gradient(i) ? given[next++] : Value());
      FailureOr<SmallVector<Value>> gradients = differentiateBody(
          builder, loc, body, inputs, takes, yieldGradients);
      if (failed(gradients))
        return g.fail();
      llvm::erase(*gradients, Value());
      YieldOp::create(builder, loc, *gradients);
      eraseUnused(block);
    }
  }
  for (size_t i = operands.size(); i-- > 0;)
    if (llvm::all_of(regions, [&](const std::unique_ptr<Region> &region) {
          return region->front().getArgument(i).use_empty();
        })) {
      for (std::unique_ptr<Region> &region : regions)
        region->front().eraseArgument(i);
      operands.erase(operands.begin() + i);
    }

  OperationState state(loc, CondOp::getOperationName());
  state.addOperands(op.getPred());
  state.addOperands(operands);
  state.addTypes(types);
  for (std::unique_ptr<Region> &region : regions)
    state.addRegion(std::move(region));
  Operation *backward = builder.create(state);
  unsigned next = 0;
  for (unsigned i = 0; i < takes.size(); ++i)
    g.set(i + 1, [&]() -> Value { return backward->getResult(next++); });
}

} // namespace mlir::fx

//===----------------------------------------------------------------------===//
// scan and map
//===----------------------------------------------------------------------===//

namespace {
/// A recurrence over slices; a map is one that carries nothing.
struct Recurrence {
  Recurrence(ScanOp op)
      : op(op), init(op.getInit()), xs(op.getXs()),
        additional(op.getAdditional()), body(op.getBody().front()) {}
  Recurrence(MapOp op)
      : op(op), xs(op.getXs()), additional(op.getAdditional()),
        body(op.getBody().front()) {}

  size_t numCarried() const { return init.size(); }
  Value getYielded(size_t i) const {
    return body.getTerminator()->getOperand(i);
  }

  Operation *op;
  ValueRange init, xs, additional;
  Block &body;
};

/// Builds the scan that goes backward through a recurrence.
class BackwardScan {
public:
  BackwardScan(Recurrence loop, GradientBuilder &g)
      : loop(loop), g(g), builder(g.getBuilder()) {}

  LogicalResult build() {
    findTakers();
    OpBuilder::InsertionGuard guard(builder);
    Operation *before = &*builder.getInsertionPoint();
    std::unique_ptr<Region> region = createRegion(builder);
    if (failed(buildBody(region->front())))
      return failure();
    builder.setInsertionPoint(before);
    return createScan(std::move(region));
  }

private:
  /// Which arguments of the body take a gradient: those of operands that need
  /// one, and carried values that depend on them.
  void findTakers() {
    for (auto [i, argument] : llvm::enumerate(loop.body.getArguments()))
      takes.push_back(g.isNeeded(i) &&
                      isDifferentiableType(argument.getType()));
    SmallVector<Operation *> ops = getOps(loop.body);
    for (bool changed = true; changed;) {
      changed = false;
      DenseSet<Value> dependent;
      for (auto [argument, takesGradient] :
           llvm::zip_equal(loop.body.getArguments(), takes))
        if (takesGradient)
          dependent.insert(argument);
      addDependent(ops, dependent);
      for (size_t i = 0; i < loop.numCarried(); ++i)
        if (!takes[i] && dependent.contains(loop.getYielded(i)) &&
            isDifferentiableType(loop.body.getArgument(i).getType()))
          takes[i] = changed = true;
    }
  }

  bool takesAdditional(size_t i) const {
    return takes[loop.numCarried() + loop.xs.size() + i];
  }

  /// (d carried…, d additional…; carried…, xs…, d ys…; additional…) ->
  /// (d carried…, d additional…; d xs…)
  LogicalResult buildBody(Block &block) {
    Location loc = g.getLoc();
    Block &body = loop.body;
    size_t numCarried = loop.numCarried(), numXs = loop.xs.size();
    TypeRange types = body.getArgumentTypes();
    SmallVector<Value> yieldGradients(body.getTerminator()->getNumOperands());
    for (size_t i = 0; i < numCarried; ++i)
      if (takes[i])
        yieldGradients[i] = block.addArgument(types[i], loc);
    SmallVector<Value> sums;
    for (size_t i = 0; i < loop.additional.size(); ++i)
      if (takesAdditional(i))
        sums.push_back(
            block.addArgument(types[numCarried + numXs + i], loc));
    numInit = block.getNumArguments();
    SmallVector<Value> arguments =
        addArguments(block, types.take_front(numCarried + numXs), loc);
    for (size_t i = numCarried; i < yieldGradients.size(); ++i)
      if (g.gradient(i))
        yieldGradients[i] =
            block.addArgument(loop.getYielded(i).getType(), loc);
    llvm::append_range(
        arguments,
        addArguments(block, types.drop_front(numCarried + numXs), loc));

    FailureOr<SmallVector<Value>> gradients = differentiateBody(
        builder, loc, body, arguments, takes, yieldGradients);
    if (failed(gradients))
      return failure();
    SmallVector<Value> carried, slices;
    TensorBuilder b(builder, loc);
    for (auto [i, gradient] : llvm::enumerate(*gradients)) {
      if (!gradient)
        continue;
      if (i < numCarried)
        carried.push_back(gradient);
      else if (i < numCarried + numXs)
        slices.push_back(gradient);
    }
    size_t sum = 0;
    for (size_t i = 0; i < loop.additional.size(); ++i)
      if (Value gradient = (*gradients)[numCarried + numXs + i]) {
        carried.push_back(b.add(sums[sum], gradient));
        ++sum;
      }
    llvm::append_range(carried, slices);
    YieldOp::create(builder, loc, carried);
    eraseUnused(block);
    return success();
  }

  /// Whether the last slice comes first: nothing to turn if none is carried.
  bool isReversed() const { return loop.numCarried() != 0; }
  Value reverse(Value stack) {
    return isReversed() ? g.create<FlipOp>(stack, ArrayRef<int64_t>{0})
                        : stack;
  }

  LogicalResult createScan(std::unique_ptr<Region> region) {
    Block &block = region->front();
    SmallVector<Value> init, xs, additional;
    SmallVector<Type> types;
    for (size_t i = 0; i < loop.numCarried(); ++i)
      if (takes[i])
        init.push_back(g.gradientOrZeros(i));
    for (auto [i, value] : llvm::enumerate(loop.additional))
      if (takesAdditional(i))
        init.push_back(g.zerosLike(value));
    llvm::append_range(types, ValueRange(init).getTypes());

    // The unused arguments go, so that what they stand for need not be kept.
    // A scan needs something to go over, though.
    unsigned index = numInit;
    ArrayRef<BlockArgument> stacks = block.getArguments().slice(
        numInit, block.getNumArguments() - numInit - loop.additional.size());
    bool keepFirst = llvm::all_of(
        stacks, [](BlockArgument argument) { return argument.use_empty(); });
    auto isUsed = [&](bool keep) {
      if (keep || !block.getArgument(index).use_empty()) {
        ++index;
        return true;
      }
      block.eraseArgument(index);
      return false;
    };
    SmallVector<unsigned> kept;
    for (size_t i = 0; i < loop.numCarried(); ++i)
      if (isUsed(/*keep=*/false))
        kept.push_back(i);
    SmallVector<Value> slices;
    for (auto [i, value] : llvm::enumerate(loop.xs))
      if (isUsed(/*keep=*/keepFirst && i == 0))
        slices.push_back(value);
    for (size_t i = loop.numCarried(); i < loop.op->getNumResults(); ++i)
      if (g.gradient(i) && isUsed(/*keep=*/false))
        slices.push_back(g.gradient(i));
    for (Value value : loop.additional)
      if (isUsed(/*keep=*/false))
        additional.push_back(value);

    FailureOr<SmallVector<Value>> states = keepCarried(kept);
    if (failed(states))
      return failure();
    llvm::append_range(*states, slices);
    for (Value stack : *states)
      xs.push_back(reverse(stack));
    for (size_t i = 0; i < loop.xs.size(); ++i)
      if (takes[loop.numCarried() + i])
        types.push_back(loop.xs[i].getType());

    OperationState state(g.getLoc(), ScanOp::getOperationName());
    for (ValueRange values : {ValueRange(init), ValueRange(xs),
                              ValueRange(additional)})
      state.addOperands(values);
    state.addAttribute("operandSegmentSizes",
                       builder.getDenseI32ArrayAttr(
                           {int32_t(init.size()), int32_t(xs.size()),
                            int32_t(additional.size())}));
    state.addTypes(types);
    state.addRegion(std::move(region));
    setGradients(builder.create(state));
    return success();
  }

  /// Replaces the forward by a scan that also stacks these carried values, as
  /// they come into each step; returns the stacks.
  FailureOr<SmallVector<Value>> keepCarried(ArrayRef<unsigned> kept) {
    SmallVector<Value> stacks;
    if (kept.empty())
      return stacks;
    auto scan = cast<ScanOp>(loop.op);
    int64_t count = getTensorType(loop.xs.front()).getDimSize(0);
    SmallVector<Type> types(scan.getResultTypes());
    for (unsigned i : kept) {
      auto type = dyn_cast<RankedTensorType>(loop.body.getArgument(i).getType());
      if (!type) {
        g.fail("the gradient depends on carried value " + Twine(i) +
               ", which is a number; carry a tensor instead");
        return failure();
      }
      SmallVector<int64_t> shape{count};
      llvm::append_range(shape, type.getShape());
      types.push_back(RankedTensorType::get(shape, type.getElementType()));
    }
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(scan);
    OperationState state(scan.getLoc(), ScanOp::getOperationName(),
                         scan->getOperands(), types,
                         scan->getAttrDictionary().getValue());
    Region *region = state.addRegion();
    IRMapping mapping;
    scan.getBody().cloneInto(region, mapping);
    Operation *yield = region->front().getTerminator();
    SmallVector<Value> yielded(yield->getOperands());
    for (unsigned i : kept)
      yielded.push_back(region->front().getArgument(i));
    yield->setOperands(yielded);
    if (auto names = scan->getAttrOfType<ArrayAttr>(kResultNamesAttr)) {
      SmallVector<Attribute> all(names.getValue());
      for (unsigned i : kept)
        all.push_back(builder.getStringAttr(getNodeName(scan->getResult(0)) +
                                            "_step_" + std::to_string(i)));
      state.attributes.set(kResultNamesAttr, builder.getArrayAttr(all));
    }
    Operation *longer = builder.create(state);
    scan->replaceAllUsesWith(
        longer->getResults().take_front(scan.getNumResults()));
    llvm::append_range(stacks,
                       longer->getResults().drop_front(scan.getNumResults()));
    return stacks;
  }

  void setGradients(Operation *scan) {
    unsigned next = 0;
    auto set = [&](unsigned operand, bool isStack) {
      Value result = scan->getResult(next++);
      g.set(operand,
            [&]() -> Value { return isStack ? reverse(result) : result; });
    };
    size_t numCarried = loop.numCarried(), numXs = loop.xs.size();
    for (size_t i = 0; i < numCarried; ++i)
      if (takes[i])
        set(i, /*isStack=*/false);
    for (size_t i = numCarried + numXs; i < takes.size(); ++i)
      if (takes[i])
        set(i, /*isStack=*/false);
    for (size_t i = numCarried; i < numCarried + numXs; ++i)
      if (takes[i])
        set(i, /*isStack=*/true);
  }

  Recurrence loop;
  GradientBuilder &g;
  OpBuilder &builder;
  SmallVector<bool> takes;
  /// The number of values that the backward carries.
  unsigned numInit = 0;
};
} // namespace

namespace mlir::fx {
static void differentiate(ScanOp op, GradientBuilder &g) {
  if (failed(BackwardScan(op, g).build()))
    g.fail();
}
static void differentiate(MapOp op, GradientBuilder &g) {
  if (failed(BackwardScan(op, g).build()))
    g.fail();
}

void attachControlFlowDerivatives(MLIRContext *context) {
  attachDerivatives<CondOp, MapOp, ScanOp>(context);
}
} // namespace mlir::fx
