//===- Decompose.cpp - Decomposes composite ops ---------------------------===//

#include "Decompose.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/RewriteAction.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::fx {
#define GEN_PASS_DEF_DECOMPOSEPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

struct DecomposePass : impl::DecomposePassBase<DecomposePass> {
  using DecomposePassBase::DecomposePassBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateDecomposeAttention(set, fusedAttention);
    populateDecomposeContractions(set);
    populateDecomposeLosses(set);
    populateDecomposeNormalization(set);
    populateDecomposePointwise(set);
    populateDecomposeViews(set);
    populateDecomposeWindows(set);
    if (level == "core" || level == "lowering") {
      if (!keepAttention)
        populateDecomposeAttentionToCore(set, fusedAttention);
      populateDecomposeControlFlowToCore(set);
      populateDecomposeReductionsToCore(set);
      populateDecomposeViewsToCore(set);
    } else if (level != "autodiff") {
      return emitError(UnknownLoc::get(context))
             << "level of fx-decompose is '" << level
             << "', but must be autodiff, core or lowering";
    }
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    if (level == "lowering" && !hasAttention())
      return;
    GreedyRewriteConfig config;
    // Folding would change nodes that are no composites.
    config.enableFolding(false);
    config.enableConstantCSE(true);
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    RewriteReporter reporter;
    if (getContext().hasActionHandler())
      config.setListener(&reporter);
    if (failed(applyPatternsGreedily(getOperation(), patterns, config)))
      signalPassFailure();
  }

  bool hasAttention() {
    return getOperation()
        .walk([](Operation *op) {
          bool isAttention =
              isa<FlashAttentionForCpuOp, FlashAttentionForCpuBackwardOp>(op);
          return isAttention ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
} // namespace mlir::fx
