//===- Windows.h - Windows that slide over planes ---------------*- C++ -*-===//

#ifndef FX_LIB_INTERPRETER_WINDOWS_H
#define FX_LIB_INTERPRETER_WINDOWS_H

#include "mlir/Support/LLVM.h"

namespace mlir::fx::interp {

/// A window along one dimension of space.
struct Window {
  int64_t kernel, stride, padding, dilation;

  /// Where tap `k` of window `i` stands; outside of the plane in the padding.
  int64_t at(int64_t i, int64_t k) const {
    return i * stride - padding + k * dilation;
  }
};

/// Entry `i` of a list of which one entry counts for all dimensions and none
/// means `fallback`.
inline int64_t getEntry(ArrayRef<int64_t> list, size_t i, int64_t fallback) {
  if (list.empty())
    return fallback;
  return i < list.size() ? list[i] : list[0];
}

} // namespace mlir::fx::interp

#endif
