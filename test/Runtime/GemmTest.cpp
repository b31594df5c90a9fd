//===- GemmTest.cpp - Matrix products against loops in double -------------===//

#include "TestSupport.h"

#include <algorithm>
#include <cstring>

using namespace fxtest;

namespace {
const std::vector<int64_t> kSizes = {1,  2,  3,  4,  5,  7,  8,   14,
                                     16, 17, 31, 32, 33, 65, 100, 200};

/// A matrix inside a larger buffer, in one of several layouts.
template <typename T>
struct Matrix {
  std::vector<T> data;
  int64_t rs, cs;
  Matrix(int64_t rows, int64_t cols, int layout) {
    if (layout == 0) { // row-major
      rs = cols;
      cs = 1;
    } else if (layout == 1) { // column-major
      rs = 1;
      cs = rows;
    } else if (layout == 2) { // rows with gaps
      rs = cols + 3;
      cs = 1;
    } else { // no unit stride
      cs = 2;
      rs = 2 * cols + 1;
    }
    data = randomValues<T>(std::max<int64_t>(rows, 1) * rs +
                           std::max<int64_t>(cols, 1) * cs);
  }
  T at(int64_t i, int64_t j) const { return data[i * rs + j * cs]; }
};

struct EpilogueState {
  std::vector<int> visits;
  int64_t N;
};

/// Doubles the tile and counts every element.
template <typename T>
void doubleTile(void *closure, int64_t batch, int64_t row, int64_t col,
                int64_t rows, int64_t cols, T *tile, int64_t ld) {
  auto &state = *static_cast<EpilogueState *>(closure);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      tile[i * ld + j] *= 2;
      ++state.visits[(row + i) * state.N + col + j];
    }
}

void run(int64_t M, int64_t N, int64_t K, const Matrix<float> &a,
         const Matrix<float> &b, float *c, int64_t ldc, bool accumulate,
         fx_rt_epilogue_f32 epilogue, void *closure) {
  fx_rt_sgemm(nullptr, M, N, K, a.data.data(), a.rs, a.cs, b.data.data(), b.rs,
              b.cs, c, ldc, accumulate, epilogue, closure);
}
void run(int64_t M, int64_t N, int64_t K, const Matrix<double> &a,
         const Matrix<double> &b, double *c, int64_t ldc, bool accumulate,
         fx_rt_epilogue_f64 epilogue, void *closure) {
  fx_rt_dgemm(nullptr, M, N, K, a.data.data(), a.rs, a.cs, b.data.data(), b.rs,
              b.cs, c, ldc, accumulate, epilogue, closure);
}

template <typename T>
void checkOne(int64_t M, int64_t N, int64_t K, int layoutA, int layoutB,
              bool accumulate, bool withEpilogue) {
  Matrix<T> a(M, K, layoutA), b(K, N, layoutB);
  int64_t ldc = N + generator()() % 3;
  std::vector<T> c = randomValues<T>(M * ldc);
  std::vector<double> want(c.begin(), c.end());
  for (int64_t i = 0; i < M; ++i)
    for (int64_t j = 0; j < N; ++j) {
      double sum = accumulate ? want[i * ldc + j] : 0;
      for (int64_t k = 0; k < K; ++k)
        sum += double(a.at(i, k)) * b.at(k, j);
      want[i * ldc + j] = withEpilogue ? 2 * sum : sum;
    }
  EpilogueState state{std::vector<int>(M * N), N};
  run(M, N, K, a, b, c.data(), ldc, accumulate,
      withEpilogue ? doubleTile<T> : nullptr, &state);
  double tolerance = sizeof(T) == 8 ? 1e-13 : 4e-6;
  double error = worstError(c, want, std::sqrt(double(K) + 1));
  FX_CHECK(error < tolerance,
           "%ldx%ldx%ld layouts %d %d accumulate %d epilogue %d: error %g",
           long(M), long(N), long(K), layoutA, layoutB, accumulate,
           withEpilogue, error);
  if (withEpilogue)
    FX_CHECK(std::all_of(state.visits.begin(), state.visits.end(),
                         [](int count) { return count == 1; }),
             "%ldx%ldx%ld: epilogue did not cover C once", long(M), long(N),
             long(K));
}

template <typename T>
void checkShapes(int count) {
  for (int i = 0; i < count; ++i)
    checkOne<T>(pick(kSizes), pick(kSizes), pick(kSizes), generator()() % 4,
                generator()() % 4, generator()() % 2, generator()() % 2);
  // Several blocks in every direction, and the special methods when large.
  for (int layout = 0; layout < 4; ++layout) {
    checkOne<T>(210, 1100, 401, 0, layout, layout & 1, true);
    checkOne<T>(203, 140, 800, layout, 1, true, layout & 1);
    checkOne<T>(2, 3000, 500, layout, 0, false, true);
    checkOne<T>(3, 300, 1000, layout, 1, false, true);
    checkOne<T>(20, 130, 700, layout, 1, true, true);
    checkOne<T>(700, 1, 600, 0, layout, false, true);
    checkOne<T>(300, 3, 333, 0, layout, true, false);
    checkOne<T>(64, 64, 64, layout, layout, false, true);
  }
  // Empty in each direction.
  checkOne<T>(5, 40, 0, 0, 0, false, true);
  checkOne<T>(5, 40, 0, 0, 0, true, false);
  checkOne<T>(0, 40, 5, 0, 0, false, true);
  checkOne<T>(5, 0, 5, 0, 1, false, true);
}

void checkBatched() {
  for (int i = 0; i < 60; ++i) {
    int64_t batch = pick({1, 2, 3, 8}), M = pick(kSizes), N = pick(kSizes),
            K = pick(kSizes);
    int64_t bsA = generator()() % 3 ? M * K : 0;
    int64_t bsB = generator()() % 3 ? K * N : 0;
    bool transposeB = generator()() % 2;
    int64_t rsB = transposeB ? 1 : N, csB = transposeB ? K : 1;
    auto a = randomValues(batch * M * K), b = randomValues(batch * K * N);
    std::vector<float> c(batch * M * N, NAN);
    std::vector<double> want(c.size());
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t i = 0; i < M; ++i)
        for (int64_t j = 0; j < N; ++j)
          for (int64_t k = 0; k < K; ++k)
            want[(n * M + i) * N + j] += double(a[n * bsA + i * K + k]) *
                                         b[n * bsB + k * rsB + j * csB];
    fx_rt_sgemm_batched(nullptr, batch, M, N, K, a.data(), bsA, K, 1, b.data(),
                        bsB, rsB, csB, c.data(), M * N, N, 0, nullptr, nullptr);
    double error = worstError(c, want, std::sqrt(double(K)));
    FX_CHECK(error < 4e-6, "batch %ld of %ldx%ldx%ld: error %g", long(batch),
             long(M), long(N), long(K), error);
  }
}

void checkPacked() {
  for (int i = 0; i < 40; ++i) {
    int64_t M = pick(kSizes), N = pick(kSizes), K = pick({1, 7, 33, 385, 900});
    Matrix<float> a(M, K, generator()() % 4), b(K, N, generator()() % 4);
    std::vector<float> packed(fx_rt_sgemm_pack_b_size(N, K));
    fx_rt_sgemm_pack_b(nullptr, N, K, b.data.data(), b.rs, b.cs, packed.data());
    std::vector<float> c(M * N, NAN);
    std::vector<double> want(M * N);
    for (int64_t i = 0; i < M; ++i)
      for (int64_t j = 0; j < N; ++j)
        for (int64_t k = 0; k < K; ++k)
          want[i * N + j] += double(a.at(i, k)) * b.at(k, j);
    fx_rt_sgemm_packed_b(nullptr, M, N, K, a.data.data(), a.rs, a.cs,
                         packed.data(), c.data(), N, 0, nullptr, nullptr);
    double error = worstError(c, want, std::sqrt(double(K)));
    FX_CHECK(error < 4e-6, "packed %ldx%ldx%ld: error %g", long(M), long(N),
             long(K), error);
    // A store of two weights; the second calls find what the first ones made.
    Matrix<float> other(K, N, generator()() % 4);
    void *store = nullptr;
    for (int call = 0; call < 4; ++call) {
      const Matrix<float> &weight = call % 2 ? other : b;
      std::vector<float> frozen(M * N, NAN), plain(M * N, NAN);
      fx_rt_sgemm_frozen(nullptr, &store, M, N, K, a.data.data(), a.rs, a.cs,
                         weight.data.data(), weight.rs, weight.cs,
                         frozen.data(), N, nullptr, nullptr);
      fx_rt_sgemm(nullptr, M, N, K, a.data.data(), a.rs, a.cs,
                  weight.data.data(), weight.rs, weight.cs, plain.data(), N, 0,
                  nullptr, nullptr);
      error = worstError(frozen, {plain.begin(), plain.end()},
                         std::sqrt(double(K)));
      FX_CHECK(error < 4e-6, "frozen %ldx%ldx%ld, call %d: error %g", long(M),
               long(N), long(K), call, error);
    }
    fx_rt_release_frozen(&store);
  }
}

/// Copies what it sees, and counts every element.
struct CopyState {
  std::vector<float> result;
  std::vector<int> visits;
  int64_t M, N;
};
void copyTile(void *closure, int64_t batch, int64_t row, int64_t col,
              int64_t rows, int64_t cols, float *tile, int64_t ld) {
  auto &state = *static_cast<CopyState *>(closure);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      int64_t at = (batch * state.M + row + i) * state.N + col + j;
      state.result[at] = tile[i * ld + j];
      ++state.visits[at];
    }
}

/// Random sizes, and some that need several blocks in each direction.
void checkNarrow(bool half) {
  const int64_t large[][3] = {{300, 200, 2500}, {1030, 40, 600},
                              {210, 1100, 401}, {40, 300, 2100},
                              {5, 7, 0},        {0, 5, 7}};
  for (int i = 0; i < 52; ++i) {
    int64_t M = pick(kSizes), N = pick(kSizes), K = pick(kSizes);
    if (i >= 40) {
      M = large[i / 2 - 20][0];
      N = large[i / 2 - 20][1];
      K = large[i / 2 - 20][2];
    }
    bool transposeA = generator()() % 2, transposeB = generator()() % 2;
    std::vector<uint16_t> a(M * K), b(K * N);
    std::vector<int> valuesA(M * K), valuesB(K * N);
    for (size_t i = 0; i < a.size(); ++i)
      a[i] = narrowBits(valuesA[i] = int(generator()() % 127) - 63, half);
    for (size_t i = 0; i < b.size(); ++i)
      b[i] = narrowBits(valuesB[i] = int(generator()() % 127) - 63, half);
    int64_t rsA = transposeA ? 1 : K, csA = transposeA ? M : 1;
    int64_t rsB = transposeB ? 1 : N, csB = transposeB ? K : 1;
    std::vector<float> c(M * N, NAN);
    std::vector<double> want(M * N);
    for (int64_t i = 0; i < M; ++i)
      for (int64_t j = 0; j < N; ++j)
        for (int64_t k = 0; k < K; ++k)
          want[i * N + j] += double(valuesA[i * rsA + k * csA]) *
                             valuesB[k * rsB + j * csB] / 64;
    auto *gemm = half ? fx_rt_gemm_f16 : fx_rt_gemm_bf16;
    gemm(nullptr, 1, M, N, K, a.data(), 0, rsA, csA, b.data(), 0, rsB, csB,
         c.data(), 0, N, 0, nullptr, nullptr);
    // All sums are exact in f32.
    FX_CHECK(worstError(c, want, 1) == 0, "%s %ldx%ldx%ld",
             half ? "f16" : "bf16", long(M), long(N), long(K));
    // With a frozen B: packed by the first call, used by the second one.
    auto *frozen = half ? fx_rt_gemm_f16_frozen : fx_rt_gemm_bf16_frozen;
    void *store = nullptr;
    for (int call = 0; call < 2; ++call) {
      std::fill(c.begin(), c.end(), NAN);
      frozen(nullptr, &store, M, N, K, a.data(), rsA, csA, b.data(), rsB, csB,
             c.data(), N, nullptr, nullptr);
      FX_CHECK(worstError(c, want, 1) == 0, "frozen %s %ldx%ldx%ld",
               half ? "f16" : "bf16", long(M), long(N), long(K));
    }
    CopyState seen{std::vector<float>(M * N, NAN), std::vector<int>(M * N), M,
                   N};
    frozen(nullptr, &store, M, N, K, a.data(), rsA, csA, b.data(), rsB, csB,
           nullptr, N, copyTile, &seen);
    fx_rt_release_frozen(&store);
    FX_CHECK(c == seen.result, "frozen, hidden %s %ldx%ldx%ld",
             half ? "f16" : "bf16", long(M), long(N), long(K));
    // Without C, for two products.
    a.insert(a.end(), a.begin(), a.end());
    CopyState state{std::vector<float>(2 * M * N, NAN),
                    std::vector<int>(2 * M * N), M, N};
    gemm(nullptr, 2, M, N, K, a.data(), M * K, rsA, csA, b.data(), 0, rsB, csB,
         nullptr, M * N, N, 0, copyTile, &state);
    c.insert(c.end(), c.begin(), c.end());
    FX_CHECK(std::equal(c.begin(), c.end(), state.result.begin()) &&
                 std::all_of(state.visits.begin(), state.visits.end(),
                             [](int count) { return count == 1; }),
             "hidden %s %ldx%ldx%ld", half ? "f16" : "bf16", long(M), long(N),
             long(K));
  }
  if (!half)
    return;
  // Every finite half value, subnormal ones included.
  std::vector<uint16_t> all;
  for (int bits = 0; bits < 0x10000; ++bits)
    if ((bits & 0x7c00) != 0x7c00)
      all.push_back(bits);
  uint16_t one = 0x3c00;
  std::vector<float> c(all.size());
  fx_rt_gemm_f16(nullptr, 1, 1, all.size(), 1, &one, 0, 1, 1, all.data(), 0,
                 all.size(), 1, c.data(), 0, all.size(), 0, nullptr, nullptr);
  for (size_t i = 0; i < all.size(); ++i) {
    _Float16 value;
    std::memcpy(&value, &all[i], 2);
    FX_CHECK(c[i] == float(value), "half %04x", all[i]);
  }
}

/// All values of 8-bit operands, signed or not, in all layouts; the sums wrap
/// around.
void checkIntegers() {
  for (int i = 0; i < 120; ++i) {
    int64_t batch = pick({1, 1, 3}), M = pick(kSizes), N = pick(kSizes);
    int64_t K = pick({0, 1, 2, 3, 4, 5, 7, 16, 31, 63, 64, 65, 130, 2500});
    int signs = generator()() % 4;
    int layoutA = generator()() % 3, layoutB = generator()() % 3;
    auto strides = [](int layout, int64_t rows, int64_t cols, int64_t &rs,
                      int64_t &cs) {
      rs = layout == 0 ? cols : layout == 1 ? 1 : 2 * cols + 1;
      cs = layout == 0 ? 1 : layout == 1 ? rows : 2;
      return rows * cols * 3 + rows + 3;
    };
    int64_t rsA, csA, rsB, csB;
    int64_t bsA = strides(layoutA, M, K, rsA, csA);
    int64_t bsB = strides(layoutB, K, N, rsB, csB);
    if (generator()() % 3 == 0)
      bsB = 0;
    std::vector<uint8_t> a(batch * (M * K * 3 + M + 3)),
        b(batch * (K * N * 3 + K + 3));
    for (auto *operand : {&a, &b})
      for (uint8_t &value : *operand) {
        uint8_t extremes[] = {0x80, 0x7f, 0xff, 0};
        value = generator()() % 4 ? uint8_t(generator()())
                                  : extremes[generator()() % 4];
      }
    auto number = [](uint8_t value, bool isUnsigned) {
      return isUnsigned ? int64_t(value) : int64_t(int8_t(value));
    };
    bool accumulate = generator()() % 2, hidden = generator()() % 2;
    std::vector<int32_t> c(batch * M * N, 5), want(c.size());
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t i = 0; i < M; ++i)
        for (int64_t j = 0; j < N; ++j) {
          int64_t sum = accumulate && !hidden ? 5 : 0;
          for (int64_t k = 0; k < K; ++k)
            sum += number(a[n * bsA + i * rsA + k * csA], signs & 1) *
                   number(b[n * bsB + k * rsB + j * csB], signs & 2);
          want[(n * M + i) * N + j] = int32_t(sum);
        }
    struct State {
      std::vector<int32_t> &result;
      int64_t M, N;
    } state{c, M, N};
    auto copy = [](void *closure, int64_t batch, int64_t row, int64_t col,
                   int64_t rows, int64_t cols, int32_t *tile, int64_t ld) {
      auto &state = *static_cast<State *>(closure);
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < cols; ++j)
          state.result[(batch * state.M + row + i) * state.N + col + j] =
              tile[i * ld + j];
    };
    fx_rt_gemm_i8(nullptr, batch, M, N, K, a.data(), bsA, rsA, csA, b.data(),
                  bsB, rsB, csB, hidden ? nullptr : c.data(), M * N, N,
                  accumulate && !hidden, hidden ? copy : nullptr, &state,
                  signs);
    FX_CHECK(c == want, "i8 %ld of %ldx%ldx%ld signs %d layouts %d %d hidden %d",
             long(batch), long(M), long(N), long(K), signs, layoutA, layoutB,
             hidden);
  }
}

/// The same bits with one thread and with three.
void checkThreadIndependence() {
  const int64_t shapes[][3] = {{100, 200, 300}, {4, 700, 900}, {17, 333, 1000},
                               {513, 65, 400},  {800, 2, 500}, {300, 300, 37}};
  int32_t setting = fx_rt_get_num_threads();
  for (auto [M, N, K] : shapes)
    for (int layout = 0; layout < 2; ++layout) {
      Matrix<float> a(M, K, 0), b(K, N, layout);
      std::vector<float> one(M * N), three(M * N);
      fx_rt_set_num_threads(1);
      run(M, N, K, a, b, one.data(), N, false, nullptr, nullptr);
      fx_rt_set_num_threads(3);
      run(M, N, K, a, b, three.data(), N, false, nullptr, nullptr);
      FX_CHECK(std::memcmp(one.data(), three.data(), M * N * 4) == 0,
               "%ldx%ldx%ld depends on the thread count", long(M), long(N),
               long(K));
    }
  fx_rt_set_num_threads(setting);
}
} // namespace

void fxtest::testGemm() {
  checkShapes<float>(250);
  checkShapes<double>(80);
  checkBatched();
  checkPacked();
  checkNarrow(/*half=*/false);
  checkNarrow(/*half=*/true);
  checkIntegers();
  checkThreadIndependence();
}
