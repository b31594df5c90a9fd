//===- PreGrad.cpp - The pre-grad stage -----------------------------------===//

#include "fx/PreGrad/PreGrad.h"
#include "fx/PreGrad/Passes.h"

using namespace mlir;

void fx::buildPreGradPasses(StagePasses &passes,
                            const PreGradOptions &options) {
  passes.add(createNormalizeOpsPass());          // 2.1
  passes.add(createSinkCatAfterPointwisePass()); // 2.2
  passes.add(createRemoveInactiveDropoutPass()); // 2.4
  // 2.9, 2.10: off, each under Inductor's key.
  for (const char *rule :
       {"remove_split_with_size_one_pass", "merge_splits_pass",
        "merge_getitem_cat_pass", "mutate_cat_pass", "unbind_stack_pass"})
    passes.addOption(createSimplifySplitsPass({rule}), rule);
  passes.addOption(createBatchLinearPass(), "batch_linear_lhs");
  passes.add(createFoldConvBatchNormPass(), options.foldConvBatchNorm); // 2.7
  passes.add(createApplyGumbelMaxTrickPass());                          // 2.8
  passes.addHook(options.custom);                                       // 2.9h
  passes.add(createLiftQuantizePass());                                 // 2.11
  passes.add(createLowerQuantizedPass());
}
