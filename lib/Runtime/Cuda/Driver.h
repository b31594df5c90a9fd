//===- Driver.h - The part of the CUDA driver that we use -------*- C++ -*-===//
//
// Types, constants and functions of libcuda.so.1, declared here so that neither
// building nor linking needs CUDA. Names and numbers are those of cuda.h of
// CUDA 13.0, unchanged since 11. A function whose meaning changed once has the
// suffix of its second version in the library; only that version is used.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_CUDA_DRIVER_H
#define FX_LIB_RUNTIME_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

namespace fxrt {
namespace cuda {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = uint64_t;
using CUcontext = struct CUctx_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUstream = struct CUstream_st *;
using CUevent = struct CUevent_st *;

enum : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
};
enum : int {
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
};
enum : int {
  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
};
enum : int { CU_STREAM_CAPTURE_STATUS_NONE = 0 };
enum : unsigned { CU_EVENT_DISABLE_TIMING = 2 };

// X(symbol in the library, member, parameters)
#define FX_CUDA_DRIVER_FUNCTIONS(X)                                            \
  X(cuInit, init, (unsigned flags))                                            \
  X(cuGetErrorName, getErrorName, (CUresult, const char **name))               \
  X(cuGetErrorString, getErrorString, (CUresult, const char **text))           \
  X(cuDeviceGetCount, deviceGetCount, (int *count))                            \
  X(cuDeviceGet, deviceGet, (CUdevice *, int ordinal))                         \
  X(cuDeviceGetAttribute, deviceGetAttribute,                                  \
    (int *value, int attribute, CUdevice))                                     \
  X(cuDevicePrimaryCtxRetain, devicePrimaryCtxRetain, (CUcontext *, CUdevice)) \
  X(cuCtxGetCurrent, ctxGetCurrent, (CUcontext *))                             \
  X(cuCtxSetCurrent, ctxSetCurrent, (CUcontext))                               \
  X(cuCtxPushCurrent_v2, ctxPushCurrent, (CUcontext))                          \
  X(cuCtxPopCurrent_v2, ctxPopCurrent, (CUcontext *))                          \
  X(cuCtxGetDevice, ctxGetDevice, (CUdevice *))                                \
  X(cuModuleLoadDataEx, moduleLoadDataEx,                                      \
    (CUmodule *, const void *image, unsigned count, int *options,              \
     void **values))                                                           \
  X(cuModuleUnload, moduleUnload, (CUmodule))                                  \
  X(cuModuleGetFunction, moduleGetFunction,                                    \
    (CUfunction *, CUmodule, const char *name))                                \
  X(cuLaunchKernel, launchKernel,                                              \
    (CUfunction, unsigned gridX, unsigned gridY, unsigned gridZ,               \
     unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,  \
     CUstream, void **params, void **extra))                                   \
  X(cuMemAlloc_v2, memAlloc, (CUdeviceptr *, size_t bytes))                    \
  X(cuMemFree_v2, memFree, (CUdeviceptr))                                      \
  X(cuMemcpyDtoDAsync_v2, memcpyDtoDAsync,                                     \
    (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream))                \
  X(cuMemcpyDtoHAsync_v2, memcpyDtoHAsync,                                     \
    (void *to, CUdeviceptr from, size_t bytes, CUstream))                      \
  X(cuMemcpyHtoDAsync_v2, memcpyHtoDAsync,                                     \
    (CUdeviceptr to, const void *from, size_t bytes, CUstream))                \
  X(cuMemsetD8Async, memsetD8Async,                                            \
    (CUdeviceptr to, unsigned char value, size_t count, CUstream))             \
  X(cuMemsetD32Async, memsetD32Async,                                          \
    (CUdeviceptr to, unsigned value, size_t count, CUstream))                  \
  X(cuMemsetD2D8Async, memsetD2D8Async,                                        \
    (CUdeviceptr to, size_t pitch, unsigned char value, size_t width,          \
     size_t height, CUstream))                                                 \
  X(cuStreamSynchronize, streamSynchronize, (CUstream))                        \
  X(cuStreamIsCapturing, streamIsCapturing, (CUstream, int *status))           \
  X(cuStreamWaitEvent, streamWaitEvent, (CUstream, CUevent, unsigned flags))   \
  X(cuEventCreate, eventCreate, (CUevent *, unsigned flags))                   \
  X(cuEventRecord, eventRecord, (CUevent, CUstream))                           \
  X(cuEventDestroy_v2, eventDestroy, (CUevent))

struct Driver {
#define FX_CUDA_MEMBER(symbol, member, parameters) CUresult(*member) parameters;
  FX_CUDA_DRIVER_FUNCTIONS(FX_CUDA_MEMBER)
#undef FX_CUDA_MEMBER
};

/// The driver, loaded and initialised on the first call; null if that failed,
/// and then `driverProblem()` says why.
const Driver *loadDriver();
const char *driverProblem();

/// "CUDA_ERROR_INVALID_VALUE (invalid argument)".
void describeResult(CUresult result, char *text, size_t size);

} // namespace cuda
} // namespace fxrt

#endif // FX_LIB_RUNTIME_CUDA_DRIVER_H
