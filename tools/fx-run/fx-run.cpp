//===- fx-run.cpp - Runs a model on NumPy arrays --------------------------===//
//
//   fx-run model.so --inputs in.npz --outputs out.npz
//   fx-run model.pt2 --mode=training --inputs in.npz --outputs out.npz
//   fx-run model.pt2 --interpret --inputs in.npz --outputs out.npz
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"
#include "Runner.h"
#include "fx/Compiler/HookOptions.h"
#include "fx/Compiler/InputFile.h"
#include "fx/Runtime/Cuda.h"
#include "fx/Runtime/Runtime.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::fx;
namespace cl = llvm::cl;

namespace {
/// Made in main: LLVM registers options of its own, some of the same names,
/// which are removed first.
struct CommandLine {
  cl::OptionCategory category{"fx-run options"};
  cl::opt<std::string> model{cl::Positional, cl::Required,
                             cl::desc("<model.so | .pt2 | .mlir | .json>"),
                             cl::cat(category)};
  cl::list<std::string> inputPaths{
      "inputs", cl::desc("Inputs: an .npz, .npy files, or a folder of them"),
      cl::cat(category)};
  cl::opt<std::string> outputPath{
      "outputs", cl::desc("Where the results go: an .npz, a folder, or "
                          "- to print them"),
      cl::cat(category)};
  cl::opt<std::string> mode{
      "mode", cl::desc("inference or training, of a model to compile"),
      cl::init("inference"), cl::cat(category)};
  cl::opt<std::string> target{
      "target", cl::desc("cpu or nvptx, for a model to compile"),
      cl::init("cpu"), cl::cat(category)};
  cl::opt<std::string> gpuArch{
      "gpu-arch",
      cl::desc("The architecture of --target=nvptx (default: sm_90)"),
      cl::init("sm_90"), cl::cat(category)};
  cl::opt<std::string> partition{
      "partition",
      cl::desc("Options of fx-partition, such as peak-budget=8GiB, for a model "
               "to compile"),
      cl::cat(category)};
  cl::opt<unsigned> bench{"bench", cl::desc("Time this many calls"),
                          cl::init(0), cl::cat(category)};
  cl::opt<bool> memory{
      "memory", cl::desc("Print the planned and the measured peak of memory"),
      cl::cat(category)};
  cl::opt<bool> separateBuffers{
      "separate-buffers",
      cl::desc("Give each intermediate tensor memory of its own, to test the "
               "code with FX_RT_GUARD_PAGES=1"),
      cl::cat(category)};
  cl::opt<uint64_t> seed{"seed", cl::desc("Seed of random ops"), cl::init(0),
                         cl::cat(category)};
  cl::opt<unsigned> threads{"threads", cl::desc("Number of threads"),
                            cl::init(0), cl::cat(category)};
  cl::opt<bool> interpret{
      "interpret",
      cl::desc("Evaluate the ops one by one instead of compiling them"),
      cl::cat(category)};
  cl::opt<std::string> stopAfter{
      "stop-after",
      cl::desc("With --interpret: run the stages up to this one before "
               "(default: import; autodiff for --mode=training)"),
      cl::cat(category)};
  cl::opt<std::string> function{
      "function", cl::desc("The function to run (default: the first one, or "
                           "forward and backward)"),
      cl::cat(category)};
  HookOptions hooks{category};
};
} // namespace

static CommandLine *commandLine;

static llvm::ExitOnError exitOnError("fx-run: ");

/// An archive, single arrays, or all arrays of a folder; single ones are named
/// after their file.
static std::vector<NamedNumpyArray> readInputs() {
  std::vector<std::string> files;
  for (const std::string &path : commandLine->inputPaths) {
    if (!llvm::sys::fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(path, code), end;
         it != end && !code; it.increment(code))
      if (llvm::sys::path::extension(it->path()) == ".npy")
        files.push_back(it->path());
    if (code)
      exitOnError(llvm::createFileError(path, code));
  }
  std::vector<NamedNumpyArray> arrays;
  for (const std::string &path : files) {
    if (llvm::sys::path::extension(path) == ".npy")
      arrays.push_back(
          {llvm::sys::path::stem(path).str(), exitOnError(readNpy(path))});
    else
      for (NamedNumpyArray &entry : exitOnError(readNpz(path)))
        arrays.push_back(std::move(entry));
  }
  return arrays;
}

/// One line for each result: name, type, shape, elements.
static void printOutputs(ArrayRef<NamedNumpyArray> outputs) {
  for (const NamedNumpyArray &entry : outputs) {
    llvm::outs() << entry.name << ": " << getName(entry.array.type()) << " [";
    llvm::interleaveComma(entry.array.shape(), llvm::outs());
    llvm::outs() << "]";
    for (int64_t i = 0; i < entry.array.numElements(); ++i)
      llvm::outs() << " " << formatElement(entry.array, i);
    llvm::outs() << "\n";
  }
}

static void writeOutputs(ArrayRef<NamedNumpyArray> outputs) {
  if (commandLine->outputPath.empty())
    return;
  if (commandLine->outputPath == "-")
    return printOutputs(outputs);
  if (llvm::sys::path::extension(commandLine->outputPath) == ".npz")
    return exitOnError(writeNpz(commandLine->outputPath, outputs));
  if (std::error_code code =
          llvm::sys::fs::create_directories(commandLine->outputPath))
    exitOnError(llvm::createFileError(commandLine->outputPath, code));
  for (const NamedNumpyArray &entry : outputs)
    exitOnError(writeNpy(commandLine->outputPath + "/" + entry.name + ".npy",
                         entry.array));
}

/// The functions of the tool's run-time library that moving tensors needs.
static void *findRuntimeFunction(StringRef name) {
#define FX_RUN_FUNCTION(function)                                              \
  .Case(#function, reinterpret_cast<void *>(&function))
  return llvm::StringSwitch<void *>(name)
      FX_RUN_FUNCTION(fx_rt_last_error)
      FX_RUN_FUNCTION(fx_rt_get_num_threads)
      FX_RUN_FUNCTION(fx_rt_memory_peak)
      FX_RUN_FUNCTION(fx_rt_cuda_device_count)
      FX_RUN_FUNCTION(fx_rt_cuda_begin)
      FX_RUN_FUNCTION(fx_rt_cuda_end)
      FX_RUN_FUNCTION(fx_rt_cuda_alloc)
      FX_RUN_FUNCTION(fx_rt_cuda_free)
      FX_RUN_FUNCTION(fx_rt_cuda_read)
      FX_RUN_FUNCTION(fx_rt_cuda_write)
      FX_RUN_FUNCTION(fx_rt_cuda_synchronize)
      .Default(nullptr);
#undef FX_RUN_FUNCTION
}

static CompileOptions getCompileOptions() {
  CompileOptions options;
  options.training = commandLine->mode == "training";
  options.cpu.separateBuffers = commandLine->separateBuffers;
  options.trainingStep = true;
  options.target = commandLine->target;
  options.partition = commandLine->partition;
  options.nvptx.arch = commandLine->gpuArch;
  exitOnError(commandLine->hooks.apply(options));
  return options;
}

/// Runs the stages before the interpreter.
static ModelCode prepareInterpreter(InputFile &input) {
  CompileOptions options = getCompileOptions();
  options.trainingStep = false;
  options.stopAfter = options.training ? Stage::Autodiff : Stage::Import;
  if (!commandLine->stopAfter.empty()) {
    auto stage = parseStopAfter(commandLine->stopAfter);
    if (!stage)
      exitOnError(stage.takeError());
    options.stopAfter = *stage;
  }
  LogicalResult status = runStages(*input.module, options);
  exitOnError(commandLine->hooks.finish());
  if (failed(status))
    exit(1);
  ModelCode code = interpretModule(*input.module, commandLine->seed);
  code.description = describeModule(
      *input.module, llvm::sys::path::stem(commandLine->model), options);
  code.weight = [&input](StringRef name) { return input.findWeight(name); };
  return code;
}

/// Compiles a model in this process.
static ModelCode compile(InputFile &input) {
  CompileOptions options = getCompileOptions();
  auto compiled = compileFx(*input.module,
                            llvm::sys::path::stem(commandLine->model), options);
  exitOnError(commandLine->hooks.finish());
  if (failed(compiled))
    exit(1);
  ModelCode code;
  code.description = compiled->description;
  std::shared_ptr<cpu::CompiledModule> machine = std::move(compiled->code);
  // Code in this process uses the tool's run-time library.
  code.lookup = [machine](StringRef name) -> void * {
    return name.starts_with("fx_rt_") ? findRuntimeFunction(name)
                                      : exitOnError(machine->lookup(name));
  };
  code.weight = [&input](StringRef name) { return input.findWeight(name); };
  return code;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ResetCommandLineParser();
  CommandLine parsed;
  commandLine = &parsed;
  cl::HideUnrelatedOptions(commandLine->category);
  cl::ParseCommandLineOptions(argc, argv, "Runs a compiled or a saved model\n");
  if (commandLine->mode != "inference" && commandLine->mode != "training")
    exitOnError(llvm::createStringError(
        "--mode must be inference or training, not " + commandLine->mode));
  if (commandLine->target != "cpu" && commandLine->target != "nvptx")
    exitOnError(llvm::createStringError("--target must be cpu or nvptx, not " +
                                        commandLine->target));
  if (commandLine->threads)
    fx_rt_set_num_threads(commandLine->threads);
  std::vector<NamedNumpyArray> inputs = readInputs();
  RunOptions options;
  options.seed = commandLine->seed;
  options.bench = commandLine->bench;
  options.memory = commandLine->memory;
  options.function = commandLine->function;
  if (commandLine->interpret && (options.bench || options.memory))
    exitOnError(llvm::createStringError(
        "--bench and --memory measure code, which --interpret has not"));
  if (!commandLine->interpret && !commandLine->stopAfter.empty())
    exitOnError(llvm::createStringError("--stop-after needs --interpret"));
  if (llvm::sys::path::extension(commandLine->model) == ".so") {
    if (commandLine->interpret)
      exitOnError(llvm::createStringError("--interpret needs a model that is "
                                          "not compiled"));
    ModelCode code = exitOnError(loadSharedLibrary(commandLine->model));
    if (commandLine->threads)
      if (void *set = code.lookup("fx_rt_set_num_threads"))
        reinterpret_cast<void (*)(int32_t)>(set)(commandLine->threads);
    writeOutputs(exitOnError(runModel(code, inputs, options)));
    return 0;
  }
  InputFile input = exitOnError(InputFile::open(commandLine->model, {}));
  ModelCode code =
      commandLine->interpret ? prepareInterpreter(input) : compile(input);
  writeOutputs(exitOnError(runModel(code, inputs, options)));
  return 0;
}
