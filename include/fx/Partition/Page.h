//===- Page.h - A partition as a page and as a few lines ------------------===//

#ifndef FX_PARTITION_PAGE_H
#define FX_PARTITION_PAGE_H

#include "fx/Partition/Report.h"

namespace mlir::fx {

/// Writes a self-contained HTML page: memory over time, what is saved and
/// recomputed with the lines of the program, and what other budgets cost. The
/// results must have a search.
void writePage(raw_ostream &os, ArrayRef<PartitionResult> results,
               const CostModel &model);

/// Prints a few lines with a bar, for terminals.
void printSummary(raw_ostream &os, const PartitionResult &result);

/// `12.3 MB`.
std::string formatBytes(int64_t bytes);

} // namespace mlir::fx

#endif // FX_PARTITION_PAGE_H
