//===- Runtime.h - C interface of the run-time library ----------*- C++ -*-===//
//
// The library that compiled code calls: memory, threads, errors, matrix
// products, convolutions and random numbers. It depends on the C library only,
// so that it can be linked into tools, into the Python module and into every
// ahead-of-time compiled shared object.
//
// Every function that takes a context accepts NULL, which stands for a default
// context of the calling thread. Sizes are in elements unless said otherwise.
// No function throws; a function that can fail returns a non-zero value or
// NULL and leaves a text in fx_rt_last_error().
//
//===----------------------------------------------------------------------===//

#ifndef FX_RUNTIME_RUNTIME_H
#define FX_RUNTIME_RUNTIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
// Shared libraries export these functions and nothing else of the library.
#pragma GCC visibility push(default)

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Records the error text of the calling thread (copied; at most 1023 bytes).
void fx_rt_set_error(const char *message);

/// The last error text of the calling thread, "" when there is none. Valid
/// until the thread's next call of fx_rt_set_error.
const char *fx_rt_last_error(void);

//===----------------------------------------------------------------------===//
// Contexts and memory
//===----------------------------------------------------------------------===//

/// Owns the memory that survives between calls of compiled code. A context
/// serves one call at a time; use one context for each concurrent caller.
typedef struct fx_rt_context fx_rt_context;

fx_rt_context *fx_rt_context_create(void);
void fx_rt_context_destroy(fx_rt_context *ctx);

/// The context's workspace, at least `bytes` long and 64-byte aligned. It is
/// kept between calls and grows on demand; growing invalidates the pointer of
/// an earlier call and the contents. NULL with an error text when out of
/// memory.
void *fx_rt_workspace(void *ctx, int64_t bytes);

/// A 64-byte aligned block for a buffer whose size is known at run time only.
/// Freed blocks are kept for the next fx_rt_alloc, so that their pages stay
/// mapped, up to a limit (default 256 MiB a context, FX_RT_CACHE_BYTES).
/// `bytes` may be 0; the result is then a valid pointer, too.
void *fx_rt_alloc(void *ctx, int64_t bytes);

/// Returns a block of fx_rt_alloc to the context that it came from. NULL is
/// ignored.
void fx_rt_free(void *ctx, void *block);

/// Lends a context memory for what the next kernels need beside their operands
/// and no thread has of its own (packed weights): instead of fx_rt_alloc's. It
/// must be 64-byte aligned. 0 bytes end the loan.
void fx_rt_lend(void *ctx, void *memory, int64_t bytes);

/// What a kernel needs beside its operands: bytes to be lent, and bytes of each
/// packing buffer of a thread, which keeps the largest of each. With several
/// threads each needs at most this.
typedef struct fx_rt_scratch {
  int64_t lent;
  int64_t thread[4];
} fx_rt_scratch;

/// The most bytes that all contexts and threads have held at one time:
/// workspaces, blocks of fx_rt_alloc and scratch of threads, as they were asked
/// for of the C library. With `restart` the next answer counts from now.
int64_t fx_rt_memory_peak(int32_t restart);

/// Memory of a tensor that the host owns and frees by fx_rt_tensor_release:
/// 64-byte aligned, NULL with an error text when out of memory. Freed blocks
/// are kept for later calls of any thread; with the blocks in use they never
/// take more than was in use at one time, and alone never more than a limit
/// (default 1 GiB a process, FX_RT_TENSOR_CACHE_BYTES).
typedef struct fx_rt_block fx_rt_block;
void *fx_rt_tensor_acquire(int64_t bytes, fx_rt_block **block);

/// Frees a block; the first argument is not used (the signature is that of
/// deleters).
void fx_rt_tensor_release(void *data, void *block);

/// Gives free blocks of fx_rt_tensor_release back to the system.
void fx_rt_tensor_trim(void);

/// Bytes of free blocks that fx_rt_tensor_release keeps.
int64_t fx_rt_tensor_cached_bytes(void);

/// Gives the workspace and all cached blocks back to the system.
void fx_rt_context_trim(void *ctx);

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// Number of threads used by fx_rt_parallel_for, of the whole process. The
/// default is FX_NUM_THREADS, else OMP_NUM_THREADS, else the number of CPUs
/// that the process may run on. A host with its own setting (PyTorch) should
/// pass it on. Values below 1 restore the default.
void fx_rt_set_num_threads(int32_t count);
int32_t fx_rt_get_num_threads(void);

/// Calls `body(closure, begin, end)` for disjoint ranges that cover [0, n), in
/// parallel, each range but the last at least `grain` long. Serial when
/// n <= grain, with one thread, or inside another parallel region. When the
/// process has a GNU OpenMP runtime already (PyTorch's), its threads are used,
/// otherwise a small pool of our own: two pools would compete for the CPUs.
/// The split depends on the thread count: a body whose results must not depend
/// on it has to compute every index alike.
void fx_rt_parallel_for(void *ctx,
                        void (*body)(void *closure, int64_t begin, int64_t end),
                        void *closure, int64_t n, int64_t grain);

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// Called once for every finished block of C, by the thread that computed it,
/// while the block is in its cache. `row` and `col` are the block's origin in
/// the matrix number `batch`, `tile` points to its first element, `ld` is the
/// distance between its rows. The blocks tile C; calls for different blocks
/// may be concurrent.
typedef void (*fx_rt_epilogue_f32)(void *closure, int64_t batch, int64_t row,
                                   int64_t col, int64_t rows, int64_t cols,
                                   float *tile, int64_t ld);
typedef void (*fx_rt_epilogue_f64)(void *closure, int64_t batch, int64_t row,
                                   int64_t col, int64_t rows, int64_t cols,
                                   double *tile, int64_t ld);

/// C = A * B, or C += A * B with `accumulate`. A is MxK with element (i, k) at
/// A[i * rsA + k * csA], B is KxN alike, C is MxN with rows rsC apart and
/// unit column stride. So a transposed operand is one with swapped strides. A
/// stride may be 0. K = 0 gives zeros (or leaves C, with `accumulate`).
/// `epilogue` may be NULL. Results do not depend on the number of threads.
void fx_rt_sgemm(void *ctx, int64_t M, int64_t N, int64_t K, const float *A,
                 int64_t rsA, int64_t csA, const float *B, int64_t rsB,
                 int64_t csB, float *C, int64_t rsC, int32_t accumulate,
                 fx_rt_epilogue_f32 epilogue, void *closure);

/// `batch` products; operand `b` starts at A + b * bsA, B + b * bsB,
/// C + b * bsC. bsA or bsB may be 0 (one operand for the whole batch).
void fx_rt_sgemm_batched(void *ctx, int64_t batch, int64_t M, int64_t N,
                         int64_t K, const float *A, int64_t bsA, int64_t rsA,
                         int64_t csA, const float *B, int64_t bsB, int64_t rsB,
                         int64_t csB, float *C, int64_t bsC, int64_t rsC,
                         int32_t accumulate, fx_rt_epilogue_f32 epilogue,
                         void *closure);

/// Prepacking of a constant B. fx_rt_sgemm_pack_b_size gives the size of the
/// packed form in elements, fx_rt_sgemm_pack_b fills it (64-byte aligned
/// memory is best), fx_rt_sgemm_packed_b uses it. The form depends on the
/// machine's instruction set: it must not be stored in files.
int64_t fx_rt_sgemm_pack_b_size(int64_t N, int64_t K);
void fx_rt_sgemm_pack_b(void *ctx, int64_t N, int64_t K, const float *B,
                        int64_t rsB, int64_t csB, float *packed);
void fx_rt_sgemm_packed_b(void *ctx, int64_t M, int64_t N, int64_t K,
                          const float *A, int64_t rsA, int64_t csA,
                          const float *packed, float *C, int64_t rsC,
                          int32_t accumulate, fx_rt_epilogue_f32 epilogue,
                          void *closure);

/// The same for double precision.
void fx_rt_dgemm_batched(void *ctx, int64_t batch, int64_t M, int64_t N,
                         int64_t K, const double *A, int64_t bsA, int64_t rsA,
                         int64_t csA, const double *B, int64_t bsB,
                         int64_t rsB, int64_t csB, double *C, int64_t bsC,
                         int64_t rsC, int32_t accumulate,
                         fx_rt_epilogue_f64 epilogue, void *closure);
void fx_rt_dgemm(void *ctx, int64_t M, int64_t N, int64_t K, const double *A,
                 int64_t rsA, int64_t csA, const double *B, int64_t rsB,
                 int64_t csB, double *C, int64_t rsC, int32_t accumulate,
                 fx_rt_epilogue_f64 epilogue, void *closure);

/// The same for bfloat16 and IEEE half operands, given by their bits. Products
/// and sums are f32 and so is C; an epilogue may round it to a narrow result.
/// Without C (NULL) the epilogue sees the tiles in memory of the library, and
/// nothing else is left of the product.
void fx_rt_gemm_bf16(void *ctx, int64_t batch, int64_t M, int64_t N, int64_t K,
                     const uint16_t *A, int64_t bsA, int64_t rsA, int64_t csA,
                     const uint16_t *B, int64_t bsB, int64_t rsB, int64_t csB,
                     float *C, int64_t bsC, int64_t rsC, int32_t accumulate,
                     fx_rt_epilogue_f32 epilogue, void *closure);
void fx_rt_gemm_f16(void *ctx, int64_t batch, int64_t M, int64_t N, int64_t K,
                    const uint16_t *A, int64_t bsA, int64_t rsA, int64_t csA,
                    const uint16_t *B, int64_t bsB, int64_t rsB, int64_t csB,
                    float *C, int64_t bsC, int64_t rsC, int32_t accumulate,
                    fx_rt_epilogue_f32 epilogue, void *closure);

/// The same for 8-bit integers, with sums of 32 bits, modulo 2^32. They are
/// signed; bit 0 of `unsignedOperands` makes A's unsigned, bit 1 B's. Non-zero
/// when out of memory.
typedef void (*fx_rt_epilogue_i32)(void *closure, int64_t batch, int64_t row,
                                   int64_t col, int64_t rows, int64_t cols,
                                   int32_t *tile, int64_t ld);
int32_t fx_rt_gemm_i8(void *ctx, int64_t batch, int64_t M, int64_t N, int64_t K,
                      const void *A, int64_t bsA, int64_t rsA, int64_t csA,
                      const void *B, int64_t bsB, int64_t rsB, int64_t csB,
                      int32_t *C, int64_t bsC, int64_t rsC, int32_t accumulate,
                      fx_rt_epilogue_i32 epilogue, void *closure,
                      int32_t unsignedOperands);

/// What such a product needs beside its operands. `type` is that of the
/// operands: 0 f32, 1 f64, 2 bf16, 3 f16, 4 + unsignedOperands of 8-bit
/// integers. Strides as above. isFrozen: of a weight that never changes, below.
void fx_rt_gemm_scratch(int32_t type, int64_t batch, int64_t M, int64_t N,
                        int64_t K, int64_t bsA, int64_t rsA, int64_t csA,
                        int64_t bsB, int64_t rsB, int64_t csB, int64_t bsC,
                        int64_t rsC, int32_t hasC, int32_t hasEpilogue,
                        int32_t isFrozen, fx_rt_scratch *scratch);

/// The instruction set in use: "avx512-bf16", "avx512", "avx2" or "generic". The environment
/// variable FX_RT_ISA chooses a lower one than the machine has.
const char *fx_rt_isa(void);

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Sizes of an attention and the element types of its operands: 0 is f32, 1
/// bfloat16, 2 IEEE half. Each head of keys and values serves heads / key_heads
/// consecutive heads of queries.
typedef struct fx_rt_attention_shape {
  int64_t batch, heads, key_heads, queries, keys, head_size;
  /// Query i counts keys up to i only.
  int64_t causal;
  int64_t type, mask_type;
} fx_rt_attention_shape;

/// A tensor [batch, heads, positions, head_size] and the distances between
/// neighbours along its dimensions, in elements.
typedef struct fx_rt_attention_operand {
  void *data;
  int64_t strides[4];
} fx_rt_attention_operand;

/// out = softmax(query * key^T * scale + mask) * value and the logarithms of
/// the softmax' denominators [batch, heads, queries] (or NULL). The operands
/// are query, key, value, mask, out; the mask is [batch, heads, queries, keys] with any
/// strides, 0 too, or has NULL data. Sums are f32. A query without any key that
/// counts gives zeros, with a logarithm of 0. The probabilities are in memory
/// for a tile at a time only. Results do not depend on the number of threads.
void fx_rt_attention(void *ctx, const fx_rt_attention_shape *shape,
                     double scale, const fx_rt_attention_operand *operands,
                     float *logsumexp);

/// The gradients of query, key and value. The operands are grad_out, query,
/// key, value, mask, out, grad_query, grad_key, grad_value.
void fx_rt_attention_backward(void *ctx, const fx_rt_attention_shape *shape,
                              double scale,
                              const fx_rt_attention_operand *operands,
                              const float *logsumexp);

/// What they need, of operands with rows of neighbouring elements.
void fx_rt_attention_scratch(const fx_rt_attention_shape *shape,
                             int32_t backward, fx_rt_scratch *scratch);

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

enum {
  FX_RT_ORDER_F32,
  FX_RT_ORDER_F64,
  FX_RT_ORDER_BF16,
  FX_RT_ORDER_F16,
  FX_RT_ORDER_I8,
  FX_RT_ORDER_I16,
  FX_RT_ORDER_I32,
  FX_RT_ORDER_I64
};

/// The rows of a tensor [outer, length, inner] along its second dimension, up
/// to 2 ** 32 - 1 elements long. The results are [outer, count, inner]; each may
/// be NULL. NaN counts as larger than all numbers.
typedef struct fx_rt_order {
  const void *input;
  void *values;
  int64_t *indices;
  int64_t outer, length, inner, count;
  int64_t descending, type;
} fx_rt_order;

/// The `count` first elements of each row in order, and where they were; equal
/// elements keep their order.
void fx_rt_sort(void *ctx, const fx_rt_order *order);
/// The smallest element up to each place, with `descending` the largest, and
/// the last place that it is at; after a NaN, NaN. `count` is `length`.
void fx_rt_cumulative_extremum(void *ctx, const fx_rt_order *order);

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Shapes of a convolution over depth, height and width; one over less has
/// depth 1, and height 1. Tensors are dense and row-major: input [batch,
/// in_channels, in_d, in_h, in_w], weight [out_channels, in_channels / groups,
/// kernel_d, kernel_h, kernel_w], output [batch, out_channels, out_d, out_h,
/// out_w]. Output element (z, y, x) uses input rows
/// y * stride_h + kh * dilation_h - pad_h, planes and columns alike; elements
/// outside the input are zero. The pads are the padding before the first
/// element; the padding after the last one follows from the output's size, so
/// it may differ. An input that is padded already has pads of 0.
typedef struct fx_rt_conv_shape {
  int64_t batch;
  int64_t in_channels, in_h, in_w;
  int64_t out_channels, out_h, out_w;
  int64_t kernel_h, kernel_w;
  int64_t stride_h, stride_w;
  int64_t pad_h, pad_w;
  int64_t dilation_h, dilation_w;
  int64_t groups;
  int64_t in_d, out_d, kernel_d, stride_d, pad_d, dilation_d;
  /// Not 0: the weight is [out_channels, kernel_d, kernel_h, kernel_w,
  /// in_channels / groups].
  int64_t channels_last_weight;
} fx_rt_conv_shape;

/// output = conv(input, weight) + bias; `bias` [out_channels] may be NULL. The
/// epilogue (or NULL) sees `batch` = image, `row` = output channel, `col` =
/// position (z * out_h + y) * out_w + x. Returns non-zero for an inconsistent shape.
///
/// Kernels of 3x3 over height and width without stride on enough channels and positions are computed as
/// Winograd's F(2x2, 3x3): as accurate, but an infinity or NaN of the input then
/// makes the whole tile of 2x2 outputs NaN. FX_RT_WINOGRAD=0 in the environment
/// turns that off.
int32_t fx_rt_conv2d(void *ctx, const fx_rt_conv_shape *shape,
                     const float *input, const float *weight, const float *bias,
                     float *output, fx_rt_epilogue_f32 epilogue, void *closure);

/// The same for bfloat16 and IEEE half operands, given by their bits. Products
/// and sums are f32. Without `output` (NULL) the epilogue sees the tiles of the
/// result in memory of the library, and nothing else is left of it.
int32_t fx_rt_conv2d_bf16(void *ctx, const fx_rt_conv_shape *shape,
                          const uint16_t *input, const uint16_t *weight,
                          const float *bias, float *output,
                          fx_rt_epilogue_f32 epilogue, void *closure);
int32_t fx_rt_conv2d_f16(void *ctx, const fx_rt_conv_shape *shape,
                         const uint16_t *input, const uint16_t *weight,
                         const float *bias, float *output,
                         fx_rt_epilogue_f32 epilogue, void *closure);

/// What the convolution and the gradient of its weight need beside their
/// operands. `type` is that of the operands: 0 f32, 2 bf16, 3 f16. isFrozen: of
/// a weight that never changes, below.
void fx_rt_conv2d_scratch(const fx_rt_conv_shape *shape, int32_t type,
                          int32_t hasOutput, int32_t isFrozen,
                          fx_rt_scratch *scratch);
void fx_rt_conv2d_backward_weight_scratch(const fx_rt_conv_shape *shape,
                                          int32_t type, int32_t hasOutput,
                                          fx_rt_scratch *scratch);

/// The same for weights that never change. What is prepared of them (packed
/// panels, Winograd's filters) is kept in `*store`, which is NULL before the
/// first call; it belongs to the address of the weight and its sizes. Several
/// threads may use a store. fx_rt_release_frozen frees it, when no call runs.
int32_t fx_rt_conv2d_frozen(void *ctx, void **store,
                            const fx_rt_conv_shape *shape, const float *input,
                            const float *weight, const float *bias,
                            float *output, fx_rt_epilogue_f32 epilogue,
                            void *closure);
int32_t fx_rt_conv2d_bf16_frozen(void *ctx, void **store,
                                 const fx_rt_conv_shape *shape,
                                 const uint16_t *input, const uint16_t *weight,
                                 const float *bias, float *output,
                                 fx_rt_epilogue_f32 epilogue, void *closure);
int32_t fx_rt_conv2d_f16_frozen(void *ctx, void **store,
                                const fx_rt_conv_shape *shape,
                                const uint16_t *input, const uint16_t *weight,
                                const float *bias, float *output,
                                fx_rt_epilogue_f32 epilogue, void *closure);
/// C = A * B, where B is such a weight.
void fx_rt_sgemm_frozen(void *ctx, void **store, int64_t M, int64_t N,
                        int64_t K, const float *A, int64_t rsA, int64_t csA,
                        const float *B, int64_t rsB, int64_t csB, float *C,
                        int64_t rsC, fx_rt_epilogue_f32 epilogue,
                        void *closure);
void fx_rt_gemm_bf16_frozen(void *ctx, void **store, int64_t M, int64_t N,
                            int64_t K, const uint16_t *A, int64_t rsA,
                            int64_t csA, const uint16_t *B, int64_t rsB,
                            int64_t csB, float *C, int64_t rsC,
                            fx_rt_epilogue_f32 epilogue, void *closure);
void fx_rt_gemm_f16_frozen(void *ctx, void **store, int64_t M, int64_t N,
                           int64_t K, const uint16_t *A, int64_t rsA,
                           int64_t csA, const uint16_t *B, int64_t rsB,
                           int64_t csB, float *C, int64_t rsC,
                           fx_rt_epilogue_f32 epilogue, void *closure);
void fx_rt_release_frozen(void **store);

/// Gradient of the input, from the gradient of the output.
int32_t fx_rt_conv2d_backward_data(void *ctx, const fx_rt_conv_shape *shape,
                                   const float *grad_output,
                                   const float *weight, float *grad_input);

/// Gradient of the weight. The epilogue (or NULL) sees `row` = output channel
/// and `col` = (channel of the group, tap); without `grad_weight` (NULL) it sees
/// tiles in memory of the library, and nothing else is left of the result.
int32_t fx_rt_conv2d_backward_weight(void *ctx, const fx_rt_conv_shape *shape,
                                     const float *grad_output,
                                     const float *input, float *grad_weight,
                                     fx_rt_epilogue_f32 epilogue,
                                     void *closure);
int32_t fx_rt_conv2d_backward_weight_bf16(void *ctx,
                                          const fx_rt_conv_shape *shape,
                                          const uint16_t *grad_output,
                                          const uint16_t *input,
                                          float *grad_weight,
                                          fx_rt_epilogue_f32 epilogue,
                                          void *closure);
int32_t fx_rt_conv2d_backward_weight_f16(void *ctx,
                                         const fx_rt_conv_shape *shape,
                                         const uint16_t *grad_output,
                                         const uint16_t *input,
                                         float *grad_weight,
                                         fx_rt_epilogue_f32 epilogue,
                                         void *closure);

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

/// out[i] = fx_rt_philox_uniform_f32_at(seed, offset + i) for i in [0, n): the
/// value depends on (seed, offset + i) only, not on how a range is split. See
/// fx/Runtime/Philox.h for the definition.
void fx_rt_philox_uniform_f32(uint64_t seed, uint64_t offset, float *out,
                              int64_t n);
float fx_rt_philox_uniform_f32_at(uint64_t seed, uint64_t index);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif // FX_RUNTIME_RUNTIME_H
