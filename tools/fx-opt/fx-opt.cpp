//===- fx-opt.cpp - Runs passes and pipelines on fx modules ---------------===//

#include "fx/Compiler/Explain.h"
#include "fx/Compiler/Registration.h"
#include "fx/Compiler/VerifyNumeric.h"
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

namespace {
struct WatchOptions {
  cl::opt<std::string> explain{
      "fx-explain",
      cl::desc("Tell what each pass changed, and by which pattern: as text to "
               "stderr or to a file, as a page to a file named .html"),
      cl::value_desc("file"), cl::ValueOptional};
  cl::opt<std::string> verifyEach{
      "fx-verify-each",
      cl::desc("Interpret functions before and after each pass and name the "
               "first one that changes a number; rounded: with rounding "
               "to types"),
      cl::value_desc("numeric|rounded")};

  bool explains() const { return explain.getNumOccurrences(); }
  bool verifies() const { return verifyEach.getNumOccurrences(); }
};
} // namespace

/// Runs with every pass manager watched, and reports also after an error.
static LogicalResult runWatched(DialectRegistry &registry, StringRef inputPath,
                                StringRef outputPath,
                                const WatchOptions &options) {
  fx::Explain explain;
  fx::VerifyNumeric verifyNumeric;
  if (options.verifies())
    if (llvm::Error error = verifyNumeric.setMode(options.verifyEach)) {
      llvm::errs() << "fx-opt: " << llvm::toString(std::move(error)) << "\n";
      return failure();
    }
  const MlirOptMainConfig parsed = MlirOptMainConfig::createFromCLOptions();
  MlirOptMainConfig config = parsed;
  config.setPassPipelineSetupFn([&](PassManager &pm) -> LogicalResult {
    if (options.explains())
      explain.watch(pm);
    if (options.verifies())
      verifyNumeric.watch(pm);
    return parsed.setupPassPipeline(pm);
  });
  LogicalResult status = run(registry, config, inputPath, outputPath);
  if (options.verifies() && failed(verifyNumeric.finish()))
    status = failure();
  if (!options.explains())
    return status;
  if (llvm::Error error = explain.write(options.explain)) {
    llvm::errs() << "fx-opt: " << llvm::toString(std::move(error)) << "\n";
    return failure();
  }
  return status;
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  fx::registerAll(registry);
  WatchOptions options;
  auto [inputPath, outputPath] = registerAndParseCLIOptions(
      argc, argv, "fx-opt: the fx-mlir driver\n", registry);
  if (!options.explains() && !options.verifies())
    return asMainReturnCode(
        MlirOptMain(argc, argv, inputPath, outputPath, registry));
  llvm::InitLLVM init(argc, argv);
  return asMainReturnCode(
      runWatched(registry, inputPath, outputPath, options));
}
