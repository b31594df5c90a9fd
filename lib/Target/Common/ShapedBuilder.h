//===- ShapedBuilder.h - Arithmetic on values of one shape ------*- C++ -*-===//
//
// Private to the targets.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_COMMON_SHAPEDBUILDER_H
#define FX_LIB_TARGET_COMMON_SHAPEDBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::fx::target {

/// Arithmetic on values of one shape: scalars, or vectors.
struct ShapedBuilder {
  OpBuilder &b;
  Location loc;
  /// A type of this shape; its element type does not matter.
  Type shape;

  Type withElement(Type element) {
    if (auto vector = dyn_cast<VectorType>(shape))
      return vector.clone(element);
    return element;
  }
  Value constant(Type element, TypedAttr value) {
    Type type = withElement(element);
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, value);
    return arith::ConstantOp::create(b, loc, value);
  }
  Value real(Type element, double value) {
    return constant(element, b.getFloatAttr(element, value));
  }
  Value integer(int64_t value) {
    return constant(b.getI32Type(), b.getI32IntegerAttr(value));
  }
  template <typename Op, typename... Args> Value make(Args &&...args) {
    return Op::create(b, loc, std::forward<Args>(args)...);
  }
  /// ((c[n] x + c[n-1]) x + ...) + c[0]
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Type element = getElementTypeOrSelf(x.getType());
    Value result = real(element, coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      result = make<math::FmaOp>(result, x, real(element, c));
    return result;
  }
};

} // namespace mlir::fx::target

#endif // FX_LIB_TARGET_COMMON_SHAPEDBUILDER_H
