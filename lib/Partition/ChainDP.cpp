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

/// States by bytes, each cheaper than all smaller ones.
using Front = std::vector<State>;

static void append(Front &front, const State &state) {
  if (front.empty() || state.price < front.back().price)
    front.push_back(state);
}

/// Adds the states that follow from those of `from` by one segment. Both lists
/// are in order; of equal states the one that is there stays.
static void addSegment(Front &to, ArrayRef<State> from, const Segment &segment,
                       int64_t bytes, Front &scratch) {
  scratch.clear();
  auto next = to.begin();
  for (auto [index, state] : llvm::enumerate(from)) {
    if (state.bytes + segment.workBytes > bytes)
      break;
    State after = {state.bytes + segment.savedBytes,
                   state.price + segment.price, &segment,
                   static_cast<uint32_t>(index)};
    for (; next != to.end() && std::tie(next->bytes, next->price) <=
                                   std::tie(after.bytes, after.price);
         ++next)
      append(scratch, *next);
    append(scratch, after);
  }
  for (; next != to.end(); ++next)
    append(scratch, *next);
  std::swap(to, scratch);
}

/// Of too many states, keeps the cheapest in each of equal ranges of bytes.
static void thin(Front &front) {
  constexpr int64_t most = 512;
  if (front.size() <= most)
    return;
  int64_t largest = front.back().bytes + 1;
  auto range = [&](const State &state) {
    return static_cast<int64_t>(static_cast<__int128>(state.bytes) * most /
                                largest);
  };
  size_t kept = 0;
  for (size_t i = 0; i < front.size(); ++i)
    if (i + 1 == front.size() || range(front[i + 1]) != range(front[i]))
      front[kept++] = front[i];
  front.resize(kept);
}

std::optional<std::vector<Segment>> ChainDP::solve(int64_t bytes) const {
  std::vector<Front> statesAt(numBlocks + 1);
  Front scratch;
  statesAt[0].push_back({0, 0, nullptr, 0});
  for (uint32_t p = 0; p < numBlocks; ++p) {
    thin(statesAt[p]);
    for (const Segment &segment : segmentsFrom[p])
      addSegment(statesAt[segment.end], statesAt[p], segment, bytes, scratch);
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
