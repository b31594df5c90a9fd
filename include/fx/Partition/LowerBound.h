//===- LowerBound.h - What no schedule can beat ---------------------------===//
//
// For all schedules that keep the order of the forward's and of the backward's
// own units, with any number of copies of the others.
//
//===----------------------------------------------------------------------===//

#ifndef FX_PARTITION_LOWERBOUND_H
#define FX_PARTITION_LOWERBOUND_H

#include "fx/Partition/Blocks.h"
#include "fx/Partition/PriceCut.h"

namespace mlir::fx {

class LowerBound {
public:
  LowerBound(const UnitGraph &graph, const Blocks &blocks);

  /// No schedule has a smaller peak: operands and results of one unit with the
  /// gradients that live then, or all results.
  int64_t getFloor() const { return floor; }
  /// No schedule within a peak recomputes fewer operations.
  int64_t getFlops(int64_t peak) const;
  /// No schedule that recomputes no more operations has a smaller peak.
  int64_t getPeak(int64_t flops) const;

private:
  /// The forward's share of the backward from some step on, at a price per
  /// byte: recomputed operations + price * (peak - fixed) >= value.
  struct Line {
    BytePrice price;
    int64_t value;
    int64_t fixedBytes;
  };

  void findLiveBytes();
  SmallVector<uint32_t> chooseSteps(const Blocks &blocks) const;
  void addLines(PriceCut cut, int64_t fixedBytes,
                ArrayRef<BytePrice> prices);

  const UnitGraph &graph;
  /// Results of the forward.
  int64_t outputBytes = 0;
  /// For each backward step: results of the forward and of the backward that
  /// live then; the same with the operands from the forward; all that is alive
  /// if everything is saved.
  std::vector<int64_t> fixedBytes, workBytes, fullBytes;
  int64_t floor = 0;
  std::vector<Line> lines;
};

} // namespace mlir::fx

#endif // FX_PARTITION_LOWERBOUND_H
