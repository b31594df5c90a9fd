//===- TrainingStep.cpp - Forward and backward as one function ------------===//

#include "fx/Compiler/TrainingStep.h"
#include "fx/IR/FXDialect.h"
#include "fx/Lowering/Kernels/Passes.h"

using namespace mlir;
using namespace mlir::fx;

static bool hasStaticSizes(const std::vector<BufferDescription> &buffers) {
  return llvm::none_of(
      buffers, [](const BufferDescription &buffer) { return buffer.isDynamic(); });
}

/// The place of the forward's saved result, or else argument, of this name.
static std::optional<int64_t> findSource(const FunctionDescription &forward,
                                         StringRef name) {
  for (auto [i, result] : llvm::enumerate(forward.results))
    if (result.role == role::saved && result.name == name)
      return i;
  for (auto [i, argument] : llvm::enumerate(forward.arguments))
    if (argument.name == name)
      return -1 - static_cast<int64_t>(i);
  return std::nullopt;
}

static std::optional<FunctionDescription>
request(func::FuncOp backwardOp, const FunctionDescription &forward,
        const FunctionDescription &backward) {
  if (!hasStaticSizes(forward.arguments) || !hasStaticSizes(forward.results) ||
      !hasStaticSizes(backward.arguments) || !hasStaticSizes(backward.results))
    return std::nullopt;
  FunctionDescription step;
  step.name = getStepName(backward.name);
  step.ownsResults = true;
  step.arguments = forward.arguments;
  SmallVector<int64_t> sources, kept;
  for (const BufferDescription &argument : backward.arguments) {
    if (argument.role == role::tangent) {
      sources.push_back(kStepOwnArgument);
      step.arguments.push_back(argument);
      continue;
    }
    std::optional<int64_t> source = findSource(forward, argument.name);
    if (!source)
      return std::nullopt;
    sources.push_back(*source);
  }
  for (auto [i, result] : llvm::enumerate(forward.results)) {
    if (result.role == role::saved)
      continue;
    kept.push_back(i);
    step.results.push_back(result);
  }
  llvm::append_range(step.results, backward.results);

  Builder b(backwardOp.getContext());
  backwardOp->setAttr(kStepForwardAttr,
                      FlatSymbolRefAttr::get(b.getContext(), forward.name));
  backwardOp->setAttr(kStepArgumentsAttr, b.getDenseI64ArrayAttr(sources));
  backwardOp->setAttr(kStepResultsAttr, b.getDenseI64ArrayAttr(kept));
  return step;
}

std::vector<FunctionDescription>
fx::requestTrainingSteps(ModuleOp module,
                         const ModelDescription &description) {
  std::vector<FunctionDescription> steps;
  for (const FunctionDescription &backward : description.functions) {
    StringRef prefix = backward.name;
    if (!prefix.consume_back("backward"))
      continue;
    const FunctionDescription *forward =
        description.find((prefix + "forward").str());
    std::string name = getStepName(backward.name);
    if (!forward || module.lookupSymbol(name) ||
        module.lookupSymbol(name + "_result_sizes"))
      continue;
    if (auto step = request(module.lookupSymbol<func::FuncOp>(backward.name),
                            *forward, backward))
      steps.push_back(std::move(*step));
  }
  return steps;
}
