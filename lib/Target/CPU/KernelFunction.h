//===- KernelFunction.h - The function made from a kernel -------*- C++ -*-===//
//
// Private to the CPU target. Every fx.kernel becomes a function whose
// arguments are, in this order: the context pointer; for each input its data
// pointer and its dynamic dimensions (i64), or its value if it is a scalar
// (i64 in place of index); for each result its data pointer and its dynamic
// dimensions.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_KERNELFUNCTION_H
#define FX_LIB_TARGET_CPU_KERNELFUNCTION_H

#include "fx/IR/KernelOps.h"
#include "fx/Target/CPU/CPU.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::fx::cpu {

/// A tensor in memory: dense, row-major, unless it has strides.
struct Buffer {
  Value pointer;
  /// One entry for each dimension: an i64 value, or a constant.
  SmallVector<OpFoldResult> sizes;
  RankedTensorType type;
  /// Distances between neighbours in elements.
  SmallVector<OpFoldResult> strides = {};
};

/// The body of a kernel function, with its arguments unpacked.
struct KernelFunction {
  func::FuncOp function;
  Value context;
  /// For each input the buffer; `pointer` is null for a scalar.
  SmallVector<Buffer> inputs;
  /// For each scalar input its value.
  SmallVector<Value> scalars;
  SmallVector<Buffer> results;
};

/// Makes the empty function of a kernel: an entry block without terminator.
KernelFunction createKernelFunction(OpBuilder &builder, KernelOp kernel,
                                    StringRef name);

// Functions that the runtime calls back: they take the arguments of the kernel
// function in a closure.

/// A private function NAME_suffix next to the kernel's, with an entry block.
func::FuncOp createCallback(OpBuilder &builder, KernelFunction &kernel,
                            StringRef suffix, FunctionType type);
/// The address of a function as a pointer.
Value getAddress(OpBuilder &builder, func::FuncOp function);
/// Stores the arguments of the kernel function on the stack.
Value packClosure(OpBuilder &builder, KernelFunction &kernel);
/// Makes the kernel's values those in the closure.
void unpackClosure(OpBuilder &builder, KernelFunction &kernel, Value closure);
/// The declaration of a function of the runtime.
func::FuncOp declareRuntime(OpBuilder &builder, KernelFunction &kernel,
                            StringRef name, FunctionType type);

/// Fills the function by one-shot bufferization of the region. The function
/// still holds tensors, to be lowered by `lowerGenericKernels`.
LogicalResult emitGenericKernel(OpBuilder &builder, KernelOp kernel,
                                KernelFunction &function);
/// Bufferizes the generic kernels of a module and lowers them to loops.
LogicalResult lowerGenericKernels(ModuleOp module);

/// The i64 value of a constant or a value.
Value materialize(OpBuilder &builder, Location loc, OpFoldResult value);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_KERNELFUNCTION_H
