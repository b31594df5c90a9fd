//===- DirectProduct.cpp - Products with patches read in place ------------===//
//
// With a stride of one the patches of neighbouring positions are neighbours in
// the image, for every channel and tap. A tile of positions in one row then
// needs no packed panel, only the image with its padding. Packing costs as much
// as some ten rows of weights; the padded copy is read by all taps.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include <string.h>

using namespace fxrt;

namespace {
/// More rows of weights than this make up for packing.
constexpr int64_t kMaxRows = 256;
/// As many take as long as packing.
constexpr int64_t kPackingRows = 8;
/// The padded copy of a block of rows stays in the second-level cache.
constexpr int64_t kBlockBytes = 192 << 10;

class DirectRunner {
public:
  DirectRunner(const PatchProduct &product)
      : p(product), K(product.K()),
        kcMax(blockK(K, sizeof(float))), nr(product.tiles.nr),
        panels(weightPanels(product.M)) {
    rowStep = p.cols + p.spanX;
    const int64_t slices = p.spanZ + 1;
    int64_t rowBytes = maxOf(1, p.channels * slices * rowStep * sizeof(float));
    blockRows = minOf(p.rows, maxOf(4, kBlockBytes / rowBytes - p.spanY));
    // So does the result of a block that only the epilogue reads.
    if (!p.hasDest)
      blockRows = minOf(
          blockRows,
          maxOf(4, kBlockBytes / maxOf(1, p.M * p.cols * sizeof(float))));
    blocks = ceilDiv(p.rows, blockRows);
    blockRows = ceilDiv(p.rows, blocks);
    // Planes at a multiple of a page would share cache sets.
    int64_t line = 64 / sizeof(float);
    sliceStep = (blockRows + p.spanY) * rowStep;
    planeStep = (ceilDiv(slices * sliceStep, line) | 1) * line;
  }

  void addScratch(fx_rt_scratch &needs) const {
    addLent(needs, K * sizeof(int32_t));
    addThreadScratch(needs, ScratchConv, paddedCount() * sizeof(float));
    if (!p.hasDest)
      addThreadScratch(needs, ScratchTile,
                       p.M * blockRows * p.cols * sizeof(float));
  }

  /// False if there is no memory.
  bool run(void *ctx) {
    ScopedBuffer<int32_t> buffer(ctx, K);
    if (!buffer.get())
      return false;
    offsets = buffer.get();
    minZ = p.tapZ[0];
    minY = p.tapY[0];
    minX = p.tapX[0];
    for (int64_t t = 1; t < p.allTaps(); ++t) {
      minZ = minOf(minZ, p.tapZ[t]);
      minY = minOf(minY, p.tapY[t]);
      minX = minOf(minX, p.tapX[t]);
    }
    for (int64_t k = 0; k < K; ++k) {
      int64_t part = k / p.taps / p.channels;
      int64_t t = part * p.taps + k % p.taps;
      offsets[k] = int32_t(k / p.taps % p.channels * planeStep +
                           (p.tapZ[t] - minZ) * sliceStep +
                           (p.tapY[t] - minY) * rowStep + p.tapX[t] - minX);
    }
    int64_t work = p.M * K * blockRows * p.cols;
    parallelFor(ctx, p.batch * p.groups * p.depth * blocks,
                maxOf(1, 200000 / maxOf(work, 1)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t i = begin; i < end; ++i)
                    runBlock(i / blocks / p.depth, i / blocks % p.depth,
                             i % blocks * blockRows);
                });
    return true;
  }

private:
  const PatchProduct &p;
  const int64_t K, kcMax, nr;
  const EvenSplit panels;
  int64_t minZ, minY, minX;
  /// Of the padded copy of a block.
  int64_t rowStep, sliceStep, planeStep;
  int64_t blockRows, blocks;
  int32_t *offsets;

  /// The last tile reads past the last row.
  int64_t paddedCount() const { return p.channels * planeStep + 2 * nr; }

  /// Rows [y0 + minY, y0 + minY + rows + spanY) of the slices [z0 + minZ,
  /// z0 + minZ + spanZ] of all channels, with zeros around.
  void copyPadded(const float *source, int64_t z0, int64_t y0, int64_t rows,
                  float *to) const {
    // Columns [from, end) of the copy are in the image.
    const int64_t from = minOf(maxOf(-minX, 0), rowStep);
    const int64_t end = maxOf(minOf(p.sourceW - minX, rowStep), from);
    const int64_t slices = p.spanZ + 1;
    for (int64_t i = 0; i < p.channels * slices; ++i) {
      const int64_t c = i / slices, z = z0 + minZ + i % slices;
      const float *plane = source + (c * p.sourceD + z) * p.sourceH * p.sourceW;
      float *row = to + c * planeStep + i % slices * sliceStep;
      if (z < 0 || z >= p.sourceD) {
        memset(row, 0, (rows + p.spanY) * rowStep * sizeof(float));
        continue;
      }
      const int64_t first = y0 + minY;
      for (int64_t y = first; y < first + rows + p.spanY; ++y, row += rowStep) {
        if (y < 0 || y >= p.sourceH) {
          memset(row, 0, rowStep * sizeof(float));
          continue;
        }
        memset(row, 0, from * sizeof(float));
        if (end > from)
          memcpy(row + from, plane + y * p.sourceW + minX + from,
                 (end - from) * sizeof(float));
        memset(row + end, 0, (rowStep - end) * sizeof(float));
      }
    }
  }

  /// Whether a tap of a part is in the source for plane z of the grid.
  bool isInside(int64_t z, int64_t part) const {
    for (int64_t t = part * p.taps; t < (part + 1) * p.taps; ++t)
      if (z + p.tapZ[t] >= 0 && z + p.tapZ[t] < p.sourceD)
        return true;
    return false;
  }

  void runBlock(int64_t unit, int64_t z, int64_t y0) const {
    const int64_t rows = minOf(blockRows, p.rows - y0);
    if (rows <= 0)
      return;
    const int64_t group = unit % p.groups;
    const int64_t destPlane =
        p.hasDest ? p.destD * p.destH * p.destW : rows * p.cols;
    const int64_t position = (z * p.rows + y0) * p.cols;
    float *padded = threadScratchOf<float>(ScratchConv, paddedCount());
    copyPadded(p.source +
                   unit * p.channels * p.sourceD * p.sourceH * p.sourceW,
               z, y0, rows, padded);
    float *dest =
        p.hasDest ? p.dest + unit * p.M * destPlane + position
               : threadScratchOf<float>(ScratchTile, p.M * destPlane);
    const float *weight = p.weight + group * p.M * K;
    // Parts of the taps that are outside for all of the block are at the ends.
    const int64_t partK = p.channels * p.taps;
    int64_t begin = 0, end = p.parts;
    while (begin < end && !isInside(z, begin))
      ++begin;
    while (end > begin + 1 && !isInside(z, end - 1))
      --end;
    begin *= partK;
    end *= partK;
    for (int64_t k = begin; k == begin || k < end; k += kcMax) {
      const int64_t kc = minOf(kcMax, end - k);
      const bool last = k + kc >= end;
      for (int64_t q = 0; q < panels.parts; ++q) {
        const int64_t m = panels.begin(q), height = panels.begin(q + 1) - m;
        const auto *tiles = p.offsetTiles[height - 1];
        const float *bias = p.bias && last ? p.bias + group * p.M + m : nullptr;
        for (int64_t y = 0; y < rows; ++y)
          for (int64_t x = 0; x < p.cols; x += nr) {
            int64_t cols = minOf(nr, p.cols - x);
            tiles[tileWidth(p.tiles, cols)](
                kc, weight + m * K + k * height, padded + y * rowStep + x,
                offsets + k, dest + m * destPlane + y * p.cols + x, destPlane,
                cols, k > begin, bias);
          }
      }
    }
    if (p.epilogue)
      p.epilogue(p.closure, p.firstImage + unit / p.groups, group * p.M,
                 position, p.M, rows * p.cols, dest, destPlane);
  }
};
} // namespace

/// Whether the lanes behind the rows of the grid cost less than packing.
static bool hasFullTiles(const PatchProduct &p) {
  const int64_t nr = p.tiles.nr, vl = p.tiles.vl;
  if (p.cols >= nr && (p.cols % nr == 0 || p.cols >= 4 * nr))
    return true;
  return p.cols > vl &&
         p.M * (roundUp(p.cols, vl) - p.cols) < kPackingRows * p.cols;
}

bool fxrt::isDirectProduct(const PatchProduct &p) {
  return p.packed && !p.packsLate && p.strideX == 1 && p.strideY == 1 &&
         p.strideZ == 1 && p.dense() &&
         p.allTaps() > 1 && p.M <= kMaxRows && hasFullTiles(p) &&
         // Offsets are 32 bits.
         p.channels * (p.spanZ + 1) * p.sourceH * p.sourceW < int64_t(1) << 28;
}

bool fxrt::runDirectProduct(void *ctx, const PatchProduct &product) {
  return DirectRunner(product).run(ctx);
}

void fxrt::addDirectScratch(const PatchProduct &product, fx_rt_scratch &needs) {
  DirectRunner(product).addScratch(needs);
}
