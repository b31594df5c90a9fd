//===- RemoveIdentityOps.cpp - No-ops for code generation -----------------===//

#include "fx/Analysis/NoopOps.h"
#include "fx/PostGrad/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REMOVEIDENTITYOPSPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Rule 5.5; the table is in NoopOps.cpp.
struct RemoveIdentityOpsPass
    : impl::RemoveIdentityOpsPassBase<RemoveIdentityOpsPass> {
  void runOnOperation() override {
    if (!removeNoopOps(getOperation(), NoopTable::Extended))
      markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace mlir::fx
