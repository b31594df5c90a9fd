//===- PatchProduct.cpp - Implicit matrix products with patches -----------===//
//
// The patches are packed panel by panel straight from the image into the form
// that the tile kernels read. What to load is worked out once for a panel and
// tap and serves all channels. Small images are laid side by side, so that
// panels are full; a panel that covers parts of two images, or whose
// destination has gaps, goes through a temporary tile.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include <string.h>

using namespace fxrt;

namespace {
/// Panels that are packed at a time, and rows that go over them.
constexpr int64_t kPanelsAtOnce = 8;
constexpr int64_t kRowsAtOnce = 196;
/// Row panels that are packed when they are used: they should come from the
/// second-level cache.
constexpr int64_t kLatePanels = 4;

/// A run of positions of one panel in one row of the grid of one image.
struct Segment {
  int64_t image, z, y, x;
  int32_t lane, length;
};

/// Splits the positions [begin, begin + count) of the grid into runs, cut at
/// vector boundaries if `lanes` is not 0. Returns the number of runs.
int splitPositions(const PatchProduct &p, int64_t begin, int64_t count,
                   int64_t image, int lanes, Segment *segments) {
  int64_t size = p.depth * p.rows * p.cols;
  image += begin / size;
  int64_t z = begin % size / (p.rows * p.cols);
  int64_t y = begin / p.cols % p.rows, x = begin % p.cols;
  int number = 0;
  for (int64_t lane = 0; lane < count;) {
    int64_t length = minOf(p.cols - x, count - lane);
    if (lanes)
      length = minOf(length, lanes - lane % lanes);
    segments[number++] = {image, z, y, x, int32_t(lane), int32_t(length)};
    lane += length;
    x += length;
    if (x == p.cols) {
      x = 0;
      if (++y == p.rows) {
        y = 0;
        if (++z == p.depth) {
          z = 0;
          ++image;
        }
      }
    }
  }
  return number;
}

/// The parts of each vector of a panel, tap by tap. Returns their number.
int32_t findPieces(const PatchProduct &p, const Segment *segments, int number,
                   int lanes, int vectors, int64_t imageSize,
                   PatchPiece *pieces, int32_t *begin) {
  int32_t count = 0;
  for (int64_t t = 0; t < p.allTaps(); ++t) {
    int s = 0;
    for (int v = 0; v < vectors; ++v) {
      int32_t first = count;
      *begin++ = count;
      for (; s < number && segments[s].lane / lanes == v; ++s) {
        const Segment &segment = segments[s];
        int64_t z = segment.z * p.strideZ + p.tapZ[t];
        int64_t y = segment.y * p.strideY + p.tapY[t];
        if (z < 0 || z >= p.sourceD || y < 0 || y >= p.sourceH)
          continue;
        // Positions i of the run with 0 <= x + i * strideX < sourceW.
        int64_t x = segment.x * p.strideX + p.tapX[t];
        int64_t from = x < 0 ? ceilDiv(-x, p.strideX) : 0;
        int64_t to = x < p.sourceW
                         ? minOf(segment.length,
                                 ceilDiv(p.sourceW - x, p.strideX))
                         : 0;
        if (from >= to)
          continue;
        int64_t lane = segment.lane % lanes;
        int64_t offset = segment.image * imageSize +
                         (z * p.sourceH + y) * p.sourceW + x -
                         lane * p.strideX;
        uint32_t mask = ((1u << (to - from)) - 1) << (lane + from);
        if (count > first && pieces[count - 1].offset == offset)
          pieces[count - 1].lanes |= mask;
        else
          pieces[count++] = {offset, mask};
      }
    }
  }
  *begin = count;
  return count;
}

inline __attribute__((always_inline)) void copyRun(const float *from, float *to,
                                                   int64_t step, int length,
                                                   bool accumulate) {
  if (accumulate)
    for (int i = 0; i < length; ++i)
      to[i * step] += from[i];
  else
    for (int i = 0; i < length; ++i)
      to[i * step] = from[i];
}

class PatchRunner {
public:
  PatchRunner(const PatchProduct &product)
      : p(product), tiles(product.tiles), K(product.K()),
        partK(product.channels * product.taps),
        kcMax(blockK(partK, sizeof(float))), nr(tiles.nr),
        positions(product.depth * product.rows * product.cols),
        plane(product.sourceD * product.sourceH * product.sourceW),
        destPlane(product.destD * product.destH * product.destW),
        panels(weightPanels(product.M)) {
    // Panels of one image each waste the rest of the last one.
    int64_t padded = roundUp(positions, nr);
    joined = p.batch > 1 && (padded - positions) * 20 > positions;
    units = joined ? 1 : p.batch;
    unitSize = joined ? positions * p.batch : positions;
    columnBlocks = ceilDiv(unitSize, nr * kPanelsAtOnce);
  }

  void addScratch(fx_rt_scratch &needs) const {
    const int64_t number =
        ceilDiv(minOf(kPanelsAtOnce * nr, unitSize), nr);
    addThreadScratch(needs, ScratchConv, listBytes(number));
    addThreadScratch(needs, ScratchPackB,
                     patchCount(number) * sizeof(float));
    if (p.packsLate)
      addThreadScratch(needs, ScratchPackA, lateCount() * sizeof(float));
    // The result of a block, or a panel whose destination has gaps, or parts of
    // two images.
    if (!p.hasDest)
      addThreadScratch(needs, ScratchTile, p.M * number * nr * sizeof(float));
    else if (!p.dense() || (joined && positions % nr != 0))
      addThreadScratch(needs, ScratchTile,
                       panels.begin(minOf(panelsAtOnce(), panels.parts)) * nr *
                           sizeof(float));
  }

  int64_t countUses() const { return units * columnBlocks; }

  void run(void *ctx) {
    int64_t tasks = units * p.groups * columnBlocks;
    int64_t threads = availableThreads();
    int64_t rowBlocks =
        tasks >= threads ? 1 : minOf(ceilDiv(threads, tasks), panels.parts);
    const EvenSplit rowSplit{panels.parts, rowBlocks};
    int64_t work = p.M * K * minOf(unitSize, nr * kPanelsAtOnce) / rowBlocks;
    parallelFor(ctx, tasks * rowBlocks, maxOf(1, 200000 / maxOf(work, 1)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t i = begin; i < end; ++i) {
                    int64_t task = i / rowBlocks, block = i % rowBlocks;
                    runBlock(task / columnBlocks / p.groups,
                             task / columnBlocks % p.groups,
                             task % columnBlocks, rowSplit.begin(block),
                             rowSplit.begin(block + 1));
                  }
                });
  }

private:
  const PatchProduct &p;
  const GemmKernels<float> &tiles;
  const int64_t K, partK, kcMax;
  const int64_t nr, positions, plane, destPlane;
  const EvenSplit panels;
  bool joined;
  int64_t units, unitSize, columnBlocks;

  int64_t panelsAtOnce() const {
    return p.packsLate ? kLatePanels : maxOf(1, kRowsAtOnce / tiles.mr);
  }
  /// Elements of such panels; a vector may be written behind them.
  int64_t lateCount() const { return kLatePanels * tiles.mr * kcMax + nr; }
  /// Bytes of the lists of what to load, and elements of the packed patches, of
  /// `number` panels.
  int64_t pieceCount() const { return p.allTaps() * nr; }
  int64_t beginCount() const { return p.allTaps() * (nr / tiles.vl) + 1; }
  size_t listBytes(int64_t number) const {
    return number * (pieceCount() * sizeof(PatchPiece) +
                     beginCount() * sizeof(int32_t));
  }
  int64_t patchCount(int64_t number) const { return number * nr * kcMax; }

  int64_t sourceImage() const { return p.groups * p.channels * plane; }
  float *destAt(int64_t image, int64_t group, int64_t m) const {
    return p.dest + ((image * p.groups + group) * p.M + m) * destPlane;
  }

  /// One block of columns, the row panels [q0, q1).
  void runBlock(int64_t unit, int64_t group, int64_t block, int64_t q0,
                int64_t q1) const {
    const int64_t first = block * kPanelsAtOnce * nr;
    const int64_t count = minOf(kPanelsAtOnce * nr, unitSize - first);
    const int64_t number = ceilDiv(count, nr);
    const int vectors = int(nr / tiles.vl);
    const float *source = p.source + group * p.channels * plane;

    // What to load for each panel and tap.
    const int64_t beginCount = this->beginCount();
    const int64_t pieceCount = this->pieceCount();
    char *lists =
        static_cast<char *>(threadScratch(ScratchConv, listBytes(number)));
    auto *pieces = reinterpret_cast<PatchPiece *>(lists);
    auto *begin = reinterpret_cast<int32_t *>(pieces + number * pieceCount);
    for (int64_t i = 0; i < number; ++i) {
      Segment segments[64];
      int segmentCount =
          splitPositions(p, first + i * nr, minOf(nr, count - i * nr),
                         joined ? 0 : unit, tiles.vl, segments);
      findPieces(p, segments, segmentCount, tiles.vl, vectors,
                 sourceImage(), pieces + i * pieceCount,
                 begin + i * beginCount);
    }
    // The first and the last part of the taps that a panel has elements of.
    int64_t firstPart[kPanelsAtOnce], lastPart[kPanelsAtOnce];
    auto isUsed = [&](int64_t i, int64_t part) {
      const int32_t *at = begin + i * beginCount + part * p.taps * vectors;
      return at[p.taps * vectors] > at[0];
    };
    for (int64_t i = 0; i < number; ++i) {
      firstPart[i] = 0;
      lastPart[i] = p.parts - 1;
      while (firstPart[i] < lastPart[i] && !isUsed(i, firstPart[i]))
        ++firstPart[i];
      while (firstPart[i] < lastPart[i] && !isUsed(i, lastPart[i]))
        --lastPart[i];
    }

    float *patches = threadScratchOf<float>(ScratchPackB, patchCount(number));
    float *result = nullptr;
    if (!p.hasDest)
      result = threadScratchOf<float>(
          ScratchTile,
          (panels.begin(q1) - panels.begin(q0)) * number * nr);
    const int64_t panelsAtOnce = this->panelsAtOnce();
    for (int64_t step = 0; step < p.parts * partK; ) {
      const int64_t part = step / partK, k = step % partK;
      const int64_t kc = minOf(kcMax, partK - k);
      auto isActive = [&](int64_t i) {
        return part >= firstPart[i] && part <= lastPart[i];
      };
      for (int64_t i = 0; i < number; ++i)
        if (isActive(i))
          kernels().packPatches({pieces + i * pieceCount,
                                 begin + i * beginCount +
                                     part * p.taps * vectors,
                                 p.taps, p.strideX},
                                source, plane, k, k + kc,
                                patches + i * nr * kc);
      for (int64_t q = q0; q < q1; q += panelsAtOnce) {
        Fetch fetch;
        if (p.packsLate) {
          packLate(group, q, minOf(q + panelsAtOnce, q1), step, kc);
          // The weights of the next block come while this one is used.
          bool isLast = q + panelsAtOnce >= q1;
          fetch = getRawBlock(group, isLast ? q0 : q + panelsAtOnce, q1,
                              isLast ? step + kc : step);
        }
        for (int64_t i = 0; i < number; ++i)
          if (isActive(i))
            runPanel(unit, group, first + i * nr, minOf(nr, count - i * nr), q,
                     minOf(q + panelsAtOnce, q1), step, kc,
                     step == firstPart[i] * partK,
                     step + kc == (lastPart[i] + 1) * partK,
                     patches + i * nr * kc,
                     result ? result + (panels.begin(q) - panels.begin(q0)) *
                                           number * nr +
                                  i * nr
                            : nullptr,
                     number * nr, fetch);
      }
      step += kc;
    }
  }

  /// Where the weights of the block with row panels from q and steps from k
  /// are, if there is one.
  Fetch getRawBlock(int64_t group, int64_t q, int64_t q1, int64_t k) const {
    Fetch fetch;
    if (k >= K)
      return fetch;
    const int64_t row = panels.begin(q), rowSize = p.rawChannels * p.taps;
    const int64_t first = k / p.taps * 2 * p.taps;
    fetch.at = reinterpret_cast<const char *>(
        p.rawWeight + (group * p.M + row) * rowSize + first);
    fetch.rows = panels.begin(minOf(q + panelsAtOnce(), q1)) - row;
    fetch.rowBytes = minOf(2 * kcMax, rowSize - first) * sizeof(BFloat16);
    fetch.stride = rowSize * sizeof(BFloat16);
    return fetch;
  }

  /// The panels [q0, q1) of kc steps from k, one after the other.
  void packLate(int64_t group, int64_t q0, int64_t q1, int64_t k,
                int64_t kc) const {
    float *to = threadScratchOf<float>(ScratchPackA, lateCount());
    for (int64_t q = q0; q < q1; ++q) {
      int64_t row = panels.begin(q), rows = panels.begin(q + 1) - row;
      dotKernels()->packWeights(
          p.rawWeight + (group * p.M + row) * p.rawChannels * p.taps, rows,
          p.rawChannels, p.taps, *p.places, k, k + kc, to);
      to += rows * kc;
    }
  }

  /// The columns [begin, begin + count) of a unit, row panels [q0, q1), kc
  /// steps from k, the first or the last ones of all. `result` is where they go
  /// if there is no destination.
  void runPanel(int64_t unit, int64_t group, int64_t begin, int64_t count,
                int64_t q0, int64_t q1, int64_t k, int64_t kc, bool first,
                bool last, const float *patches, float *result,
                int64_t ldResult, Fetch &fetch) const {
    const int64_t row0 = panels.begin(q0), rowEnd = panels.begin(q1);
    const float *weight =
        p.packsLate ? threadScratchOf<float>(ScratchPackA, lateCount())
                    : p.weight + group * p.M * K;
    const float *bias = p.bias && last ? p.bias + group * p.M : nullptr;
    const TileWidth width = tileWidth(tiles, count);
    const int64_t image = (joined ? 0 : unit) + begin / positions;
    const int64_t position = begin % positions;
    const bool direct =
        result || (p.dense() && position + count <= positions);

    float *tile;
    int64_t ld;
    if (result) {
      tile = result;
      ld = ldResult;
    } else if (direct) {
      tile = destAt(image, group, row0) + position;
      ld = destPlane;
    } else {
      tile = threadScratchOf<float>(ScratchTile, (rowEnd - row0) * nr);
      ld = nr;
    }
    for (int64_t q = q0; q < q1; ++q) {
      int64_t row = panels.begin(q), rows = panels.begin(q + 1) - row;
      float *to = tile + (row - row0) * ld;
      bool accumulate = direct && !first;
      const float *rowBias = bias ? bias + row : nullptr;
      if (p.packsLate)
        dotKernels()->fetchingTile[rows - 1][width](
            kc, weight + (row - row0) * kc, patches, to, ld, count, accumulate,
            rowBias, fetch);
      else if (p.packed)
        tiles.packedTile[rows - 1][width](kc, weight + row * K + k * rows, 0, 0,
                                          patches, nr, to, ld, count,
                                          accumulate, rowBias);
      else
        tiles.stridedTile[rows - 1][width](kc, weight + row * K + k, K, 1,
                                               patches, nr, to, ld, count,
                                               accumulate, rowBias);
    }
    if (!direct)
      scatter(tile, unit, group, begin, count, row0, rowEnd, !first);
    if (last && p.epilogue)
      callEpilogue(unit, group, begin, count, row0, rowEnd, result, ldResult);
  }

  void scatter(const float *tile, int64_t unit, int64_t group, int64_t begin,
               int64_t count, int64_t row0, int64_t rowEnd,
               bool accumulate) const {
    Segment segments[64];
    int number = 0;
    if (p.dense()) {
      // Only images end a run.
      for (int64_t lane = 0; lane < count; ++number) {
        int64_t position = (begin + lane) % positions;
        int64_t length = minOf(count - lane, positions - position);
        segments[number] = {(joined ? 0 : unit) + (begin + lane) / positions,
                            0, position / p.cols, position % p.cols,
                            int32_t(lane), int32_t(length)};
        lane += length;
      }
    } else {
      number = splitPositions(p, begin, count, joined ? 0 : unit, 0, segments);
    }
    for (int s = 0; s < number; ++s) {
      const Segment &segment = segments[s];
      const float *from = tile + segment.lane;
      float *to = destAt(segment.image, group, row0) +
                  ((segment.z * p.destStepZ + p.destZ) * p.destH +
                   segment.y * p.destStepY + p.destY) *
                      p.destW +
                  segment.x * p.destStepX + p.destX;
      for (int64_t m = row0; m < rowEnd; ++m, from += nr, to += destPlane) {
        if (p.destStepX == 1)
          copyRun(from, to, 1, segment.length, accumulate);
        else
          copyRun(from, to, p.destStepX, segment.length, accumulate);
      }
    }
  }

  void callEpilogue(int64_t unit, int64_t group, int64_t begin, int64_t count,
                    int64_t row0, int64_t rowEnd, float *result,
                    int64_t ldResult) const {
    while (count > 0) {
      int64_t image = (joined ? 0 : unit) + begin / positions;
      int64_t position = begin % positions;
      int64_t cols = minOf(count, positions - position);
      p.epilogue(p.closure, p.firstImage + image, group * p.M + row0, position,
                 rowEnd - row0, cols,
                 result ? result : destAt(image, group, row0) + position,
                 result ? ldResult : destPlane);
      if (result)
        result += cols;
      begin += cols;
      count -= cols;
    }
  }
};
} // namespace

void fxrt::runPatchProduct(void *ctx, const PatchProduct &product) {
  if (product.batch <= 0 || product.M <= 0 || product.depth <= 0 ||
      product.rows <= 0 || product.cols <= 0)
    return;
  if (isDirectProduct(product) && runDirectProduct(ctx, product))
    return;
  PatchRunner(product).run(ctx);
}

int64_t fxrt::countWeightUses(const PatchProduct &product) {
  return PatchRunner(product).countUses();
}

void fxrt::addPatchScratch(const PatchProduct &product, fx_rt_scratch &needs) {
  if (isDirectProduct(product))
    addDirectScratch(product, needs);
  else
    PatchRunner(product).addScratch(needs);
}
