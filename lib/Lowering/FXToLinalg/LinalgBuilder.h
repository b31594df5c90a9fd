//===- LinalgBuilder.h - Building linalg ops on tensors ---------*- C++ -*-===//

#ifndef FX_LIB_LOWERING_FXTOLINALG_LINALGBUILDER_H
#define FX_LIB_LOWERING_FXTOLINALG_LINALGBUILDER_H

#include "Scalars.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::fx {

using Sizes = llvm::SmallVector<OpFoldResult>;

inline RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// (d0, …, dn) -> the first `count` of them.
inline AffineMap getLeadingDimsMap(MLIRContext *context, int64_t rank,
                                   int64_t count) {
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < count; ++i)
    exprs.push_back(getAffineDimExpr(i, context));
  return AffineMap::get(rank, 0, exprs, context);
}

/// Builds tensor and linalg ops at one location. Element types of tensors
/// here are signless.
struct LinalgBuilder {
  OpBuilder &b;
  Location loc;

  /// The body of a linalg.generic: from block arguments to yielded values.
  using Body = llvm::function_ref<llvm::SmallVector<Value>(ScalarBuilder &,
                                                           ValueRange)>;
  /// The element at an index.
  using ElementBody =
      llvm::function_ref<Value(ScalarBuilder &, ValueRange indices)>;

  ScalarBuilder scalars() { return {b, loc}; }

  Sizes sizesOf(Value tensor) { return tensor::getMixedSizes(b, loc, tensor); }
  OpFoldResult sizeOf(Value tensor, int64_t dim) {
    return tensor::getMixedSize(b, loc, tensor, dim);
  }
  OpFoldResult constantSize(int64_t size) { return b.getIndexAttr(size); }
  Value asValue(OpFoldResult size);
  OpFoldResult addSizes(OpFoldResult a, OpFoldResult c);
  OpFoldResult mulSizes(OpFoldResult a, OpFoldResult c);
  /// `fallback` with the sizes that `type` knows.
  Sizes refineSizes(RankedTensorType type, Sizes fallback);

  /// The entries of a `sizes = [...]` list, null where it says -1.
  Sizes givenSizes(ArrayRef<int64_t> staticSizes, ValueRange sizes);

  Value empty(const Sizes &sizes, Type element);
  /// A tensor filled with a scalar of its element type.
  Value filled(const Sizes &sizes, Value scalar);
  Value filled(const Sizes &sizes, Type element, double value);
  /// tensor.cast where the types differ.
  Value castShape(Value tensor, RankedTensorType type);

  Value generic(ValueRange inputs, ValueRange outputs,
                ArrayRef<AffineMap> maps,
                ArrayRef<utils::IteratorType> iterators, Body body) {
    return genericOp(inputs, outputs, maps, iterators, body).front();
  }
  SmallVector<Value> genericOp(ValueRange inputs, ValueRange outputs,
                               ArrayRef<AffineMap> maps,
                               ArrayRef<utils::IteratorType> iterators,
                               Body body);

  /// Applies a function to the elements of inputs that broadcast to the given
  /// sizes.
  Value elementwise(ValueRange inputs, const Sizes &sizes, Type element,
                    Body body);
  /// The sizes to which tensors broadcast, as far as `type` leaves them open.
  Sizes broadcastSizes(ValueRange tensors, RankedTensorType type);
  /// A tensor whose element at each index is computed by `body`.
  Value generate(const Sizes &sizes, Type element, ElementBody body);
  /// Converts the elements (fx element types, see castScalar).
  Value convert(Value tensor, Type from, Type to);

  /// Folds the inputs (of equal shape) along `dims` with one initial scalar
  /// and one result for each output. Without the reduced dimensions.
  SmallVector<Value> reduce(ValueRange inputs, ArrayRef<int64_t> dims,
                            ValueRange initial, Body body);
  /// Sum of elements already in the accumulation type.
  Value sum(Value input, ArrayRef<int64_t> dims);
  Value maximum(Value input, ArrayRef<int64_t> dims);

  /// Inserts dimensions of size 1 at the given places of the result.
  Value insertUnitDims(Value tensor, ArrayRef<int64_t> places);
  /// Removes dimensions of size 1.
  Value dropUnitDims(Value tensor, ArrayRef<int64_t> places);
  Value transpose(Value tensor, ArrayRef<int64_t> order);
  /// tensor.extract_slice that allows empty results.
  Value slice(Value tensor, const Sizes &offsets, const Sizes &sizes,
              const Sizes &strides);
  /// Pads with a scalar of the element type; negative amounts crop.
  Value pad(Value tensor, ArrayRef<int64_t> low, ArrayRef<int64_t> high,
            Value scalar);
  /// Row-major elements of `tensor` under another shape. Where `type` leaves a
  /// size open it is in `sizes`; a null entry (one at most) is inferred.
  Value reshape(Value tensor, RankedTensorType type,
                ArrayRef<OpFoldResult> sizes);

  /// A nest of scf.for over the given sizes that carries values.
  SmallVector<Value>
  loopNest(const Sizes &sizes, ValueRange initial,
           llvm::function_ref<SmallVector<Value>(ScalarBuilder &,
                                                 ValueRange indices,
                                                 ValueRange carried)>
               body);
};

} // namespace mlir::fx

#endif
