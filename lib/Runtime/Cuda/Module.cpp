//===- Module.cpp - Device code: loading, launches, constants -------------===//

#include "State.h"
#include "fx/Runtime/Runtime.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace fxrt;
using namespace fxrt::cuda;

namespace {
struct Constant {
  const void *host;
  CUdeviceptr device;
};
} // namespace

/// A module's code in one CUDA context. Loaded code is kept until the process
/// ends: whoever calls the module may do so again.
struct fxrt::cuda::LoadedModule {
  CUcontext context;
  CUmodule code;
  CUfunction *functions;
  /// Open addressing; the size is a power of two, at most half of it in use.
  Constant *constants;
  size_t numConstants, constantCapacity;
  LoadedModule *next;
};

namespace {
/// Guards the loading of all modules, and their constants.
pthread_mutex_t moduleMutex = PTHREAD_MUTEX_INITIALIZER;

struct ModuleLock {
  ModuleLock() { pthread_mutex_lock(&moduleMutex); }
  ~ModuleLock() { pthread_mutex_unlock(&moduleMutex); }
};

/// The modules of a list only ever get a new first element, so readers need no
/// lock.
LoadedModule *findLoaded(fx_rt_cuda_module *module, CUcontext context) {
  auto *loaded = static_cast<LoadedModule *>(
      __atomic_load_n(&module->state, __ATOMIC_ACQUIRE));
  while (loaded && loaded->context != context)
    loaded = loaded->next;
  return loaded;
}

/// Loads machine code or PTX; on failure `problem` gets the driver's words.
bool loadImage(const Driver *driver, const void *image, CUmodule &code,
               char *problem, size_t size) {
  char log[700] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  // The driver takes small numbers in place of the pointers.
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log))};
  CUresult result =
      driver->moduleLoadDataEx(&code, image, 2, options, values);
  if (result == CUDA_SUCCESS)
    return true;
  char text[128];
  describeResult(result, text, sizeof(text));
  log[sizeof(log) - 1] = '\0';
  snprintf(problem, size, "%s%s%s", text, log[0] ? ": " : "", log);
  return false;
}

bool loadCode(State *state, const fx_rt_cuda_module *module, CUmodule &code) {
  const Driver *driver = state->driver;
  CUdevice device = state->device->device;
  int major = 0, minor = 0;
  if (!check(state,
             driver->deviceGetAttribute(
                 &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device),
             "find the GPU's architecture") ||
      !check(state,
             driver->deviceGetAttribute(
                 &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device),
             "find the GPU's architecture"))
    return false;
  int arch = major * 10 + minor;
  char problem[900] = "";
  if (module->cubin && module->cubin_arch == arch &&
      loadImage(driver, module->cubin, code, problem, sizeof(problem)))
    return true;
  if (module->ptx &&
      loadImage(driver, module->ptx, code, problem, sizeof(problem)))
    return true;
  if (!problem[0])
    snprintf(problem, sizeof(problem),
             "it is machine code for sm_%lld without PTX, and the GPU is sm_%d",
             static_cast<long long>(module->cubin_arch), arch);
  return fail(state, "cannot load the device code: %s", problem);
}

size_t hashAddress(const void *address) {
  return reinterpret_cast<uintptr_t>(address) / 8 * 0x9E3779B97F4A7C15ull >> 20;
}

/// The entry of `host`, or the free one where it belongs.
Constant *findConstant(const LoadedModule *loaded, const void *host) {
  size_t mask = loaded->constantCapacity - 1;
  size_t slot = hashAddress(host) & mask;
  while (loaded->constants[slot].host && loaded->constants[slot].host != host)
    slot = (slot + 1) & mask;
  return &loaded->constants[slot];
}

bool growConstants(LoadedModule *loaded) {
  if (loaded->numConstants * 2 < loaded->constantCapacity)
    return true;
  LoadedModule grown = *loaded;
  grown.constantCapacity =
      loaded->constantCapacity ? loaded->constantCapacity * 2 : 32;
  grown.constants = static_cast<Constant *>(
      calloc(grown.constantCapacity, sizeof(Constant)));
  if (!grown.constants)
    return false;
  for (size_t i = 0; i < loaded->constantCapacity; ++i)
    if (loaded->constants[i].host)
      *findConstant(&grown, loaded->constants[i].host) = loaded->constants[i];
  free(loaded->constants);
  *loaded = grown;
  return true;
}

/// The code of `module` for the call: that of fx_rt_cuda_begin, as a rule.
LoadedModule *getLoaded(State *state, fx_rt_cuda_module *module) {
  return state->module == module ? state->loaded : loadModule(state, module);
}
} // namespace

LoadedModule *fxrt::cuda::loadModule(State *state, fx_rt_cuda_module *module) {
  CUcontext context = state->device->context;
  if (LoadedModule *loaded = findLoaded(module, context))
    return loaded;
  ModuleLock lock;
  // Another thread may have been faster.
  if (LoadedModule *loaded = findLoaded(module, context))
    return loaded;

  auto *loaded = static_cast<LoadedModule *>(calloc(1, sizeof(LoadedModule)));
  auto *functions = static_cast<CUfunction *>(
      calloc(module->num_kernels + 1, sizeof(CUfunction)));
  if (!loaded || !functions) {
    free(loaded);
    free(functions);
    fail(state, "out of memory");
    return nullptr;
  }
  loaded->context = context;
  loaded->functions = functions;
  bool ok = loadCode(state, module, loaded->code);
  for (int64_t i = 0; ok && i < module->num_kernels; ++i) {
    CUresult result = state->driver->moduleGetFunction(
        &functions[i], loaded->code, module->kernels[i]);
    if (result == CUDA_SUCCESS)
      continue;
    char text[128];
    describeResult(result, text, sizeof(text));
    ok = fail(state, "the device code has no kernel %s: %s", module->kernels[i],
              text);
    state->driver->moduleUnload(loaded->code);
  }
  if (!ok) {
    free(loaded);
    free(functions);
    return nullptr;
  }
  loaded->next = static_cast<LoadedModule *>(module->state);
  __atomic_store_n(&module->state, loaded, __ATOMIC_RELEASE);
  return loaded;
}

void *fx_rt_cuda_constant(void *ctx, fx_rt_cuda_module *module,
                          const void *host, int64_t bytes) {
  State *state = getActiveState(ctx);
  if (!state)
    return nullptr;
  LoadedModule *loaded = getLoaded(state, module);
  if (!loaded)
    return nullptr;
  ModuleLock lock;
  if (!growConstants(loaded)) {
    fail(state, "out of memory");
    return nullptr;
  }
  Constant *constant = findConstant(loaded, host);
  if (constant->host)
    return toPointer(constant->device);
  CUdeviceptr address = 0;
  if (!allocateDevice(state, bytes > 0 ? static_cast<size_t>(bytes) : 1,
                      address))
    return nullptr;
  // Other threads and streams find it as soon as the lock is free.
  if (bytes > 0 &&
      (!check(state,
              state->driver->memcpyHtoDAsync(
                  address, host, static_cast<size_t>(bytes), state->stream),
              "copy a constant to the GPU") ||
       !synchronize(state))) {
    state->driver->memFree(address);
    return nullptr;
  }
  constant->host = host;
  constant->device = address;
  ++loaded->numConstants;
  return toPointer(address);
}

void fx_rt_cuda_check_alignment(void *ctx, const void *pointer, int32_t index,
                                int32_t result) {
  if (reinterpret_cast<uintptr_t>(pointer) % 16 == 0)
    return;
  if (State *state = getActiveState(ctx))
    fail(state,
         "%s %d is at %p, which is not aligned to 16 bytes; copy the tensor to "
         "memory of its own",
         result ? "result" : "argument", static_cast<int>(index), pointer);
}

void fx_rt_cuda_launch(void *ctx, fx_rt_cuda_module *module, int32_t kernel,
                       int64_t grid, int64_t block, void **params) {
  State *state = getActiveState(ctx);
  if (!state || grid == 0)
    return;
  LoadedModule *loaded = getLoaded(state, module);
  if (!loaded)
    return;
  const char *name = module->kernels[kernel];
  // The limits of the first grid dimension and of a block.
  if (grid < 0 || grid > INT32_MAX || block < 1 || block > 1024) {
    fail(state, "cannot launch %s: a grid of %lld blocks of %lld threads", name,
         static_cast<long long>(grid), static_cast<long long>(block));
    return;
  }
  CUresult result = state->driver->launchKernel(
      loaded->functions[kernel], static_cast<unsigned>(grid), 1, 1,
      static_cast<unsigned>(block), 1, 1, /*sharedBytes=*/0, state->stream,
      params, nullptr);
  if (result == CUDA_SUCCESS)
    return;
  char text[256];
  describeResult(result, text, sizeof(text));
  fail(state, "cannot launch %s: %s", name, text);
}
