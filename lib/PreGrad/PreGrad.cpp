//===- PreGrad.cpp - The pre-grad stage -----------------------------------===//

#include "fx/PreGrad/PreGrad.h"
#include "fx/PreGrad/Passes.h"

using namespace mlir;

void fx::buildPreGradPasses(OpPassManager &module,
                            const PreGradOptions &options) {
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createNormalizeOpsPass());            // 2.1
  function.addPass(createSinkCatAfterPointwisePass());   // 2.2
  function.addPass(createRemoveInactiveDropoutPass());   // 2.4
  if (options.foldConvBatchNorm)
    function.addPass(createFoldConvBatchNormPass());     // 2.4, 2.7
  function.addPass(createApplyGumbelMaxTrickPass());     // 2.8
  if (options.custom)
    options.custom(module); // 2.9h
}
