//===- MatrixProducts.cpp - Matrix products by cuBLASLt -------------------===//
//
// cuBLASLt's matrices are column-major. A row-major matrix is the transposed of
// a column-major one in the same memory, so C = A * B is asked for as
// C^T = B^T * A^T: cuBLASLt's first operand is our B, its second one our A.
//
//===----------------------------------------------------------------------===//

#include "CublasLt.h"
#include "State.h"

#include <stdlib.h>
#include <string.h>

using namespace fxrt;
using namespace fxrt::cuda;

namespace {
/// What NVIDIA advises for Hopper; smaller GPUs need less.
constexpr size_t kWorkspaceBytes = size_t(32) << 20;
constexpr size_t kNumPlans = 256, kProbes = 8;

/// One of our matrices as cuBLASLt sees it: rows x columns, column-major.
struct Operand {
  int64_t transposed;
  int64_t rows, columns, ld;
  int64_t batchStride;
  /// Largest power of two up to 256 that divides the address.
  int64_t alignment;
};

/// All that the choice of an algorithm depends on.
struct Problem {
  int64_t type, batch;
  Operand a, b, c;

  // No padding: all members are of one type.
  bool operator==(const Problem &other) const {
    return memcmp(this, &other, sizeof(Problem)) == 0;
  }
  size_t hash() const {
    uint64_t words[sizeof(Problem) / 8], value = 14695981039346656037ull;
    memcpy(words, this, sizeof(words));
    for (uint64_t word : words)
      value = (value ^ word) * 1099511628211ull;
    return value ^ (value >> 32);
  }
};
static_assert(sizeof(Problem) == 20 * 8, "compared as bytes");

/// An algorithm for a problem, with the descriptors that it is called with.
struct Plan {
  Problem problem;
  cublasLtMatmulDesc_t operation;
  cublasLtMatrixLayout_t a, b, c;
  cublasLtMatmulAlgo_t algorithm;
  bool isValid;
};
} // namespace

struct fxrt::cuda::Blas {
  const CublasLt *library;
  cublasLtHandle_t handle;
  cublasLtMatmulPreference_t preference;
  CUdeviceptr workspace;
  /// A hash table; when the places of a problem are full one is evicted.
  Plan plans[kNumPlans];
};

namespace {
bool checkBlas(State *state, const CublasLt *library, cublasStatus_t status,
               const char *what) {
  if (status == CUBLAS_STATUS_SUCCESS)
    return true;
  const char *name =
      library->getStatusName ? library->getStatusName(status) : nullptr;
  return fail(state, "cuBLASLt cannot %s: %s (%d)", what,
              name ? name : "status", status);
}

void destroyPlan(const CublasLt *library, Plan &plan) {
  if (plan.operation)
    library->descDestroy(plan.operation);
  cublasLtMatrixLayout_t layouts[] = {plan.a, plan.b, plan.c};
  for (cublasLtMatrixLayout_t layout : layouts)
    if (layout)
      library->layoutDestroy(layout);
  memset(&plan, 0, sizeof(plan));
}

Blas *getBlas(State *state) {
  Device *device = state->device;
  if (device->blas)
    return device->blas;
  const CublasLt *library = loadCublasLt();
  if (!library) {
    fail(state, "%s", cublasLtProblem());
    return nullptr;
  }
  auto *blas = static_cast<Blas *>(calloc(1, sizeof(Blas)));
  if (!blas) {
    fail(state, "out of memory");
    return nullptr;
  }
  blas->library = library;
  device->blas = blas;
  uint64_t bytes = kWorkspaceBytes;
  if (checkBlas(state, library, library->create(&blas->handle), "start") &&
      checkBlas(state, library, library->preferenceCreate(&blas->preference),
                "start") &&
      checkBlas(state, library,
                library->preferenceSetAttribute(
                    blas->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                    &bytes, sizeof(bytes)),
                "start") &&
      allocateDevice(state, kWorkspaceBytes, blas->workspace))
    return blas;
  destroyBlas(state, device);
  return nullptr;
}

int64_t getAlignment(const void *pointer) {
  uintptr_t address = reinterpret_cast<uintptr_t>(pointer) | 256;
  return static_cast<int64_t>(address & -address);
}

/// The matrix with element (i, k) at X[i * rs + k * cs], as the column-major
/// matrix that is its transposed (columns x rows), or itself if its rows are
/// the contiguous dimension. Strides of extents of 1 mean nothing.
bool describe(int64_t rows, int64_t columns, int64_t rs, int64_t cs,
              Operand &operand) {
  if ((columns == 1 || cs == 1) && (rows == 1 || rs >= columns)) {
    operand.transposed = 0;
    operand.rows = columns;
    operand.columns = rows;
    operand.ld = rows == 1 ? columns : rs;
    return true;
  }
  if ((rows == 1 || rs == 1) && (columns == 1 || cs >= rows)) {
    operand.transposed = 1;
    operand.rows = rows;
    operand.columns = columns;
    operand.ld = columns == 1 ? rows : cs;
    return true;
  }
  return false;
}

int getDataType(int64_t type) {
  switch (type) {
  case FX_RT_CUDA_F64:
    return CUDA_R_64F;
  case FX_RT_CUDA_BF16:
    return CUDA_R_16BF;
  case FX_RT_CUDA_F16:
    return CUDA_R_16F;
  default:
    return CUDA_R_32F;
  }
}

bool makeLayout(State *state, const CublasLt *library, int type, int64_t batch,
                const Operand &operand, cublasLtMatrixLayout_t &layout) {
  if (!checkBlas(state, library,
                 library->layoutCreate(
                     &layout, type, static_cast<uint64_t>(operand.rows),
                     static_cast<uint64_t>(operand.columns), operand.ld),
                 "describe a matrix"))
    return false;
  if (batch == 1)
    return true;
  int32_t count = static_cast<int32_t>(batch);
  return checkBlas(
             state, library,
             library->layoutSetAttribute(layout,
                                         CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                         &count, sizeof(count)),
             "describe a batch") &&
         checkBlas(state, library,
                   library->layoutSetAttribute(
                       layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                       &operand.batchStride, sizeof(operand.batchStride)),
                   "describe a batch");
}

/// Fills an empty plan with cuBLASLt's first choice.
bool makePlan(State *state, Blas *blas, const Problem &problem, Plan &plan) {
  const CublasLt *library = blas->library;
  plan.problem = problem;
  bool isDouble = problem.type == FX_RT_CUDA_F64;
  int sumType = isDouble ? CUDA_R_64F : CUDA_R_32F;
  int type = getDataType(problem.type);
  int32_t operationB = problem.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  int32_t operationA = problem.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  const char *what = "describe a matrix product";
  if (!checkBlas(state, library,
                 library->descCreate(&plan.operation,
                                     isDouble ? CUBLAS_COMPUTE_64F
                                              : CUBLAS_COMPUTE_32F,
                                     sumType),
                 what) ||
      !checkBlas(state, library,
                 library->descSetAttribute(
                     plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, &operationB,
                     sizeof(operationB)),
                 what) ||
      !checkBlas(state, library,
                 library->descSetAttribute(
                     plan.operation, CUBLASLT_MATMUL_DESC_TRANSB, &operationA,
                     sizeof(operationA)),
                 what) ||
      !makeLayout(state, library, type, problem.batch, problem.a, plan.a) ||
      !makeLayout(state, library, type, problem.batch, problem.b, plan.b) ||
      !makeLayout(state, library, sumType, problem.batch, problem.c, plan.c))
    return false;
  struct {
    int attribute;
    int64_t alignment;
  } alignments[] = {
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, problem.b.alignment},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, problem.a.alignment},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, problem.c.alignment},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, problem.c.alignment}};
  for (auto &entry : alignments) {
    uint32_t value = static_cast<uint32_t>(entry.alignment);
    if (!checkBlas(state, library,
                   library->preferenceSetAttribute(blas->preference,
                                                   entry.attribute, &value,
                                                   sizeof(value)),
                   what))
      return false;
  }
  cublasLtMatmulHeuristicResult_t found;
  memset(&found, 0, sizeof(found));
  int count = 0;
  cublasStatus_t status = library->getHeuristic(
      blas->handle, plan.operation, plan.b, plan.a, plan.c, plan.c,
      blas->preference, 1, &found, &count);
  if (status == CUBLAS_STATUS_SUCCESS && count > 0)
    status = found.state;
  if (status != CUBLAS_STATUS_SUCCESS || count == 0) {
    const char *name =
        library->getStatusName ? library->getStatusName(status) : "status";
    return fail(state,
                "cuBLASLt has no algorithm for a product of %lld x %lld x %lld "
                "(%lld in the batch): %s (%d)",
                static_cast<long long>(problem.c.columns),
                static_cast<long long>(problem.c.rows),
                static_cast<long long>(problem.a.transposed ? problem.a.columns
                                                            : problem.a.rows),
                static_cast<long long>(problem.batch), name, status);
  }
  plan.algorithm = found.algo;
  plan.isValid = true;
  return true;
}

const Plan *getPlan(State *state, Blas *blas, const Problem &problem) {
  size_t first = problem.hash() % kNumPlans;
  Plan *place = nullptr;
  for (size_t probe = 0; probe < kProbes; ++probe) {
    Plan &plan = blas->plans[(first + probe) % kNumPlans];
    if (plan.isValid && plan.problem == problem)
      return &plan;
    if (!plan.isValid && !place)
      place = &plan;
  }
  if (!place)
    place = &blas->plans[first];
  destroyPlan(blas->library, *place);
  if (makePlan(state, blas, problem, *place))
    return place;
  destroyPlan(blas->library, *place);
  return nullptr;
}

/// Zeros for a product over nothing.
void fillZeros(State *state, int64_t batch, int64_t M, int64_t N, void *C,
               int64_t bsC, int64_t rsC, int64_t itemBytes) {
  for (int64_t b = 0; b < batch; ++b) {
    CUdeviceptr start = toDevice(C) + b * bsC * itemBytes;
    if (!check(state,
               state->driver->memsetD2D8Async(
                   start, (M == 1 ? N : rsC) * itemBytes, 0, N * itemBytes, M,
                   state->stream),
               "fill a matrix with zeros"))
      return;
  }
}
} // namespace

void fxrt::cuda::destroyBlas(State *state, Device *device) {
  Blas *blas = device->blas;
  if (!blas)
    return;
  for (Plan &plan : blas->plans)
    destroyPlan(blas->library, plan);
  if (blas->preference)
    blas->library->preferenceDestroy(blas->preference);
  if (blas->handle)
    blas->library->destroy(blas->handle);
  if (blas->workspace)
    state->driver->memFree(blas->workspace);
  free(blas);
  device->blas = nullptr;
}

void fx_rt_cuda_gemm(void *ctx, int32_t type, int64_t batch, int64_t M,
                     int64_t N, int64_t K, const void *A, int64_t bsA,
                     int64_t rsA, int64_t csA, const void *B, int64_t bsB,
                     int64_t rsB, int64_t csB, void *C, int64_t bsC,
                     int64_t rsC) {
  State *state = getActiveState(ctx);
  if (!state || batch <= 0 || M <= 0 || N <= 0)
    return;
  // One B for the whole batch, and the rows of A and C follow each other from
  // one matrix to the next: a single product with more rows.
  if (batch > 1 && bsB == 0) {
    if (M == 1)
      rsA = bsA, rsC = bsC;
    if (csA == 1 && bsA == M * rsA && bsC == M * rsC) {
      M *= batch;
      batch = 1;
    }
  }
  if (K <= 0)
    return fillZeros(state, batch, M, N, C, bsC, rsC,
                     type == FX_RT_CUDA_F64 ? 8 : 4);

  Problem problem;
  memset(&problem, 0, sizeof(problem));
  problem.type = type;
  problem.batch = batch;
  if (!describe(M, K, rsA, csA, problem.a) ||
      !describe(K, N, rsB, csB, problem.b) ||
      !describe(M, N, rsC, 1, problem.c) || batch > INT32_MAX) {
    fail(state,
         "a matrix product of %lld x %lld x %lld with strides (%lld, %lld), "
         "(%lld, %lld) and (%lld, 1) has no form that cuBLASLt takes",
         static_cast<long long>(M), static_cast<long long>(N),
         static_cast<long long>(K), static_cast<long long>(rsA),
         static_cast<long long>(csA), static_cast<long long>(rsB),
         static_cast<long long>(csB), static_cast<long long>(rsC));
    return;
  }
  if (batch > 1) {
    problem.a.batchStride = bsA;
    problem.b.batchStride = bsB;
    problem.c.batchStride = bsC;
  }
  problem.a.alignment = getAlignment(A);
  problem.b.alignment = getAlignment(B);
  problem.c.alignment = getAlignment(C);

  Blas *blas = getBlas(state);
  const Plan *plan = blas ? getPlan(state, blas, problem) : nullptr;
  if (!plan)
    return;
  const double one64 = 1, zero64 = 0;
  const float one32 = 1, zero32 = 0;
  bool isDouble = type == FX_RT_CUDA_F64;
  const void *alpha = isDouble ? static_cast<const void *>(&one64) : &one32;
  const void *beta = isDouble ? static_cast<const void *>(&zero64) : &zero32;
  checkBlas(state, blas->library,
            blas->library->matmul(blas->handle, plan->operation, alpha, B,
                                  plan->b, A, plan->a, beta, C, plan->c, C,
                                  plan->c, &plan->algorithm,
                                  toPointer(blas->workspace), kWorkspaceBytes,
                                  state->stream),
            "multiply matrices");
}
