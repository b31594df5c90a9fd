//===- CudaModel.cpp - What fx-compile makes for a GPU, by hand -----------===//
//
// A shared library with the interface of compiled models: y = scale * (x @ w).
// It shows how host code uses fx/Runtime/Cuda.h and lets fx-run be tested
// without a code generator.
//
//===----------------------------------------------------------------------===//

#include "AxpyKernel.h"
#include "fx/Runtime/Cuda.h"
#include "fx/Runtime/Runtime.h"

static const char *const kernels[] = {"fx_test_axpy"};
static fx_rt_cuda_module deviceCode{fxtest::kAxpyPtx, nullptr, 0, 0, kernels, 1,
                                    nullptr};

struct FxModelWeight {
  const char *name;
  const void *bytes;
  int64_t size;
};
static const float weight[3 * 2] = {1, 2, 3, 4, 5, 6};

extern "C" {

extern const char fx_model_json[] =
    R"({"format": "fx-model-1", "name": "cuda_model", "mode": "inference",
"target": "nvptx", "functions": [{"name": "forward", "arguments": [
{"name": "w", "role": "parameter", "dtype": "float32", "shape": [3, 2]},
{"name": "x", "role": "input", "dtype": "float32", "shape": [-1, 3]},
{"name": "scale", "role": "input", "dtype": "float64", "shape": [],
 "scalar": true}],
"results": [{"name": "y", "role": "output", "dtype": "float32",
"shape": [-1, 2]}], "workspace_bytes": -1}]})";

extern const FxModelWeight fx_model_weight_table[] = {
    {"w", weight, sizeof(weight)}, {nullptr, nullptr, 0}};

int32_t forward_result_sizes(const int64_t *sizes, int64_t *result_sizes) {
  result_sizes[0] = sizes[0];
  result_sizes[1] = 2;
  return 0;
}

int32_t forward(void *ctx, void *const *args, void *const *results,
                const int64_t *sizes) {
  int64_t rows = sizes[0];
  auto scale = static_cast<float>(*static_cast<const double *>(args[2]));
  if (fx_rt_cuda_begin(ctx, &deviceCode) != 0)
    return 1;
  void *product = fx_rt_cuda_workspace(ctx, rows * 2 * 4);
  void *y = results[0];
  fx_rt_cuda_gemm(ctx, FX_RT_CUDA_F32, 1, rows, 2, 3, args[1], 0, 3, 1, args[0],
                  0, 2, 1, product, 0, 2);
  // A product over nothing fills its result with zeros.
  fx_rt_cuda_gemm(ctx, FX_RT_CUDA_F32, 1, rows, 2, 0, nullptr, 0, 0, 1, nullptr,
                  0, 2, 1, y, 0, 2);
  uint32_t count = static_cast<uint32_t>(rows * 2);
  void *params[] = {&product, &y, &scale, &count};
  fx_rt_cuda_launch(ctx, &deviceCode, 0, (count + 63) / 64, 64, params);
  return fx_rt_cuda_end(ctx);
}
}
