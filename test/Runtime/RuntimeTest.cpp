//===- RuntimeTest.cpp - Tests of the run-time library --------------------===//
//
// Usage: fx-runtime-test SECTION [THREADS]. The instruction set under test is
// the one that FX_RT_ISA chooses.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "fx/Runtime/Philox.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

using namespace fxtest;

/// Blocks of slightly different sizes are the same, except with
/// AddressSanitizer.
#ifdef __SANITIZE_ADDRESS__
static constexpr int64_t kNearly5000 = 5000;
#else
static constexpr int64_t kNearly5000 = 4999;
#endif

void fxtest::testMemory() {
  FX_CHECK(std::strcmp(fx_rt_last_error(), "") == 0, "initial error text");
  fx_rt_set_error("first");
  fx_rt_set_error("second");
  FX_CHECK(std::strcmp(fx_rt_last_error(), "second") == 0, "last error text");

  fx_rt_context *ctx = fx_rt_context_create();
  void *contexts[] = {ctx, nullptr};
  for (void *context : contexts) {
    char *first = static_cast<char *>(fx_rt_workspace(context, 1000));
    FX_CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0, "alignment");
    std::memset(first, 1, 1000);
    FX_CHECK(fx_rt_workspace(context, 10) == first, "workspace is kept");
    char *large = static_cast<char *>(fx_rt_workspace(context, 10 << 20));
    std::memset(large, 1, 10 << 20);
    FX_CHECK(fx_rt_workspace(context, 0) == large, "workspace is kept");

    void *a = fx_rt_alloc(context, 5000), *b = fx_rt_alloc(context, 5000);
    FX_CHECK(a != b && a && b, "distinct blocks");
    FX_CHECK(reinterpret_cast<uintptr_t>(a) % 64 == 0, "alignment");
    std::memset(a, 1, 5000);
    fx_rt_free(context, a);
    FX_CHECK(fx_rt_alloc(context, kNearly5000) == a, "freed block is reused");
    void *empty = fx_rt_alloc(context, 0);
    FX_CHECK(empty != nullptr, "empty block");
    fx_rt_free(context, empty);
    fx_rt_free(context, a);
    fx_rt_free(context, b);
    fx_rt_free(context, nullptr);
    fx_rt_context_trim(context);
  }
  FX_CHECK(fx_rt_workspace(ctx, int64_t(1) << 60) == nullptr, "out of memory");
  FX_CHECK(std::strstr(fx_rt_last_error(), "out of memory"), "error text");
  FX_CHECK(fx_rt_workspace(ctx, 64) != nullptr, "usable after a failure");
  fx_rt_context_destroy(ctx);
}

/// The signal that ends a process which runs `body`; 0 if none does.
template <typename Body>
static int getSignal(const Body &body) {
  pid_t child = fork();
  if (child == 0) {
    // The signals are expected: no report, no core.
    for (int number : {SIGSEGV, SIGABRT})
      signal(number, SIG_DFL);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/// With FX_RT_GUARD_PAGES=1.
void fxtest::testGuardPages() {
  const int64_t size = 5 * 4;
  fx_rt_block *block;
  auto *tensor =
      static_cast<volatile float *>(fx_rt_tensor_acquire(size, &block));
  auto *inner = static_cast<volatile float *>(fx_rt_alloc(nullptr, size));
  auto *workspace = static_cast<volatile char *>(fx_rt_workspace(nullptr, 100));
  for (volatile float *data : {tensor, inner}) {
    FX_CHECK(std::isnan(data[0]) && std::isnan(data[4]), "unwritten");
    data[0] = data[4] = 1;
    FX_CHECK(getSignal([&] { data[5] = 1; }) == SIGSEGV, "write beyond");
    FX_CHECK(getSignal([&] { (void)data[5]; }) == SIGSEGV, "read beyond");
    FX_CHECK(getSignal([&] { data[-2000] = 1; }) == SIGSEGV, "far before");
  }
  FX_CHECK(getSignal([&] {
             inner[-1] = 1;
             fx_rt_free(nullptr, const_cast<float *>(inner));
           }) == SIGABRT,
           "write before");
  FX_CHECK(reinterpret_cast<uintptr_t>(workspace) % 64 == 0, "alignment");
  FX_CHECK(getSignal([&] { workspace[128] = 1; }) == SIGSEGV, "workspace");
  fx_rt_tensor_release(const_cast<float *>(tensor), block);
  FX_CHECK(getSignal([&] { (void)tensor[0]; }) == SIGSEGV, "use after release");
  fx_rt_free(nullptr, const_cast<float *>(inner));
  FX_CHECK(fx_rt_alloc(nullptr, int64_t(1) << 60) == nullptr, "out of memory");
  void *empty = fx_rt_alloc(nullptr, 0);
  FX_CHECK(empty != nullptr, "empty block");
  fx_rt_free(nullptr, empty);
}

void fxtest::testTensorMemory() {
  fx_rt_tensor_trim();
  const int64_t size = int64_t(1) << 20;
  fx_rt_block *blocks[3];
  void *data[3];
  for (int i = 0; i < 3; ++i) {
    data[i] = fx_rt_tensor_acquire(size, &blocks[i]);
    FX_CHECK(data[i] && reinterpret_cast<uintptr_t>(data[i]) % 64 == 0,
             "alignment");
    std::memset(data[i], 1, size);
  }
  fx_rt_tensor_release(data[1], blocks[1]);
  FX_CHECK(fx_rt_tensor_cached_bytes() == size, "a freed block is kept");
  fx_rt_block *block;
  void *again = fx_rt_tensor_acquire(size - 5000, &block);
  FX_CHECK(again == data[1] && block == blocks[1], "and used again");
  fx_rt_tensor_release(again, block);
  // A size that does not fit: what was free goes, so that no more is held
  // than was in use at one time.
  void *large = fx_rt_tensor_acquire(2 * size, &block);
  FX_CHECK(fx_rt_tensor_cached_bytes() == 0, "free blocks make room");
  fx_rt_tensor_release(large, block);
  FX_CHECK(fx_rt_tensor_acquire(int64_t(1) << 60, &block) == nullptr,
           "out of memory");
  FX_CHECK(std::strstr(fx_rt_last_error(), "out of memory"), "error text");
  void *empty = fx_rt_tensor_acquire(0, &block);
  FX_CHECK(empty != nullptr, "empty block");
  fx_rt_tensor_release(empty, block);
  fx_rt_tensor_release(data[0], blocks[0]);
  fx_rt_tensor_release(data[2], blocks[2]);
  fx_rt_tensor_release(nullptr, nullptr);
  fx_rt_tensor_trim();
  FX_CHECK(fx_rt_tensor_cached_bytes() == 0, "trim");
}

void fxtest::testParallel() {
  int32_t setting = fx_rt_get_num_threads();
  FX_CHECK(setting >= 1, "%d threads", setting);
  for (int32_t threads : {1, 2, 5}) {
    fx_rt_set_num_threads(threads);
    FX_CHECK(fx_rt_get_num_threads() == threads, "setting is kept");
    for (int64_t n : {0, 1, 2, 7, 1000})
      for (int64_t grain : {0, 1, 3, 1000}) {
        struct State {
          std::vector<std::atomic<int>> visits;
          std::atomic<int64_t> calls{0}, shortRanges{0};
          std::atomic<int64_t> nestedRanges{0}, nestedElements{0};
          int64_t grain;
        };
        State state{std::vector<std::atomic<int>>(n)};
        state.grain = grain;
        fx_rt_parallel_for(
            nullptr,
            [](void *closure, int64_t begin, int64_t end) {
              State &s = *static_cast<State *>(closure);
              ++s.calls;
              if (end - begin < s.grain)
                ++s.shortRanges;
              for (int64_t i = begin; i < end; ++i)
                ++s.visits[i];
              fx_rt_parallel_for(
                  nullptr,
                  [](void *closure, int64_t from, int64_t to) {
                    State &s = *static_cast<State *>(closure);
                    ++s.nestedRanges;
                    s.nestedElements += to - from;
                  },
                  &s, 100, 1);
            },
            &state, n, grain);
        for (int64_t i = 0; i < n; ++i)
          FX_CHECK(state.visits[i] == 1, "index %ld visited %d times", long(i),
                   int(state.visits[i]));
        FX_CHECK(state.calls <= threads, "%ld ranges for %d threads",
                 long(state.calls), threads);
        FX_CHECK(state.shortRanges <= 1, "ranges below the grain");
        FX_CHECK(state.nestedElements == 100 * state.calls,
                 "%ld elements in %ld nested regions",
                 long(state.nestedElements), long(state.calls));
        // Inside a region that was split, a nested one is one range; a region
        // of a single range leaves the threads to the nested one.
        if (state.calls > 1)
          FX_CHECK(state.nestedRanges == state.calls,
                   "%ld ranges in %ld nested regions",
                   long(state.nestedRanges), long(state.calls));
      }
  }
  // Many short regions in a row: the threads must not miss one.
  int64_t sum = 0;
  for (int i = 0; i < 20000; ++i) {
    int64_t parts[2] = {0, 0};
    fx_rt_parallel_for(
        nullptr,
        [](void *closure, int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i)
            static_cast<int64_t *>(closure)[i] = i + 1;
        },
        parts, 2, 1);
    sum += parts[0] + parts[1];
  }
  FX_CHECK(sum == 60000, "sum is %ld", long(sum));
  fx_rt_set_num_threads(setting);
}

void fxtest::testRandom() {
  // Known answers of Philox4x32-10 (Random123's kat_vectors): zeros, and the
  // digits of pi in counter and key; only a counter below 2^64 is reachable.
  uint32_t words[4];
  fx_philox_block(0, 0, words);
  FX_CHECK(words[0] == 0x6627e8d5u && words[1] == 0xe169c58du &&
               words[2] == 0xbc57ac4cu && words[3] == 0x9b00dbd8u,
           "%08x %08x %08x %08x", words[0], words[1], words[2], words[3]);
  const int64_t n = 1003;
  for (uint64_t offset : {uint64_t(0), uint64_t(1), uint64_t(6),
                          (uint64_t(1) << 34) - 5}) {
    std::vector<float> values(n);
    fx_rt_philox_uniform_f32(42, offset, values.data(), n);
    for (int64_t i = 0; i < n; ++i) {
      FX_CHECK(values[i] == fx_rt_philox_uniform_f32_at(42, offset + i),
               "element %ld", long(i));
      FX_CHECK(values[i] >= 0 && values[i] < 1, "%f", values[i]);
    }
  }
  std::vector<float> many(100000);
  fx_rt_philox_uniform_f32(7, 0, many.data(), many.size());
  double mean = 0, square = 0;
  for (float value : many) {
    mean += value / many.size();
    square += double(value) * value / many.size();
  }
  FX_CHECK(std::abs(mean - 0.5) < 0.01, "mean %f", mean);
  FX_CHECK(std::abs(square - 1.0 / 3) < 0.01, "second moment %f", square);
  fx_rt_philox_uniform_f32(7, 0, nullptr, 0);
}

int main(int argc, char **argv) {
  if (argc > 2)
    fx_rt_set_num_threads(std::atoi(argv[2]));
  const struct {
    const char *name;
    void (*run)();
  } sections[] = {{"memory", testMemory},
                  {"tensor-memory", testTensorMemory},
                  {"guard-pages", testGuardPages},
                  {"parallel", testParallel},
                  {"gemm", testGemm},
                  {"attention", testAttention},
                  {"conv", testConvolution},
                  {"random", testRandom},
                  {"cuda", testCuda}};
  for (const auto &section : sections)
    if (argc > 1 && std::strcmp(argv[1], section.name) == 0) {
      section.run();
      std::printf("%s: isa %s, %d threads, %ld checks, %d failures\n",
                  section.name, fx_rt_isa(), fx_rt_get_num_threads(), checks,
                  failures);
      return failures != 0;
    }
  std::printf("usage: fx-runtime-test memory|tensor-memory|guard-pages|parallel|gemm|attention|conv|random|"
              "cuda [THREADS]\n");
  return 2;
}
