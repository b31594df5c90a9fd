//===- PriceCut.h - The cheapest choice at a price per byte ---------------===//

#ifndef FX_PARTITION_PRICECUT_H
#define FX_PARTITION_PRICECUT_H

#include "fx/Partition/UnitGraph.h"

namespace mlir::fx {

/// A non-negative number of price units a byte, with 16 bits behind the point.
struct BytePrice {
  static constexpr unsigned fraction = 16;
  int64_t value = 0;

  /// The price of so many bytes, rounded down and at most a safe capacity.
  int64_t of(int64_t bytes) const;
  /// The price per byte of one run, rounded down.
  static BytePrice ratio(int64_t price, int64_t bytes);
};

/// Each forward value is recomputed at its unit's price or saved at a price per
/// byte; the cheapest choice that gives the backward what it uses is a minimum
/// cut. It is exact for the memory at the border between forward and backward,
/// with each value recomputed once.
class PriceCut {
public:
  struct Choice {
    FlowNetwork::Status status = FlowNetwork::Status::Solved;
    int64_t value = 0;
    /// Ascending.
    std::vector<StorageId> saved;
  };

  struct Options {
    /// Units that are not recomputed.
    const llvm::BitVector *kept = nullptr;
    /// Whether unclaimed units may run in the forward to have results saved.
    bool saveUnclaimed = true;
    /// For each storage its share of the price per byte, in thousandths.
    const std::vector<uint16_t> *weights = nullptr;
  };

  /// For what the whole backward uses.
  PriceCut(const UnitGraph &graph, ArrayRef<int64_t> prices);
  /// For what the backward uses from its `step`th unit on, whose operands are
  /// alive in any case.
  PriceCut(const UnitGraph &graph, ArrayRef<int64_t> prices, uint32_t step);

  Choice solve(BytePrice price, const Options &options);
  Choice solve(BytePrice price) { return solve(price, Options()); }

private:
  void build(std::vector<StorageId> needs);
  FlowNetwork::Capacity getSavingCost(StorageId s, BytePrice price,
                                      const Options &options) const;

  const UnitGraph &graph;
  std::vector<int64_t> prices;
  FlowNetwork network;
  FlowNetwork::Vertex source = 0, sink = 0;
  /// Units and storages that the needs depend on, ascending, with the edges
  /// that stand for running and for saving them.
  std::vector<UnitId> units;
  std::vector<StorageId> storages;
  std::vector<uint32_t> runEdge, saveEdge;
  std::vector<StorageId> forced;
};

/// Prices per byte that tell units apart: half are quantiles of what
/// recomputation costs per byte, half a geometric grid around them. `count` is
/// a power of two.
std::vector<BytePrice> getPriceGrid(const UnitGraph &graph,
                                    ArrayRef<int64_t> prices, uint32_t count);

/// Numbers from `low` to `high`, about geometric: the ends and `count` - 1
/// numbers between them, `count` a power of two.
std::vector<int64_t> getGeometricGrid(int64_t low, int64_t high,
                                      uint32_t count);

} // namespace mlir::fx

#endif // FX_PARTITION_PRICECUT_H
