//===- PeakBudget.h - Partitions chosen by what they cost -----------------===//

#ifndef FX_PARTITION_PEAKBUDGET_H
#define FX_PARTITION_PEAKBUDGET_H

#include "fx/Partition/BudgetSearch.h"
#include "fx/Partition/LowerBound.h"

namespace mlir::fx {

/// What a partition takes and does, measured on its two functions.
struct PartitionCost {
  StepMemory memory;
  StepWork work;
  /// The calls that `memory.live` has one entry for each of.
  Schedule schedule;
  /// Of the different storages that are saved.
  int64_t savedStorageBytes = 0;
  /// The same if of each storage only the smallest saved view counts.
  int64_t savedViewBytes = 0;
};

PartitionCost measure(const JointGraph &joint, const UnitGraph &graph,
                      const CostModel &model, const Extraction &extraction);

/// The search over all partitions of a joint graph, with functorch's answers to
/// several modes and budgets among its points.
class PartitionSearch {
public:
  PartitionSearch(const JointGraph &joint, const NodeInfo &info,
                  const UnitGraph &graph, const CostModel &model);

  /// The cheapest partition within a peak; none if there is no such point.
  std::optional<Extraction> solveForPeak(int64_t peak) const;
  /// A partition that saves no more and recomputes no more than a given one,
  /// and less of one of them; none if there is no such point.
  std::optional<Extraction> improve(const PartitionCost &cost) const;

  /// A mode and budget of functorch, and what its partition costs.
  struct Answer {
    StringRef mode;
    double budget;
    Extraction extraction;
    PartitionCost cost;
  };
  ArrayRef<Answer> getAnswers() const { return answers; }
  const BudgetSearch &getPoints() const { return search; }
  const LowerBound &getBound() const { return bound; }

private:
  void addAnswer(StringRef mode, double budget);
  Extraction extractPoint(const BudgetPoint &point) const;

  const JointGraph &joint;
  const NodeInfo &info;
  const UnitGraph &graph;
  BudgetSearch search;
  const CostModel &model;
  std::vector<Answer> answers;
  LowerBound bound;
};

/// A number of bytes: `1048576`, `1.5GiB`, `800 MB`. None if it is no size.
std::optional<int64_t> parseByteSize(StringRef text);
/// The same of an attribute: an integer or a text.
std::optional<int64_t> getByteSize(Attribute attr);

} // namespace mlir::fx

#endif // FX_PARTITION_PEAKBUDGET_H
