//===- PreGrad.h - The pre-grad stage ---------------------------*- C++ -*-===//

#ifndef FX_PREGRAD_PREGRAD_H
#define FX_PREGRAD_PREGRAD_H

#include "fx/Support/StagePasses.h"

#include <functional>

namespace mlir::fx {

struct PreGradOptions {
  /// Rules 2.4 and 2.7, for inference: batch norm joins the convolution.
  bool foldConvBatchNorm = false;
  /// Where a user's passes run: after the rules (2.9h).
  std::function<void(OpPassManager &)> custom;
};

/// Adds the passes of reference section 2 on the functions of a module. They
/// are in dominance order, so the sort at its end has nothing to do.
void buildPreGradPasses(StagePasses &passes,
                        const PreGradOptions &options = {});

} // namespace mlir::fx

#endif
