//===- RegisterUpstream.cpp - Upstream's dialects, passes, extensions -----===//
//
// The one file that includes upstream's InitAll headers.
//
//===----------------------------------------------------------------------===//

#include "fx/Compiler/Registration.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

using namespace mlir;

void fx::registerAll(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllPasses();
  registerFXDialects(registry);
  registerFXPasses();
}
