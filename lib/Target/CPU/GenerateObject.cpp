//===- GenerateObject.cpp - LLVM IR to an object file ---------------------===//

#include "GenerateObject.h"

#include "TargetMachine.h"

#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Pass.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Vectorize/LoopVectorize.h"

using namespace mlir;
using namespace mlir::fx::cpu;

/// A compiler with AddressSanitizer makes code with it, which runs in this
/// process or is linked with the run-time library, which has it too. Text and
/// single object files stay as they are.
static constexpr bool kIsSanitized = LLVM_ADDRESS_SANITIZER_BUILD;

/// Whether a function runs once a call, to start kernels and to tell sizes.
static bool isHostCode(const llvm::Function &function) {
  return !function.hasLocalLinkage() && !function.hasHiddenVisibility();
}

namespace {
/// The analyses of the new pass manager.
struct Analyses {
  explicit Analyses(llvm::TargetMachine &machine) : builder(&machine) {
    builder.registerModuleAnalyses(mam);
    builder.registerCGSCCAnalyses(cgam);
    builder.registerFunctionAnalyses(fam);
    builder.registerLoopAnalyses(lam);
    builder.crossRegisterProxies(lam, fam, cgam, mam);
  }

  llvm::LoopAnalysisManager lam;
  llvm::FunctionAnalysisManager fam;
  llvm::CGSCCAnalysisManager cgam;
  llvm::ModuleAnalysisManager mam;
  llvm::PassBuilder builder;
};
} // namespace

/// A short pipeline: the emitted code is already in the form that we want, so
/// only redundancy is removed. Loops of generic kernels get the full one.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     unsigned level) {
  if (level == 0)
    return;
  Analyses analyses(machine);
  llvm::FunctionPassManager quick;
  quick.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  quick.addPass(llvm::InstCombinePass());
  quick.addPass(llvm::SimplifyCFGPass());
  quick.addPass(llvm::createFunctionToLoopPassAdaptor(
      llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  llvm::FunctionPassManager full =
      analyses.builder.buildFunctionSimplificationPipeline(
          llvm::OptimizationLevel::O2, llvm::ThinOrFullLTOPhase::None);
  full.addPass(llvm::LoopVectorizePass());
  full.addPass(llvm::InstCombinePass());
  full.addPass(llvm::SimplifyCFGPass());
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    if (function.getName().ends_with("_generic"))
      full.run(function, analyses.fam);
    else
      quick.run(function, analyses.fam);
  }
}

/// Checks every access as AddressSanitizer does it.
static void checkAccesses(llvm::Module &module, llvm::TargetMachine &machine) {
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr(llvm::Attribute::SanitizeAddress);
  // Constants would need a constructor, which two parts in a process cannot
  // both have.
  for (llvm::GlobalVariable &global : module.globals()) {
    llvm::GlobalValue::SanitizerMetadata metadata;
    metadata.NoAddress = true;
    global.setSanitizerMetadata(metadata);
  }
  Analyses analyses(machine);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::AddressSanitizerPass(
      llvm::AddressSanitizerOptions(), /*UseGlobalGC=*/false,
      /*UseOdrIndicator=*/false, llvm::AsanDtorKind::None,
      llvm::AsanCtorKind::None));
  passes.run(module, analyses.mam);
}

namespace {
/// Leaves out passes of code generation that take a fifth of its time and make
/// no difference to the speed of our loops on x86: their addresses fit its
/// addressing modes, and its processors reorder instructions themselves.
class SelectedPasses : public llvm::PassManagerBase {
public:
  explicit SelectedPasses(bool isX86) : isX86(isX86) {}

  void add(llvm::Pass *pass) override {
    static constexpr StringRef leftOut[] = {
        "Canonicalize Freeze Instructions in Loops", "Loop Strength Reduction",
        "Post RA top-down list latency scheduler"};
    if (isX86 && llvm::is_contained(leftOut, pass->getPassName()))
      delete pass;
    else
      passes.add(pass);
  }
  void run(llvm::Module &module) { passes.run(module); }

private:
  bool isX86;
  llvm::legacy::PassManager passes;
};
} // namespace

GeneratedCode fx::cpu::generateObject(llvm::Module &module,
                                      const CPUOptions &options) {
  GeneratedCode result;
  auto machine = createTargetMachine(options, result.error);
  if (!machine)
    return result;
  module.setDataLayout(machine->createDataLayout());
  module.setTargetTriple(machine->getTargetTriple());
  std::string width = std::to_string(getVectorBits(*machine));
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr("target-cpu", machine->getTargetCPU());
    function.addFnAttr("target-features", machine->getTargetFeatureString());
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  optimize(module, *machine, options.optLevel);
  if (kIsSanitized && !options.singleObject)
    checkAccesses(module, *machine);
  // Instructions of host code are selected the fast way: there are many of
  // them, and they run once.
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && isHostCode(function)) {
      function.addFnAttr(llvm::Attribute::NoInline);
      function.addFnAttr(llvm::Attribute::OptimizeNone);
    }
  if (options.keepLLVMIR) {
    llvm::raw_string_ostream os(result.llvmIR);
    module.print(os, nullptr);
  }
  llvm::raw_svector_ostream os(result.object);
  SelectedPasses codegen(machine->getTargetTriple().isX86());
  if (machine->addPassesToEmitFile(
          codegen, os, nullptr,
          options.assembly ? llvm::CodeGenFileType::AssemblyFile
                           : llvm::CodeGenFileType::ObjectFile))
    result.error = "this processor's backend cannot write object files";
  else
    codegen.run(module);
  return result;
}
