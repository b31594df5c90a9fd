//===- CublasLt.h - The part of cuBLASLt that we use ------------*- C++ -*-===//
//
// Types, constants and functions of libcublasLt.so, declared here so that
// neither building nor linking needs CUDA. Names and numbers are those of
// cublasLt.h and library_types.h, the same since cuBLAS 11.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_CUDA_CUBLASLT_H
#define FX_LIB_RUNTIME_CUDA_CUBLASLT_H

#include "Driver.h"

namespace fxrt {
namespace cuda {

using cublasStatus_t = int;
using cublasLtHandle_t = struct cublasLtContext *;
using cublasLtMatmulDesc_t = struct cublasLtMatmulDescOpaque *;
using cublasLtMatrixLayout_t = struct cublasLtMatrixLayoutOpaque *;
using cublasLtMatmulPreference_t = struct cublasLtMatmulPreferenceOpaque *;

struct cublasLtMatmulAlgo_t {
  uint64_t data[8];
};
struct cublasLtMatmulHeuristicResult_t {
  cublasLtMatmulAlgo_t algo;
  size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
};
static_assert(sizeof(cublasLtMatmulHeuristicResult_t) == 96,
              "cuBLASLt's layout");

enum : cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0 };
/// cudaDataType_t
enum : int {
  CUDA_R_32F = 0,
  CUDA_R_64F = 1,
  CUDA_R_16F = 2,
  CUDA_R_16BF = 14
};
/// cublasComputeType_t; the plain 32-bit one does not round operands to TF32.
enum : int { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_64F = 70 };
/// cublasOperation_t
enum : int { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
/// cublasLtMatmulDescAttributes_t
enum : int { CUBLASLT_MATMUL_DESC_TRANSA = 3, CUBLASLT_MATMUL_DESC_TRANSB = 4 };
/// cublasLtMatrixLayoutAttribute_t
enum : int {
  CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT = 5,
  CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET = 6
};
/// cublasLtMatmulPreferenceAttributes_t
enum : int {
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES = 6,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES = 7,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8
};

// X(symbol in the library, member, parameters)
#define FX_CUBLASLT_FUNCTIONS(X)                                               \
  X(cublasLtCreate, create, (cublasLtHandle_t *))                              \
  X(cublasLtDestroy, destroy, (cublasLtHandle_t))                              \
  X(cublasLtMatmulDescCreate, descCreate,                                      \
    (cublasLtMatmulDesc_t *, int computeType, int scaleType))                  \
  X(cublasLtMatmulDescDestroy, descDestroy, (cublasLtMatmulDesc_t))            \
  X(cublasLtMatmulDescSetAttribute, descSetAttribute,                          \
    (cublasLtMatmulDesc_t, int attribute, const void *value, size_t size))     \
  X(cublasLtMatrixLayoutCreate, layoutCreate,                                  \
    (cublasLtMatrixLayout_t *, int type, uint64_t rows, uint64_t columns,      \
     int64_t ld))                                                              \
  X(cublasLtMatrixLayoutDestroy, layoutDestroy, (cublasLtMatrixLayout_t))      \
  X(cublasLtMatrixLayoutSetAttribute, layoutSetAttribute,                      \
    (cublasLtMatrixLayout_t, int attribute, const void *value, size_t size))   \
  X(cublasLtMatmulPreferenceCreate, preferenceCreate,                          \
    (cublasLtMatmulPreference_t *))                                            \
  X(cublasLtMatmulPreferenceDestroy, preferenceDestroy,                        \
    (cublasLtMatmulPreference_t))                                              \
  X(cublasLtMatmulPreferenceSetAttribute, preferenceSetAttribute,              \
    (cublasLtMatmulPreference_t, int attribute, const void *value,             \
     size_t size))                                                             \
  X(cublasLtMatmulAlgoGetHeuristic, getHeuristic,                              \
    (cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t a,         \
     cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,                       \
     cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t, int requested,      \
     cublasLtMatmulHeuristicResult_t *results, int *count))                    \
  X(cublasLtMatmul, matmul,                                                    \
    (cublasLtHandle_t, cublasLtMatmulDesc_t, const void *alpha, const void *A, \
     cublasLtMatrixLayout_t a, const void *B, cublasLtMatrixLayout_t b,        \
     const void *beta, const void *C, cublasLtMatrixLayout_t c, void *D,       \
     cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *, void *workspace,  \
     size_t workspaceBytes, CUstream))

struct CublasLt {
#define FX_CUBLASLT_MEMBER(symbol, member, parameters)                         \
  cublasStatus_t(*member) parameters;
  FX_CUBLASLT_FUNCTIONS(FX_CUBLASLT_MEMBER)
#undef FX_CUBLASLT_MEMBER
  /// Since cuBLAS 11.4; null before.
  const char *(*getStatusName)(cublasStatus_t);
};

/// The library, loaded on the first call; null if that failed, and then
/// `cublasLtProblem()` says why.
const CublasLt *loadCublasLt();
const char *cublasLtProblem();

} // namespace cuda
} // namespace fxrt

#endif // FX_LIB_RUNTIME_CUDA_CUBLASLT_H
