//===- Blocks.cpp - Where the forward is narrow ---------------------------===//

#include "fx/Partition/Blocks.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
class BlockFinder {
public:
  BlockFinder(const UnitGraph &graph, ArrayRef<int64_t> times)
      : graph(graph), times(times), position(graph.units.size(), -1),
        lastUse(graph.storages.size(), -1) {
    for (auto [index, u] : llvm::enumerate(graph.forward))
      position[u] = index;
    for (UnitId u : graph.forward)
      for (StorageId s : graph.units[u].operands)
        lastUse[s] = position[u];
  }

  Blocks run() {
    findCuts(getLiveBytes());
    mergeSmall();
    Blocks blocks;
    blocks.count = cuts.size() + 1;
    assignUnits(blocks);
    findCrossing(blocks);
    findBackwardSteps(blocks);
    return blocks;
  }

private:
  /// Behind each forward unit, the bytes that a later forward unit uses.
  std::vector<int64_t> getLiveBytes() const {
    std::vector<int64_t> live(graph.forward.size() + 1, 0);
    for (StorageId s = 0; s < graph.storages.size(); ++s)
      if (lastUse[s] >= 0) {
        live[position[graph.storages[s].owner]] += graph.storages[s].bytes;
        live[lastUse[s]] -= graph.storages[s].bytes;
      }
    for (size_t i = 1; i < live.size(); ++i)
      live[i] += live[i - 1];
    live.pop_back();
    return live;
  }

  /// A minimum is prominent if, to both sides, the live bytes grow by 3/10
  /// before they fall below it. Of a plateau the first place counts; small
  /// values that live on through the model (masks, a loss so far) make none.
  void findCuts(ArrayRef<int64_t> live) {
    int32_t n = live.size();
    auto isHigh = [](int64_t x, int64_t low) { return 10 * x >= 13 * low; };
    for (int32_t i = 0; i + 1 < n; ++i) {
      int64_t low = live[i];
      if (low <= 0)
        continue;
      int64_t slack = low / 2000;
      int32_t j = i - 1;
      while (j >= 0 && !isHigh(live[j], low) && live[j] > low + slack)
        --j;
      if (j >= 0 && live[j] <= low + slack)
        continue;
      j = i + 1;
      while (j < n && live[j] >= low - slack && !isHigh(live[j], low))
        ++j;
      if (j < n && isHigh(live[j], low))
        cuts.push_back(i);
    }
  }

  /// Drops cuts that leave less than a sixth of the mean time of a block.
  void mergeSmall() {
    __int128 total = 0, sum = 0;
    for (UnitId u : graph.forward)
      total += times[u];
    SmallVector<int32_t> kept;
    size_t next = 0;
    for (auto [index, u] : llvm::enumerate(graph.forward)) {
      sum += times[u];
      if (next == cuts.size() || cuts[next] != static_cast<int32_t>(index))
        continue;
      if (sum * 6 * cuts.size() >= total) {
        kept.push_back(index);
        sum = 0;
      }
      ++next;
    }
    cuts = std::move(kept);
  }

  void assignUnits(Blocks &blocks) const {
    blocks.ofUnit.assign(graph.units.size(), 0);
    uint32_t block = 0;
    for (auto [index, u] : llvm::enumerate(graph.forward)) {
      blocks.ofUnit[u] = block;
      if (block < cuts.size() && cuts[block] == static_cast<int32_t>(index))
        ++block;
    }
    for (UnitId u = 0; u < graph.units.size(); ++u)
      if (graph.units[u].kind == Unit::Kind::Unclaimed)
        for (StorageId s : graph.units[u].operands)
          blocks.ofUnit[u] = std::max(blocks.ofUnit[u],
                                      blocks.ofUnit[graph.storages[s].owner]);
  }

  void findCrossing(Blocks &blocks) const {
    blocks.entering.resize(blocks.count);
    blocks.crosses.resize(graph.storages.size());
    blocks.home.resize(graph.storages.size());
    for (StorageId s = 0; s < graph.storages.size(); ++s) {
      UnitId owner = graph.storages[s].owner;
      blocks.home[s] = blocks.ofUnit[owner];
      if (lastUse[s] < 0)
        continue;
      auto first = llvm::lower_bound(cuts, position[owner]);
      auto last = llvm::lower_bound(cuts, lastUse[s]);
      for (auto it = first; it < last; ++it)
        blocks.entering[it - cuts.begin() + 1].push_back(s);
      if (first < last) {
        blocks.crosses.set(s);
        ++blocks.home[s];
      }
    }
  }

  void findBackwardSteps(Blocks &blocks) const {
    blocks.ofBackwardStep.resize(graph.backward.size());
    uint32_t last = 0;
    for (size_t i = graph.backward.size(); i-- > 0;) {
      for (StorageId s : graph.units[graph.backward[i]].operands)
        if (!graph.isBackward(s))
          last = std::max(last, blocks.ofUnit[graph.storages[s].owner]);
      blocks.ofBackwardStep[i] = last;
    }
  }

  const UnitGraph &graph;
  ArrayRef<int64_t> times;
  /// For each unit its place among the forward units, or -1.
  std::vector<int32_t> position;
  /// For each storage the place of the last forward unit that uses it, or -1.
  std::vector<int32_t> lastUse;
  /// Blocks end behind these places.
  SmallVector<int32_t> cuts;
};
} // namespace

Blocks mlir::fx::findBlocks(const UnitGraph &graph, ArrayRef<int64_t> times) {
  return BlockFinder(graph, times).run();
}
