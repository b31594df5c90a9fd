//===- PartitionGraph.cpp - From a joint graph to its partition -----------===//

#include "Session.h"
#include "fx/CAPI/FXMLIR.h"
#include "fx/Import/GraphImporter.h"
#include "fx/Import/JointGraphJson.h"
#include "fx/Partition/Passes.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <cstring>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::capi;

/// The report of the partition; false with `error` set.
static bool partitionGraph(StringRef text, StringRef options,
                           std::string &report, std::string &error) {
  auto graph = readJointGraph(text, "graph");
  if (!graph) {
    error = llvm::toString(graph.takeError());
    return false;
  }
  std::unique_ptr<MLIRContext> context = makeContext();
  ErrorCollector errors(context.get());
  auto fail = [&] {
    error = errors.takeText();
    return false;
  };
  OwningOpRef<ModuleOp> module =
      ModuleOp::create(UnknownLoc::get(context.get()));
  OpBuilder builder = OpBuilder::atBlockBegin(module->getBody());
  if (failed(importGraph(builder, *graph, "joint")) || failed(verify(*module)))
    return fail();

  std::unique_ptr<Pass> pass = createPartitionPass(report);
  auto onError = [&](const Twine &message) {
    error = message.str();
    return failure();
  };
  if (failed(pass->initializeOptions(options, onError)))
    return false;
  PassManager pm(context.get());
  pm.addPass(std::move(pass));
  pm.addPass(createVerifyPartitionPass());
  if (failed(pm.run(*module)))
    return fail();
  if (!StringRef(report).starts_with("{")) {
    error = "the graph has no tangents: there is nothing to partition";
    return false;
  }
  return true;
}

char *fx_partition_graph(const char *text, size_t length, const char *options,
                         size_t optionsLength, char **error) {
  std::string report, message;
  bool ok = partitionGraph(
      text ? StringRef(text, length) : StringRef(),
      options ? StringRef(options, optionsLength) : StringRef(), report,
      message);
  if (!ok && error)
    *error = strdup(message.c_str());
  return ok ? strdup(report.c_str()) : nullptr;
}
