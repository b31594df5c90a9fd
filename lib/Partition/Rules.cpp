//===- Rules.cpp - What may not be recomputed [4.4] -----------------------===//
//
// functorch walks the graph once for each node; here each rule is one sweep,
// so that graphs of 100,000 nodes take no quadratic time. Where the result
// depends on the order of the walk (4.4.6), the walk is the same.
//
//===----------------------------------------------------------------------===//

#include "fx/Partition/Rules.h"

#include <queue>

using namespace mlir;
using namespace mlir::fx;

StringRef mlir::fx::describe(BanReason reason) {
  switch (reason) {
  case BanReason::None:
    return "4.6 minimum cut";
  case BanReason::Input:
    return "4.5 input of the forward";
  case BanReason::MustSave:
    return "4.1.3 must be saved";
  case BanReason::NotRecomputable:
    return "4.4.1 not recomputable";
  case BanReason::Random:
    return "4.4.1 random";
  case BanReason::ComputeIntensive:
    return "4.4.1 compute-intensive";
  case BanReason::MaterializedBackward:
    return "4.4.2 materialized in the backward";
  case BanReason::Reduction:
    return "4.4.4 reduction";
  case BanReason::UsedFarApart:
    return "4.4.5 used far apart";
  case BanReason::LongFusibleChain:
    return "4.4.6 long fusible chain";
  }
  llvm_unreachable("unknown reason");
}

namespace {
class BanRules {
public:
  BanRules(const JointGraph &graph, const NodeInfo &info,
           const BanOptions &options, const llvm::BitVector &exempt)
      : graph(graph), info(info), options(options), exempt(exempt),
        banned(graph.size(), BanReason::None) {}

  std::vector<BanReason> run() {
    if (options.materializedBackward)
      findMaterialized();
    for (NodeId n = 0; n < graph.size(); ++n)
      banByItself(n);
    if (options.usedFarApart)
      banUsedFarApart();
    if (options.longFusibleChains)
      banLongFusibleChains();
    return std::move(banned);
  }

private:
  bool isForward(NodeId n) const { return info.requiredForward.test(n); }

  void ban(NodeId n, BanReason reason) {
    const JointNode &node = graph[n];
    if (node.isView() || (!exempt.empty() && exempt.test(n)) ||
        node.policy == RematPolicy::MustRecompute ||
        node.valueKind == JointNode::ValueKind::SymFloat)
      return;
    if (banned[n] == BanReason::None)
      banned[n] = reason;
  }

  void banByItself(NodeId n) {
    const JointNode &node = graph[n];
    // Nodes of the backward are not decided about, and tags come first [4.5].
    if (info.tangentsClosure.test(n) ||
        node.policy == RematPolicy::MustRecompute)
      return;
    if (node.kind == JointNode::Kind::Primal ||
        node.kind == JointNode::Kind::Seed)
      ban(n, BanReason::Input);
    else if (node.kind == JointNode::Kind::Call && isForward(n))
      if (BanReason reason = shouldBan(n); reason != BanReason::None)
        ban(n, reason);
  }

  /// The rules that look at a node and its neighbours, in functorch's order.
  BanReason shouldBan(NodeId n) const {
    const JointNode &node = graph[n];
    if (node.policy == RematPolicy::MustSave)
      return BanReason::MustSave;
    if (hasAny(node.classes, RematClass::Draws))
      return BanReason::Random;
    if (hasAny(node.classes, RematClass::NeverBanned))
      return BanReason::None;
    // [4.4.1]
    if (options.notRecomputable) {
      if (!hasAny(node.classes, RematClass::Recomputable))
        return BanReason::NotRecomputable;
    } else if (hasAny(node.classes, RematClass::Random)) {
      return BanReason::Random;
    } else if (hasAny(node.classes, RematClass::ComputeIntensive)) {
      return BanReason::ComputeIntensive;
    }
    // [4.4.2]
    if (options.materializedBackward && !node.isView() && materialized.test(n))
      return BanReason::MaterializedBackward;
    // [4.4.3] compares a distance with its own bound and never holds.
    // [4.4.4] A result 4 times smaller than the operands is cheap to save.
    if (options.reductions && 4 * node.bytes < node.operandBytes)
      return BanReason::Reduction;
    return BanReason::None;
  }

  /// Finds the nodes with a use, directly or through views, in the backward
  /// that cannot fuse with them [4.4.2].
  void findMaterialized() {
    materialized.resize(graph.size());
    for (NodeId n = graph.size(); n-- > 0;)
      for (NodeId user : graph[n].users)
        if ((!isForward(user) && !graph.isFusible(n, user)) ||
            (graph[user].isView() && materialized.test(user))) {
          materialized.set(n);
          break;
        }
  }

  /// A value used near and far: recomputing both uses would not fuse them, so
  /// the far user is not recomputed [4.4.5]. Far is behind the first use, among
  /// the forward nodes that depend on the value, that cannot fuse.
  void banUsedFarApart() {
    constexpr int32_t never = std::numeric_limits<int32_t>::max();
    // The order of the first unfusible use that is reached from a node by
    // fusible edges. Orders grow along edges: the first one found anywhere is
    // the first one that functorch's walk by order pops.
    std::vector<int32_t> firstUnfusible(graph.size(), never);
    for (NodeId n = graph.size(); n-- > 0;) {
      if (!isForward(n))
        continue;
      for (NodeId user : graph[n].users)
        if (isForward(user))
          firstUnfusible[n] = std::min(
              firstUnfusible[n], graph.isFusible(n, user)
                                     ? firstUnfusible[user]
                                     : info.forwardOrder[user]);
    }
    for (NodeId n : info.requiredForward.set_bits()) {
      int32_t last = -1, barrier = never;
      for (NodeId user : graph[n].users)
        if (isForward(user)) {
          last = std::max(last, info.forwardOrder[user]);
          barrier = std::min(barrier, firstUnfusible[user]);
        }
      barrier = std::min(barrier, last);
      for (NodeId user : graph[n].users)
        if (isForward(user) && info.forwardOrder[user] > barrier &&
            graph.isFusible(n, user))
          ban(user, BanReason::UsedFarApart);
    }
  }

  /// Cuts chains of more than 100 fusible nodes where they are one node wide
  /// [4.4.6].
  void banLongFusibleChains() {
    constexpr int32_t longest = 100;
    llvm::BitVector visited(graph.size());
    for (NodeId start : info.requiredForward.set_bits()) {
      // Forward orders and node numbers sort alike.
      std::priority_queue<NodeId, std::vector<NodeId>, std::greater<NodeId>>
          queue;
      queue.push(start);
      while (!queue.empty()) {
        NodeId n = queue.top();
        queue.pop();
        if (visited.test(n))
          continue;
        visited.set(n);
        if (info.forwardOrder[n] > info.forwardOrder[start] + longest &&
            queue.empty()) {
          ban(n, BanReason::LongFusibleChain);
          break;
        }
        for (NodeId user : graph[n].users)
          if (isForward(user) && graph.isFusible(n, user) &&
              banned[user] == BanReason::None)
            queue.push(user);
      }
    }
  }

  const JointGraph &graph;
  const NodeInfo &info;
  const BanOptions &options;
  const llvm::BitVector &exempt;
  llvm::BitVector materialized;
  std::vector<BanReason> banned;
};
} // namespace

std::vector<BanReason> mlir::fx::findBanned(const JointGraph &graph,
                                            const NodeInfo &info,
                                            const BanOptions &options,
                                            const llvm::BitVector &exempt) {
  return BanRules(graph, info, options, exempt).run();
}
