//===- CompositeShapes.cpp - Shapes and indices in formulas ---------------===//

#include "CompositeShapes.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mlir::fx;

int64_t fx::wrapDimOrFail(CompositeBuilder &c, int64_t dim, int64_t rank) {
  FailureOr<int64_t> wrapped = normalizeDim(std::nullopt, dim, rank);
  if (succeeded(wrapped))
    return *wrapped;
  c.fail();
  return 0;
}

int64_t fx::getDim(CompositeBuilder &c, StringRef name, int64_t rank) {
  return wrapDimOrFail(c, c.integer(name), rank);
}

int64_t fx::getKnownSize(CompositeBuilder &c, Value x, int64_t dim) {
  int64_t size = getTensorType(x).getDimSize(dim);
  if (!ShapedType::isDynamic(size))
    return size;
  c.fail();
  return 1;
}

SmallVector<int64_t> fx::getKnownSizes(CompositeBuilder &c, Value x) {
  SmallVector<int64_t> sizes;
  for (int64_t dim = 0; dim < getRank(x); ++dim)
    sizes.push_back(getKnownSize(c, x, dim));
  return sizes;
}

Value fx::buildIota(TensorBuilder &b, int64_t length) {
  return b.indexAlong(b.size(length), 0, 1);
}

Value fx::alongDim(TensorBuilder &b, Value vector, int64_t dim,
                   int64_t rank) {
  Sizes sizes(rank, b.size(1));
  sizes[dim] = b.sizeOf(vector, 0);
  return b.view(vector, sizes);
}

Value fx::flattenAll(TensorBuilder &b, Value x) {
  if (getRank(x) == 1)
    return x;
  auto all = llvm::to_vector(llvm::seq<int64_t>(0, getRank(x)));
  return b.view(x, {b.countOf(x, all)});
}

Value fx::takeAlong(TensorBuilder &b, Value x, Value index, int64_t dim) {
  return b.create<IndexOp>(x, index, ArrayRef<int64_t>{dim});
}

Value fx::putAlong(TensorBuilder &b, Value x, Value index, int64_t dim,
                   Value values, bool accumulate) {
  return b.create<IndexPutOp>(x, values, index, ArrayRef<int64_t>{dim},
                              accumulate);
}

static Sizes toSizes(TensorBuilder &b, ArrayRef<int64_t> sizes) {
  Sizes result;
  for (int64_t size : sizes)
    result.push_back(b.size(size));
  return result;
}

Value fx::viewAs(TensorBuilder &b, Value x, ArrayRef<int64_t> sizes) {
  return b.view(x, toSizes(b, sizes));
}

Value fx::expandTo(TensorBuilder &b, Value x, ArrayRef<int64_t> sizes) {
  return b.expand(x, toSizes(b, sizes));
}

Value fx::permuteTo(TensorBuilder &b, Value x, ArrayRef<int64_t> dims) {
  return llvm::equal(dims, llvm::seq<int64_t>(0, dims.size()))
             ? x
             : b.permute(x, dims);
}

SmallVector<int64_t> fx::getDimsLast(int64_t rank, ArrayRef<int64_t> last) {
  SmallVector<int64_t> dims;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(last, dim))
      dims.push_back(dim);
  llvm::append_range(dims, last);
  return dims;
}

namespace {
/// A diagonal of a matrix as a slice of its elements in row-major order.
struct DiagonalSlice {
  bool isKnown;
  int64_t start = 0, end = 0, step = 1;

  DiagonalSlice(RankedTensorType type, int64_t offset, int64_t dim1,
                int64_t dim2)
      : isKnown(!type.isDynamicDim(dim1) && !type.isDynamicDim(dim2)) {
    if (!isKnown)
      return;
    int64_t rows = type.getDimSize(dim1), columns = type.getDimSize(dim2);
    int64_t length = offset >= 0 ? std::min(rows, columns - offset)
                                 : std::min(rows + offset, columns);
    if (length <= 0)
      return;
    step = columns + 1;
    start = offset >= 0 ? offset : -offset * columns;
    end = start + (length - 1) * step + 1;
  }
};
} // namespace

/// The matrices of dim1 and dim2 as rows: [others…, size1 * size2].
static Value toMatrixRows(TensorBuilder &b, Value x, int64_t dim1,
                          int64_t dim2) {
  int64_t rank = getRank(x);
  x = permuteTo(b, x, getDimsLast(rank, {dim1, dim2}));
  Sizes sizes = b.sizesOf(x);
  sizes[rank - 2] = b.multiply(sizes[rank - 2], sizes[rank - 1]);
  sizes.pop_back();
  return b.view(x, sizes);
}

Value fx::buildDiagonal(TensorBuilder &b, Value x, int64_t offset,
                        int64_t dim1, int64_t dim2) {
  DiagonalSlice slice(getTensorType(x), offset, dim1, dim2);
  if (!slice.isKnown)
    return {};
  return b.slice(toMatrixRows(b, x, dim1, dim2), getRank(x) - 2, slice.start,
                 slice.end, slice.step);
}

Value fx::scatterDiagonal(TensorBuilder &b, Value x, Value source,
                          int64_t offset, int64_t dim1, int64_t dim2) {
  DiagonalSlice slice(getTensorType(x), offset, dim1, dim2);
  if (!slice.isKnown)
    return {};
  int64_t rank = getRank(x);
  Value rows = b.create<SliceScatterOp>(
      toMatrixRows(b, x, dim1, dim2), source, (uint64_t)(rank - 2),
      b.i64(slice.start), b.i64(slice.end), (uint64_t)slice.step);
  SmallVector<int64_t> dims = getDimsLast(rank, {dim1, dim2});
  Sizes sizes;
  for (int64_t dim : dims)
    sizes.push_back(b.sizeOf(x, dim));
  return permuteTo(b, b.view(rows, sizes), invertPermutationVector(dims));
}
