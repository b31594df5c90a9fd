//===- RegionBudget.h - Budgets of parts of a joint function ----*- C++ -*-===//

#ifndef FX_PARTITION_REGIONBUDGET_H
#define FX_PARTITION_REGIONBUDGET_H

#include "fx/Partition/JointFunction.h"

namespace mlir::fx {

/// The bytes that the ops of a region may keep from the forward for the
/// backward. Inputs and what the forward returns anyhow do not count.
struct RegionBudget {
  std::string name;
  int64_t bytes;
  int64_t savedBytes = 0;
};

class RegionBudgets {
public:
  /// Reads `fx.region_budgets` and the ops' `fx.region`; an error is emitted if
  /// a budget is no number of bytes.
  static FailureOr<RegionBudgets> read(const JointFunction &joint);

  /// Counts what a partition saves of each region. Of a region that is above
  /// its budget the values whose recomputation costs most may be saved as far as
  /// they fit; all others of the region must be recomputed from then on. Returns
  /// whether a region was above its budget, so that the partition is to be made
  /// again. An error is emitted if what has to be saved does not fit.
  FailureOr<bool> constrain(JointFunction &joint, ArrayRef<NodeId> saved);

  ArrayRef<RegionBudget> getBudgets() const { return budgets; }

private:
  static constexpr unsigned none = ~0u;

  SmallVector<RegionBudget> budgets;
  /// For each node the index of its region's budget, or `none`.
  std::vector<unsigned> regionOf;
};

} // namespace mlir::fx

#endif // FX_PARTITION_REGIONBUDGET_H
