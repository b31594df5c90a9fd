//===- DeviceCode.cpp - Device functions to PTX ---------------------------===//

#include "DeviceCode.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

using namespace mlir;
using namespace mlir::fx;

/// The oldest PTX that has all of the instructions of sm_90.
static constexpr llvm::StringLiteral kFeatures = "+ptx80";

static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(StringRef arch, std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, arch, kFeatures, options, llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Default));
  if (!machine || !machine->getMCSubtargetInfo()->isCPUStringValid(arch)) {
    error = ("unknown GPU architecture '" + arch +
             "'; it is named like sm_80 or sm_90")
                .str();
    return nullptr;
  }
  return machine;
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
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
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, mam);
}

FailureOr<std::string> nvptx::generatePTX(gpu::GPUModuleOp device,
                                          StringRef arch) {
  std::string error;
  auto machine = createTargetMachine(arch, error);
  if (!machine)
    return device.emitError(error);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(device, context, "fx_gpu");
  if (!module)
    return device.emitError("cannot be translated to LLVM IR");
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple());
  for (llvm::Function &function : *module)
    if (function.isDeclaration() && !function.isIntrinsic() &&
        !function.use_empty())
      return emitError(device.getLoc())
             << "device code calls the function '" << function.getName().str()
             << "', which does not exist there";
  optimize(*module, *machine);
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager codegen;
  if (machine->addPassesToEmitFile(codegen, os, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile))
    return device.emitError("LLVM's NVPTX backend cannot write PTX");
  codegen.run(*module);
  return std::string(text.data(), text.size());
}

FailureOr<std::optional<std::string>>
nvptx::assemble(Location loc, StringRef ptx, StringRef arch) {
  auto program = llvm::sys::findProgramByName("ptxas");
  if (!program)
    return std::optional<std::string>();
  llvm::SmallString<128> source, object, log;
  auto fail = [&](const Twine &message) {
    return emitError(loc) << "ptxas: " << message;
  };
  llvm::scope_exit cleanup([&] {
    for (auto *path : {&source, &object, &log})
      if (!path->empty())
        llvm::sys::fs::remove(*path);
  });
  for (auto [path, extension] : {std::pair(&source, "ptx"),
                                 std::pair(&object, "cubin"),
                                 std::pair(&log, "log")})
    if (auto code =
            llvm::sys::fs::createTemporaryFile("fx-device", extension, *path))
      return fail("cannot make a temporary file: " + code.message());
  {
    std::error_code code;
    llvm::raw_fd_ostream os(source, code);
    os << ptx;
    os.close();
    if (code || os.has_error()) {
      os.clear_error();
      return fail("cannot write " + source);
    }
  }
  std::string archFlag = ("-arch=" + arch).str();
  StringRef arguments[] = {*program, "-O3", archFlag, source, "-o", object};
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log),
                                          StringRef(log)};
  std::string message;
  if (llvm::sys::ExecuteAndWait(*program, arguments, std::nullopt, redirects, 0,
                                0, &message)) {
    if (auto text = llvm::MemoryBuffer::getFile(log))
      message += (*text)->getBuffer();
    return fail(message);
  }
  auto code = llvm::MemoryBuffer::getFile(object);
  if (!code)
    return fail("wrote no file: " + code.getError().message());
  return std::optional<std::string>((*code)->getBuffer().str());
}
