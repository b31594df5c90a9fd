//===- Dispatch.cpp - Choice of the instruction set -----------------------===//

#include "Internal.h"
#include "Kernels.h"

#include <atomic>
#include <stdlib.h>
#include <string.h>

using namespace fxrt;

static const Kernels *chooseKernels() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool hasAVX2 = __builtin_cpu_supports("avx2") &&
                 __builtin_cpu_supports("fma") &&
                 __builtin_cpu_supports("f16c");
  bool hasAVX512 = hasAVX2 && __builtin_cpu_supports("avx512f") &&
                   __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl");
  const char *wanted = getenv("FX_RT_ISA");
  if (wanted && !strcmp(wanted, "generic"))
    return &kernelsGeneric;
  if (wanted && !strcmp(wanted, "avx2"))
    hasAVX512 = false;
  if (hasAVX512)
    return &kernelsAVX512;
  if (hasAVX2)
    return &kernelsAVX2;
#endif
  return &kernelsGeneric;
}

const Kernels &fxrt::kernels() {
  static std::atomic<const Kernels *> chosen{nullptr};
  const Kernels *table = chosen.load(std::memory_order_acquire);
  if (!table) {
    table = chooseKernels();
    chosen.store(table, std::memory_order_release);
  }
  return *table;
}

const char *fx_rt_isa(void) { return kernels().name; }
