//===- Context.cpp - Errors, contexts, workspaces, scratch memory ---------===//

#include "Internal.h"
#include "Sanitizer.h"

#include <atomic>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

using namespace fxrt;

namespace {
constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t(2) << 20;
constexpr int64_t kDefaultCacheLimit = int64_t(256) << 20;

thread_local char errorText[1024];

/// Sits in front of each block of fx_rt_alloc.
struct alignas(kAlignment) BlockHeader {
  size_t capacity;
  BlockHeader *next;
  fx_rt_context *owner;
};

/// Block sizes are rounded up to one of four steps in each power of two, so
/// that slightly different sizes reuse each other's blocks.
size_t roundBlockSize(size_t bytes) {
  if (kIsSanitized)
    return bytes;
  if (bytes <= 256)
    return 256;
  size_t step = 64;
  while (step * 8 < bytes)
    step *= 2;
  return (bytes + step - 1) / step * step;
}
} // namespace

void *fxrt::allocateAligned(size_t bytes) {
  // First touches and TLB misses of 4 KiB pages cost more than many kernels.
  bool large = bytes >= 2 * kHugePage;
  void *memory = nullptr;
  if (posix_memalign(&memory, large ? kHugePage : kAlignment,
                     bytes ? bytes : kAlignment) != 0)
    return nullptr;
#ifdef __linux__
  if (large)
    madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void fxrt::reportOutOfMemory(int64_t bytes) {
  char text[96];
  snprintf(text, sizeof(text), "out of memory: cannot allocate %lld bytes",
           static_cast<long long>(bytes));
  fx_rt_set_error(text);
}

struct fx_rt_context {
  pthread_mutex_t mutex;
  void *workspace;
  size_t workspaceBytes;
  /// Free blocks, most recently freed first.
  BlockHeader *freeBlocks;
  int64_t cachedBytes, cacheLimit;
  /// Memory of fx_rt_lend.
  char *lent;
  size_t lentBytes, lentUsed;
  DeviceSlot device;
};

namespace {
thread_local fx_rt_context *defaultContext;

struct Scratch {
  void *data[ScratchSlotCount];
  size_t bytes[ScratchSlotCount];
};
thread_local Scratch scratch;
/// What all contexts and threads hold, and the most of it.
std::atomic<int64_t> heldBytes{0}, peakBytes{0};

void addHeld(int64_t bytes) {
  int64_t held = heldBytes.fetch_add(bytes) + bytes;
  int64_t peak = peakBytes.load();
  while (held > peak && !peakBytes.compare_exchange_weak(peak, held))
    ;
}

/// Memory that stays until more is needed: workspaces and scratch.
void *reserve(size_t bytes) {
  return usesGuardPages() ? allocateGuarded(bytes, kAlignment)
                          : allocateAligned(bytes);
}
void release(void *memory) {
  usesGuardPages() ? freeGuarded(memory) : free(memory);
}

pthread_key_t threadExitKey;
pthread_once_t threadExitOnce = PTHREAD_ONCE_INIT;

void releaseThreadMemory(void *) {
  fx_rt_context_destroy(defaultContext);
  defaultContext = nullptr;
  for (int slot = 0; slot < ScratchSlotCount; ++slot) {
    release(scratch.data[slot]);
    addHeld(-static_cast<int64_t>(scratch.bytes[slot]));
  }
  memset(&scratch, 0, sizeof(scratch));
}

/// Frees the thread's memory when it ends. A C++ thread_local destructor would
/// need the C++ runtime library.
void registerThread() {
  pthread_once(&threadExitOnce, [] {
    pthread_key_create(&threadExitKey, releaseThreadMemory);
  });
  pthread_setspecific(threadExitKey, &scratch);
}

fx_rt_context *resolve(void *ctx) {
  if (ctx)
    return static_cast<fx_rt_context *>(ctx);
  if (!defaultContext) {
    defaultContext = fx_rt_context_create();
    registerThread();
  }
  return defaultContext;
}
} // namespace

static void freeBlock(BlockHeader *header) {
  addHeld(-static_cast<int64_t>(header->capacity + sizeof(BlockHeader)));
  free(header);
}

DeviceSlot *fxrt::getDeviceSlot(void *opaque) {
  fx_rt_context *ctx = resolve(opaque);
  return ctx ? &ctx->device : nullptr;
}

void *fxrt::threadScratch(ScratchSlot slot, size_t bytes) {
  if (scratch.bytes[slot] >= bytes && scratch.data[slot])
    return scratch.data[slot];
  registerThread();
  release(scratch.data[slot]);
  addHeld(-static_cast<int64_t>(scratch.bytes[slot]));
  size_t capacity = usesGuardPages() ? bytes : roundBlockSize(bytes);
  scratch.data[slot] = reserve(capacity);
  if (!scratch.data[slot]) {
    fprintf(stderr, "fx runtime: out of memory for %zu scratch bytes\n", bytes);
    abort();
  }
  addHeld(static_cast<int64_t>(capacity));
  scratch.bytes[slot] = capacity;
  return scratch.data[slot];
}

static size_t getLentSize(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void fxrt::addThreadScratch(fx_rt_scratch &needs, ScratchSlot slot,
                            size_t bytes) {
  int64_t capacity = static_cast<int64_t>(roundBlockSize(bytes));
  needs.thread[slot] = maxOf(needs.thread[slot], capacity);
}

void fxrt::addLent(fx_rt_scratch &needs, size_t bytes) {
  needs.lent += static_cast<int64_t>(getLentSize(bytes));
}

void fx_rt_lend(void *opaque, void *memory, int64_t bytes) {
  if (fx_rt_context *ctx = resolve(opaque)) {
    ctx->lent = static_cast<char *>(memory);
    ctx->lentBytes = static_cast<size_t>(bytes);
    ctx->lentUsed = 0;
  }
}

void *fxrt::takeBlock(void *opaque, int64_t bytes) {
  fx_rt_context *ctx = resolve(opaque);
  if (!ctx)
    return nullptr;
  if (usesGuardPages())
    return allocateGuarded(static_cast<size_t>(bytes), kAlignment);
  size_t size = getLentSize(static_cast<size_t>(bytes));
  if (!ctx->lentBytes || ctx->lentUsed + size > ctx->lentBytes)
    return fx_rt_alloc(ctx, bytes);
  char *block = ctx->lent + ctx->lentUsed;
  ctx->lentUsed += size;
  return block;
}

void fxrt::returnBlock(void *opaque, void *block) {
  if (usesGuardPages())
    return freeGuarded(block);
  fx_rt_context *ctx = resolve(opaque);
  char *bytes = static_cast<char *>(block);
  if (ctx && ctx->lentBytes && bytes >= ctx->lent &&
      bytes <= ctx->lent + ctx->lentBytes)
    ctx->lentUsed = static_cast<size_t>(bytes - ctx->lent);
  else
    fx_rt_free(opaque, block);
}

int64_t fx_rt_memory_peak(int32_t restart) {
  int64_t peak = peakBytes;
  if (restart)
    peakBytes = heldBytes.load();
  return peak;
}

void fx_rt_set_error(const char *message) {
  snprintf(errorText, sizeof(errorText), "%s", message ? message : "");
}

const char *fx_rt_last_error(void) { return errorText; }

fx_rt_context *fx_rt_context_create(void) {
  auto *ctx = static_cast<fx_rt_context *>(calloc(1, sizeof(fx_rt_context)));
  if (!ctx) {
    reportOutOfMemory(sizeof(fx_rt_context));
    return nullptr;
  }
  pthread_mutex_init(&ctx->mutex, nullptr);
  const char *limit = getenv("FX_RT_CACHE_BYTES");
  ctx->cacheLimit = limit ? atoll(limit) : kDefaultCacheLimit;
  return ctx;
}

void fx_rt_context_destroy(fx_rt_context *ctx) {
  if (!ctx)
    return;
  fx_rt_context_trim(ctx);
  if (ctx->device.destroy)
    ctx->device.destroy(ctx->device.state);
  pthread_mutex_destroy(&ctx->mutex);
  free(ctx);
}

void *fx_rt_workspace(void *opaque, int64_t bytes) {
  fx_rt_context *ctx = resolve(opaque);
  if (!ctx)
    return nullptr;
  size_t wanted = bytes > 0 ? static_cast<size_t>(bytes) : 1;
  if (ctx->workspaceBytes >= wanted)
    return ctx->workspace;
  release(ctx->workspace);
  addHeld(-static_cast<int64_t>(ctx->workspaceBytes));
  ctx->workspace = reserve(wanted);
  ctx->workspaceBytes = ctx->workspace ? wanted : 0;
  addHeld(static_cast<int64_t>(ctx->workspaceBytes));
  if (!ctx->workspace)
    reportOutOfMemory(bytes);
  return ctx->workspace;
}

void *fx_rt_alloc(void *opaque, int64_t bytes) {
  fx_rt_context *ctx = resolve(opaque);
  if (!ctx)
    return nullptr;
  if (usesGuardPages()) {
    // A tensor is no better aligned than its elements need to be.
    void *block = allocateGuarded(bytes > 0 ? static_cast<size_t>(bytes) : 0, 1);
    if (!block)
      reportOutOfMemory(bytes);
    return block;
  }
  size_t capacity = roundBlockSize(bytes > 0 ? static_cast<size_t>(bytes) : 0);

  pthread_mutex_lock(&ctx->mutex);
  BlockHeader **link = &ctx->freeBlocks;
  while (*link && (*link)->capacity != capacity)
    link = &(*link)->next;
  BlockHeader *header = *link;
  if (header) {
    *link = header->next;
    ctx->cachedBytes -= static_cast<int64_t>(capacity);
  }
  pthread_mutex_unlock(&ctx->mutex);

  if (!header) {
    header = static_cast<BlockHeader *>(
        allocateAligned(capacity + sizeof(BlockHeader)));
    if (!header) {
      reportOutOfMemory(bytes);
      return nullptr;
    }
    addHeld(static_cast<int64_t>(capacity + sizeof(BlockHeader)));
    header->capacity = capacity;
    header->owner = ctx;
  }
  return header + 1;
}

void fx_rt_free(void *, void *block) {
  if (!block)
    return;
  if (usesGuardPages())
    return freeGuarded(block);
  BlockHeader *header = static_cast<BlockHeader *>(block) - 1;
  fx_rt_context *ctx = header->owner;
  pthread_mutex_lock(&ctx->mutex);
  int64_t capacity = static_cast<int64_t>(header->capacity);
  bool keep = ctx->cachedBytes + capacity <= ctx->cacheLimit;
  if (keep) {
    header->next = ctx->freeBlocks;
    ctx->freeBlocks = header;
    ctx->cachedBytes += capacity;
  }
  pthread_mutex_unlock(&ctx->mutex);
  if (!keep)
    freeBlock(header);
}

void fx_rt_context_trim(void *opaque) {
  fx_rt_context *ctx = resolve(opaque);
  if (!ctx)
    return;
  pthread_mutex_lock(&ctx->mutex);
  release(ctx->workspace);
  ctx->workspace = nullptr;
  addHeld(-static_cast<int64_t>(ctx->workspaceBytes));
  ctx->workspaceBytes = 0;
  while (BlockHeader *header = ctx->freeBlocks) {
    ctx->freeBlocks = header->next;
    freeBlock(header);
  }
  ctx->cachedBytes = 0;
  pthread_mutex_unlock(&ctx->mutex);
  if (ctx->device.trim)
    ctx->device.trim(ctx->device.state);
}
