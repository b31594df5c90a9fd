//===- Report.cpp - What a partition decided, and why ---------------------===//

#include "fx/Partition/Report.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace mlir::fx;

static StringRef getKindName(const JointNode &node) {
  switch (node.kind) {
  case JointNode::Kind::Primal:
    return "primal";
  case JointNode::Kind::Seed:
    return "seed";
  case JointNode::Kind::Tangent:
    return "tangent";
  default:
    return "activation";
  }
}

SmallVector<NodeId> mlir::fx::getRecomputed(const PartitionResult &result) {
  llvm::BitVector computed(result.joint.graph.size());
  for (NodeId n : result.extraction.forward)
    computed.set(n);
  SmallVector<NodeId> nodes;
  for (NodeId n : result.extraction.backward) {
    if (computed.test(n) &&
        result.joint.graph[n].kind != JointNode::Kind::Constant)
      nodes.push_back(n);
    computed.set(n);
  }
  return nodes;
}

/// The operations of running a node's unit with all that is not saved.
static int64_t getChainFlops(const PartitionResult &result, NodeId n,
                             const llvm::BitVector &saved) {
  const JointGraph &graph = result.joint.graph;
  int64_t flops = 0;
  llvm::SmallDenseSet<NodeId> visited;
  SmallVector<NodeId> stack = {n};
  while (!stack.empty()) {
    NodeId node = stack.pop_back_val();
    if (graph[node].isInput() || (node != n && saved.test(node)) ||
        !visited.insert(node).second)
      continue;
    flops += graph[node].flops;
    stack.append(graph[node].inputs.begin(), graph[node].inputs.end());
  }
  return flops;
}

std::string mlir::fx::getReason(const PartitionResult &result, NodeId n) {
  const JointNode &node = result.joint.graph[n];
  if (!result.isSearched)
    return describe(result.solution.banned[n]).str();
  if (node.isInput())
    return describe(BanReason::Input).str();
  if (node.policy == RematPolicy::MustSave)
    return describe(BanReason::MustSave).str();
  if (hasAny(node.classes, RematClass::Draws))
    return describe(BanReason::Random).str();
  if (llvm::is_contained(result.joint.graph.forwardOutputs, n))
    return "the forward returns it";
  llvm::BitVector saved(result.joint.graph.size());
  for (NodeId other : result.extraction.saved)
    saved.set(other);
  return "it would take " + std::to_string(getChainFlops(result, n, saved)) +
         " operations";
}

static void writeNames(llvm::json::OStream &json, const JointGraph &graph,
                       StringRef key, ArrayRef<NodeId> nodes) {
  json.attributeArray(key, [&] {
    for (NodeId n : nodes)
      json.value(graph[n].name);
  });
}

/// The flags of the classification, by the names of the oracle's `node_info`.
static void writeFlags(llvm::json::OStream &json, const PartitionResult &result,
                       NodeId n) {
  const JointNode &node = result.joint.graph[n];
  const NodeInfo &info = result.info;
  auto flag = [&](bool holds, StringRef name) {
    if (holds)
      json.value(name);
  };
  flag(info.requiredForward.test(n), "fw");
  flag(info.requiredBackward.test(n), "bw");
  flag(info.tangentsClosure.test(n), "tangents_closure");
  flag(!info.requiredForward.test(n) && !info.requiredBackward.test(n),
       "unclaimed");
  flag(hasAny(node.classes, RematClass::Recomputable | RematClass::Random),
       "fusible");
  flag(hasAny(node.classes, RematClass::Recomputable), "recomputable");
  flag(hasAny(node.classes, RematClass::Random), "random");
  flag(node.isView(), "view");
  flag(hasAny(node.classes, RematClass::ComputeIntensive), "compute_intensive");
}

static void writeNetwork(llvm::json::OStream &json,
                         const PartitionResult &result) {
  const JointGraph &graph = result.joint.graph;
  const RematNetwork &network = result.solution.network;
  writeNames(json, graph, "cut_nodes", result.solution.saved);
  writeNames(json, graph, "forward_order", result.extraction.forward);
  writeNames(json, graph, "backward_order", result.extraction.backward);
  int64_t dataEdges = 0;
  json.attributeArray("sink", [&] {
    for (const FlowNetwork::Edge &edge : network.flow.getEdges()) {
      if (edge.to == network.sink)
        json.value(graph[edge.from / 2].name +
                   (edge.from % 2 ? "_out" : "_in"));
      else if (edge.from != network.source && edge.from / 2 != edge.to / 2)
        ++dataEdges;
    }
  });
  json.attribute("data_edges", dataEdges);
  json.attributeArray("nodes", [&] {
    for (NodeId n = 0; n < graph.size(); ++n) {
      const JointNode &node = graph[n];
      if (node.kind == JointNode::Kind::Output)
        continue;
      json.object([&] {
        json.attribute("name", node.name);
        json.attributeArray("flags", [&] { writeFlags(json, result, n); });
        if (result.info.requiredForward.test(n))
          json.attribute("fw_order", result.info.forwardOrder[n]);
        json.attribute("dist_from_bw", result.info.distance[n]);
        json.attribute("bytes", node.bytes);
        json.attribute("flops", node.flops);
        if (result.solution.banned[n] != BanReason::None)
          json.attribute("banned", describe(result.solution.banned[n]));
        if (uint32_t edge = network.nodeEdge[n]; edge != RematNetwork::none) {
          FlowNetwork::Capacity capacity =
              network.flow.getEdges()[edge].capacity;
          if (capacity == FlowNetwork::infinite)
            json.attribute("capacity", "inf");
          else
            json.attribute("capacity", capacity);
        }
      });
    }
  });
}

/// What was found for other budgets, and what no partition beats.
static void writeSearch(llvm::json::OStream &json,
                        const PartitionResult &result) {
  const LowerBound &bound = result.search->getBound();
  const BudgetSearch &search = result.search->getPoints();
  json.attribute("lower_bound_bytes",
                 bound.getPeak(result.cost.work.recomputedFlops));
  json.attribute("lower_bound_flops", bound.getFlops(result.cost.memory.peak));
  json.attribute("gap_bytes",
                 result.cost.memory.peak -
                     bound.getPeak(result.cost.work.recomputedFlops));
  json.attribute("gap_flops",
                 result.cost.work.recomputedFlops -
                     bound.getFlops(result.cost.memory.peak));
  json.attribute("floor_bytes", bound.getFloor());
  json.attribute("smallest_bytes", search.getSmallest().peak);
  json.attribute("blocks", search.getBlocks().count);
  json.attribute("points", static_cast<int64_t>(search.getPoints().size()));
  json.attributeArray("functorch", [&] {
    for (const PartitionSearch::Answer &answer : result.search->getAnswers())
      json.object([&] {
        json.attribute("mode", answer.mode);
        json.attribute("memory_budget", answer.budget);
        json.attribute("peak_bytes", answer.cost.memory.peak);
        json.attribute("recomputed_flops", answer.cost.work.recomputedFlops);
        json.attribute("time_us", answer.cost.work.time / 1000000);
        json.attribute("saved_storage_bytes", answer.cost.savedStorageBytes);
        json.attribute("lower_bound_bytes",
                       bound.getPeak(answer.cost.work.recomputedFlops));
      });
  });
  json.attributeArray("front", [&] {
    for (const BudgetPoint *point : search.getFront())
      json.object([&] {
        json.attribute("peak_bytes", point->peak);
        json.attribute("recomputed_flops", point->work.recomputedFlops);
        json.attribute("time_us", point->work.time / 1000000);
        json.attribute("saved_storage_bytes", point->savedBytes);
      });
  });
}

void mlir::fx::writeReport(llvm::json::OStream &json,
                           const PartitionResult &result, bool network) {
  const JointGraph &graph = result.joint.graph;
  int64_t savedBytes = 0;
  json.object([&] {
    json.attribute("forward", result.forwardName);
    json.attribute("backward", result.backwardName);
    json.attributeArray("saved", [&] {
      for (NodeId n : result.extraction.saved) {
        savedBytes += graph[n].bytes;
        json.object([&] {
          json.attribute("name", graph[n].name);
          json.attribute("bytes", graph[n].bytes);
          json.attribute("kind", getKindName(graph[n]));
        });
      }
    });
    json.attributeObject("reasons", [&] {
      for (NodeId n : result.extraction.saved)
        json.attribute(graph[n].name, getReason(result, n));
    });
    writeNames(json, graph, "recomputed", getRecomputed(result));
    json.attribute("flow_value", result.solution.cut.value);
    json.attribute("saved_bytes", savedBytes);
    json.attribute("saved_storage_bytes", result.cost.savedStorageBytes);
    json.attribute("peak_bytes", result.cost.memory.peak);
    json.attribute("recomputed_flops", result.cost.work.recomputedFlops);
    json.attribute("total_flops", result.units.flops);
    json.attribute("time_us", result.cost.work.time / 1000000);
    if (!result.regions.getBudgets().empty())
      json.attributeArray("regions", [&] {
        for (const RegionBudget &region : result.regions.getBudgets())
          json.object([&] {
            json.attribute("name", region.name);
            json.attribute("budget_bytes", region.bytes);
            json.attribute("saved_bytes", region.savedBytes);
          });
      });
    if (result.search)
      writeSearch(json, result);
    if (network)
      writeNetwork(json, result);
  });
}

void mlir::fx::emitRemarks(const PartitionResult &result) {
  const JointFunction &joint = result.joint;
  if (!func::FuncOp(joint.function).getContext()->getRemarkEngine())
    return;
  auto options = [&](StringRef name) {
    return remark::RemarkOpts::name(name)
        .category("fx-partition")
        .function(result.forwardName);
  };
  for (NodeId n : result.extraction.saved)
    remark::passed(joint.getLoc(n), options("saved"))
        << remark::add("saves {0}", joint.graph[n].name)
        << remark::reason("{0}", getReason(result, n))
        << remark::metric("bytes", joint.graph[n].bytes);
  for (NodeId n : getRecomputed(result))
    remark::passed(joint.getLoc(n), options("recomputed"))
        << remark::add("recomputes {0}", joint.graph[n].name)
        << remark::metric("bytes", joint.graph[n].bytes)
        << remark::metric("flops", joint.graph[n].flops);
}
