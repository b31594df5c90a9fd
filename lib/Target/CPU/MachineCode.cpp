//===- MachineCode.cpp - LLVM IR to machine code --------------------------===//

#include "MachineCode.h"

#include "fx/Runtime/Cuda.h"
#include "fx/Runtime/Runtime.h"
#include "fx/Support/OutputFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Vectorize/LoopVectorize.h"

#include <mutex>

using namespace mlir;
using namespace mlir::fx::cpu;

CompiledModule::~CompiledModule() = default;

static bool isHostCPU(const CPUOptions &options) {
  return options.cpu.empty() || options.cpu == "native";
}

static void initializeTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
  });
}

static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const CPUOptions &options, std::string &error) {
  initializeTarget();
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  std::string cpu = isHostCPU(options) ? llvm::sys::getHostCPUName().str()
                                       : options.cpu;
  std::string features = options.features;
  if (isHostCPU(options) && features.empty()) {
    llvm::SubtargetFeatures host;
    for (auto &feature : llvm::sys::getHostCPUFeatures())
      host.AddFeature(feature.first(), feature.second);
    features = host.getString();
  }
  llvm::TargetOptions targetOptions;
  targetOptions.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  auto level = options.optLevel == 0   ? llvm::CodeGenOptLevel::None
               : options.optLevel == 1 ? llvm::CodeGenOptLevel::Less
               : options.optLevel == 2 ? llvm::CodeGenOptLevel::Default
                                       : llvm::CodeGenOptLevel::Aggressive;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu, features, targetOptions, llvm::Reloc::PIC_, std::nullopt,
      level));
  if (!machine || !machine->getMCSubtargetInfo()->isCPUStringValid(cpu)) {
    error = "unknown processor '" + cpu + "'";
    return nullptr;
  }
  return machine;
}

unsigned fx::cpu::getVectorBits(const CPUOptions &options) {
  std::string error;
  auto machine = createTargetMachine(options, error);
  if (!machine)
    return 128;
  auto *info = machine->getMCSubtargetInfo();
  if (info->checkFeatures("+avx512f,+avx512vl,+avx512bw,+avx512dq"))
    return 512;
  return info->checkFeatures("+avx2,+fma") ? 256 : 128;
}

/// A short pipeline: the emitted code is already in the form that we want, so
/// only redundancy is removed. Loops of generic kernels get the full one.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     unsigned level) {
  if (level == 0)
    return;
  llvm::LoopAnalysisManager lam;
  llvm::FunctionAnalysisManager fam;
  llvm::CGSCCAnalysisManager cgam;
  llvm::ModuleAnalysisManager mam;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(mam);
  builder.registerCGSCCAnalyses(cgam);
  builder.registerFunctionAnalyses(fam);
  builder.registerLoopAnalyses(lam);
  builder.crossRegisterProxies(lam, fam, cgam, mam);

  llvm::FunctionPassManager quick;
  quick.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  quick.addPass(llvm::InstCombinePass());
  quick.addPass(llvm::SimplifyCFGPass());
  quick.addPass(llvm::createFunctionToLoopPassAdaptor(
      llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  llvm::FunctionPassManager full = builder.buildFunctionSimplificationPipeline(
      llvm::OptimizationLevel::O2, llvm::ThinOrFullLTOPhase::None);
  full.addPass(llvm::LoopVectorizePass());
  full.addPass(llvm::InstCombinePass());
  full.addPass(llvm::SimplifyCFGPass());
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    if (function.getName().ends_with("_generic"))
      full.run(function, fam);
    else
      quick.run(function, fam);
  }
}

namespace {

class MachineCode : public CompiledModule {
public:
  MachineCode(MLIRContext *context, CPUOptions options)
      : context(context), options(std::move(options)) {}

  void *lookup(StringRef name) override;
  LogicalResult emitObject(StringRef path) override;
  LogicalResult emitSharedLibrary(StringRef path,
                                  ArrayRef<std::string> extraObjects) override;
  std::string getLLVMIR() override {
    std::string text;
    llvm::raw_string_ostream os(text);
    if (module)
      module->print(os, nullptr);
    return text;
  }
  StringRef getObject() override {
    return StringRef(object.data(), object.size());
  }

  LogicalResult generate();

  std::unique_ptr<llvm::LLVMContext> llvmContext;
  std::unique_ptr<llvm::Module> module;
  llvm::SmallVector<char, 0> object;

private:
  LogicalResult error(const Twine &message) {
    return emitError(UnknownLoc::get(context)) << message;
  }

  MLIRContext *context;
  CPUOptions options;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace

LogicalResult MachineCode::generate() {
  std::string message;
  auto machine = createTargetMachine(options, message);
  if (!machine)
    return error(message);
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple());
  std::string width = std::to_string(getVectorBits(options));
  for (llvm::Function &function : *module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr("target-cpu", machine->getTargetCPU());
    function.addFnAttr("target-features", machine->getTargetFeatureString());
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  optimize(*module, *machine, options.optLevel);
  llvm::raw_svector_ostream os(object);
  llvm::legacy::PassManager codegen;
  if (machine->addPassesToEmitFile(codegen, os, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    return error("this processor's backend cannot write object files");
  codegen.run(*module);
  return success();
}

/// The functions of the runtime that compiled code may call.
static llvm::orc::SymbolMap
getRuntimeSymbols(llvm::orc::LLJIT &jit) {
  llvm::orc::SymbolMap symbols;
  auto add = [&](StringRef name, auto *function) {
    symbols[jit.mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(function),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
#define FX_RUNTIME_SYMBOL(name) add(#name, &name)
  FX_RUNTIME_SYMBOL(fx_rt_set_error);
  FX_RUNTIME_SYMBOL(fx_rt_workspace);
  FX_RUNTIME_SYMBOL(fx_rt_alloc);
  FX_RUNTIME_SYMBOL(fx_rt_free);
  FX_RUNTIME_SYMBOL(fx_rt_lend);
  FX_RUNTIME_SYMBOL(fx_rt_parallel_for);
  FX_RUNTIME_SYMBOL(fx_rt_sgemm);
  FX_RUNTIME_SYMBOL(fx_rt_sgemm_batched);
  FX_RUNTIME_SYMBOL(fx_rt_dgemm_batched);
  FX_RUNTIME_SYMBOL(fx_rt_gemm_bf16);
  FX_RUNTIME_SYMBOL(fx_rt_gemm_f16);
  FX_RUNTIME_SYMBOL(fx_rt_attention);
  FX_RUNTIME_SYMBOL(fx_rt_attention_backward);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_bf16);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_f16);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_backward_data);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_backward_weight);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_backward_weight_bf16);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_backward_weight_f16);
  FX_RUNTIME_SYMBOL(fx_rt_philox_uniform_f32);
  FX_RUNTIME_SYMBOL(fx_rt_philox_uniform_f32_at);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_begin);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_end);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_workspace);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_alloc);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_free);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_constant);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_check_alignment);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_launch);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_copy);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_read);
  FX_RUNTIME_SYMBOL(fx_rt_cuda_gemm);
#undef FX_RUNTIME_SYMBOL
  return symbols;
}

void *MachineCode::lookup(StringRef name) {
  auto fail = [&](llvm::Error problem) -> void * {
    (void)error("cannot load '" + name +
                "': " + llvm::toString(std::move(problem)));
    return nullptr;
  };
  if (!jit) {
    // Code that was compiled elsewhere has not asked for the target yet.
    initializeTarget();
    auto made = llvm::orc::LLJITBuilder().create();
    if (!made)
      return fail(made.takeError());
    jit = std::move(*made);
    if (auto problem = jit->getMainJITDylib().define(
            llvm::orc::absoluteSymbols(getRuntimeSymbols(*jit))))
      return fail(std::move(problem));
    auto buffer = llvm::MemoryBuffer::getMemBuffer(
        StringRef(object.data(), object.size()), "fx", false);
    if (auto problem = jit->addObjectFile(std::move(buffer)))
      return fail(std::move(problem));
  }
  auto address = jit->lookup(name);
  if (!address)
    return fail(address.takeError());
  return address->toPtr<void *>();
}

LogicalResult MachineCode::emitObject(StringRef path) {
  if (llvm::Error failure =
          fx::writeOutputFile(path, [&](llvm::raw_pwrite_stream &os) {
            os.write(object.data(), object.size());
          }))
    return error("cannot write " + llvm::toString(std::move(failure)));
  return success();
}

LogicalResult
MachineCode::emitSharedLibrary(StringRef path,
                               ArrayRef<std::string> extraObjects) {
  auto linker = llvm::sys::findProgramByName("ld.lld");
  if (!linker)
    linker = llvm::sys::findProgramByName("ld.lld-22");
  std::string program = linker ? *linker : FX_LLD_PATH;
  if (program.empty() || !llvm::sys::fs::can_execute(program))
    return error("cannot link '" + path +
                 "': ld.lld is neither in PATH nor was it found when fx-mlir "
                 "was configured");
  // The runtime's archive is next to the tool, in the build tree or installed.
  std::string runtime = FX_RUNTIME_ARCHIVE;
  if (!llvm::sys::fs::exists(runtime)) {
    std::string self = llvm::sys::fs::getMainExecutable(
        nullptr, reinterpret_cast<void *>(&isHostCPU));
    llvm::SmallString<256> beside(llvm::sys::path::parent_path(
        llvm::sys::path::parent_path(self)));
    llvm::sys::path::append(beside, "lib", "libFXRuntime.a");
    runtime = std::string(beside);
  }
  if (!llvm::sys::fs::exists(runtime))
    return error("cannot link '" + path + "': libFXRuntime.a is not at " +
                 runtime);
  llvm::SmallString<128> objectPath, logPath;
  if (auto code = llvm::sys::fs::createTemporaryFile("fx", "o", objectPath))
    return error("cannot make a temporary file: " + code.message());
  if (auto code = llvm::sys::fs::createTemporaryFile("fx", "log", logPath))
    return error("cannot make a temporary file: " + code.message());
  auto cleanup = llvm::make_scope_exit([&] {
    llvm::sys::fs::remove(objectPath);
    llvm::sys::fs::remove(logPath);
  });
  if (failed(emitObject(objectPath)))
    return failure();
  std::string output = path.str();
  // Its own run-time library serves it, whatever else the process has loaded.
  SmallVector<StringRef> arguments = {program,        "-shared",
                                      "-Bsymbolic",   "--gc-sections",
                                      "-z",           "noexecstack",
                                      "-o",           output,
                                      objectPath};
  llvm::append_range(arguments, extraObjects);
  arguments.push_back(runtime);
  // Nothing in the objects refers to these.
  SmallVector<StringRef> exported = {"fx_rt_last_error",
                                     "fx_rt_memory_peak",
                                     "fx_rt_get_num_threads",
                                     "fx_rt_set_num_threads"};
  llvm::append_range(exported, options.exports);
  for (StringRef symbol : exported)
    arguments.append({"-u", symbol});
  if (!extraObjects.empty())
    arguments.append({"-u", "fx_model_describe"});
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(logPath),
                                          StringRef(logPath)};
  std::string message;
  if (llvm::sys::ExecuteAndWait(program, arguments, std::nullopt, redirects,
                                /*SecondsToWait=*/0, /*MemoryLimit=*/0,
                                &message)) {
    if (auto log = llvm::MemoryBuffer::getFile(logPath))
      message += (*log)->getBuffer();
    return error("ld.lld failed on '" + path + "': " + message);
  }
  return success();
}

FailureOr<std::unique_ptr<CompiledModule>> fx::cpu::generateMachineCode(
    ModuleOp source, std::unique_ptr<llvm::LLVMContext> llvmContext,
    std::unique_ptr<llvm::Module> module, const CPUOptions &options) {
  auto code = std::make_unique<MachineCode>(source.getContext(), options);
  code->llvmContext = std::move(llvmContext);
  code->module = std::move(module);
  if (failed(code->generate()))
    return failure();
  return std::unique_ptr<CompiledModule>(std::move(code));
}

std::unique_ptr<CompiledModule> fx::cpu::loadObject(MLIRContext *context,
                                                    StringRef object) {
  auto code = std::make_unique<MachineCode>(context, CPUOptions());
  code->object.assign(object.begin(), object.end());
  return code;
}
