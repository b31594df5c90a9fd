//===- Budget.cpp - A budget for what is saved [4.8] ----------------------===//

#include "fx/Partition/Rules.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

MinCutSolution mlir::fx::solveMinCut(const JointGraph &graph,
                                     const NodeInfo &info,
                                     const BanOptions &options,
                                     const llvm::BitVector &exempt) {
  MinCutSolution solution;
  solution.banned = findBanned(graph, info, options, exempt);
  solution.network = buildNetwork(graph, info, solution.banned);
  solution.cut = solution.network.flow.minimumCut(solution.network.source,
                                                  solution.network.sink);
  if (solution.cut.status == FlowNetwork::Status::Solved)
    solution.saved = getCutNodes(solution.network, solution.cut);
  return solution;
}

namespace {
struct KnapsackItem {
  int64_t memory;
  float runtime;
};
} // namespace

/// The items of largest run time within a capacity: functorch's table, of which
/// only the last row and one bit an entry (whether the item changed the row)
/// are kept. An item without memory is always taken.
static llvm::BitVector solveKnapsack(ArrayRef<KnapsackItem> items,
                                     int64_t capacity) {
  std::vector<float> best(capacity + 1, 0.0f);
  std::vector<llvm::BitVector> taken;
  for (const KnapsackItem &item : items) {
    llvm::BitVector &row = taken.emplace_back(capacity + 1);
    for (int64_t used = capacity; used >= item.memory; --used) {
      float value = best[used - item.memory] + item.runtime;
      if (item.memory == 0 ? value != best[used] : value > best[used]) {
        best[used] = value;
        row.set(used);
      }
    }
  }
  llvm::BitVector chosen(items.size());
  int64_t left = capacity;
  for (size_t i = items.size(); i-- > 0;)
    if (taken[i].test(left)) {
      chosen.set(i);
      left -= items[i].memory;
    }
  return chosen;
}

namespace {
class BudgetSolver {
public:
  BudgetSolver(const JointGraph &graph, const NodeInfo &info,
               const BanOptions &options, double budget)
      : graph(graph), info(info), options(options), budget(budget) {
    for (NodeId n = 0; n < graph.size(); ++n)
      if (graph[n].kind == JointNode::Kind::Primal ||
          graph[n].kind == JointNode::Kind::Seed)
        inputs.push_back(n);
  }

  MinCutSolution run() {
    MinCutSolution own = solveMinCut(graph, info, options);
    if (own.cut.status != FlowNetwork::Status::Solved || budget == 1)
      return own;
    if (budget == 0)
      return saveInputs(std::move(own));
    minimum = getSize(inputs);
    maximum = getSize(own.saved);
    if (maximum <= minimum)
      return own;
    BanOptions fewer = options;
    fewer.usedFarApart = fewer.longFusibleChains = fewer.materializedBackward =
        false;
    MinCutSolution more = solveMinCut(graph, info, fewer);
    if (!isSolved(more) || getRatio(more.saved) < budget)
      return more;
    fewer.notRecomputable = false;
    MinCutSolution aggressive = solveMinCut(graph, info, fewer);
    if (!isSolved(aggressive) || getRatio(aggressive.saved) < budget)
      return aggressive;
    return spend(fewer, std::move(aggressive));
  }

private:
  static bool isSolved(const MinCutSolution &solution) {
    return solution.cut.status == FlowNetwork::Status::Solved;
  }

  double getSize(ArrayRef<NodeId> nodes) const {
    int64_t bytes = 0;
    for (NodeId n : nodes)
      bytes += graph[n].bytes;
    return static_cast<double>(bytes) / 1e9;
  }

  double getRatio(ArrayRef<NodeId> nodes) const {
    return (getSize(nodes) - minimum) / (maximum - minimum);
  }

  /// Everything is computed again but draws and what must be saved.
  MinCutSolution saveInputs(MinCutSolution solution) const {
    solution.saved = inputs;
    auto isKept = [&](NodeId n) {
      return info.requiredForward.test(n) &&
             (hasAny(graph[n].classes, RematClass::Draws) ||
              graph[n].policy == RematPolicy::MustSave);
    };
    for (NodeId n = 0; n < graph.size(); ++n) {
      const JointNode &node = graph[n];
      bool isElement = node.kind == JointNode::Kind::Element;
      if (node.valueKind != JointNode::ValueKind::Tuple &&
          node.valueKind != JointNode::ValueKind::None &&
          (isKept(n) || (isElement && isKept(node.inputs.front()))))
        solution.saved.push_back(n);
    }
    solution.cut.value = 0;
    return solution;
  }

  /// Spends the budget on the banned nodes that could be computed again; the
  /// others are exempt from their bans.
  MinCutSolution spend(const BanOptions &fewer,
                       MinCutSolution aggressive) const {
    constexpr int64_t unreachable = 1000000000;
    constexpr double scale = 10000; // of memory, to whole numbers
    // A tuple has no storage, as a SymInt among the inputs has none.
    bool anySymbol = llvm::any_of(inputs, [&](NodeId n) {
      return graph[n].valueKind != JointNode::ValueKind::Tensor;
    });
    SmallVector<NodeId> candidates;
    for (NodeId n = 0; n < graph.size(); ++n) {
      const JointNode &node = graph[n];
      bool isTensor = node.valueKind == JointNode::ValueKind::Tensor;
      if (aggressive.banned[n] != BanReason::None &&
          info.distance[n] < unreachable &&
          !(isTensor ? node.sharesInputStorage : anySymbol) &&
          node.policy != RematPolicy::MustSave &&
          !hasAny(node.classes, RematClass::Draws))
        candidates.push_back(n);
    }
    if (candidates.empty())
      return saveInputs(std::move(aggressive));
    llvm::sort(candidates, [&](NodeId lhs, NodeId rhs) {
      return graph[lhs].bytes != graph[rhs].bytes
                 ? graph[lhs].bytes > graph[rhs].bytes
                 : lhs < rhs;
    });
    SmallVector<KnapsackItem> items;
    for (NodeId n : candidates) {
      double memory =
          static_cast<double>(graph[n].bytes) / 1e9 / (maximum - minimum);
      items.push_back(
          {static_cast<int64_t>(std::nearbyint(memory * scale)),
           static_cast<float>(std::max<int64_t>(graph[n].flops, 1))});
    }
    llvm::BitVector chosen = solveKnapsack(
        items, static_cast<int64_t>(std::nearbyint(budget * scale)));
    llvm::BitVector exempt(graph.size());
    for (auto [index, n] : llvm::enumerate(candidates))
      if (!chosen.test(index))
        exempt.set(n);
    return solveMinCut(graph, info, fewer, exempt);
  }

  const JointGraph &graph;
  const NodeInfo &info;
  const BanOptions &options;
  double budget;
  SmallVector<NodeId> inputs;
  double minimum = 0, maximum = 0;
};
} // namespace

MinCutSolution mlir::fx::solveWithBudget(const JointGraph &graph,
                                         const NodeInfo &info,
                                         const BanOptions &options,
                                         double budget) {
  return BudgetSolver(graph, info, options, budget).run();
}

SmallVector<NodeId> mlir::fx::chooseWithin(const JointGraph &graph,
                                           ArrayRef<NodeId> nodes,
                                           int64_t bytes) {
  constexpr int64_t steps = 10000;
  SmallVector<NodeId> order(nodes);
  llvm::stable_sort(order, [&](NodeId lhs, NodeId rhs) {
    return graph[lhs].bytes > graph[rhs].bytes;
  });
  // Sizes are rounded up: what is chosen fits.
  int64_t step = std::max<int64_t>(1, (bytes + steps - 1) / steps);
  SmallVector<KnapsackItem> items;
  for (NodeId n : order)
    items.push_back({(graph[n].bytes + step - 1) / step,
                     static_cast<float>(std::max<int64_t>(graph[n].flops, 1))});
  llvm::BitVector chosen = solveKnapsack(items, bytes / step);
  SmallVector<NodeId> result;
  for (unsigned i : chosen.set_bits())
    result.push_back(order[i]);
  llvm::sort(result);
  return result;
}
