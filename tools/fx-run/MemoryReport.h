//===- MemoryReport.h - Planned and measured memory -------------*- C++ -*-===//

#ifndef FX_TOOLS_FX_RUN_MEMORYREPORT_H
#define FX_TOOLS_FX_RUN_MEMORYREPORT_H

#include "fx/Support/ModelDescription.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::fx {

/// Compares what the compiler planned with what malloc has handed out. Results
/// and workspaces live to the end of a step, so its peak stands after a call.
class MemoryReport {
public:
  MemoryReport();

  /// To be called after each call of a function, with the sizes of its results.
  void addCall(const FunctionDescription &function, int64_t resultBytes);
  /// One line: planned bytes and their parts, measured bytes.
  void print(llvm::raw_ostream &os) const;

private:
  int64_t before;
  int64_t measured = 0;
  int64_t results = 0;
  int64_t workspace = 0;
  /// Of the call with the most bytes.
  int64_t planned = 0;
  bool isKnown = true;
};

} // namespace mlir::fx

#endif
