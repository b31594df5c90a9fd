//===- JointGraph.cpp - The joint-graph stage -----------------------------===//

#include "fx/JointGraph/JointGraph.h"
#include "fx/JointGraph/Passes.h"

using namespace mlir;

void fx::buildJointGraphPasses(StagePasses &passes,
                               const JointGraphOptions &options) {
  passes.addHook(options.customPre);            // 3.3
  passes.add(createRemoveNoopOpsPass());        // 3.4
  passes.add(createFoldUniformValuesPass());    // 3.5
  passes.add(createRemoveRedundantDtypeViewsPass());
  passes.add(createRemovePointlessViewsPass()); // 3.6
  passes.add(createCollapseConvertsPass({options.emulatePrecisionCasts}));
  passes.add(createBmmToMmPass(), options.isGPU); // 3.8
  passes.add(createScatterUponConstTensorPass());
  passes.add(createIndexByPermutationPass());
  passes.add(createFuseAttentionPass(), options.fuseAttention); // 3.8b
  passes.add(createScaleSoftmaxPass(), options.scaleSoftmax);   // 3.9
  passes.add(createReplaceRandomPass());                        // 3.10
  passes.add(createFuseSeedsPass());
  passes.addHook(options.customPost); // 3.11
}
