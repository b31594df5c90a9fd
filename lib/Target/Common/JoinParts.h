//===- JoinParts.h - Tensors side by side in a result -----------*- C++ -*-===//
//
// Concatenation, padding and writing into slices: each tensor that is put into
// the result has its own loop nest that computes it in its place.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_COMMON_JOINPARTS_H
#define FX_LIB_TARGET_COMMON_JOINPARTS_H

#include "LoopEmitter.h"

namespace mlir::fx::target {

/// A tensor of a join kernel and where it goes.
struct JoinPart {
  Value tensor;
  LoopKernel kernel;
  LoopEmitter::BufferMaker buffer;
  /// Puts it into the result; null for a tensor that is as large as that.
  tensor::InsertSliceOp insert;
};

/// The parts in the order in which they are written: a later one may overwrite
/// elements of an earlier one. Failure is an error on the kernel.
FailureOr<std::vector<JoinPart>> getJoinParts(KernelOp kernel);

} // namespace mlir::fx::target

#endif // FX_LIB_TARGET_COMMON_JOINPARTS_H
