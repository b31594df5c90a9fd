//===- Windows.h - Sliding windows of convolution and pooling ---*- C++ -*-===//

#ifndef FX_LIB_LOWERING_FXTOLINALG_WINDOWS_H
#define FX_LIB_LOWERING_FXTOLINALG_WINDOWS_H

#include "LinalgBuilder.h"

namespace mlir::fx {

/// A window along one spatial dimension.
struct Window {
  int64_t kernel, stride, padding, dilation;
};

/// Entry `i` of a list where a list of length 1 counts for all dimensions and
/// an empty one means `fallback`.
inline int64_t getWindowEntry(ArrayRef<int64_t> list, size_t i,
                              int64_t fallback) {
  if (list.empty())
    return fallback;
  return list.size() == 1 ? list[0] : list[i];
}

/// Splits dimension `dim` into `outer` times what is left, and merges `dim`
/// with the next one.
Value splitDim(LinalgBuilder &t, Value tensor, int64_t dim, int64_t outer);
Value mergeDims(LinalgBuilder &t, Value tensor, int64_t dim);

/// Pads the last dimensions: one low and high amount for each window.
Value padSpatial(LinalgBuilder &t, Value tensor, ArrayRef<int64_t> low,
                 ArrayRef<int64_t> high, Value scalar);

} // namespace mlir::fx

#endif
