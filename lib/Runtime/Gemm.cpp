//===- Gemm.cpp - Blocking and threading of matrix products ---------------===//
//
// C is cut into a grid of blocks, one for each thread; a block is computed by
// the usual three loops around a register tile (N, K, M), with the operands
// packed so that the tile kernel reads both strictly forward. Three kinds of
// problem take another way: A or B may be read in place when a packed copy
// would not be reused often enough, a few rows with a row-major B stream over
// B, and a few rows (or columns) with K-contiguous operands are dot products.
// The way depends on the whole problem's shape only and every way sums in the
// order of K, so results do not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#include "GemmImpl.h"

#include <string.h>

using namespace fxrt;

namespace {

/// Fewer multiply-adds than this are not worth a second thread.
constexpr int64_t kParallelWork = 400000;
/// Rows and columns of a block that is packed at a time.
constexpr int64_t kBlockM = 14 * 14;
constexpr int64_t kBlockN = 1024;
/// Columns that an epilogue sees at a time, at most.
constexpr int64_t kEpilogueN = 128;
/// At most this many rows are computed without packing B.
constexpr int64_t kFewRows = 24;
/// At most this many rows are dot products when B is K-contiguous.
constexpr int64_t kDotRows = 48;

/// Of narrow operands, dot products that are that long need no packing that
/// many rows would pay for.
constexpr int64_t kLongDot = 512;
constexpr int64_t kLongDotRows = 64;
/// More rows than this use a packed B that is there already.
constexpr int64_t kPackedDotRows = 8;
/// Elements of a block of A and steps of K that they take at a time.
constexpr int64_t kDotElements = int64_t(1) << 18;
constexpr int64_t kDotSteps = 1024;

/// Elements of a block of the result that only an epilogue reads: it should
/// stay in the second-level cache.
constexpr int64_t kHiddenElements = int64_t(1) << 18;

enum class Method { Tiles, Dot, Axpy };

struct Plan {
  Method method = Method::Tiles;
  /// Pairs of steps in each packed element, by DotKernels; else null.
  const DotKernels *pairs = nullptr;
  /// Of 8-bit integers.
  const IntKernels *integers = nullptr;
  bool packA = true, packB = true;
  /// Dot only: a copy of A (or B) that is contiguous in K is made first.
  bool copyA = false, copyB = false;
};

template <typename S, typename T>
Plan choosePlan(const GemmProblem<S, T> &p) {
  Plan plan;
  if constexpr (std::is_same_v<S, Byte>)
    plan.integers = &intKernels();
  if constexpr (std::is_same_v<S, BFloat16>)
    plan.pairs = dotKernels();
  if (p.packedB) {
    plan.packB = false;
    plan.packA = !std::is_same_v<S, T> || p.N > 128 || p.csA != 1;
    return plan;
  }
  if constexpr (std::is_same_v<S, BFloat16>) {
    bool isDot = p.M <= kDotRows || p.N <= 4 * kDotTile ||
                 (p.K >= kLongDot && p.M <= kLongDotRows);
    if (plan.pairs && p.csA == 1 && p.rsB == 1 && isDot &&
        p.K >= 4 * plan.pairs->tiles.vl && !p.rowBias)
      plan.method = Method::Dot;
  }
  if constexpr (std::is_same_v<S, T>) {
    const GemmKernels<T> &table = gemmKernels<T>();
    // One operand K-contiguous and long, the other small enough to be copied
    // into that form.
    bool fewRows = p.M <= kDotRows && p.rsB == 1 && p.csB != 1;
    bool fewColumns = p.N <= kDotTile && p.csA == 1;
    if (p.K >= 4 * table.vl && (fewRows || fewColumns)) {
      plan.method = Method::Dot;
      plan.copyA = p.csA != 1;
      plan.copyB = p.rsB != 1;
      return plan;
    }
    if (p.csB == 1 && p.M <= kAxpyRows && p.N >= 4 * table.vl) {
      plan.method = Method::Axpy;
      return plan;
    }
    // In place: B when few rows use it, or when it lies in the first-level
    // cache anyway; A when few columns use it.
    bool small = p.K * p.N * int64_t(sizeof(T)) <= 32 * 1024 ||
                 p.M <= (p.K * p.N <= 128 * 1024 ? 2 * kFewRows : kFewRows);
    if (p.csB == 1 && small && (table.maskedLoads || p.N % table.vl == 0))
      plan.packB = false;
    if (p.N <= 2 * table.nr || (p.N <= 8 * table.nr && p.M <= 4 * table.mr))
      plan.packA = false;
    // Rows that share their cache sets push each other out.
    if (p.csA == 1 && p.rsA * int64_t(sizeof(T)) % 2048 == 0 &&
        p.N > 2 * table.nr && p.M > table.mr)
      plan.packA = true;
  }
  return plan;
}

/// As fxrt::blockK, in elements of packed operands: longer, because nothing but
/// the operands is in the cache.
constexpr int64_t kMaxElementsK = 512;
int64_t getBlockK(int64_t K, int64_t elementSize) {
  int64_t limit = kMaxElementsK * 4 / elementSize;
  return K <= limit ? K : roundUp(ceilDiv(K, ceilDiv(K, limit)), 16);
}

/// Steps of K that a tile sums up before it adds to C: rounding errors grow with
/// the length of a sum, not with the number of sums.
constexpr int64_t kSumSteps = 192;
int64_t getSumSteps(int64_t steps) {
  if (steps <= kSumSteps)
    return steps;
  return roundUp(ceilDiv(steps, ceilDiv(steps, kSumSteps)), 8);
}

/// Columns that are computed at a time of a result that only the epilogue
/// reads, if its sums are not finished at once.
int64_t getHiddenColumns(int64_t rows, int64_t columns, int64_t nr) {
  return minOf(roundUp(columns, nr),
               roundUp(maxOf(kEpilogueN, kHiddenElements / rows), nr));
}

/// How a block of C is cut: steps of K (elements) and row panels at a time.
struct TileBlocks {
  int64_t steps, panels;
  /// Of pairs: all rows are packed, then each panel of B when it is used, while
  /// the next one comes.
  bool packsLate;
};

/// Bytes of all packed rows, and the steps of K that they should have.
constexpr int64_t kLateBytes = 512 << 10;
constexpr int64_t kLateSteps = 192;

template <typename T>
TileBlocks getTileBlocks(const Plan &plan, const GemmKernels<T> &table,
                         int64_t rows, int64_t K) {
  const int64_t limit = kLateBytes / int64_t(sizeof(T)) / maxOf(1, rows);
  if (plan.pairs && plan.packB && limit >= minOf(K, kLateSteps)) {
    const int64_t most = minOf(limit, kMaxElementsK);
    return {K <= most ? K : roundUp(ceilDiv(K, ceilDiv(K, most)), 16),
            ceilDiv(rows, table.mr), true};
  }
  return {getBlockK(K, sizeof(T)), maxOf(1, kBlockM / table.mr), false};
}

/// Elements of the packing buffers of a block of C, of the block itself; 0 for
/// what is in place.
struct TileScratch {
  int64_t a = 0, b = 0, c = 0;
  /// Columns of C at a time.
  int64_t columns;
};

template <typename T>
TileScratch tileScratch(const Plan &plan, const GemmKernels<T> &table,
                        int64_t rows, int64_t columns, int64_t K, bool hasC) {
  TileScratch scratch;
  const auto [kcMax, panelsAtOnce, packsLate] =
      getTileBlocks(plan, table, rows, K);
  columns = minOf(roundUp(columns, table.nr), kBlockN);
  if (!hasC && K <= kcMax) {
    scratch.c = minOf(rows, panelsAtOnce * table.mr) * kEpilogueN;
  } else if (!hasC) {
    columns = minOf(columns, getHiddenColumns(rows, columns, table.nr));
    scratch.c = rows * columns;
  }
  scratch.columns = columns;
  if (plan.packA)
    scratch.a = kcMax * table.mr *
                    minOf(panelsAtOnce, ceilDiv(rows, table.mr)) +
                table.vl;
  if (plan.packB)
    scratch.b = kcMax * (packsLate ? table.nr : columns);
  return scratch;
}

/// What of A is copied at a time for dot products of pairs.
struct PairDotBlock {
  int64_t steps, ld, rows;
  explicit PairDotBlock(int64_t K) {
    steps = roundUp(ceilDiv(K, ceilDiv(K, kDotSteps)), 32);
    ld = steps + 32;
    rows = maxOf(kDotElements / steps / kDotTile, 1) * kDotTile;
  }
  int64_t getScratch(int64_t usedRows) const { return usedRows * ld; }
};

template <typename S, typename T>
const GemmKernels<T> &tileKernels(const GemmProblem<S, T> &p,
                                  const Plan &plan) {
  if constexpr (std::is_same_v<S, Byte>) {
    return plan.integers->tiles[p.unsignedA];
  } else {
    if constexpr (std::is_same_v<T, float>)
      if (plan.pairs)
        return plan.pairs->tiles;
    return gemmKernels<T>();
  }
}

template <typename S, typename T>
PackKernels<S, T> packKernels(const GemmProblem<S, T> &p, const Plan &plan) {
  if constexpr (std::is_same_v<S, Byte>) {
    const IntKernels &table = *plan.integers;
    // Where the signs differ anyway, nothing is changed.
    bool a = !table.mixesSigns && p.unsignedA;
    bool b = table.mixesSigns ? p.unsignedA == p.unsignedB : p.unsignedB;
    return {table.pack[a].packA, table.pack[b].packB};
  } else {
    if constexpr (std::is_same_v<S, BFloat16>)
      if (plan.pairs)
        return plan.pairs->pack;
    return fxrt::packKernels<S, T>();
  }
}

/// Steps of K in an element of a packed operand.
int64_t stepsOfElement(const Plan &plan) {
  return plan.pairs ? 2 : plan.integers ? plan.integers->steps : 1;
}

template <typename S, typename T>
class BlockRunner {
public:
  BlockRunner(const GemmProblem<S, T> &problem, const Plan &plan)
      : p(problem), plan(plan), table(tileKernels(problem, plan)),
        pack(packKernels(problem, plan)), pair(stepsOfElement(plan)) {}

  /// Computes C[m0..m1) x [n0..n1) of one product.
  void run(int64_t batch, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    if (m0 >= m1 || n0 >= n1)
      return;
    this->batch = batch;
    A = p.A + batch * p.bsA;
    B = p.B ? p.B + batch * p.bsB : nullptr;
    if (p.hasC)
      place(p.C + batch * p.bsC, p.rsC, 0, 0);
    if (p.K <= 0) {
      withoutSteps(m0, m1, n0, n1);
      return;
    }
    if constexpr (std::is_same_v<S, T>) {
      if (plan.method == Method::Dot)
        return runDot(m0, m1, n0, n1);
      if (plan.method == Method::Axpy)
        return runAxpy(m0, m1, n0, n1);
    }
    if constexpr (std::is_same_v<S, BFloat16>)
      if (plan.method == Method::Dot)
        return runPairDot(m0, m1, n0, n1);
    runTiles(m0, m1, n0, n1);
  }

private:
  const GemmProblem<S, T> &p;
  const Plan &plan;
  const GemmKernels<T> &table;
  const PackKernels<S, T> pack;
  /// Steps of K in an element of a packed operand.
  const int64_t pair;
  int64_t batch;
  const S *A, *B;
  /// Element (firstRow, firstCol) of C and the distance between its rows.
  T *C;
  int64_t ld, firstRow, firstCol;

  void place(T *data, int64_t distance, int64_t row, int64_t col) {
    C = data;
    ld = distance;
    firstRow = row;
    firstCol = col;
  }
  T *at(int64_t m, int64_t n) const {
    return C + (m - firstRow) * ld + n - firstCol;
  }
  const T *biasAt(int64_t m) const {
    return p.rowBias ? p.rowBias + m : nullptr;
  }
  void callEpilogue(int64_t m, int64_t n, int64_t rows, int64_t cols) const {
    p.epilogue(p.closure, p.firstBatch + batch, m, n, rows, cols, at(m, n),
               ld);
  }
  void finish(int64_t m0, int64_t m1, int64_t n0, int64_t n1) const {
    if (!p.epilogue)
      return;
    for (int64_t m = m0; m < m1; m += kBlockM)
      for (int64_t n = n0; n < n1; n += kEpilogueN)
        callEpilogue(m, n, minOf(kBlockM, m1 - m), minOf(kEpilogueN, n1 - n));
  }

  void withoutSteps(int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    if (!p.hasC) {
      // Rows one by one.
      T *row = threadScratchOf<T>(ScratchTile, n1 - n0);
      for (int64_t m = m0; m < m1; ++m) {
        for (int64_t n = n0; n < n1; ++n)
          row[n - n0] = p.rowBias ? p.rowBias[m] : T(0);
        place(row, n1 - n0, m, n0);
        finish(m, m + 1, n0, n1);
      }
      return;
    }
    for (int64_t m = m0; m < m1; ++m)
      for (int64_t n = n0; n < n1; ++n)
        *at(m, n) = (p.accumulate ? *at(m, n) : T(0)) +
                    (p.rowBias ? p.rowBias[m] : T(0));
    finish(m0, m1, n0, n1);
  }

  void runDot(int64_t m0, int64_t m1, int64_t n0, int64_t n1) const {
    const T *a = A + m0 * p.rsA, *b = B + n0 * p.csB;
    int64_t rsA = p.rsA, csB = p.csB;
    if (plan.copyA) {
      T *copy = threadScratchOf<T>(ScratchPackA, (m1 - m0) * p.K);
      for (int64_t k = 0; k < p.K; ++k)
        for (int64_t m = 0; m < m1 - m0; ++m)
          copy[m * p.K + k] = a[m * rsA + k * p.csA];
      a = copy;
      rsA = p.K;
    }
    if (plan.copyB) {
      T *copy = threadScratchOf<T>(ScratchPackB, (n1 - n0) * p.K);
      for (int64_t k = 0; k < p.K; ++k)
        for (int64_t n = 0; n < n1 - n0; ++n)
          copy[n * p.K + k] = b[k * p.rsB + n * csB];
      b = copy;
      csB = p.K;
    }
    for (int64_t n = n0; n < n1; n += kDotTile)
      for (int64_t m = m0; m < m1; m += kDotTile) {
        int64_t rows = minOf(kDotTile, m1 - m), cols = minOf(kDotTile, n1 - n);
        table.dot[rows - 1][cols - 1](p.K, a + (m - m0) * rsA, rsA,
                                      b + (n - n0) * csB, csB, at(m, n), ld,
                                      p.accumulate, biasAt(m));
      }
    finish(m0, m1, n0, n1);
  }

  void runPairDot(int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    if (p.hasC)
      return addPairDots(m0, m1, n0, n1);
    int64_t columns = getHiddenColumns(m1 - m0, n1 - n0, kDotTile);
    T *block = threadScratchOf<T>(ScratchTile, (m1 - m0) * columns);
    for (int64_t n = n0; n < n1; n += columns) {
      place(block, columns, m0, n);
      addPairDots(m0, m1, n, minOf(n + columns, n1));
    }
  }

  void addPairDots(int64_t m0, int64_t m1, int64_t n0, int64_t n1) const {
    // Tiles of both operands stay in the first-level cache, a block of A in
    // the second-level cache while B runs by. The block is copied: rows far
    // apart share cache sets.
    PairDotBlock size(p.K);
    S *copy = threadScratchOf<S>(ScratchPackA,
                                 size.getScratch(minOf(size.rows, m1 - m0)));
    for (int64_t k = 0; k < p.K; k += size.steps)
      for (int64_t q = m0; q < m1; q += size.rows) {
        int64_t steps = minOf(size.steps, p.K - k);
        int64_t end = minOf(m1, q + size.rows);
        for (int64_t m = q; m < end; ++m)
          memcpy(copy + (m - q) * size.ld, A + m * p.rsA + k,
                 steps * sizeof(S));
        for (int64_t n = n0; n < n1; n += kDotTile) {
          // The next columns of B come while these are multiplied.
          int64_t columns = minOf(kDotTile, n1 - n - kDotTile);
          int64_t tiles = ceilDiv(end - q, kDotTile);
          int64_t ahead = roundUp(ceilDiv(steps, tiles), 32);
          for (int64_t m = q, at0 = 0; m < end; m += kDotTile, at0 += ahead) {
            for (int64_t j = 0; j < columns; ++j)
              for (int64_t s = at0; s < minOf(steps, at0 + ahead); s += 32)
                __builtin_prefetch(B + (n + kDotTile + j) * p.csB + k + s, 0,
                                   2);
            plan.pairs->dot[minOf(kDotTile, end - m) - 1]
                           [minOf(kDotTile, n1 - n) - 1](
                steps, copy + (m - q) * size.ld, size.ld,
                B + n * p.csB + k, p.csB, at(m, n), ld,
                p.accumulate || k > 0);
          }
        }
      }
    finish(m0, m1, n0, n1);
  }

  void runAxpy(int64_t m0, int64_t m1, int64_t n0, int64_t n1) const {
    table.axpy[m1 - m0 - 1](p.K, n1 - n0, A + m0 * p.rsA, p.rsA, p.csA, B + n0,
                            p.rsB, at(m0, n0), ld, p.accumulate,
                            biasAt(m0));
    finish(m0, m1, n0, n1);
  }

  /// Packs kc elements of K from k0, columns [n..n+cols), panel by panel.
  void packBlockB(int64_t k0, int64_t kc, int64_t n, int64_t cols,
                  T *packed) const {
    int64_t from = k0 * pair, steps = minOf(kc * pair, p.K - from);
    for (int64_t j = 0; j < cols; j += table.nr)
      pack.packB(B + from * p.rsB + (n + j) * p.csB, p.rsB, p.csB, steps,
                 minOf(table.nr, cols - j), packed + j * kc);
  }

  /// Where B has kc elements of K from k0, a panel of columns from n, if there
  /// are any.
  Fetch getBlockB(int64_t k0, int64_t kc, int64_t n) const {
    Fetch fetch;
    const int64_t from = k0 * pair, steps = minOf(kc * pair, p.K - from);
    if (steps <= 0 || (p.rsB != 1 && p.csB != 1))
      return fetch;
    const int64_t cols = minOf(table.nr, p.N - n);
    const bool isColumns = p.rsB == 1;
    fetch.at =
        reinterpret_cast<const char *>(B + from * p.rsB + n * p.csB);
    fetch.rows = isColumns ? cols : steps;
    fetch.rowBytes = (isColumns ? steps : cols) * int64_t(sizeof(S));
    fetch.stride = (isColumns ? p.csB : p.rsB) * int64_t(sizeof(S));
    return fetch;
  }

  void runFetching(int64_t rows, TileWidth width, int64_t kc, const T *a,
                   const T *b, T *to, int64_t cols, bool accumulate,
                   const T *bias, Fetch &fetch) const {
    if constexpr (std::is_same_v<T, float>)
      plan.pairs->fetchingTile[rows - 1][width](kc, a, b, to, ld, cols,
                                                accumulate, bias, fetch);
  }

  void runTiles(int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const int64_t K = ceilDiv(p.K, pair);
    const TileBlocks blocks = getTileBlocks(plan, table, m1 - m0, K);
    const int64_t kcMax = blocks.steps, panelsAtOnce = blocks.panels;
    // Nearly equal row panels: a last panel of one or two rows is slow.
    const EvenSplit panels{m1 - m0, ceilDiv(m1 - m0, table.mr)};
    T *packedA = nullptr, *packedB = nullptr, *block = nullptr;
    TileScratch scratch =
        tileScratch(plan, table, m1 - m0, n1 - n0, K, p.hasC);
    const int64_t ncMax = scratch.columns;
    if (plan.packA)
      packedA = threadScratchOf<T>(ScratchPackA, scratch.a);
    if (plan.packB)
      packedB = threadScratchOf<T>(ScratchPackB, scratch.b);
    if (!p.hasC)
      block = threadScratchOf<T>(ScratchTile, scratch.c);

    for (int64_t n = n0; n < n1; n += ncMax) {
      int64_t cols = minOf(ncMax, n1 - n);
      if (!p.hasC)
        place(block, ncMax, m0, n);
      for (int64_t k = 0; k < K; k += kcMax) {
        int64_t kc = minOf(kcMax, K - k);
        if (plan.packB && !blocks.packsLate)
          packBlockB(k, kc, n, cols, packedB);
        for (int64_t q = 0; q < panels.parts; q += panelsAtOnce)
          runRowBlock(panels, q, minOf(q + panelsAtOnce, panels.parts), m0, n,
                      cols, k, kc, packedA, packedB, blocks.packsLate);
      }
    }
  }

  /// A tile of `rows` rows from `row`, kc steps from k, of packed rows `a` or of
  /// A itself.
  void runTile(int64_t rows, TileWidth width, int64_t kc, const T *a,
               int64_t row, int64_t k, const T *b, int64_t ldb, T *to,
               int64_t cols, bool accumulate, const T *bias) {
    // Sums of pairs are as long as they are: their factors are rounded more.
    const int64_t steps = pair == 1 ? getSumSteps(kc) : kc;
    int64_t s = 0;
    do { // Once without a step of K, too: the tile is set.
      const int64_t count = minOf(steps, kc - s);
      const T *addend = s + count == kc ? bias : nullptr;
      if (a)
        table.packedTile[rows - 1][width](count, a + s * rows, 0, 0,
                                          b + s * ldb, ldb, to, ld, cols,
                                          accumulate || s > 0, addend);
      else if constexpr (std::is_same_v<S, T>)
        table.stridedTile[rows - 1][width](
            count, A + row * p.rsA + (k + s) * p.csA, p.rsA, p.csA,
            b + s * ldb, ldb, to, ld, cols, accumulate || s > 0, addend);
      s += steps;
    } while (s < kc);
  }

  /// Row panels [q0, q1), `cols` columns from n, kc steps from k.
  void runRowBlock(const EvenSplit &panels, int64_t q0, int64_t q1, int64_t m0,
                   int64_t n, int64_t cols, int64_t k, int64_t kc, T *packedA,
                   T *packedB, bool packsLate) {
    const int64_t nr = table.nr;
    const bool last = (k + kc) * pair >= p.K;
    const bool accumulate = p.accumulate || k > 0;
    const int64_t firstPanelRow = panels.begin(q0);
    // Finished sums are read at once and the block is free again.
    T *const block = C;
    const bool isHidden = !p.hasC && kc >= ceilDiv(p.K, pair);
    if (plan.packA)
      for (int64_t q = q0; q < q1; ++q) {
        int64_t row = panels.begin(q), rows = panels.begin(q + 1) - row;
        pack.packA(A + (m0 + row) * p.rsA + k * pair * p.csA, p.rsA, p.csA,
                   rows, minOf(kc * pair, p.K - k * pair),
                   packedA + (row - firstPanelRow) * kc);
      }

    for (int64_t j = 0; j < cols; j += nr) {
      int64_t tileCols = minOf(nr, cols - j);
      if (isHidden && j % kEpilogueN == 0)
        place(block, kEpilogueN, m0 + firstPanelRow, n + j);
      TileWidth width = tileWidth(table, tileCols);
      const T *b;
      int64_t ldb = nr;
      Fetch fetch;
      if (packsLate) {
        packBlockB(k, kc, n + j, tileCols, packedB);
        b = packedB;
        fetch = j + nr < cols ? getBlockB(k, kc, n + j + nr)
                              : getBlockB(k + kc, kc, n);
      } else if (p.packedB) {
        b = p.packedB + (n + j) * ceilDiv(p.K, pair) + k * nr;
      } else if (plan.packB) {
        b = packedB + j * kc;
      } else if constexpr (std::is_same_v<S, T>) {
        b = B + k * p.rsB + n + j;
        ldb = p.rsB;
      } else {
        __builtin_unreachable();
      }
      for (int64_t q = q0; q < q1; ++q) {
        int64_t row = panels.begin(q), rows = panels.begin(q + 1) - row;
        const T *bias = last ? biasAt(m0 + row) : nullptr;
        if (packsLate)
          runFetching(rows, width, kc, packedA + (row - firstPanelRow) * kc, b,
                      at(m0 + row, n + j), tileCols, accumulate, bias, fetch);
        else
          runTile(rows, width, kc,
                  plan.packA ? packedA + (row - firstPanelRow) * kc : nullptr,
                  m0 + row, k, b, ldb, at(m0 + row, n + j), tileCols,
                  accumulate, bias);
      }
      int64_t done = j + tileCols;
      if (p.epilogue && last && (done == cols || done % kEpilogueN == 0)) {
        int64_t from = (done - 1) / kEpilogueN * kEpilogueN;
        int64_t row = m0 + firstPanelRow;
        callEpilogue(row, n + from, m0 + panels.begin(q1) - row, done - from);
      }
    }
  }
};

/// How a product is cut for `threads` threads: the cut across rows makes every
/// part pack the same B, the cut across columns the same A.
void chooseGrid(int64_t M, int64_t N, int64_t threads, int64_t mr, int64_t nr,
                int64_t &gridM, int64_t &gridN) {
  int64_t maxM = ceilDiv(M, mr), maxN = ceilDiv(N, nr);
  int64_t best = -1;
  gridM = gridN = 1;
  for (int64_t m = 1; m <= minOf(threads, maxM); ++m) {
    int64_t n = minOf(threads / m, maxN);
    int64_t partM = ceilDiv(maxM, m) * mr, partN = ceilDiv(maxN, n) * nr;
    // Arithmetic of the longest part, plus its packing.
    int64_t cost = partM * partN + 8 * (partM + partN);
    if (best < 0 || cost < best) {
      best = cost;
      gridM = m;
      gridN = n;
    }
  }
}
} // namespace

template <typename S, typename T>
void fxrt::runGemm(void *ctx, const GemmProblem<S, T> &p) {
  if (p.M <= 0 || p.N <= 0 || p.batch <= 0)
    return;
  const Plan plan = choosePlan(p);
  const GemmKernels<T> &table = tileKernels(p, plan);
  int64_t product = p.M * p.N * maxOf(p.K, 1);
  int64_t threads =
      product * p.batch <= kParallelWork ? 1 : availableThreads();
  if (threads == 1) {
    BlockRunner<S, T> runner(p, plan);
    for (int64_t b = 0; b < p.batch; ++b)
      runner.run(b, 0, p.M, 0, p.N);
    return;
  }

  int64_t gridM = 1, gridN = 1;
  int64_t unitM = plan.method == Method::Tiles ? table.mr
                  : plan.method == Method::Dot ? kDotTile
                                               : p.M;
  int64_t unitN = plan.method == Method::Dot ? kDotTile : table.nr;
  if (p.batch < 4 * threads && p.batch % threads != 0 &&
      product > kParallelWork / 2)
    chooseGrid(p.M, p.N, threads, unitM, unitN, gridM, gridN);
  const EvenSplit rows{ceilDiv(p.M, unitM), gridM};
  const EvenSplit cols{ceilDiv(p.N, unitN), gridN};
  int64_t parts = gridM * gridN;
  int64_t partWork = maxOf(product / parts, 1);
  parallelFor(ctx, p.batch * parts, maxOf(1, kParallelWork / 2 / partWork),
              [&](int64_t begin, int64_t end) {
                BlockRunner<S, T> runner(p, plan);
                for (int64_t i = begin; i < end; ++i) {
                  int64_t m = i % parts / gridN, n = i % gridN;
                  runner.run(i / parts, minOf(p.M, rows.begin(m) * unitM),
                             minOf(p.M, rows.begin(m + 1) * unitM),
                             minOf(p.N, cols.begin(n) * unitN),
                             minOf(p.N, cols.begin(n + 1) * unitN));
                }
              });
}

template <typename S, typename T>
bool fxrt::wantsPackedB(const GemmProblem<S, T> &p) {
  if (p.M <= 0 || p.N <= 0 || p.K <= 0)
    return false;
  const Plan plan = choosePlan(p);
  if (plan.method == Method::Tiles)
    return plan.packB;
  // Dot products of many rows only avoid the packing.
  return plan.pairs && p.M > kPackedDotRows;
}

template <typename S, typename T>
int64_t fxrt::packedCountB(const GemmProblem<S, T> &p) {
  const Plan plan = choosePlan(p);
  return roundUp(p.N, tileKernels(p, plan).nr) *
         ceilDiv(p.K, stepsOfElement(plan));
}

template <typename S, typename T>
void fxrt::packB(void *ctx, const GemmProblem<S, T> &p, T *packed) {
  const Plan plan = choosePlan(p);
  const int64_t nr = tileKernels(p, plan).nr;
  const int64_t elements = ceilDiv(p.K, stepsOfElement(plan));
  const auto pack = packKernels(p, plan).packB;
  parallelFor(ctx, ceilDiv(p.N, nr), maxOf(1, 65536 / maxOf(1, p.K * nr)),
              [&](int64_t begin, int64_t end) {
                for (int64_t n = begin * nr; n < minOf(p.N, end * nr); n += nr)
                  pack(p.B + n * p.csB, p.rsB, p.csB, p.K, minOf(nr, p.N - n),
                       packed + n * elements);
              });
}

template <typename S, typename T>
void fxrt::addGemmScratch(const GemmProblem<S, T> &p, fx_rt_scratch &needs) {
  if (p.M <= 0 || p.N <= 0 || p.batch <= 0 || p.K <= 0)
    return;
  const Plan plan = choosePlan(p);
  int64_t a = 0, b = 0, c = 0;
  if (plan.method == Method::Tiles) {
    TileScratch scratch =
        tileScratch(plan, tileKernels(p, plan), p.M, p.N,
                    ceilDiv(p.K, stepsOfElement(plan)), p.hasC);
    a = scratch.a;
    b = scratch.b;
    c = scratch.c;
  } else if (plan.method == Method::Dot) {
    a = plan.copyA ? p.M * p.K : 0;
    b = plan.copyB ? p.N * p.K : 0;
    if (plan.pairs) {
      PairDotBlock size(p.K);
      addThreadScratch(needs, ScratchPackA,
                       size.getScratch(minOf(size.rows, p.M)) * sizeof(S));
      if (!p.hasC)
        c = p.M * getHiddenColumns(p.M, p.N, kDotTile);
    }
  }
  if (a)
    addThreadScratch(needs, ScratchPackA, a * sizeof(T));
  if (b)
    addThreadScratch(needs, ScratchPackB, b * sizeof(T));
  if (c)
    addThreadScratch(needs, ScratchTile, c * sizeof(T));
}

template void fxrt::runGemm(void *, const GemmProblem<float, float> &);
template void fxrt::runGemm(void *, const GemmProblem<double, double> &);
template void fxrt::runGemm(void *, const GemmProblem<BFloat16, float> &);
template void fxrt::runGemm(void *, const GemmProblem<Half, float> &);
template void fxrt::runGemm(void *, const GemmProblem<Byte, uint32_t> &);

#define FX_INSTANTIATE_PACKED(S, T)                                            \
  template bool fxrt::wantsPackedB(const GemmProblem<S, T> &);                 \
  template int64_t fxrt::packedCountB(const GemmProblem<S, T> &);              \
  template void fxrt::packB(void *, const GemmProblem<S, T> &, T *);
FX_INSTANTIATE_PACKED(float, float)
FX_INSTANTIATE_PACKED(BFloat16, float)
FX_INSTANTIATE_PACKED(Half, float)
#undef FX_INSTANTIATE_PACKED

template void fxrt::addGemmScratch(const GemmProblem<float, float> &,
                                   fx_rt_scratch &);
template void fxrt::addGemmScratch(const GemmProblem<double, double> &,
                                   fx_rt_scratch &);
template void fxrt::addGemmScratch(const GemmProblem<BFloat16, float> &,
                                   fx_rt_scratch &);
template void fxrt::addGemmScratch(const GemmProblem<Half, float> &,
                                   fx_rt_scratch &);
template void fxrt::addGemmScratch(const GemmProblem<Byte, uint32_t> &,
                                   fx_rt_scratch &);
