//===- VerifyLinalg.cpp - Checks what fx-lower-to-linalg promises ---------===//

#include "fx/Analysis/OrderCalls.h"
#include "fx/Lowering/Passes.h"

using namespace mlir;
using namespace mlir::fx;

namespace mlir::fx {
#define GEN_PASS_DEF_VERIFYLINALGPASS
#include "fx/Lowering/Passes.h.inc"
} // namespace mlir::fx

namespace {
static bool isUpstreamType(Type type) {
  bool found = false;
  type.walk([&](Type part) {
    auto integer = dyn_cast<IntegerType>(part);
    found |= isa<FXDialect>(part.getDialect()) ||
             (integer && !integer.isSignless());
  });
  return !found;
}

static LogicalResult checkAttributes(Operation *op) {
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (attribute.getName().strref().starts_with("fx."))
      return op->emitError("attribute '") << attribute.getName().getValue()
                                          << "' is left after fx-to-linalg";
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  for (Type type : function.getArgumentTypes())
    if (!isUpstreamType(type))
      return op->emitError("argument type ")
             << type << " is left after fx-to-linalg";
  auto check = [&](ArrayAttr lists) -> LogicalResult {
    if (!lists)
      return success();
    for (DictionaryAttr list : lists.getAsRange<DictionaryAttr>())
      for (NamedAttribute attribute : list)
        if (attribute.getName().strref().starts_with("fx."))
          return op->emitError("attribute '")
                 << attribute.getName().getValue()
                 << "' is left after fx-to-linalg";
    return success();
  };
  if (failed(check(function.getAllArgAttrs())))
    return failure();
  return check(function.getAllResultAttrs());
}

struct VerifyLinalgPass : fx::impl::VerifyLinalgPassBase<VerifyLinalgPass> {
  using VerifyLinalgPassBase::VerifyLinalgPassBase;

  void runOnOperation() override {
    WalkResult result = getOperation()->walk([this](Operation *op) {
      bool isKept = isa<FlashAttentionForCpuOp, FlashAttentionForCpuBackwardOp>(
                        op) ||
                    matchOrderCall(op);
      if ((isa_and_nonnull<FXDialect>(op->getDialect()) &&
           !(isKept && keepAttention)) ||
          isa<UnrealizedConversionCastOp>(op)) {
        op->emitError("op is left after fx-to-linalg");
        return WalkResult::interrupt();
      }
      for (Type type : op->getResultTypes())
        if (!isUpstreamType(type)) {
          op->emitError("type ") << type << " is left after fx-to-linalg";
          return WalkResult::interrupt();
        }
      return failed(checkAttributes(op)) ? WalkResult::interrupt()
                                         : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
