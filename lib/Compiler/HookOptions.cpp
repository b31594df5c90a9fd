//===- HookOptions.cpp - Command-line options for hooks -------------------===//

#include "fx/Compiler/HookOptions.h"
#include "fx/Compiler/Pipelines.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;
using namespace mlir::fx;
namespace cl = llvm::cl;

HookOptions::HookOptions(cl::OptionCategory &category)
    : preGrad("pre-grad",
              cl::desc("Hooks of the stage, as fx-opt's --pre-grad takes them"),
              cl::value_desc("options"), cl::cat(category)),
      jointGraph("joint-graph",
                 cl::desc("Hooks of the stage, as fx-opt's --joint-graph"),
                 cl::value_desc("options"), cl::cat(category)),
      postGrad("post-grad",
               cl::desc("Hooks of the stage, as fx-opt's --post-grad"),
               cl::value_desc("options"), cl::cat(category)),
      lowering("fx-to-linalg",
               cl::desc("Passes left out, as fx-opt's --fx-to-linalg"),
               cl::value_desc("options"), cl::cat(category)),
      passPlugins("load-pass-plugin",
                  cl::desc("A library with passes that hooks can name"),
                  cl::value_desc("file"), cl::cat(category)),
      explainPath("fx-explain",
                  cl::desc("Tell what each pass changed, and by which "
                           "pattern: as text to stderr or to a file, as a "
                           "page to a file named .html"),
                  cl::value_desc("file"), cl::ValueOptional,
                  cl::cat(category)),
      verifyEach("fx-verify-each",
                 cl::desc("Interpret functions before and after each pass and "
                          "name the first one that changes a number; rounded: "
                          "with rounding to types"),
                 cl::value_desc("numeric|rounded"), cl::cat(category)) {}

llvm::Error HookOptions::finish() {
  bool changed = !verifyEach.empty() && failed(verifyNumeric.finish());
  if (explainPath.getNumOccurrences())
    if (llvm::Error error = explain.write(explainPath))
      return error;
  return changed ? llvm::createStringError("a pass changes a number")
                 : llvm::Error::success();
}

llvm::Error HookOptions::apply(CompileOptions &options) {
  if (!verifyEach.empty())
    if (llvm::Error error = verifyNumeric.setMode(verifyEach))
      return error;
  if (explainPath.getNumOccurrences() || !verifyEach.empty())
    options.watch = [this](PassManager &pm) {
      if (explainPath.getNumOccurrences())
        explain.watch(pm);
      if (!verifyEach.empty())
        verifyNumeric.watch(pm);
    };
  for (const std::string &path : passPlugins) {
    llvm::Expected<PassPlugin> plugin = PassPlugin::load(path);
    if (!plugin)
      return plugin.takeError();
    plugin->registerPassRegistryCallbacks();
  }
  std::string message;
  auto onError = [&](const Twine &text) -> LogicalResult {
    message = text.str();
    return failure();
  };
  CustomPasses &custom = options.custom;
  if (failed(parseStageHooks(Stage::PreGrad, preGrad, custom.preGrad,
                             onError)) ||
      failed(parseStageHooks(Stage::JointGraph, jointGraph, custom.jointGraph,
                             onError)) ||
      failed(parseStageHooks(Stage::PostGrad, postGrad, custom.postGrad,
                             onError)) ||
      failed(parseStageHooks(Stage::Lowering, lowering, custom.lowering,
                             onError)))
    return llvm::createStringError(message);
  return llvm::Error::success();
}
