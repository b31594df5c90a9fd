//===- LowerBound.cpp - What no schedule can beat -------------------------===//

#include "fx/Partition/LowerBound.h"

using namespace mlir;
using namespace mlir::fx;

LowerBound::LowerBound(const UnitGraph &graph, const Blocks &blocks)
    : graph(graph) {
  findLiveBytes();
  std::vector<int64_t> flops(graph.units.size(), 0);
  for (UnitId u : graph.forward)
    flops[u] = graph.units[u].flops;
  bool isLarge = graph.units.size() > 5000;
  std::vector<BytePrice> prices = getPriceGrid(graph, flops, isLarge ? 8 : 32);
  addLines(PriceCut(graph, flops), outputBytes, prices);
  for (uint32_t step : chooseSteps(blocks))
    addLines(PriceCut(graph, flops, step), fixedBytes[step], prices);
}

/// The bytes at each backward step, and the floor.
void LowerBound::findLiveBytes() {
  uint32_t numSteps = graph.backward.size();
  std::vector<uint32_t> step(graph.units.size(), 0);
  for (auto [index, u] : llvm::enumerate(graph.backward))
    step[u] = index;
  fixedBytes.assign(numSteps + 1, 0);
  fullBytes.assign(numSteps + 1, 0);
  workBytes.assign(numSteps, 0);
  int64_t allOutputs = 0;
  auto addTo = [](std::vector<int64_t> &bytes, uint32_t first, uint32_t last,
                  int64_t size) {
    bytes[first] += size;
    bytes[last + 1] -= size;
  };
  for (StorageId s = 0; s < graph.storages.size(); ++s) {
    const Storage &storage = graph.storages[s];
    if (storage.isForwardOutput)
      outputBytes += storage.bytes;
    if (storage.isForwardOutput || storage.isBackwardOutput)
      allOutputs += storage.bytes;
    if (numSteps == 0 || storage.isForwardOutput)
      continue;
    bool isBackward = graph.isBackward(s);
    uint32_t first = isBackward ? step[storage.owner] : 0;
    uint32_t last = first;
    bool isUsed = isBackward;
    for (UnitId u : storage.users)
      if (graph.units[u].kind == Unit::Kind::Backward) {
        last = std::max(last, step[u]);
        isUsed = true;
      }
    if (isBackward && storage.isBackwardOutput)
      last = numSteps - 1;
    if (isUsed)
      addTo(isBackward ? fixedBytes : fullBytes, first, last, storage.bytes);
  }
  for (uint32_t i = 0; i < numSteps; ++i) {
    fixedBytes[i + 1] += fixedBytes[i];
    fullBytes[i + 1] += fullBytes[i];
  }
  for (uint32_t i = 0; i < numSteps; ++i) {
    fixedBytes[i] += outputBytes;
    fullBytes[i] += fixedBytes[i];
    workBytes[i] = fixedBytes[i];
    for (StorageId s : graph.units[graph.backward[i]].operands)
      if (!graph.isBackward(s) && !graph.storages[s].isForwardOutput)
        workBytes[i] += graph.storages[s].bytes;
  }

  floor = allOutputs;
  for (int64_t bytes : workBytes)
    floor = std::max(floor, bytes);
  for (const Unit &unit : graph.units) {
    int64_t bytes = 0;
    for (StorageId s : unit.operands)
      bytes += graph.storages[s].bytes;
    for (StorageId s : unit.results)
      bytes += graph.storages[s].bytes;
    floor = std::max(floor, bytes);
  }
}

/// In each block the step at which most is alive if all is saved, of these the
/// fullest, and the steps that need most by themselves.
SmallVector<uint32_t> LowerBound::chooseSteps(const Blocks &blocks) const {
  bool isLarge = graph.units.size() > 5000;
  const size_t numFull = isLarge ? 4 : 24, numWork = 2;
  auto byBytes = [](ArrayRef<int64_t> bytes) {
    return [bytes](uint32_t a, uint32_t b) {
      return bytes[a] != bytes[b] ? bytes[a] > bytes[b] : a < b;
    };
  };
  SmallVector<uint32_t> all;
  std::vector<int64_t> fullest(blocks.count, -1);
  for (uint32_t i = 0; i < graph.backward.size(); ++i) {
    all.push_back(i);
    int64_t &best = fullest[blocks.ofBackwardStep[i]];
    if (best < 0 || fullBytes[i] > fullBytes[best])
      best = i;
  }
  SmallVector<uint32_t> steps;
  for (int64_t i : fullest)
    if (i >= 0)
      steps.push_back(i);
  llvm::sort(steps, byBytes(fullBytes));
  if (steps.size() > numFull)
    steps.resize(numFull);
  llvm::sort(all, byBytes(workBytes));
  steps.append(all.begin(), all.begin() + std::min(all.size(), numWork));
  llvm::sort(steps);
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return steps;
}

void LowerBound::addLines(PriceCut cut, int64_t fixed,
                          ArrayRef<BytePrice> prices) {
  for (BytePrice price : prices) {
    PriceCut::Choice choice = cut.solve(price);
    if (choice.status == FlowNetwork::Status::Solved)
      lines.push_back({price, choice.value, fixed});
  }
}

int64_t LowerBound::getFlops(int64_t peak) const {
  int64_t flops = 0;
  for (const Line &line : lines) {
    __int128 bytes = std::max<int64_t>(peak - line.fixedBytes, 0);
    __int128 saving = bytes * line.price.value;
    __int128 rest = (static_cast<__int128>(line.value) << BytePrice::fraction) -
                    saving;
    if (rest > 0)
      flops = std::max(flops,
                       static_cast<int64_t>(rest >> BytePrice::fraction));
  }
  return flops;
}

int64_t LowerBound::getPeak(int64_t flops) const {
  int64_t peak = floor;
  for (const Line &line : lines)
    if (line.value > flops && line.price.value > 0) {
      __int128 rest = static_cast<__int128>(line.value - flops)
                      << BytePrice::fraction;
      peak = std::max(peak, line.fixedBytes + static_cast<int64_t>(
                                                  rest / line.price.value));
    }
  return peak;
}
