//===- Scalars.h - Building computations on scalars -------------*- C++ -*-===//
//
// Short names for arith and math ops at one location, with signedness chosen
// from fx element types.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_LOWERING_FXTOLINALG_SCALARS_H
#define FX_LIB_LOWERING_FXTOLINALG_SCALARS_H

#include "fx/IR/FXOps.h"
#include "fx/Lowering/ScalarBodies.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::fx {

inline bool isUnsignedType(Type element) {
  return isBoolType(element) || element.isUnsignedInteger();
}

/// Comparisons; of floats they are ordered, except Ne (unordered).
enum class Relation { Eq, Ne, Lt, Le, Gt, Ge };

/// Builds ops on scalars. `type` parameters are fx element types (ui8 is
/// unsigned); values are signless.
struct ScalarBuilder {
  OpBuilder &b;
  Location loc;

  template <typename OpTy, typename... Args>
  Value op(Args &&...args) {
    return OpTy::create(b, loc, std::forward<Args>(args)...);
  }

  Value constantFloat(Type type, double value);
  Value constantInt(Type type, int64_t value);
  /// A constant of an integer, bool or floating-point type.
  Value constant(Type type, double value);
  Value constantIndex(int64_t value);
  Value cast(Value value, Type from, Type to) {
    return castScalar(b, loc, value, from, to);
  }
  /// An integer (of the fx type `type`) as an index.
  Value toIndex(Value value, Type type);

  // Arithmetic; add and mul of bools are `or` and `and`.
  Value add(Type type, Value a, Value c);
  Value sub(Type type, Value a, Value c);
  Value mul(Type type, Value a, Value c);
  /// Division of integers rounds to zero and does not trap on a zero divisor.
  Value div(Type type, Value a, Value c);
  /// The remainder with the sign of `a`.
  Value rem(Type type, Value a, Value c);
  /// NaN if either is NaN.
  Value maximum(Type type, Value a, Value c);
  Value minimum(Type type, Value a, Value c);
  Value neg(Type type, Value a);
  Value compare(Type type, Relation relation, Value a, Value c);
  Value isNan(Value a) {
    return op<arith::CmpFOp>(arith::CmpFPredicate::UNO, a, a);
  }
  Value select(Value condition, Value a, Value c) {
    return op<arith::SelectOp>(condition, a, c);
  }
  Value andI(Value a, Value c) { return op<arith::AndIOp>(a, c); }
  Value orI(Value a, Value c) { return op<arith::OrIOp>(a, c); }
  Value notI1(Value a) {
    return op<arith::XOrIOp>(a, constantInt(b.getI1Type(), 1));
  }
  /// Index arithmetic that folds constants.
  Value addIndex(Value a, Value c);
  Value addIndex(Value a, int64_t c) { return addIndex(a, constantIndex(c)); }
  Value subIndex(Value a, Value c);
  Value mulIndex(Value a, Value c);
  Value mulIndex(Value a, int64_t c) { return mulIndex(a, constantIndex(c)); }
  Value compareIndex(arith::CmpIPredicate predicate, Value a, Value c) {
    return op<arith::CmpIOp>(predicate, a, c);
  }

private:
  /// The divisor; 1 where a division could trap: by zero, and of the least
  /// integer by -1. `isMinusOne` is null where the divisor cannot be -1.
  Value nonTrappingDivisor(Type type, Value divisor, Value &isMinusOne);
};

/// The smallest and largest value of an element type, as a constant
/// (infinities of floating-point types).
Value buildLowest(ScalarBuilder &s, Type type);
Value buildHighest(ScalarBuilder &s, Type type);

} // namespace mlir::fx

#endif
