//===- PostGrad.h - The post-grad stage -------------------------*- C++ -*-===//

#ifndef FX_POSTGRAD_POSTGRAD_H
#define FX_POSTGRAD_POSTGRAD_H

#include "fx/Support/StagePasses.h"

#include <functional>

namespace mlir::fx {

struct PostGradOptions {
  /// Functions are forwards without a backward.
  bool isInference = true;
  /// The device has Inductor's GPU rules (biases are added by the users).
  bool isGPU = false;
  /// Where a user's passes run: after the locality order and after the rules.
  std::function<void(OpPassManager &)> customPre, customPost;
};

/// Adds the passes of reference 5.1 to 5.8f on the functions of a module.
/// In-place updates (5.12) are decided by the memory plan.
void buildPostGradPasses(StagePasses &passes,
                         const PostGradOptions &options = {});

} // namespace mlir::fx

#endif
