//===- CompositesPolynomials.cpp - Chebyshev polynomials ------------------===//
//
// The degree is data, so each is evaluated in closed form: with x = cos(a)
// inside [-1, 1] and |x| = cosh(a) outside. Computed in f64.
//
//===----------------------------------------------------------------------===//

#include "Composites.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
enum class Kind { First, Second, Third, Fourth };

/// Chebyshev polynomials of x that is not negative, of degree n.
class Chebyshev {
public:
  Chebyshev(CompositeBuilder &c, Value x, Value n)
      : c(c), n(n), isInside(c.lt(x, c.f64(1))), isOne(c.eq(x, c.f64(1))) {
    Value low = c.where(isInside, x, c.f64(0));
    Value product = c.mul(c.sub(1.0, low), c.add(low, 1.0));
    Value inner = c.create<Atan2Op>(c.sqrt(product), low);
    // log1p keeps the digits of x - 1.
    Value rest = c.sub(
        c.where(c.logicalOr(isInside, isOne), c.f64(2), x), 1.0);
    Value root = c.sqrt(c.mul(rest, c.add(rest, 2.0)));
    Value outer = c.log1p(c.add(rest, root));
    a = c.where(isInside, inner, outer);
  }

  Value build(Kind kind) {
    Value half = c.mul(a, 0.5);
    Value middle = c.mul(a, c.add(n, 0.5));
    switch (kind) {
    case Kind::First:
      return c.whereNumber(isOne, 1, cosine(c.mul(a, n)));
    case Kind::Second: {
      Value more = c.add(n, 1.0);
      return c.where(isOne, more, c.div(sine(c.mul(a, more)), sine(a)));
    }
    case Kind::Third:
      return c.whereNumber(isOne, 1, c.div(cosine(middle), cosine(half)));
    case Kind::Fourth:
      return c.where(isOne, c.add(c.mul(n, 2.0), 1.0),
                     c.div(sine(middle), sine(half)));
    }
    llvm_unreachable("all kinds are handled");
  }

private:
  /// cos or cosh, sin or sinh of a multiple of the angle.
  Value cosine(Value angle) {
    Value outer = c.whereNumber(isInside, 0, angle);
    Value hyperbolic =
        c.mul(c.add(c.exp(outer), c.exp(c.neg(outer))), 0.5);
    return c.where(isInside, c.create<CosOp>(angle), hyperbolic);
  }
  Value sine(Value angle) {
    Value outer = c.whereNumber(isInside, 0, angle);
    Value hyperbolic =
        c.mul(c.sub(c.expm1(outer), c.expm1(c.neg(outer))), 0.5);
    return c.where(isInside, c.create<SinOp>(angle), hyperbolic);
  }

  CompositeBuilder &c;
  Value n, isInside, isOne;
  Value a;
};
} // namespace

static Value toTensor(CompositeBuilder &c, StringRef name) {
  Type f64 = c.getBuilder().getF64Type();
  Value value = c.value(name);
  return isTensor(value) ? c.convert(value, f64) : c.full({}, value, f64);
}

/// Of negative x by symmetry; 0 for a negative degree.
template <Kind kind, bool IsShifted>
static Values build(CompositeBuilder &c) {
  Value x = toTensor(c, "x");
  Value n = c.create<TruncOp>(toTensor(c, "n"));
  if (IsShifted)
    x = c.sub(c.mul(x, 2.0), 1.0);
  Chebyshev chebyshev(c, c.abs(x), n);
  Value positive = chebyshev.build(kind), mirrored = positive;
  if (kind == Kind::Third || kind == Kind::Fourth)
    mirrored = chebyshev.build(kind == Kind::Third ? Kind::Fourth
                                                   : Kind::Third);
  Value isEven = c.eq(c.floor(c.mul(n, 0.5)), c.mul(n, 0.5));
  Value negative = c.where(isEven, mirrored, c.neg(mirrored));
  Value result = c.where(c.lt(x, c.f64(0)), negative, positive);
  result = c.whereNumber(c.eq(n, c.f64(0)), 1, result);
  return {c.whereNumber(c.lt(n, c.f64(0)), 0, result)};
}

ArrayRef<Composite> fx::getPolynomialComposites() {
#define FX_CHEBYSHEV(LETTER, KIND)                                             \
  {"aten.special_chebyshev_polynomial_" LETTER ".default",                     \
   build<Kind::KIND, false>},                                                  \
      {"aten.special_chebyshev_polynomial_" LETTER ".x_scalar",                \
       build<Kind::KIND, false>},                                              \
      {"aten.special_chebyshev_polynomial_" LETTER ".n_scalar",                \
       build<Kind::KIND, false>},                                              \
      {"aten.special_shifted_chebyshev_polynomial_" LETTER ".default",         \
       build<Kind::KIND, true>},                                               \
      {"aten.special_shifted_chebyshev_polynomial_" LETTER ".x_scalar",        \
       build<Kind::KIND, true>},                                               \
      {"aten.special_shifted_chebyshev_polynomial_" LETTER ".n_scalar",        \
       build<Kind::KIND, true>}
  static constexpr Composite table[] = {
      FX_CHEBYSHEV("t", First),
      FX_CHEBYSHEV("u", Second),
      FX_CHEBYSHEV("v", Third),
      FX_CHEBYSHEV("w", Fourth),
  };
#undef FX_CHEBYSHEV
  return table;
}
