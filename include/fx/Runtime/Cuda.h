//===- Cuda.h - C interface of the run-time library, CUDA -------*- C++ -*-===//
//
// What compiled host code calls to run kernels on an NVIDIA GPU. The driver
// (libcuda.so.1) and cuBLASLt are loaded on first use: a program that is linked
// with this library starts on machines without them, and the first call that
// needs a GPU says what is missing.
//
// Between fx_rt_cuda_begin and fx_rt_cuda_end, work is put on the context's
// stream and not waited for. The first error of a call is kept; the functions
// after it do nothing, and fx_rt_cuda_end reports it. Pointers of tensors are
// device pointers unless said otherwise. A context that is NULL stands for a
// default context of the calling thread, as in Runtime.h.
//
// What a context owns on the device it owns once for every CUDA context that it
// is used in. A call, its kernels' arguments and its memory belong to one CUDA
// context. Work can be captured into a CUDA graph after a first call, which
// loads code, copies constants and allocates memory.
//
//===----------------------------------------------------------------------===//

#ifndef FX_RUNTIME_CUDA_H
#define FX_RUNTIME_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
// Shared libraries export these functions and nothing else of the library.
#pragma GCC visibility push(default)

/// The device code of a compiled module, a writable global of that module.
typedef struct fx_rt_cuda_module {
  /// PTX text, ended by a zero byte.
  const char *ptx;
  /// Machine code for the architecture `cubin_arch` (90 for sm_90), or NULL.
  const void *cubin;
  int64_t cubin_bytes;
  int64_t cubin_arch;
  /// The names of the kernels; launches give the position in this list.
  const char *const *kernels;
  int64_t num_kernels;
  /// Set by the runtime: NULL until the code is loaded.
  void *state;
} fx_rt_cuda_module;

/// Number of GPUs that can be used; 0 if there is none or no driver, and then
/// fx_rt_last_error() says why.
int32_t fx_rt_cuda_device_count(void);

/// The stream (a CUstream or cudaStream_t) that later calls with this context
/// use; NULL, the default, is the default stream. When the next call uses
/// another stream than the last one, its work waits for that of the last one,
/// which must still exist.
void fx_rt_cuda_set_stream(void *ctx, void *stream);

/// Starts a call of compiled code: takes the thread's current CUDA context, or
/// the primary context of the first device, and loads the module on its first
/// use there. `module` may be NULL in programs that only use memory. Non-zero
/// on failure.
int32_t fx_rt_cuda_begin(void *ctx, fx_rt_cuda_module *module);
/// Ends it: non-zero if anything failed since fx_rt_cuda_begin.
int32_t fx_rt_cuda_end(void *ctx);

/// Like fx_rt_workspace, fx_rt_alloc and fx_rt_free, on the device (256-byte
/// aligned). A freed block may still be in use by work on the stream. Blocks
/// may outlive the call; up to FX_RT_CUDA_CACHE_BYTES (1 GiB) of freed ones are
/// kept.
void *fx_rt_cuda_workspace(void *ctx, int64_t bytes);
void *fx_rt_cuda_alloc(void *ctx, int64_t bytes);
void fx_rt_cuda_free(void *ctx, void *block);

/// The device's copy of `bytes` at `host`, made on the first call for that
/// address and kept as long as the module.
void *fx_rt_cuda_constant(void *ctx, fx_rt_cuda_module *module,
                          const void *host, int64_t bytes);

/// Reports pointer number `index` of the arguments (`result` = 0) or results
/// (1) as an error of the call if it is not aligned to 16 bytes.
void fx_rt_cuda_check_alignment(void *ctx, const void *pointer, int32_t index,
                                int32_t result);

/// Puts kernel number `kernel` on the stream: a one-dimensional grid of `grid`
/// blocks of `block` threads. `params` points to the address of each argument.
/// grid = 0 does nothing.
void fx_rt_cuda_launch(void *ctx, fx_rt_cuda_module *module, int32_t kernel,
                       int64_t grid, int64_t block, void **params);

/// From device to device.
void fx_rt_cuda_copy(void *ctx, void *to, const void *from, int64_t bytes);
/// Waits for the stream and copies to host memory.
void fx_rt_cuda_read(void *ctx, void *to_host, const void *from, int64_t bytes);
/// From host memory; the memory may be reused at once. Waits for the stream
/// when there are more than 16 bytes.
void fx_rt_cuda_write(void *ctx, void *to, const void *from_host,
                      int64_t bytes);
/// Waits for the stream, in a call or outside. Non-zero on failure.
int32_t fx_rt_cuda_synchronize(void *ctx);

/// Element types of matrices.
enum { FX_RT_CUDA_F32 = 0, FX_RT_CUDA_F64 = 1, FX_RT_CUDA_BF16 = 2,
       FX_RT_CUDA_F16 = 3 };

/// `batch` products C = A * B by cuBLASLt. A is MxK with element (i, k) at
/// A[i * rsA + k * csA], B is KxN alike; one of the two strides of each is 1
/// (or its extent is), and the other one is at least the extent of that
/// dimension: no element is repeated. C is MxN with unit column stride.
/// Operand b of the batch starts at A + b * bsA and so on; bsA or bsB may be 0.
/// Operands have element type `type`; C is f64 for f64 operands and f32
/// otherwise, and so are the sums (no TF32). K = 0 gives zeros.
void fx_rt_cuda_gemm(void *ctx, int32_t type, int64_t batch, int64_t M,
                     int64_t N, int64_t K, const void *A, int64_t bsA,
                     int64_t rsA, int64_t csA, const void *B, int64_t bsB,
                     int64_t rsB, int64_t csB, void *C, int64_t bsC,
                     int64_t rsC);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif // FX_RUNTIME_CUDA_H
