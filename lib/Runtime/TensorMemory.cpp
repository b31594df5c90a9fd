//===- TensorMemory.cpp - Memory of tensors that leave compiled code ------===//
//
// The host frees a result after a step and asks for the same one in the next.
// Fresh pages from the system cost more than many kernels take to fill them, so
// freed blocks stay, the most recently used first. Together with what is in use
// they never take more than what was in use at one time, and never more than a
// limit.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"
#include "Sanitizer.h"

#include <pthread.h>
#include <stdlib.h>

using namespace fxrt;

struct fx_rt_block {
  void *data;
  int64_t capacity;
  /// Neighbours in the list of free blocks.
  fx_rt_block *newer, *older;
};

namespace {
constexpr int64_t kPage = 4096;
constexpr int64_t kDefaultLimit = int64_t(1) << 30;

struct BlockCache {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  fx_rt_block *newest = nullptr, *oldest = nullptr;
  int64_t freeBytes = 0, usedBytes = 0, peakBytes = 0;
  int64_t limit = -1;

  void unlink(fx_rt_block *block) {
    (block->newer ? block->newer->older : newest) = block->older;
    (block->older ? block->older->newer : oldest) = block->newer;
    freeBytes -= block->capacity;
  }
  void insert(fx_rt_block *block) {
    block->newer = nullptr;
    block->older = newest;
    (newest ? newest->newer : oldest) = block;
    newest = block;
    freeBytes += block->capacity;
  }
  /// The smallest free block that wastes less than an eighth; nothing with
  /// AddressSanitizer.
  fx_rt_block *take(int64_t capacity) {
    fx_rt_block *best = nullptr;
    for (fx_rt_block *block = newest; block; block = block->older)
      if (block->capacity >= capacity &&
          block->capacity - capacity <= (kIsSanitized ? 0 : capacity / 8) &&
          (!best || block->capacity < best->capacity))
        best = block;
    if (best)
      unlink(best);
    return best;
  }
  /// Takes the oldest blocks out until no more than `bytes` are free; a list by
  /// `older`.
  fx_rt_block *shrink(int64_t bytes) {
    fx_rt_block *removed = nullptr;
    while (oldest && freeBytes > bytes) {
      fx_rt_block *block = oldest;
      unlink(block);
      block->older = removed;
      removed = block;
    }
    return removed;
  }
};
BlockCache cache;
pthread_once_t once = PTHREAD_ONCE_INIT;

void initialize() {
  const char *text = getenv("FX_RT_TENSOR_CACHE_BYTES");
  cache.limit = text ? atoll(text) : kDefaultLimit;
  // Another thread may have held the lock in the middle of a change.
  pthread_atfork(nullptr, nullptr, [] {
    pthread_mutex_init(&cache.mutex, nullptr);
    cache.newest = cache.oldest = nullptr;
    cache.freeBytes = 0;
  });
}

void destroy(fx_rt_block *list) {
  while (list) {
    fx_rt_block *next = list->older;
    free(list->data);
    free(list);
    list = next;
  }
}
} // namespace

/// A block that is not kept, for tests.
static void *acquireGuarded(int64_t bytes, fx_rt_block **result) {
  auto *block = static_cast<fx_rt_block *>(calloc(1, sizeof(fx_rt_block)));
  if (block)
    block->data = allocateGuarded(static_cast<size_t>(maxOf(bytes, 0)), 1);
  if (!block || !block->data) {
    free(block);
    reportOutOfMemory(bytes);
    return nullptr;
  }
  *result = block;
  return block->data;
}

void *fx_rt_tensor_acquire(int64_t bytes, fx_rt_block **result) {
  if (usesGuardPages())
    return acquireGuarded(bytes, result);
  pthread_once(&once, initialize);
  int64_t capacity = roundUp(maxOf(bytes, 1), kIsSanitized ? 1 : kPage);
  pthread_mutex_lock(&cache.mutex);
  fx_rt_block *block = cache.take(capacity), *removed = nullptr;
  if (block)
    capacity = block->capacity;
  cache.usedBytes += capacity;
  cache.peakBytes = maxOf(cache.peakBytes, cache.usedBytes);
  if (!block)
    removed = cache.shrink(cache.peakBytes - cache.usedBytes);
  pthread_mutex_unlock(&cache.mutex);
  destroy(removed);

  if (!block) {
    block = static_cast<fx_rt_block *>(malloc(sizeof(fx_rt_block)));
    void *data = block ? allocateAligned(capacity) : nullptr;
    if (!data) {
      free(block);
      pthread_mutex_lock(&cache.mutex);
      cache.usedBytes -= capacity;
      removed = cache.shrink(0);
      pthread_mutex_unlock(&cache.mutex);
      destroy(removed);
      reportOutOfMemory(bytes);
      return nullptr;
    }
    block->data = data;
    block->capacity = capacity;
  }
  *result = block;
  return block->data;
}

void fx_rt_tensor_release(void *, void *opaque) {
  auto *block = static_cast<fx_rt_block *>(opaque);
  if (!block)
    return;
  if (usesGuardPages()) {
    freeGuarded(block->data);
    free(block);
    return;
  }
  pthread_mutex_lock(&cache.mutex);
  cache.usedBytes -= block->capacity;
  cache.insert(block);
  fx_rt_block *removed =
      cache.shrink(minOf(cache.limit, cache.peakBytes - cache.usedBytes));
  pthread_mutex_unlock(&cache.mutex);
  destroy(removed);
}

void fx_rt_tensor_trim(void) {
  pthread_mutex_lock(&cache.mutex);
  fx_rt_block *removed = cache.shrink(0);
  cache.peakBytes = cache.usedBytes;
  pthread_mutex_unlock(&cache.mutex);
  destroy(removed);
}

int64_t fx_rt_tensor_cached_bytes(void) {
  pthread_mutex_lock(&cache.mutex);
  int64_t bytes = cache.freeBytes;
  pthread_mutex_unlock(&cache.mutex);
  return bytes;
}
