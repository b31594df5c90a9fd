//===- TestSupport.h - Checks and random data for the runtime's tests -----===//

#ifndef FX_TEST_RUNTIME_TESTSUPPORT_H
#define FX_TEST_RUNTIME_TESTSUPPORT_H

#include "fx/Runtime/Runtime.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

namespace fxtest {

inline int failures = 0;
inline long checks = 0;

#define FX_CHECK(condition, ...)                                               \
  do {                                                                         \
    ++fxtest::checks;                                                          \
    if (!(condition)) {                                                        \
      ++fxtest::failures;                                                      \
      std::printf("%s:%d: %s failed: ", __FILE__, __LINE__, #condition);       \
      std::printf(__VA_ARGS__);                                                \
      std::printf("\n");                                                       \
      if (fxtest::failures > 20)                                               \
        std::exit(1);                                                          \
    }                                                                          \
  } while (0)

inline std::mt19937 &generator() {
  static std::mt19937 engine(1234);
  return engine;
}

inline int64_t pick(const std::vector<int64_t> &choices) {
  return choices[generator()() % choices.size()];
}

template <typename T = float>
std::vector<T> randomValues(int64_t count) {
  std::uniform_real_distribution<double> values(-1, 1);
  std::vector<T> result(count);
  for (T &value : result)
    value = static_cast<T>(values(generator()));
  return result;
}

/// The largest difference relative to `scale`, NaN counting as infinite.
template <typename T>
double worstError(const std::vector<T> &got, const std::vector<double> &want,
                  double scale) {
  double worst = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    double error = std::abs(static_cast<double>(got[i]) - want[i]) / scale;
    if (!(error <= worst))
      worst = std::isnan(error) ? INFINITY : error;
  }
  return worst;
}

/// Bits of a multiple of 1/8 with few significant bits, exact in both narrow
/// types.
inline uint16_t narrowBits(int eighths, bool half) {
  float f = float(eighths) / 8;
  if (half) {
    _Float16 h = f;
    uint16_t bits;
    std::memcpy(&bits, &h, 2);
    return bits;
  }
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits >> 16;
}

void testMemory();
void testTensorMemory();
void testGuardPages();
void testParallel();
void testGemm();
void testAttention();
void testConvolution();
void testRandom();
void testCuda();

} // namespace fxtest

#endif // FX_TEST_RUNTIME_TESTSUPPORT_H
