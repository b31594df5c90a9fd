//===- State.h - What a context keeps for CUDA ------------------*- C++ -*-===//

#ifndef FX_LIB_RUNTIME_CUDA_STATE_H
#define FX_LIB_RUNTIME_CUDA_STATE_H

#include "Driver.h"
#include "fx/Runtime/Cuda.h"

namespace fxrt {
namespace cuda {

struct Blas;
struct LoadedModule;

/// A block of fx_rt_cuda_alloc.
struct Block {
  CUdeviceptr address;
  size_t capacity;
  Block *next;
};

/// What a context owns in one CUDA context. Work on it is ordered by one
/// stream at a time.
struct Device {
  CUcontext context;
  CUdevice device;
  CUdeviceptr workspace;
  size_t workspaceBytes;
  /// Most recently allocated or freed first.
  Block *usedBlocks, *freeBlocks;
  size_t cachedBytes;
  /// Matrix products; null until the first one.
  Blas *blas;
  /// The stream of the last call, and an event to order another one behind it.
  CUstream lastStream;
  bool hasLastStream;
  CUevent order;
  Device *next;
};

struct State {
  const Driver *driver;
  CUstream stream;
  /// One per CUDA context that was met.
  Device *devices;
  /// Between fx_rt_cuda_begin and fx_rt_cuda_end.
  Device *device;
  fx_rt_cuda_module *module;
  LoadedModule *loaded;
  bool failed;
  size_t cacheLimit;
  char error[1024];
};

/// The state of a context, made on first use; null without memory.
State *getState(void *ctx);

/// The state if a call is under way and nothing has failed in it; the functions
/// that put work on the stream do nothing otherwise.
State *getActiveState(void *ctx);

/// Keeps the first error of the call. Always returns false.
__attribute__((format(printf, 2, 3))) bool fail(State *state,
                                                const char *format, ...);
/// Fails with "cannot <what>: <the driver's error>" unless `result` is success.
bool check(State *state, CUresult result, const char *what);

/// Waits for all work of the call's stream.
bool synchronize(State *state);

/// Finds or loads the module's code in the current CUDA context.
LoadedModule *loadModule(State *state, fx_rt_cuda_module *module);

/// cuMemAlloc; when memory is short the cached blocks are given up first.
bool allocateDevice(State *state, size_t bytes, CUdeviceptr &address);
/// Frees the cached blocks, after waiting for the stream.
void releaseCachedBlocks(State *state, Device *device);

/// Frees what cuBLASLt holds for the device.
void destroyBlas(State *state, Device *device);

inline void *toPointer(CUdeviceptr address) {
  return reinterpret_cast<void *>(address);
}
inline CUdeviceptr toDevice(const void *pointer) {
  return reinterpret_cast<CUdeviceptr>(pointer);
}

} // namespace cuda
} // namespace fxrt

#endif // FX_LIB_RUNTIME_CUDA_STATE_H
