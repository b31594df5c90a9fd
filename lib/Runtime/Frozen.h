//===- Frozen.h - What is prepared of weights that never change -*- C++ -*-===//

#ifndef FX_LIB_RUNTIME_FROZEN_H
#define FX_LIB_RUNTIME_FROZEN_H

#include "Internal.h"
#include "Kernels.h"

namespace fxrt {

/// What a form is made of, and which form it is.
struct FrozenKey {
  enum Kind { GemmPanels, ConvolutionPanels, WinogradFilters };
  const void *weight;
  Kind kind;
  ElementType type;
  /// Sizes and strides that the form depends on.
  int64_t values[4];
};

/// The form of `count` floats, 64-byte aligned; null if it is not there.
const float *findFrozen(void **store, const FrozenKey &key);
/// Memory for it, to be filled and given to keepFrozen; null without memory.
float *allocateFrozen(const FrozenKey &key, int64_t count);
void keepFrozen(void **store, float *form);

/// The form that `fill(float *)` makes once; null without memory.
template <typename Fill>
const float *getFrozen(void **store, const FrozenKey &key, int64_t count,
                       const Fill &fill) {
  if (const float *form = findFrozen(store, key))
    return form;
  float *form = allocateFrozen(key, count);
  if (!form)
    return nullptr;
  fill(form);
  keepFrozen(store, form);
  return form;
}

} // namespace fxrt

#endif // FX_LIB_RUNTIME_FROZEN_H
