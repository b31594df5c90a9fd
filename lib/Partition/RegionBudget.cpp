//===- RegionBudget.cpp - Budgets of parts of a joint function ------------===//

#include "fx/Partition/RegionBudget.h"
#include "fx/Partition/PeakBudget.h"
#include "fx/Partition/Rules.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::fx;

FailureOr<RegionBudgets> RegionBudgets::read(const JointFunction &joint) {
  RegionBudgets result;
  result.regionOf.assign(joint.graph.size(), none);
  func::FuncOp function = joint.function;
  Attribute attr = function->getAttr(kRegionBudgetsAttr);
  if (!attr)
    return result;
  auto budgets = dyn_cast<DictionaryAttr>(attr);
  if (!budgets)
    return emitErrorOn(function, "has no dictionary as '")
           << kRegionBudgetsAttr << "'";
  llvm::StringMap<unsigned> indexOf;
  for (NamedAttribute budget : budgets) {
    std::optional<int64_t> bytes = getByteSize(budget.getValue());
    if (!bytes)
      return emitErrorOn(function, "has the budget ")
             << budget.getValue() << " for the region '"
             << budget.getName().getValue()
             << "': expected a number of bytes such as 1048576 or \"1MiB\"";
    indexOf[budget.getName()] = result.budgets.size();
    result.budgets.push_back({budget.getName().str(), *bytes});
  }
  for (NodeId n = 0; n < joint.graph.size(); ++n) {
    Operation *op = joint.ops[n];
    auto region = op ? op->getAttrOfType<StringAttr>(kRegionAttr) : StringAttr();
    if (!region)
      continue;
    if (auto it = indexOf.find(region); it != indexOf.end())
      result.regionOf[n] = it->second;
  }
  return result;
}

FailureOr<bool> RegionBudgets::constrain(JointFunction &joint,
                                         ArrayRef<NodeId> saved) {
  JointGraph &graph = joint.graph;
  llvm::BitVector isOutput(graph.size());
  for (NodeId n : graph.forwardOutputs)
    isOutput.set(n);
  auto isFixed = [&](NodeId n) {
    return graph[n].policy == RematPolicy::MustSave ||
           hasAny(graph[n].classes, RematClass::Draws);
  };
  bool isAbove = false;
  for (unsigned region = 0; region < budgets.size(); ++region) {
    RegionBudget &budget = budgets[region];
    budget.savedBytes = 0;
    int64_t fixedBytes = 0;
    SmallVector<NodeId> candidates;
    NodeId largestFixed = graph.size();
    for (NodeId n : saved) {
      if (regionOf[n] != region || isOutput.test(n))
        continue;
      int64_t bytes = graph[n].bytes;
      budget.savedBytes += bytes;
      if (!isFixed(n)) {
        candidates.push_back(n);
        continue;
      }
      fixedBytes += bytes;
      if (largestFixed == graph.size() || bytes > graph[largestFixed].bytes)
        largestFixed = n;
    }
    if (budget.savedBytes <= budget.bytes)
      continue;
    if (fixedBytes > budget.bytes)
      return emitError(joint.getLoc(largestFixed))
             << "region '" << budget.name << "' cannot be kept within "
             << budget.bytes << " bytes: " << fixedBytes
             << " bytes have to be saved, '" << graph[largestFixed].name
             << "' among them";
    isAbove = true;
    llvm::BitVector kept(graph.size());
    for (NodeId n : chooseWithin(graph, candidates, budget.bytes - fixedBytes))
      kept.set(n);
    for (NodeId n = 0; n < graph.size(); ++n)
      if (regionOf[n] == region && !kept.test(n) && !isOutput.test(n) &&
          !isFixed(n))
        graph.nodes[n].policy = RematPolicy::MustRecompute;
  }
  return isAbove;
}
