//===- fx-opt.cpp - Runs passes and pipelines on fx modules ---------------===//

#include "fx/Compiler/Explain.h"
#include "fx/Compiler/Registration.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
namespace cl = llvm::cl;

/// MLIR's main with `config` in the place of the one that it makes.
static LogicalResult run(DialectRegistry &registry,
                         const MlirOptMainConfig &config, StringRef inputPath,
                         StringRef outputPath) {
  std::string message;
  auto input = openInputFile(inputPath, &message);
  auto output = input ? openOutputFile(outputPath, &message) : nullptr;
  if (!output) {
    llvm::errs() << message << "\n";
    return failure();
  }
  if (failed(MlirOptMain(output->os(), std::move(input), registry, config)))
    return failure();
  output->keep();
  return success();
}

/// Runs with every pass manager watched, and writes the report also after an
/// error.
static LogicalResult runExplained(DialectRegistry &registry,
                                  StringRef inputPath, StringRef outputPath,
                                  StringRef reportPath) {
  fx::Explain explain;
  const MlirOptMainConfig parsed = MlirOptMainConfig::createFromCLOptions();
  MlirOptMainConfig config = parsed;
  config.setPassPipelineSetupFn([&](PassManager &pm) -> LogicalResult {
    explain.watch(pm);
    return parsed.setupPassPipeline(pm);
  });
  LogicalResult status = run(registry, config, inputPath, outputPath);
  if (llvm::Error error = explain.write(reportPath)) {
    llvm::errs() << "fx-opt: " << llvm::toString(std::move(error)) << "\n";
    return failure();
  }
  return status;
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  fx::registerAll(registry);
  cl::opt<std::string> explain(
      "fx-explain",
      cl::desc("Tell what each pass changed, and by which pattern: as text to "
               "stderr or to a file, as a page to a file named .html"),
      cl::value_desc("file"), cl::ValueOptional);
  auto [inputPath, outputPath] = registerAndParseCLIOptions(
      argc, argv, "fx-opt: the fx-mlir driver\n", registry);
  if (!explain.getNumOccurrences())
    return asMainReturnCode(
        MlirOptMain(argc, argv, inputPath, outputPath, registry));
  llvm::InitLLVM init(argc, argv);
  return asMainReturnCode(
      runExplained(registry, inputPath, outputPath, explain));
}
