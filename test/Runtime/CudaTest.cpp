//===- CudaTest.cpp - Tests of the run-time library's CUDA part -----------===//
//
// Without a GPU: that every entry point says what is missing. With one:
// memory, kernels, errors and matrix products.
//
//===----------------------------------------------------------------------===//

#include "AxpyKernel.h"
#include "TestSupport.h"
#include "fx/Runtime/Cuda.h"

#include <cstring>
#include <thread>

using namespace fxtest;

namespace {
const char *const kPtx = kAxpyPtx;
const char *const kKernels[] = {"fx_test_axpy"};
const char *const kWrongKernels[] = {"fx_test_absent"};

void testWithoutGpu() {
  std::string why = fx_rt_last_error();
  FX_CHECK(why.find("no NVIDIA driver: libcuda.so.1 cannot be loaded") == 0 ||
               why.find("no GPU") == 0,
           "text of fx_rt_cuda_device_count: %s", why.c_str());
  fx_rt_cuda_module module{kPtx, nullptr, 0, 0, kKernels, 1, nullptr};
  fx_rt_context *ctx = fx_rt_context_create();
  for (void *context : {static_cast<void *>(ctx), static_cast<void *>(nullptr)}) {
    fx_rt_set_error("");
    FX_CHECK(fx_rt_cuda_begin(context, &module) != 0, "begin without a GPU");
    FX_CHECK(std::strlen(fx_rt_last_error()) > 0, "text of begin");
    FX_CHECK(!fx_rt_cuda_workspace(context, 100), "workspace without a GPU");
    FX_CHECK(!fx_rt_cuda_alloc(context, 100), "memory without a GPU");
    FX_CHECK(!fx_rt_cuda_constant(context, &module, kPtx, 4), "constant");
    float value = 0;
    fx_rt_cuda_check_alignment(context, &value, 0, 0);
    fx_rt_cuda_launch(context, &module, 0, 1, 1, nullptr);
    fx_rt_cuda_copy(context, &value, &value + 1, 4);
    fx_rt_cuda_read(context, &value, &value, 4);
    fx_rt_cuda_write(context, &value, &value, 4);
    fx_rt_cuda_gemm(context, FX_RT_CUDA_F32, 1, 1, 1, 1, &value, 0, 1, 1,
                    &value, 0, 1, 1, &value, 0, 1);
    fx_rt_cuda_free(context, nullptr);
    fx_rt_set_error("something else");
    FX_CHECK(fx_rt_cuda_end(context) != 0, "end without a GPU");
    FX_CHECK(why.find(fx_rt_last_error()) == 0, "text of end: %s",
             fx_rt_last_error());
    FX_CHECK(fx_rt_cuda_synchronize(context) != 0, "wait without a GPU");
    fx_rt_cuda_set_stream(context, nullptr);
    fx_rt_context_trim(context);
  }
  fx_rt_context_destroy(ctx);
}

template <typename T>
T *copyToDevice(void *ctx, const std::vector<T> &values) {
  auto *memory =
      static_cast<T *>(fx_rt_cuda_alloc(ctx, values.size() * sizeof(T)));
  fx_rt_cuda_write(ctx, memory, values.data(), values.size() * sizeof(T));
  return memory;
}

void testDeviceMemory(void *ctx) {
  FX_CHECK(fx_rt_cuda_begin(ctx, nullptr) == 0, "%s", fx_rt_last_error());
  void *first = fx_rt_cuda_workspace(ctx, 1000);
  FX_CHECK(first && reinterpret_cast<uintptr_t>(first) % 256 == 0, "alignment");
  FX_CHECK(fx_rt_cuda_workspace(ctx, 10) == first, "workspace is kept");
  void *large = fx_rt_cuda_workspace(ctx, 100 << 20);
  FX_CHECK(large && fx_rt_cuda_workspace(ctx, 0) == large, "it grows");
  void *a = fx_rt_cuda_alloc(ctx, 5000), *b = fx_rt_cuda_alloc(ctx, 5000);
  FX_CHECK(a && b && a != b, "distinct blocks");
  fx_rt_cuda_free(ctx, a);
  FX_CHECK(fx_rt_cuda_alloc(ctx, 4999) == a, "a freed block is reused");
  void *empty = fx_rt_cuda_alloc(ctx, 0);
  FX_CHECK(empty, "empty block");
  // Sizes on both sides of the limit of copies without a wait.
  for (int64_t bytes : {1, 3, 4, 8, 13, 16, 17, 5000}) {
    std::vector<unsigned char> sent(bytes), got(bytes);
    for (int64_t i = 0; i < bytes; ++i)
      sent[i] = static_cast<unsigned char>(i * 7 + bytes);
    fx_rt_cuda_write(ctx, a, sent.data(), bytes);
    fx_rt_cuda_copy(ctx, b, a, bytes);
    fx_rt_cuda_read(ctx, got.data(), b, bytes);
    FX_CHECK(sent == got, "%ld bytes there and back", long(bytes));
  }
  FX_CHECK(fx_rt_cuda_end(ctx) == 0, "%s", fx_rt_last_error());
  fx_rt_cuda_free(ctx, a);
  fx_rt_cuda_free(ctx, b);
  fx_rt_cuda_free(ctx, empty);
  fx_rt_cuda_free(ctx, nullptr);

  FX_CHECK(fx_rt_cuda_begin(ctx, nullptr) == 0, "%s", fx_rt_last_error());
  FX_CHECK(!fx_rt_cuda_alloc(ctx, int64_t(1) << 50), "more than there is");
  FX_CHECK(!fx_rt_cuda_workspace(ctx, 10), "nothing works after an error");
  FX_CHECK(fx_rt_cuda_end(ctx) != 0, "the error is reported");
  FX_CHECK(std::strstr(fx_rt_last_error(), "CUDA_ERROR_OUT_OF_MEMORY"),
           "text: %s", fx_rt_last_error());
  FX_CHECK(fx_rt_cuda_begin(ctx, nullptr) == 0, "usable after a failure");
  FX_CHECK(fx_rt_cuda_workspace(ctx, 10) == large, "workspace is kept");
  FX_CHECK(fx_rt_cuda_end(ctx) == 0, "%s", fx_rt_last_error());
}

void testKernels(void *ctx, fx_rt_cuda_module *module) {
  const int64_t n = 1000;
  // A constant is known by its address: it has to live as long as the module.
  static const std::vector<float> x = randomValues(n);
  std::vector<float> y = randomValues(n), got(n);
  FX_CHECK(fx_rt_cuda_begin(ctx, module) == 0, "%s", fx_rt_last_error());
  void *deviceX = fx_rt_cuda_constant(ctx, module, x.data(), n * 4);
  FX_CHECK(fx_rt_cuda_constant(ctx, module, x.data(), n * 4) == deviceX,
           "a constant is copied once");
  void *deviceY = copyToDevice(ctx, y);
  fx_rt_cuda_check_alignment(ctx, deviceY, 0, 0);
  float a = 2.5f;
  uint32_t count = n;
  void *params[] = {&deviceX, &deviceY, &a, &count};
  fx_rt_cuda_launch(ctx, module, 0, (n + 127) / 128, 128, params);
  fx_rt_cuda_launch(ctx, module, 0, 0, 128, params);
  fx_rt_cuda_read(ctx, got.data(), deviceY, n * 4);
  fx_rt_cuda_free(ctx, deviceY);
  FX_CHECK(fx_rt_cuda_end(ctx) == 0, "%s", fx_rt_last_error());
  for (int64_t i = 0; i < n; ++i)
    FX_CHECK(std::abs(got[i] - (a * x[i] + y[i])) < 1e-6f,
             "element %ld is %g, x is %g and y was %g", long(i), got[i], x[i],
             y[i]);
}

void testErrors(void *ctx) {
  fx_rt_cuda_module module{kPtx, nullptr, 0, 0, kKernels, 1, nullptr};
  FX_CHECK(fx_rt_cuda_begin(ctx, &module) == 0, "%s", fx_rt_last_error());
  char *pointer = static_cast<char *>(fx_rt_cuda_alloc(ctx, 100));
  fx_rt_cuda_check_alignment(ctx, pointer + 4, 3, 1);
  fx_rt_cuda_free(ctx, pointer);
  FX_CHECK(fx_rt_cuda_end(ctx) != 0, "alignment is checked");
  FX_CHECK(std::strstr(fx_rt_last_error(), "result 3"), "text: %s",
           fx_rt_last_error());

  FX_CHECK(fx_rt_cuda_begin(ctx, &module) == 0, "%s", fx_rt_last_error());
  fx_rt_cuda_launch(ctx, &module, 0, 1, 4096, nullptr);
  FX_CHECK(fx_rt_cuda_end(ctx) != 0, "block size is checked");
  FX_CHECK(std::strstr(fx_rt_last_error(), "fx_test_axpy"), "text: %s",
           fx_rt_last_error());

  fx_rt_cuda_module absent{kPtx, nullptr, 0, 0, kWrongKernels, 1, nullptr};
  FX_CHECK(fx_rt_cuda_begin(ctx, &absent) != 0, "no such kernel");
  FX_CHECK(std::strstr(fx_rt_last_error(), "fx_test_absent"), "text: %s",
           fx_rt_last_error());
  fx_rt_cuda_module broken{".version 7.0\n.target sm_52\nthis is wrong\n",
                           nullptr, 0, 0, kKernels, 1, nullptr};
  FX_CHECK(fx_rt_cuda_begin(ctx, &broken) != 0, "broken code");
  FX_CHECK(std::strstr(fx_rt_last_error(), "cannot load the device code: "
                                           "CUDA_ERROR_INVALID_PTX"),
           "text: %s", fx_rt_last_error());
  std::printf("broken code: %s\n", fx_rt_last_error());
  FX_CHECK(fx_rt_cuda_end(ctx) != 0, "reported again");
  // Machine code of another architecture is passed over.
  fx_rt_cuda_module foreign{kPtx, "x", 1, 12, kKernels, 1, nullptr};
  FX_CHECK(fx_rt_cuda_begin(ctx, &foreign) == 0, "%s", fx_rt_last_error());
  FX_CHECK(fx_rt_cuda_end(ctx) == 0, "%s", fx_rt_last_error());
  fx_rt_cuda_module only{nullptr, "x", 1, 12, kKernels, 1, nullptr};
  FX_CHECK(fx_rt_cuda_begin(ctx, &only) != 0, "no code for this GPU");
  FX_CHECK(std::strstr(fx_rt_last_error(), "machine code for sm_12"),
           "text: %s", fx_rt_last_error());
}

/// bfloat16 bits of a value that it can hold.
uint16_t toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<uint16_t>(bits >> 16);
}

struct GemmCase {
  int64_t batch, M, N, K;
  bool transposeA, transposeB;
  /// Elements between rows (or columns) beyond the extent.
  int64_t padding;
  bool sharedB;
};

template <typename T, typename Out>
void testGemm(void *ctx, int32_t type, const GemmCase &shape, T (*convert)(float),
              double tolerance) {
  auto [batch, M, N, K, transposeA, transposeB, padding, sharedB] = shape;
  int64_t ldA = (transposeA ? M : K) + padding;
  int64_t ldB = (transposeB ? K : N) + padding, ldC = N + padding;
  int64_t bsA = ldA * (transposeA ? K : M);
  int64_t bsB = sharedB ? 0 : ldB * (transposeB ? N : K), bsC = ldC * M;
  int64_t rsA = transposeA ? 1 : ldA, csA = transposeA ? ldA : 1;
  int64_t rsB = transposeB ? 1 : ldB, csB = transposeB ? ldB : 1;
  // Strides of single rows and columns mean nothing.
  if (M == 1)
    rsA = 77;
  if (N == 1)
    csB = 78;
  if (K == 1)
    csA = 79, rsB = 80;
  auto make = [&](int64_t count, std::vector<float> &plain) {
    // Multiples of 1/8 up to 2 are exact in all types.
    std::vector<T> values(count);
    plain.resize(count);
    for (int64_t i = 0; i < count; ++i) {
      plain[i] = float(int(generator()() % 33) - 16) / 8;
      values[i] = convert(plain[i]);
    }
    return values;
  };
  std::vector<float> plainA, plainB;
  std::vector<T> a = make(batch * bsA + 1, plainA);
  std::vector<T> b =
      make(batch * ldB * (transposeB ? N : K) + 1, plainB);
  std::vector<Out> c(batch * bsC, Out(99));
  std::vector<double> want(c.begin(), c.end());
  for (int64_t i = 0; i < batch; ++i)
    for (int64_t m = 0; m < M; ++m)
      for (int64_t n = 0; n < N; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < K; ++k)
          sum += double(plainA[i * bsA + (transposeA ? k * ldA + m
                                                     : m * ldA + k)]) *
                 plainB[i * bsB + (transposeB ? n * ldB + k : k * ldB + n)];
        want[i * bsC + m * ldC + n] = sum;
      }
  FX_CHECK(fx_rt_cuda_begin(ctx, nullptr) == 0, "%s", fx_rt_last_error());
  T *deviceA = copyToDevice(ctx, a), *deviceB = copyToDevice(ctx, b);
  Out *deviceC = copyToDevice(ctx, c);
  for (int repeat = 0; repeat < 2; ++repeat)
    fx_rt_cuda_gemm(ctx, type, batch, M, N, K, deviceA, bsA, rsA, csA, deviceB,
                    bsB, rsB, csB, deviceC, bsC, ldC);
  fx_rt_cuda_read(ctx, c.data(), deviceC, c.size() * sizeof(Out));
  fx_rt_cuda_free(ctx, deviceA);
  fx_rt_cuda_free(ctx, deviceB);
  fx_rt_cuda_free(ctx, deviceC);
  FX_CHECK(fx_rt_cuda_end(ctx) == 0, "%s", fx_rt_last_error());
  double error = worstError(c, want, 1 + 4.0 * K);
  FX_CHECK(error < tolerance,
           "type %d, %ld of %ldx%ldx%ld, transposed %d %d, padding %ld: %g",
           type, long(batch), long(M), long(N), long(K), transposeA, transposeB,
           long(padding), error);
}

void testGemms(void *ctx) {
  std::vector<GemmCase> shapes;
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true})
      for (int64_t padding : {0, 3, 8})
        for (int64_t batch : {1, 3})
          for (bool sharedB : {false, true}) {
            shapes.push_back({batch, 16, 24, 40, transposeA, transposeB,
                              padding, sharedB});
            shapes.push_back({batch, 5, 7, 3, transposeA, transposeB, padding,
                              sharedB});
            shapes.push_back({batch, 1, 9, 6, transposeA, transposeB, padding,
                              sharedB});
            shapes.push_back({batch, 9, 1, 6, transposeA, transposeB, padding,
                              sharedB});
            shapes.push_back({batch, 4, 6, 1, transposeA, transposeB, padding,
                              sharedB});
            shapes.push_back({batch, 1, 1, 1, transposeA, transposeB, padding,
                              sharedB});
            shapes.push_back({batch, 3, 4, 0, transposeA, transposeB, padding,
                              sharedB});
          }
  shapes.push_back({1, 129, 65, 257, false, true, 0, false});
  auto keep = [](float value) { return value; };
  auto widen = [](float value) { return double(value); };
  for (const GemmCase &shape : shapes) {
    testGemm<float, float>(ctx, FX_RT_CUDA_F32, shape, +keep, 1e-6);
    testGemm<double, double>(ctx, FX_RT_CUDA_F64, shape, +widen, 1e-14);
    testGemm<uint16_t, float>(ctx, FX_RT_CUDA_BF16, shape, toBf16, 1e-6);
  }
  // Nothing to do, whatever the pointers are.
  FX_CHECK(fx_rt_cuda_begin(ctx, nullptr) == 0, "%s", fx_rt_last_error());
  for (int empty = 0; empty < 3; ++empty)
    fx_rt_cuda_gemm(ctx, FX_RT_CUDA_F32, empty != 0, empty != 1, empty != 2, 5,
                    nullptr, 0, 5, 1, nullptr, 0, 1, 1, nullptr, 0, 1);
  FX_CHECK(fx_rt_cuda_end(ctx) == 0, "%s", fx_rt_last_error());
  // A row that is repeated has no form as a column-major matrix.
  FX_CHECK(fx_rt_cuda_begin(ctx, nullptr) == 0, "%s", fx_rt_last_error());
  void *memory = fx_rt_cuda_workspace(ctx, 10000);
  fx_rt_cuda_gemm(ctx, FX_RT_CUDA_F32, 1, 8, 8, 8, memory, 0, 0, 1, memory, 0,
                  8, 1, memory, 0, 8);
  FX_CHECK(fx_rt_cuda_end(ctx) != 0, "repeated rows");
}
} // namespace

void fxtest::testCuda() {
  int32_t count = fx_rt_cuda_device_count();
  std::printf("%d GPUs%s%s\n", count, count ? "" : ": ",
              count ? "" : fx_rt_last_error());
  if (count == 0)
    return testWithoutGpu();
  fx_rt_context *ctx = fx_rt_context_create();
  fx_rt_cuda_module module{kPtx, nullptr, 0, 0, kKernels, 1, nullptr};
  for (void *context : {static_cast<void *>(ctx), static_cast<void *>(nullptr)}) {
    testDeviceMemory(context);
    testKernels(context, &module);
    testGemms(context);
    FX_CHECK(fx_rt_cuda_synchronize(context) == 0, "%s", fx_rt_last_error());
    fx_rt_context_trim(context);
    testKernels(context, &module);
  }
  testErrors(ctx);
  fx_rt_context_destroy(ctx);
  // Two threads meet a module for the first time.
  fx_rt_cuda_module shared{kPtx, nullptr, 0, 0, kKernels, 1, nullptr};
  std::thread threads[2];
  int results[2] = {1, 1};
  for (int i = 0; i < 2; ++i)
    threads[i] = std::thread([&, i] {
      results[i] = fx_rt_cuda_begin(nullptr, &shared);
      results[i] |= fx_rt_cuda_end(nullptr);
    });
  for (std::thread &thread : threads)
    thread.join();
  FX_CHECK(results[0] == 0 && results[1] == 0, "two threads");
}
