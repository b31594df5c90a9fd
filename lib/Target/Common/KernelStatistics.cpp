//===- KernelStatistics.cpp - What a pipeline plans -----------------------===//

#include "KernelStatistics.h"

#include "fx/IR/KernelOps.h"
#include "fx/Lowering/Kernels/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <mutex>

using namespace mlir;
using namespace mlir::fx;

namespace {
/// The next passes make functions of the kernels, so this looks between.
struct KernelObserver : PassInstrumentation {
  explicit KernelObserver(CompileStatistics &statistics)
      : statistics(statistics) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() == "fx-form-kernels") {
      unsigned count = 0;
      op->walk([&](KernelOp) { ++count; });
      std::lock_guard<std::mutex> guard(mutex);
      statistics.numKernels += count;
    } else if (pass->getArgument() == "fx-plan-memory") {
      auto function = cast<func::FuncOp>(op);
      std::lock_guard<std::mutex> guard(mutex);
      statistics.workspaces.emplace_back(function.getName().str(),
                                         getWorkspace(function));
      if (auto bytes = function->getAttrOfType<IntegerAttr>(kThreadScratchAttr))
        statistics.threadScratch.emplace_back(function.getName().str(),
                                              bytes.getInt());
    }
  }

  /// Bytes, -1 if some memory is allocated by sizes of the run time.
  static int64_t getWorkspace(func::FuncOp function) {
    auto bytes = function->getAttrOfType<IntegerAttr>(kWorkspaceAttr);
    bool isDynamic = false;
    function.walk([&](KernelOp kernel) {
      auto places = kernel->getAttrOfType<DenseI64ArrayAttr>(kPlacementAttr);
      isDynamic |= places && llvm::is_contained(places.asArrayRef(),
                                                kDynamicPlacement);
    });
    return bytes && !isDynamic ? bytes.getInt() : -1;
  }

  CompileStatistics &statistics;
  // Functions may be worked on in parallel.
  std::mutex mutex;
};
} // namespace

void fx::collectKernelStatistics(PassManager &pm,
                                 CompileStatistics *statistics) {
  if (statistics)
    pm.addInstrumentation(std::make_unique<KernelObserver>(*statistics));
}
