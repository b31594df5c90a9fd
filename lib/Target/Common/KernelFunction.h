//===- KernelFunction.h - The function made from a kernel -------*- C++ -*-===//
//
// Private to the targets. Every fx.kernel becomes a function whose
// arguments are, in this order: the context pointer; for each input its data
// pointer and its dynamic dimensions (i64), or its value if it is a scalar
// (i64 in place of index); for each result its data pointer and its dynamic
// dimensions.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_COMMON_KERNELFUNCTION_H
#define FX_LIB_TARGET_COMMON_KERNELFUNCTION_H

#include "fx/IR/KernelOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::fx::target {

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
  /// Null for a function that runs on the device.
  func::FuncOp function;
  Block *entry = nullptr;
  /// The run-time context; null on the device.
  Value context;
  /// For each input the buffer; `pointer` is null for a scalar.
  SmallVector<Buffer> inputs;
  /// For each scalar input its value.
  SmallVector<Value> scalars;
  SmallVector<Buffer> results;
};

/// The types of the arguments of a kernel function: for each tensor a pointer
/// and its dynamic sizes, for each scalar its value.
SmallVector<Type> getArgumentTypes(OpBuilder &builder, KernelOp kernel);
/// Names the arguments of those types.
void takeArguments(OpBuilder &builder, KernelOp kernel, ValueRange arguments,
                   KernelFunction &function);
/// Makes the empty function of a kernel on the host: an entry block without
/// terminator. The context is its first argument.
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
/// Ends the kernel function with a call of the runtime, which runs a second
/// function on ranges of `count` points, no fewer than `grain`, and continues
/// in that function: `kernel` holds its values then. The range.
std::pair<Value, Value> enterParallelBody(OpBuilder &builder, Location loc,
                                          KernelFunction &kernel,
                                          StringRef suffix, Value count,
                                          int64_t grain);
/// The declaration of a function of the runtime.
func::FuncOp declareRuntime(OpBuilder &builder, ModuleOp module, Location loc,
                            StringRef name, FunctionType type);
func::FuncOp declareRuntime(OpBuilder &builder, KernelFunction &kernel,
                            StringRef name, FunctionType type);

/// The memory of a tensor that is an argument of the kernel or yielded by it.
const Buffer &getBuffer(KernelOp kernel, const KernelFunction &function,
                        Value tensor);

/// What a kernel is but for locations, as bytes that mean something in this
/// context alone: equal bytes, equal code.
std::string getFingerprint(KernelOp kernel);

/// The i64 value of a constant or a value.
Value materialize(OpBuilder &builder, Location loc, OpFoldResult value);

} // namespace mlir::fx::target

#endif // FX_LIB_TARGET_COMMON_KERNELFUNCTION_H
