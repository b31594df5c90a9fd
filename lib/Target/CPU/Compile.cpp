//===- Compile.cpp - Module to machine code -------------------------------===//

#include "../Common/KernelStatistics.h"
#include "GenerateObject.h"
#include "MachineCode.h"
#include "SplitModule.h"
#include "TargetMachine.h"

#include "fx/IR/FXDialect.h"
#include "fx/Lowering/Kernels/Passes.h"
#include "fx/Support/ProgressBar.h"
#include "fx/Target/CPU/CPU.h"
#include "fx/Target/CPU/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/AllocationOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"

#include <chrono>
#include <cstdlib>
#include <numeric>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

void cpu::registerCPUDialects(DialectRegistry &registry) {
  registry.insert<FXDialect, affine::AffineDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, cf::ControlFlowDialect,
                  complex::ComplexDialect, func::FuncDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect,
                  tensor::TensorDialect, ub::UBDialect,
                  vector::VectorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  arith::registerBufferDeallocationOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  cf::registerBufferizableOpInterfaceExternalModels(registry);
  cf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  memref::registerAllocationOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  func::registerInlinerExtension(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void cpu::buildLowerToCPUPipeline(OpPassManager &pm,
                                  const CPUOptions &options) {
  // Sizes of intermediate tensors become those of arguments.
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  FormKernelsPassOptions form;
  form.fuse = options.fuse;
  pm.addNestedPass<func::FuncOp>(createFormKernelsPass(form));
  pm.addNestedPass<func::FuncOp>(createUseFrozenWeightsPass());
  pm.addNestedPass<func::FuncOp>(createReserveScratchPass());
  pm.addPass(createBuildStepPass());
  PlanMemoryPassOptions plan;
  plan.separate = options.separateBuffers;
  pm.addNestedPass<func::FuncOp>(createPlanMemoryPass(plan));
  // Sizes are arithmetic of the entry point.
  pm.addPass(createLowerAffinePass());
  EmitCPUPassOptions emit;
  std::string error;
  if (auto machine = createTargetMachine(options, error))
    emit.vectorBits = getVectorBits(*machine);
  pm.addPass(createEmitCPUPass(emit));
  pm.addPass(createCPUToLLVMPass());
}

using Clock = std::chrono::steady_clock;

/// Milliseconds since a time.
static double since(Clock::time_point from) {
  return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
}

/// How many threads generate code.
static unsigned getNumThreads(const CPUOptions &options) {
  unsigned count = options.threads;
  if (const char *text = count ? nullptr : std::getenv("FX_COMPILE_THREADS"))
    if (StringRef(text).getAsInteger(10, count))
      count = 0;
  return count ? count : llvm::hardware_concurrency().compute_thread_count();
}

namespace {
/// One module of LLVM IR on its way to machine code.
struct Part {
  std::unique_ptr<llvm::LLVMContext> context =
      std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module;
  GeneratedCode code;
  unsigned numFunctions = 0;
};
} // namespace

/// Each object file takes some time of its own: this is ten times as much.
static constexpr unsigned kOpsPerPart = 2000;

FailureOr<std::unique_ptr<CompiledModule>>
cpu::compileLLVMModule(ModuleOp source, ModuleOp module,
                       const CPUOptions &options) {
  auto start = Clock::now();
  SmallVector<OwningOpRef<ModuleOp>> parts = splitModule(
      module, options.singleObject ? std::numeric_limits<unsigned>::max()
                                   : kOpsPerPart);
  unsigned numThreads =
      std::min<unsigned>(getNumThreads(options), parts.size());
  std::vector<Part> work(parts.size());
  for (auto [part, translated] : llvm::zip_equal(work, parts))
    part.numFunctions = llvm::count_if(
        translated->getOps<LLVM::LLVMFuncOp>(),
        [](LLVM::LLVMFuncOp function) { return !function.isExternal(); });
  if (options.progress)
    options.progress->startCode(std::accumulate(
        work.begin(), work.end(), 0u, [](unsigned sum, const Part &part) {
          return sum + part.numFunctions;
        }));
  // Parts that are translated are compiled while the next ones are translated.
  double translation = 0;
  bool isFine = true;
  {
    std::optional<llvm::StdThreadPool> pool;
    if (numThreads > 1)
      pool.emplace(llvm::hardware_concurrency(numThreads));
    for (auto [part, translated] : llvm::zip_equal(work, parts)) {
      auto begin = Clock::now();
      part.module = translateModuleToLLVMIR(*translated, *part.context, "fx");
      translation += since(begin);
      if (!part.module) {
        isFine = false;
        break;
      }
      auto generate = [&options, &part = part] {
        part.code = generateObject(*part.module, options);
        part.module.reset();
        part.context.reset();
        if (options.progress)
          options.progress->addFunctions(part.numFunctions);
      };
      if (pool)
        pool->async(generate);
      else
        generate();
    }
  }
  if (!isFine)
    return failure();
  std::vector<std::string> objects;
  std::string llvmIR;
  for (Part &part : work) {
    if (!part.code.error.empty())
      return source.emitError(part.code.error);
    objects.emplace_back(part.code.object.begin(), part.code.object.end());
    llvmIR += part.code.llvmIR;
  }
  // Of the time with several threads, what translation does not take.
  double llvmTime = since(start) - translation;
  if (options.printTimes)
    llvm::errs() << llvm::formatv(
        "cpu: translation {0:f1} ms, LLVM {1:f1} ms ({2} parts, {3} threads)\n",
        translation, llvmTime, work.size(), numThreads);
  if (options.statistics) {
    options.statistics->times.emplace_back("translation", translation);
    options.statistics->times.emplace_back("llvm", llvmTime);
  }
  return makeCompiledModule(std::move(objects), std::move(llvmIR), options);
}

FailureOr<std::unique_ptr<CompiledModule>>
cpu::compileForCPU(ModuleOp module, const CPUOptions &options) {
  auto start = Clock::now();
  if (options.progress)
    options.progress->startStage("kernels");
  std::string error;
  if (!createTargetMachine(options, error))
    return module.emitError(error);
  OwningOpRef<ModuleOp> copy = module.clone();
  PassManager pm(module.getContext());
  pm.enableVerifier(options.verifyPasses);
  buildLowerToCPUPipeline(pm, options);
  collectKernelStatistics(pm, options.statistics);
  if (failed(pm.run(*copy)))
    return failure();
  double passes = since(start);
  if (options.printTimes)
    llvm::errs() << llvm::formatv("cpu: passes {0:f1} ms\n", passes);
  if (options.statistics)
    options.statistics->times.emplace_back("kernels", passes);
  return compileLLVMModule(module, *copy, options);
}
