//===- RewriteAction.cpp - Tells which pattern fired ----------------------===//

#include "fx/Support/RewriteAction.h"

using namespace mlir;

void fx::reportRewrite(MLIRContext *context, StringRef pattern,
                       const RewriteRoot &root) {
  context->executeAction<RewriteAction>([] {}, {}, pattern, root);
}
