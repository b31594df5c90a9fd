//===- GemmApi.cpp - C interface of the matrix products -------------------===//

#include "Frozen.h"
#include "GemmImpl.h"

#include <utility>

using namespace fxrt;

namespace {
template <typename S, typename T>
GemmProblem<S, T>
makeProblem(int64_t batch, int64_t M, int64_t N, int64_t K,
             const S *A, int64_t bsA, int64_t rsA, int64_t csA, const S *B,
             int64_t bsB, int64_t rsB, int64_t csB, T *C, int64_t bsC,
             int64_t rsC, int32_t accumulate, Epilogue<T> epilogue,
             int32_t unsignedOperands = 0) {
  GemmProblem<S, T> p;
  p.unsignedA = unsignedOperands & 1;
  p.unsignedB = unsignedOperands & 2;
  p.batch = batch;
  p.M = M;
  p.N = N;
  p.K = K;
  p.A = A;
  p.bsA = bsA;
  p.rsA = rsA;
  p.csA = csA;
  p.B = B;
  p.bsB = bsB;
  p.rsB = rsB;
  p.csB = csB;
  p.C = C;
  p.bsC = bsC;
  p.rsC = rsC;
  p.hasC = C != nullptr;
  p.accumulate = accumulate != 0;
  p.epilogue = epilogue;
  // One B for consecutive row blocks of A and C is a single taller product.
  if (batch > 1 && bsB == 0 && bsA == M * rsA && bsC == M * rsC && !epilogue) {
    p.M = M * batch;
    p.batch = 1;
  }
  // A column of C from a column-major A is a row from a row-major one.
  if (N == 1 && rsA == 1 && csA != 1 && rsC == 1 && !epilogue) {
    std::swap(p.M, p.N);
    std::swap(p.unsignedA, p.unsignedB);
    p.A = B;
    p.bsA = bsB;
    p.rsA = csB;
    p.csA = rsB;
    p.B = A;
    p.bsB = bsA;
    p.rsB = csA;
    p.csB = rsA;
    p.rsC = p.N;
  }
  return p;
}

template <typename S, typename T>
void batched(void *ctx, int64_t batch, int64_t M, int64_t N, int64_t K,
             const S *A, int64_t bsA, int64_t rsA, int64_t csA, const S *B,
             int64_t bsB, int64_t rsB, int64_t csB, T *C, int64_t bsC,
             int64_t rsC, int32_t accumulate, Epilogue<T> epilogue,
             void *closure) {
  GemmProblem<S, T> p =
      makeProblem(batch, M, N, K, A, bsA, rsA, csA, B, bsB, rsB, csB, C, bsC,
                  rsC, accumulate, epilogue);
  p.closure = closure;
  runGemm(ctx, p);
}

template <typename S, typename T>
void addScratch(int64_t batch, int64_t M, int64_t N, int64_t K, int64_t bsA,
                int64_t rsA, int64_t csA, int64_t bsB, int64_t rsB, int64_t csB,
                int64_t bsC, int64_t rsC, bool hasC, bool hasEpilogue,
                bool isFrozen, fx_rt_scratch &needs) {
  Epilogue<T> epilogue = nullptr;
  if (hasEpilogue)
    epilogue = [](void *, int64_t, int64_t, int64_t, int64_t, int64_t, T *,
                  int64_t) {};
  const S *none = nullptr;
  T *result = nullptr;
  GemmProblem<S, T> p = makeProblem(batch, M, N, K, none, bsA, rsA, csA, none,
                                    bsB, rsB, csB, result, bsC, rsC, 0,
                                    epilogue);
  p.hasC = hasC;
  static const T packed = 0;
  if constexpr (!std::is_same_v<T, double>)
    if (isFrozen && wantsPackedB(p))
      p.packedB = &packed;
  addGemmScratch(p, needs);
}

//===----------------------------------------------------------------------===//
// 8-bit integers
//===----------------------------------------------------------------------===//

using IntProblem = GemmProblem<Byte, uint32_t>;

/// Whether B is packed as other numbers than it holds, 128 more or less: the
/// sums of A's rows, times 128, correct the result.
bool needsRowSums(const IntProblem &p) {
  return intKernels().mixesSigns && p.unsignedA == p.unsignedB && p.K > 0;
}

/// 128 times the sums of rows, with the sign that corrects the products.
void computeRowSums(void *ctx, const IntProblem &p, const Byte *A,
                    uint32_t *sums) {
  const bool isUnsigned = p.unsignedA;
  auto number = [=](Byte x) {
    return isUnsigned ? uint32_t(x.bits) : uint32_t(int8_t(x.bits));
  };
  const uint32_t factor = isUnsigned ? 128u : -128u;
  parallelFor(ctx, p.M, maxOf(1, 65536 / p.K),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i)
                  sums[i] = 0;
                if (p.csA == 1) {
                  for (int64_t i = begin; i < end; ++i) {
                    const Byte *row = A + i * p.rsA;
                    uint32_t sum = 0;
                    for (int64_t k = 0; k < p.K; ++k)
                      sum += number(row[k]);
                    sums[i] = sum;
                  }
                } else {
                  for (int64_t k = 0; k < p.K; ++k)
                    for (int64_t i = begin; i < end; ++i)
                      sums[i] += number(A[i * p.rsA + k * p.csA]);
                }
                for (int64_t i = begin; i < end; ++i)
                  sums[i] *= factor;
              });
}

void addIntScratch(const IntProblem &p, fx_rt_scratch &needs) {
  if (p.batch <= 0 || p.M <= 0)
    return;
  if (needsRowSums(p))
    addLent(needs, p.M * sizeof(uint32_t));
  addGemmScratch(p, needs);
}

/// The epilogue of 32-bit integers, as one of what the kernels sum in.
struct IntEpilogue {
  fx_rt_epilogue_i32 epilogue;
  void *closure;
  static void call(void *self, int64_t batch, int64_t row, int64_t col,
                   int64_t rows, int64_t cols, uint32_t *tile, int64_t ld) {
    auto &that = *static_cast<IntEpilogue *>(self);
    that.epilogue(that.closure, batch, row, col, rows, cols,
                  reinterpret_cast<int32_t *>(tile), ld);
  }
};
} // namespace

int32_t fx_rt_gemm_i8(void *ctx, int64_t batch, int64_t M, int64_t N, int64_t K,
                      const void *A, int64_t bsA, int64_t rsA, int64_t csA,
                      const void *B, int64_t bsB, int64_t rsB, int64_t csB,
                      int32_t *C, int64_t bsC, int64_t rsC, int32_t accumulate,
                      fx_rt_epilogue_i32 epilogue, void *closure,
                      int32_t unsignedOperands) {
  IntEpilogue wrapped = {epilogue, closure};
  IntProblem p = makeProblem<Byte, uint32_t>(
      batch, M, N, K, static_cast<const Byte *>(A), bsA, rsA, csA,
      static_cast<const Byte *>(B), bsB, rsB, csB,
      reinterpret_cast<uint32_t *>(C), bsC, rsC, accumulate,
      epilogue ? IntEpilogue::call : nullptr, unsignedOperands);
  p.closure = &wrapped;
  if (p.batch <= 0 || p.M <= 0)
    return 0;
  if (!needsRowSums(p)) {
    runGemm(ctx, p);
    return 0;
  }
  ScopedBuffer<uint32_t> sums(ctx, p.M);
  if (!sums.get())
    return 1;
  IntProblem one = p;
  one.batch = 1;
  one.rowBias = sums.get();
  for (int64_t i = 0; i < p.batch; ++i) {
    one.firstBatch = i;
    one.A = p.A + i * p.bsA;
    one.B = p.B + i * p.bsB;
    one.C = p.hasC ? p.C + i * p.bsC : nullptr;
    if (i == 0 || p.bsA)
      computeRowSums(ctx, p, one.A, sums.get());
    runGemm(ctx, one);
  }
  return 0;
}

void fx_rt_gemm_scratch(int32_t type, int64_t batch, int64_t M, int64_t N,
                        int64_t K, int64_t bsA, int64_t rsA, int64_t csA,
                        int64_t bsB, int64_t rsB, int64_t csB, int64_t bsC,
                        int64_t rsC, int32_t hasC, int32_t hasEpilogue,
                        int32_t isFrozen, fx_rt_scratch *scratch) {
  *scratch = {};
  if (type >= 4) {
    const Byte *none = nullptr;
    uint32_t *result = nullptr;
    IntProblem p = makeProblem<Byte, uint32_t>(
        batch, M, N, K, none, bsA, rsA, csA, none, bsB, rsB, csB, result, bsC,
        rsC, 0, hasEpilogue ? IntEpilogue::call : nullptr, type - 4);
    p.hasC = hasC != 0;
    return addIntScratch(p, *scratch);
  }
  auto add = type == 1   ? addScratch<double, double>
             : type == 2 ? addScratch<BFloat16, float>
             : type == 3 ? addScratch<Half, float>
                         : addScratch<float, float>;
  add(batch, M, N, K, bsA, rsA, csA, bsB, rsB, csB, bsC, rsC, hasC != 0,
      hasEpilogue != 0, isFrozen != 0, *scratch);
}

void fx_rt_sgemm(void *ctx, int64_t M, int64_t N, int64_t K, const float *A,
                 int64_t rsA, int64_t csA, const float *B, int64_t rsB,
                 int64_t csB, float *C, int64_t rsC, int32_t accumulate,
                 fx_rt_epilogue_f32 epilogue, void *closure) {
  batched(ctx, 1, M, N, K, A, 0, rsA, csA, B, 0, rsB, csB, C, 0, rsC,
          accumulate, epilogue, closure);
}

void fx_rt_sgemm_batched(void *ctx, int64_t batch, int64_t M, int64_t N,
                         int64_t K, const float *A, int64_t bsA, int64_t rsA,
                         int64_t csA, const float *B, int64_t bsB, int64_t rsB,
                         int64_t csB, float *C, int64_t bsC, int64_t rsC,
                         int32_t accumulate, fx_rt_epilogue_f32 epilogue,
                         void *closure) {
  batched(ctx, batch, M, N, K, A, bsA, rsA, csA, B, bsB, rsB, csB, C, bsC, rsC,
          accumulate, epilogue, closure);
}

void fx_rt_dgemm(void *ctx, int64_t M, int64_t N, int64_t K, const double *A,
                 int64_t rsA, int64_t csA, const double *B, int64_t rsB,
                 int64_t csB, double *C, int64_t rsC, int32_t accumulate,
                 fx_rt_epilogue_f64 epilogue, void *closure) {
  batched(ctx, 1, M, N, K, A, 0, rsA, csA, B, 0, rsB, csB, C, 0, rsC,
          accumulate, epilogue, closure);
}

void fx_rt_dgemm_batched(void *ctx, int64_t batch, int64_t M, int64_t N,
                         int64_t K, const double *A, int64_t bsA, int64_t rsA,
                         int64_t csA, const double *B, int64_t bsB,
                         int64_t rsB, int64_t csB, double *C, int64_t bsC,
                         int64_t rsC, int32_t accumulate,
                         fx_rt_epilogue_f64 epilogue, void *closure) {
  batched(ctx, batch, M, N, K, A, bsA, rsA, csA, B, bsB, rsB, csB, C, bsC, rsC,
          accumulate, epilogue, closure);
}

void fx_rt_gemm_bf16(void *ctx, int64_t batch, int64_t M, int64_t N, int64_t K,
                     const uint16_t *A, int64_t bsA, int64_t rsA, int64_t csA,
                     const uint16_t *B, int64_t bsB, int64_t rsB, int64_t csB,
                     float *C, int64_t bsC, int64_t rsC, int32_t accumulate,
                     fx_rt_epilogue_f32 epilogue, void *closure) {
  batched(ctx, batch, M, N, K, reinterpret_cast<const BFloat16 *>(A), bsA, rsA,
          csA, reinterpret_cast<const BFloat16 *>(B), bsB, rsB, csB, C, bsC,
          rsC, accumulate, epilogue, closure);
}

void fx_rt_gemm_f16(void *ctx, int64_t batch, int64_t M, int64_t N, int64_t K,
                    const uint16_t *A, int64_t bsA, int64_t rsA, int64_t csA,
                    const uint16_t *B, int64_t bsB, int64_t rsB, int64_t csB,
                    float *C, int64_t bsC, int64_t rsC, int32_t accumulate,
                    fx_rt_epilogue_f32 epilogue, void *closure) {
  batched(ctx, batch, M, N, K, reinterpret_cast<const Half *>(A), bsA, rsA, csA,
          reinterpret_cast<const Half *>(B), bsB, rsB, csB, C, bsC, rsC,
          accumulate, epilogue, closure);
}

namespace {
GemmProblem<float, float> getWeight(int64_t N, int64_t K, const float *B,
                                    int64_t rsB, int64_t csB) {
  GemmProblem<float, float> p;
  p.M = 1 << 20;
  p.N = N;
  p.K = K;
  p.A = nullptr;
  p.rsA = K;
  p.csA = 1;
  p.B = B;
  p.rsB = rsB;
  p.csB = csB;
  p.C = nullptr;
  p.rsC = N;
  return p;
}

template <typename S>
void frozen(void *ctx, void **store, int64_t M, int64_t N, int64_t K,
            const S *A, int64_t rsA, int64_t csA, const S *B, int64_t rsB,
            int64_t csB, float *C, int64_t rsC, fx_rt_epilogue_f32 epilogue,
            void *closure) {
  auto p = makeProblem<S, float>(1, M, N, K, A, 0, rsA, csA, B, 0, rsB, csB, C,
                                 0, rsC, /*accumulate=*/0, epilogue);
  p.closure = closure;
  // The sides may have changed places.
  if (p.B == B && wantsPackedB(p))
    p.packedB = getFrozen(
        store,
        {B, FrozenKey::GemmPanels, kElementType<S>, {N, K, rsB, csB}},
        packedCountB(p), [&](float *panels) { packB(ctx, p, panels); });
  runGemm(ctx, p);
}
} // namespace

int64_t fx_rt_sgemm_pack_b_size(int64_t N, int64_t K) {
  return packedCountB(getWeight(N, K, nullptr, N, 1));
}

void fx_rt_sgemm_pack_b(void *ctx, int64_t N, int64_t K, const float *B,
                        int64_t rsB, int64_t csB, float *packed) {
  packB(ctx, getWeight(N, K, B, rsB, csB), packed);
}

void fx_rt_sgemm_packed_b(void *ctx, int64_t M, int64_t N, int64_t K,
                          const float *A, int64_t rsA, int64_t csA,
                          const float *packed, float *C, int64_t rsC,
                          int32_t accumulate, fx_rt_epilogue_f32 epilogue,
                          void *closure) {
  GemmProblem<float, float> p;
  p.M = M;
  p.N = N;
  p.K = K;
  p.A = A;
  p.rsA = rsA;
  p.csA = csA;
  p.B = nullptr;
  p.rsB = p.csB = 0;
  p.packedB = packed;
  p.C = C;
  p.rsC = rsC;
  p.accumulate = accumulate != 0;
  p.epilogue = epilogue;
  p.closure = closure;
  runGemm(ctx, p);
}

void fx_rt_sgemm_frozen(void *ctx, void **store, int64_t M, int64_t N,
                        int64_t K, const float *A, int64_t rsA, int64_t csA,
                        const float *B, int64_t rsB, int64_t csB, float *C,
                        int64_t rsC, fx_rt_epilogue_f32 epilogue,
                        void *closure) {
  frozen(ctx, store, M, N, K, A, rsA, csA, B, rsB, csB, C, rsC, epilogue,
         closure);
}

void fx_rt_gemm_bf16_frozen(void *ctx, void **store, int64_t M, int64_t N,
                            int64_t K, const uint16_t *A, int64_t rsA,
                            int64_t csA, const uint16_t *B, int64_t rsB,
                            int64_t csB, float *C, int64_t rsC,
                            fx_rt_epilogue_f32 epilogue, void *closure) {
  frozen(ctx, store, M, N, K, reinterpret_cast<const BFloat16 *>(A), rsA, csA,
         reinterpret_cast<const BFloat16 *>(B), rsB, csB, C, rsC, epilogue,
         closure);
}

void fx_rt_gemm_f16_frozen(void *ctx, void **store, int64_t M, int64_t N,
                           int64_t K, const uint16_t *A, int64_t rsA,
                           int64_t csA, const uint16_t *B, int64_t rsB,
                           int64_t csB, float *C, int64_t rsC,
                           fx_rt_epilogue_f32 epilogue, void *closure) {
  frozen(ctx, store, M, N, K, reinterpret_cast<const Half *>(A), rsA, csA,
         reinterpret_cast<const Half *>(B), rsB, csB, C, rsC, epilogue,
         closure);
}
