//===- RemoveDebugCalls.cpp - Profiler marks and metadata assertions ------===//

#include "fx/IR/FXOps.h"
#include "fx/PostGrad/Passes.h"
#include "mlir/IR/Iterators.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REMOVEDEBUGCALLSPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Rules 5.4 and 5.6.
bool isDebugCall(StringRef target) {
  return target.starts_with("profiler._record_function_") ||
         target.starts_with("aten._assert_tensor_metadata.");
}

struct RemoveDebugCallsPass
    : impl::RemoveDebugCallsPassBase<RemoveDebugCallsPass> {
  void runOnOperation() override {
    // The mark that ends a range uses the one that began it.
    getOperation().walk<WalkOrder::PostOrder, ReverseIterator>([](CallOp call) {
      if (isDebugCall(call.getTarget()) && call->use_empty())
        call.erase();
    });
  }
};

} // namespace
} // namespace mlir::fx
