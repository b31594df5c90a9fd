//===- Classify.cpp - Forward, backward, and the distance between ---------===//

#include "fx/Partition/Rules.h"

using namespace mlir::fx;

void mlir::fx::cleanupRematPolicies(JointGraph &graph) {
  // The last node of a region that a later region goes on from is saved:
  // otherwise consecutive regions would be recomputed as one [4.9].
  for (NodeId n = 0; n < graph.size(); ++n) {
    JointNode &node = graph.nodes[n];
    if (node.policy != RematPolicy::MustRecompute || node.region < 0)
      continue;
    for (NodeId user : node.users)
      if (graph[user].policy == RematPolicy::MustRecompute &&
          graph[user].region > node.region) {
        node.policy = RematPolicy::MustSave;
        break;
      }
  }
}

/// Tangents and all that depends on them, in one sweep [4.2].
static llvm::BitVector closeOverTangents(const JointGraph &graph) {
  llvm::BitVector closure(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n) {
    if (graph[n].kind == JointNode::Kind::Tangent)
      closure.set(n);
    if (closure.test(n))
      for (NodeId user : graph[n].users)
        closure.set(user);
  }
  return closure;
}

/// What the forward outputs and the mutations of the forward need, and all
/// inputs [4.2].
static llvm::BitVector findRequiredForward(const JointGraph &graph,
                                           const llvm::BitVector &closure) {
  llvm::BitVector live(graph.size());
  for (NodeId output : graph.forwardOutputs)
    live.set(output);
  for (NodeId n = graph.size(); n-- > 0;) {
    const JointNode &node = graph[n];
    if (node.kind == JointNode::Kind::Output)
      continue;
    if (node.kind == JointNode::Kind::Primal ||
        node.kind == JointNode::Kind::Seed ||
        (node.mutates && !closure.test(n)))
      live.set(n);
    if (live.test(n))
      for (NodeId input : node.inputs)
        live.set(input);
  }
  return live;
}

NodeInfo mlir::fx::classify(const JointGraph &graph) {
  constexpr int64_t unreachable = 1000000000;
  NodeInfo info;
  info.tangentsClosure = closeOverTangents(graph);
  // The return is in the closure of every tangent that is used, but no node of
  // the backward.
  if (graph.size() > 0)
    info.tangentsClosure.reset(graph.size() - 1);
  info.requiredBackward = info.tangentsClosure;
  // A gradient that depends on no tangent may still be saved [4.2].
  for (NodeId output : graph.backwardOutputs)
    info.requiredBackward.set(output);
  info.requiredForward = findRequiredForward(graph, info.tangentsClosure);

  info.forwardOrder.assign(graph.size(), -1);
  int32_t next = 0;
  for (NodeId n : info.requiredForward.set_bits())
    info.forwardOrder[n] = next++;

  info.distance.assign(graph.size(), 0); // 0: not needed by the forward
  for (NodeId n = graph.size(); n-- > 0;) {
    if (graph[n].kind == JointNode::Kind::Output) {
      info.distance[n] = unreachable;
      continue;
    }
    if (!info.requiredForward.test(n))
      continue;
    info.distance[n] = unreachable;
    for (NodeId user : graph[n].users)
      info.distance[n] = std::min(info.distance[n], info.distance[user] + 1);
  }
  return info;
}
