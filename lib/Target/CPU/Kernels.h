//===- Kernels.h - The kinds of kernels on the CPU --------------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_KERNELS_H
#define FX_LIB_TARGET_CPU_KERNELS_H

#include "../Common/LoopEmitter.h"

#include "fx/Analysis/OrderCalls.h"

namespace mlir::fx::cpu {

/// The module's variable for what the run-time library prepares of frozen
/// weights; in modules that have such weights, as kReleaseFrozen.
inline constexpr llvm::StringLiteral kFrozenStore = "fx_frozen_store";

using namespace mlir::fx::target;

/// Fills the function of a template kernel: a call of the runtime, with the
/// rest of the kernel as its epilogue.
LogicalResult emitTemplateKernel(OpBuilder &b, KernelOp kernelOp,
                                 KernelFunction &target, unsigned vectorBits);

/// Fills the function of the kernel of a fused attention or its backward: a
/// call of the runtime.
LogicalResult emitAttentionKernel(OpBuilder &b, KernelOp kernelOp,
                                  KernelFunction &target);

/// Fills the function of a join kernel: one loop nest for each tensor that is
/// put into the result.
LogicalResult emitJoinKernel(OpBuilder &b, KernelOp kernelOp,
                             KernelFunction &target, unsigned vectorBits);

/// The sorting or running extremum that a kernel is, which `emitOrderKernel`
/// takes: a call of the runtime.
std::optional<OrderCall> findOrderCall(KernelOp kernelOp);
LogicalResult emitOrderKernel(OpBuilder &b, KernelOp kernelOp,
                              KernelFunction &target);

/// Whether a kernel is one nest of loops that scatters, which
/// `emitScatterKernel` takes.
bool isScatterKernel(KernelOp kernelOp);
LogicalResult emitScatterKernel(OpBuilder &b, KernelOp kernelOp,
                                KernelFunction &target, unsigned vectorBits);

/// Fills the function by one-shot bufferization of the region. The function
/// still holds tensors, to be lowered by `lowerGenericKernels`.
LogicalResult emitGenericKernel(OpBuilder &builder, KernelOp kernel,
                                KernelFunction &function);
/// Bufferizes the generic kernels of a module and lowers them to loops.
LogicalResult lowerGenericKernels(ModuleOp module);
/// Makes threads share the loops of a lowered generic kernel, where they can.
void shareLoops(func::FuncOp function);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_KERNELS_H
