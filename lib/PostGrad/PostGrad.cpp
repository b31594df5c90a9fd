//===- PostGrad.cpp - The post-grad stage ---------------------------------===//

#include "fx/PostGrad/PostGrad.h"
#include "fx/PostGrad/Passes.h"

using namespace mlir;

void fx::buildPostGradPasses(StagePasses &passes,
                             const PostGradOptions &options) {
  passes.add(createEliminateDeadCodePass());                       // 5.1
  passes.add(createReorderForLocalityPass(), options.isInference); // 5.2
  passes.addHook(options.customPre);                               // 5.3
  passes.add(createRemoveDebugCallsPass());                        // 5.4, 5.6
  passes.add(createMergeViewsPass());
  passes.add(createRemoveIdentityOpsPass());  // 5.5
  passes.add(createFoldConstantCumsumPass()); // 5.7, pass 1
  passes.add(createCancelSplitCatPass());     // 5.7, pass 2
  passes.add(createGatherBeforePointwisePass());
  passes.addOption(createDecomposeMmPass({options.isGPU}),
                   "decompose_mm_pass"); // 5.10
  passes.add(createUnfuseBiasAddPass(), options.isGPU);
  passes.add(createFuseAddmmPass({options.isGPU}));
  passes.add(createReusePartialReductionPass());
  passes.add(createDedupeSymSizePass());
  passes.add(createEliminateDeadCodePass());
  passes.addHook(options.customPost); // 5.8e
}
