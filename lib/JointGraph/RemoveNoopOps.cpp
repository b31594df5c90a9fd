//===- RemoveNoopOps.cpp - Ops that return an operand unchanged -----------===//

#include "fx/Analysis/NoopOps.h"
#include "fx/JointGraph/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REMOVENOOPOPSPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// Rule 3.4; the table is in NoopOps.cpp.
struct RemoveNoopOpsPass : impl::RemoveNoopOpsPassBase<RemoveNoopOpsPass> {
  void runOnOperation() override {
    if (!removeNoopOps(getOperation(), NoopTable::Inductor))
      markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace mlir::fx
