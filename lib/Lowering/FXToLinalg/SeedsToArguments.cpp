//===- SeedsToArguments.cpp - fx.seeds become function arguments ----------===//

#include "fx/IR/FXOps.h"
#include "fx/Lowering/Passes.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mlir::fx;

namespace mlir::fx {
#define GEN_PASS_DEF_SEEDSTOARGUMENTSPASS
#include "fx/Lowering/Passes.h.inc"
} // namespace mlir::fx

namespace {
struct SeedsToArgumentsPass
    : fx::impl::SeedsToArgumentsPassBase<SeedsToArgumentsPass> {
  using SeedsToArgumentsPassBase::SeedsToArgumentsPassBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    SmallVector<SeedsOp> ops;
    function.walk([&](SeedsOp op) { ops.push_back(op); });
    if (ops.empty())
      return;
    if (function.isExternal())
      return;
    std::optional<SymbolTable::UseRange> uses =
        SymbolTable::getSymbolUses(function, function->getParentOp());
    if (uses && !uses->empty()) {
      InFlightDiagnostic error =
          ops.front().emitError("seeds in '")
          << function.getName() << "', which is called from this module";
      error.attachNote(uses->begin()->getUser()->getLoc())
          << "this call would not pass the seeds; inline it first";
      return signalPassFailure();
    }
    Builder builder(&getContext());
    for (SeedsOp op : ops) {
      std::string name = getNodeName(op.getResult());
      SmallVector<NamedAttribute> attributes = {builder.getNamedAttr(
          kRoleAttr, builder.getStringAttr(role::seed))};
      if (!name.empty())
        attributes.push_back(
            builder.getNamedAttr(kNameAttr, builder.getStringAttr(name)));
      unsigned index = function.getNumArguments();
      if (failed(function.insertArgument(index, op.getType(),
                                         builder.getDictionaryAttr(attributes),
                                         op.getLoc())))
        return signalPassFailure();
      op.getResult().replaceAllUsesWith(function.getArgument(index));
      op.erase();
    }
  }
};
} // namespace
