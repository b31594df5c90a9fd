//===- CountKernels.cpp - How many kernels a pipeline forms ---------------===//

#include "CountKernels.h"

#include "fx/IR/KernelOps.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <atomic>

using namespace mlir;
using namespace mlir::fx;

namespace {
/// The next passes make functions of the kernels, so they are counted between.
struct KernelCounter : PassInstrumentation {
  explicit KernelCounter(CompileStatistics &statistics)
      : statistics(statistics) {}

  ~KernelCounter() override { statistics.numKernels += count; }

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() == "fx-form-kernels")
      op->walk([&](KernelOp) { ++count; });
  }

  CompileStatistics &statistics;
  // Functions may be worked on in parallel.
  std::atomic<unsigned> count = 0;
};
} // namespace

void fx::countKernels(PassManager &pm, CompileStatistics *statistics) {
  if (statistics)
    pm.addInstrumentation(std::make_unique<KernelCounter>(*statistics));
}
