//===- PostGrad.cpp - The post-grad stage ---------------------------------===//

#include "fx/PostGrad/PostGrad.h"
#include "fx/PostGrad/Passes.h"

using namespace mlir;

void fx::buildPostGradPasses(OpPassManager &module,
                             const PostGradOptions &options) {
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createEliminateDeadCodePass()); // 5.1
  if (options.isInference)
    function.addPass(createReorderForLocalityPass()); // 5.2
  if (options.customPre)
    options.customPre(module); // 5.3
  OpPassManager &rules = module.nest<func::FuncOp>();
  rules.addPass(createRemoveDebugCallsPass());      // 5.4, 5.6
  rules.addPass(createMergeViewsPass());
  rules.addPass(createRemoveIdentityOpsPass());     // 5.5
  rules.addPass(createFoldConstantCumsumPass());    // 5.7, pass 1
  rules.addPass(createCancelSplitCatPass());        // 5.7, pass 2
  if (options.isGPU)
    rules.addPass(createUnfuseBiasAddPass());
  rules.addPass(createFuseAddmmPass({options.isGPU}));
  rules.addPass(createReusePartialReductionPass());
  rules.addPass(createDedupeSymSizePass());
  rules.addPass(createEliminateDeadCodePass());
  if (options.customPost)
    options.customPost(module); // 5.8e
}
