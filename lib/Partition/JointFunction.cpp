//===- JointFunction.cpp - From a joint function to its graph -------------===//

#include "fx/Partition/JointFunction.h"
#include "fx/IR/FXOps.h"
#include "fx/Partition/SizeHints.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::fx;

bool mlir::fx::isJointFunction(func::FuncOp function) {
  if (function.isDeclaration())
    return false;
  bool hasPrimal = false, isTraining = false;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    StringRef role = getArgRole(function, i);
    isTraining |= role == role::tangent;
    // A backward function takes only tangents and saved values.
    hasPrimal |= role != role::tangent && role != role::saved;
  }
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    isTraining |= getResultRole(function, i) == role::gradient;
  return hasPrimal && isTraining;
}

InFlightDiagnostic mlir::fx::emitErrorOn(func::FuncOp function,
                                         const Twine &message) {
  return emitError(function.getLoc())
         << "function '" << function.getSymName() << "' " << message;
}

bool mlir::fx::isLiteral(Operation *op) {
  return op->getNumResults() == 1 && op->hasTrait<OpTrait::ConstantLike>() &&
         !isa<ShapedType>(op->getResult(0).getType());
}

Location JointFunction::getLoc(NodeId node) const {
  if (ops[node])
    return ops[node]->getLoc();
  return values[node] ? values[node].getLoc()
                      : func::FuncOp(function).getLoc();
}

namespace {
class GraphBuilder {
public:
  GraphBuilder(func::FuncOp function, const SizeHints &hints,
               int64_t dynamicSize)
      : hints(hints), dynamicSize(dynamicSize) {
    joint.function = function;
  }

  FailureOr<JointFunction> run() {
    if (failed(checkSignature()))
      return failure();
    Block &block = joint.function.getBody().front();
    findEpilogueCopies(block);
    for (BlockArgument argument : block.getArguments())
      addInput(argument);
    for (Operation &op : block.without_terminator())
      if (!isLiteral(&op))
        addCall(op);
    if (failed(addOutput(block.getTerminator())))
      return failure();
    addUsers();
    return std::move(joint);
  }

private:
  LogicalResult checkSignature() {
    func::FuncOp function = joint.function;
    bool hasTangent = false, hasGradient = false;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      hasTangent |= getArgRole(function, i) == role::tangent;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      StringRef role = getResultRole(function, i);
      if (role.empty())
        return emitErrorOn(function, "cannot be partitioned: result ")
               << i << " has no fx.role, so that it belongs to neither part";
      if (role == role::saved)
        return emitErrorOn(function, "cannot be partitioned: result ")
               << i << " has the role 'saved', which a partition makes";
      hasGradient |= role == role::gradient;
    }
    if (!hasTangent)
      return emitErrorOn(function, "is no joint function: it has gradients and "
                                   "no argument with the role 'tangent'");
    if (!hasGradient)
      return emitErrorOn(function, "is no joint function: it has tangents and "
                                   "no result with the role 'gradient'");
    return success();
  }

  /// A copy whose result is a mutation is FX's copy_ at the end of the graph:
  /// it writes to the argument and returns nothing.
  void findEpilogueCopies(Block &block) {
    for (OpOperand &operand : block.getTerminator()->getOpOperands())
      if (auto copy = operand.get().getDefiningOp<CopyOp>();
          copy && isMutation(operand.getOperandNumber()))
        epilogueCopies.insert(copy);
  }

  bool isMutation(unsigned result) {
    return getResultRole(joint.function, result) == role::mutation ||
           joint.function.getResultAttr(result, kMutatesAttr);
  }

  NodeId addNode(JointNode node, Operation *op, Value value) {
    NodeId id = joint.graph.size();
    bool tainted = node.kind == JointNode::Kind::Tangent;
    for (NodeId input : node.inputs)
      tainted |= dependsOnTangent[input];
    dependsOnTangent.push_back(tainted);
    joint.graph.nodes.push_back(std::move(node));
    joint.ops.push_back(op);
    joint.values.push_back(value);
    if (value)
      joint.nodeOf[value] = id;
    return id;
  }

  void setValue(JointNode &node, Value value) {
    Type type = hints.getType(value);
    node.bytes = getSizeInBytes(type, dynamicSize);
    if (isa<RankedTensorType>(type))
      node.valueKind = JointNode::ValueKind::Tensor;
    else if (isa<FloatType>(type))
      node.valueKind = JointNode::ValueKind::SymFloat;
    else if (type.isIntOrIndex())
      node.valueKind = JointNode::ValueKind::SymInt;
    else
      node.valueKind = JointNode::ValueKind::None;
  }

  std::string getUniqueName(std::string name, StringRef base) {
    // Of a function that is called twice there are two nodes of one name.
    if (!name.empty() && usedNames.insert(name).second)
      return name;
    std::string own = name;
    if (!name.empty())
      base = own;
    else
      name = base.str();
    for (unsigned &n = counters[base]; !usedNames.insert(name).second;)
      name = base.str() + "_" + std::to_string(++n);
    return name;
  }

  void addInput(BlockArgument argument) {
    StringRef role = getArgRole(joint.function, argument.getArgNumber());
    JointNode node;
    node.kind = role == role::tangent ? JointNode::Kind::Tangent
                : role == role::seed  ? JointNode::Kind::Seed
                                      : JointNode::Kind::Primal;
    node.isStatic = role == role::parameter || role == role::buffer ||
                    role == role::constant;
    node.name = getUniqueName(getNodeName(argument), "arg");
    node.sharesInputStorage = role != role::tangent;
    setValue(node, argument);
    addNode(std::move(node), nullptr, argument);
  }

  /// The nodes that an op reads, its regions included.
  void collectInputs(Operation &op, JointNode &node) {
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op.getRegions(), captured);
    llvm::SmallSetVector<NodeId, 8> inputs;
    auto add = [&](Value value) {
      if (auto it = joint.nodeOf.find(value); it != joint.nodeOf.end())
        inputs.insert(it->second);
    };
    llvm::for_each(op.getOperands(), add);
    llvm::for_each(captured, add);
    node.inputs.assign(inputs.begin(), inputs.end());
    bool firstOnly = hasAny(node.classes, RematClass::ListOperands);
    for (Value value : op.getOperands().take_front(
             firstOnly ? std::min(1u, op.getNumOperands())
                       : op.getNumOperands()))
      if (auto it = joint.nodeOf.find(value); it != joint.nodeOf.end())
        node.operandBytes += joint.graph[it->second].bytes;
  }

  void addCall(Operation &op) {
    JointNode node;
    node.kind = op.hasTrait<OpTrait::ConstantLike>() ? JointNode::Kind::Constant
                                                     : JointNode::Kind::Call;
    node.classes = getRematClasses(&op);
    node.flops = hints.getFlops(&op);
    if (auto remat = op.getAttrOfType<StringAttr>(kRematAttr)) {
      // prefer_save leaves the choice to the cut, as in functorch.
      if (remat.getValue().ends_with("_recompute"))
        node.policy = RematPolicy::MustRecompute;
      else if (remat.getValue() == "must_save")
        node.policy = RematPolicy::MustSave;
      if (remat.getValue() == "prefer_save")
        node.preference = RematPreference::Save;
      else if (remat.getValue() == "prefer_recompute")
        node.preference = RematPreference::Recompute;
    }
    if (hasAny(node.classes, RematClass::MustSave) &&
        node.policy == RematPolicy::Free)
      node.policy = RematPolicy::MustSave;
    // A tag cannot make a second draw give the same numbers.
    if (hasAny(node.classes, RematClass::Draws) &&
        node.policy == RematPolicy::MustRecompute)
      node.policy = RematPolicy::MustSave;
    if (auto region = op.getAttrOfType<IntegerAttr>(kRematRegionAttr))
      node.region = region.getInt();
    node.mutates =
        epilogueCopies.contains(&op) ||
        (!isMemoryEffectFree(&op) &&
         !hasAny(node.classes, RematClass::NotMergeable));
    collectInputs(op, node);
    bool sharesInput = false;
    if (hasAny(node.classes, RematClass::SharesStorage) &&
        op.getNumOperands() > 0)
      if (auto it = joint.nodeOf.find(op.getOperand(0));
          it != joint.nodeOf.end())
        sharesInput = joint.graph[it->second].sharesInputStorage;
    bool isTuple = op.getNumResults() > 1 || op.hasAttr(kResultNamesAttr);
    std::string name;
    if (auto named = dyn_cast<NameLoc>(op.getLoc()))
      name = named.getName().str();
    node.name = getUniqueName(name, op.getName().stripDialect());
    if (!isTuple && op.getNumResults() == 1) {
      node.sharesInputStorage = sharesInput;
      setValue(node, op.getResult(0));
      addNode(std::move(node), &op, op.getResult(0));
      return;
    }
    node.valueKind = isTuple ? JointNode::ValueKind::Tuple
                             : JointNode::ValueKind::None;
    for (Value result : op.getResults())
      node.bytes += getSizeInBytes(hints.getType(result), dynamicSize);
    RematPolicy policy = node.policy;
    int64_t region = node.region;
    NodeId tuple = addNode(std::move(node), &op, Value());
    for (OpResult result : op.getResults()) {
      if (result.use_empty())
        continue;
      JointNode element;
      element.kind = JointNode::Kind::Element;
      // getitem is in the list of recomputable targets [4.3].
      element.classes = RematClass::Recomputable;
      element.policy = policy;
      element.sharesInputStorage = sharesInput;
      element.region = region;
      std::string own =
          op.hasAttr(kResultNamesAttr) ? getNodeName(result) : std::string();
      element.name = getUniqueName(std::move(own), "getitem");
      setValue(element, result);
      element.operandBytes = joint.graph[tuple].bytes;
      element.inputs.push_back(tuple);
      addNode(std::move(element), &op, result);
    }
  }

  LogicalResult addOutput(Operation *terminator) {
    func::FuncOp function = joint.function;
    llvm::SmallSetVector<NodeId, 8> inputs, forward, backward;
    for (auto [index, value] : llvm::enumerate(terminator->getOperands())) {
      StringRef role = getResultRole(function, index);
      auto it = joint.nodeOf.find(value);
      bool isNode = it != joint.nodeOf.end();
      bool tainted = isNode && dependsOnTangent[it->second];
      if (tainted && role != role::gradient && !isMutation(index)) {
        InFlightDiagnostic error =
            emitErrorOn(function, "cannot be partitioned: result ")
            << index << " has the role '" << role
            << "' and depends on a tangent";
        error.attachNote(value.getLoc()) << "it is '"
                                         << joint.graph[it->second].name << "'";
        return error;
      }
      // A mutation that depends on a tangent happens in the backward.
      bool isBackward = tainted || role == role::gradient;
      (isBackward ? joint.backwardResults : joint.forwardResults)
          .push_back(index);
      if (!isNode || (epilogueCopies.contains(value.getDefiningOp()) &&
                      isMutation(index)))
        continue;
      inputs.insert(it->second);
      (isBackward ? backward : forward).insert(it->second);
    }
    joint.graph.forwardOutputs.assign(forward.begin(), forward.end());
    joint.graph.backwardOutputs.assign(backward.begin(), backward.end());
    JointNode node;
    node.kind = JointNode::Kind::Output;
    node.valueKind = JointNode::ValueKind::None;
    node.name = "output";
    node.inputs.assign(inputs.begin(), inputs.end());
    addNode(std::move(node), terminator, Value());
    return success();
  }

  void addUsers() {
    for (NodeId n = 0; n < joint.graph.size(); ++n)
      for (NodeId input : joint.graph[n].inputs)
        joint.graph.nodes[input].users.push_back(n);
  }

  const SizeHints &hints;
  int64_t dynamicSize;
  JointFunction joint;
  llvm::SmallPtrSet<Operation *, 8> epilogueCopies;
  std::vector<bool> dependsOnTangent;
  llvm::StringSet<> usedNames;
  llvm::StringMap<unsigned> counters;
};
} // namespace

FailureOr<JointFunction>
mlir::fx::buildJointFunction(func::FuncOp function, int64_t dynamicSize) {
  FailureOr<SizeHints> hints = SizeHints::create(function);
  if (failed(hints))
    return failure();
  return GraphBuilder(function, *hints, dynamicSize).run();
}
