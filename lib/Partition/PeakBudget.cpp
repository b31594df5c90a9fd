//===- PeakBudget.cpp - Partitions chosen by what they cost ---------------===//

#include "fx/Partition/PeakBudget.h"

using namespace mlir;
using namespace mlir::fx;

PartitionCost mlir::fx::measure(const JointGraph &joint,
                                const UnitGraph &graph,
                                const CostModel &model,
                                const Extraction &extraction) {
  PartitionCost cost;
  cost.schedule = getSchedule(graph, extraction);
  cost.memory = simulate(graph, joint, extraction);
  std::vector<int64_t> times;
  for (const Unit &unit : graph.units)
    times.push_back(getRoofline(unit, model));
  cost.work = getWork(graph, cost.schedule, getPrices(graph, model), times);
  llvm::DenseMap<StorageId, int64_t> viewBytes;
  for (NodeId n : extraction.saved)
    for (StorageId s : graph.storagesOfNode[n]) {
      auto [it, isNew] = viewBytes.try_emplace(s, graph.storages[s].bytes);
      it->second = std::min(it->second, joint[n].bytes);
      if (isNew)
        cost.savedStorageBytes += graph.storages[s].bytes;
    }
  for (auto [s, bytes] : viewBytes)
    cost.savedViewBytes += bytes;
  return cost;
}

PartitionSearch::PartitionSearch(const JointGraph &joint, const NodeInfo &info,
                                 const UnitGraph &graph,
                                 const CostModel &model)
    : joint(joint), info(info), graph(graph), search(graph, model),
      model(model), bound(graph, search.getBlocks()) {
  for (double budget : {1.0, 0.75, 0.5, 0.25, 0.0})
    addAnswer("default", budget);
  addAnswer("aggressive", 1.0);
  search.run();
}

void PartitionSearch::addAnswer(StringRef mode, double budget) {
  MinCutSolution solution = solveWithBudget(
      joint, info,
      mode == "aggressive" ? BanOptions::aggressive() : BanOptions(), budget);
  if (solution.cut.status != FlowNetwork::Status::Solved)
    return;
  Extraction extraction = extract(joint, info, solution.saved);
  if (extraction.missing)
    return;
  search.addAnswer(getSchedule(graph, extraction),
                   getStorages(graph, extraction.saved));
  PartitionCost cost = measure(joint, graph, model, extraction);
  answers.push_back({mode, budget, std::move(extraction), std::move(cost)});
}

Extraction PartitionSearch::extractPoint(const BudgetPoint &point) const {
  if (point.answer != BudgetPoint::noAnswer)
    return answers[point.answer].extraction;
  return extract(joint, graph, point.plan, search.schedule(point.plan));
}

std::optional<Extraction> PartitionSearch::solveForPeak(int64_t peak) const {
  if (const BudgetPoint *point = search.getCheapest(peak))
    return extractPoint(*point);
  return std::nullopt;
}

std::optional<Extraction>
PartitionSearch::improve(const PartitionCost &cost) const {
  auto key = [](const BudgetPoint &point) {
    return std::make_tuple(point.work.recomputedFlops, point.savedBytes,
                           point.peak, point.work.time);
  };
  const BudgetPoint *best = nullptr;
  for (const BudgetPoint &point : search.getPoints()) {
    bool isBetter =
        point.savedBytes <= cost.savedViewBytes &&
        point.work.recomputedFlops <= cost.work.recomputedFlops &&
        (point.savedBytes < cost.savedViewBytes ||
         point.work.recomputedFlops < cost.work.recomputedFlops);
    if (isBetter && (!best || key(point) < key(*best)))
      best = &point;
  }
  if (!best)
    return std::nullopt;
  return extractPoint(*best);
}

std::optional<int64_t> mlir::fx::parseByteSize(StringRef text) {
  text = text.trim();
  StringRef number = text.take_while(
      [](char c) { return llvm::isDigit(c) || c == '.'; });
  StringRef unit = text.drop_front(number.size()).ltrim();
  static constexpr std::pair<StringLiteral, int64_t> units[] = {
      {"", 1},
      {"b", 1},
      {"kb", 1000},
      {"mb", 1000000},
      {"gb", 1000000000},
      {"tb", 1000000000000},
      {"kib", int64_t(1) << 10},
      {"mib", int64_t(1) << 20},
      {"gib", int64_t(1) << 30},
      {"tib", int64_t(1) << 40}};
  const auto *it = llvm::find_if(
      units, [&](const auto &u) { return unit.equals_insensitive(u.first); });
  if (it == std::end(units))
    return std::nullopt;
  auto [whole, decimals] = number.split('.');
  // Both parts as one number and the power of ten that it is too large by.
  std::string digits = (whole + decimals).str();
  uint64_t value;
  if (decimals.size() > 9 || StringRef(digits).getAsInteger(10, value) ||
      value > (uint64_t(1) << 62))
    return std::nullopt;
  __int128 bytes = static_cast<__int128>(value) * it->second;
  for (size_t i = 0; i < decimals.size(); ++i)
    bytes /= 10;
  if (bytes > (int64_t(1) << 62))
    return std::nullopt;
  return static_cast<int64_t>(bytes);
}

std::optional<int64_t> mlir::fx::getByteSize(Attribute attr) {
  if (auto text = dyn_cast<StringAttr>(attr))
    return parseByteSize(text);
  auto number = dyn_cast<IntegerAttr>(attr);
  if (!number || number.getInt() < 0)
    return std::nullopt;
  return number.getInt();
}
