//===- PeakBudgetTest.cpp - The parts of the search against brute force ---===//
//
// Small random joint graphs, on which every set of saved values can be tried:
// schedules as units and as nodes, cuts, the chain program, bounds, and what
// the whole search reaches.
//
//===----------------------------------------------------------------------===//

#include "fx/Partition/PeakBudget.h"

#include <cstdio>
#include <random>

using namespace mlir::fx;

static unsigned failures = 0;

static void check(bool holds, const char *what, unsigned seed) {
  if (holds)
    return;
  ++failures;
  std::printf("seed %u: %s\n", seed, what);
}

namespace {
/// A forward of calls, views and tuples, and a backward that uses some of it.
class GraphMaker {
public:
  explicit GraphMaker(unsigned seed) : random(seed) {}

  JointGraph make(unsigned numForward, unsigned numBackward) {
    add(JointNode::Kind::Primal, {});
    for (unsigned i = 0; i < numForward; ++i)
      addCall(pick(values), below(3) == 0 ? pick(values) : noNode);
    NodeId output = values.back();
    NodeId gradient = add(JointNode::Kind::Tangent, {});
    for (unsigned i = 0; i < numBackward; ++i) {
      // From late forward values to early ones, as in a backward.
      size_t at = values.size() * (numBackward - i) / (numBackward + 1);
      NodeId used = values[std::min(at, values.size() - 1)];
      if (below(4) == 0)
        used = addCall(used, noNode);
      JointNode node = makeCall({gradient, used});
      gradient = add(std::move(node));
      if (below(3) == 0)
        graph.backwardOutputs.push_back(gradient);
    }
    graph.forwardOutputs.push_back(output);
    if (!llvm::is_contained(graph.backwardOutputs, gradient))
      graph.backwardOutputs.push_back(gradient);
    llvm::SmallVector<NodeId, 4> results(graph.forwardOutputs.begin(),
                                         graph.forwardOutputs.end());
    results.append(graph.backwardOutputs.begin(), graph.backwardOutputs.end());
    add(JointNode::Kind::Output, results);
    dropDead();
    for (NodeId n = 0; n < graph.size(); ++n)
      for (NodeId input : graph[n].inputs)
        graph.nodes[input].users.push_back(n);
    return std::move(graph);
  }

private:
  static constexpr NodeId noNode = ~0u;

  unsigned below(unsigned n) { return random() % n; }

  /// Mostly one of the last.
  NodeId pick(const std::vector<NodeId> &from) {
    size_t back = below(3) ? below(2) : below(from.size());
    return from[from.size() - 1 - std::min(back, from.size() - 1)];
  }

  JointNode makeCall(llvm::SmallVector<NodeId, 4> inputs) {
    JointNode node;
    node.inputs = std::move(inputs);
    node.bytes = 16 * (1 + below(8));
    node.classes = RematClass::Recomputable;
    if (below(3) == 0) {
      node.classes = RematClass::ComputeIntensive;
      node.flops = 1000 * (1 + below(20));
    }
    return node;
  }

  NodeId add(JointNode node) {
    graph.nodes.push_back(std::move(node));
    return graph.size() - 1;
  }

  NodeId add(JointNode::Kind kind, llvm::SmallVector<NodeId, 4> inputs) {
    JointNode node;
    node.kind = kind;
    node.bytes = 64;
    node.inputs = std::move(inputs);
    NodeId id = add(std::move(node));
    if (kind == JointNode::Kind::Primal)
      values.push_back(id);
    return id;
  }

  NodeId addCall(NodeId first, NodeId second) {
    JointNode node = makeCall({first});
    if (second != noNode && second != first)
      node.inputs.push_back(second);
    unsigned form = below(8);
    if (form == 0) {
      node.inputs.resize(1);
      node.classes = RematClass::View | RematClass::Recomputable;
      node.flops = 0;
    }
    if (form != 1) {
      values.push_back(add(std::move(node)));
      return values.back();
    }
    node.valueKind = JointNode::ValueKind::Tuple;
    int64_t bytes = node.bytes;
    NodeId tuple = add(std::move(node));
    for (int64_t part : {bytes / 2, bytes / 4}) {
      JointNode element;
      element.kind = JointNode::Kind::Element;
      element.bytes = part;
      element.classes = RematClass::Recomputable;
      element.inputs = {tuple};
      values.push_back(add(std::move(element)));
    }
    return values.back();
  }

  /// Removes what no result needs, as the pass does.
  void dropDead() {
    llvm::BitVector live(graph.size());
    live.set(graph.size() - 1);
    for (NodeId n = graph.size(); n-- > 0;)
      if (live.test(n) || graph[n].isInput()) {
        live.set(n);
        for (NodeId input : graph[n].inputs)
          live.set(input);
      }
    std::vector<NodeId> number(graph.size(), 0);
    JointGraph kept;
    for (NodeId n = 0; n < graph.size(); ++n) {
      if (!live.test(n))
        continue;
      number[n] = kept.size();
      JointNode node = graph[n];
      for (NodeId &input : node.inputs)
        input = number[input];
      kept.nodes.push_back(std::move(node));
    }
    for (NodeId n : graph.forwardOutputs)
      kept.forwardOutputs.push_back(number[n]);
    for (NodeId n : graph.backwardOutputs)
      kept.backwardOutputs.push_back(number[n]);
    graph = std::move(kept);
  }

  std::mt19937 random;
  JointGraph graph;
  std::vector<NodeId> values;
};

/// A graph with all that is derived from it.
struct Case {
  Case(unsigned seed, unsigned numForward, unsigned numBackward)
      : joint(GraphMaker(seed).make(numForward, numBackward)),
        info(classify(joint)), graph(buildUnitGraph(joint, info)),
        prices(getPrices(graph, model)) {
    for (const Unit &unit : graph.units)
      times.push_back(getRoofline(unit, model));
    blocks = findBlocks(graph, times);
    for (StorageId s = 0; s < graph.storages.size(); ++s)
      if (!graph.isBackward(s) && graph.storages[s].node != Storage::noNode)
        candidates.push_back(s);
  }

  SavePlan getPlan(uint32_t set) const {
    SavePlan plan;
    for (size_t i = 0; i < candidates.size(); ++i)
      if (set >> i & 1)
        plan.saved.push_back(candidates[i]);
    return plan;
  }

  CostModel model;
  JointGraph joint;
  NodeInfo info;
  UnitGraph graph;
  std::vector<int64_t> prices, times;
  Blocks blocks;
  /// What may be saved.
  std::vector<StorageId> candidates;
};
} // namespace

/// Every node of a function finds its operands.
static bool isWellFormed(const JointGraph &joint, const Extraction &extraction,
                         bool backward) {
  llvm::BitVector there(joint.size());
  for (NodeId n = 0; n < joint.size(); ++n)
    if (joint[n].isInput() &&
        (joint[n].kind == JointNode::Kind::Tangent) == backward)
      there.set(n);
  if (backward)
    for (NodeId n : extraction.saved)
      there.set(n);
  for (NodeId n : backward ? extraction.backward : extraction.forward) {
    for (NodeId input : joint[n].inputs)
      if (!there.test(input))
        return false;
    there.set(n);
  }
  auto isThere = [&](NodeId n) { return there.test(n); };
  return backward ? llvm::all_of(joint.backwardOutputs, isThere)
                  : llvm::all_of(joint.forwardOutputs, isThere) &&
                        llvm::all_of(extraction.saved, isThere);
}

/// The functions of random plans, nested ones included, are whole, and their
/// memory is what the search sees.
static unsigned testSchedules() {
  unsigned copies = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Case c(seed, 14, 10);
    std::mt19937 random(seed);
    SavePlan plan = c.getPlan(random());
    if (random() % 2)
      for (uint32_t b = 0; b < c.blocks.count; ++b)
        plan.nested.push_back(random() % 2);
    Schedule schedule = Scheduler(c.graph, c.blocks).schedule(plan);
    Extraction extraction = extract(c.joint, c.graph, plan, schedule);
    check(isWellFormed(c.joint, extraction, false), "forward", seed);
    check(isWellFormed(c.joint, extraction, true), "backward", seed);
    StepMemory units = simulate(c.graph, schedule, plan.saved);
    StepMemory nodes = simulate(c.graph, c.joint, extraction);
    check(units.live == nodes.live, "memory of units and nodes", seed);
    std::set<NodeId> distinct(extraction.backward.begin(),
                              extraction.backward.end());
    copies += extraction.backward.size() - distinct.size();
  }
  return copies;
}

/// Units that run in the backward if a set is saved, each once.
static int64_t getPrice(const Case &c, const SavePlan &plan) {
  llvm::BitVector needed(c.graph.storages.size()), run(c.graph.units.size());
  for (StorageId s = c.graph.storages.size(); s-- > 0;) {
    const Storage &storage = c.graph.storages[s];
    bool isNeed = storage.isBackwardOutput;
    for (UnitId u : storage.users)
      isNeed |= c.graph.units[u].kind == Unit::Kind::Backward;
    if (c.graph.isBackward(s) || !(isNeed || needed.test(s)) ||
        llvm::binary_search(plan.saved, s))
      continue;
    run.set(storage.owner);
    for (StorageId operand : c.graph.units[storage.owner].operands)
      needed.set(operand);
  }
  int64_t price = 0;
  for (UnitId u : run.set_bits())
    price += c.prices[u];
  return price;
}

static void testPriceCut() {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Case c(seed, 9, 6);
    if (c.candidates.size() > 11)
      continue;
    PriceCut cut(c.graph, c.prices);
    for (BytePrice price : getPriceGrid(c.graph, c.prices, 8)) {
      int64_t best = std::numeric_limits<int64_t>::max();
      auto getCost = [&](const SavePlan &plan) {
        int64_t cost = getPrice(c, plan);
        for (StorageId s : plan.saved)
          if (!c.graph.storages[s].isForwardOutput)
            cost += price.of(c.graph.storages[s].bytes);
        return cost;
      };
      for (uint32_t set = 0; set < 1u << c.candidates.size(); ++set)
        best = std::min(best, getCost(c.getPlan(set)));
      PriceCut::Choice choice = cut.solve(price);
      check(choice.value == best, "value of the price cut", seed);
      check(getCost({choice.saved, {}}) == best, "choice of the price cut",
            seed);
    }
  }
}

/// The vertices that reach the sink by edges that are not removed.
static llvm::BitVector findSinkSide(const RematNetwork &network,
                                    const llvm::BitVector &removed) {
  llvm::BitVector side(network.flow.getNumVertices());
  side.set(network.sink);
  for (bool changed = true; changed;) {
    changed = false;
    for (auto [index, edge] : llvm::enumerate(network.flow.getEdges()))
      if (side.test(edge.to) && !side.test(edge.from) && edge.capacity > 0 &&
          !removed.test(index)) {
        side.set(edge.from);
        changed = true;
      }
  }
  return side;
}

/// The exact mode's cut is the cheapest set of saved values that separates what
/// is banned from what the backward needs, and of these the one nearest the
/// sink.
static unsigned testExactCut() {
  unsigned numTies = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    Case c(seed, 8, 6);
    MinCutSolution solution = solveMinCut(c.joint, c.info, BanOptions());
    const RematNetwork &network = solution.network;
    llvm::SmallVector<uint32_t> edges;
    for (uint32_t edge : network.nodeEdge)
      if (edge != RematNetwork::none &&
          network.flow.getEdges()[edge].capacity != FlowNetwork::infinite)
        edges.push_back(edge);
    if (edges.size() > 11 ||
        solution.cut.status != FlowNetwork::Status::Solved)
      continue;
    int64_t best = std::numeric_limits<int64_t>::max();
    std::vector<llvm::BitVector> sides;
    for (uint32_t set = 0; set < 1u << edges.size(); ++set) {
      llvm::BitVector removed(network.flow.getEdges().size());
      int64_t value = 0;
      for (auto [i, edge] : llvm::enumerate(edges))
        if (set >> i & 1) {
          removed.set(edge);
          value += network.flow.getEdges()[edge].capacity;
        }
      if (value > best)
        continue;
      llvm::BitVector side = findSinkSide(network, removed);
      if (side.test(network.source))
        continue;
      if (value < best)
        sides.clear();
      best = value;
      sides.push_back(std::move(side));
    }
    check(solution.cut.value == best, "value of the exact cut", seed);
    numTies += sides.size() > 1;
    for (const llvm::BitVector &side : sides)
      for (uint32_t v = 0; v < side.size(); ++v)
        check(!solution.cut.sinkSide[v] || side.test(v),
              "the exact cut is nearest the sink", seed);
  }
  return numTies;
}

static void tryAll(llvm::ArrayRef<Segment> segments, uint32_t from,
                   uint32_t numBlocks, int64_t held, int64_t price,
                   int64_t bytes, int64_t &best) {
  if (from == numBlocks) {
    best = std::min(best, price);
    return;
  }
  for (const Segment &segment : segments)
    if (segment.begin == from && held + segment.workBytes <= bytes)
      tryAll(segments, segment.end, numBlocks, held + segment.savedBytes,
             price + segment.price, bytes, best);
}

static void testChain() {
  constexpr int64_t none = std::numeric_limits<int64_t>::max();
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    uint32_t numBlocks = 1 + random() % 6;
    std::vector<Segment> segments;
    for (uint32_t begin = 0; begin < numBlocks; ++begin)
      for (uint32_t i = 0; i < 4; ++i) {
        uint32_t end = std::min<uint32_t>(begin + 1 + random() % 3, numBlocks);
        segments.push_back({begin, end, static_cast<int64_t>(random() % 50),
                            static_cast<int64_t>(random() % 50),
                            static_cast<int64_t>(random() % 100), i});
      }
    ChainDP chain(numBlocks, segments);
    for (int64_t bytes : {60, 100, 150, 250}) {
      int64_t best = none;
      tryAll(segments, 0, numBlocks, 0, 0, bytes, best);
      auto chosen = chain.solve(bytes);
      check(chosen.has_value() == (best != none), "a chain is found", seed);
      if (!chosen)
        continue;
      int64_t price = 0;
      uint32_t next = 0;
      for (const Segment &segment : *chosen) {
        check(segment.begin == next, "segments of a chain meet", seed);
        next = segment.end;
        price += segment.price;
      }
      check(next == numBlocks && price == best, "the cheapest chain", seed);
    }
  }
}

/// Bounds hold for every saved set, and the search is compared with the best of
/// them at each peak that some set has.
static void testSearch() {
  unsigned numPeaks = 0, numBest = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    Case c(seed, 10, 7);
    if (c.candidates.size() > 12)
      continue;
    PartitionSearch search(c.joint, c.info, c.graph, c.model);
    const LowerBound &bound = search.getBound();
    std::map<int64_t, int64_t> best;
    auto visit = [&](int64_t peak, int64_t flops) {
      check(peak >= bound.getFloor(), "floor", seed);
      check(peak >= bound.getPeak(flops), "bound of the peak", seed);
      check(flops >= bound.getFlops(peak), "bound of the operations", seed);
    };
    for (uint32_t set = 0; set < 1u << c.candidates.size(); ++set) {
      SavePlan plan = c.getPlan(set);
      Schedule schedule = Scheduler(c.graph, c.blocks).schedule(plan);
      int64_t peak = simulate(c.graph, schedule, plan.saved).peak;
      StepWork work = getWork(c.graph, schedule, c.prices, c.times);
      visit(peak, work.recomputedFlops);
      auto it = best.try_emplace(peak, work.recomputedFlops).first;
      it->second = std::min(it->second, work.recomputedFlops);
    }
    for (const BudgetPoint &point : search.getPoints().getPoints())
      visit(point.peak, point.work.recomputedFlops);
    int64_t previous = std::numeric_limits<int64_t>::max(), least = previous;
    for (auto [peak, flops] : best) {
      least = std::min(least, flops);
      const BudgetPoint *point = search.getPoints().getCheapest(peak);
      ++numPeaks;
      if (!point)
        continue;
      check(point->peak <= peak, "a point within the budget", seed);
      check(point->work.recomputedFlops <= previous, "monotone", seed);
      previous = point->work.recomputedFlops;
      numBest += point->work.recomputedFlops <= least;
      std::optional<Extraction> extraction = search.solveForPeak(peak);
      PartitionCost cost = measure(c.joint, c.graph, c.model, *extraction);
      check(cost.memory.peak == point->peak &&
                cost.work.recomputedFlops == point->work.recomputedFlops,
            "the functions cost what the point does", seed);
    }
  }
  std::printf("%u of %u budgets as cheap as the best saved set\n", numBest,
              numPeaks);
  check(numBest * 100 >= numPeaks * 90, "the search is near the best", 0);
}

static void testSizes() {
  struct {
    const char *text;
    std::optional<int64_t> bytes;
  } cases[] = {{"17", 17},
               {"8GiB", int64_t(8) << 30},
               {"1.5 kB", 1500},
               {"0.25MiB", 262144},
               {"2tb", 2000000000000},
               {"", std::nullopt},
               {"GB", std::nullopt},
               {"1.2.3GB", std::nullopt},
               {"-5MB", std::nullopt},
               {"99999999999TiB", std::nullopt},
               {"5 parsec", std::nullopt}};
  for (const auto &test : cases)
    check(parseByteSize(test.text) == test.bytes, test.text, 0);
}

int main() {
  std::printf("%u copies in random schedules\n", testSchedules());
  testPriceCut();
  std::printf("%u exact cuts among several\n", testExactCut());
  testChain();
  testSearch();
  testSizes();
  std::printf("%u failures\n", failures);
  return failures != 0;
}
