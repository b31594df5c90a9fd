//===- ApplyPatterns.cpp - Applies PDL patterns from a file ---------------===//

#include "fx/Compiler/Passes.h"
#include "fx/Compiler/PatternFile.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::fx {
#define GEN_PASS_DEF_APPLYPATTERNSPASS
#include "fx/Compiler/Passes.h.inc"

namespace {
/// PDL gives new ops the locations of all ops of the match; a node keeps the
/// name of the one that it replaces.
struct KeepNodeNames : RewriterBase::Listener {
  void notifyOperationReplaced(Operation *op, ValueRange values) override {
    for (Value value : values)
      if (Operation *producer = value.getDefiningOp())
        if (isa<FusedLoc>(producer->getLoc()))
          producer->setLoc(op->getLoc());
  }
};

struct ApplyPatternsPass : impl::ApplyPatternsPassBase<ApplyPatternsPass> {
  using ApplyPatternsPassBase::ApplyPatternsPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (file.empty())
      return emitError(UnknownLoc::get(context))
             << "fx-apply-patterns needs the option file=";
    std::vector<std::string> folders(include.begin(), include.end());
    OwningOpRef<ModuleOp> module = readPatternFile(context, file, folders);
    if (!module)
      return failure();
    auto compiled = compilePatterns(std::move(module), file);
    if (failed(compiled))
      return failure();
    patterns = *compiled;
    return success();
  }

  void runOnOperation() override {
    // Patterns that undo each other would run for ever.
    int64_t limit = maxRewrites;
    if (limit == 0) {
      limit = 1000;
      getOperation()->walk([&](Operation *) { limit += 10; });
    }
    KeepNodeNames names;
    GreedyRewriteConfig config;
    config.enableFolding(false);
    config.enableConstantCSE(false);
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    // The limit is one of each iteration.
    config.setMaxIterations(10);
    config.setMaxNumRewrites(limit);
    config.setListener(&names);
    for (Region &region : getOperation()->getRegions()) {
      if (succeeded(applyPatternsGreedily(region, patterns, config)))
        continue;
      emitError(getOperation()->getLoc())
          << "the patterns of " << file << " did not come to an end within "
          << limit << " rewrites";
      return signalPassFailure();
    }
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
} // namespace mlir::fx
