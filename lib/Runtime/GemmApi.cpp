//===- GemmApi.cpp - C interface of the matrix products -------------------===//

#include "GemmImpl.h"

#include <utility>

using namespace fxrt;

namespace {
template <typename S, typename T>
GemmProblem<S, T>
makeProblem(int64_t batch, int64_t M, int64_t N, int64_t K,
             const S *A, int64_t bsA, int64_t rsA, int64_t csA, const S *B,
             int64_t bsB, int64_t rsB, int64_t csB, T *C, int64_t bsC,
             int64_t rsC, int32_t accumulate, Epilogue<T> epilogue) {
  GemmProblem<S, T> p;
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
                fx_rt_scratch &needs) {
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
  addGemmScratch(p, needs);
}
} // namespace

void fx_rt_gemm_scratch(int32_t type, int64_t batch, int64_t M, int64_t N,
                        int64_t K, int64_t bsA, int64_t rsA, int64_t csA,
                        int64_t bsB, int64_t rsB, int64_t csB, int64_t bsC,
                        int64_t rsC, int32_t hasC, int32_t hasEpilogue,
                        fx_rt_scratch *scratch) {
  *scratch = {};
  auto add = type == 1   ? addScratch<double, double>
             : type == 2 ? addScratch<BFloat16, float>
             : type == 3 ? addScratch<Half, float>
                         : addScratch<float, float>;
  add(batch, M, N, K, bsA, rsA, csA, bsB, rsB, csB, bsC, rsC, hasC != 0,
      hasEpilogue != 0, *scratch);
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

int64_t fx_rt_sgemm_pack_b_size(int64_t N, int64_t K) {
  return roundUp(N, kernels().f32.nr) * K;
}

// Panels of nr columns one after the other, each [K][nr]: any block of K is a
// contiguous part of its panel.
void fx_rt_sgemm_pack_b(void *ctx, int64_t N, int64_t K, const float *B,
                        int64_t rsB, int64_t csB, float *packed) {
  const int64_t nr = kernels().f32.nr;
  parallelFor(ctx, ceilDiv(N, nr), maxOf(1, 65536 / maxOf(1, K * nr)),
              [&](int64_t begin, int64_t end) {
                for (int64_t n = begin * nr; n < minOf(N, end * nr); n += nr)
                  kernels().packF32.packB(B + n * csB, rsB, csB, K,
                                          minOf(nr, N - n), packed + n * K);
              });
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
