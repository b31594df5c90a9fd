//===- RewriteAction.h - Tells which pattern fired --------------*- C++ -*-===//

#ifndef FX_SUPPORT_REWRITEACTION_H
#define FX_SUPPORT_REWRITEACTION_H

#include "mlir/IR/Action.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {

/// The root of a pattern as it was before the rewrite: the op may be gone.
struct RewriteRoot {
  explicit RewriteRoot(Operation *op)
      : name(op->getName()), loc(op->getLoc()) {}

  OperationName name;
  Location loc;
};

/// Executed after a pattern was applied. MLIR's own action is executed for
/// every attempt, and does not say how it ended.
class RewriteAction : public tracing::ActionImpl<RewriteAction> {
public:
  RewriteAction(ArrayRef<IRUnit> units, StringRef pattern,
                const RewriteRoot &root)
      : tracing::ActionImpl<RewriteAction>(units), pattern(pattern),
        root(root) {}

  static constexpr StringLiteral tag = "fx-rewrite";
  static constexpr StringLiteral desc = "A pattern was applied";

  void print(raw_ostream &os) const override {
    os << tag << " " << pattern << " on " << root.name;
  }
  StringRef getPattern() const { return pattern; }
  const RewriteRoot &getRoot() const { return root; }

private:
  StringRef pattern;
  RewriteRoot root;
};

/// Executes the action if somebody listens.
void reportRewrite(MLIRContext *context, StringRef pattern,
                   const RewriteRoot &root);

/// Reports the patterns of a greedy rewrite.
struct RewriteReporter : RewriterBase::Listener {
  void notifyPatternBegin(const Pattern &pattern, Operation *op) override {
    root.emplace(op);
  }
  void notifyPatternEnd(const Pattern &pattern, LogicalResult status) override {
    if (succeeded(status))
      reportRewrite(pattern.getContext(), pattern.getDebugName(), *root);
  }

private:
  std::optional<RewriteRoot> root;
};

} // namespace mlir::fx

#endif
