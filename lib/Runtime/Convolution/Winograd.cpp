//===- Winograd.cpp - 3x3 convolutions with fewer products ----------------===//
//
// F(2x2, 3x3): 16 products of [M, C] and [C, tiles] instead of one of
// [M, 9 * C] and [9 * C, 4 * tiles], 2.25 times fewer multiplications. A block
// of tiles goes through all steps while it is in the second-level cache. With
// depth the sum also runs over the planes of the kernel.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include <stdlib.h>
#include <string.h>

using namespace fxrt;

namespace {
constexpr int64_t kPoints = 16;
/// The transformed inputs of a block of tiles.
constexpr int64_t kBlockBytes = 384 << 10;
/// Fewer channels do not pay for the transforms, and the inputs of more do not
/// stay in the cache.
constexpr int64_t kMinChannels = 16, kMaxChannels = 1024;
/// The transform of the weights takes as long as this many tiles save.
constexpr int64_t kMinTiles = 96;

class WinogradRunner {
public:
  explicit WinogradRunner(const fx_rt_conv_shape &shape)
      : s(shape), table(kernels()), C(shape.in_channels),
        K(shape.kernel_d * shape.in_channels), M(shape.out_channels), panels(weightPanels(shape.out_channels)),
        tilesX(ceilDiv(shape.out_w, 2)), tilesY(ceilDiv(shape.out_h, 2)) {
    const int64_t nr = table.f32.nr;
    int64_t most = kBlockBytes / (kPoints * K * int64_t(sizeof(float)));
    most = minOf(maxOf(most / nr, 1), 8) * nr;
    // Whole rows of tiles, or parts of one.
    columnsAtOnce = minOf(tilesX, most);
    columnParts = ceilDiv(tilesX, columnsAtOnce);
    columnsAtOnce = ceilDiv(tilesX, columnParts);
    rowsAtOnce = columnParts > 1 ? 1 : maxOf(1, most / tilesX);
    // A panel of tiles behind the last one is read, a vector behind it stored.
    // The distance of channels is not a power of two, whose multiples would
    // share cache sets.
    tileStep = roundUp(rowsAtOnce * columnsAtOnce, nr) + 16;
  }

  int64_t filterCount() const { return kPoints * M * K; }

  void addScratch(fx_rt_scratch &needs) const {
    addThreadScratch(needs, ScratchPackA, rowCount() * sizeof(float));
    addThreadScratch(needs, ScratchConv, inputCount() * sizeof(float));
    addThreadScratch(needs, ScratchTile,
                     maxOf(productCount(), orderedCount()) * sizeof(float));
  }

  void transformFilters(void *ctx, const float *weight, float *filters) const {
    parallelFor(ctx, panels.parts, maxOf(1, 4096 / (14 * K)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t q = begin; q < end; ++q)
                    transformPanel(weight, q, filters);
                });
  }

  void run(void *ctx, const float *input, const float *filters,
           const float *bias, float *output, fx_rt_epilogue_f32 epilogue,
           void *closure) const {
    const int64_t tileRows = s.batch * s.out_d * tilesY;
    const int64_t rowBlocks = ceilDiv(tileRows, rowsAtOnce);
    const int64_t work = kPoints * M * K * rowsAtOnce * columnsAtOnce;
    parallelFor(ctx, rowBlocks * columnParts,
                maxOf(1, 200000 / maxOf(work, 1)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t i = begin; i < end; ++i) {
                    Block block;
                    block.firstRow = i / columnParts * rowsAtOnce;
                    block.rows = minOf(rowsAtOnce, tileRows - block.firstRow);
                    block.firstTile = i % columnParts * columnsAtOnce;
                    block.columns =
                        minOf(columnsAtOnce, tilesX - block.firstTile);
                    runBlock(block, input, filters, bias, output, epilogue,
                             closure);
                  }
                });
  }

private:
  /// Rows of tiles, counted through all planes of all images, and columns of them.
  struct Block {
    int64_t firstRow, rows, firstTile, columns;
  };

  const fx_rt_conv_shape &s;
  const Kernels &table;
  /// Input channels, and these for all planes of the kernel.
  const int64_t C, K, M;
  const EvenSplit panels;
  const int64_t tilesX, tilesY;
  int64_t rowsAtOnce, columnsAtOnce, columnParts, tileStep;

  int64_t panelRows() const { return panels.begin(1); }
  int64_t rowCount() const { return kPoints * panelRows() * K; }
  /// Filters of a panel, whose channels are not the last ones.
  int64_t orderedCount() const {
    return s.channels_last_weight ? 9 * panelRows() * K : 0;
  }
  int64_t inputCount() const { return kPoints * K * tileStep; }
  int64_t productCount() const { return kPoints * panelRows() * tileStep; }

  /// The filters of a panel of output channels, packed for each point:
  /// [point][panel][plane of the kernel][channel][row].
  void transformPanel(const float *weight, int64_t q, float *filters) const {
    const int64_t m = panels.begin(q), height = panels.begin(q + 1) - m;
    float *rows = threadScratchOf<float>(ScratchPackA, rowCount());
    const int64_t depth = s.kernel_d;
    const float *from = weight + m * K * 9;
    // Of the filters of a row, in memory or ordered.
    int64_t planeStep = 1, channelStep = depth;
    if (s.channels_last_weight) {
      float *ordered = threadScratchOf<float>(ScratchTile, orderedCount());
      for (int64_t i = 0; i < height * depth; ++i)
        table.transpose(from + i * C * 9, C, 9, C, ordered + i * C * 9, 9);
      from = ordered;
      planeStep = C;
      channelStep = 1;
    }
    table.winogradFilter(from, height * K, rows, height * K);
    for (int64_t i = 0; i < kPoints; ++i)
      for (int64_t d = 0; d < depth; ++d)
        table.packF32.packA(rows + i * height * K + d * planeStep, K,
                            channelStep, height, C,
                            filters + (i * M + m) * K + d * C * height);
  }

  void runBlock(const Block &block, const float *input, const float *filters,
                const float *bias, float *output, fx_rt_epilogue_f32 epilogue,
                void *closure) const {
    const int64_t nr = table.f32.nr, positions = getPositions(s);
    float *transformed = threadScratchOf<float>(ScratchConv, inputCount());
    float *products = threadScratchOf<float>(ScratchTile, productCount());
    // Planes of the kernel that are outside of the input for the whole block
    // are left out.
    int64_t first = 0, last = s.kernel_d - 1;
    while (first < last && !isInside(block, first))
      ++first;
    while (first < last && !isInside(block, last))
      --last;
    for (int64_t r = 0; r < block.rows; ++r)
      for (int64_t d = first; d <= last; ++d) {
        const int64_t row = block.firstRow + r, z = getPlane(row, d);
        const bool hasPlane = z >= 0 && z < s.in_d;
        WinogradInput args;
        args.image = input + row / tilesY / s.out_d * C * getInputSize(s) +
                     (hasPlane ? z * s.in_h * s.in_w : 0);
        args.channels = C;
        args.channelSize = getInputSize(s);
        args.height = s.in_h;
        args.width = s.in_w;
        // Rows above the plane are zero.
        args.y = hasPlane ? row % tilesY * 2 - s.pad_h : -4;
        args.x = block.firstTile * 2 - s.pad_w;
        args.tiles = block.columns;
        args.to = transformed + d * C * tileStep + r * block.columns;
        args.pointStep = K * tileStep;
        args.channelStep = tileStep;
        table.winogradInput(args);
      }
    const int64_t tiles = block.rows * block.columns;
    for (int64_t q = 0; q < panels.parts; ++q) {
      const int64_t m = panels.begin(q), height = panels.begin(q + 1) - m;
      for (int64_t i = 0; i < kPoints; ++i)
        multiply(filters + (i * M + m) * K, height, first * C, (last + 1) * C,
                 transformed + i * K * tileStep,
                 products + i * height * tileStep, roundUp(tiles, nr));
      for (int64_t r = 0; r < block.rows; ++r) {
        const int64_t y = (block.firstRow + r) % tilesY * 2;
        const int64_t x = block.firstTile * 2;
        WinogradOutput args;
        args.from = products + r * block.columns;
        args.pointStep = height * tileStep;
        args.rowStep = tileStep;
        args.rows = height;
        args.bias = bias ? bias + m : nullptr;
        const int64_t plane = (block.firstRow + r) / tilesY;
        args.to = output + (plane / s.out_d * M + m) * positions +
                  (plane % s.out_d * s.out_h + y) * s.out_w + x;
        args.planeSize = positions;
        args.width = s.out_w;
        args.columns = minOf(block.columns * 2, s.out_w - x);
        args.lines = minOf(2, s.out_h - y);
        table.winogradOutput(args);
      }
    }
    if (epilogue)
      runEpilogue(block, output, epilogue, closure);
  }

  /// The plane of the input that plane `d` of the kernel meets.
  int64_t getPlane(int64_t row, int64_t d) const {
    return row / tilesY % s.out_d * s.stride_d + d * s.dilation_d - s.pad_d;
  }
  bool isInside(const Block &block, int64_t d) const {
    for (int64_t r = 0; r < block.rows; ++r)
      if (int64_t z = getPlane(block.firstRow + r, d); z >= 0 && z < s.in_d)
        return true;
    return false;
  }

  /// products[height, columns] = filters * transformed[begin .. end, columns].
  void multiply(const float *filters, int64_t height, int64_t begin,
                int64_t end, const float *transformed, float *products,
                int64_t columns) const {
    const auto tile = table.f32.packedTile[height - 1][FullTile];
    const int64_t nr = table.f32.nr, kcMax = blockK(K, sizeof(float));
    for (int64_t k = begin; k < end; k += kcMax)
      for (int64_t x = 0; x < columns; x += nr)
        tile(minOf(kcMax, end - k), filters + k * height, 1, height,
             transformed + k * tileStep + x, tileStep, products + x, tileStep,
             nr, k > begin, nullptr);
  }

  /// The epilogue takes runs of positions of one plane: rows of tiles one below
  /// the other are one, the lines of a part of a row are two.
  void runEpilogue(const Block &block, float *output,
                   fx_rt_epilogue_f32 epilogue, void *closure) const {
    const int64_t positions = getPositions(s);
    auto call = [&](int64_t plane, int64_t first, int64_t count) {
      const int64_t image = plane / s.out_d;
      first += plane % s.out_d * s.out_h * s.out_w;
      epilogue(closure, image, 0, first, M, count,
               output + image * M * positions + first, positions);
    };
    const int64_t x = block.firstTile * 2;
    const int64_t columns = minOf(block.columns * 2, s.out_w - x);
    for (int64_t r = 0; r < block.rows;) {
      const int64_t row = block.firstRow + r, y = row % tilesY * 2;
      if (columnParts > 1) {
        for (int64_t line = y; line < minOf(y + 2, s.out_h); ++line)
          call(row / tilesY, line * s.out_w + x, columns);
        ++r;
        continue;
      }
      const int64_t count = minOf(block.rows - r, tilesY - row % tilesY);
      call(row / tilesY, y * s.out_w,
           minOf(2 * count, s.out_h - y) * s.out_w);
      r += count;
    }
  }
};
} // namespace

static bool isEnabled() {
  static const bool enabled = [] {
    const char *setting = getenv("FX_RT_WINOGRAD");
    return !setting || strcmp(setting, "0");
  }();
  return enabled;
}

bool fxrt::isWinograd(const fx_rt_conv_shape &s) {
  return s.groups == 1 && s.kernel_h == 3 && s.kernel_w == 3 &&
         s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.in_channels >= kMinChannels &&
         s.kernel_d * s.in_channels <= kMaxChannels && s.out_channels >= kMinChannels &&
         s.batch * s.out_d * ceilDiv(s.out_h, 2) * ceilDiv(s.out_w, 2) >= kMinTiles &&
         isEnabled();
}

int64_t fxrt::winogradFilterCount(const fx_rt_conv_shape &s) {
  return WinogradRunner(s).filterCount();
}

void fxrt::transformWinogradFilters(void *ctx, const fx_rt_conv_shape &s,
                                    const float *weight, float *filters) {
  WinogradRunner(s).transformFilters(ctx, weight, filters);
}

void fxrt::winogradForward(void *ctx, const fx_rt_conv_shape &s,
                           const float *input, const float *filters,
                           const float *bias, float *output,
                           fx_rt_epilogue_f32 epilogue, void *closure) {
  WinogradRunner(s).run(ctx, input, filters, bias, output, epilogue, closure);
}

void fxrt::addWinogradScratch(const fx_rt_conv_shape &s,
                              fx_rt_scratch &needs) {
  WinogradRunner(s).addScratch(needs);
}
