//===- Compile.cpp - Module to host and device code -----------------------===//

#include "fx/Target/NVPTX/NVPTX.h"

#include "../Common/KernelStatistics.h"
#include "fx/Lowering/Kernels/Passes.h"
#include "fx/Target/CPU/Passes.h"
#include "fx/Target/NVPTX/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

#include <chrono>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::nvptx;

void nvptx::registerNVPTXDialects(DialectRegistry &registry) {
  registry.insert<gpu::GPUDialect, NVVM::NVVMDialect>();
  registerGPUDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

void nvptx::buildLowerToNVPTXPipeline(OpPassManager &pm,
                                      const NVPTXOptions &options) {
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Rows that stay in the first-level cache are faster read twice.
  OnlineSoftmaxPassOptions softmax;
  softmax.minElements = 8192;
  pm.addNestedPass<func::FuncOp>(createOnlineSoftmaxPass(softmax));
  FormKernelsPassOptions form;
  form.hostTemplates = false;
  pm.addNestedPass<func::FuncOp>(createFormKernelsPass(form));
  pm.addNestedPass<func::FuncOp>(createPlanMemoryPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createEmitNVPTXPass());
  NVPTXToLLVMPassOptions lower;
  lower.arch = options.arch;
  lower.cubin = options.cubin;
  pm.addPass(createNVPTXToLLVMPass(lower));
  pm.addPass(cpu::createCPUToLLVMPass());
}

FailureOr<std::unique_ptr<cpu::CompiledModule>>
nvptx::compileForNVPTX(ModuleOp module, const NVPTXOptions &options,
                       std::string *ptx) {
  auto start = std::chrono::steady_clock::now();
  OwningOpRef<ModuleOp> copy = module.clone();
  PassManager pm(module.getContext());
  pm.enableVerifier(options.host.verifyPasses);
  buildLowerToNVPTXPipeline(pm, options);
  collectKernelStatistics(pm, options.host.statistics);
  if (failed(pm.run(*copy)))
    return failure();
  double passes = std::chrono::duration<double, std::milli>(
                      std::chrono::steady_clock::now() - start)
                      .count();
  if (options.host.printTimes)
    llvm::errs() << llvm::formatv("nvptx: passes and device code {0:f1} ms\n",
                                  passes);
  if (options.host.statistics)
    options.host.statistics->times.emplace_back("kernels", passes);
  if (ptx)
    if (auto global = copy->lookupSymbol<LLVM::GlobalOp>("fx_cuda_ptx"))
      *ptx = cast<StringAttr>(*global.getValue()).getValue().drop_back().str();
  cpu::CPUOptions host = options.host;
  // What a caller needs to have tensors on the device.
  for (const char *name :
       {"begin", "end", "set_stream", "device_count", "alloc", "free", "read",
        "write", "synchronize"})
    host.exports.push_back(std::string("fx_rt_cuda_") + name);
  return cpu::compileLLVMModule(module, *copy, host);
}
