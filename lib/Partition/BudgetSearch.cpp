//===- BudgetSearch.cpp - Schedules for every budget of peak bytes --------===//

#include "fx/Partition/BudgetSearch.h"

using namespace mlir;
using namespace mlir::fx;

/// What costs more than any forward.
static constexpr int64_t unaffordable = int64_t(1) << 60;

BudgetSearch::BudgetSearch(const UnitGraph &graph, const CostModel &model)
    : graph(graph), objective(model.objective),
      prices(fx::getPrices(graph, model)), cut(graph, prices) {
  for (const Unit &unit : graph.units)
    times.push_back(getRoofline(unit, model));
  blocks = findBlocks(graph, times);
  lastUse.assign(graph.storages.size(), -1);
  backwardStep.assign(graph.units.size(), 0);
  for (auto [index, u] : llvm::enumerate(graph.backward)) {
    backwardStep[u] = index;
    for (StorageId s : graph.units[u].operands)
      lastUse[s] = index;
  }
  grid = getPriceGrid(graph, prices, 16);
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

static uint64_t getHash(const SavePlan &plan) {
  return llvm::hash_combine(
      llvm::hash_combine_range(plan.saved.begin(), plan.saved.end()),
      llvm::hash_combine_range(plan.nested.begin(), plan.nested.end()));
}

bool BudgetSearch::isCheaper(const StepWork &a, const StepWork &b) const {
  if (objective == CostModel::Objective::Flops)
    return std::tie(a.recomputedFlops, a.price, a.time) <
           std::tie(b.recomputedFlops, b.price, b.time);
  return std::tie(a.price, a.time, a.recomputedFlops) <
         std::tie(b.price, b.time, b.recomputedFlops);
}

BudgetSearch::Evaluation BudgetSearch::evaluate(const SavePlan &plan) {
  Evaluation evaluation;
  evaluation.schedule = schedule(plan);
  evaluation.memory = simulate(graph, evaluation.schedule, plan.saved);
  evaluation.work = getWork(graph, evaluation.schedule, prices, times);
  stepsLeft -= evaluation.schedule.steps.size();
  addPoint(evaluation, plan);
  return evaluation;
}

void BudgetSearch::addPoint(const Evaluation &evaluation, const SavePlan &plan,
                            uint32_t answer) {
  if (answer == BudgetPoint::noAnswer) {
    uint64_t hash = getHash(plan);
    auto [first, last] = known.equal_range(hash);
    for (auto it = first; it != last; ++it)
      if (points[it->second].plan == plan)
        return;
    known.emplace(hash, points.size());
  }
  BudgetPoint point;
  point.peak = evaluation.memory.peak;
  point.work = evaluation.work;
  point.plan = plan;
  point.answer = answer;
  point.number = points.size();
  llvm::BitVector used(graph.storages.size());
  for (UnitId u : ArrayRef(evaluation.schedule.steps)
                      .drop_front(evaluation.schedule.numForward))
    for (StorageId s : graph.units[u].operands)
      used.set(s);
  for (StorageId s : plan.saved)
    if (used.test(s) || graph.storages[s].isBackwardOutput)
      point.savedBytes += graph.storages[s].bytes;
  points.push_back(std::move(point));
}

void BudgetSearch::addAnswer(const Schedule &schedule,
                             std::vector<StorageId> saved) {
  Evaluation evaluation;
  evaluation.schedule = schedule;
  evaluation.memory = simulate(graph, schedule, saved);
  evaluation.work = getWork(graph, schedule, prices, times);
  SavePlan plan{std::move(saved), {}};
  addPoint(evaluation, plan, numAnswers++);
  evaluate(plan);
}

std::vector<const BudgetPoint *> BudgetSearch::getFront() const {
  std::vector<const BudgetPoint *> sorted;
  for (const BudgetPoint &point : points)
    sorted.push_back(&point);
  llvm::sort(sorted, [&](const BudgetPoint *a, const BudgetPoint *b) {
    if (a->peak != b->peak)
      return a->peak < b->peak;
    if (isCheaper(a->work, b->work) || isCheaper(b->work, a->work))
      return isCheaper(a->work, b->work);
    return a->number < b->number;
  });
  std::vector<const BudgetPoint *> front;
  for (const BudgetPoint *point : sorted)
    if (front.empty() || isCheaper(point->work, front.back()->work))
      front.push_back(point);
  return front;
}

const BudgetPoint *BudgetSearch::getCheapest(int64_t peak) const {
  // Along the front, points become cheaper as they become larger.
  const BudgetPoint *best = nullptr;
  for (const BudgetPoint *point : getFront())
    if (point->peak <= peak)
      best = point;
  return best;
}

const BudgetPoint &BudgetSearch::getSmallest() const {
  return *getFront().front();
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

SavePlan BudgetSearch::getSaveAll() const {
  SavePlan plan;
  for (StorageId s = 0; s < graph.storages.size(); ++s)
    if (!graph.isBackward(s) &&
        (lastUse[s] >= 0 || graph.storages[s].isBackwardOutput))
      plan.saved.push_back(s);
  return plan;
}

void BudgetSearch::addOptions() {
  // The largest and cheapest point, unless something must be recomputed.
  if (llvm::none_of(graph.units, [](const Unit &unit) {
        return unit.policy == RematPolicy::MustRecompute;
      }))
    addOption(1, /*isNested=*/false, getSaveAll().saved);
  llvm::SmallVector<uint32_t> lengths = {1, 2, 4, 8};
  if (!isLarge())
    lengths.append({3, 5, 6, 12, 16});
  // At last no narrow place is kept.
  if (!isLarge() || blocks.count == 1)
    lengths.push_back(0);
  for (uint32_t length : lengths) {
    if (length > 1 && length > blocks.count)
      continue;
    llvm::BitVector kept(graph.units.size());
    for (uint32_t b = 0; length > 0 && b < blocks.count; b += length)
      for (StorageId s : blocks.entering[b])
        kept.set(graph.storages[s].owner);
    uint32_t span = length > 0 ? length : blocks.count;
    std::vector<std::vector<StorageId>> seen;
    for (BytePrice price : grid)
      for (bool saveUnclaimed : {true, false}) {
        PriceCut::Options cutOptions;
        cutOptions.kept = &kept;
        cutOptions.saveUnclaimed = saveUnclaimed;
        PriceCut::Choice choice = cut.solve(price, cutOptions);
        if (choice.status != FlowNetwork::Status::Solved ||
            llvm::is_contained(seen, choice.saved))
          continue;
        seen.push_back(choice.saved);
        for (bool isNested : {false, true})
          if (!isNested || (span > 1 && blocks.count > 1))
            addOption(span, isNested, choice.saved);
      }
  }
}

/// Simulates one choice for the whole chain and reads off what each segment of
/// `length` blocks has of it.
void BudgetSearch::addOption(uint32_t length, bool isNested,
                             std::vector<StorageId> saved) {
  SavePlan plan{saved, {}};
  if (isNested)
    plan.nested.assign(blocks.count, true);
  Evaluation evaluation = evaluate(plan);
  const Schedule &schedule = evaluation.schedule;

  std::vector<int64_t> savedBytes(blocks.count, 0), price(blocks.count, 0),
      workBytes(blocks.count, 0), heldBefore(blocks.count + 1, 0);
  for (StorageId s : saved)
    savedBytes[blocks.home[s]] += graph.storages[s].bytes;
  for (uint32_t b = 0; b < blocks.count; ++b)
    heldBefore[b + 1] = heldBefore[b] + savedBytes[b];
  auto visit = [&](uint32_t step, uint32_t block) {
    int64_t held = heldBefore[block / length * length];
    workBytes[block] =
        std::max(workBytes[block], evaluation.memory.live[step] - held);
  };
  uint32_t block = 0;
  for (uint32_t i = 0; i < schedule.numForward; ++i) {
    UnitId u = schedule.steps[i];
    if (graph.units[u].kind == Unit::Kind::Forward)
      block = blocks.ofUnit[u];
    visit(i, block);
  }
  block = 0;
  for (uint32_t i = schedule.steps.size(); i-- > schedule.numForward;) {
    UnitId u = schedule.steps[i];
    if (graph.units[u].kind == Unit::Kind::Backward)
      block = blocks.ofBackwardStep[backwardStep[u]];
    visit(i, block);
    price[blocks.ofUnit[u]] += prices[u];
  }

  for (uint32_t begin = 0; begin < blocks.count; begin += length) {
    Segment segment{begin, std::min(begin + length, blocks.count), 0, 0, 0,
                    static_cast<uint32_t>(options.size())};
    for (uint32_t b = segment.begin; b < segment.end; ++b) {
      segment.savedBytes += savedBytes[b];
      segment.price += price[b];
      segment.workBytes = std::max(segment.workBytes, workBytes[b]);
    }
    segments.push_back(segment);
  }
  options.push_back({std::move(saved), isNested});
}

/// The backward step at or behind the peak; 0 if that is in the forward.
uint32_t BudgetSearch::getBackwardStep(const Evaluation &evaluation) const {
  const Schedule &schedule = evaluation.schedule;
  uint32_t peakStep = evaluation.memory.peakStep;
  if (peakStep < schedule.numForward)
    return 0;
  for (uint32_t i = peakStep; i < schedule.steps.size(); ++i) {
    UnitId u = schedule.steps[i];
    if (graph.units[u].kind == Unit::Kind::Backward)
      return backwardStep[u];
  }
  return 0;
}

/// Cuts in which only what is alive at the peak has its full price: for graphs
/// without narrow places.
void BudgetSearch::focus() {
  constexpr unsigned rounds = 4;
  for (BytePrice price : grid)
    for (bool saveUnclaimed : {true, false}) {
      std::vector<uint16_t> weights(graph.storages.size(), 1000);
      std::vector<StorageId> previous;
      for (unsigned round = 0; round < rounds; ++round) {
        PriceCut::Options cutOptions;
        cutOptions.saveUnclaimed = saveUnclaimed;
        cutOptions.weights = &weights;
        PriceCut::Choice choice = cut.solve(price, cutOptions);
        if (choice.status != FlowNetwork::Status::Solved ||
            choice.saved == previous)
          break;
        previous = choice.saved;
        Evaluation evaluation = evaluate({std::move(choice.saved), {}});
        auto peak = static_cast<int32_t>(getBackwardStep(evaluation));
        for (StorageId s = 0; s < graph.storages.size(); ++s) {
          bool isAlive = lastUse[s] >= peak;
          weights[s] = round == 0 ? (isAlive ? 1000 : 30)
                                  : std::min(1000, weights[s] * 3 / 10 +
                                                       (isAlive ? 700 : 0));
        }
      }
    }
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

SavePlan BudgetSearch::combine(ArrayRef<Segment> chosen) const {
  SavePlan plan;
  bool anyNested = false;
  plan.nested.assign(blocks.count, false);
  for (const Segment &segment : chosen) {
    const Option &option = options[segment.option];
    anyNested |= option.isNested;
    for (uint32_t b = segment.begin; b < segment.end; ++b)
      plan.nested[b] = option.isNested;
    ArrayRef<StorageId> entering = blocks.entering[segment.begin];
    for (StorageId s : option.saved)
      if ((blocks.home[s] >= segment.begin && blocks.home[s] < segment.end) ||
          llvm::binary_search(entering, s))
        plan.saved.push_back(s);
  }
  if (!anyNested)
    plan.nested.clear();
  llvm::sort(plan.saved);
  plan.saved.erase(std::unique(plan.saved.begin(), plan.saved.end()),
                   plan.saved.end());
  return plan;
}

/// Mixes options for one level. Mixing is not exact: if the peak is above the
/// level, a lower one is solved.
void BudgetSearch::solve(const ChainDP &chain, int64_t bytes) {
  constexpr unsigned tries = 4;
  int64_t target = bytes;
  for (unsigned i = 0; i < tries; ++i) {
    std::optional<std::vector<Segment>> chosen = chain.solve(target);
    if (!chosen)
      return;
    Evaluation evaluation = evaluate(combine(*chosen));
    if (evaluation.memory.peak <= bytes)
      return;
    target -= std::max(evaluation.memory.peak - bytes, bytes / 500);
  }
}

/// Saves again the dearest of what is recomputed, as long as it fits.
void BudgetSearch::restore(const BudgetPoint &point, int64_t bytes) {
  constexpr unsigned rounds = 3, candidatesARound = 10;
  SavePlan plan = point.plan;
  Evaluation evaluation = evaluate(plan);
  llvm::BitVector seen(graph.storages.size());
  for (StorageId s : plan.saved)
    seen.set(s);
  for (unsigned round = 0; round < rounds && hasTime(); ++round) {
    SmallVector<StorageId> candidates;
    const Schedule &schedule = evaluation.schedule;
    for (UnitId u :
         ArrayRef(schedule.steps).drop_front(schedule.numForward)) {
      const Unit &unit = graph.units[u];
      if (unit.kind != Unit::Kind::Forward ||
          unit.policy == RematPolicy::MustRecompute)
        continue;
      for (StorageId s : unit.results)
        if (graph.storages[s].bytes > 0 && !graph.storages[s].users.empty() &&
            !seen.test(s))
          candidates.push_back(s);
    }
    llvm::sort(candidates);
    candidates.erase(std::unique(candidates.begin(), candidates.end()),
                     candidates.end());
    llvm::sort(candidates, [&](StorageId a, StorageId b) {
      __int128 left = static_cast<__int128>(prices[graph.storages[a].owner]) *
                      graph.storages[b].bytes;
      __int128 right = static_cast<__int128>(prices[graph.storages[b].owner]) *
                       graph.storages[a].bytes;
      return left != right ? left > right : a < b;
    });
    if (candidates.size() > candidatesARound)
      candidates.resize(candidatesARound);
    bool isBetter = false;
    for (StorageId s : candidates) {
      if (!hasTime())
        return;
      seen.set(s);
      SavePlan more = plan;
      more.saved.insert(llvm::lower_bound(more.saved, s), s);
      Evaluation other = evaluate(more);
      if (other.memory.peak > bytes ||
          other.work.price >= evaluation.work.price)
        continue;
      evaluation = std::move(other);
      plan = std::move(more);
      isBetter = true;
    }
    if (!isBetter)
      return;
  }
}

/// The price of running a unit with all that it lacks.
int64_t BudgetSearch::getChainPrice(UnitId unit,
                                    const llvm::BitVector &saved) const {
  int64_t price = 0;
  llvm::SmallDenseSet<UnitId> visited;
  SmallVector<UnitId> stack = {unit};
  while (!stack.empty()) {
    UnitId u = stack.pop_back_val();
    if (!visited.insert(u).second)
      continue;
    if (graph.units[u].runsOnce ||
        graph.units[u].policy == RematPolicy::MustSave)
      return unaffordable;
    price += prices[u];
    for (StorageId s : graph.units[u].operands)
      if (!saved.test(s))
        stack.push_back(graph.storages[s].owner);
  }
  return price;
}

/// Gives up, one after the other, what is cheapest per byte of the saved
/// storages that live at the peak.
void BudgetSearch::descend(const BudgetPoint &point) {
  constexpr unsigned steps = 60, patience = 12;
  SavePlan plan = point.plan;
  llvm::BitVector saved(graph.storages.size());
  for (StorageId s : plan.saved)
    saved.set(s);
  int64_t best = std::numeric_limits<int64_t>::max();
  unsigned failures = 0;
  for (unsigned i = 0; i < steps && failures <= patience && hasTime(); ++i) {
    Evaluation evaluation = evaluate(plan);
    if (evaluation.memory.peak < best) {
      best = evaluation.memory.peak;
      failures = 0;
    } else {
      ++failures;
    }
    // When each storage is made in the forward and last used.
    std::vector<uint32_t> first(graph.storages.size(), 0), last = first;
    const Schedule &schedule = evaluation.schedule;
    for (auto [step, u] : llvm::enumerate(schedule.steps)) {
      if (step < schedule.numForward)
        for (StorageId s : graph.units[u].results)
          first[s] = step;
      for (StorageId s : graph.units[u].operands)
        last[s] = step;
    }
    uint32_t peak = evaluation.memory.peakStep;
    std::optional<StorageId> pick;
    int64_t pickPrice = 0;
    for (StorageId s : plan.saved) {
      const Storage &storage = graph.storages[s];
      if (first[s] > peak || last[s] <= peak || storage.bytes <= 1024 ||
          storage.isForwardOutput || storage.isBackwardOutput)
        continue;
      int64_t price = getChainPrice(storage.owner, saved);
      if (price >= unaffordable)
        continue;
      if (!pick || static_cast<__int128>(price) * graph.storages[*pick].bytes <
                       static_cast<__int128>(pickPrice) * storage.bytes) {
        pick = s;
        pickPrice = price;
      }
    }
    if (!pick)
      return;
    saved.reset(*pick);
    llvm::erase(plan.saved, *pick);
  }
}

void BudgetSearch::run() {
  addOptions();
  if (!isLarge())
    focus();
  if (points.empty())
    return;
  ChainDP chain(blocks.count, segments);
  int64_t low = getSmallest().peak, high = 0;
  for (const BudgetPoint &point : points)
    high = std::max(high, point.peak);
  for (int64_t level :
       getGeometricGrid(std::max<int64_t>(low - low / 10, 1),
                        std::max<int64_t>(high, 1),
                        isLarge() ? 32 : 128)) {
    solve(chain, level);
    const BudgetPoint *best = getCheapest(level);
    if (best && best->answer == BudgetPoint::noAnswer)
      restore(*best, level);
  }
  polish();
}

/// Tries every plan that differs from a point's in one storage.
void BudgetSearch::explore(const BudgetPoint &point) {
  SavePlan plan = point.plan;
  for (StorageId s = 0; s < graph.storages.size() && hasTime(); ++s) {
    const Storage &storage = graph.storages[s];
    const Unit &owner = graph.units[storage.owner];
    if (storage.node == Storage::noNode || storage.bytes == 0 ||
        owner.kind == Unit::Kind::Backward || storage.isForwardOutput ||
        owner.runsOnce || owner.policy != RematPolicy::Free)
      continue;
    SavePlan other = plan;
    auto at = llvm::lower_bound(other.saved, s);
    if (at == other.saved.end() || *at != s) {
      other.saved.insert(at, s);
    } else {
      other.saved.erase(at);
      // What it needs may include a draw that is not saved.
      llvm::BitVector saved(graph.storages.size());
      for (StorageId kept : other.saved)
        saved.set(kept);
      if (getChainPrice(storage.owner, saved) >= unaffordable)
        continue;
    }
    evaluate(other);
  }
}

/// Descends from points all along the front, saves again what the result has
/// room for, and looks around. What is found is the start of a next round.
void BudgetSearch::polish() {
  const size_t numStarts = isLarge() ? 4 : 48;
  std::set<uint32_t> descended, restored, explored;
  for (size_t numBefore = 0; numBefore != points.size() && hasTime();) {
    numBefore = points.size();
    std::vector<const BudgetPoint *> front = getFront();
    for (size_t i = 0; i < numStarts; ++i) {
      const BudgetPoint *start =
          front[i * (front.size() - 1) / (numStarts - 1)];
      if (descended.insert(start->number).second)
        descend(*start);
    }
    for (const BudgetPoint *point : getFront())
      if (restored.insert(point->number).second)
        restore(*point, point->peak);
    if (isLarge())
      return;
    for (const BudgetPoint *point : getFront())
      if (explored.insert(point->number).second)
        explore(*point);
  }
}
