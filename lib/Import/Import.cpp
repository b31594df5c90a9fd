//===- Import.cpp - Graph files as fx modules -----------------------------===//

#include "fx/Import/Import.h"

#include "fx/IR/FXOps.h"
#include "fx/Import/GraphImporter.h"
#include "fx/Import/JointGraphJson.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <tuple>

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::OutputSpec;
using graph::ValueMeta;

std::optional<LossChoice> LossChoice::parse(StringRef text) {
  if (text == "auto")
    return LossChoice{Kind::Auto, 0};
  if (text == "none")
    return LossChoice{Kind::None, 0};
  LossChoice choice{Kind::Index, 0};
  if (text.getAsInteger(10, choice.index))
    return std::nullopt;
  return choice;
}

void fx::registerImportDialects(DialectRegistry &registry) {
  registry.insert<FXDialect, arith::ArithDialect, func::FuncDialect,
                  math::MathDialect, tensor::TensorDialect>();
}

static void loadDialects(MLIRContext *context) {
  DialectRegistry registry;
  registerImportDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();
}

static OwningOpRef<ModuleOp> importIntoModule(MLIRContext *context,
                                              const graph::Graph &graph,
                                              StringRef name) {
  loadDialects(context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  auto builder = OpBuilder::atBlockEnd(module->getBody());
  if (failed(importGraph(builder, graph, name)) || failed(verify(*module)))
    return nullptr;
  return module;
}

static bool isScalarFloat(const graph::Graph &graph, const Argument &output) {
  auto it = graph.values.find(output.text);
  return output.is(Argument::Kind::Value) && it != graph.values.end() &&
         it->second.kind == ValueMeta::Kind::Tensor &&
         it->second.tensor.sizes.empty() &&
         StringRef(it->second.tensor.dtype).contains("float");
}

/// Marks the output that is the loss; false if there is no output `index`.
static bool chooseLoss(ExportedProgram &program, const LossChoice &choice) {
  graph::Graph &graph = program.graph;
  SmallVector<unsigned> outputs;
  for (auto [index, spec] : llvm::enumerate(graph.outputSpecs)) {
    if (spec.role == OutputSpec::Role::Output)
      outputs.push_back(index);
    else if (spec.role == OutputSpec::Role::Loss &&
             choice.kind == LossChoice::Kind::Auto)
      return true;
  }
  auto mark = [&](unsigned index) {
    graph.outputSpecs[index].role = OutputSpec::Role::Loss;
  };
  switch (choice.kind) {
  case LossChoice::Kind::None:
    return true;
  case LossChoice::Kind::Index:
    if (choice.index >= outputs.size())
      return false;
    mark(outputs[choice.index]);
    return true;
  case LossChoice::Kind::Auto:
    break;
  }
  bool isTraining = llvm::is_contained(program.verifiers, "TRAINING");
  bool needsGradient =
      llvm::any_of(graph.inputs, [&](const Argument &input) {
        auto it = graph.values.find(input.text);
        return it != graph.values.end() && it->second.tensor.requiresGrad;
      });
  if (isTraining && needsGradient && outputs.size() == 1 &&
      isScalarFloat(graph, graph.outputs[outputs.front()]))
    mark(outputs.front());
  return true;
}

/// Names of one shared parameter become one: the first, as in PyTorch's
/// `named_parameters()`. Its gradient is then that of all uses. The arguments
/// of the other names stay, without uses.
static void mergeTiedParameters(func::FuncOp function,
                                const ExportedProgram &program) {
  llvm::StringMap<const Weight *> weights;
  for (const Weight &weight : program.weights)
    weights[weight.name] = &weight;
  // (storage, offset, sizes, strides) -> the first argument.
  using Place = std::tuple<StringRef, int64_t, std::vector<int64_t>,
                           std::vector<int64_t>>;
  std::map<Place, BlockArgument> parameters;
  for (auto [index, argument] : llvm::enumerate(function.getArguments())) {
    const Weight *weight = weights.lookup(getArgName(function, index));
    if (getArgRole(function, index) != role::parameter || !weight)
      continue;
    Place place{weight->path, weight->meta.offset.expr.value, {}, {}};
    for (const graph::SymInt &size : weight->meta.sizes)
      std::get<2>(place).push_back(size.expr.value);
    for (const graph::SymInt &stride : weight->meta.strides)
      std::get<3>(place).push_back(stride.expr.value);
    auto [first, isNew] = parameters.try_emplace(place, argument);
    if (!isNew && first->second.getType() == argument.getType())
      argument.replaceAllUsesWith(first->second);
  }
}

OwningOpRef<ModuleOp> fx::importProgram(MLIRContext *context,
                                        ExportedProgram &program,
                                        const ImportPt2Options &options) {
  if (!chooseLoss(program, options.loss)) {
    emitError(UnknownLoc::get(context))
        << "the program has no output " << options.loss.index;
    return nullptr;
  }
  bool isJoint = llvm::any_of(
      program.graph.outputSpecs, [](const OutputSpec &spec) {
        return spec.role == OutputSpec::Role::Gradient;
      });
  std::string name = options.functionName;
  if (name.empty())
    name = isJoint ? "joint" : "main";
  OwningOpRef<ModuleOp> module =
      importIntoModule(context, program.graph, name);
  // The gradients of a joint graph are PyTorch's.
  if (module && !isJoint)
    for (auto function : module->getOps<func::FuncOp>())
      mergeTiedParameters(function, program);
  return module;
}

OwningOpRef<ModuleOp> fx::importPt2(MLIRContext *context,
                                    const Pt2Archive &archive,
                                    const ImportPt2Options &options) {
  llvm::Expected<ExportedProgram> program =
      readExportedProgram(archive, options);
  if (!program) {
    emitError(UnknownLoc::get(context), llvm::toString(program.takeError()));
    return nullptr;
  }
  return importProgram(context, *program, options);
}

OwningOpRef<ModuleOp> fx::importFXJson(MLIRContext *context, StringRef text,
                                       StringRef name) {
  llvm::Expected<graph::Graph> graph = readJointGraph(text, name);
  if (!graph) {
    emitError(UnknownLoc::get(context), llvm::toString(graph.takeError()));
    return nullptr;
  }
  return importIntoModule(context, *graph, "joint");
}
