//===- StagePasses.cpp - Passes of a stage that can be disabled -----------===//

#include "fx/Support/StagePasses.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::fx;

void StagePasses::add(std::unique_ptr<Pass> pass, bool isOn) {
  names.insert(pass->getArgument());
  isOn |= llvm::is_contained(enabled, pass->getArgument());
  if (!isOn || llvm::is_contained(disabled, pass->getArgument()))
    return;
  std::optional<StringRef> anchor = pass->getOpName();
  // A pass manager may be for any op: its own name does not tell.
  if (!anchor || *anchor == ModuleOp::getOperationName())
    module.addPass(std::move(pass));
  else
    module.nest(*anchor).addPass(std::move(pass));
}

void StagePasses::addOption(std::unique_ptr<Pass> pass, StringRef key) {
  names.insert(key);
  add(std::move(pass), llvm::is_contained(enabled, key));
}

LogicalResult StagePasses::checkNames(
    llvm::function_ref<LogicalResult(const Twine &)> onError) const {
  auto check = [&](StringRef option, ArrayRef<std::string> given) {
    for (const std::string &name : given)
      if (!names.contains(name))
        return onError(option + ": this stage has no pass '" + name +
                       "'; its passes are " + llvm::join(names, ", "));
    return LogicalResult::success();
  };
  return failure(failed(check("disable", disabled)) ||
                 failed(check("enable", enabled)));
}
