//===- LoopPlaces.h - Where values live in an iteration space ---*- C++ -*-===//

#ifndef FX_LIB_LOWERING_KERNELS_LOOPPLACES_H
#define FX_LIB_LOWERING_KERNELS_LOOPPLACES_H

#include "fx/Lowering/Kernels/LoopKernel.h"

namespace mlir::fx {

/// Chooses the dims of a kernel and a place for each value: one op is the
/// anchor whose loops are the dims, the places of all others follow along
/// operands and results in both directions.
class LoopPlaces {
public:
  explicit LoopPlaces(const llvm::SetVector<Operation *> &ops) : ops(ops) {}

  /// Only for the functions that compute maps.
  LoopPlaces(ArrayRef<LoopDim> dims, MLIRContext *context);

  bool find(ArrayRef<Value> outputs, std::string &reason);

  /// Splits a dim d whose floordiv or mod by a constant occurs in `maps`; true
  /// if one was split.
  bool splitDims(ArrayRef<AffineMap> maps);

  /// map after loops, simplified with the ranges of the dims.
  AffineMap composeMap(AffineMap map, ArrayRef<AffineExpr> loops) const;
  /// The loops of a generic whose result is read at `map`; a reduction loop
  /// stays null.
  SmallVector<AffineExpr> getLoopsFromResult(linalg::GenericOp op,
                                             OpResult result,
                                             AffineMap map) const;
  /// Where the source of a reshape or slice is read if its result is read at
  /// `map`; null if that needs dynamic sizes.
  AffineMap getSourceMap(Operation *op, AffineMap map) const;

  llvm::SetVector<Operation *> noOps;
  const llvm::SetVector<Operation *> &ops;
  SmallVector<LoopDim> dims;
  llvm::DenseMap<Value, AffineMap> places;
  /// The loops of placed generics.
  llvm::DenseMap<Operation *, SmallVector<AffineExpr>> loops;

private:
  AffineMap makeMap(ArrayRef<AffineExpr> exprs) const;
  AffineExpr simplify(AffineExpr expr) const;
  /// Where the result of a reshape is if its source is at `map`; null if
  /// unknown.
  AffineMap getResultMap(Operation *op, AffineMap map) const;
  AffineMap getReshapedMap(Operation *op, AffineMap map, bool toSource) const;
  bool place(Operation *op);
  bool placeGeneric(linalg::GenericOp op);
  void setPlace(Value value, AffineMap map);

  MLIRContext *context = nullptr;
  bool changed = false;
};

} // namespace mlir::fx

#endif // FX_LIB_LOWERING_KERNELS_LOOPPLACES_H
