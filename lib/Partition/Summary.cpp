//===- Summary.cpp - A partition in a few lines ---------------------------===//

#include "fx/Partition/Page.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mlir::fx;

std::string mlir::fx::formatBytes(int64_t bytes) {
  static constexpr std::pair<int64_t, const char *> units[] = {
      {1000000000, "GB"}, {1000000, "MB"}, {1000, "kB"}};
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto [size, name] : units)
    if (bytes >= size) {
      os << llvm::format("%.1f %s", static_cast<double>(bytes) / size, name);
      return text;
    }
  os << bytes << " B";
  return text;
}

/// So many of `width` characters as `part` is of `whole`, in eighths.
static std::string getBar(int64_t part, int64_t whole, int64_t width) {
  static constexpr const char *eighths[] = {"", "▏", "▎", "▍",
                                            "▌", "▋", "▊", "▉"};
  int64_t filled =
      whole > 0 ? static_cast<int64_t>(static_cast<__int128>(part) * width *
                                       8 / whole)
                : 0;
  filled = std::clamp<int64_t>(filled, 0, 8 * width);
  std::string bar;
  for (int64_t i = 0; i < filled / 8; ++i)
    bar += "█";
  bar += eighths[filled % 8];
  for (int64_t i = (filled + 7) / 8; i < width; ++i)
    bar += "·";
  return bar;
}

void mlir::fx::printSummary(raw_ostream &os, const PartitionResult &result) {
  constexpr int64_t width = 40;
  const PartitionCost &cost = result.cost;
  int64_t largest = cost.memory.peak;
  if (result.search)
    for (const PartitionSearch::Answer &answer : result.search->getAnswers())
      largest = std::max(largest, answer.cost.memory.peak);
  auto printPeak = [&](const Twine &name, int64_t peak, int64_t flops) {
    os << "  " << llvm::left_justify(name.str(), 16) << " "
       << getBar(peak, largest, width) << " "
       << llvm::right_justify(formatBytes(peak), 9);
    if (flops > 0)
      os << llvm::format(", %.2f %% more operations",
                         100.0 * flops /
                             std::max<int64_t>(result.units.flops, 1));
    os << "\n";
  };
  auto count = [](size_t number, const Twine &noun) {
    return (Twine(number) + " " + noun + (number == 1 ? "" : "s")).str();
  };
  os << "partition of '"
     << func::FuncOp(result.joint.function).getSymName() << "': saves "
     << count(result.extraction.saved.size(), "value") << ", "
     << formatBytes(cost.savedStorageBytes)
     << " of them activations; recomputes "
     << count(getRecomputed(result).size(), "node") << "\n";
  printPeak("peak", cost.memory.peak, cost.work.recomputedFlops);
  if (!result.search)
    return;
  for (const PartitionSearch::Answer &answer : result.search->getAnswers())
    if (answer.mode == "default" && answer.budget == 1)
      printPeak("functorch", answer.cost.memory.peak,
                answer.cost.work.recomputedFlops);
  const LowerBound &bound = result.search->getBound();
  int64_t smallest = result.search->getPoints().getSmallest().peak;
  printPeak("smallest found", smallest, 0);
  printPeak("bound", bound.getPeak(cost.work.recomputedFlops), 0);
}
