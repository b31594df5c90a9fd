//===- Report.h - What a partition decided, and why -----------------------===//

#ifndef FX_PARTITION_REPORT_H
#define FX_PARTITION_REPORT_H

#include "fx/Partition/JointFunction.h"
#include "fx/Partition/PeakBudget.h"
#include "fx/Partition/RegionBudget.h"

namespace llvm::json {
class OStream;
} // namespace llvm::json

namespace mlir::fx {

/// All that is known after a joint function was cut.
struct PartitionResult {
  JointFunction joint;
  NodeInfo info;
  MinCutSolution solution;
  Extraction extraction;
  UnitGraph units;
  PartitionCost cost;
  /// What a budget was chosen from, or a page shows.
  std::unique_ptr<PartitionSearch> search;
  /// Whether the search chose the partition, not functorch's rules.
  bool isSearched = false;
  /// The bytes that may be alive at one time, if that is bounded.
  std::optional<int64_t> peakBudget;
  RegionBudgets regions;
  std::string forwardName, backwardName;
};

/// The nodes that both functions compute, or the backward several times, in the
/// backward's order.
SmallVector<NodeId> getRecomputed(const PartitionResult &result);

/// Why a node is saved: a rule, or what it would take to compute it again.
std::string getReason(const PartitionResult &result, NodeId node);

/// Writes one JSON object; with `network` also each node's classification,
/// capacity and infinite edges, and the order of both functions.
void writeReport(llvm::json::OStream &json, const PartitionResult &result,
                 bool network);

/// Emits a remark for each saved and each recomputed node.
void emitRemarks(const PartitionResult &result);

} // namespace mlir::fx

#endif // FX_PARTITION_REPORT_H
