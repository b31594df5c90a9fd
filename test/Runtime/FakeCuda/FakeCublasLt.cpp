//===- FakeCublasLt.cpp - cuBLASLt for machines without a GPU -------------===//
//
// libcublasLt.so.13 for tests: strided batches of column-major products, as
// cuBLASLt defines them, on host memory. Descriptors that do not fit together
// are refused.
//
//===----------------------------------------------------------------------===//

#include <cstdint>
#include <cstring>

namespace {
enum { Success = 0, InvalidValue = 7, NotSupported = 15 };
enum { F32 = 0, F64 = 1, F16 = 2, BF16 = 14 };

struct Layout {
  int type;
  int64_t rows, columns, ld;
  int32_t batch = 1;
  int64_t offset = 0;
};
struct Operation {
  int computeType, scaleType;
  int32_t transposeA = 0, transposeB = 0;
};

int64_t getSize(int type) { return type == F64 ? 8 : type == F32 ? 4 : 2; }

/// bfloat16 stands for both narrow types: the tests do not use the other one.
double load(const void *data, int type, int64_t index) {
  const char *element =
      static_cast<const char *>(data) + index * getSize(type);
  if (type == F64) {
    double value;
    std::memcpy(&value, element, 8);
    return value;
  }
  uint32_t bits = 0;
  if (type == F32)
    std::memcpy(&bits, element, 4);
  else
    std::memcpy(reinterpret_cast<char *>(&bits) + 2, element, 2);
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
void store(void *data, int type, int64_t index, double value) {
  if (type == F64)
    static_cast<double *>(data)[index] = value;
  else
    static_cast<float *>(data)[index] = static_cast<float>(value);
}

bool fits(const Operation *operation, const Layout *a, const Layout *b,
          const Layout *c) {
  int64_t m = operation->transposeA ? a->columns : a->rows;
  int64_t k = operation->transposeA ? a->rows : a->columns;
  int64_t kB = operation->transposeB ? b->columns : b->rows;
  int64_t n = operation->transposeB ? b->rows : b->columns;
  bool isDouble = a->type == F64;
  return m == c->rows && n == c->columns && k == kB && m > 0 && n > 0 &&
         k > 0 && a->ld >= a->rows && b->ld >= b->rows && c->ld >= c->rows &&
         a->batch == c->batch && b->batch == c->batch && a->type == b->type &&
         a->type != F16 && c->type == (isDouble ? F64 : F32) &&
         operation->computeType == (isDouble ? 70 : 68) &&
         operation->scaleType == c->type;
}
} // namespace

extern "C" {

const char *cublasLtGetStatusName(int status) {
  return status == InvalidValue ? "CUBLAS_STATUS_INVALID_VALUE"
                                : "CUBLAS_STATUS_NOT_SUPPORTED";
}
int cublasLtCreate(void **handle) {
  *handle = new char;
  return Success;
}
int cublasLtDestroy(void *handle) {
  delete static_cast<char *>(handle);
  return Success;
}
int cublasLtMatmulDescCreate(Operation **operation, int computeType,
                             int scaleType) {
  *operation = new Operation{computeType, scaleType};
  return Success;
}
int cublasLtMatmulDescDestroy(Operation *operation) {
  delete operation;
  return Success;
}
int cublasLtMatmulDescSetAttribute(Operation *operation, int attribute,
                                   const void *value, size_t size) {
  if (size != 4 || (attribute != 3 && attribute != 4))
    return InvalidValue;
  std::memcpy(attribute == 3 ? &operation->transposeA : &operation->transposeB,
              value, 4);
  return Success;
}
int cublasLtMatrixLayoutCreate(Layout **layout, int type, uint64_t rows,
                               uint64_t columns, int64_t ld) {
  *layout = new Layout{type, int64_t(rows), int64_t(columns), ld};
  return Success;
}
int cublasLtMatrixLayoutDestroy(Layout *layout) {
  delete layout;
  return Success;
}
int cublasLtMatrixLayoutSetAttribute(Layout *layout, int attribute,
                                     const void *value, size_t size) {
  if (attribute == 5 && size == 4)
    std::memcpy(&layout->batch, value, 4);
  else if (attribute == 6 && size == 8)
    std::memcpy(&layout->offset, value, 8);
  else
    return InvalidValue;
  return Success;
}
int cublasLtMatmulPreferenceCreate(void **preference) {
  return cublasLtCreate(preference);
}
int cublasLtMatmulPreferenceDestroy(void *preference) {
  return cublasLtDestroy(preference);
}
int cublasLtMatmulPreferenceSetAttribute(void *, int attribute, const void *,
                                         size_t size) {
  bool isWorkspace = attribute == 1 && size == 8;
  bool isAlignment = attribute >= 5 && attribute <= 8 && size == 4;
  return isWorkspace || isAlignment ? Success : InvalidValue;
}

struct HeuristicResult {
  uint64_t algorithm[8];
  size_t workspaceSize;
  int state;
  float wavesCount;
  int reserved[4];
};
int cublasLtMatmulAlgoGetHeuristic(void *, Operation *operation, Layout *a,
                                   Layout *b, Layout *c, Layout *d, void *,
                                   int requested, HeuristicResult *result,
                                   int *count) {
  *count = 0;
  if (requested < 1 || c != d || !fits(operation, a, b, c))
    return NotSupported;
  std::memset(result, 0, sizeof(*result));
  result->algorithm[0] = 42;
  *count = 1;
  return Success;
}

int cublasLtMatmul(void *, Operation *operation, const void *alpha,
                   const void *A, Layout *a, const void *B, Layout *b,
                   const void *beta, const void *, Layout *, void *D, Layout *d,
                   const uint64_t *algorithm, void *workspace, size_t bytes,
                   void *) {
  if (algorithm[0] != 42 || !workspace || bytes == 0 ||
      !fits(operation, a, b, d) || load(alpha, operation->scaleType, 0) != 1 ||
      load(beta, operation->scaleType, 0) != 0)
    return InvalidValue;
  int64_t depth = operation->transposeA ? a->rows : a->columns;
  for (int64_t i = 0; i < d->batch; ++i)
    for (int64_t n = 0; n < d->columns; ++n)
      for (int64_t m = 0; m < d->rows; ++m) {
        double sum = 0;
        for (int64_t k = 0; k < depth; ++k)
          sum += load(A, a->type,
                      i * a->offset +
                          (operation->transposeA ? m * a->ld + k
                                                 : k * a->ld + m)) *
                 load(B, b->type,
                      i * b->offset +
                          (operation->transposeB ? k * b->ld + n
                                                 : n * b->ld + k));
        store(D, d->type, i * d->offset + n * d->ld + m, sum);
      }
  return Success;
}
}
