//===- ChainDP.cpp - One choice for each part of a chain ------------------===//

#include "fx/Partition/ChainDP.h"
#include "llvm/ADT/STLExtras.h"

#include <tuple>

using namespace mlir;
using namespace mlir::fx;

ChainDP::ChainDP(uint32_t numBlocks, std::vector<Segment> segments)
    : numBlocks(numBlocks), segmentsFrom(numBlocks) {
  llvm::sort(segments, [](const Segment &a, const Segment &b) {
    return std::tie(a.begin, a.end, a.savedBytes, a.price, a.workBytes,
                    a.option) < std::tie(b.begin, b.end, b.savedBytes, b.price,
                                         b.workBytes, b.option);
  });
  for (const Segment &segment : segments) {
    std::vector<Segment> &kept = segmentsFrom[segment.begin];
    bool isWorse = llvm::any_of(kept, [&](const Segment &other) {
      return other.end == segment.end &&
             other.savedBytes <= segment.savedBytes &&
             other.price <= segment.price &&
             other.workBytes <= segment.workBytes;
    });
    if (!isWorse)
      kept.push_back(segment);
  }
}

namespace {
/// The first blocks are decided.
struct State {
  int64_t bytes, price;
  const Segment *last;
  /// The state before `last`.
  uint32_t previous;
};
} // namespace

/// Keeps, in the order of bytes, states that are cheaper than all smaller ones,
/// and of many the cheapest in each of equal ranges of bytes.
static void keepBest(std::vector<State> &states) {
  constexpr int64_t most = 192;
  llvm::sort(states, [](const State &a, const State &b) {
    return std::tie(a.bytes, a.price, a.last->begin, a.last->option,
                    a.previous) < std::tie(b.bytes, b.price, b.last->begin,
                                           b.last->option, b.previous);
  });
  std::vector<State> best;
  for (const State &state : states)
    if (best.empty() || state.price < best.back().price)
      best.push_back(state);
  if (best.size() <= most) {
    states = std::move(best);
    return;
  }
  auto range = [&](const State &state) {
    return static_cast<int64_t>(static_cast<__int128>(state.bytes) * most /
                                (best.back().bytes + 1));
  };
  states.clear();
  for (size_t i = 0; i < best.size(); ++i)
    if (i + 1 == best.size() || range(best[i + 1]) != range(best[i]))
      states.push_back(best[i]);
}

std::optional<std::vector<Segment>> ChainDP::solve(int64_t bytes) const {
  std::vector<std::vector<State>> statesAt(numBlocks + 1);
  statesAt[0].push_back({0, 0, nullptr, 0});
  for (uint32_t p = 0; p <= numBlocks; ++p) {
    if (p > 0)
      keepBest(statesAt[p]);
    if (p == numBlocks)
      break;
    for (const Segment &segment : segmentsFrom[p])
      for (auto [index, state] : llvm::enumerate(statesAt[p]))
        if (state.bytes + segment.workBytes <= bytes)
          statesAt[segment.end].push_back(
              {state.bytes + segment.savedBytes, state.price + segment.price,
               &segment, static_cast<uint32_t>(index)});
  }
  if (statesAt[numBlocks].empty())
    return std::nullopt;
  // The cheapest is the last, the largest.
  uint32_t index = statesAt[numBlocks].size() - 1;
  std::vector<Segment> chosen;
  for (uint32_t p = numBlocks; p > 0;) {
    const State &state = statesAt[p][index];
    chosen.push_back(*state.last);
    index = state.previous;
    p = state.last->begin;
  }
  std::reverse(chosen.begin(), chosen.end());
  return chosen;
}
