//===- ModelsTest.cpp - Every fx op has the models it should --------------===//
//
// A missing external model is silent: the op would never be recomputed. An op
// that the interpreter does not know would only be met by chance.
//
//===----------------------------------------------------------------------===//

#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/FXDialect.h"
#include "fx/Interpreter/Interpreter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectRegistry.h"

#include <cstdio>

using namespace mlir;
using namespace mlir::fx;

static int failures = 0;

static void expect(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "not so: %s\n", what);
  ++failures;
}

int main() {
  DialectRegistry registry;
  registry.insert<FXDialect, arith::ArithDialect>();
  registerRematerializationModels(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();

  interp::Interpreter interpreter{ModuleOp()};
  // Ends of regions, and what stands below linalg.
  auto isInterpreted = [](StringRef name) {
    return name != "fx.yield" && !name.starts_with("fx.kernel");
  };
  unsigned count = 0;
  for (RegisteredOperationName name : context.getRegisteredOperations()) {
    if (name.getDialectNamespace() != "fx")
      continue;
    ++count;
    if (!name.hasInterface<RematerializationOpInterface>()) {
      std::fprintf(stderr, "%s has no RematerializationOpInterface\n",
                   name.getStringRef().str().c_str());
      ++failures;
    }
    if (isInterpreted(name.getStringRef()) &&
        !interpreter.knows(name.getStringRef())) {
      std::fprintf(stderr, "%s is not interpreted\n",
                   name.getStringRef().str().c_str());
      ++failures;
    }
  }
  expect(count > 100, "the dialect has more than 100 ops");

  auto classesOf = [](const char *packet) {
    return getRematClassesOfPacket(packet);
  };
  expect(hasAny(classesOf("aten.view"), RematClass::View), "view is a view");
  expect(!hasAny(classesOf("aten.reshape"), RematClass::View),
         "reshape is no view");
  expect(classesOf("aten.mm") == RematClass::ComputeIntensive,
         "mm is compute-intensive and nothing else");
  expect(classesOf("aten.amin") == RematClass::None, "amin is in no category");
  expect(hasAny(classesOf("aten.logical_not"), RematClass::Recomputable),
         "pointwise packets are recomputable");
  expect(hasAny(classesOf("prims.inductor_seeds"), RematClass::Draws),
         "seeds are drawn");
  expect(isFusible(classesOf("aten.mm"), classesOf("aten.cat")),
         "cat takes any producer");
  expect(!isFusible(classesOf("aten.cat"), classesOf("aten.add")),
         "cat is no producer");
  return failures != 0;
}
