//===- RulesTest.cpp - The sweeps against functorch's walks ---------------===//
//
// The ban rules of Rules.cpp are linear sweeps. Here the walks that define them
// (materialized_backward, used_far_apart) are written out node by node and
// compared on random graphs.
//
//===----------------------------------------------------------------------===//

#include "fx/Partition/Rules.h"
#include "llvm/ADT/STLExtras.h"

#include <cstdio>
#include <queue>
#include <random>
#include <set>

using namespace mlir::fx;

/// How often each rule applied: a comparison that never does proves nothing.
static unsigned numMaterialized = 0, numFarApart = 0;

static JointGraph makeGraph(std::mt19937 &random) {
  JointGraph graph;
  unsigned inputs = 1 + random() % 3;
  unsigned size = 8 + random() % 30;
  // The order of arguments is no rule's: a late tangent leaves a forward.
  NodeId tangent = inputs + size / 2;
  for (NodeId n = 0; n < size; ++n) {
    JointNode node;
    node.bytes = node.operandBytes = 4;
    if (n < inputs) {
      node.kind = JointNode::Kind::Primal;
    } else if (n == tangent) {
      node.kind = JointNode::Kind::Tangent;
    } else {
      for (unsigned i = 1 + random() % 2; i > 0; --i) {
        // Mostly near operands, so that chains are long.
        NodeId input = random() % 3 ? n - 1 - random() % std::min(n, 4u)
                                    : random() % n;
        if (!llvm::is_contained(node.inputs, input))
          node.inputs.push_back(input);
      }
      switch (random() % 5) {
      case 0:
        break;
      case 1:
        node.classes = RematClass::Recomputable | RematClass::View;
        break;
      default:
        node.classes = RematClass::Recomputable;
      }
    }
    for (NodeId input : node.inputs)
      graph.nodes[input].users.push_back(n);
    graph.nodes.push_back(std::move(node));
  }
  JointNode output;
  output.kind = JointNode::Kind::Output;
  std::vector<bool> tainted(size);
  for (NodeId n = 0; n < size; ++n) {
    tainted[n] = n == tangent;
    for (NodeId input : graph[n].inputs)
      tainted[n] = tainted[n] || tainted[input];
    if (!graph[n].users.empty() || graph[n].isInput())
      continue;
    (tainted[n] ? graph.backwardOutputs : graph.forwardOutputs).push_back(n);
    output.inputs.push_back(n);
    graph.nodes[n].users.push_back(size);
  }
  graph.nodes.push_back(std::move(output));
  return graph;
}

/// [4.4.2] as a walk over users, through views.
static bool isMaterialized(const JointGraph &graph, const NodeInfo &info,
                           NodeId start) {
  std::set<NodeId> pending = {start};
  while (!pending.empty()) {
    NodeId n = *pending.begin();
    pending.erase(pending.begin());
    for (NodeId user : graph[n].users) {
      if (!info.requiredForward.test(user) && !graph.isFusible(n, user))
        return true;
      if (graph[user].isView())
        pending.insert(user);
    }
  }
  return false;
}

/// [4.4.5] the position of the first unfusible node, by a heap.
static int32_t findFirstUnfusible(const JointGraph &graph, const NodeInfo &info,
                                  const std::vector<NodeId> &starts,
                                  int32_t range) {
  using Entry = std::pair<NodeId, bool>;
  std::set<Entry> queue;
  for (NodeId start : starts)
    queue.insert({start, true});
  while (!queue.empty()) {
    auto [n, isFusible] = *queue.begin();
    queue.erase(queue.begin());
    if (!isFusible)
      return info.forwardOrder[n];
    for (NodeId user : graph[n].users)
      if (info.requiredForward.test(user) && info.forwardOrder[user] <= range)
        queue.insert({user, graph.isFusible(n, user)});
  }
  return range;
}

static int countDifferences(const JointGraph &graph) {
  NodeInfo info = classify(graph);
  int differences = 0;

  BanOptions onlyMaterialized{false, true, false, false, false};
  std::vector<BanReason> banned = findBanned(graph, info, onlyMaterialized);
  for (NodeId n = 0; n < graph.size(); ++n)
    if (graph[n].kind == JointNode::Kind::Call && !graph[n].isView() &&
        info.requiredForward.test(n))
      differences += (banned[n] == BanReason::MaterializedBackward) !=
                     isMaterialized(graph, info, n);

  numMaterialized += llvm::count(banned, BanReason::MaterializedBackward);

  BanOptions onlyFarApart{false, false, false, true, false};
  banned = findBanned(graph, info, onlyFarApart);
  llvm::BitVector expected(graph.size());
  for (NodeId n : info.requiredForward.set_bits()) {
    std::vector<NodeId> users;
    int32_t last = -1;
    for (NodeId user : graph[n].users)
      if (info.requiredForward.test(user)) {
        users.push_back(user);
        last = std::max(last, info.forwardOrder[user]);
      }
    int32_t barrier = findFirstUnfusible(graph, info, users, last);
    for (NodeId user : users)
      if (info.forwardOrder[user] > barrier && graph.isFusible(n, user) &&
          !graph[user].isView())
        expected.set(user);
  }
  numFarApart += expected.count();
  for (NodeId n = 0; n < graph.size(); ++n)
    differences += (banned[n] == BanReason::UsedFarApart) != expected.test(n);
  return differences;
}

int main() {
  std::mt19937 random(11);
  for (int round = 0; round < 4000; ++round)
    if (int differences = countDifferences(makeGraph(random))) {
      std::fprintf(stderr, "graph %d: %d nodes differ\n", round, differences);
      return 1;
    }
  if (numMaterialized < 1000 || numFarApart < 1000) {
    std::fprintf(stderr, "the rules applied to only %u and %u nodes\n",
                 numMaterialized, numFarApart);
    return 1;
  }
  return 0;
}
