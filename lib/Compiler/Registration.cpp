//===- Registration.cpp - The dialects and passes of all stages -----------===//

#include "fx/Compiler/Registration.h"
#include "fx/Analysis/Rematerialization.h"
#include "fx/Autodiff/Passes.h"
#include "fx/Compiler/Passes.h"
#include "fx/Compiler/Pipelines.h"
#include "fx/IR/FXDialect.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Lowering/Kernels/Passes.h"
#include "fx/Lowering/Passes.h"
#include "fx/Lowering/ScalarBodies.h"
#include "fx/Partition/Passes.h"
#include "fx/PostGrad/Passes.h"
#include "fx/PreGrad/Passes.h"
#include "fx/Target/CPU/CPU.h"
#include "fx/Target/CPU/Passes.h"
#include "fx/Target/NVPTX/NVPTX.h"
#include "fx/Target/NVPTX/Passes.h"

using namespace mlir;

void fx::registerFXDialects(DialectRegistry &registry) {
  registry.insert<FXDialect>();
  registerDerivatives(registry);
  registerRematerializationModels(registry);
  cpu::registerCPUDialects(registry);
  nvptx::registerNVPTXDialects(registry);
  registerScalarBodyModels(registry);
}

void fx::registerFXPasses() {
  registerFXPreGradPasses();
  registerFXAutodiffPasses();
  registerFXJointGraphPasses();
  registerFXLoweringPasses();
  registerFXPartitionPasses();
  registerFXPostGradPasses();
  registerFXLoweringKernelsPasses();
  cpu::registerFXTargetCPUPasses();
  nvptx::registerFXTargetNVPTXPasses();
  registerFXCompilerPasses();
  registerPipelines();
}
