//===- CompileFx.h - From an fx module to code ------------------*- C++ -*-===//
//
// Chooses and runs the stages for inference or training. The counterpart of
// PyTorch's `compile_fx`; names follow it.
//
//===----------------------------------------------------------------------===//

#ifndef FX_COMPILER_COMPILEFX_H
#define FX_COMPILER_COMPILEFX_H

#include "fx/Support/ModelDescription.h"
#include "fx/Target/CPU/CPU.h"
#include "fx/Target/NVPTX/NVPTX.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <functional>

namespace mlir::fx {

/// The stages in their order; `StopAfter` names the last one to run.
enum class Stage {
  Import,
  PreGrad,
  Autodiff,
  JointGraph,
  Partition,
  PostGrad,
  Lowering,
  Target
};

/// The name of a stage as `--stop-after` takes it ("pre-grad"), and back.
StringRef getStageName(Stage stage);
std::optional<Stage> parseStage(StringRef name);
/// A stage after which the IR is still fx; an error with their names.
llvm::Expected<Stage> parseStopAfter(StringRef name);

/// What a user adds to a stage, and leaves out of it.
struct StageHooks {
  /// Names of passes of the stage that do not run.
  std::vector<std::string> disabled;
  /// Names of passes that run although they are off by default.
  std::vector<std::string> enabled;
  /// Pass pipelines as text, run before and after the stage's rules.
  std::string customPre, customPost;
  /// Files of PDL patterns, applied at the same places, before the pipelines.
  std::string patternsPre, patternsPost;
  /// For "nvptx" the rules run that Inductor has for GPUs.
  std::string target = "cpu";
};

/// PreGrad has one place for passes, after its rules. Partition and Lowering
/// have none, and only take names of passes that do not run.
struct CustomPasses {
  StageHooks preGrad, jointGraph, partition, postGrad, lowering;
};

struct CompileOptions {
  /// Build gradients: a forward function becomes a forward and a backward.
  bool training = false;
  /// "cpu" or "nvptx".
  std::string target = "cpu";
  cpu::CPUOptions cpu;
  /// For "nvptx"; host code is compiled by the options of `cpu`.
  nvptx::NVPTXOptions nvptx;
  /// Add a function that runs forward and backward in one workspace (for CPUs,
  /// where all sizes are known).
  bool trainingStep = false;
  /// Parameters, buffers and constants have the same values in every call of an
  /// inference function (on CPUs): what products and convolutions prepare of
  /// them is kept.
  bool freezing = false;
  /// Options of the pass fx-partition, as text ("mode=aggressive").
  std::string partition;
  CustomPasses custom;
  Stage stopAfter = Stage::Target;
  /// Called with the pass manager of each stage up to Lowering; may be empty.
  std::function<void(PassManager &)> watch;
  /// Print the time of each stage to stderr.
  bool printTimes = false;
  /// Receives the time of each stage; may be null. What the targets measure
  /// goes to `cpu.statistics`.
  CompileStatistics *statistics = nullptr;
};

/// Machine code and what a caller must know to use it.
struct CompiledFx {
  ModelDescription description;
  std::unique_ptr<cpu::CompiledModule> code;
  /// Device code of the target "nvptx".
  std::string ptx;
};

/// Runs the stages up to `options.stopAfter` (at most Lowering) in place.
/// A module with a joint function (one with tangents) is partitioned; with
/// `options.training` a forward function is differentiated first; otherwise it
/// is compiled for inference.
LogicalResult runStages(ModuleOp module, const CompileOptions &options);

/// The interface of the module's public functions, read from the attributes
/// of their arguments and results; call it before Lowering drops these.
ModelDescription describeModule(ModuleOp module, StringRef name,
                                const CompileOptions &options);

/// Runs all stages (in place) and generates code. Errors are diagnostics.
FailureOr<CompiledFx> compileFx(ModuleOp module, StringRef name,
                                const CompileOptions &options);

} // namespace mlir::fx

#endif
