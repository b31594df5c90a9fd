//===- Partition.cpp - The min-cut partitioner as a pass ------------------===//

#include "fx/Partition/Passes.h"
#include "fx/Analysis/InlineCalls.h"
#include "fx/Partition/Page.h"
#include "fx/Support/OutputFile.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::fx {
#define GEN_PASS_DEF_PARTITIONPASS
#include "fx/Partition/Passes.h.inc"

namespace {
/// Explains an unbounded flow: some value is needed by the backward and can be
/// neither saved nor recomputed.
LogicalResult reportUnbounded(const PartitionResult &result) {
  const JointGraph &graph = result.joint.graph;
  std::vector<FlowNetwork::Vertex> path = result.solution.cut.infinitePath;
  // The first and the last vertex are source and sink.
  llvm::ArrayRef<FlowNetwork::Vertex> inner =
      llvm::ArrayRef(path).drop_front().drop_back();
  InFlightDiagnostic error =
      mlir::emitError(result.joint.getLoc(inner.front() / 2))
      << "the backward needs a value that can be neither saved nor recomputed";
  NodeId previous = graph.size();
  for (FlowNetwork::Vertex vertex : inner) {
    NodeId n = vertex / 2;
    if (n == previous)
      continue;
    Diagnostic &note = error.attachNote(result.joint.getLoc(n));
    note << "'" << graph[n].name << "'";
    if (previous == graph.size())
      note << " may not be recomputed: " << describe(result.solution.banned[n]);
    else
      note << " depends on '" << graph[previous].name << "'";
    if (graph[n].policy == RematPolicy::MustRecompute)
      note << " and must be recomputed";
    else if (result.info.tangentsClosure.test(n))
      note << " and belongs to the backward";
    else if (graph[n].valueKind == JointNode::ValueKind::Tuple ||
             graph[n].valueKind == JointNode::ValueKind::None)
      note << " and is no single value that could be saved";
    previous = n;
  }
  return error;
}

struct PartitionPass : impl::PartitionPassBase<PartitionPass> {
  using PartitionPassBase::PartitionPassBase;
  explicit PartitionPass(std::string *reportText) : reportText(reportText) {}

  void runOnOperation() override {
    if (mode != "default" && mode != "aggressive") {
      getOperation().emitError("unknown mode '")
          << mode << "': expected 'default' or 'aggressive'";
      return signalPassFailure();
    }
    if (!(memoryBudget >= 0 && memoryBudget <= 1)) {
      getOperation().emitError("memory-budget is ")
          << memoryBudget << ": expected a number from 0 to 1";
      return signalPassFailure();
    }
    if (failed(parseBudget()))
      return signalPassFailure();
    SmallVector<func::FuncOp> functions;
    if (failed(findFunctions(functions)))
      return signalPassFailure();
    // A search refers to the result that it is part of.
    std::vector<PartitionResult> results;
    results.reserve(functions.size());
    for (func::FuncOp function : functions) {
      results.emplace_back();
      if (failed(chooseNames(function, results.back())) ||
          failed(partition(function, results.back())))
        return signalPassFailure();
    }
    if (!report.empty() && failed(writeReports(results)))
      return signalPassFailure();
    if (reportText) {
      llvm::raw_string_ostream os(*reportText);
      writeReportsTo(os, results, /*network=*/true);
    }
    if (!partitionReport.empty() && failed(writePageFile(results)))
      return signalPassFailure();
    if (summary)
      for (const PartitionResult &result : results)
        printSummary(llvm::errs(), result);
    if (!keepJoint)
      for (func::FuncOp function : functions)
        function.erase();
    if (hasCalls) {
      SymbolTable symbols(getOperation());
      eraseUnusedFunctions(getOperation(), symbols);
    }
  }

private:
  LogicalResult parseBudget() {
    Operation *module = getOperation();
    if (budgetMode != "exact" && budgetMode != "improved")
      return module->emitError("unknown budget-mode '")
             << budgetMode << "': expected 'exact' or 'improved'";
    if (gflops <= 0 || bandwidth <= 0)
      return module->emitError("gflops and bandwidth must be positive");
    model.flopsPerNanosecond = gflops;
    model.bytesPerMicrosecond = bandwidth;
    using Objective = CostModel::Objective;
    std::optional<Objective> known =
        llvm::StringSwitch<std::optional<Objective>>(objective)
            .Case("flops", Objective::Flops)
            .Case("fused", Objective::Fused)
            .Case("roofline", Objective::Roofline)
            .Default(std::nullopt);
    if (!known)
      return module->emitError("unknown objective '")
             << objective << "': expected 'flops', 'fused' or 'roofline'";
    model.objective = *known;
    if (peakBudget.empty())
      return success();
    if (memoryBudget != 1 || budgetMode != "exact")
      return module->emitError("peak-budget and memory-budget are two ways to "
                               "say how much may be saved: set one of them");
    peak = parseByteSize(peakBudget);
    if (!peak)
      return module->emitError("peak-budget is '")
             << peakBudget
             << "': expected a number of bytes such as 800MB or 1.5GiB";
    return success();
  }

  LogicalResult findFunctions(SmallVectorImpl<func::FuncOp> &functions) {
    ModuleOp module = getOperation();
    if (function.empty()) {
      for (auto candidate : module.getOps<func::FuncOp>())
        if (isJointFunction(candidate))
          functions.push_back(candidate);
      return success();
    }
    auto named = module.lookupSymbol<func::FuncOp>(function);
    if (!named)
      return module.emitError("no function is named '") << function << "'";
    if (!isJointFunction(named))
      return emitErrorOn(named, "is no joint function: it needs primals, and "
                                "an argument with the role 'tangent'");
    functions.push_back(named);
    return success();
  }

  /// The first function of a module gives plain names, the others their own.
  LogicalResult chooseNames(func::FuncOp joint, PartitionResult &result) {
    ModuleOp module = getOperation();
    auto isFree = [&](StringRef name) {
      Operation *symbol = module.lookupSymbol(name);
      return !symbol || (symbol == joint && !keepJoint);
    };
    std::string prefixes[] = {"", joint.getSymName().str() + "_"};
    for (const std::string &prefix : prefixes) {
      result.forwardName = prefix + "forward";
      result.backwardName = prefix + "backward";
      if (isFree(result.forwardName) && isFree(result.backwardName))
        return success();
    }
    return emitErrorOn(joint,
                       "cannot be partitioned: the module already has '")
           << result.forwardName << "' or '" << result.backwardName << "'";
  }

  LogicalResult partition(func::FuncOp function, PartitionResult &result) {
    if (!keepJoint &&
        !SymbolTable::symbolKnownUseEmpty(function, getOperation()))
      return emitErrorOn(function, "is called, and would be removed by its "
                                   "partition: set keep-joint");
    if (!function.getBody().hasOneBlock())
      return emitErrorOn(function,
                         "cannot be partitioned: it has several blocks");
    SymbolTable symbols(getOperation());
    hasCalls |= !function.getBody().front().getOps<func::CallOp>().empty();
    if (failed(inlineCalls(function, symbols)) ||
        failed(readPeakBudget(function, result)))
      return failure();
    // 4.1.1, 4.1.2
    simplifyJointFunction(function);
    FailureOr<JointFunction> joint = buildJointFunction(function, dynamicSize);
    if (failed(joint))
      return failure();
    result.joint = std::move(*joint);
    // 4.1.3 to 4.6, 4.8
    cleanupRematPolicies(result.joint.graph);
    FailureOr<RegionBudgets> regions = RegionBudgets::read(result.joint);
    if (failed(regions))
      return failure();
    result.regions = std::move(*regions);
    // A region that was above its budget is not again.
    FailureOr<bool> again = true;
    while (*again) {
      if (failed(solve(function, result)))
        return failure();
      again = result.regions.constrain(result.joint, result.extraction.saved);
      if (failed(again))
        return failure();
    }
    emitRemarks(result);
    for (StringRef name : {kRegionBudgetsAttr, kFunctionPeakBudgetAttr})
      function->removeAttr(name);
    splitJointFunction(result.joint, result.extraction, result.forwardName,
                       result.backwardName, result.peakBudget);
    return success();
  }

  /// The budget of the options, else the function's own.
  LogicalResult readPeakBudget(func::FuncOp function, PartitionResult &result) {
    result.peakBudget = peak;
    Attribute own = function->getAttr(kFunctionPeakBudgetAttr);
    if (peak || !own)
      return success();
    result.peakBudget = getByteSize(own);
    if (!result.peakBudget)
      return emitErrorOn(function, "has the peak budget ")
             << own
             << ": expected a number of bytes such as 1048576 or \"1MiB\"";
    return success();
  }

  LogicalResult solve(func::FuncOp function, PartitionResult &result) {
    JointGraph &graph = result.joint.graph;
    result.search.reset();
    result.isSearched = false;
    result.info = classify(graph);
    result.solution = solveWithBudget(
        graph, result.info,
        mode == "aggressive" ? BanOptions::aggressive() : BanOptions(),
        memoryBudget);
    switch (result.solution.cut.status) {
    case FlowNetwork::Status::Unbounded:
      return reportUnbounded(result);
    case FlowNetwork::Status::Overflow:
      return emitErrorOn(function, "cannot be partitioned: the weighted sizes "
                                   "of its values exceed 63 bits");
    case FlowNetwork::Status::Inconsistent:
      return emitErrorOn(function, "cannot be partitioned: the minimum cut and "
                                   "the maximum flow differ");
    case FlowNetwork::Status::Solved:
      break;
    }
    // 4.7
    result.extraction = extract(graph, result.info, result.solution.saved);
    if (result.extraction.missing)
      return emitErrorOn(function,
                         "cannot be partitioned: the backward needs '")
             << graph[*result.extraction.missing].name
             << "', which the cut does not save";
    result.units = buildUnitGraph(graph, result.info);
    result.cost = measure(graph, result.units, model, result.extraction);
    bool isChosen = result.peakBudget || budgetMode == "improved";
    if (isChosen || !partitionReport.empty())
      result.search = std::make_unique<PartitionSearch>(graph, result.info,
                                                        result.units, model);
    return success(!isChosen || succeeded(choose(result)));
  }

  /// Replaces functorch's answer by what the budget asks for.
  LogicalResult choose(PartitionResult &result) {
    const JointGraph &graph = result.joint.graph;
    std::optional<int64_t> peak = result.peakBudget;
    std::optional<Extraction> found = peak
                                          ? result.search->solveForPeak(*peak)
                                          : result.search->improve(result.cost);
    if (!found) {
      if (!peak)
        return success();
      return emitErrorOn(result.joint.function, "cannot be partitioned within "
                                                "a peak of ")
             << *peak << " bytes: the smallest peak found is "
             << result.search->getPoints().getSmallest().peak
             << " bytes, and no schedule is below "
             << result.search->getBound().getFloor();
    }
    result.extraction = std::move(*found);
    result.isSearched = true;
    result.cost = measure(graph, result.units, model, result.extraction);
    if (peak && result.cost.memory.peak > *peak)
      return emitErrorOn(result.joint.function,
                         "was partitioned for a peak of ")
             << *peak << " bytes, but takes " << result.cost.memory.peak;
    return success();
  }

  LogicalResult writePageFile(ArrayRef<PartitionResult> results) {
    llvm::Error error = writeOutputFile(
        partitionReport, [&](llvm::raw_pwrite_stream &file) {
          writePage(file, results, model);
        });
    if (error)
      return getOperation().emitError("cannot write the page ")
             << llvm::toString(std::move(error));
    return success();
  }

  void writeReportsTo(raw_ostream &os, ArrayRef<PartitionResult> results,
                      bool network) {
    llvm::json::OStream json(os, 1);
    if (results.size() == 1)
      writeReport(json, results.front(), network);
    else
      json.array([&] {
        for (const PartitionResult &result : results)
          writeReport(json, result, network);
      });
    json.flush();
    os << "\n";
  }

  LogicalResult writeReports(ArrayRef<PartitionResult> results) {
    llvm::Error error =
        writeOutputFile(report, [&](llvm::raw_pwrite_stream &file) {
          writeReportsTo(file, results, reportNetwork);
        });
    if (error)
      return getOperation().emitError("cannot write the report ")
             << llvm::toString(std::move(error));
    return success();
  }

  CostModel model;
  /// Whether a joint function called others, which may have no use any more.
  bool hasCalls = false;
  /// The bytes of `peak-budget`.
  std::optional<int64_t> peak;
  /// Receives the report, too; may be null.
  std::string *reportText = nullptr;
};
} // namespace

std::unique_ptr<Pass> createPartitionPass(std::string &reportText) {
  return std::make_unique<PartitionPass>(&reportText);
}
} // namespace mlir::fx
