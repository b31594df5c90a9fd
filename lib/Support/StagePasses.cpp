//===- StagePasses.cpp - Passes of a stage that can be disabled -----------===//

#include "fx/Support/StagePasses.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::fx;

void StagePasses::add(std::unique_ptr<Pass> pass, bool isOn) {
  names.insert(pass->getArgument());
  if (!isOn || llvm::is_contained(disabled, pass->getArgument()))
    return;
  std::optional<StringRef> anchor = pass->getOpName();
  if (!anchor || *anchor == module.getOpAnchorName())
    module.addPass(std::move(pass));
  else
    module.nest(*anchor).addPass(std::move(pass));
}

LogicalResult StagePasses::checkNames(
    llvm::function_ref<LogicalResult(const Twine &)> onError) const {
  for (const std::string &name : disabled)
    if (!names.contains(name))
      return onError("disable: this stage has no pass '" + name +
                     "'; its passes are " + llvm::join(names, ", "));
  return success();
}
