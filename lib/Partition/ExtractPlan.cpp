//===- ExtractPlan.cpp - From a schedule to the nodes of two functions ----===//

#include "fx/Partition/PeakModel.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// Adds to the steps of a schedule what takes no memory: elements of tuples,
/// and views and constants just before they are used.
class PlanExtractor {
public:
  PlanExtractor(const JointGraph &joint, const UnitGraph &graph,
                const SavePlan &plan)
      : joint(joint), graph(graph), madeAt(joint.size(), never),
        isSaved(joint.size()), isGiven(joint.size()) {
    for (StorageId s : plan.saved)
      if (graph.storages[s].node != Storage::noNode)
        isSaved.set(graph.storages[s].node);
  }

  Extraction run(const Schedule &schedule) {
    ArrayRef<UnitId> steps = schedule.steps;
    nodes = &result.forward;
    for (UnitId u : steps.take_front(schedule.numForward))
      runUnit(u);
    for (NodeId output : joint.forwardOutputs)
      provide(output);

    nodes = &result.backward;
    inBackward = true;
    madeAt.assign(joint.size(), never);
    for (UnitId u : steps.drop_front(schedule.numForward))
      runUnit(u);
    for (NodeId output : joint.backwardOutputs)
      provide(output);

    // SymInts are last.
    for (bool symbols : {false, true})
      for (NodeId n : isGiven.set_bits())
        if (symbols == (joint[n].valueKind != JointNode::ValueKind::Tensor))
          result.saved.push_back(n);
    return std::move(result);
  }

private:
  static constexpr uint32_t never = 0;

  /// The backward has it as an argument.
  bool isArgument(NodeId n) const {
    return inBackward &&
           (isSaved.test(n) || joint[n].kind == JointNode::Kind::Primal ||
            joint[n].kind == JointNode::Kind::Seed);
  }

  void runUnit(UnitId u) {
    NodeId n = graph.units[u].node;
    for (NodeId input : joint[n].inputs)
      provide(input);
    add(n);
    // The elements in use stand behind their tuple.
    for (NodeId user : joint[n].users)
      if (joint[user].kind == JointNode::Kind::Element)
        add(user);
  }

  void add(NodeId n) {
    nodes->push_back(n);
    madeAt[n] = ++clock;
  }

  /// Sees to it that a node can be used: a view is made again if what it is a
  /// view of was.
  void provide(NodeId root) {
    SmallVector<std::pair<NodeId, bool>> stack = {{root, false}};
    while (!stack.empty()) {
      NodeId n = stack.back().first;
      bool inputsAreThere = stack.pop_back_val().second;
      if (isArgument(n)) {
        isGiven.set(n);
        continue;
      }
      if (joint[n].isInput() || isOfUnit(n))
        continue;
      if (!inputsAreThere) {
        stack.push_back({n, true});
        for (NodeId input : llvm::reverse(joint[n].inputs))
          stack.push_back({input, false});
        continue;
      }
      bool isCurrent = madeAt[n] != never &&
                       llvm::all_of(joint[n].inputs, [&](NodeId input) {
                         return isArgument(input) || madeAt[input] <= madeAt[n];
                       });
      if (!isCurrent)
        add(n);
    }
  }

  /// The schedule takes care of it.
  bool isOfUnit(NodeId n) const {
    if (joint[n].kind == JointNode::Kind::Element)
      return graph.unitOfNode[joint[n].inputs.front()] != UnitGraph::noUnit;
    return graph.unitOfNode[n] != UnitGraph::noUnit;
  }

  const JointGraph &joint;
  const UnitGraph &graph;
  /// When a node was last made in the current function.
  std::vector<uint32_t> madeAt;
  uint32_t clock = 0;
  llvm::BitVector isSaved, isGiven;
  bool inBackward = false;
  SmallVector<NodeId> *nodes = nullptr;
  Extraction result;
};
} // namespace

Extraction mlir::fx::extract(const JointGraph &joint, const UnitGraph &graph,
                             const SavePlan &plan, const Schedule &schedule) {
  return PlanExtractor(joint, graph, plan).run(schedule);
}
