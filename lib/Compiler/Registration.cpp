//===- Registration.cpp - The dialects and passes of all stages -----------===//

#include "fx/Compiler/Registration.h"
#include "fx/IR/FXDialect.h"

using namespace mlir;

void fx::registerFXDialects(DialectRegistry &registry) {
  registry.insert<FXDialect>();
}

void fx::registerFXPasses() {}
