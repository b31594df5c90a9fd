//===- Epilogue.h - Pointwise ops after a contraction -----------*- C++ -*-===//

#ifndef FX_LOWERING_KERNELS_EPILOGUE_H
#define FX_LOWERING_KERNELS_EPILOGUE_H

#include "fx/Lowering/Kernels/Contraction.h"
#include "fx/Lowering/Kernels/LoopKernel.h"

namespace mlir::fx {

/// Ops that can run on each finished tile of a contraction.
struct Epilogue {
  LoopKernel kernel;
  /// The dims of the kernel that are the tile's batch, row and column. All
  /// accesses run through the columns like one dim, `columnDim` is the inner
  /// one.
  SmallVector<unsigned> batchDims, rowDims;
  int64_t columnDim = -1;
  /// An output that may share the memory of the contraction's result.
  Value inPlace;
};

/// The epilogue that `ops` form with these outputs, or failure.
FailureOr<Epilogue> matchEpilogue(Contraction &contraction,
                                  const llvm::SetVector<Operation *> &ops,
                                  ArrayRef<Value> outputs);

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_EPILOGUE_H
