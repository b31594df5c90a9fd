//===- Contraction.h - Matrix products and convolutions ---------*- C++ -*-===//
//
// Recognises the linalg.generic ops that the runtime has templates for, by
// their indexing maps and bodies.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LOWERING_KERNELS_CONTRACTION_H
#define FX_LOWERING_KERNELS_CONTRACTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::fx {

enum class ContractionKind { Product, Convolution, WeightGradient };

struct Contraction {
  ContractionKind kind;
  linalg::GenericOp op;
  /// Element type of both operands; the result is f32, or f64 for f64, i32 for
  /// i8, which some operands mean as unsigned numbers.
  Type element;
  bool unsignedLhs = false, unsignedRhs = false;

  // Product: the loops of each class, in the order of the result. C[batch, row,
  // column] = A[batch, row, inner] * B[batch, inner, column].
  Value lhs, rhs;
  AffineMap lhsMap, rhsMap;
  SmallVector<unsigned> batch, row, column, inner;

  // Convolution: `input` is not padded; of a weight gradient, `weight` is the
  // gradient of the output.
  Value input, weight;
  tensor::PadOp pad;
  SmallVector<int64_t> stride, dilation, padding;
  bool grouped = false;
  /// The weight, or the gradient of one, has its input channels last: [f, k...,
  /// c] instead of [f, c, k...].
  bool channelsLast = false;

  /// The first dimension of the kernel in a weight.
  int64_t getKernelDim() const { return (channelsLast ? 1 : 2) + grouped; }
};

/// The template for an op, or failure. The initial value of the sum has to be
/// zero.
FailureOr<Contraction> matchContraction(linalg::GenericOp op);

/// Whether the library can keep the result to itself and show it to an epilogue
/// tile by tile: the result is wider than the operands.
bool canHideResult(Contraction &contraction);

/// Reads the operands of a matrix product through copies that only permute or
/// repeat dimensions, those of a product of integers also through conversions
/// from 8 bits, and the weight of a convolution through a copy that moves its
/// channels. Returns whether something changed.
bool foldCopiesIntoContraction(RewriterBase &rewriter, linalg::GenericOp op);

/// Lets the gradient of a weight have its channels where the only use, a copy,
/// wants them.
void foldCopyOfWeightGradient(RewriterBase &rewriter, linalg::GenericOp op);

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_CONTRACTION_H
