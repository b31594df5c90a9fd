//===- MemoryReport.cpp - Planned and measured memory ---------------------===//

#include "MemoryReport.h"
#include "llvm/Support/Format.h"

#include <algorithm>
#include <malloc.h>

using namespace mlir::fx;

/// Bytes that malloc has handed out, in all arenas and by mmap.
static int64_t countAllocatedBytes() {
  struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

MemoryReport::MemoryReport(CountBytes packingBytes)
    : packingBytes(packingBytes), before(countAllocatedBytes()) {}

void MemoryReport::addCall(const FunctionDescription &function,
                           int64_t resultBytes) {
  if (packingBytes)
    packing = packingBytes();
  measured = std::max(measured, countAllocatedBytes() - before - packing);
  results += resultBytes;
  // A context has one workspace, that of the function that needs more.
  workspace = std::max(workspace, function.workspaceBytes);
  isKnown = isKnown && function.workspaceBytes >= 0;
  planned = std::max(planned, results + workspace);
}

void MemoryReport::print(llvm::raw_ostream &os) const {
  auto megabytes = [](int64_t bytes) {
    return llvm::format("%.3f MB", bytes / 1e6);
  };
  os << "memory: planned ";
  if (isKnown)
    os << megabytes(planned);
  else
    os << "by the sizes of the inputs";
  os << " (results and saved values " << megabytes(results) << ", workspace "
     << megabytes(workspace) << "), measured " << megabytes(measured)
     << " and " << megabytes(packing) << " for packing\n";
}
