//===- RemoveRedundantDtypeViews.cpp - Bits seen as another type ----------===//

#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REMOVEREDUNDANTDTYPEVIEWSPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

bool isDtypeView(Operation *op) {
  auto call = dyn_cast_if_present<CallOp>(op);
  return call && call.getTarget() == "aten.view.dtype" &&
         call->getNumResults() == 1 && call.getInputs().size() == 1;
}

/// Rule 3.5, `remove_redundant_views`, in the order of the program.
struct RemoveRedundantDtypeViewsPass
    : impl::RemoveRedundantDtypeViewsPassBase<RemoveRedundantDtypeViewsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> replaced;
    getOperation().walk([&](Block *block) {
      llvm::DenseMap<std::pair<Value, Type>, Value> views;
      for (Operation &op : *block) {
        if (!isDtypeView(&op))
          continue;
        Value view = op.getResult(0);
        // The bits of a chain are those of its beginning.
        Value source = op.getOperand(0);
        while (isDtypeView(source.getDefiningOp()) &&
               source.getType() != view.getType())
          source = source.getDefiningOp()->getOperand(0);
        if (source.getType() == view.getType()) {
          view.replaceAllUsesWith(source);
          replaced.push_back(&op);
          continue;
        }
        auto [it, isNew] =
            views.try_emplace({op.getOperand(0), view.getType()}, view);
        if (isNew)
          continue;
        view.replaceAllUsesWith(it->second);
        replaced.push_back(&op);
      }
    });
    eraseDeadOps(replaced);
  }
};

} // namespace
} // namespace mlir::fx
