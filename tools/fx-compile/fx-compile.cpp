//===- fx-compile.cpp - Compiles a model ahead of time --------------------===//
//
//   fx-compile model.pt2 -o model.so                      (and model.h)
//   fx-compile model.pt2 --mode=training -o step.so
//   fx-compile model.pt2 --target=nvptx -o gpu.so
//   fx-compile model.pt2 --emit=linalg -o model.mlir
//
//===----------------------------------------------------------------------===//

#include "fx/Compiler/HookOptions.h"
#include "fx/Compiler/InputFile.h"
#include "fx/Support/OutputFile.h"
#include "fx/Support/ProgressBar.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::fx;
namespace cl = llvm::cl;

namespace {
enum class Emit { SharedLibrary, Object, Assembly, LLVM, PTX, Linalg, FX };

/// Made in main: LLVM registers options of its own, some of the same names,
/// which are removed first.
struct CommandLine {
  cl::OptionCategory category{"fx-compile options"};
  cl::opt<std::string> inputPath{cl::Positional,
                                 cl::desc("<model.pt2 | .mlir | .json>"),
                                 cl::cat(category)};
  cl::opt<std::string> outputPath{"o", cl::desc("Output file"),
                                  cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> mode{"mode", cl::desc("inference or training"),
                            cl::init("inference"), cl::cat(category)};
  cl::opt<Emit> emit{
      "emit", cl::desc("What to write"), cl::init(Emit::SharedLibrary),
      cl::values(
          clEnumValN(Emit::SharedLibrary, "so", "shared library and C header"),
          clEnumValN(Emit::Object, "obj", "object file"),
          clEnumValN(Emit::Assembly, "asm", "assembly text"),
          clEnumValN(Emit::LLVM, "llvm", "LLVM IR of the host code"),
          clEnumValN(Emit::PTX, "ptx", "device code, with --target=nvptx"),
          clEnumValN(Emit::Linalg, "linalg", "linalg on tensors"),
          clEnumValN(Emit::FX, "fx", "fx IR after --stop-after")),
      cl::cat(category)};
  cl::opt<std::string> stopAfter{
      "stop-after",
      cl::desc("Write fx IR after this stage: import, pre-grad, "
               "autodiff, joint-graph, partition or post-grad"),
      cl::cat(category)};
  cl::opt<std::string> target{"target",
                              cl::desc("cpu or nvptx (an NVIDIA GPU)"),
                              cl::init("cpu"), cl::cat(category)};
  cl::opt<std::string> gpuArch{
      "gpu-arch",
      cl::desc("The architecture of --target=nvptx (default: sm_90)"),
      cl::init("sm_90"), cl::cat(category)};
  cl::opt<std::string> mcpu{
      "mcpu",
      cl::desc("LLVM's name of the processor (default: this one; help lists "
               "the names)"),
      cl::cat(category)};
  cl::opt<std::string> mtriple{
      "mtriple",
      cl::desc("The machine, as aarch64-linux-gnu (default: this one)"),
      cl::cat(category)};
  cl::opt<bool> embedWeights{"embed-weights",
                             cl::desc("Put the weights into the library"),
                             cl::init(true), cl::cat(category)};
  cl::opt<bool> separateBuffers{
      "separate-buffers",
      cl::desc("Give each intermediate tensor memory of its own, to test the "
               "code with FX_RT_GUARD_PAGES=1"),
      cl::cat(category)};
  cl::opt<bool> freezing{
      "freezing",
      cl::desc("Weights never change: what products and convolutions prepare "
               "of them is kept (inference on CPUs)"),
      cl::cat(category)};
  cl::opt<std::string> loss{
      "loss", cl::desc("The result that is the loss: auto, none or an index"),
      cl::init("auto"), cl::cat(category)};
  cl::opt<std::string> partition{
      "partition", cl::desc("Options of fx-partition"), cl::cat(category)};
  cl::opt<bool> allowSchema{"allow-schema",
                            cl::desc("Read other schema versions"),
                            cl::cat(category)};
  cl::opt<bool> times{"times", cl::desc("Print the time of each stage"),
                      cl::cat(category)};
  cl::opt<bool> noProgress{
      "no-progress",
      cl::desc("No bar on a terminal while compiling takes long"),
      cl::cat(category)};
  HookOptions hooks{category};
};
} // namespace

static CommandLine *commandLine;

static llvm::ExitOnError exitOnError("fx-compile: ");

static CompileOptions getOptions() {
  CompileOptions options;
  if (commandLine->mode != "inference" && commandLine->mode != "training")
    exitOnError(llvm::createStringError(
        "--mode must be inference or training, not " + commandLine->mode));
  options.training = commandLine->mode == "training";
  options.trainingStep = true;
  options.target = commandLine->target;
  if (options.target != "cpu" && options.target != "nvptx")
    exitOnError(llvm::createStringError("--target must be cpu or nvptx, not " +
                                        options.target));
  if (commandLine->emit == Emit::PTX && options.target != "nvptx")
    exitOnError(llvm::createStringError("--emit=ptx needs --target=nvptx"));
  options.nvptx.arch = commandLine->gpuArch;
  // Machine code is not shown.
  options.nvptx.cubin = commandLine->emit != Emit::PTX;
  options.cpu.cpu = commandLine->mcpu;
  options.cpu.separateBuffers = commandLine->separateBuffers;
  options.cpu.triple = commandLine->mtriple;
  options.cpu.assembly = commandLine->emit == Emit::Assembly;
  options.cpu.singleObject = commandLine->emit != Emit::SharedLibrary;
  options.cpu.keepLLVMIR = commandLine->emit == Emit::LLVM;
  options.freezing = commandLine->freezing;
  options.partition = commandLine->partition;
  exitOnError(commandLine->hooks.apply(options));
  options.printTimes = commandLine->times;
  options.cpu.printTimes = commandLine->times;
  if (!commandLine->stopAfter.empty()) {
    auto stage = parseStopAfter(commandLine->stopAfter);
    if (!stage)
      exitOnError(stage.takeError());
    options.stopAfter = *stage;
    commandLine->emit = Emit::FX;
  } else if (commandLine->emit == Emit::FX) {
    options.stopAfter = Stage::PostGrad;
  } else if (commandLine->emit == Emit::Linalg) {
    options.stopAfter = Stage::Lowering;
  }
  return options;
}

static void writeText(llvm::function_ref<void(llvm::raw_ostream &)> write) {
  exitOnError(writeOutputFile(commandLine->outputPath, write));
}

static int printProcessors(const cpu::CPUOptions &options) {
  std::string error;
  auto names = cpu::listProcessors(options, error);
  if (failed(names))
    exitOnError(llvm::createStringError(error));
  for (const std::string &name : *names)
    llvm::outs() << name << "\n";
  return 0;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ResetCommandLineParser();
  CommandLine parsed;
  commandLine = &parsed;
  cl::HideUnrelatedOptions(commandLine->category);
  cl::ParseCommandLineOptions(argc, argv, "Compiles a model ahead of time\n");
  CompileOptions options = getOptions();
  if (commandLine->mcpu == "help")
    return printProcessors(options.cpu);
  if (commandLine->inputPath.empty() || commandLine->outputPath.empty())
    exitOnError(llvm::createStringError(
        "an input and -o OUTPUT are needed; --help lists the options"));
  // Times would be written over it.
  ProgressBar progress("fx-compile",
                       !commandLine->noProgress && !commandLine->times);
  progress.startStage(getStageName(Stage::Import));
  options.cpu.progress = &progress;
  InputFile::Options inputOptions;
  inputOptions.loss = commandLine->loss;
  inputOptions.allowAnySchema = commandLine->allowSchema;
  InputFile input =
      exitOnError(InputFile::open(commandLine->inputPath, inputOptions));

  if (commandLine->emit == Emit::FX || commandLine->emit == Emit::Linalg) {
    LogicalResult status = runStages(*input.module, options);
    exitOnError(commandLine->hooks.finish());
    if (failed(status))
      return 1;
    // fx node names are locations; linalg is for other tools.
    OpPrintingFlags flags;
    if (commandLine->emit == Emit::FX)
      flags.enableDebugInfo();
    writeText([&](llvm::raw_ostream &os) { input.module->print(os, flags); });
    return 0;
  }

  // Errors are written where the bar was.
  ScopedDiagnosticHandler clearBar(input.module->getContext(),
                                   [&](Diagnostic &) {
                                     progress.finish();
                                     return failure();
                                   });
  auto compiled = compileFx(
      *input.module, llvm::sys::path::stem(commandLine->outputPath), options);
  progress.finish();
  exitOnError(commandLine->hooks.finish());
  if (failed(compiled))
    return 1;
  switch (commandLine->emit) {
  case Emit::LLVM:
    writeText(
        [&](llvm::raw_ostream &os) { os << compiled->code->getLLVMIR(); });
    return 0;
  case Emit::PTX:
    writeText([&](llvm::raw_ostream &os) { os << compiled->ptx; });
    return 0;
  case Emit::Object:
  case Emit::Assembly:
    exitOnError(compiled->code->emitObject(commandLine->outputPath));
    return 0;
  default:
    exitOnError(writeSharedLibrary(*compiled,
                                   commandLine->embedWeights
                                       ? ArrayRef<WeightData>(input.weights)
                                       : ArrayRef<WeightData>(),
                                   commandLine->outputPath));
    return 0;
  }
}
