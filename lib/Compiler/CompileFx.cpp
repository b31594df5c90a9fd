//===- CompileFx.cpp - From an fx module to code --------------------------===//

#include "fx/Compiler/CompileFx.h"
#include "fx/Compiler/Pipelines.h"
#include "fx/Compiler/TrainingStep.h"
#include "fx/IR/FXDialect.h"
#include "fx/Lowering/Kernels/Passes.h"
#include "fx/Lowering/Passes.h"
#include "fx/Partition/Passes.h"
#include "fx/Support/ProgressBar.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <chrono>

using namespace mlir;
using namespace mlir::fx;

static constexpr std::pair<Stage, llvm::StringLiteral> stageNames[] = {
    {Stage::Import, "import"},         {Stage::PreGrad, "pre-grad"},
    {Stage::Autodiff, "autodiff"},     {Stage::JointGraph, "joint-graph"},
    {Stage::Partition, "partition"},   {Stage::PostGrad, "post-grad"},
    {Stage::Lowering, "lowering"},     {Stage::Target, "target"}};

StringRef fx::getStageName(Stage stage) {
  for (auto [candidate, name] : stageNames)
    if (candidate == stage)
      return name;
  llvm_unreachable("unknown stage");
}

std::optional<Stage> fx::parseStage(StringRef name) {
  for (auto [stage, candidate] : stageNames)
    if (candidate == name)
      return stage;
  return std::nullopt;
}

llvm::Expected<Stage> fx::parseStopAfter(StringRef name) {
  std::optional<Stage> stage = parseStage(name);
  if (!stage || *stage > Stage::PostGrad)
    return llvm::createStringError(
        "--stop-after must be import, pre-grad, autodiff, joint-graph, "
        "partition or post-grad, not " +
        name);
  return *stage;
}

namespace {
/// Runs the stages of one module one after the other.
class StageRunner {
public:
  StageRunner(ModuleOp module, const CompileOptions &options)
      : module(module), options(options) {}

  /// Runs one stage; `build` appends its passes. A stage beyond
  /// `options.stopAfter` is not run.
  LogicalResult
  run(Stage stage,
      llvm::function_ref<LogicalResult(OpPassManager &, ErrorHandler)> build) {
    if (stage > options.stopAfter)
      return success();
    auto begin = std::chrono::steady_clock::now();
    if (options.cpu.progress)
      options.cpu.progress->startStage(getStageName(stage));
    PassManager pm(module.getContext());
    pm.enableVerifier(options.cpu.verifyPasses);
    auto onError = [&](const Twine &message) -> LogicalResult {
      return module.emitError(message);
    };
    if (failed(build(pm, onError)))
      return failure();
    if (options.watch)
      options.watch(pm);
    if (failed(pm.run(module)))
      return failure();
    std::chrono::duration<double, std::milli> time =
        std::chrono::steady_clock::now() - begin;
    if (options.printTimes)
      llvm::errs() << llvm::formatv("{0,-12} {1,8:f1} ms\n",
                                    getStageName(stage), time.count());
    if (options.statistics)
      options.statistics->times.emplace_back(getStageName(stage).str(),
                                             time.count());
    return success();
  }

private:
  ModuleOp module;
  const CompileOptions &options;
};
} // namespace

/// Whether attention stays one op: the CPU has kernels for it, linalg for
/// other tools is upstream IR alone.
static bool fusesAttention(const CompileOptions &options) {
  return options.target == "cpu" && options.stopAfter != Stage::Lowering;
}

/// The stages up to PostGrad.
static LogicalResult runGraphStages(ModuleOp module, StageRunner &runner,
                                    const CompileOptions &options) {
  bool isJoint = hasTangents(module);
  bool isInference = !isJoint && !options.training;
  CustomPasses custom = options.custom;
  custom.jointGraph.target = custom.postGrad.target = options.target;
  if (!isJoint &&
      failed(runner.run(Stage::PreGrad, [&](OpPassManager &pm, ErrorHandler onError) {
        return buildPreGradStage(pm, custom.preGrad, onError);
      })))
    return failure();
  if (!isJoint && !isInference &&
      failed(runner.run(Stage::Autodiff, [&](OpPassManager &pm, ErrorHandler) {
        return buildAutodiffStage(pm, fusesAttention(options));
      })))
    return failure();
  if (failed(runner.run(Stage::JointGraph, [&](OpPassManager &pm, ErrorHandler onError) {
        return buildJointGraphStage(pm, custom.jointGraph, onError,
                                    fusesAttention(options));
      })))
    return failure();
  if (!isInference &&
      failed(runner.run(Stage::Partition, [&](OpPassManager &pm, ErrorHandler onError) {
        if (failed(buildPartitionStage(pm, options.partition,
                                       custom.partition, onError)))
          return failure();
        SaveSourcesPassOptions saveOptions;
        // Whoever calls both functions has the arguments: no copies of weights.
        saveOptions.passArguments = true;
        pm.addPass(createSaveSourcesPass(saveOptions));
        return success();
      })))
    return failure();
  return runner.run(Stage::PostGrad, [&](OpPassManager &pm, ErrorHandler onError) {
    if (failed(buildPostGradStage(pm, custom.postGrad, isInference, onError)))
      return failure();
    pm.addNestedPass<func::FuncOp>(createSeedsToArgumentsPass());
    return success();
  });
}

static LogicalResult runLowering(StageRunner &runner,
                                 const CompileOptions &options) {
  // On a GPU a check of indices would wait for the device.
  bool assertIndices = options.target == "cpu";
  return runner.run(Stage::Lowering, [&](OpPassManager &pm,
                                         ErrorHandler onError) {
    return buildLoweringStage(pm, options.custom.lowering, onError,
                              assertIndices, fusesAttention(options));
  });
}

LogicalResult fx::runStages(ModuleOp module, const CompileOptions &options) {
  StageRunner runner(module, options);
  if (failed(runGraphStages(module, runner, options)))
    return failure();
  return runLowering(runner, options);
}

//===----------------------------------------------------------------------===//
// Description
//===----------------------------------------------------------------------===//

/// numpy's name of an element type.
static std::string getDtypeName(Type element) {
  if (element.isBF16())
    return "bfloat16";
  if (isa<FloatType>(element))
    return "float" + std::to_string(element.getIntOrFloatBitWidth());
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return "unknown";
  if (integer.getWidth() == 1)
    return "bool";
  return (integer.isUnsigned() ? "uint" : "int") +
         std::to_string(integer.getWidth());
}

static BufferDescription describeType(Type type) {
  BufferDescription buffer;
  auto tensor = dyn_cast<RankedTensorType>(type);
  buffer.isTensor = bool(tensor);
  buffer.dtype = getDtypeName(tensor ? tensor.getElementType() : type);
  if (tensor)
    for (int64_t size : tensor.getShape())
      buffer.shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return buffer;
}

static FunctionDescription describeFunction(func::FuncOp function) {
  FunctionDescription description;
  description.name = function.getName().str();
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    BufferDescription buffer = describeType(type);
    buffer.name = getArgName(function, i).str();
    buffer.role = getArgRole(function, i).str();
    description.arguments.push_back(std::move(buffer));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    BufferDescription buffer = describeType(type);
    buffer.name = getResultName(function, i).str();
    buffer.role = getResultRole(function, i).str();
    if (auto mutated =
            function.getResultAttrOfType<StringAttr>(i, kMutatesAttr))
      buffer.mutates = mutated.getValue().str();
    description.results.push_back(std::move(buffer));
  }
  return description;
}

ModelDescription fx::describeModule(ModuleOp module, StringRef name,
                                    const CompileOptions &options) {
  ModelDescription description;
  description.name = toIdentifier(name);
  description.mode = hasTangents(module) ? "training" : "inference";
  description.target = options.target;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      description.functions.push_back(describeFunction(function));
  return description;
}

/// Whether compiled code has a layout for values of this type.
static bool isPassable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  Type element = tensor ? tensor.getElementType() : type;
  if (auto complex = dyn_cast<ComplexType>(element))
    element = complex.getElementType();
  if (!element.isIntOrFloat())
    return false;
  unsigned width = element.getIntOrFloatBitWidth();
  return width == 1 || width == 8 || width == 16 || width == 32 || width == 64;
}

/// Whether sizes computed from those of this type fit in 64 bits.
static bool isTooLarge(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasRank())
    return false;
  constexpr int64_t maxElements = int64_t(1) << 48;
  int64_t elements = 1;
  for (int64_t size : shaped.getShape()) {
    if (ShapedType::isDynamic(size) || size == 0)
      continue;
    if (size > maxElements / elements)
      return true;
    elements *= size;
  }
  return false;
}

static LogicalResult checkSizes(ModuleOp module) {
  WalkResult result = module.walk([](Operation *op) -> WalkResult {
    for (Type type : op->getResultTypes())
      if (isTooLarge(type))
        return op->emitOpError("has the result ") << type << ", too large";
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Type type : block.getArgumentTypes())
          if (isTooLarge(type))
            return op->emitOpError("has the argument ")
                   << type << ", too large";
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Checks that every function can be called from C.
static LogicalResult checkInterface(ModuleOp module) {
  llvm::StringSet<> names;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isExternal())
      continue;
    StringRef name = function.getName();
    if (toIdentifier(name) != name)
      return function.emitError("the function '")
             << name << "' cannot be compiled: its name is no C identifier";
    for (std::string symbol : {name.str(), name.str() + "_result_sizes"})
      if (!names.insert(symbol).second)
        return function.emitError("the function '")
               << name << "' cannot be compiled: code has the symbol '"
               << symbol << "' twice";
    auto check = [&](TypeRange types, StringRef what) -> LogicalResult {
      for (auto [i, type] : llvm::enumerate(types))
        if (!isPassable(type))
          return function.emitError("the function '")
                 << name << "' cannot be compiled: its " << what << " " << i
                 << " is " << type
                 << ", and neither a ranked tensor nor a scalar of 1, 8, 16, "
                    "32 or 64 bits";
      return success();
    };
    if (failed(check(function.getArgumentTypes(), "argument")) ||
        failed(check(function.getResultTypes(), "result")))
      return failure();
  }
  return success();
}

/// Marks the arguments of inference functions that `freezing` is about.
static void freezeArguments(ModuleOp module,
                            const ModelDescription &description) {
  if (description.mode != "inference")
    return;
  for (const FunctionDescription &function : description.functions) {
    auto op = module.lookupSymbol<func::FuncOp>(function.name);
    for (auto [i, argument] : llvm::enumerate(function.arguments)) {
      bool isWeight = argument.role == role::parameter ||
                      argument.role == role::buffer ||
                      argument.role == role::constant;
      const std::string &name = argument.name;
      bool isMutated = llvm::any_of(function.results, [&](const auto &result) {
        return result.mutates == name;
      });
      if (isWeight && !isMutated)
        op.setArgAttr(i, kFrozenAttr, UnitAttr::get(module.getContext()));
    }
  }
}

FailureOr<CompiledFx> fx::compileFx(ModuleOp module, StringRef name,
                                    const CompileOptions &options) {
  if (options.target != "cpu" && options.target != "nvptx")
    return module.emitError("unknown target '")
           << options.target << "'; the targets are cpu and nvptx";
  if (failed(checkInterface(module)) || failed(checkSizes(module)))
    return failure();
  StageRunner runner(module, options);
  if (failed(runGraphStages(module, runner, options)))
    return failure();
  CompiledFx result;
  result.description = describeModule(module, name, options);
  if (result.description.functions.empty())
    return module.emitError("the module has no public function to compile");
  if (options.trainingStep && options.target == "cpu")
    llvm::append_range(result.description.functions,
                       requestTrainingSteps(module, result.description));
  if (failed(runLowering(runner, options)))
    return failure();
  if (options.freezing)
    freezeArguments(module, result.description);
  CompileStatistics own;
  cpu::CPUOptions host = options.cpu;
  if (!host.statistics)
    host.statistics = &own;
  FailureOr<std::unique_ptr<cpu::CompiledModule>> code = failure();
  if (options.target == "nvptx") {
    nvptx::NVPTXOptions nvptxOptions = options.nvptx;
    nvptxOptions.host = host;
    code = nvptx::compileForNVPTX(module, nvptxOptions, &result.ptx);
  } else {
    code = cpu::compileForCPU(module, host);
  }
  if (failed(code))
    return failure();
  for (FunctionDescription &function : result.description.functions)
    for (const auto &[name, bytes] : host.statistics->workspaces)
      if (function.name == name)
        function.workspaceBytes = bytes;
  for (FunctionDescription &function : result.description.functions)
    for (const auto &[name, bytes] : host.statistics->threadScratch)
      if (function.name == name)
        function.scratchBytes = bytes;
  result.code = std::move(*code);
  return result;
}
