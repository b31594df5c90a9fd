//===- Explain.h - What each pass changed, and by which pattern -*- C++ -*-===//

#ifndef FX_COMPILER_EXPLAIN_H
#define FX_COMPILER_EXPLAIN_H

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace mlir::fx {

/// Watches pass managers and writes a report: for every pass that changed a
/// function the patterns that fired, with the nodes and their Python lines, and
/// the changed lines before and after.
class Explain {
public:
  Explain();
  ~Explain();

  /// Watches the passes of `pm`, which must not outlive this object. Its
  /// context runs in one thread from now on.
  void watch(PassManager &pm);

  /// Writes what was seen: as an HTML page to a file named .html, otherwise as
  /// text, to stderr if `path` is empty.
  llvm::Error write(StringRef path) const;

  struct Recorder;

private:
  std::unique_ptr<Recorder> recorder;
};

} // namespace mlir::fx

#endif
