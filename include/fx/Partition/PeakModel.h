//===- PeakModel.h - Schedules of a step and the memory they take ---------===//
//
// The forward runs its units in order; the backward runs the units that depend
// on a tangent in order and makes what is missing just before its first use.
// A storage lives from the unit that makes it to the last one that uses it; the
// results of both functions live to the end. The peak is the largest sum of
// live bytes, operands and results of the running unit included.
//
//===----------------------------------------------------------------------===//

#ifndef FX_PARTITION_PEAKMODEL_H
#define FX_PARTITION_PEAKMODEL_H

#include "fx/Partition/Blocks.h"

namespace mlir::fx {

/// What decides a schedule.
struct SavePlan {
  /// What lives from the forward into the backward, ascending.
  std::vector<StorageId> saved;
  /// For each block whether what is recomputed of it serves only the block that
  /// the backward is in, and is computed again for an earlier one (nested
  /// checkpoints). Empty: nowhere.
  std::vector<bool> nested;

  bool operator==(const SavePlan &other) const {
    return saved == other.saved && nested == other.nested;
  }
};

struct Schedule {
  std::vector<UnitId> steps;
  /// So many of them are the forward.
  uint32_t numForward = 0;
};

/// Makes schedules of one graph.
class Scheduler {
public:
  Scheduler(const UnitGraph &graph, const Blocks &blocks)
      : graph(graph), blocks(blocks) {}

  Schedule schedule(const SavePlan &plan) const;

private:
  void addForward(const SavePlan &plan, Schedule &schedule) const;
  void addBackward(const SavePlan &plan, Schedule &schedule) const;

  const UnitGraph &graph;
  const Blocks &blocks;
};

/// What a schedule costs.
struct StepMemory {
  int64_t peak = 0;
  /// The first step with the peak.
  uint32_t peakStep = 0;
  /// Live bytes of each step.
  std::vector<int64_t> live;
};

/// The memory of a schedule in which `saved` lives from forward to backward.
StepMemory simulate(const UnitGraph &graph, const Schedule &schedule,
                    ArrayRef<StorageId> saved);

/// What the steps of a schedule do beyond running each unit once, or at all.
struct StepWork {
  /// Price of the forward units that the backward runs.
  int64_t price = 0;
  int64_t recomputedFlops = 0;
  /// Picoseconds of all steps, nothing fused.
  int64_t time = 0;
};

StepWork getWork(const UnitGraph &graph, const Schedule &schedule,
                 ArrayRef<int64_t> prices, ArrayRef<int64_t> times);

/// The two functions that a schedule of a plan stands for, the views that it
/// needs included. A node that is computed several times in the backward stands
/// there as often.
Extraction extract(const JointGraph &joint, const UnitGraph &graph,
                   const SavePlan &plan, const Schedule &schedule);

/// The memory of two functions as they are written, node by node: what the
/// search promises is checked on this.
StepMemory simulate(const UnitGraph &graph, const JointGraph &joint,
                    const Extraction &extraction);

/// The calls of two functions as steps.
Schedule getSchedule(const UnitGraph &graph, const Extraction &extraction);

/// The storages behind saved nodes, ascending.
std::vector<StorageId> getStorages(const UnitGraph &graph,
                                   ArrayRef<NodeId> nodes);

} // namespace mlir::fx

#endif // FX_PARTITION_PEAKMODEL_H
