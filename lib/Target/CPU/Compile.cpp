//===- Compile.cpp - Module to machine code -------------------------------===//

#include "../Common/KernelStatistics.h"
#include "MachineCode.h"

#include "fx/IR/FXDialect.h"
#include "fx/Lowering/Kernels/Passes.h"
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

#include <chrono>

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
  pm.addNestedPass<func::FuncOp>(createReserveScratchPass());
  pm.addPass(createBuildStepPass());
  pm.addNestedPass<func::FuncOp>(createPlanMemoryPass());
  // Sizes are arithmetic of the entry point.
  pm.addPass(createLowerAffinePass());
  EmitCPUPassOptions emit;
  emit.vectorBits = getVectorBits(options);
  pm.addPass(createEmitCPUPass(emit));
  pm.addPass(createCPUToLLVMPass());
}

using Clock = std::chrono::steady_clock;

/// Milliseconds since a time.
static double since(Clock::time_point from) {
  return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
}

FailureOr<std::unique_ptr<CompiledModule>>
cpu::compileLLVMModule(ModuleOp source, ModuleOp module,
                       const CPUOptions &options) {
  auto translated = Clock::now();
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> llvmModule =
      translateModuleToLLVMIR(module, *llvmContext, "fx");
  if (!llvmModule)
    return failure();
  auto generated = Clock::now();
  FailureOr<std::unique_ptr<CompiledModule>> result = generateMachineCode(
      source, std::move(llvmContext), std::move(llvmModule), options);
  double translation = since(translated) - since(generated);
  double llvmTime = since(generated);
  if (options.printTimes)
    llvm::errs() << llvm::formatv("cpu: translation {0:f1} ms, LLVM {1:f1} ms\n",
                                  translation, llvmTime);
  if (options.statistics) {
    options.statistics->times.emplace_back("translation", translation);
    options.statistics->times.emplace_back("llvm", llvmTime);
  }
  return result;
}

FailureOr<std::unique_ptr<CompiledModule>>
cpu::compileForCPU(ModuleOp module, const CPUOptions &options) {
  auto start = Clock::now();
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
