//===- BudgetSearch.h - Schedules for every budget of peak bytes ----------===//
//
// A portfolio: cuts at several prices per byte, with and without the narrow
// places of the forward kept, make ways to handle each part of the chain of
// blocks; a dynamic program mixes them for each of a number of levels; each
// result is simulated, repaired and improved. All of them, and ready-made
// answers, are points. The points do not depend on a budget, so that a larger
// budget never costs more. Integers only, and counts instead of clocks.
//
//===----------------------------------------------------------------------===//

#ifndef FX_PARTITION_BUDGETSEARCH_H
#define FX_PARTITION_BUDGETSEARCH_H

#include "fx/Partition/ChainDP.h"
#include "fx/Partition/PeakModel.h"
#include "fx/Partition/PriceCut.h"
#include <deque>
#include <set>
#include <unordered_map>

namespace mlir::fx {

/// A schedule that was simulated.
struct BudgetPoint {
  static constexpr uint32_t noAnswer = ~0u;

  int64_t peak = 0;
  /// Of the storages that the backward uses of the forward.
  int64_t savedBytes = 0;
  StepWork work;
  SavePlan plan;
  /// A ready-made answer in its own order instead of a plan.
  uint32_t answer = noAnswer;
  /// In the order in which they were found.
  uint32_t number = 0;
};

class BudgetSearch {
public:
  BudgetSearch(const UnitGraph &graph, const CostModel &model);

  /// Adds a ready-made schedule, and the schedule of what it saves.
  void addAnswer(const Schedule &schedule, std::vector<StorageId> saved);
  void run();

  const std::deque<BudgetPoint> &getPoints() const { return points; }
  /// The points that no other one is both smaller and cheaper than, by peak.
  std::vector<const BudgetPoint *> getFront() const;
  /// The cheapest point within a peak, or null.
  const BudgetPoint *getCheapest(int64_t peak) const;
  const BudgetPoint &getSmallest() const;
  /// Whether a point costs less than another one.
  bool isCheaper(const StepWork &a, const StepWork &b) const;

  /// Everything that the backward uses.
  SavePlan getSaveAll() const;
  const Blocks &getBlocks() const { return blocks; }
  Schedule schedule(const SavePlan &plan) const {
    return Scheduler(graph, blocks).schedule(plan);
  }

private:
  struct Evaluation {
    Schedule schedule;
    StepMemory memory;
    StepWork work;
  };
  struct Option {
    std::vector<StorageId> saved;
    bool isNested;
  };

  /// Whether a simulation takes so long that few are made.
  bool isLarge() const { return graph.units.size() > 5000; }
  /// Improvement ends when so many steps were simulated.
  bool hasTime() const { return stepsLeft > 0; }

  Evaluation evaluate(const SavePlan &plan);
  void addPoint(const Evaluation &evaluation, const SavePlan &plan,
                uint32_t answer = BudgetPoint::noAnswer);
  void addOptions();
  void addOption(uint32_t length, bool isNested,
                 std::vector<StorageId> saved);
  void focus();
  void solve(const ChainDP &chain, int64_t bytes);
  SavePlan combine(ArrayRef<Segment> segments) const;
  void restore(const BudgetPoint &point, int64_t bytes);
  void descend(const BudgetPoint &point);
  void explore(const BudgetPoint &point);
  void polish();
  uint32_t getBackwardStep(const Evaluation &evaluation) const;
  int64_t getChainPrice(UnitId unit, const llvm::BitVector &saved) const;

  const UnitGraph &graph;
  CostModel::Objective objective;
  std::vector<int64_t> prices, times;
  Blocks blocks;
  PriceCut cut;
  std::vector<BytePrice> grid;
  /// The last backward step that uses a storage, or -1.
  std::vector<int32_t> lastUse;
  /// The place of a backward unit in its order.
  std::vector<uint32_t> backwardStep;

  std::vector<Option> options;
  std::vector<Segment> segments;
  /// They keep their places while others are added.
  std::deque<BudgetPoint> points;
  /// Points of plans by the hash of the plan.
  std::unordered_multimap<uint64_t, uint32_t> known;
  uint32_t numAnswers = 0;
  int64_t stepsLeft = 10000000;
};

} // namespace mlir::fx

#endif // FX_PARTITION_BUDGETSEARCH_H
