//===- MemoryReport.h - Planned and measured memory -------------*- C++ -*-===//

#ifndef FX_TOOLS_FX_RUN_MEMORYREPORT_H
#define FX_TOOLS_FX_RUN_MEMORYREPORT_H

#include "Runner.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::fx {

/// Compares what the compiler planned with what the run-time library asked for
/// and with what the system gave. Inputs and weights do not count; results that
/// a caller allocates do.
class MemoryReport {
public:
  /// Counts from here. All arguments must have been touched.
  explicit MemoryReport(const ModelCode &code);

  /// To be called after each call of a function, with the bytes of the results
  /// that were allocated for it.
  void addCall(const FunctionDescription &function, int64_t resultBytes);
  /// One line.
  void print(llvm::raw_ostream &os) const;

private:
  using CountPeak = int64_t (*)(int32_t restart);
  CountPeak countPeak;
  int64_t numThreads = 1;
  int64_t residentBefore;
  int64_t resident = 0;
  int64_t results = 0;
  int64_t workspace = 0;
  int64_t packing = 0;
  int64_t planned = 0;
  int64_t measured = 0;
  bool isKnown = true;
};

} // namespace mlir::fx

#endif
