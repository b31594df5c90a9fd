//===- ReverseRewrite.h - Inductor's pattern-matcher order ------*- C++ -*-===//

#ifndef FX_SUPPORT_REVERSEREWRITE_H
#define FX_SUPPORT_REVERSEREWRITE_H

#include "mlir/Rewrite/FrozenRewritePatternSet.h"

namespace mlir::fx {

/// Tries the patterns on every op in `root`, the last op first, each once: no
/// fixpoint, no folding, no constant merging, and ops that a pattern makes are
/// not visited (reference 9.1). Operands of a rewritten op that nothing uses
/// any more are erased. Returns the number of rewrites.
size_t rewriteInReverse(Operation *root,
                        const FrozenRewritePatternSet &patterns);

/// Erases those of `ops` that are dead, and the ops that only they used.
void eraseDeadOps(llvm::ArrayRef<Operation *> ops);

} // namespace mlir::fx

#endif
