//===- VerifyNumeric.h - Whether passes keep the numbers --------*- C++ -*-===//

#ifndef FX_COMPILER_VERIFYNUMERIC_H
#define FX_COMPILER_VERIFYNUMERIC_H

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace mlir::fx {

/// Watches pass managers: interprets functions on drawn inputs before and after
/// each pass that changes them, and reports the first pass that changes a
/// result. A forward and its backward are run one after the other and compared
/// with the joint function that they were.
class VerifyNumeric {
public:
  VerifyNumeric();
  ~VerifyNumeric();

  /// Takes the value of the option: `numeric`, which does not round numbers to
  /// their types, or `rounded`.
  llvm::Error setMode(StringRef mode);

  /// Watches the passes of `pm`, which must not outlive this object. Its
  /// context runs in one thread from now on.
  void watch(PassManager &pm);

  /// Prints to stderr what was compared. Fails if a pass changed a number, of
  /// which there was an error.
  LogicalResult finish() const;

  struct Checker;

private:
  std::unique_ptr<Checker> checker;
};

} // namespace mlir::fx

#endif
