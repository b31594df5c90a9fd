//===- State.cpp - Calls, errors and streams ------------------------------===//

#include "State.h"
#include "../Internal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace fxrt;
using namespace fxrt::cuda;

namespace {
constexpr size_t kDefaultCacheLimit = size_t(1) << 30;

/// The primary context of the first device, for threads that have none. It
/// belongs to the process and is kept until its end.
CUcontext primaryContext;
pthread_mutex_t primaryMutex = PTHREAD_MUTEX_INITIALIZER;

bool attachPrimaryContext(State *state, CUcontext &context) {
  pthread_mutex_lock(&primaryMutex);
  bool ok = true;
  if (!primaryContext) {
    CUdevice device = 0;
    ok = check(state, state->driver->deviceGet(&device, 0),
               "use the first GPU") &&
         check(state,
               state->driver->devicePrimaryCtxRetain(&primaryContext, device),
               "use the first GPU");
  }
  context = primaryContext;
  pthread_mutex_unlock(&primaryMutex);
  return ok && check(state, state->driver->ctxSetCurrent(context),
                     "use the first GPU");
}

bool isCapturing(State *state, CUstream stream) {
  int status = CU_STREAM_CAPTURE_STATUS_NONE;
  return state->driver->streamIsCapturing(stream, &status) != CUDA_SUCCESS ||
         status != CU_STREAM_CAPTURE_STATUS_NONE;
}

/// The memory of the context is used by one stream at a time: a new one waits
/// for the work of the last one. Streams under capture are left alone: whoever
/// captures has waited for earlier work, and other streams cannot be waited
/// for.
bool orderStreams(State *state, Device *device) {
  if (device->hasLastStream && device->lastStream != state->stream &&
      !isCapturing(state, state->stream) &&
      !isCapturing(state, device->lastStream)) {
    const Driver *driver = state->driver;
    const char *what = "order two streams";
    if (!device->order &&
        !check(state,
               driver->eventCreate(&device->order, CU_EVENT_DISABLE_TIMING),
               what))
      return false;
    if (!check(state, driver->eventRecord(device->order, device->lastStream),
               what) ||
        !check(state,
               driver->streamWaitEvent(state->stream, device->order, 0), what))
      return false;
  }
  device->lastStream = state->stream;
  device->hasLastStream = true;
  return true;
}

/// Sets `state->device` for the thread's CUDA context.
bool attach(State *state) {
  state->device = nullptr;
  if (!state->driver && !(state->driver = loadDriver()))
    return fail(state, "%s", driverProblem());
  CUcontext context = nullptr;
  if (!check(state, state->driver->ctxGetCurrent(&context),
             "find the thread's CUDA context"))
    return false;
  if (!context && !attachPrimaryContext(state, context))
    return false;
  Device *device = state->devices;
  while (device && device->context != context)
    device = device->next;
  if (!device) {
    device = static_cast<Device *>(calloc(1, sizeof(Device)));
    if (!device)
      return fail(state, "out of memory");
    device->context = context;
    if (!check(state, state->driver->ctxGetDevice(&device->device),
               "find the thread's GPU")) {
      free(device);
      return false;
    }
    device->next = state->devices;
    state->devices = device;
  }
  state->device = device;
  return true;
}

/// Gives everything but the device itself back.
void release(State *state, Device *device) {
  // An application may have destroyed the CUDA context, and its memory with
  // it; at the end of the process the driver refuses every call.
  if (state->driver->ctxPushCurrent(device->context) != CUDA_SUCCESS)
    return;
  if (device->hasLastStream)
    state->driver->streamSynchronize(device->lastStream);
  releaseCachedBlocks(state, device);
  if (device->workspace)
    state->driver->memFree(device->workspace);
  device->workspace = 0;
  device->workspaceBytes = 0;
  destroyBlas(state, device);
  if (device->order)
    state->driver->eventDestroy(device->order);
  device->order = nullptr;
  device->hasLastStream = false;
  CUcontext popped;
  state->driver->ctxPopCurrent(&popped);
}

void trimState(void *opaque) {
  State *state = static_cast<State *>(opaque);
  for (Device *device = state->devices; device; device = device->next)
    release(state, device);
}

void destroyState(void *opaque) {
  State *state = static_cast<State *>(opaque);
  while (Device *device = state->devices) {
    state->devices = device->next;
    // Blocks that the caller still has are not freed, as on the host.
    while (Block *block = device->usedBlocks) {
      device->usedBlocks = block->next;
      free(block);
    }
    release(state, device);
    free(device);
  }
  free(state);
}
} // namespace

State *fxrt::cuda::getState(void *ctx) {
  DeviceSlot *slot = getDeviceSlot(ctx);
  if (!slot)
    return nullptr;
  if (!slot->state) {
    auto *state = static_cast<State *>(calloc(1, sizeof(State)));
    if (!state) {
      fx_rt_set_error("out of memory");
      return nullptr;
    }
    const char *limit = getenv("FX_RT_CUDA_CACHE_BYTES");
    state->cacheLimit =
        limit ? static_cast<size_t>(atoll(limit)) : kDefaultCacheLimit;
    slot->state = state;
    slot->trim = trimState;
    slot->destroy = destroyState;
  }
  return static_cast<State *>(slot->state);
}

State *fxrt::cuda::getActiveState(void *ctx) {
  State *state = getState(ctx);
  if (!state || state->failed)
    return nullptr;
  if (!state->device) {
    fail(state, "a function of fx/Runtime/Cuda.h was called before "
                "fx_rt_cuda_begin");
    return nullptr;
  }
  return state;
}

bool fxrt::cuda::fail(State *state, const char *format, ...) {
  if (state->failed)
    return false;
  state->failed = true;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(state->error, sizeof(state->error), format, arguments);
  va_end(arguments);
  fx_rt_set_error(state->error);
  return false;
}

bool fxrt::cuda::check(State *state, CUresult result, const char *what) {
  if (result == CUDA_SUCCESS)
    return true;
  char text[256];
  describeResult(result, text, sizeof(text));
  return fail(state, "cannot %s: %s", what, text);
}

bool fxrt::cuda::synchronize(State *state) {
  return check(state, state->driver->streamSynchronize(state->stream),
               "finish the work on the GPU");
}

void fx_rt_cuda_set_stream(void *ctx, void *stream) {
  if (State *state = getState(ctx))
    state->stream = static_cast<CUstream>(stream);
}

int32_t fx_rt_cuda_begin(void *ctx, fx_rt_cuda_module *module) {
  State *state = getState(ctx);
  if (!state)
    return 1;
  state->failed = false;
  state->module = nullptr;
  state->loaded = nullptr;
  if (!attach(state) || !orderStreams(state, state->device))
    return 1;
  if (module) {
    state->loaded = loadModule(state, module);
    if (!state->loaded)
      return 1;
    state->module = module;
  }
  return 0;
}

int32_t fx_rt_cuda_end(void *ctx) {
  State *state = getState(ctx);
  if (!state)
    return 1;
  state->device = nullptr;
  state->module = nullptr;
  state->loaded = nullptr;
  if (!state->failed)
    return 0;
  state->failed = false;
  // Another message may have come in between.
  fx_rt_set_error(state->error);
  return 1;
}

int32_t fx_rt_cuda_synchronize(void *ctx) {
  State *state = getState(ctx);
  if (!state)
    return 1;
  if (state->device)
    return state->failed || !synchronize(state);
  // Outside of a call.
  state->failed = false;
  bool ok = attach(state) && synchronize(state);
  state->device = nullptr;
  state->failed = false;
  return !ok;
}
