//===- CompositeShapes.h - Shapes and indices in formulas -------*- C++ -*-===//
//
// What formulas of views, indexing and contractions share. Where a size that
// must be known is not, the formula fails; the caller checks `hasFailed` before
// it builds on.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_IMPORT_COMPOSITESHAPES_H
#define FX_LIB_IMPORT_COMPOSITESHAPES_H

#include "Composites.h"

namespace mlir::fx {

/// A dimension argument, counted from the front.
int64_t getDim(CompositeBuilder &c, StringRef name, int64_t rank);
int64_t wrapDimOrFail(CompositeBuilder &c, int64_t dim, int64_t rank);
/// The size of a dimension, if it is known.
int64_t getKnownSize(CompositeBuilder &c, Value x, int64_t dim);
/// The sizes of all dimensions, if they are known.
SmallVector<int64_t> getKnownSizes(CompositeBuilder &c, Value x);

/// 0, 1, … length - 1 as i64.
Value buildIota(TensorBuilder &b, int64_t length);
/// A vector shaped to broadcast along dimension `dim` of a tensor of `rank`.
Value alongDim(TensorBuilder &b, Value vector, int64_t dim, int64_t rank);
/// All elements in a row.
Value flattenAll(TensorBuilder &b, Value x);
/// x[…, index, …]: the dimensions of `index` replace dimension `dim`.
Value takeAlong(TensorBuilder &b, Value x, Value index, int64_t dim);
/// x with `values` put in (or added) at x[…, index, …].
Value putAlong(TensorBuilder &b, Value x, Value index, int64_t dim,
               Value values, bool accumulate);
/// `view` with sizes that are all known.
Value viewAs(TensorBuilder &b, Value x, ArrayRef<int64_t> sizes);
/// `expand` with sizes that are all known.
Value expandTo(TensorBuilder &b, Value x, ArrayRef<int64_t> sizes);
/// `permute`, nothing to do for the identity.
Value permuteTo(TensorBuilder &b, Value x, ArrayRef<int64_t> dims);
/// The dimensions dim1 and dim2 at the end, behind the others.
SmallVector<int64_t> getDimsLast(int64_t rank, ArrayRef<int64_t> last);

/// The elements x[…, i, …, i + offset, …], in a new last dimension; null if a
/// size is not known.
Value buildDiagonal(TensorBuilder &b, Value x, int64_t offset, int64_t dim1,
                    int64_t dim2);
/// x with those elements replaced; null if a size is not known.
Value scatterDiagonal(TensorBuilder &b, Value x, Value source,
                      int64_t offset, int64_t dim1, int64_t dim2);

} // namespace mlir::fx

#endif // FX_LIB_IMPORT_COMPOSITESHAPES_H
