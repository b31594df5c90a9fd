//===- Pipelines.cpp - The stages as pass pipelines -----------------------===//

#include "fx/Compiler/Pipelines.h"
#include "fx/Autodiff/Passes.h"
#include "fx/Compiler/Passes.h"
#include "fx/JointGraph/JointGraph.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Lowering/Passes.h"
#include "fx/Partition/Passes.h"
#include "fx/PostGrad/PostGrad.h"
#include "fx/PreGrad/PreGrad.h"
#include "fx/Target/NVPTX/NVPTX.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::hasTangents(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (getArgRole(function, i) == role::tangent)
        return true;
  return false;
}

namespace {
/// The passes of one stage with the user's hooks.
class HookedStage {
public:
  HookedStage(OpPassManager &pm, const StageHooks &hooks, ErrorHandler onError)
      : passes(pm, hooks.disabled, hooks.enabled), onError(onError) {
    if (hooks.target != "cpu" && hooks.target != "nvptx")
      status = onError("unknown target '" + hooks.target +
                       "'; the targets are cpu and nvptx");
  }

  /// A function that appends the passes that `text` names, after one that
  /// applies the patterns of `file`.
  std::function<void(OpPassManager &)> makeHook(StringRef name, StringRef file,
                                                StringRef text) {
    return [this, name, file, text](OpPassManager &pm) {
      if (!file.empty()) {
        ApplyPatternsPassOptions options;
        options.file = file.str();
        pm.addNestedPass<func::FuncOp>(createApplyPatternsPass(options));
      }
      if (failed(addPasses(pm, name, text)))
        status = failure();
    };
  }

  /// To be called when all passes are there.
  LogicalResult finish() {
    return failure(failed(status) || failed(passes.checkNames(onError)));
  }

  StagePasses passes;

private:
  LogicalResult addPasses(OpPassManager &pm, StringRef name, StringRef text) {
    if (text.empty())
      return success();
    std::string message;
    llvm::raw_string_ostream stream(message);
    if (succeeded(parsePassPipeline(text, pm, stream)))
      return success();
    return onError(name + ": " + StringRef(message).rtrim());
  }

  ErrorHandler onError;
  LogicalResult status = success();
};
} // namespace

LogicalResult fx::buildPreGradStage(OpPassManager &pm, const StageHooks &hooks,
                                    ErrorHandler onError) {
  HookedStage stage(pm, hooks, onError);
  PreGradOptions options;
  options.custom = stage.makeHook("custom", hooks.patternsPost, hooks.customPost);
  buildPreGradPasses(stage.passes, options);
  return stage.finish();
}

LogicalResult fx::buildAutodiffStage(OpPassManager &pm, bool fusedAttention) {
  DecomposePassOptions options;
  options.level = "autodiff";
  options.fusedAttention = fusedAttention;
  pm.addNestedPass<func::FuncOp>(createDecomposePass(options));
  pm.addPass(createBuildJointGraphPass());
  pm.addPass(createPartitionLoopsPass());
  pm.addNestedPass<func::FuncOp>(createVerifyAutodiffPass());
  return success();
}

LogicalResult fx::buildJointGraphStage(OpPassManager &pm,
                                       const StageHooks &hooks,
                                       ErrorHandler onError,
                                       bool fusedAttention) {
  HookedStage stage(pm, hooks, onError);
  DecomposePassOptions decompose;
  decompose.level = "core";
  decompose.fusedAttention = fusedAttention;
  JointGraphOptions options;
  options.isGPU = hooks.target == "nvptx";
  options.fuseAttention = fusedAttention;
  // What is fused stays fused until the lowering.
  decompose.keepAttention =
      llvm::is_contained(hooks.enabled, "fx-fuse-attention");
  stage.passes.add(createDecomposePass(decompose));
  // The rule guards softmax against overflow of a scale that our lowering
  // applies in one kernel with it; without fused attention it only costs.
  options.scaleSoftmax = false;
  options.customPre =
      stage.makeHook("custom-pre", hooks.patternsPre, hooks.customPre);
  options.customPost =
      stage.makeHook("custom-post", hooks.patternsPost, hooks.customPost);
  buildJointGraphPasses(stage.passes, options);
  return stage.finish();
}

LogicalResult fx::buildPartitionStage(OpPassManager &pm, StringRef options,
                                      const StageHooks &hooks,
                                      ErrorHandler onError) {
  HookedStage stage(pm, hooks, onError);
  auto partition = createPartitionPass();
  if (failed(partition->initializeOptions(options, onError)))
    return failure();
  stage.passes.add(std::move(partition));
  stage.passes.add(createVerifyPartitionPass());
  return stage.finish();
}

LogicalResult fx::buildPostGradStage(OpPassManager &pm, const StageHooks &hooks,
                                     bool isInference, ErrorHandler onError) {
  HookedStage stage(pm, hooks, onError);
  PostGradOptions options;
  options.isInference = isInference;
  options.isGPU = hooks.target == "nvptx";
  options.customPre =
      stage.makeHook("custom-pre", hooks.patternsPre, hooks.customPre);
  options.customPost =
      stage.makeHook("custom-post", hooks.patternsPost, hooks.customPost);
  buildPostGradPasses(stage.passes, options);
  return stage.finish();
}

LogicalResult fx::buildLoweringStage(OpPassManager &pm,
                                     const StageHooks &hooks,
                                     ErrorHandler onError, bool assertIndices,
                                     bool fusedAttention) {
  HookedStage stage(pm, hooks, onError);
  DecomposePassOptions decompose;
  decompose.level = "lowering";
  decompose.fusedAttention = fusedAttention;
  stage.passes.add(createDecomposePass(decompose));
  stage.passes.add(createLowerToLinalgPass({assertIndices, fusedAttention}));
  stage.passes.add(createCanonicalizerPass());
  stage.passes.add(createCSEPass());
  stage.passes.add(createVerifyLinalgPass({fusedAttention}));
  return stage.finish();
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

namespace {
/// What every stage of passes takes.
struct StageFlags : PassPipelineOptions<StageFlags> {
  ListOption<std::string> disable{
      *this, "disable", llvm::cl::desc("Passes of the stage not to run")};

  StageHooks getHooks() const {
    StageHooks hooks;
    hooks.disabled.assign(disable.begin(), disable.end());
    return hooks;
  }
};

/// What the stages of rules take.
struct RuleFlags : StageFlags {
  ListOption<std::string> enable{
      *this, "enable",
      llvm::cl::desc("Passes of the stage to run that are off by default")};
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("`nvptx`: also the rules that Inductor has for GPUs"),
      llvm::cl::init("cpu")};

  StageHooks getHooks() const {
    StageHooks hooks = StageFlags::getHooks();
    hooks.enabled.assign(enable.begin(), enable.end());
    hooks.target = target;
    return hooks;
  }
};

struct PreGradFlags : RuleFlags {
  Option<std::string> custom{
      *this, "custom", llvm::cl::desc("Passes to run at the end of the stage")};
  Option<std::string> patterns{
      *this, "custom-patterns",
      llvm::cl::desc("A file of PDL patterns for the end of the stage")};

  StageHooks getHooks() const {
    StageHooks hooks = RuleFlags::getHooks();
    hooks.customPost = custom;
    hooks.patternsPost = patterns;
    return hooks;
  }
};

struct JointFlags : RuleFlags {
  Option<std::string> customPre{
      *this, "custom-pre", llvm::cl::desc("Passes to run before the rules")};
  Option<std::string> customPost{
      *this, "custom-post", llvm::cl::desc("Passes to run after the rules")};
  Option<std::string> patternsPre{
      *this, "custom-pre-patterns",
      llvm::cl::desc("A file of PDL patterns to apply before the rules")};
  Option<std::string> patternsPost{
      *this, "custom-post-patterns",
      llvm::cl::desc("A file of PDL patterns to apply after the rules")};

  StageHooks getHooks() const {
    StageHooks hooks = RuleFlags::getHooks();
    hooks.customPre = customPre;
    hooks.customPost = customPost;
    hooks.patternsPre = patternsPre;
    hooks.patternsPost = patternsPost;
    return hooks;
  }
};

/// Both stages in front of the partition decompose.
template <typename Base>
struct DecomposingFlags : Base {
  mlir::detail::PassOptions::Option<bool> fusedAttention{
      *this, "fused-attention",
      llvm::cl::desc("Keep attention as one op for targets with a kernel for "
                     "it")};
};
struct AutodiffFlags : DecomposingFlags<PassPipelineOptions<AutodiffFlags>> {};
struct JointGraphFlags : DecomposingFlags<JointFlags> {};

struct PostFlags : JointFlags {
  Option<bool> inference{
      *this, "inference",
      llvm::cl::desc("The functions are forwards without a backward")};
};

struct NoFlags : PassPipelineOptions<NoFlags> {};

/// The options of fx-partition, under the pipeline's name.
struct PartitionFlags : StageFlags {
  Option<std::string> function{
      *this, "function",
      llvm::cl::desc("Partition only the function of this name")};
  Option<std::string> mode{*this, "mode",
                           llvm::cl::desc("`default` or `aggressive`"),
                           llvm::cl::init("default")};
  Option<double> memoryBudget{
      *this, "memory-budget",
      llvm::cl::desc("functorch's activation_memory_budget, 0 to 1"),
      llvm::cl::init(1.0)};
  Option<std::string> budgetMode{
      *this, "budget-mode",
      llvm::cl::desc("`exact`: functorch's answer; `improved`: a better one")};
  Option<std::string> peakBudget{
      *this, "peak-budget",
      llvm::cl::desc("The most bytes alive at one time, such as 8GiB")};
  Option<std::string> objective{
      *this, "objective",
      llvm::cl::desc("What recomputation costs: flops, fused or roofline")};
  Option<std::string> report{
      *this, "report",
      llvm::cl::desc("Write saved and recomputed nodes to this file (JSON)")};
  Option<std::string> partitionReport{
      *this, "partition-report",
      llvm::cl::desc("Write a page with memory over time to this file")};
  Option<bool> summary{*this, "summary",
                       llvm::cl::desc("Print the peak with a bar")};
  Option<bool> keepJoint{*this, "keep-joint",
                         llvm::cl::desc("Keep the joint functions")};

  /// The same as text for the pass.
  std::string getText() const {
    std::string text = "mode=" + mode;
    llvm::raw_string_ostream(text) << " memory-budget=" << memoryBudget;
    for (const Option<std::string> *option :
         {&function, &budgetMode, &peakBudget, &objective, &report,
          &partitionReport})
      if (!option->empty())
        text += " " + option->getArgStr().str() + "=" + *option;
    if (summary)
      text += " summary=true";
    if (keepJoint)
      text += " keep-joint=true";
    return text;
  }
};
struct NVPTXFlags : PassPipelineOptions<NVPTXFlags> {
  Option<std::string> arch{*this, "arch",
                           llvm::cl::desc("The GPU architecture"),
                           llvm::cl::init("sm_90")};
  Option<bool> cubin{*this, "cubin",
                     llvm::cl::desc("Embed machine code if ptxas is found"),
                     llvm::cl::init(true)};
};
} // namespace

/// Registers a pipeline whose builder can fail: with upstream's
/// PassPipelineRegistration a bad hook would print an error and run the rest.
template <typename Options>
static void registerPipeline(
    StringRef name, StringRef description,
    std::function<LogicalResult(OpPassManager &, const Options &, ErrorHandler)>
        build) {
  registerPassPipeline(
      name, description,
      [build](OpPassManager &pm, StringRef text,
              function_ref<LogicalResult(const Twine &)> onError) {
        Options options;
        if (failed(options.parseFromString(text)))
          return onError("bad options '" + text + "'");
        return build(pm, options, onError);
      },
      [](function_ref<void(const mlir::detail::PassOptions &)> visit) {
        visit(Options());
      });
}

/// The pipeline under its own flag and under a twin with the prefix fx-.
template <typename Options, typename Builder>
static void registerTwins(StringRef name, StringRef description,
                          Builder build) {
  registerPipeline<Options>(name, description, build);
  registerPipeline<Options>(("fx-" + name).str(), description, build);
}

LogicalResult fx::parseStageHooks(Stage stage, StringRef text,
                                  StageHooks &hooks, ErrorHandler onError) {
  std::string message;
  llvm::raw_string_ostream errors(message);
  auto parse = [&](auto &&flags) -> LogicalResult {
    if (failed(flags.parseFromString(text, errors)))
      return onError("bad options '" + text + "' of " + getStageName(stage) +
                     ": " + StringRef(message).rtrim());
    hooks = flags.getHooks();
    return success();
  };
  // Whether a function is for inference is the caller's to say.
  if (stage == Stage::PreGrad)
    return parse(PreGradFlags());
  if (stage == Stage::Lowering)
    return parse(StageFlags());
  return parse(JointFlags());
}

void fx::registerPipelines() {
  registerTwins<PreGradFlags>(
      "pre-grad", "Stage PreGrad: normalises and fuses torch-level ops",
      [](OpPassManager &pm, const PreGradFlags &options,
         ErrorHandler onError) {
        return buildPreGradStage(pm, options.getHooks(), onError);
      });
  // Its twin would carry the name of the pass fx-build-joint-graph.
  registerPipeline<AutodiffFlags>(
      "build-joint-graph",
      "Stage Autodiff: (primals, tangents) -> (outputs, gradients)",
      [](OpPassManager &pm, const AutodiffFlags &options, ErrorHandler) {
        return buildAutodiffStage(pm, options.fusedAttention);
      });
  registerTwins<JointGraphFlags>(
      "joint-graph", "Stage JointGraph: decompositions and joint passes",
      [](OpPassManager &pm, const JointGraphFlags &options,
         ErrorHandler onError) {
        return buildJointGraphStage(pm, options.getHooks(), onError,
                                    options.fusedAttention);
      });
  registerTwins<PartitionFlags>(
      "min-cut-partition",
      "Stage Partition: splits joint graphs into forward and backward; builds "
      "the joint graph first if there is none",
      [](OpPassManager &pm, const PartitionFlags &options,
         ErrorHandler onError) {
        pm.addPass(createEnsureJointGraphPass());
        return buildPartitionStage(pm, options.getText(), options.getHooks(),
                                   onError);
      });
  registerTwins<PostFlags>(
      "post-grad", "Stage PostGrad: passes on each final function",
      [](OpPassManager &pm, const PostFlags &options, ErrorHandler onError) {
        return buildPostGradStage(pm, options.getHooks(), options.inference,
                                  onError);
      });
  registerPipeline<StageFlags>(
      "fx-to-linalg", "Stage Lowering, first half: fx to linalg on tensors",
      [](OpPassManager &pm, const StageFlags &options, ErrorHandler onError) {
        pm.addNestedPass<func::FuncOp>(createSeedsToArgumentsPass());
        return buildLoweringStage(pm, options.getHooks(), onError);
      });
  registerTwins<NVPTXFlags>(
      "lower-to-nvptx",
      "Linalg on tensors to the LLVM dialect, with PTX for an NVIDIA GPU",
      [](OpPassManager &pm, const NVPTXFlags &flags, ErrorHandler) {
        nvptx::NVPTXOptions options;
        options.arch = flags.arch;
        options.cubin = flags.cubin;
        nvptx::buildLowerToNVPTXPipeline(pm, options);
        return success();
      });
  registerTwins<NoFlags>(
      "lower-to-cpu", "Linalg on tensors to the LLVM dialect for this CPU",
      [](OpPassManager &pm, const NoFlags &, ErrorHandler) {
        cpu::buildLowerToCPUPipeline(pm, {});
        return success();
      });
}
