//===- MemoryReport.cpp - Planned and measured memory ---------------------===//

#include "MemoryReport.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>
#include <cstdio>

using namespace mlir::fx;
using llvm::StringRef;

/// A line of /proc/self/status in bytes; 0 where there is none.
static int64_t readStatus(StringRef key) {
  auto file = llvm::MemoryBuffer::getFileAsStream("/proc/self/status");
  if (!file)
    return 0;
  StringRef text = (*file)->getBuffer();
  size_t at = text.find(key);
  if (at == StringRef::npos)
    return 0;
  int64_t kilobytes = 0;
  text = text.drop_front(at + key.size()).ltrim();
  return text.consumeInteger(10, kilobytes) ? 0 : kilobytes * 1024;
}

/// Lets the most resident memory count from now.
static void restartResidentPeak() {
  if (FILE *file = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", file);
    std::fclose(file);
  }
}

MemoryReport::MemoryReport(const ModelCode &code)
    : countPeak(reinterpret_cast<CountPeak>(code.lookup("fx_rt_memory_peak"))) {
  if (countPeak)
    countPeak(/*restart=*/1);
  if (auto count = reinterpret_cast<int32_t (*)()>(
          code.lookup("fx_rt_get_num_threads")))
    numThreads = count();
  restartResidentPeak();
  residentBefore = readStatus("VmRSS:");
}

void MemoryReport::addCall(const FunctionDescription &function,
                           int64_t resultBytes) {
  results += resultBytes;
  if (countPeak)
    measured = std::max(measured, results + countPeak(/*restart=*/1));
  resident = std::max(resident, readStatus("VmHWM:") - residentBefore);
  // A context has one workspace and a thread one scratch, those of the function
  // that needs more.
  workspace = std::max(workspace, function.workspaceBytes);
  packing = std::max(packing, function.scratchBytes);
  isKnown = isKnown && function.workspaceBytes >= 0;
  planned = results + workspace + packing * numThreads;
}

void MemoryReport::print(llvm::raw_ostream &os) const {
  os << "memory: planned ";
  if (isKnown)
    os << planned << " bytes";
  else
    os << "by the sizes of the inputs";
  os << " (workspace " << std::max<int64_t>(workspace, 0) << ", results "
     << results << ", packing " << packing << " a thread), measured "
     << measured << " bytes, resident "
     << llvm::format("%.1f MB\n", resident / 1e6);
}
