//===- Registration.cpp - The dialects and passes of all stages -----------===//

#include "fx/Compiler/Registration.h"
#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/FXDialect.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Partition/Passes.h"

using namespace mlir;

void fx::registerFXDialects(DialectRegistry &registry) {
  registry.insert<FXDialect>();
  registerRematerializationModels(registry);
}

void fx::registerFXPasses() {
  registerFXJointGraphPasses();
  registerFXPartitionPasses();
}
