//===- Random.cpp - Counter-based random numbers --------------------------===//

#include "fx/Runtime/Philox.h"
#include "Internal.h"
#include "Kernels.h"

using namespace fxrt;

void fx_rt_philox_uniform_f32(uint64_t seed, uint64_t offset, float *out,
                              int64_t n) {
  // Elements before the first whole block of four.
  for (; n > 0 && (offset & 3); --n)
    *out++ = fx_philox_uniform_f32(seed, offset++);
  int64_t blocks = n / 4;
  if (blocks > 0)
    kernels().philoxUniform(seed, offset >> 2, out, blocks);
  for (int64_t i = blocks * 4; i < n; ++i)
    out[i] = fx_philox_uniform_f32(seed, offset + static_cast<uint64_t>(i));
}

float fx_rt_philox_uniform_f32_at(uint64_t seed, uint64_t index) {
  return fx_philox_uniform_f32(seed, index);
}
