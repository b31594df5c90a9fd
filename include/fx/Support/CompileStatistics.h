//===- CompileStatistics.h - What a compilation took ------------*- C++ -*-===//

#ifndef FX_SUPPORT_COMPILESTATISTICS_H
#define FX_SUPPORT_COMPILESTATISTICS_H

#include <string>
#include <utility>
#include <vector>

namespace mlir::fx {

/// Filled by a compilation that is given one.
struct CompileStatistics {
  /// Milliseconds of each stage, in the order in which they ended.
  std::vector<std::pair<std::string, double>> times;
  /// Kernels of all functions together.
  unsigned numKernels = 0;
  /// Functions and the bytes of their planned workspaces; -1 where memory is
  /// allocated by sizes of the run time.
  std::vector<std::pair<std::string, int64_t>> workspaces;
  /// Functions and what each thread keeps for packing operands.
  std::vector<std::pair<std::string, int64_t>> threadScratch;
};

} // namespace mlir::fx

#endif // FX_SUPPORT_COMPILESTATISTICS_H
