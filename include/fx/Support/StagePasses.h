//===- StagePasses.h - Passes of a stage that can be disabled ---*- C++ -*-===//

#ifndef FX_SUPPORT_STAGEPASSES_H
#define FX_SUPPORT_STAGEPASSES_H

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SetVector.h"

#include <functional>

namespace mlir::fx {

/// Adds the passes of a stage to the pass manager of a module, all but those
/// that the user disabled by their names (which it does not copy).
class StagePasses {
public:
  StagePasses(OpPassManager &module, ArrayRef<std::string> disabled,
              ArrayRef<std::string> enabled = {})
      : module(module), disabled(disabled), enabled(enabled) {}

  /// Adds a pass on modules, or on the functions of the module. With `isOn`
  /// false the stage leaves it out unless the user enabled it by its name.
  void add(std::unique_ptr<Pass> pass, bool isOn = true);

  /// Adds a pass that is off by default and can be enabled by Inductor's key of
  /// the rule as well as by its name.
  void addOption(std::unique_ptr<Pass> pass, StringRef key);

  /// Calls a function that adds passes of the user's, if there is one.
  void addHook(const std::function<void(OpPassManager &)> &hook) {
    if (hook)
      hook(module);
  }

  /// Fails if a disabled or enabled name is none of the passes that were
  /// added; the message lists these.
  LogicalResult
  checkNames(llvm::function_ref<LogicalResult(const Twine &)> onError) const;

private:
  OpPassManager &module;
  ArrayRef<std::string> disabled, enabled;
  llvm::SetVector<StringRef> names;
};

} // namespace mlir::fx

#endif // FX_SUPPORT_STAGEPASSES_H
