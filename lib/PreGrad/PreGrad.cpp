//===- PreGrad.cpp - The pre-grad stage -----------------------------------===//

#include "fx/PreGrad/PreGrad.h"
#include "fx/PreGrad/Passes.h"

using namespace mlir;

void fx::buildPreGradPasses(StagePasses &passes,
                            const PreGradOptions &options) {
  passes.add(createNormalizeOpsPass());          // 2.1
  passes.add(createSinkCatAfterPointwisePass()); // 2.2
  passes.add(createRemoveInactiveDropoutPass()); // 2.4
  passes.add(createFoldConvBatchNormPass(), options.foldConvBatchNorm); // 2.7
  passes.add(createApplyGumbelMaxTrickPass());                          // 2.8
  passes.addHook(options.custom);                                       // 2.9h
  passes.add(createLiftQuantizePass());                                 // 2.11
}
