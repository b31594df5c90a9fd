//===- SliceBounds.h - Python's slice bounds as offsets and sizes -*- C++ -*-=//

#ifndef FX_LIB_LOWERING_FXTOLINALG_SLICEBOUNDS_H
#define FX_LIB_LOWERING_FXTOLINALG_SLICEBOUNDS_H

#include "LinalgBuilder.h"

namespace mlir::fx {

struct SliceBounds {
  Sizes offsets, sizes, strides;
};

/// tensor[..., start:end:step, ...]: negative bounds count from the end, all
/// are clamped; null bounds are absent. `knownSize` is the slice's size if it
/// is known, else kDynamic.
SliceBounds buildSliceBounds(LinalgBuilder &t, Value tensor, int64_t dim,
                             Value start, Value end, int64_t step,
                             int64_t knownSize);
/// tensor[..., index, ...] as a slice of size 1.
SliceBounds buildSelectBounds(LinalgBuilder &t, Value tensor, int64_t dim,
                              Value index);

} // namespace mlir::fx

#endif
