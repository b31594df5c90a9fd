//===- BuildStep.cpp - Forward and backward as one function ---------------===//

#include "fx/Lowering/Kernels/Passes.h"

#include "mlir/IR/IRMapping.h"

namespace mlir::fx {
#define GEN_PASS_DEF_BUILDSTEPPASS
#include "fx/Lowering/Kernels/Passes.h.inc"

/// "step" for "backward", "f_step" for "f_backward".
std::string getStepName(StringRef backward) {
  backward.consume_back("backward");
  return backward.str() + "step";
}

namespace {

struct BuildStepPass : impl::BuildStepPassBase<BuildStepPass> {
  using BuildStepPassBase::BuildStepPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> backwards;
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(kStepForwardAttr))
        backwards.push_back(function);
    for (func::FuncOp backward : backwards) {
      auto forward = module.lookupSymbol<func::FuncOp>(
          backward->getAttrOfType<FlatSymbolRefAttr>(kStepForwardAttr));
      auto arguments =
          backward->getAttrOfType<DenseI64ArrayAttr>(kStepArgumentsAttr);
      auto results =
          backward->getAttrOfType<DenseI64ArrayAttr>(kStepResultsAttr);
      if (!forward || forward.isDeclaration() || !arguments || !results ||
          arguments.size() != backward.getNumArguments()) {
        backward.emitError("'")
            << kStepForwardAttr << "', '" << kStepArgumentsAttr << "' and '"
            << kStepResultsAttr << "' do not describe a training step";
        return signalPassFailure();
      }
      build(forward, backward, arguments, results);
      for (StringRef name :
           {kStepForwardAttr, kStepArgumentsAttr, kStepResultsAttr})
        backward->removeAttr(name);
    }
  }

  void build(func::FuncOp forward, func::FuncOp backward,
             ArrayRef<int64_t> sources, ArrayRef<int64_t> kept) {
    OpBuilder b(backward->getContext());
    b.setInsertionPointAfter(backward);
    auto step =
        func::FuncOp::create(b, backward.getLoc(),
                             getStepName(backward.getName()),
                             b.getFunctionType({}, {}));
    for (NamedAttribute attr : backward->getDiscardableAttrs())
      step->setAttr(attr.getName(), attr.getValue());
    for (StringRef name :
         {kStepForwardAttr, kStepArgumentsAttr, kStepResultsAttr})
      step->removeAttr(name);
    step->setAttr(kOwnResultsAttr, b.getUnitAttr());

    Block *body = step.addEntryBlock();
    IRMapping mapping;
    SmallVector<Value> arguments, forwardResults, results;
    for (BlockArgument argument : forward.getArguments()) {
      mapping.map(argument,
                  body->addArgument(argument.getType(), argument.getLoc()));
      arguments.push_back(mapping.lookup(argument));
    }
    b.setInsertionPointToEnd(body);
    append(b, forward, mapping, forwardResults);
    for (int64_t result : kept)
      results.push_back(forwardResults[result]);
    for (auto [argument, source] :
         llvm::zip_equal(backward.getArguments(), sources)) {
      Value value;
      if (source == kStepOwnArgument)
        value = body->addArgument(argument.getType(), argument.getLoc());
      else
        value = source < 0 ? arguments[-1 - source] : forwardResults[source];
      mapping.map(argument, value);
    }
    append(b, backward, mapping, results);
    func::ReturnOp::create(b, backward.getLoc(), results);
    step.setType(b.getFunctionType(body->getArgumentTypes(),
                                   ValueRange(results).getTypes()));
  }

  /// Copies the ops of a function; collects what it returns.
  static void append(OpBuilder &b, func::FuncOp function, IRMapping &mapping,
                     SmallVectorImpl<Value> &results) {
    Block &block = function.getBody().front();
    for (Operation &op : block.without_terminator())
      b.clone(op, mapping);
    for (Value operand : block.getTerminator()->getOperands())
      results.push_back(mapping.lookup(operand));
  }
};

} // namespace
} // namespace mlir::fx
