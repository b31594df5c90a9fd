//===- Internal.h - Shared parts of the run-time library --------*- C++ -*-===//

#ifndef FX_LIB_RUNTIME_INTERNAL_H
#define FX_LIB_RUNTIME_INTERNAL_H

#include "fx/Runtime/Runtime.h"

#include <stddef.h>

namespace fxrt {

/// Memory of the calling thread that is kept until the thread ends, for packed
/// operands and the like. Each use has its own slot; a second request for a
/// slot invalidates the first one's pointer. Aborts when out of memory: the
/// sizes are bounded by the blocking, not by the problem.
enum ScratchSlot {
  ScratchPackA,
  ScratchPackB,
  ScratchTile,
  ScratchConv,
  ScratchSlotCount
};
void *threadScratch(ScratchSlot slot, size_t bytes);

/// Adds a request of threadScratch, or of a ScopedBuffer, to what a kernel
/// needs.
void addThreadScratch(fx_rt_scratch &scratch, ScratchSlot slot, size_t bytes);
void addLent(fx_rt_scratch &scratch, size_t bytes);

template <typename T>
T *threadScratchOf(ScratchSlot slot, int64_t count) {
  return static_cast<T *>(threadScratch(slot, count * sizeof(T)));
}

/// What the part of the library that drives GPUs keeps in a context. It is
/// reached through these functions only, so that code for CPUs does not link
/// it in. All null until that part is used.
struct DeviceSlot {
  void *state;
  /// Gives cached memory back; frees everything.
  void (*trim)(void *state);
  void (*destroy)(void *state);
};
/// That of a context, or of the thread's for NULL; null without memory.
DeviceSlot *getDeviceSlot(void *ctx);

/// True inside fx_rt_parallel_for with more than one thread, where further
/// regions run serially.
bool inParallelRegion();

/// Number of threads that a region started here would use.
int64_t availableThreads();

/// fx_rt_parallel_for with a callable.
template <typename Body>
void parallelFor(void *ctx, int64_t n, int64_t grain, const Body &body) {
  fx_rt_parallel_for(
      ctx,
      [](void *closure, int64_t begin, int64_t end) {
        (*static_cast<const Body *>(closure))(begin, end);
      },
      const_cast<Body *>(&body), n, grain);
}

/// 64-byte aligned memory for free(), NULL if there is none; large blocks ask
/// for huge pages.
void *allocateAligned(size_t bytes);

/// Whether buffers end at pages that nobody may touch, to test compiled code;
/// then each has memory of its own, as large as was asked for.
bool usesGuardPages();
void *allocateGuarded(size_t bytes, size_t alignment);
void freeGuarded(void *data);

/// Records the error text of a failed allocation.
void reportOutOfMemory(int64_t bytes);

/// A block of the memory that the context was lent, else of fx_rt_alloc. The
/// last one taken is the first one to be given back.
void *takeBlock(void *ctx, int64_t bytes);
void returnBlock(void *ctx, void *block);

/// Such a block that gives itself back.
template <typename T>
class ScopedBuffer {
public:
  ScopedBuffer(void *ctx, int64_t count)
      : ctx(ctx), data(count ? static_cast<T *>(takeBlock(ctx, count * sizeof(T)))
                             : getNothing()) {}
  ~ScopedBuffer() {
    if (data != getNothing())
      returnBlock(ctx, data);
  }
  ScopedBuffer(const ScopedBuffer &) = delete;
  ScopedBuffer &operator=(const ScopedBuffer &) = delete;
  T *get() const { return data; }

private:
  /// What stands for a block of no elements: no failure, and no memory.
  static T *getNothing() {
    alignas(64) static char nothing[64];
    return reinterpret_cast<T *>(nothing);
  }

  void *ctx;
  T *data;
};

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }
inline int64_t minOf(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t maxOf(int64_t a, int64_t b) { return a > b ? a : b; }

/// A range cut into nearly equal parts, the longer ones first.
struct EvenSplit {
  int64_t size, parts;
  int64_t begin(int64_t i) const {
    int64_t extra = size % parts;
    return i * (size / parts) + (i < extra ? i : extra);
  }
};

} // namespace fxrt

#endif // FX_LIB_RUNTIME_INTERNAL_H
