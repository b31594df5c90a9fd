//===- Network.cpp - The joint graph as a flow network [4.5, 4.6] ---------===//

#include "fx/Partition/Rules.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

/// Whether the value is written to memory anyway: some user is in another loop.
static bool isMaterialized(const JointGraph &graph, NodeId n) {
  if (graph[n].isInput())
    return true;
  return llvm::any_of(graph[n].users, [&](NodeId user) {
    return !graph.isFusible(n, user);
  });
}

/// What saving a node costs [4.5].
static FlowNetwork::Capacity getCapacity(const JointGraph &graph,
                                         const NodeInfo &info, NodeId n) {
  const JointNode &node = graph[n];
  switch (node.valueKind) {
  case JointNode::ValueKind::SymInt:
    return 1;
  case JointNode::ValueKind::SymFloat:
    return 4;
  case JointNode::ValueKind::Tuple:
  case JointNode::ValueKind::None:
    return FlowNetwork::infinite;
  case JointNode::ValueKind::Tensor:
    break;
  }
  if (node.isStatic)
    return 0;
  // Values far from the backward cost more. The product is rounded as Python
  // rounds it.
  double exponent = static_cast<double>(
      std::max<int64_t>(std::min<int64_t>(info.distance[n], 100), 1));
  double weighted = static_cast<double>(node.bytes) * std::pow(1.1, exponent);
  if (weighted >= 9.0e18)
    return FlowNetwork::infinite - 1;
  auto capacity = static_cast<FlowNetwork::Capacity>(weighted);
  if (isMaterialized(graph, n))
    return capacity;
  return capacity > FlowNetwork::infinite / 2 ? FlowNetwork::infinite - 1
                                              : 2 * capacity;
}

RematNetwork mlir::fx::buildNetwork(const JointGraph &graph,
                                    const NodeInfo &info,
                                    ArrayRef<BanReason> banned) {
  constexpr FlowNetwork::Capacity infinite = FlowNetwork::infinite;
  RematNetwork network;
  network.flow = FlowNetwork(2 * graph.size());
  network.source = network.flow.addVertex();
  network.sink = network.flow.addVertex();
  network.nodeEdge.assign(graph.size(), RematNetwork::none);
  FlowNetwork &flow = network.flow;

  for (NodeId n = 0; n < graph.size(); ++n) {
    const JointNode &node = graph[n];
    if (node.kind == JointNode::Kind::Output)
      continue;
    // A node of the backward must be computed there; nothing is decided about
    // it. A gradient without tangents must only be there.
    if (info.tangentsClosure.test(n) ||
        node.policy == RematPolicy::MustRecompute) {
      if (info.requiredBackward.test(n) && !info.tangentsClosure.test(n))
        flow.addEdge(RematNetwork::out(n), network.sink, infinite);
      flow.addEdge(RematNetwork::in(n), network.sink, infinite);
      continue;
    }
    if (info.requiredBackward.test(n))
      flow.addEdge(RematNetwork::out(n), network.sink, infinite);
    if (banned[n] != BanReason::None)
      flow.addEdge(network.source, RematNetwork::in(n), infinite);
    network.nodeEdge[n] =
        flow.addEdge(RematNetwork::in(n), RematNetwork::out(n),
                     getCapacity(graph, info, n));
    for (NodeId user : node.users)
      flow.addEdge(RematNetwork::out(n), RematNetwork::in(user), infinite);
  }
  return network;
}

SmallVector<NodeId>
mlir::fx::getCutNodes(const RematNetwork &network,
                      const FlowNetwork::MinimumCut &cut) {
  SmallVector<NodeId> nodes;
  // Edges ascend with the nodes they belong to.
  for (uint32_t edge : cut.cutEdges)
    nodes.push_back(network.flow.getEdges()[edge].from / 2);
  return nodes;
}
