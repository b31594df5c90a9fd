//===- JointGraph.h - The joint-graph stage ---------------------*- C++ -*-===//

#ifndef FX_JOINTGRAPH_JOINTGRAPH_H
#define FX_JOINTGRAPH_JOINTGRAPH_H

#include "fx/Support/StagePasses.h"

#include <functional>

namespace mlir::fx {

struct JointGraphOptions {
  /// The device has Inductor's GPU rules (bmm_to_mm).
  bool isGPU = false;
  /// Conversions may only be collapsed where the first one loses nothing.
  bool emulatePrecisionCasts = false;
  /// Rule 3.8b, for a target that has a kernel for attention.
  bool fuseAttention = false;
  /// Rule 3.9. It fires on every scaled softmax that is not fused attention.
  bool scaleSoftmax = true;
  /// Where a user's passes run: before the first and after the last rule that
  /// is not a check.
  std::function<void(OpPassManager &)> customPre, customPost;
};

/// Adds the passes of reference 3.3 to 3.12 on the functions of a module that
/// is already decomposed. Functions are in dominance order, so the stable sort
/// at the end of Inductor's stage has nothing to do.
void buildJointGraphPasses(StagePasses &passes,
                           const JointGraphOptions &options = {});

} // namespace mlir::fx

#endif
