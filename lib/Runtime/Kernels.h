//===- Kernels.h - Table of instruction-set specific kernels ----*- C++ -*-===//
//
// The innermost loops exist once for each instruction set (KernelsAVX512.cpp,
// KernelsAVX2.cpp, KernelsGeneric.cpp are compiled with their own flags and
// include the same sources). Everything outside of them is compiled once and
// calls through this table.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_RUNTIME_KERNELS_H
#define FX_LIB_RUNTIME_KERNELS_H

#include <stddef.h>
#include <stdint.h>

namespace fxrt {

/// Bits of a bfloat16 or IEEE half value.
struct BFloat16 {
  uint16_t bits;
};
struct Half {
  uint16_t bits;
};
/// An 8-bit integer, signed or not.
struct Byte {
  uint8_t bits;
};

constexpr int kMaxTileRows = 14;
constexpr int kDotTile = 4;
constexpr int kAxpyRows = 4;
constexpr int kPatchRows = 8;

/// Variants of a tile kernel by the number of its columns.
enum TileWidth { FullTile, TwoVectors, OneVector, TileWidthCount };

template <typename T>
struct GemmKernels {
  /// Rows and columns of the register tile, elements of a vector.
  int mr, nr, vl;
  /// Vector loads may be masked, so that B can be used in place at its edge.
  bool maskedLoads;

  /// C[0..R) x [0..cols) (+)= A * B over K steps (+ bias of the row). A is
  /// packed (R values a step) or has strides rsA and csA; B has rows ldb apart.
  using Tile = void (*)(int64_t K, const T *A, int64_t rsA, int64_t csA,
                        const T *B, int64_t ldb, T *C, int64_t ldc,
                        int64_t cols, bool accumulate, const T *rowBias);
  Tile packedTile[kMaxTileRows][TileWidthCount];
  Tile stridedTile[kMaxTileRows][TileWidthCount];

  /// C[i, j] (+)= sum over k of A[i * rsA + k] * B[j * csB + k], for up to
  /// kDotTile rows and columns.
  using Dot = void (*)(int64_t K, const T *A, int64_t rsA, const T *B,
                       int64_t csB, T *C, int64_t ldc, bool accumulate,
                       const T *rowBias);
  Dot dot[kDotTile][kDotTile];

  /// A few rows of C at once by streaming over the rows of B.
  using Axpy = void (*)(int64_t K, int64_t N, const T *A, int64_t rsA,
                        int64_t csA, const T *B, int64_t ldb, T *C, int64_t ldc,
                        bool accumulate, const T *rowBias);
  Axpy axpy[kAxpyRows];
};

/// Packing reads elements of type S and writes elements of type T.
template <typename S, typename T>
struct PackKernels {
  /// `rows` rows of A, K steps -> [K][rows].
  void (*packA)(const S *A, int64_t rsA, int64_t csA, int64_t rows, int64_t K,
                T *packed);
  /// `cols` <= nr columns of B, K steps -> [K][nr], zeros after `cols`.
  void (*packB)(const S *B, int64_t rsB, int64_t csB, int64_t K, int64_t cols,
                T *packed);
};

/// Tiles of patches that lie in a padded image, like packedTile with a step's
/// row of B at B + offset[k]; B must be readable for the whole tile.
using OffsetTile = void (*)(int64_t K, const float *A, const float *B,
                            const int32_t *offset, float *C, int64_t ldc,
                            int64_t cols, bool accumulate,
                            const float *rowBias);
using OffsetTiles = OffsetTile[TileWidthCount];

/// Arguments of the weight gradient's tile: tile[r, j] += sum over all steps s
/// of image[offset[r] + place[s]] * grad[s * nr + j].
template <typename E>
struct WeightTile {
  const E *image;
  const int64_t *offset, *place;
  /// Lines of `pairs` steps. With isOdd each ends with one more step, of pairs
  /// the one whose second element does not count.
  int64_t lines, pairs;
  bool isOdd;
  const float *grad;
  float *tile;
  int64_t ldTile;
};

/// Where 16 neighbouring pairs of channels of a kernel with few taps are in its
/// row (channel, tap), for each tap that the first of them can have: elements
/// of both channels in turn, from the tap's first channel on.
struct alignas(64) PairPlaces {
  static constexpr int64_t kMaxTaps = 16;
  uint16_t index[kMaxTaps][32];
  explicit PairPlaces(int64_t taps) {
    for (int64_t first = 0; first < taps; ++first)
      for (int64_t i = 0; i < 16; ++i) {
        int64_t at = (first + i) / taps * 2 * taps + (first + i) % taps;
        index[first][2 * i] = uint16_t(at);
        index[first][2 * i + 1] = uint16_t(at + taps);
      }
  }
};

/// Memory that will be read soon: `rows` rows of `rowBytes` bytes, `stride`
/// apart. Kernels ask for one line of it at each step.
struct Fetch {
  const char *at = nullptr;
  int64_t rows = 0, rowBytes = 0, stride = 0;
  /// Bytes of the row that were asked for.
  int64_t done = 0;
};

/// Products of narrow operands by instructions that sum pairs of products. An
/// element of a packed operand holds two steps of K, the second one zero after
/// an odd K; `tiles` has no stridedTile, dot and axpy.
struct DotKernels {
  GemmKernels<float> tiles;
  /// packA may write a vector behind the packed rows.
  PackKernels<BFloat16, float> pack;
  /// As packedTile with rows of B that are neighbours.
  using FetchingTile = void (*)(int64_t K, const float *A, const float *B,
                                float *C, int64_t ldc, int64_t cols,
                                bool accumulate, const float *rowBias,
                                Fetch &fetch);
  FetchingTile fetchingTile[kMaxTileRows][TileWidthCount];
  OffsetTiles offsetTile[kMaxTileRows];
  /// `channels` planes of `size` elements -> half as many, of pairs of
  /// neighbouring channels; zero in place of a last one without neighbour.
  void (*pairPlanes)(const BFloat16 *from, int64_t channels, int64_t size,
                     float *to);
  /// Up to kMaxTileRows rows of weights [channel][tap] -> the steps [k0, k1) of
  /// [pair of channels][tap][rows].
  void (*packWeights)(const BFloat16 *weight, int64_t rows, int64_t channels,
                      int64_t taps, const PairPlaces &places, int64_t k0,
                      int64_t k1, float *packed);
  /// The steps are pairs of neighbouring columns of a row; the gradient is zero
  /// behind an odd width.
  void (*weightTile[kPatchRows][2])(const WeightTile<BFloat16> &args);
  /// As GemmKernels::Dot, without bias.
  using Dot = void (*)(int64_t K, const BFloat16 *A, int64_t rsA,
                       const BFloat16 *B, int64_t csB, float *C, int64_t ldc,
                       bool accumulate);
  Dot dot[kDotTile][kDotTile];
};

/// Products of 8-bit integers, summed modulo 2^32. An element of a packed
/// operand holds `steps` steps of K, zeros after the last one. `tiles` have
/// no stridedTile, dot and axpy.
struct IntKernels {
  int steps;
  /// The instruction wants one operand signed and one unsigned: 0 for an A that
  /// is signed, 1 for one that is not. Otherwise both are the same.
  GemmKernels<uint32_t> tiles[2];
  /// With mixesSigns, 0: the bits as they are; 1: 128 is added or subtracted,
  /// which makes signed from unsigned and back. Otherwise 0: signed; 1:
  /// unsigned.
  PackKernels<Byte, uint32_t> pack[2];
  bool mixesSigns;
};

/// A run of lanes of one vector of a patch panel that lie in one input row:
/// lane l is the input element offset + l * stride (relative to a channel's
/// plane) if bit l is set.
struct PatchPiece {
  int64_t offset;
  uint32_t lanes;
};

/// Where one panel of patches finds its elements. For tap t and vector v of
/// the panel: pieces [begin[t * vectors + v], begin[t * vectors + v + 1]).
struct PatchPanel {
  const PatchPiece *pieces;
  const int32_t *begin;
  int64_t taps, stride;
};

/// One plane of a depthwise convolution, on a padded image whose columns are
/// split by their phase modulo the stride. Tap t of output (y, x) is
/// image[offset[t] + y * rowStep + x].
struct DepthwisePlane {
  const int64_t *offset;
  int64_t taps, rowStep;
  int64_t height, width;
};

/// A row of tiles of a Winograd convolution: tile t starts at column x + 2 * t
/// of row y of all channels' planes, `channelSize` apart; elements outside of them are zero. Point i
/// of the transform of (channel, tile) goes to to[i * pointStep + channel *
/// channelStep + tile]. Whole vectors are stored: what is behind the last tile
/// changes, too.
struct WinogradInput {
  const float *image;
  int64_t channels, channelSize, height, width, y, x, tiles;
  float *to;
  int64_t pointStep, channelStep;
};

/// The outputs of a row of tiles: `columns` elements of one or two lines, for
/// each row of the products from[i * pointStep + row * rowStep + tile].
struct WinogradOutput {
  const float *from;
  int64_t pointStep, rowStep, rows;
  /// Of each row, or NULL.
  const float *bias;
  float *to;
  int64_t planeSize, width, columns, lines;
};

/// Element types of operands, as in fx_rt_attention_shape.
enum ElementType { ElementF32, ElementBF16, ElementF16 };
template <typename S>
constexpr ElementType kElementType = ElementF32;
template <>
inline constexpr ElementType kElementType<BFloat16> = ElementBF16;
template <>
inline constexpr ElementType kElementType<Half> = ElementF16;

/// A tile of the products of queries and keys. Row r counts its first
/// firstAllowed + r columns only.
struct ScoreTile {
  float *scores;
  int64_t ld, rows, cols;
  float scale;
  int64_t firstAllowed;
  /// Added to the scaled scores; NULL for none.
  const void *mask;
  int32_t maskType;
  int64_t rsMask, csMask;
};

struct AttentionKernels {
  /// Replaces scores by exp(score - m), where m is the new largest score of
  /// the row. `sum` becomes the sum of the exponentials up to here, what was
  /// summed with the old one must be multiplied by `correction`.
  void (*onlineSoftmax)(const ScoreTile &tile, float *largest, float *sum,
                        float *correction);
  /// Replaces scores by probabilities p = exp(score - logsumexp) and the
  /// gradients g of those (with the tile's ld) by p * (g - delta) * scale.
  void (*softmaxGradient)(const ScoreTile &tile, const float *logsumexp,
                          const float *delta, float *gradients);
  void (*scaleRows)(float *p, int64_t ld, int64_t rows, int64_t cols,
                    const float *factors);
  float (*dotRow)(const float *a, const float *b, int64_t n);
  float (*logarithm)(float x);
  /// Rows with any strides -> dense f32 rows.
  template <typename S>
  using Widen = void (*)(const S *from, int64_t rs, int64_t cs, int64_t rows,
                         int64_t cols, float *to);
  Widen<float> widenF32;
  Widen<BFloat16> widenBF16;
  Widen<Half> widenF16;
  /// Rows of f32, each times its factor (or NULL) -> rows with any strides.
  template <typename S>
  using Narrow = void (*)(const float *from, int64_t ld, int64_t rows,
                          int64_t cols, const float *factors, S *to,
                          int64_t rs, int64_t cs);
  Narrow<float> narrowF32;
  Narrow<BFloat16> narrowBF16;
  Narrow<Half> narrowF16;
};

struct Kernels {
  const char *name;
  GemmKernels<float> f32;
  GemmKernels<double> f64;
  PackKernels<float, float> packF32;
  PackKernels<double, double> packF64;
  PackKernels<BFloat16, float> packBF16;
  PackKernels<Half, float> packF16;

  IntKernels i8;

  AttentionKernels attention;

  OffsetTiles offsetTile[kMaxTileRows];

  /// Rows [k0, k1) of a patch panel, k = channel * taps + tap, -> [k1-k0][nr].
  void (*packPatches)(const PatchPanel &panel, const float *image,
                      int64_t planeSize, int64_t k0, int64_t k1, float *packed);
  void (*weightTile[kPatchRows][2])(const WeightTile<float> &args);
  /// to[j * ldTo + i] = from[i * ldFrom + j] for i < rows, j < cols.
  void (*transpose)(const float *from, int64_t ldFrom, int64_t rows,
                    int64_t cols, float *to, int64_t ldTo);

  void (*winogradInput)(const WinogradInput &args);
  void (*winogradOutput)(const WinogradOutput &args);
  /// Point i of the transform of filter f goes to to[i * pointStep + f].
  void (*winogradFilter)(const float *weight, int64_t count, float *to,
                         int64_t pointStep);

  void (*depthwiseForward)(const DepthwisePlane &plane, const float *image,
                           const float *weight, float bias, float *output);
  void (*depthwiseData)(const DepthwisePlane &plane, float *image,
                        const float *weight, const float *grad);
  void (*depthwiseWeight)(const DepthwisePlane &plane, const float *image,
                          const float *grad, float *weightGrad);

  void (*philoxUniform)(uint64_t seed, uint64_t firstBlock, float *out,
                        int64_t blocks);
};

extern const Kernels kernelsGeneric;
#if defined(__x86_64__)
extern const Kernels kernelsAVX2, kernelsAVX512;
extern const DotKernels dotKernelsBF16;
extern const IntKernels intKernelsVNNI;
#endif

/// The table in use (FX_RT_ISA, else the best one that the machine runs).
const Kernels &kernels();
/// Those of bfloat16, or null without AVX-512 BF16 or below it in FX_RT_ISA.
const DotKernels *dotKernels();
/// Those of 8-bit integers.
const IntKernels &intKernels();

} // namespace fxrt

#endif // FX_LIB_RUNTIME_KERNELS_H
