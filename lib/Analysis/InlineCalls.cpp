//===- InlineCalls.cpp - Calls of functions of the module -----------------===//

#include "fx/Analysis/InlineCalls.h"
#include "fx/Analysis/Rematerialization.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
class CallInliner {
public:
  explicit CallInliner(SymbolTable &symbols) : symbols(symbols) {}

  LogicalResult run(func::FuncOp function) {
    stack.push_back(function);
    for (auto call :
         llvm::make_early_inc_range(function.front().getOps<func::CallOp>())) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || callee.isDeclaration() || !callee.getBody().hasOneBlock())
        continue;
      if (llvm::is_contained(stack, callee))
        return call.emitOpError("is recursive");
      if (failed(run(callee)))
        return failure();
      inlineCall(function, call, callee);
    }
    stack.pop_back();
    return success();
  }

private:
  void inlineCall(func::FuncOp function, func::CallOp call,
                  func::FuncOp callee) {
    OpBuilder builder(call);
    StringAttr region = getRegion(builder, function, call, callee);
    IRMapping map;
    map.map(callee.getArguments(), call.getOperands());
    for (Operation &op : callee.front().without_terminator()) {
      Operation *copy = builder.clone(op, map);
      if (region)
        copy->setAttr(kRegionAttr, region);
    }
    SmallVector<Value> results;
    for (Value value : callee.front().getTerminator()->getOperands())
      results.push_back(map.lookupOrDefault(value));
    call.replaceAllUsesWith(results);
    call.erase();
  }

  /// The region that a call is, or null. Each call of a function with a budget
  /// is a region of its own.
  static StringAttr getRegion(OpBuilder &builder, func::FuncOp function,
                              func::CallOp call, func::FuncOp callee) {
    auto named = call->getAttrOfType<StringAttr>(kRegionAttr);
    Attribute budget = callee->getAttr(kMemoryBudgetAttr);
    if (!budget)
      return named;
    NamedAttrList budgets(
        function->getAttrOfType<DictionaryAttr>(kRegionBudgetsAttr));
    std::string name =
        named ? named.str() : callee.getSymName().str();
    if (!named)
      for (unsigned i = 1; budgets.get(name); ++i)
        name = callee.getSymName().str() + "_" + std::to_string(i);
    if (!budgets.get(name))
      budgets.set(name, budget);
    function->setAttr(kRegionBudgetsAttr,
                      budgets.getDictionary(builder.getContext()));
    return builder.getStringAttr(name);
  }

  SymbolTable &symbols;
  SmallVector<func::FuncOp> stack;
};
} // namespace

LogicalResult mlir::fx::inlineCalls(func::FuncOp function,
                                    SymbolTable &symbols) {
  return CallInliner(symbols).run(function);
}

void mlir::fx::eraseUnusedFunctions(ModuleOp module, SymbolTable &symbols) {
  for (auto function :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (function.isPrivate() && !function.isDeclaration() &&
        symbols.symbolKnownUseEmpty(function, module))
      symbols.erase(function);
}
