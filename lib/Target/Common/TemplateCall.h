//===- TemplateCall.h - A template kernel and its operands ------*- C++ -*-===//
//
// What every target finds out about a template kernel before it calls its
// library: the contraction, the memory of its result, the ops that follow it.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_COMMON_TEMPLATECALL_H
#define FX_LIB_TARGET_COMMON_TEMPLATECALL_H

#include "KernelFunction.h"

#include "fx/Lowering/Kernels/Contraction.h"
#include "fx/Lowering/Kernels/Epilogue.h"

namespace mlir::fx::target {

/// An operand of a matrix product: element (batch, row, column) is at
/// pointer + batch * batchStride + row * rowStride + column * columnStride.
struct MatrixOperand {
  Value pointer, batchStride, rowStride, columnStride;
};

/// result[batch] = lhs[batch] * rhs[batch]; sizes are i64 values.
struct ProductCall {
  Value batch, rows, columns, inner;
  MatrixOperand lhs, rhs, result;
};

class TemplateCall {
public:
  /// Finds the contraction of a template kernel whose function is `target` and
  /// emits the sizes of its result at `b`. Failure is an error on the kernel.
  static FailureOr<TemplateCall> create(OpBuilder &b, KernelOp kernelOp,
                                        KernelFunction &target);
  /// The first contraction of a kernel that is a template, or failure.
  static FailureOr<Contraction> findContraction(KernelOp kernelOp);

  /// What follows the contraction of a kernel; nothing if that is all it has.
  /// Failure is an error on the kernel.
  static FailureOr<std::optional<Epilogue>>
  findEpilogue(KernelOp kernelOp, Contraction &contraction);
  /// The result of the kernel that is, or has the memory of, the contraction's;
  /// null if only the epilogue sees that.
  static Value findMemory(KernelOp kernelOp, Contraction &contraction,
                          const std::optional<Epilogue> &epilogue);

  /// The operands of a matrix product.
  ProductCall getProduct(OpBuilder &b, KernelFunction &target) const;
  /// The contraction's result in another function with the arguments of the
  /// kernel; without a pointer if it is hidden.
  FailureOr<Buffer> getResultIn(const KernelFunction &target,
                                const KernelFunction &other) const;
  /// Whether the result has no memory in the kernel: the library shows it to
  /// the epilogue tile by tile.
  bool isHidden() const { return !result.pointer; }

  KernelOp kernelOp;
  Contraction match;
  /// The value of the contraction, and its memory, if any: that of a result of
  /// the kernel, seen in the shape of the contraction.
  Value raw;
  Buffer result;
  /// The ops after the contraction; none if nothing but it is computed.
  std::optional<Epilogue> epilogue;

private:
  Value getNumPoints(OpBuilder &b, KernelFunction &target,
                     ArrayRef<unsigned> loops) const;
  unsigned resultIndex = 0;
};

} // namespace mlir::fx::target

#endif // FX_LIB_TARGET_COMMON_TEMPLATECALL_H
