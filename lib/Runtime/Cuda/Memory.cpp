//===- Memory.cpp - Device memory and copies ------------------------------===//

#include "State.h"

#include <stdlib.h>
#include <string.h>

using namespace fxrt;
using namespace fxrt::cuda;

namespace {
/// Copies of at most this size are carried by commands, not by host memory.
constexpr int64_t kInlineBytes = 16;

/// Block sizes are rounded up to one of four steps in each power of two, so
/// that slightly different sizes reuse each other's blocks. Multiples of 256,
/// as the alignment of the driver's own blocks.
size_t roundBlockSize(size_t bytes) {
  size_t step = 256;
  while (step * 8 < bytes)
    step *= 2;
  return bytes ? (bytes + step - 1) / step * step : step;
}

/// Unlinks the first block of a list for which `matches` holds.
template <typename Predicate>
Block *take(Block *&list, const Predicate &matches) {
  Block **link = &list;
  while (*link && !matches(**link))
    link = &(*link)->next;
  Block *block = *link;
  if (block)
    *link = block->next;
  return block;
}

void put(Block *&list, Block *block) {
  block->next = list;
  list = block;
}
} // namespace

bool fxrt::cuda::allocateDevice(State *state, size_t bytes,
                                CUdeviceptr &address) {
  CUresult result = state->driver->memAlloc(&address, bytes);
  if (result == CUDA_ERROR_OUT_OF_MEMORY && state->device->freeBlocks) {
    releaseCachedBlocks(state, state->device);
    result = state->driver->memAlloc(&address, bytes);
  }
  if (result == CUDA_SUCCESS)
    return true;
  char text[256];
  describeResult(result, text, sizeof(text));
  return fail(state, "cannot allocate %zu bytes on the GPU: %s", bytes, text);
}

void fxrt::cuda::releaseCachedBlocks(State *state, Device *device) {
  // Work that uses them may still be under way.
  if (device->freeBlocks && device->hasLastStream)
    state->driver->streamSynchronize(device->lastStream);
  while (Block *block = device->freeBlocks) {
    device->freeBlocks = block->next;
    state->driver->memFree(block->address);
    free(block);
  }
  device->cachedBytes = 0;
}

void *fx_rt_cuda_workspace(void *ctx, int64_t bytes) {
  State *state = getActiveState(ctx);
  if (!state)
    return nullptr;
  Device *device = state->device;
  size_t wanted = bytes > 0 ? static_cast<size_t>(bytes) : 1;
  if (device->workspaceBytes >= wanted)
    return toPointer(device->workspace);
  if (device->workspace) {
    if (!synchronize(state))
      return nullptr;
    CUresult result = state->driver->memFree(device->workspace);
    device->workspace = 0;
    device->workspaceBytes = 0;
    if (!check(state, result, "free the workspace"))
      return nullptr;
  }
  if (!allocateDevice(state, wanted, device->workspace))
    return nullptr;
  device->workspaceBytes = wanted;
  return toPointer(device->workspace);
}

void *fx_rt_cuda_alloc(void *ctx, int64_t bytes) {
  State *state = getActiveState(ctx);
  if (!state)
    return nullptr;
  Device *device = state->device;
  size_t capacity = roundBlockSize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
  // Work on the stream that still uses the block runs before whatever its new
  // owner puts there.
  Block *block = take(device->freeBlocks, [&](const Block &candidate) {
    return candidate.capacity == capacity;
  });
  if (block) {
    device->cachedBytes -= capacity;
  } else {
    block = static_cast<Block *>(malloc(sizeof(Block)));
    if (!block) {
      fail(state, "out of memory");
      return nullptr;
    }
    if (!allocateDevice(state, capacity, block->address)) {
      free(block);
      return nullptr;
    }
    block->capacity = capacity;
  }
  put(device->usedBlocks, block);
  return toPointer(block->address);
}

// Also after an error and outside of a call, so that nothing is lost.
void fx_rt_cuda_free(void *ctx, void *pointer) {
  State *state = pointer ? getState(ctx) : nullptr;
  if (!state)
    return;
  CUdeviceptr address = toDevice(pointer);
  for (Device *device = state->devices; device; device = device->next) {
    Block *block = take(device->usedBlocks, [&](const Block &candidate) {
      return candidate.address == address;
    });
    if (!block)
      continue;
    put(device->freeBlocks, block);
    device->cachedBytes += block->capacity;
    // Outside of a call another CUDA context may be the thread's own.
    if (device->cachedBytes > state->cacheLimit && device == state->device)
      releaseCachedBlocks(state, device);
    return;
  }
  fail(state, "fx_rt_cuda_free of %p, which is no block of this context",
       pointer);
}

void fx_rt_cuda_copy(void *ctx, void *to, const void *from, int64_t bytes) {
  State *state = getActiveState(ctx);
  if (!state || bytes <= 0 || to == from)
    return;
  check(state,
        state->driver->memcpyDtoDAsync(toDevice(to), toDevice(from),
                                       static_cast<size_t>(bytes),
                                       state->stream),
        "copy on the GPU");
}

void fx_rt_cuda_read(void *ctx, void *to_host, const void *from,
                     int64_t bytes) {
  State *state = getActiveState(ctx);
  if (!state)
    return;
  if (bytes > 0 &&
      !check(state,
             state->driver->memcpyDtoHAsync(to_host, toDevice(from),
                                            static_cast<size_t>(bytes),
                                            state->stream),
             "copy from the GPU"))
    return;
  synchronize(state);
}

void fx_rt_cuda_write(void *ctx, void *to, const void *from_host,
                      int64_t bytes) {
  State *state = getActiveState(ctx);
  if (!state || bytes <= 0)
    return;
  const Driver *driver = state->driver;
  CUdeviceptr target = toDevice(to);
  const char *what = "copy to the GPU";
  if (bytes <= kInlineBytes) {
    // A fill command holds its value: no wait, and a CUDA graph may hold it.
    const auto *source = static_cast<const unsigned char *>(from_host);
    if (bytes % 4 == 0 && target % 4 == 0) {
      for (int64_t i = 0; i < bytes; i += 4) {
        unsigned value;
        memcpy(&value, source + i, 4);
        if (!check(state,
                   driver->memsetD32Async(target + i, value, 1, state->stream),
                   what))
          return;
      }
      return;
    }
    for (int64_t i = 0; i < bytes; ++i)
      if (!check(state,
                 driver->memsetD8Async(target + i, source[i], 1, state->stream),
                 what))
        return;
    return;
  }
  if (check(state,
            driver->memcpyHtoDAsync(target, from_host,
                                    static_cast<size_t>(bytes), state->stream),
            what))
    synchronize(state);
}
