//===- OutlineKernel.h - Ops into an fx.kernel ------------------*- C++ -*-===//

#ifndef FX_LIB_LOWERING_KERNELS_OUTLINEKERNEL_H
#define FX_LIB_LOWERING_KERNELS_OUTLINEKERNEL_H

#include "fx/IR/KernelOps.h"

namespace mlir::fx {

/// Ops that every kernel takes a copy of: constants and tensor.empty.
bool isClonedIntoKernels(Operation *op);

/// Moves `ops` (of one block, in order) into a new fx.kernel in front of the
/// last of them. The block has to be sorted afterwards. Fails if the size of a
/// result cannot be computed outside.
/// `scratch` are values of the kernel that need memory though nobody else uses
/// them.
FailureOr<KernelOp> outlineKernel(ArrayRef<Operation *> ops, KernelKind kind,
                                  ArrayRef<Value> scratch = {});

} // namespace mlir::fx

#endif // FX_LIB_LOWERING_KERNELS_OUTLINEKERNEL_H
