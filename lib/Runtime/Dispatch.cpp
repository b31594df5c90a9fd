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
  bool avx512BF16 = false;
  bool avx512VNNI = false;
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
  features.avx512VNNI = features.avx512 && (ecx & bit_AVX512VNNI);
  if (features.avx512 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
    features.avx512BF16 = eax & bit_AVX512BF16;
  return features;
}
#endif

namespace {
struct Choice {
  const Kernels *kernels;
  const DotKernels *dot = nullptr;
  const IntKernels *integers = &kernels->i8;
};
} // namespace

static Choice chooseKernels() {
#if defined(__x86_64__)
  Features features = readFeatures();
  bool hasAVX2 = features.avx2;
  bool hasAVX512 = features.avx512;
  const char *wanted = getenv("FX_RT_ISA");
  if (wanted && !strcmp(wanted, "generic"))
    return {&kernelsGeneric};
  if (wanted && !strcmp(wanted, "avx2"))
    hasAVX512 = false;
  bool isLimited = wanted && !strcmp(wanted, "avx512");
  if (hasAVX512)
    return {&kernelsAVX512,
            features.avx512BF16 && !isLimited ? &dotKernelsBF16 : nullptr,
            features.avx512VNNI && !isLimited ? &intKernelsVNNI
                                              : &kernelsAVX512.i8};
  if (hasAVX2)
    return {&kernelsAVX2};
#endif
  return {&kernelsGeneric};
}

static std::atomic<const Kernels *> chosen{nullptr};
static std::atomic<const DotKernels *> chosenDot{nullptr};
static std::atomic<const IntKernels *> chosenIntegers{nullptr};

const Kernels &fxrt::kernels() {
  const Kernels *table = chosen.load(std::memory_order_acquire);
  if (!table) {
    Choice choice = chooseKernels();
    table = choice.kernels;
    chosenDot.store(choice.dot, std::memory_order_relaxed);
    chosenIntegers.store(choice.integers, std::memory_order_relaxed);
    chosen.store(table, std::memory_order_release);
  }
  return *table;
}

const DotKernels *fxrt::dotKernels() {
  kernels();
  return chosenDot.load(std::memory_order_relaxed);
}

const IntKernels &fxrt::intKernels() {
  kernels();
  return *chosenIntegers.load(std::memory_order_relaxed);
}

const char *fx_rt_isa(void) {
  return dotKernels() ? "avx512-bf16" : kernels().name;
}
