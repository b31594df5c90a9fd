//===- JointGraph.cpp - The joint-graph stage -----------------------------===//

#include "fx/JointGraph/JointGraph.h"
#include "fx/JointGraph/Passes.h"

using namespace mlir;

void fx::buildJointGraphPasses(OpPassManager &module,
                               const JointGraphOptions &options) {
  if (options.customPre)
    options.customPre(module); // 3.3
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createRemoveNoopOpsPass());         // 3.4
  function.addPass(createFoldUniformValuesPass());     // 3.5
  function.addPass(createRemovePointlessViewsPass());  // 3.6
  function.addPass(createCollapseConvertsPass({options.emulatePrecisionCasts}));
  if (options.isGPU)
    function.addPass(createBmmToMmPass()); // 3.8
  function.addPass(createScatterUponConstTensorPass());
  if (options.scaleSoftmax)
    function.addPass(createScaleSoftmaxPass()); // 3.9
  function.addPass(createReplaceRandomPass());  // 3.10
  function.addPass(createFuseSeedsPass());
  if (options.customPost)
    options.customPost(module); // 3.11
}
