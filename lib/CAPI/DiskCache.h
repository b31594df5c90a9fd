//===- DiskCache.h - Compiled graphs on disk --------------------*- C++ -*-===//
//
// Files in a folder, by a hash of what was compiled, how, by which build of the
// compiler, and for which processor. Several processes may share the folder: a
// file appears as a whole. One that is damaged is compiled anew.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_CAPI_DISKCACHE_H
#define FX_LIB_CAPI_DISKCACHE_H

#include "mlir/Support/LLVM.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlir::fx::capi {

/// What a compiled graph is in a later process.
struct CachedCode {
  /// As fx_module_describe gives it.
  std::string description;
  /// Object files.
  std::vector<std::string> objects;
  int64_t numKernels = 0;
};

class DiskCache {
public:
  /// An empty folder is no cache: nothing is found or stored.
  DiskCache(StringRef folder, StringRef graph, StringRef options);

  std::optional<CachedCode> load();
  /// A cache that cannot be written is as good as none: no error.
  void store(const CachedCode &code);

private:
  std::string folder, key;
};

} // namespace mlir::fx::capi

#endif // FX_LIB_CAPI_DISKCACHE_H
