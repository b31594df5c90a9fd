//===- PeakModel.cpp - Schedules of a step and the memory they take -------===//

#include "fx/Partition/PeakModel.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

/// Forward units in order. An unclaimed unit that the plan saves something of
/// runs right behind the last one that it needs.
void Scheduler::addForward(const SavePlan &plan, Schedule &schedule) const {
  auto isUnclaimed = [&](UnitId u) {
    return graph.units[u].kind == Unit::Kind::Unclaimed;
  };
  llvm::BitVector early(graph.units.size());
  SmallVector<UnitId> stack;
  for (StorageId s : plan.saved)
    stack.push_back(graph.storages[s].owner);
  while (!stack.empty()) {
    UnitId u = stack.pop_back_val();
    if (!isUnclaimed(u) || early.test(u))
      continue;
    early.set(u);
    for (StorageId s : graph.units[u].operands)
      stack.push_back(graph.storages[s].owner);
  }

  // Places count from 1; what needs no unit comes first.
  std::vector<uint32_t> place(graph.units.size(), 0);
  for (auto [index, u] : llvm::enumerate(graph.forward))
    place[u] = index + 1;
  SmallVector<std::pair<uint32_t, UnitId>> unclaimed;
  for (UnitId u : early.set_bits()) {
    for (StorageId s : graph.units[u].operands)
      place[u] = std::max(place[u], place[graph.storages[s].owner]);
    unclaimed.emplace_back(place[u], u);
  }
  llvm::sort(unclaimed);
  auto next = unclaimed.begin();
  auto addUnclaimed = [&](uint32_t at) {
    for (; next != unclaimed.end() && next->first == at; ++next)
      schedule.steps.push_back(next->second);
  };
  addUnclaimed(0);
  for (auto [index, u] : llvm::enumerate(graph.forward)) {
    schedule.steps.push_back(u);
    addUnclaimed(index + 1);
  }
  schedule.numForward = schedule.steps.size();
}

/// Backward units in order; in front of each, depth first and operands in
/// order, what it lacks.
void Scheduler::addBackward(const SavePlan &plan, Schedule &schedule) const {
  constexpr uint32_t missing = ~0u, always = ~0u - 1;
  // For each storage the block of the backward in which it was made again.
  std::vector<uint32_t> madeIn(graph.storages.size(), missing);
  for (StorageId s : plan.saved)
    madeIn[s] = always;
  auto isThere = [&](StorageId s, uint32_t block) {
    uint32_t made = madeIn[s];
    if (made == missing)
      return false;
    return made == always || made == block || plan.nested.empty() ||
           blocks.crosses.test(s) ||
           !plan.nested[blocks.ofUnit[graph.storages[s].owner]];
  };

  // Behind the backward's own units, what it returns of the forward.
  std::vector<UnitId> targets = graph.backward;
  llvm::BitVector isTarget(graph.units.size());
  for (StorageId s = 0; s < graph.storages.size(); ++s) {
    UnitId owner = graph.storages[s].owner;
    if (!graph.storages[s].isBackwardOutput || graph.isBackward(s) ||
        isTarget.test(owner))
      continue;
    isTarget.set(owner);
    targets.push_back(owner);
  }

  std::vector<uint32_t> ranFor(graph.units.size(), missing);
  // A storage to look at, or a unit to run.
  struct Task {
    uint32_t id;
    bool isUnit;
  };
  SmallVector<Task> stack;
  auto push = [&](ArrayRef<StorageId> storages) {
    for (StorageId s : llvm::reverse(storages))
      stack.push_back({s, false});
  };
  for (auto [index, target] : llvm::enumerate(targets)) {
    uint32_t block = index < graph.backward.size()
                         ? blocks.ofBackwardStep[index]
                         : 0;
    bool isOwn = graph.units[target].kind == Unit::Kind::Backward;
    if (isOwn) {
      stack.push_back({target, true});
      push(graph.units[target].operands);
    } else {
      for (StorageId s : llvm::reverse(graph.units[target].results))
        if (graph.storages[s].isBackwardOutput)
          stack.push_back({s, false});
    }
    while (!stack.empty()) {
      Task task = stack.pop_back_val();
      if (task.isUnit) {
        if (ranFor[task.id] == index)
          continue;
        ranFor[task.id] = index;
        schedule.steps.push_back(task.id);
        for (StorageId s : graph.units[task.id].results)
          if (madeIn[s] != always)
            madeIn[s] = block;
        continue;
      }
      if (graph.isBackward(task.id) || isThere(task.id, block))
        continue;
      UnitId owner = graph.storages[task.id].owner;
      stack.push_back({owner, true});
      push(graph.units[owner].operands);
    }
  }
}

Schedule Scheduler::schedule(const SavePlan &plan) const {
  Schedule schedule;
  addForward(plan, schedule);
  addBackward(plan, schedule);
  return schedule;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {
/// Blocks of memory, each alive from one step to another.
class Lifetimes {
public:
  static constexpr uint32_t none = ~0u;

  explicit Lifetimes(uint32_t numSteps) : numSteps(numSteps) {}

  uint32_t allocate(uint32_t step, int64_t bytes) {
    instances.push_back({step, step, bytes});
    return instances.size() - 1;
  }
  void use(uint32_t instance, uint32_t step) {
    if (instance != none)
      instances[instance].last = std::max(instances[instance].last, step);
  }
  void keep(uint32_t instance) { use(instance, numSteps - 1); }

  StepMemory getMemory() const {
    StepMemory memory;
    memory.live.assign(numSteps + 1, 0);
    for (const Instance &instance : instances) {
      memory.live[instance.first] += instance.bytes;
      memory.live[instance.last + 1] -= instance.bytes;
    }
    memory.live.pop_back();
    int64_t live = 0;
    for (uint32_t i = 0; i < numSteps; ++i) {
      live = memory.live[i] += live;
      if (live > memory.peak) {
        memory.peak = live;
        memory.peakStep = i;
      }
    }
    return memory;
  }

private:
  struct Instance {
    uint32_t first, last;
    int64_t bytes;
  };
  uint32_t numSteps;
  std::vector<Instance> instances;
};
} // namespace

StepMemory mlir::fx::simulate(const UnitGraph &graph, const Schedule &schedule,
                              ArrayRef<StorageId> saved) {
  Lifetimes lifetimes(schedule.steps.size());
  std::vector<uint32_t> current(graph.storages.size(), Lifetimes::none);
  std::vector<uint32_t> made(graph.storages.size(), Lifetimes::none);
  llvm::BitVector isSaved(graph.storages.size());
  for (StorageId s : saved)
    isSaved.set(s);
  for (auto [step, u] : llvm::enumerate(schedule.steps)) {
    for (StorageId s : graph.units[u].operands)
      lifetimes.use(current[s], step);
    for (StorageId s : graph.units[u].results) {
      uint32_t instance = lifetimes.allocate(step, graph.storages[s].bytes);
      // A saved result that comes with another one that is recomputed is not
      // used.
      if (step < schedule.numForward || !isSaved.test(s))
        current[s] = instance;
      if (made[s] == Lifetimes::none)
        made[s] = instance;
    }
  }
  for (StorageId s = 0; s < graph.storages.size(); ++s) {
    if (graph.storages[s].isForwardOutput && made[s] != Lifetimes::none)
      lifetimes.keep(made[s]);
    if (graph.storages[s].isBackwardOutput && current[s] != Lifetimes::none)
      lifetimes.keep(current[s]);
  }
  return lifetimes.getMemory();
}

StepWork mlir::fx::getWork(const UnitGraph &graph, const Schedule &schedule,
                           ArrayRef<int64_t> prices,
                           ArrayRef<int64_t> times) {
  StepWork work;
  int64_t flops = 0;
  for (auto [step, u] : llvm::enumerate(schedule.steps)) {
    if (step >= schedule.numForward)
      work.price += prices[u];
    flops += graph.units[u].flops;
    work.time += times[u];
  }
  work.recomputedFlops = flops - graph.flops;
  return work;
}

StepMemory mlir::fx::simulate(const UnitGraph &graph, const JointGraph &joint,
                              const Extraction &extraction) {
  using Instances = SmallVector<uint32_t, 1>;
  uint32_t numSteps = getSchedule(graph, extraction).steps.size();
  Lifetimes lifetimes(numSteps);
  std::vector<Instances> shown(joint.size());
  uint32_t step = 0;
  auto run = [&](NodeId n) {
    const JointNode &node = joint[n];
    UnitId unit = graph.unitOfNode[n];
    if (unit == UnitGraph::noUnit) {
      // A view, or an element; that of a call shows what is its own.
      if (node.inputs.empty())
        return;
      NodeId base = node.inputs.front();
      shown[n] = shown[base];
      UnitId tuple = graph.unitOfNode[base];
      if (node.kind != JointNode::Kind::Element || tuple == UnitGraph::noUnit)
        return;
      ArrayRef<StorageId> results = graph.units[tuple].results;
      const auto *own = llvm::find(results, graph.storagesOfNode[n].front());
      shown[n].assign(1, shown[base][own - results.begin()]);
      return;
    }
    for (NodeId input : node.inputs)
      for (uint32_t instance : shown[input])
        lifetimes.use(instance, step);
    shown[n].clear();
    for (StorageId s : graph.units[unit].results)
      shown[n].push_back(
          lifetimes.allocate(step, graph.storages[s].bytes));
    ++step;
  };

  llvm::for_each(extraction.forward, run);
  auto keep = [&](ArrayRef<NodeId> outputs) {
    for (NodeId n : outputs)
      llvm::for_each(shown[n], [&](uint32_t i) { lifetimes.keep(i); });
  };
  keep(joint.forwardOutputs);
  // The backward sees what the forward saved, and nothing else of it.
  std::vector<Instances> saved(joint.size());
  for (NodeId n : extraction.saved)
    saved[n] = shown[n];
  llvm::BitVector isSaved(joint.size());
  for (NodeId n : extraction.saved)
    isSaved.set(n);
  shown = saved;
  for (NodeId n : extraction.backward) {
    run(n);
    if (isSaved.test(n))
      shown[n] = saved[n];
  }
  keep(joint.backwardOutputs);
  return lifetimes.getMemory();
}

Schedule mlir::fx::getSchedule(const UnitGraph &graph,
                               const Extraction &extraction) {
  Schedule schedule;
  auto add = [&](NodeId n) {
    if (UnitId u = graph.unitOfNode[n]; u != UnitGraph::noUnit)
      schedule.steps.push_back(u);
  };
  llvm::for_each(extraction.forward, add);
  schedule.numForward = schedule.steps.size();
  llvm::for_each(extraction.backward, add);
  return schedule;
}

std::vector<StorageId> mlir::fx::getStorages(const UnitGraph &graph,
                                             ArrayRef<NodeId> nodes) {
  std::vector<StorageId> storages;
  for (NodeId n : nodes)
    storages.insert(storages.end(), graph.storagesOfNode[n].begin(),
                    graph.storagesOfNode[n].end());
  llvm::sort(storages);
  storages.erase(std::unique(storages.begin(), storages.end()),
                 storages.end());
  return storages;
}
