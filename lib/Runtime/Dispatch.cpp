//===- Dispatch.cpp - Choice of the instruction set -----------------------===//

#include "Internal.h"
#include "Kernels.h"

#include <atomic>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <stdlib.h>
#include <string.h>

using namespace fxrt;

#if defined(__x86_64__)
namespace {
/// What the processor and the operating system support.
struct Features {
  bool avx2 = false;
  bool avx512 = false;
};
} // namespace

/// Asks the processor itself: __builtin_cpu_supports needs the compiler's
/// support library, which a model linked by ld.lld alone does not have.
static Features readFeatures() {
  Features features;
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
    return features;
  constexpr unsigned needed = bit_FMA | bit_OSXSAVE | bit_AVX | bit_F16C;
  if ((ecx & needed) != needed)
    return features;
  // Which registers the system saves: bits 1 and 2 are XMM and YMM, bits 5 to
  // 7 the mask registers and ZMM.
  unsigned saved, savedHigh;
  __asm__("xgetbv" : "=a"(saved), "=d"(savedHigh) : "c"(0));
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
    return features;
  constexpr unsigned wide =
      bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
  features.avx2 = (ebx & bit_AVX2) && (saved & 0x6) == 0x6;
  features.avx512 =
      features.avx2 && (ebx & wide) == wide && (saved & 0xe0) == 0xe0;
  return features;
}
#endif

static const Kernels *chooseKernels() {
#if defined(__x86_64__)
  Features features = readFeatures();
  bool hasAVX2 = features.avx2;
  bool hasAVX512 = features.avx512;
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
