//===- MachineCode.cpp - LLVM IR to machine code --------------------------===//

#include "MachineCode.h"

#include "TargetMachine.h"

#include "fx/Runtime/Cuda.h"
#include "fx/Runtime/Runtime.h"
#include "fx/Support/OutputFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace mlir::fx::cpu;

CompiledModule::~CompiledModule() = default;

namespace {

class MachineCode : public CompiledModule {
public:
  explicit MachineCode(CPUOptions given) : options(std::move(given)) {
    // These are of the compilation, which is over.
    options.statistics = nullptr;
    options.progress = nullptr;
  }

  ~MachineCode() override {
    if (!jit)
      return;
    // Not there in code without frozen weights.
    auto release = jit->lookup(kReleaseFrozen);
    if (release)
      release->toPtr<void (*)()>()();
    else
      llvm::consumeError(release.takeError());
  }

  llvm::Expected<void *> lookup(StringRef name) override;
  llvm::Error emitObject(StringRef path) override;
  llvm::Error emitSharedLibrary(StringRef path,
                                ArrayRef<std::string> extraObjects) override;
  StringRef getLLVMIR() override { return llvmIR; }
  ArrayRef<std::string> getObjects() override { return objects; }

  std::vector<std::string> objects;
  std::string llvmIR;

private:
  CPUOptions options;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace

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
  FX_RUNTIME_SYMBOL(fx_rt_sgemm_frozen);
  FX_RUNTIME_SYMBOL(fx_rt_dgemm_batched);
  FX_RUNTIME_SYMBOL(fx_rt_gemm_bf16);
  FX_RUNTIME_SYMBOL(fx_rt_gemm_f16);
  FX_RUNTIME_SYMBOL(fx_rt_gemm_bf16_frozen);
  FX_RUNTIME_SYMBOL(fx_rt_gemm_f16_frozen);
  FX_RUNTIME_SYMBOL(fx_rt_gemm_i8);
  FX_RUNTIME_SYMBOL(fx_rt_attention);
  FX_RUNTIME_SYMBOL(fx_rt_attention_backward);
  FX_RUNTIME_SYMBOL(fx_rt_sort);
  FX_RUNTIME_SYMBOL(fx_rt_cumulative_extremum);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_bf16);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_f16);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_frozen);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_bf16_frozen);
  FX_RUNTIME_SYMBOL(fx_rt_conv2d_f16_frozen);
  FX_RUNTIME_SYMBOL(fx_rt_release_frozen);
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

llvm::Expected<void *> MachineCode::lookup(StringRef name) {
  auto fail = [&](llvm::Error problem) {
    return llvm::createStringError("cannot load '" + name + "': " +
                                   llvm::toString(std::move(problem)));
  };
  if (!isHostArchitecture(options))
    return llvm::createStringError("cannot load code for '" + options.triple +
                                   "' here");
  if (!jit) {
    // Code that was compiled elsewhere has not asked for the target yet.
    initializeTargets();
    auto made = llvm::orc::LLJITBuilder().create();
    if (!made)
      return fail(made.takeError());
    jit = std::move(*made);
    if (auto problem = jit->getMainJITDylib().define(
            llvm::orc::absoluteSymbols(getRuntimeSymbols(*jit))))
      return fail(std::move(problem));
    for (const std::string &object : objects)
      if (auto problem = jit->addObjectFile(
              llvm::MemoryBuffer::getMemBuffer(object, "fx", false)))
        return fail(std::move(problem));
  }
  auto address = jit->lookup(name);
  if (!address)
    return fail(address.takeError());
  return address->toPtr<void *>();
}

static llvm::Error writeObject(StringRef path, const std::string &object) {
  if (llvm::Error failure = fx::writeOutputFile(
          path, [&](llvm::raw_pwrite_stream &os) { os << object; }))
    return llvm::createStringError("cannot write " +
                                   llvm::toString(std::move(failure)));
  return llvm::Error::success();
}

llvm::Error MachineCode::emitObject(StringRef path) {
  if (objects.size() != 1)
    return llvm::createStringError("cannot write '" + path +
                                   "': the code is in " +
                                   Twine(objects.size()) + " object files");
  return writeObject(path, objects.front());
}

llvm::Error
MachineCode::emitSharedLibrary(StringRef path,
                               ArrayRef<std::string> extraObjects) {
  auto fail = [](const Twine &message) {
    return llvm::createStringError(message);
  };
  if (!isHostArchitecture(options))
    return fail("cannot link '" + path + "' for '" + options.triple +
                "': there is no run-time library for it here; write an "
                "object file (fx-compile --emit=obj) and link it on that "
                "machine with libFXRuntime.a");
  auto linker = llvm::sys::findProgramByName("ld.lld");
  if (!linker)
    linker = llvm::sys::findProgramByName("ld.lld-22");
  std::string program = linker ? *linker : FX_LLD_PATH;
  if (program.empty() || !llvm::sys::fs::can_execute(program))
    return fail("cannot link '" + path +
                "': ld.lld is neither in PATH nor was it found when fx-mlir "
                "was configured");
  // The runtime's archive is next to the tool, in the build tree or installed.
  std::string runtime = FX_RUNTIME_ARCHIVE;
  if (!llvm::sys::fs::exists(runtime)) {
    std::string self = llvm::sys::fs::getMainExecutable(
        nullptr, reinterpret_cast<void *>(&loadObjects));
    llvm::SmallString<256> beside(llvm::sys::path::parent_path(
        llvm::sys::path::parent_path(self)));
    llvm::sys::path::append(beside, "lib", "libFXRuntime.a");
    runtime = std::string(beside);
  }
  if (!llvm::sys::fs::exists(runtime))
    return fail("cannot link '" + path + "': libFXRuntime.a is not at " +
                runtime);
  SmallVector<llvm::SmallString<128>> temporary;
  auto cleanup = llvm::make_scope_exit([&] {
    for (StringRef file : temporary)
      llvm::sys::fs::remove(file);
  });
  auto makeTemporary = [&](StringRef suffix) -> llvm::Error {
    temporary.emplace_back();
    if (auto code = llvm::sys::fs::createTemporaryFile("fx", suffix,
                                                       temporary.back())) {
      temporary.pop_back();
      return fail("cannot make a temporary file: " + code.message());
    }
    return llvm::Error::success();
  };
  for (const std::string &object : objects) {
    if (llvm::Error failure = makeTemporary("o"))
      return failure;
    if (llvm::Error failure = writeObject(temporary.back(), object))
      return failure;
  }
  if (llvm::Error failure = makeTemporary("log"))
    return failure;
  StringRef logPath = temporary.back();
  std::string output = path.str();
  // Its own run-time library serves it, whatever else the process has loaded.
  SmallVector<StringRef> arguments = {program,        "-shared",
                                      "-Bsymbolic",   "--gc-sections",
                                      "-z",           "noexecstack",
                                      "-o",           output};
  llvm::append_range(arguments, ArrayRef(temporary).drop_back());
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
    return fail("ld.lld failed on '" + path + "': " + message);
  }
  return llvm::Error::success();
}

std::unique_ptr<CompiledModule>
fx::cpu::makeCompiledModule(std::vector<std::string> objects,
                            std::string llvmIR, const CPUOptions &options) {
  auto code = std::make_unique<MachineCode>(options);
  code->objects = std::move(objects);
  code->llvmIR = std::move(llvmIR);
  return code;
}

std::unique_ptr<CompiledModule>
fx::cpu::loadObjects(std::vector<std::string> objects) {
  return makeCompiledModule(std::move(objects), "", CPUOptions());
}
