//===- PriceCut.cpp - The cheapest choice at a price per byte -------------===//

#include "fx/Partition/PriceCut.h"

using namespace mlir;
using namespace mlir::fx;

/// Minutes in picoseconds; thousands of them still add up in 63 bits.
static constexpr int64_t largestPrice = int64_t(1) << 48;

int64_t BytePrice::of(int64_t bytes) const {
  __int128 price = (static_cast<__int128>(bytes) * value) >> fraction;
  return price > largestPrice ? largestPrice : static_cast<int64_t>(price);
}

BytePrice BytePrice::ratio(int64_t price, int64_t bytes) {
  __int128 value = (static_cast<__int128>(price) << fraction) / bytes;
  return {value > largestPrice ? largestPrice : static_cast<int64_t>(value)};
}

PriceCut::PriceCut(const UnitGraph &graph, ArrayRef<int64_t> prices)
    : graph(graph), prices(prices.begin(), prices.end()) {
  std::vector<StorageId> needs;
  for (StorageId s = 0; s < graph.storages.size(); ++s)
    if (!graph.isBackward(s) &&
        (graph.storages[s].isBackwardOutput ||
         llvm::any_of(graph.storages[s].users, [&](UnitId u) {
           return graph.units[u].kind == Unit::Kind::Backward;
         })))
      needs.push_back(s);
  build(std::move(needs));
}

PriceCut::PriceCut(const UnitGraph &graph, ArrayRef<int64_t> prices,
                   uint32_t step)
    : graph(graph), prices(prices.begin(), prices.end()) {
  llvm::BitVector needed(graph.storages.size());
  for (UnitId u : ArrayRef(graph.backward).drop_front(step))
    for (StorageId s : graph.units[u].operands)
      if (!graph.isBackward(s))
        needed.set(s);
  for (StorageId s : graph.units[graph.backward[step]].operands)
    if (!graph.isBackward(s))
      forced.push_back(s);
  build(std::vector<StorageId>(needed.set_bits_begin(),
                               needed.set_bits_end()));
}

void PriceCut::build(std::vector<StorageId> needs) {
  constexpr FlowNetwork::Capacity infinite = FlowNetwork::infinite;
  llvm::BitVector unitNeeded(graph.units.size());
  llvm::BitVector storageNeeded(graph.storages.size());
  for (StorageId s : needs)
    storageNeeded.set(s);
  // Operands come before their users.
  for (StorageId s = graph.storages.size(); s-- > 0;) {
    if (!storageNeeded.test(s))
      continue;
    UnitId owner = graph.storages[s].owner;
    if (unitNeeded.test(owner))
      continue;
    unitNeeded.set(owner);
    for (StorageId operand : graph.units[owner].operands)
      storageNeeded.set(operand);
  }
  units.assign(unitNeeded.set_bits_begin(), unitNeeded.set_bits_end());
  storages.assign(storageNeeded.set_bits_begin(),
                  storageNeeded.set_bits_end());

  std::vector<uint32_t> unitVertex(graph.units.size(), 0);
  std::vector<uint32_t> storageVertex(graph.storages.size(), 0);
  source = network.addVertex();
  sink = network.addVertex();
  // Neighbours in the graph are neighbours in the numbers.
  auto nextStorage = storages.begin();
  for (UnitId u : units) {
    unitVertex[u] = network.addVertex();
    for (; nextStorage != storages.end() &&
           graph.storages[*nextStorage].owner <= u;
         ++nextStorage)
      storageVertex[*nextStorage] = network.addVertex();
  }
  for (UnitId u : units)
    runEdge.push_back(network.addEdge(source, unitVertex[u], 0));
  for (StorageId s : storages)
    saveEdge.push_back(network.addEdge(
        unitVertex[graph.storages[s].owner], storageVertex[s], 0));
  for (UnitId u : units)
    for (StorageId s : graph.units[u].operands)
      network.addEdge(storageVertex[s], unitVertex[u], infinite);
  for (StorageId s : needs)
    network.addEdge(storageVertex[s], sink, infinite);
}

FlowNetwork::Capacity
PriceCut::getSavingCost(StorageId s, BytePrice price,
                        const Options &options) const {
  const Unit &owner = graph.owner(s);
  if (owner.policy == RematPolicy::MustRecompute)
    return FlowNetwork::infinite;
  if (!options.saveUnclaimed && owner.kind == Unit::Kind::Unclaimed &&
      !owner.runsOnce && owner.policy != RematPolicy::MustSave)
    return FlowNetwork::infinite;
  // What the forward returns is alive anyway.
  if (owner.policy == RematPolicy::MustSave ||
      graph.storages[s].isForwardOutput)
    return 0;
  int64_t cost = price.of(graph.storages[s].bytes);
  if (options.weights)
    cost = cost * (*options.weights)[s] / 1000;
  return cost;
}

PriceCut::Choice PriceCut::solve(BytePrice price, const Options &options) {
  llvm::BitVector isForced(graph.units.size());
  for (StorageId s : forced)
    isForced.set(graph.storages[s].owner);
  for (auto [u, edge] : llvm::zip_equal(units, runEdge)) {
    const Unit &unit = graph.units[u];
    bool mustNot = unit.runsOnce || unit.policy == RematPolicy::MustSave ||
                   isForced.test(u) || (options.kept && options.kept->test(u));
    network.setCapacity(edge, mustNot ? FlowNetwork::infinite
                                      : std::min(prices[u], largestPrice));
  }
  for (auto [s, edge] : llvm::zip_equal(storages, saveEdge))
    network.setCapacity(edge, getSavingCost(s, price, options));

  FlowNetwork::MinimumCut cut = network.minimumCut(source, sink);
  Choice choice;
  choice.status = cut.status;
  choice.value = cut.value;
  if (cut.status != FlowNetwork::Status::Solved)
    return choice;
  // Edges ascend with the storages they stand for.
  for (uint32_t edge : cut.cutEdges)
    if (!saveEdge.empty() && edge >= saveEdge.front() &&
        edge <= saveEdge.back())
      choice.saved.push_back(storages[edge - saveEdge.front()]);
  return choice;
}

/// The largest integer whose square is not above `x`.
static int64_t squareRoot(__int128 x) {
  int64_t root = 0;
  for (int64_t bit = int64_t(1) << 62; bit != 0; bit >>= 1) {
    __int128 next = root + bit;
    if (next * next <= x)
      root += bit;
  }
  return root;
}

std::vector<int64_t> mlir::fx::getGeometricGrid(int64_t low, int64_t high,
                                                uint32_t count) {
  std::vector<int64_t> grid = {low, high};
  while (grid.size() <= count) {
    std::vector<int64_t> finer;
    for (auto [a, b] : llvm::zip(ArrayRef(grid).drop_back(),
                                 ArrayRef(grid).drop_front())) {
      finer.push_back(a);
      finer.push_back(squareRoot(static_cast<__int128>(a) * b));
    }
    finer.push_back(grid.back());
    grid = std::move(finer);
  }
  return grid;
}

std::vector<BytePrice> mlir::fx::getPriceGrid(const UnitGraph &graph,
                                              ArrayRef<int64_t> prices,
                                              uint32_t count) {
  // Small values decide nothing, unless there are no others.
  std::vector<int64_t> ratios;
  for (int64_t smallest : {4096, 1}) {
    for (UnitId u : graph.forward)
      if (prices[u] > 0 && graph.units[u].bytes >= smallest)
        ratios.push_back(
            BytePrice::ratio(prices[u], graph.units[u].bytes).value);
    if (!ratios.empty())
      break;
  }
  if (ratios.empty())
    return {BytePrice{1}};
  llvm::sort(ratios);
  uint32_t half = count / 2;
  std::vector<int64_t> grid = getGeometricGrid(
      std::max<int64_t>(ratios.front() / 2, 1),
      std::min(std::max<int64_t>(8 * ratios.back(), 2), largestPrice), half);
  for (uint32_t i = 0; i < half; ++i) {
    // A little above the ratio, so that the unit itself is not at a tie.
    int64_t ratio = ratios[i * (ratios.size() - 1) / std::max(half - 1, 1u)];
    grid.push_back(ratio + ratio / 100 + 1);
  }
  llvm::sort(grid);
  grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
  std::vector<BytePrice> result;
  for (int64_t value : grid)
    result.push_back({value});
  return result;
}
