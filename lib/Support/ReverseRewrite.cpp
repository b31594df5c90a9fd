//===- ReverseRewrite.cpp - Inductor's pattern-matcher order --------------===//

#include "fx/Support/ReverseRewrite.h"
#include "fx/Support/RewriteAction.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Rewrite/PatternApplicator.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace {
/// The ops still to visit; forgets those that a pattern erases.
struct Worklist : RewriterBase::Listener {
  explicit Worklist(Operation *root) {
    root->walk([&](Operation *op) {
      if (op == root)
        return;
      position[op] = ops.size();
      ops.push_back(op);
    });
  }
  void notifyOperationErased(Operation *op) override {
    auto it = position.find(op);
    if (it == position.end())
      return;
    ops[it->second] = nullptr;
    position.erase(it);
  }
  bool contains(Operation *op) const { return position.contains(op); }

  std::vector<Operation *> ops;
  llvm::DenseMap<Operation *, size_t> position;
};
} // namespace

/// Erases those of `candidates`, and what they alone used, that are dead.
static void eraseDead(SmallVector<Operation *> candidates,
                      const Worklist &worklist, PatternRewriter &rewriter) {
  while (!candidates.empty()) {
    Operation *op = candidates.pop_back_val();
    if (!worklist.contains(op) || !isOpTriviallyDead(op))
      continue;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        candidates.push_back(producer);
    rewriter.eraseOp(op);
  }
}

size_t fx::rewriteInReverse(Operation *root,
                            const FrozenRewritePatternSet &patterns) {
  Worklist worklist(root);
  PatternRewriter rewriter(root->getContext());
  rewriter.setListener(&worklist);
  PatternApplicator applicator(patterns);
  applicator.applyDefaultCostModel();

  size_t rewrites = 0;
  SmallVector<Operation *> producers;
  for (size_t i = worklist.ops.size(); i-- > 0;) {
    Operation *op = worklist.ops[i];
    if (!op)
      continue;
    producers.clear();
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        producers.push_back(producer);
    rewriter.setInsertionPoint(op);
    RewriteRoot root(op);
    auto report = [&](const Pattern &pattern) {
      reportRewrite(root.loc.getContext(), pattern.getDebugName(), root);
      return success();
    };
    if (failed(applicator.matchAndRewrite(op, rewriter, {}, {}, report)))
      continue;
    ++rewrites;
    eraseDead(producers, worklist, rewriter);
  }
  return rewrites;
}

void fx::eraseDeadOps(ArrayRef<Operation *> ops) {
  llvm::SetVector<Operation *> candidates(ops.begin(), ops.end());
  while (!candidates.empty()) {
    Operation *op = candidates.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        candidates.insert(producer);
    op->erase();
  }
}
