//===- PartitionLoops.cpp - What a loop keeps for its backward ------------===//
//
// A loop (scan, map) and the scan that goes backward through it are one step of
// forward and one of backward: a joint function, which the same rules cut. What
// the cut saves is stacked by the forward loop, step by step.
//
//===----------------------------------------------------------------------===//

#include "fx/IR/ControlFlowOps.h"
#include "fx/IR/FXOps.h"
#include "fx/Partition/JointFunction.h"
#include "fx/Partition/Passes.h"
#include "fx/Partition/Rules.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/CSE.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::fx {
#define GEN_PASS_DEF_PARTITIONLOOPSPASS
#include "fx/Partition/Passes.h.inc"

namespace {
/// The operands and the body of a scan, or of a map, which carries nothing.
struct Loop {
  static std::optional<Loop> get(Operation *op) {
    if (auto scan = dyn_cast_or_null<ScanOp>(op))
      return Loop{op, scan.getInit(), scan.getXs(), scan.getAdditional(),
                  &scan.getBody().front()};
    if (auto map = dyn_cast_or_null<MapOp>(op))
      return Loop{op, {}, map.getXs(), map.getAdditional(),
                  &map.getBody().front()};
    return std::nullopt;
  }

  size_t numCarried() const { return init.size(); }
  int64_t getCount() const {
    return cast<RankedTensorType>(xs.front().getType()).getDimSize(0);
  }
  Value getYielded(size_t i) const {
    return body->getTerminator()->getOperand(i);
  }

  Operation *op;
  ValueRange init, xs, additional;
  Block *body;
};

/// A loop and the one that goes backward through it.
class LoopPair {
public:
  /// Looks for the loop whose slices most of those of `backward` are.
  static std::optional<LoopPair> find(ScanOp backward,
                                      ArrayRef<Operation *> candidates) {
    std::optional<LoopPair> best;
    size_t bestCount = 0;
    for (Operation *candidate : candidates) {
      LoopPair pair(*Loop::get(candidate), *Loop::get(backward));
      size_t count = pair.match();
      if (count > bestCount) {
        best.emplace(std::move(pair));
        bestCount = count;
      }
    }
    return best;
  }

  /// `saveSources` runs fx-save-sources on the two functions that a step becomes.
  LogicalResult partition(ModuleOp module,
                          llvm::function_ref<LogicalResult()> saveSources) {
    func::FuncOp step = buildStep(module);
    simplify(step);
    bool isSplit = split(step);
    step.erase();
    if (!isSplit)
      return success();
    if (failed(saveSources()))
      return failure();
    Parts parts(module, forward.numCarried() + forward.xs.size());
    if (parts.fits)
      rewrite(parts);
    parts.forward.erase();
    parts.backward.erase();
    return success();
  }

private:
  LoopPair(Loop forward, Loop backward)
      : forward(forward), backward(backward) {}

  /// Finds what the body of the backward takes of a step of the forward.
  /// Returns how many slices that are; 0 if the two go over different things.
  size_t match() {
    if (ShapedType::isDynamic(forward.getCount()) ||
        forward.getCount() != backward.getCount())
      return 0;
    Block::BlockArgListType given = forward.body->getArguments();
    given = given.drop_front(forward.numCarried());
    stepValues.assign(backward.body->getNumArguments(), Value());
    size_t count = 0;
    unsigned next = backward.numCarried();
    for (Value x : backward.xs) {
      auto flip = x.getDefiningOp<FlipOp>();
      bool isTurned = flip && flip.getDims() == ArrayRef<int64_t>{0};
      if (isTurned)
        x = flip.getSelf();
      Value &value = stepValues[next++];
      if (auto result = dyn_cast<OpResult>(x);
          result && result.getOwner() == forward.op &&
          result.getResultNumber() >= forward.numCarried())
        value = forward.getYielded(result.getResultNumber());
      else if (auto it = llvm::find(forward.xs, x); it != forward.xs.end())
        value = given[it - forward.xs.begin()];
      if (!value)
        continue;
      if (count++ && isTurned != isReversed)
        return 0;
      isReversed = isTurned;
    }
    given = given.drop_front(forward.xs.size());
    for (Value value : backward.additional) {
      auto it = llvm::find(forward.additional, value);
      if (it != forward.additional.end())
        stepValues[next] = given[it - forward.additional.begin()];
      ++next;
    }
    return count;
  }

  /// (what the forward's body takes, what else the backward's does) -> (what the
  /// one yields, what the other does)
  func::FuncOp buildStep(ModuleOp module) {
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    Location loc = backward.op->getLoc();
    auto step = func::FuncOp::create(b, loc, "fx_loop_step",
                                     b.getFunctionType({}, {}));
    step.setPrivate();
    Block *body = step.addEntryBlock();
    SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
    auto getAttrs = [&](StringRef role, StringRef name, size_t index) {
      NamedAttrList attrs;
      attrs.set(kRoleAttr, b.getStringAttr(role));
      if (!name.empty())
        attrs.set(kNameAttr, b.getStringAttr(name + Twine(index)));
      return attrs.getDictionary(b.getContext());
    };
    IRMapping mapping;
    for (auto [i, argument] : llvm::enumerate(forward.body->getArguments())) {
      mapping.map(argument, body->addArgument(argument.getType(), loc));
      // What is the same in all steps is there in the backward, too.
      bool isAdditional = i >= forward.numCarried() + forward.xs.size();
      argumentAttrs.push_back(getAttrs(
          isAdditional ? role::parameter : role::input, "step_in_", i));
    }
    for (auto [i, argument] : llvm::enumerate(backward.body->getArguments())) {
      if (stepValues[i])
        continue;
      mapping.map(argument, body->addArgument(argument.getType(), loc));
      argumentAttrs.push_back(getAttrs(role::tangent, "step_tangent_", i));
    }
    b.setInsertionPointToEnd(body);
    SmallVector<Value> results;
    auto append = [&](Block &source, StringRef role) {
      for (Operation &op : source.without_terminator())
        b.clone(op, mapping);
      for (Value value : source.getTerminator()->getOperands()) {
        results.push_back(mapping.lookup(value));
        resultAttrs.push_back(getAttrs(role, "", 0));
      }
    };
    append(*forward.body, role::output);
    for (auto [argument, value] :
         llvm::zip_equal(backward.body->getArguments(), stepValues))
      if (value)
        mapping.map(argument, mapping.lookup(value));
    append(*backward.body, role::gradient);
    func::ReturnOp::create(b, loc, results);
    step.setType(b.getFunctionType(body->getArgumentTypes(),
                                   ValueRange(results).getTypes()));
    step.setAllArgAttrs(argumentAttrs);
    step.setAllResultAttrs(resultAttrs);
    return step;
  }

  /// What the backward computes again is what the forward computes.
  static void simplify(func::FuncOp step) {
    IRRewriter rewriter(step.getContext());
    DominanceInfo dominance(step);
    eliminateCommonSubExpressions(rewriter, dominance, step);
    simplifyJointFunction(step);
  }

  static constexpr llvm::StringLiteral forwardName = "fx_loop_forward";
  static constexpr llvm::StringLiteral backwardName = "fx_loop_backward";

  /// The two functions of a step.
  struct Parts {
    /// The arguments of the forward from `firstAdditional` on are the same in all
    /// steps.
    Parts(ModuleOp module, unsigned firstAdditional)
        : forward(module.lookupSymbol<func::FuncOp>(forwardName)),
          backward(module.lookupSymbol<func::FuncOp>(backwardName)) {
      llvm::StringMap<unsigned> indexOf;
      for (auto [i, value] :
           llvm::enumerate(forward.front().getTerminator()->getOperands())) {
        if (getResultRole(forward, i) != role::saved)
          continue;
        indexOf[getResultName(forward, i)] = arguments.size();
        std::optional<unsigned> number;
        if (auto argument = dyn_cast<BlockArgument>(value))
          number = argument.getArgNumber();
        auto type = dyn_cast<RankedTensorType>(value.getType());
        fits &= (number && *number >= firstAdditional) ||
                (type && type.hasStaticShape());
        arguments.push_back(number);
      }
      for (unsigned i = 0; i < backward.getNumArguments(); ++i)
        if (getArgRole(backward, i) == role::saved)
          taken.emplace_back(i, indexOf.lookup(getArgName(backward, i)));
        else
          ownPlaces.push_back(i);
    }

    func::FuncOp forward, backward;
    /// For each saved value the argument of the forward that it is, if it is one.
    SmallVector<std::optional<unsigned>> arguments;
    /// The arguments of the backward that are saved values, and which; and its
    /// others.
    SmallVector<std::pair<unsigned, unsigned>> taken;
    SmallVector<unsigned> ownPlaces;
    /// Whether a loop can keep all of it.
    bool fits = true;
  };

  static bool split(func::FuncOp step) {
    // The rules for sizes of unknown dimensions, as of whole functions.
    constexpr int64_t dynamicSize = 4096;
    FailureOr<JointFunction> joint = buildJointFunction(step, dynamicSize);
    if (failed(joint))
      return false;
    JointGraph &graph = joint->graph;
    cleanupRematPolicies(graph);
    NodeInfo info = classify(graph);
    MinCutSolution solution =
        solveWithBudget(graph, info, BanOptions(), /*budget=*/1);
    if (solution.cut.status != FlowNetwork::Status::Solved)
      return false;
    Extraction extraction = extract(graph, info, solution.saved);
    if (extraction.missing)
      return false;
    splitJointFunction(*joint, extraction, forwardName, backwardName,
                       std::nullopt);
    return true;
  }

  void rewrite(Parts &parts) {
    // Where the stack of each saved value is among the forward's results.
    Operation *end = parts.forward.front().getTerminator();
    size_t numResults = forward.op->getNumResults();
    size_t numGiven = forward.numCarried() + forward.xs.size();
    SmallVector<Value> yielded(end->getOperands().take_front(numResults));
    SmallVector<std::optional<unsigned>> stacks;
    for (auto [number, value] :
         llvm::zip_equal(parts.arguments,
                         end->getOperands().drop_front(numResults))) {
      bool isCarried = number && *number < forward.numCarried();
      stacks.emplace_back();
      if (number && !isCarried)
        continue;
      auto slices = ArrayRef(yielded).drop_front(forward.numCarried());
      const auto *known = llvm::find(slices, value);
      stacks.back() = known - yielded.begin();
      if (known == slices.end())
        yielded.push_back(value);
    }

    OpBuilder b(forward.op);
    Operation *longer = buildForward(b, parts.forward, yielded);
    forward.op->replaceAllUsesWith(longer->getResults().take_front(numResults));

    b.setInsertionPoint(backward.op);
    SmallVector<Value> xs, additional;
    // The arguments of the new body are those of the function that was cut.
    SmallVector<unsigned> xPlaces, additionalPlaces, initPlaces;
    for (auto [place, i] : parts.taken) {
      std::optional<unsigned> number = parts.arguments[i];
      if (!stacks[i] && *number >= numGiven) {
        additional.push_back(forward.additional[*number - numGiven]);
        additionalPlaces.push_back(place);
        continue;
      }
      Value stack = stacks[i]
                        ? Value(longer->getResult(*stacks[i]))
                        : forward.xs[*number - forward.numCarried()];
      if (isReversed)
        stack = FlipOp::create(b, backward.op->getLoc(), stack.getType(), stack,
                               b.getDenseI64ArrayAttr({0}));
      xs.push_back(stack);
      xPlaces.push_back(place);
    }
    const unsigned *place = parts.ownPlaces.begin();
    for (auto [i, value] : llvm::enumerate(stepValues)) {
      if (value)
        continue;
      size_t numInit = backward.numCarried(), numXs = backward.xs.size();
      if (i < numInit) {
        initPlaces.push_back(*place++);
      } else if (i < numInit + numXs) {
        xs.push_back(backward.xs[i - numInit]);
        xPlaces.push_back(*place++);
      } else {
        additional.push_back(backward.additional[i - numInit - numXs]);
        additionalPlaces.push_back(*place++);
      }
    }
    buildBackward(b, parts.backward, xs, additional,
                  {initPlaces, xPlaces, additionalPlaces});
    forward.op->erase();
    dropUnusedStacks(longer);
  }

  Operation *buildForward(OpBuilder &b, func::FuncOp part,
                          ArrayRef<Value> yielded) {
    Operation *op = forward.op;
    SmallVector<Type> types(op->getResultTypes());
    for (Value value : yielded.drop_front(types.size())) {
      SmallVector<int64_t> shape = {forward.getCount()};
      auto type = cast<RankedTensorType>(value.getType());
      llvm::append_range(shape, type.getShape());
      types.push_back(RankedTensorType::get(shape, type.getElementType()));
    }
    OperationState state(op->getLoc(), op->getName(), op->getOperands(), types,
                         op->getAttrDictionary().getValue());
    if (auto names = op->getAttrOfType<ArrayAttr>(kResultNamesAttr)) {
      SmallVector<Attribute> all(names.getValue());
      for (size_t i = names.size(); i < types.size(); ++i)
        all.push_back(b.getStringAttr(getNodeName(op->getResult(0)) +
                                      "_saved_" + std::to_string(i)));
      state.attributes.set(kResultNamesAttr, b.getArrayAttr(all));
    }
    Region *region = state.addRegion();
    Operation *end = part.front().getTerminator();
    OpBuilder inner(end);
    YieldOp::create(inner, end->getLoc(), ValueRange(yielded));
    end->erase();
    region->takeBody(part.getBody());
    return b.create(state);
  }

  void buildBackward(OpBuilder &b, func::FuncOp part, ArrayRef<Value> xs,
                     ArrayRef<Value> additional,
                     ArrayRef<ArrayRef<unsigned>> places) {
    Operation *op = backward.op;
    SmallVector<Value> slices(xs);
    Block &source = part.front();
    auto body = std::make_unique<Block>();
    IRMapping mapping;
    auto take = [&](ArrayRef<unsigned> which) {
      for (unsigned place : which) {
        BlockArgument argument = source.getArgument(place);
        mapping.map(argument, body->addArgument(argument.getType(),
                                                argument.getLoc()));
      }
    };
    take(places[0]);
    take(places[1]);
    // A scan goes over something, needed or not.
    if (slices.empty()) {
      slices.push_back(backward.xs.front());
      body->addArgument(
          backward.body->getArgument(backward.numCarried()).getType(),
          op->getLoc());
    }
    take(places[2]);
    OpBuilder inner(op->getContext());
    inner.setInsertionPointToEnd(body.get());
    for (Operation &inside : source.without_terminator())
      inner.clone(inside, mapping);
    SmallVector<Value> results;
    for (Value value : source.getTerminator()->getOperands())
      results.push_back(mapping.lookup(value));
    YieldOp::create(inner, op->getLoc(), results);

    SmallVector<Value> operands(backward.init);
    llvm::append_range(operands, slices);
    llvm::append_range(operands, additional);
    OperationState state(op->getLoc(), op->getName(), operands,
                         op->getResultTypes(),
                         op->getDiscardableAttrDictionary().getValue());
    state.addAttribute("operandSegmentSizes",
                       b.getDenseI32ArrayAttr(
                           {static_cast<int32_t>(backward.init.size()),
                            static_cast<int32_t>(slices.size()),
                            static_cast<int32_t>(additional.size())}));
    state.addRegion()->push_back(body.release());
    Operation *created = b.create(state);
    op->replaceAllUsesWith(created);
    SmallVector<Value> old(backward.xs);
    op->erase();
    for (Value value : old)
      if (auto flip = value.getDefiningOp<FlipOp>(); flip && flip->use_empty())
        flip->erase();
  }

  /// Stacks that only the old backward took.
  static void dropUnusedStacks(Operation *op) {
    Loop loop = *Loop::get(op);
    SmallVector<unsigned> kept;
    for (OpResult result : op->getResults())
      if (result.getResultNumber() < loop.numCarried() || !result.use_empty())
        kept.push_back(result.getResultNumber());
    if (kept.size() == op->getNumResults() || kept.empty())
      return;
    OpBuilder b(op);
    Operation *yield = loop.body->getTerminator();
    auto names = op->getAttrOfType<ArrayAttr>(kResultNamesAttr);
    SmallVector<Type> types;
    SmallVector<Value> yielded;
    SmallVector<Attribute> keptNames;
    for (unsigned i : kept) {
      types.push_back(op->getResult(i).getType());
      yielded.push_back(yield->getOperand(i));
      if (names)
        keptNames.push_back(names[i]);
    }
    yield->setOperands(yielded);
    OperationState state(op->getLoc(), op->getName(), op->getOperands(), types,
                         op->getAttrDictionary().getValue());
    if (names)
      state.attributes.set(kResultNamesAttr, b.getArrayAttr(keptNames));
    state.addRegion()->takeBody(op->getRegion(0));
    Operation *shorter = b.create(state);
    for (auto [from, to] : llvm::zip_equal(kept, shorter->getResults()))
      op->getResult(from).replaceAllUsesWith(to);
    op->erase();
  }

  Loop forward, backward;
  /// For each argument of the backward's body the value in the forward's body
  /// that it is, or null.
  SmallVector<Value> stepValues;
  /// Whether the backward takes the last step first.
  bool isReversed = false;
};

struct PartitionLoopsPass
    : impl::PartitionLoopsPassBase<PartitionLoopsPass> {
  using PartitionLoopsPassBase::PartitionLoopsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (isJointFunction(function) && function.getBody().hasOneBlock())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(partitionLoops(module, function)))
        return signalPassFailure();
  }

  LogicalResult partitionLoops(ModuleOp module, func::FuncOp function) {
    auto saveSources = [&] {
      OpPassManager pm(ModuleOp::getOperationName());
      pm.addPass(createSaveSourcesPass());
      return runPipeline(pm, module);
    };
    llvm::DenseSet<Value> tainted;
    for (BlockArgument argument : function.getArguments())
      if (getArgRole(function, argument.getArgNumber()) == role::tangent)
        tainted.insert(argument);
    SmallVector<ScanOp> backwards;
    for (Operation &op : function.front()) {
      bool isTainted = llvm::any_of(op.getOperands(), [&](Value value) {
        return tainted.contains(value);
      });
      if (isTainted)
        tainted.insert(op.result_begin(), op.result_end());
      if (isTainted && isa<ScanOp>(op))
        backwards.push_back(cast<ScanOp>(op));
    }
    for (ScanOp backward : backwards) {
      // A loop that was cut is another op, which other backwards may look for.
      SmallVector<Operation *> forwards;
      for (Operation &op : function.front())
        if (isa<ScanOp, MapOp>(op) && op.isBeforeInBlock(backward) &&
            llvm::none_of(op.getOperands(), [&](Value value) {
              return tainted.contains(value);
            }))
          forwards.push_back(&op);
      std::optional<LoopPair> pair = LoopPair::find(backward, forwards);
      if (pair && failed(pair->partition(module, saveSources)))
        return failure();
    }
    return success();
  }
};
} // namespace
} // namespace mlir::fx
