//===- fx-cpu-run.cpp - Compiles and executes a function ------------------===//
//
// fx-cpu-run module.mlir --inputs in.npz --outputs out.npz [--bench N]
//
// The module holds functions on tensors in upstream IR. Inputs are taken in
// the archive's order, one for each argument; outputs are named r0, r1, …
//
//===----------------------------------------------------------------------===//

#include "fx/Runtime/Runtime.h"
#include "fx/Support/NumpyIO.h"
#include "fx/Target/CPU/CPU.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"

#include <chrono>
#include <cstring>

using namespace mlir;
using namespace mlir::fx;
namespace cl = llvm::cl;

static cl::opt<std::string> inputPath(cl::Positional, cl::Required,
                                      cl::desc("<module.mlir>"));
static cl::opt<std::string> entryName("entry", cl::desc("Function to run"));
static cl::opt<std::string> inputsPath("inputs",
                                       cl::desc("Arguments, an .npz file"));
static cl::opt<std::string> outputsPath("outputs",
                                        cl::desc("Results, an .npz file"));
static cl::opt<unsigned> benchmark("bench",
                                   cl::desc("Run N times and print the time"));
static cl::opt<int> threads("num-threads", cl::desc("Number of threads"));
static cl::opt<unsigned> optLevel("O", cl::Prefix, cl::init(2),
                                  cl::desc("Optimisation level, 0 to 3"));
static cl::opt<std::string> cpuName("mcpu", cl::desc("Processor"));
static cl::opt<bool> noFuse("no-fuse", cl::desc("Do not form fused kernels"));
static cl::opt<bool> separateBuffers(
    "separate-buffers", cl::desc("Memory of its own for each intermediate"));
static cl::opt<bool> times("times", cl::desc("Print compile times"));
static cl::opt<std::string>
    emitLLVM("emit-llvm", cl::desc("Write the optimised LLVM IR to a file"));
static cl::opt<std::string> emitObject("emit-obj",
                                       cl::desc("Write an object file"));
static cl::opt<std::string> emitShared("emit-so",
                                       cl::desc("Write a shared library"));

static int fail(const Twine &message) {
  llvm::errs() << "fx-cpu-run: error: " << message << "\n";
  return 1;
}

/// How NumPy stores an element type; bfloat16 as its bits.
static std::optional<NumpyType> getNumpyType(Type type) {
  if (type.isF32())
    return NumpyType::F32;
  if (type.isF64())
    return NumpyType::F64;
  if (type.isF16())
    return NumpyType::F16;
  if (type.isBF16() || type.isInteger(16))
    return NumpyType::I16;
  if (type.isInteger(1))
    return NumpyType::Bool;
  if (type.isUnsignedInteger(8))
    return NumpyType::U8;
  if (type.isInteger(8))
    return NumpyType::I8;
  if (type.isInteger(32))
    return NumpyType::I32;
  if (type.isInteger(64) || type.isIndex())
    return NumpyType::I64;
  return std::nullopt;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv,
                              "fx-cpu-run: compiles and executes a function\n");
  DialectRegistry registry;
  cpu::registerCPUDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(inputPath, ParserConfig(&context));
  if (!module)
    return 1;

  func::FuncOp entry;
  for (auto function : module->getOps<func::FuncOp>())
    if (!function.isPrivate() &&
        (entryName.empty() || function.getName() == entryName)) {
      entry = function;
      break;
    }
  if (!entry)
    return fail("'" + inputPath + "' has no public function " + entryName);
  std::string name = entry.getName().str();

  cpu::CPUOptions options;
  options.optLevel = optLevel;
  options.cpu = cpuName;
  options.fuse = !noFuse;
  options.separateBuffers = separateBuffers;
  options.printTimes = times;
  options.singleObject = !emitObject.empty() || !emitLLVM.empty();
  options.keepLLVMIR = !emitLLVM.empty();
  auto compiled = cpu::compileForCPU(*module, options);
  if (failed(compiled))
    return 1;
  if (!emitLLVM.empty()) {
    std::error_code code;
    llvm::raw_fd_ostream os(emitLLVM, code);
    if (code)
      return fail("cannot write '" + emitLLVM + "': " + code.message());
    os << (*compiled)->getLLVMIR();
  }
  llvm::ExitOnError exitOnError("fx-cpu-run: error: ");
  if (!emitObject.empty())
    exitOnError((*compiled)->emitObject(emitObject));
  if (!emitShared.empty())
    exitOnError((*compiled)->emitSharedLibrary(emitShared));
  if (inputsPath.empty() && outputsPath.empty() && !benchmark)
    return 0;

  std::vector<NamedNumpyArray> inputs;
  if (!inputsPath.empty()) {
    auto read = readNpz(inputsPath);
    if (!read)
      return fail(llvm::toString(read.takeError()));
    inputs = std::move(*read);
  }
  if (inputs.size() != entry.getNumArguments())
    return fail("'" + inputsPath + "' has " + Twine(inputs.size()) +
                " arrays, " + name + " takes " +
                Twine(entry.getNumArguments()));
  std::vector<void *> args, results;
  std::vector<int64_t> sizes;
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
    NumpyArray &array = inputs[i].array;
    args.push_back(array.data());
    auto tensor = dyn_cast<RankedTensorType>(type);
    Type element = tensor ? tensor.getElementType() : type;
    std::optional<NumpyType> expected = getNumpyType(element);
    bool sameBits = expected && getItemSize(*expected) ==
                                    getItemSize(array.type());
    if (!sameBits)
      return fail("argument " + Twine(i) + " ('" + inputs[i].name + "') is " +
                  getName(array.type()) + " in the archive");
    ArrayRef<int64_t> shape = array.shape();
    if (!tensor)
      continue;
    bool fits = tensor.getRank() == static_cast<int64_t>(shape.size());
    for (int64_t d = 0; fits && d < tensor.getRank(); ++d) {
      if (tensor.isDynamicDim(d))
        sizes.push_back(shape[d]);
      else
        fits = tensor.getDimSize(d) == shape[d];
    }
    if (!fits)
      return fail("argument " + Twine(i) + " ('" + inputs[i].name +
                  "') has the wrong shape in the archive");
  }
  auto run = reinterpret_cast<cpu::EntryPoint>(
      exitOnError((*compiled)->lookup(name)));
  auto getSizes = reinterpret_cast<cpu::ResultSizes>(
      exitOnError((*compiled)->lookup(name + "_result_sizes")));
  int64_t rank = 0;
  for (Type type : entry.getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      rank += tensor.getRank();
  std::vector<int64_t> resultSizes(rank + 1);
  if (getSizes(sizes.data(), resultSizes.data()))
    return fail(fx_rt_last_error());
  std::vector<NamedNumpyArray> outputs;
  const int64_t *next = resultSizes.data();
  for (auto [i, type] : llvm::enumerate(entry.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    SmallVector<int64_t> shape;
    for (int64_t d = 0; tensor && d < tensor.getRank(); ++d)
      shape.push_back(*next++);
    std::optional<NumpyType> element =
        getNumpyType(tensor ? tensor.getElementType() : type);
    if (!element)
      return fail("result " + Twine(i) + " has a type NumPy does not know");
    auto array = NumpyArray::create(*element, shape);
    if (!array)
      return fail(toString(array.takeError()));
    outputs.push_back({("r" + Twine(i)).str(), std::move(*array)});
    results.push_back(outputs.back().array.data());
  }
  // The run-time library's memory has guard pages with FX_RT_GUARD_PAGES.
  std::vector<std::pair<void *, fx_rt_block *>> blocks;
  auto acquire = [&](NumpyArray &array) {
    fx_rt_block *block = nullptr;
    void *data = fx_rt_tensor_acquire(array.bytes().size(), &block);
    blocks.emplace_back(data, block);
    return data;
  };
  for (auto [input, argument] : llvm::zip_equal(inputs, args)) {
    argument = acquire(input.array);
    std::memcpy(argument, input.array.data(), input.array.bytes().size());
  }
  for (auto [output, result] : llvm::zip_equal(outputs, results))
    result = acquire(output.array);
  if (threads > 0)
    fx_rt_set_num_threads(threads);
  if (run(nullptr, args.data(), results.data(), sizes.data()))
    return fail(fx_rt_last_error());
  if (benchmark) {
    using Clock = std::chrono::steady_clock;
    double best = 1e30;
    for (unsigned i = 0; i < benchmark; ++i) {
      auto start = Clock::now();
      if (run(nullptr, args.data(), results.data(), sizes.data()))
        return fail(fx_rt_last_error());
      best = std::min(best, std::chrono::duration<double, std::micro>(
                                Clock::now() - start)
                                .count());
    }
    llvm::outs() << llvm::formatv("{0}: {1:f1} us, best of {2}\n", name, best,
                                  benchmark);
  }
  for (auto [output, result] : llvm::zip_equal(outputs, results))
    std::memcpy(output.array.data(), result, output.array.bytes().size());
  for (auto [data, block] : blocks)
    fx_rt_tensor_release(data, block);
  if (!outputsPath.empty())
    if (llvm::Error problem = writeNpz(outputsPath, outputs))
      return fail(llvm::toString(std::move(problem)));
  return 0;
}
