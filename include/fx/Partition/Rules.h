//===- Rules.h - Rules of the min-cut partitioner -------------------------===//
//
// functorch's rules on a joint graph; numbers are sections of the reference.
//
//===----------------------------------------------------------------------===//

#ifndef FX_PARTITION_RULES_H
#define FX_PARTITION_RULES_H

#include "fx/Partition/FlowNetwork.h"
#include "fx/Partition/JointGraph.h"
#include "llvm/ADT/BitVector.h"
#include <optional>

namespace mlir::fx {

/// Which part of the step needs a node [4.2].
struct NodeInfo {
  llvm::BitVector requiredForward;
  /// Depends on a tangent, or is an output of the backward.
  llvm::BitVector requiredBackward;
  /// Depends on a tangent.
  llvm::BitVector tangentsClosure;
  /// The number among the required forward nodes, or -1.
  std::vector<int32_t> forwardOrder;
  /// Edges to the nearest node that the forward does not need [4.1.5].
  std::vector<int64_t> distance;
};

/// Applies checkpoint tags where regions meet [4.9].
void cleanupRematPolicies(JointGraph &graph);

/// Sorts the nodes by the part that needs them [4.2] and measures how far they
/// are from the backward [4.1.5].
NodeInfo classify(const JointGraph &graph);

/// Why a node may not be recomputed [4.4].
enum class BanReason : uint8_t {
  None,
  Input,
  MustSave,
  NotRecomputable,
  Random,
  ComputeIntensive,
  MaterializedBackward,
  Reduction,
  UsedFarApart,
  LongFusibleChain
};

/// The number and text of a rule, for remarks.
StringRef describe(BanReason reason);

/// The rules that the modes switch.
struct BanOptions {
  bool notRecomputable = true;
  bool materializedBackward = true;
  bool reductions = true;
  bool usedFarApart = true;
  bool longFusibleChains = true;

  /// functorch's aggressive_recomputation: only reductions, random and
  /// compute-intensive ops are banned [4.8].
  static BanOptions aggressive() { return {false, false, true, false, false}; }
};

/// The nodes whose recomputation is banned, with the first rule that says so.
/// The `exempt` nodes never are.
std::vector<BanReason> findBanned(const JointGraph &graph, const NodeInfo &info,
                                  const BanOptions &options,
                                  const llvm::BitVector &exempt = {});

/// The flow network of a joint graph [4.5].
struct RematNetwork {
  static constexpr uint32_t none = ~0u;

  FlowNetwork flow;
  FlowNetwork::Vertex source, sink;
  /// For each node the edge from its in-vertex to its out-vertex, or `none`.
  std::vector<uint32_t> nodeEdge;

  static FlowNetwork::Vertex in(NodeId node) { return 2 * node; }
  static FlowNetwork::Vertex out(NodeId node) { return 2 * node + 1; }
};

RematNetwork buildNetwork(const JointGraph &graph, const NodeInfo &info,
                          ArrayRef<BanReason> banned);

/// The nodes whose values the cut saves, in graph order [4.6].
SmallVector<NodeId> getCutNodes(const RematNetwork &network,
                                const FlowNetwork::MinimumCut &cut);

/// A solved partition problem.
struct MinCutSolution {
  std::vector<BanReason> banned;
  RematNetwork network;
  FlowNetwork::MinimumCut cut;
  /// The saved nodes in graph order.
  SmallVector<NodeId> saved;
};

MinCutSolution solveMinCut(const JointGraph &graph, const NodeInfo &info,
                           const BanOptions &options,
                           const llvm::BitVector &exempt = {});

/// functorch's activation_memory_budget, in [0, 1] [4.8]: 1 is the solution of
/// `options`, 0 saves the inputs alone; between them are solutions with fewer
/// bans, and at last a knapsack of the values that a budget is spent on. The
/// returned solution may not be solved (see `cut.status`).
MinCutSolution solveWithBudget(const JointGraph &graph, const NodeInfo &info,
                               const BanOptions &options, double budget);

/// Those of the nodes that fit into a number of bytes and would take most
/// operations to compute again.
SmallVector<NodeId> chooseWithin(const JointGraph &graph,
                                 ArrayRef<NodeId> nodes, int64_t bytes);

/// The nodes of the two functions [4.7].
struct Extraction {
  /// What goes from the forward to the backward: cut nodes that the backward
  /// uses, tensors in graph order and then SymInts.
  SmallVector<NodeId> saved;
  /// The nodes that each function computes, in its order; no inputs.
  SmallVector<NodeId> forward, backward;
  /// An input that the backward reaches although it is not saved: no valid cut
  /// leaves one.
  std::optional<NodeId> missing;
};

Extraction extract(const JointGraph &graph, const NodeInfo &info,
                   ArrayRef<NodeId> cutNodes);

/// The order of the ops of the backward that autograd's engine would run them
/// in: recomputed ops sink to just before their first use [4.7]. `nodes` are
/// the backward's nodes in graph order, without those that are arguments; the
/// graph's output node is their end.
SmallVector<NodeId> mimicAutogradOrder(const JointGraph &graph,
                                       ArrayRef<NodeId> nodes);

} // namespace mlir::fx

#endif // FX_PARTITION_RULES_H
