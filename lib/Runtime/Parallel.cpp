//===- Parallel.cpp - parallel_for on the host's or our own threads -------===//

#include "Internal.h"

#include <atomic>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

using namespace fxrt;

namespace {
constexpr int32_t kMaxThreads = 256;

std::atomic<int32_t> threadSetting{0};
thread_local bool insideRegion;

int32_t countFromEnvironment(const char *name) {
  const char *text = getenv(name);
  return text ? atoi(text) : 0;
}

/// The processors that the process may use.
int32_t processorCount() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return CPU_COUNT(&set);
#endif
  return static_cast<int32_t>(sysconf(_SC_NPROCESSORS_ONLN));
}

int32_t defaultThreadCount() {
  int32_t count = countFromEnvironment("FX_NUM_THREADS");
  if (count < 1)
    count = countFromEnvironment("OMP_NUM_THREADS");
  return count < 1 ? processorCount() : count;
}

/// One parallel region: `parts` ranges, claimed by the participating threads.
/// A thread looks at the range of its own number first, so that repeated
/// regions over the same data stay in the same caches, then takes what is
/// left: a team may turn out smaller than asked for.
struct Region {
  void (*body)(void *, int64_t, int64_t);
  void *closure;
  EvenSplit split;
  std::atomic<uint8_t> claimed[kMaxThreads];

  void run(int64_t self) {
    insideRegion = true;
    for (int64_t i = 0; i < split.parts; ++i) {
      int64_t part = (self + i) % split.parts;
      if (claimed[part].load(std::memory_order_relaxed) ||
          claimed[part].exchange(1, std::memory_order_acq_rel))
        continue;
      body(closure, split.begin(part), split.begin(part + 1));
    }
    insideRegion = false;
  }
};

//===----------------------------------------------------------------------===//
// The host's OpenMP runtime
//===----------------------------------------------------------------------===//

struct HostOpenMP {
  void (*parallel)(void (*)(void *), void *, unsigned, unsigned);
  int (*threadNum)();
  int (*inParallel)();
};
HostOpenMP hostOpenMP;

/// Only a runtime that is loaded already counts: we never bring a second one.
/// The search is repeated while it fails, since a host may load it later.
bool findHostOpenMP() {
  static std::atomic<int> state{0};
  static std::atomic<int> attempts{0};
  int known = state.load(std::memory_order_acquire);
  if (known)
    return known == 1;
  HostOpenMP found;
  found.parallel = reinterpret_cast<decltype(found.parallel)>(
      dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  found.threadNum = reinterpret_cast<decltype(found.threadNum)>(
      dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
  found.inParallel = reinterpret_cast<decltype(found.inParallel)>(
      dlsym(RTLD_DEFAULT, "omp_in_parallel"));
  if (found.parallel && found.threadNum && found.inParallel) {
    hostOpenMP = found;
    state.store(1, std::memory_order_release);
    return true;
  }
  if (attempts.fetch_add(1) > 16)
    state.store(2, std::memory_order_release);
  return false;
}

//===----------------------------------------------------------------------===//
// Our own threads
//===----------------------------------------------------------------------===//

struct Pool {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
  pthread_cond_t done = PTHREAD_COND_INITIALIZER;
  /// Serialises regions started by different threads.
  pthread_mutex_t regions = PTHREAD_MUTEX_INITIALIZER;
  Region *region = nullptr;
  std::atomic<uint64_t> generation{0};
  int64_t wanted = 0;
  std::atomic<int64_t> running{0};
  std::atomic<int> spins{0};
  int64_t workers = 0;
};
Pool pool;

inline void relaxCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// A worker spins this often for the next region before it sleeps, and the
/// caller for the workers, if each has a processor of its own: 0.1 ms, more
/// than it takes to wake a thread. With less, a caller that found its workers
/// asleep falls asleep before they come, and they before it is back, each time.
constexpr int kSpins = 4096;
/// Between these many it lets others run: the thread that is waited for may have
/// been put on the same processor.
constexpr int kSpinsAtOnce = 64;

int getSpins(int64_t threads) {
  static const int32_t processors = processorCount();
  static const bool isPassive = [] {
    const char *policy = getenv("OMP_WAIT_POLICY");
    return policy && (*policy == 'p' || *policy == 'P');
  }();
  return isPassive || threads > processors ? 0 : kSpins;
}

template <typename Condition>
void spinUntil(int spins, const Condition &condition) {
  for (int i = 1; i <= spins && !condition(); ++i) {
    relaxCpu();
    if (i % kSpinsAtOnce == 0)
      sched_yield();
  }
}

void *workerMain(void *argument) {
  int64_t self = reinterpret_cast<intptr_t>(argument);
  // The creator counts us as part of the generation that is about to start.
  uint64_t seen = 0;
  while (true) {
    spinUntil(pool.spins.load(std::memory_order_relaxed),
              [&] { return pool.generation.load() != seen; });
    pthread_mutex_lock(&pool.mutex);
    while (pool.generation.load() == seen)
      pthread_cond_wait(&pool.wake, &pool.mutex);
    seen = pool.generation.load();
    Region *region = self < pool.wanted ? pool.region : nullptr;
    pthread_mutex_unlock(&pool.mutex);
    if (!region)
      continue;
    region->run(self);
    if (pool.running.fetch_sub(1) == 1) {
      pthread_mutex_lock(&pool.mutex);
      pthread_cond_signal(&pool.done);
      pthread_mutex_unlock(&pool.mutex);
    }
  }
  return nullptr;
}

/// The child of a fork has no workers: start afresh there.
void resetPoolAfterFork() {
  pthread_mutex_init(&pool.mutex, nullptr);
  pthread_mutex_init(&pool.regions, nullptr);
  pthread_cond_init(&pool.wake, nullptr);
  pthread_cond_init(&pool.done, nullptr);
  pool.region = nullptr;
  pool.generation = 0;
  pool.running = 0;
  pool.workers = 0;
  insideRegion = false;
}

void runOnPool(Region &region) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once,
               [] { pthread_atfork(nullptr, nullptr, resetPoolAfterFork); });
  pthread_mutex_lock(&pool.regions);
  pthread_mutex_lock(&pool.mutex);
  // Workers are numbered from 1; the caller is number 0.
  while (pool.workers + 1 < region.split.parts) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int failed =
        pthread_create(&thread, &attributes, workerMain,
                       reinterpret_cast<void *>(intptr_t(pool.workers + 1)));
    pthread_attr_destroy(&attributes);
    if (failed)
      break;
    ++pool.workers;
  }
  int64_t helpers = minOf(pool.workers, region.split.parts - 1);
  pool.region = &region;
  pool.wanted = helpers + 1;
  pool.running = helpers;
  int spins = getSpins(helpers + 1);
  pool.spins.store(spins, std::memory_order_relaxed);
  pool.generation.fetch_add(1);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.mutex);

  region.run(0);

  spinUntil(spins, [] { return pool.running.load() == 0; });
  pthread_mutex_lock(&pool.mutex);
  while (pool.running.load() != 0)
    pthread_cond_wait(&pool.done, &pool.mutex);
  pthread_mutex_unlock(&pool.mutex);
  pthread_mutex_unlock(&pool.regions);
}
} // namespace

bool fxrt::inParallelRegion() { return insideRegion; }

int64_t fxrt::availableThreads() {
  return insideRegion ? 1 : fx_rt_get_num_threads();
}

void fx_rt_set_num_threads(int32_t count) {
  threadSetting.store(count < 1 ? 0 : count, std::memory_order_relaxed);
}

int32_t fx_rt_get_num_threads(void) {
  int32_t count = threadSetting.load(std::memory_order_relaxed);
  if (count < 1) {
    count = defaultThreadCount();
    threadSetting.store(count, std::memory_order_relaxed);
  }
  return count < kMaxThreads ? count : kMaxThreads;
}

void fx_rt_parallel_for(void *, void (*body)(void *, int64_t, int64_t),
                        void *closure, int64_t n, int64_t grain) {
  if (n <= 0)
    return;
  if (grain < 1)
    grain = 1;
  int64_t parts = n <= grain || insideRegion
                      ? 1
                      : minOf(fx_rt_get_num_threads(), n / grain);
  if (parts <= 1) {
    body(closure, 0, n);
    return;
  }
  bool host = findHostOpenMP();
  if (host && hostOpenMP.inParallel()) {
    body(closure, 0, n);
    return;
  }

  Region region;
  region.body = body;
  region.closure = closure;
  region.split = {n, parts};
  for (int64_t i = 0; i < parts; ++i)
    region.claimed[i].store(0, std::memory_order_relaxed);
  if (!host) {
    runOnPool(region);
    return;
  }
  hostOpenMP.parallel(
      [](void *data) {
        static_cast<Region *>(data)->run(hostOpenMP.threadNum());
      },
      &region, static_cast<unsigned>(parts), 0);
}
