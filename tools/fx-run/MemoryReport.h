//===- MemoryReport.h - Planned and measured memory -------------*- C++ -*-===//

#ifndef FX_TOOLS_FX_RUN_MEMORYREPORT_H
#define FX_TOOLS_FX_RUN_MEMORYREPORT_H

#include "fx/Support/ModelDescription.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::fx {

/// Compares what the compiler planned with what malloc has handed out. Results
/// and workspaces live to the end of a step, so its peak stands after a call. The
/// packing buffers of threads are counted apart: no plan has them.
class MemoryReport {
public:
  using CountBytes = int64_t (*)();

  /// `packingBytes` tells what threads keep beside the plan; may be null.
  explicit MemoryReport(CountBytes packingBytes);

  /// To be called after each call of a function, with the sizes of its results.
  void addCall(const FunctionDescription &function, int64_t resultBytes);
  /// One line: planned bytes and their parts, measured bytes, and what threads
  /// keep for packing.
  void print(llvm::raw_ostream &os) const;

private:
  CountBytes packingBytes;
  int64_t before;
  int64_t packing = 0;
  int64_t measured = 0;
  int64_t results = 0;
  int64_t workspace = 0;
  /// Of the call with the most bytes.
  int64_t planned = 0;
  bool isKnown = true;
};

} // namespace mlir::fx

#endif
