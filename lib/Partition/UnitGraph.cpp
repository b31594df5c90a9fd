//===- UnitGraph.cpp - What allocates, and what is allocated --------------===//

#include "fx/Partition/UnitGraph.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
class UnitGraphBuilder {
public:
  UnitGraphBuilder(const JointGraph &joint, const NodeInfo &info)
      : joint(joint), info(info) {
    graph.unitOfNode.assign(joint.size(), UnitGraph::noUnit);
    graph.storagesOfNode.resize(joint.size());
  }

  UnitGraph run() {
    for (NodeId n = 0; n < joint.size(); ++n)
      addNode(n);
    for (NodeId output : joint.forwardOutputs)
      for (StorageId s : graph.storagesOfNode[output])
        graph.storages[s].isForwardOutput = true;
    for (NodeId output : joint.backwardOutputs)
      for (StorageId s : graph.storagesOfNode[output])
        graph.storages[s].isBackwardOutput = true;
    for (UnitId u = 0; u < graph.units.size(); ++u)
      for (StorageId s : graph.units[u].operands)
        graph.storages[s].users.push_back(u);
    return std::move(graph);
  }

private:
  void addNode(NodeId n) {
    const JointNode &node = joint[n];
    switch (node.kind) {
    case JointNode::Kind::Primal:
    case JointNode::Kind::Seed:
    case JointNode::Kind::Tangent:
    case JointNode::Kind::Constant:
    case JointNode::Kind::Output:
      return;
    case JointNode::Kind::Element:
      addElement(n);
      return;
    case JointNode::Kind::Call:
      if (hasAny(node.classes, RematClass::View | RematClass::SharesStorage))
        addView(n);
      else
        addUnit(n);
    }
  }

  /// A view shows the storage of its base, as do the elements of a tuple of
  /// views. The numbers that it is made with are needed, too, and small.
  void addView(NodeId n) {
    SmallVector<StorageId, 1> &shown = graph.storagesOfNode[n];
    for (NodeId input : joint[n].inputs)
      if (input == joint[n].inputs.front() ||
          joint[input].valueKind != JointNode::ValueKind::Tensor)
        for (StorageId s : graph.storagesOfNode[input])
          if (!llvm::is_contained(shown, s))
            shown.push_back(s);
  }

  void addElement(NodeId n) {
    NodeId tuple = joint[n].inputs.front();
    UnitId unit = graph.unitOfNode[tuple];
    if (unit == UnitGraph::noUnit) {
      graph.storagesOfNode[n] = graph.storagesOfNode[tuple];
      return;
    }
    // What the elements in use leave is the last storage of the tuple.
    Storage &unused =
        graph.storages[graph.units[unit].results.front()];
    unused.bytes -= std::min(unused.bytes, getBytes(joint[n]));
    StorageId storage = addStorage(n, unit, getBytes(joint[n]));
    graph.storagesOfNode[n].push_back(storage);
    graph.storagesOfNode[tuple].push_back(storage);
  }

  void addUnit(NodeId n) {
    const JointNode &node = joint[n];
    Unit unit;
    unit.node = n;
    unit.kind = info.tangentsClosure.test(n)   ? Unit::Kind::Backward
                : info.requiredForward.test(n) ? Unit::Kind::Forward
                                               : Unit::Kind::Unclaimed;
    unit.runsOnce =
        node.mutates ||
        hasAny(node.classes, RematClass::Draws | RematClass::NotMergeable);
    unit.policy = node.policy;
    unit.preference = node.preference;
    // What is preferred to be recomputed may be saved.
    if (node.preference == RematPreference::Recompute &&
        node.policy == RematPolicy::MustRecompute)
      unit.policy = RematPolicy::Free;
    unit.isFusible =
        hasAny(node.classes, RematClass::Recomputable | RematClass::Random);
    unit.flops = node.flops;
    unit.bytes = getBytes(node);
    unit.bytesMoved = unit.bytes;
    for (NodeId input : node.inputs) {
      unit.bytesMoved += getBytes(joint[input]);
      for (StorageId s : graph.storagesOfNode[input])
        if (!llvm::is_contained(unit.operands, s))
          unit.operands.push_back(s);
    }
    UnitId id = graph.units.size();
    graph.unitOfNode[n] = id;
    if (unit.kind == Unit::Kind::Forward)
      graph.forward.push_back(id);
    else if (unit.kind == Unit::Kind::Backward)
      graph.backward.push_back(id);
    graph.flops += unit.flops;
    bool isTuple = node.valueKind == JointNode::ValueKind::Tuple;
    int64_t bytes = unit.bytes;
    graph.units.push_back(std::move(unit));
    if (node.valueKind == JointNode::ValueKind::None)
      return;
    StorageId storage = addStorage(isTuple ? Storage::noNode : n, id, bytes);
    if (!isTuple)
      graph.storagesOfNode[n].push_back(storage);
  }

  StorageId addStorage(NodeId n, UnitId owner, int64_t bytes) {
    graph.storages.push_back({n, owner, bytes, false, false, {}});
    graph.units[owner].results.push_back(graph.storages.size() - 1);
    return graph.storages.size() - 1;
  }

  /// Numbers are no memory.
  static int64_t getBytes(const JointNode &node) {
    bool isMemory = node.valueKind == JointNode::ValueKind::Tensor ||
                    node.valueKind == JointNode::ValueKind::Tuple;
    return isMemory ? node.bytes : 0;
  }

  const JointGraph &joint;
  const NodeInfo &info;
  UnitGraph graph;
};
} // namespace

UnitGraph mlir::fx::buildUnitGraph(const JointGraph &graph,
                                   const NodeInfo &info) {
  return UnitGraphBuilder(graph, info).run();
}

/// a * b / c without overflow of the product; what does not fit is the largest
/// number that later sums can hold.
static int64_t scale(int64_t a, int64_t b, int64_t c) {
  constexpr int64_t largest = int64_t(1) << 50;
  __int128 value = static_cast<__int128>(a) * b / c;
  return value > largest ? largest : static_cast<int64_t>(value);
}

static int64_t getComputeTime(const Unit &unit, const CostModel &model) {
  return scale(unit.flops, 1000, model.flopsPerNanosecond);
}

static int64_t getMemoryTime(int64_t bytes, const CostModel &model) {
  return scale(bytes, 1000000, model.bytesPerMicrosecond);
}

int64_t mlir::fx::getRoofline(const Unit &unit, const CostModel &model) {
  return std::max(getComputeTime(unit, model),
                  getMemoryTime(unit.bytesMoved, model)) +
         1;
}

std::vector<int64_t> mlir::fx::getPrices(const UnitGraph &graph,
                                         const CostModel &model) {
  std::vector<int64_t> prices(graph.units.size(), 0);
  for (UnitId u : graph.forward) {
    const Unit &unit = graph.units[u];
    int64_t traffic = getMemoryTime(unit.bytes, model);
    switch (model.objective) {
    case CostModel::Objective::Flops:
      prices[u] = getComputeTime(unit, model) + traffic / 50;
      break;
    case CostModel::Objective::Fused:
      // A fused result is not written; others are written and read.
      prices[u] = getComputeTime(unit, model) +
                  (unit.isFusible ? traffic / 10 : 2 * traffic);
      break;
    case CostModel::Objective::Roofline:
      prices[u] = getRoofline(unit, model);
      break;
    }
    // What is preferred seems four times as dear, or as cheap.
    if (unit.preference == RematPreference::Save)
      prices[u] *= 4;
    else if (unit.preference == RematPreference::Recompute)
      prices[u] /= 4;
    prices[u] += 1;
  }
  return prices;
}
