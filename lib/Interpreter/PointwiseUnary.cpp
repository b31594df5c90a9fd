//===- PointwiseUnary.cpp - Functions of one number -----------------------===//

#include "Pointwise.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

// In the namespace of the ops, where a template finds them.
namespace mlir::fx {

/// A function of one real number; of integers after their promotion.
template <typename F>
static ScalarFunctions real(F f) {
  return {[f](const double *x) { return f(x[0]); }, nullptr, nullptr};
}
/// The same, and the one of integers.
template <typename F, typename G>
static ScalarFunctions number(F f, G g) {
  return {[f](const double *x) { return f(x[0]); },
          [g](const int64_t *x) { return g(x[0]); }, nullptr};
}
/// Rounding leaves integers as they are.
template <typename F>
static ScalarFunctions rounding(F f) {
  return number(f, [](int64_t x) { return x; });
}

/// Both keep NaN.
static double clampLow(double x, double bound) { return x < bound ? bound : x; }
static double clampHigh(double x, double bound) {
  return x > bound ? bound : x;
}
/// clamp(x + 3, 0, 6)
static double hardRamp(double x) { return clampHigh(clampLow(x + 3, 0), 6); }
static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Bits above the width are cut off when a result is stored.
static int64_t negate(int64_t x) { return 0 - static_cast<uint64_t>(x); }

static ScalarFunctions getFunctions(NegOp) {
  ScalarFunctions f = number([](double x) { return -x; }, negate);
  f.complex = [](const Complex *x) { return -x[0]; };
  return f;
}
static ScalarFunctions getFunctions(AbsOp) {
  return number([](double x) { return std::abs(x); },
                [](int64_t x) { return x < 0 ? negate(x) : x; });
}
static ScalarFunctions getFunctions(SignOp) {
  return number([](double x) { return double((x > 0) - (x < 0)); },
                [](int64_t x) { return int64_t((x > 0) - (x < 0)); });
}
static ScalarFunctions getFunctions(ReluOp) {
  return number([](double x) { return clampLow(x, 0); },
                [](int64_t x) { return std::max<int64_t>(x, 0); });
}
static ScalarFunctions getFunctions(FloorOp) {
  return rounding([](double x) { return std::floor(x); });
}
static ScalarFunctions getFunctions(CeilOp) {
  return rounding([](double x) { return std::ceil(x); });
}
static ScalarFunctions getFunctions(RoundOp) {
  return rounding([](double x) { return std::nearbyint(x); });
}
static ScalarFunctions getFunctions(TruncOp) {
  return rounding([](double x) { return std::trunc(x); });
}
static ScalarFunctions getFunctions(ExpOp) {
  ScalarFunctions f = real([](double x) { return std::exp(x); });
  f.complex = [](const Complex *x) { return std::exp(x[0]); };
  return f;
}
static ScalarFunctions getFunctions(Exp2Op) {
  return real([](double x) { return std::exp2(x); });
}
static ScalarFunctions getFunctions(Expm1Op) {
  return real([](double x) { return std::expm1(x); });
}
static ScalarFunctions getFunctions(LogOp) {
  return real([](double x) { return std::log(x); });
}
static ScalarFunctions getFunctions(Log1pOp) {
  return real([](double x) { return std::log1p(x); });
}
static ScalarFunctions getFunctions(Log2Op) {
  return real([](double x) { return std::log2(x); });
}
static ScalarFunctions getFunctions(SqrtOp) {
  return real([](double x) { return std::sqrt(x); });
}
static ScalarFunctions getFunctions(RsqrtOp) {
  return real([](double x) { return 1 / std::sqrt(x); });
}
static ScalarFunctions getFunctions(ReciprocalOp) {
  return real([](double x) { return 1 / x; });
}
static ScalarFunctions getFunctions(SinOp) {
  return real([](double x) { return std::sin(x); });
}
static ScalarFunctions getFunctions(CosOp) {
  return real([](double x) { return std::cos(x); });
}
static ScalarFunctions getFunctions(TanhOp) {
  return real([](double x) { return std::tanh(x); });
}
static ScalarFunctions getFunctions(SigmoidOp) { return real(sigmoid); }
static ScalarFunctions getFunctions(ErfOp) {
  return real([](double x) { return std::erf(x); });
}
static ScalarFunctions getFunctions(SiluOp) {
  return real([](double x) { return x / (1 + std::exp(-x)); });
}
static ScalarFunctions getFunctions(HardswishOp) {
  return real([](double x) { return x * hardRamp(x) / 6; });
}
static ScalarFunctions getFunctions(HardsigmoidOp) {
  return real([](double x) { return hardRamp(x) / 6; });
}
static ScalarFunctions getFunctions(GeluOp op) {
  if (op.getApproximate() == "tanh")
    return real([](double x) {
      double inner = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(inner));
    });
  return real(
      [](double x) { return 0.5 * x * (1 + std::erf(x * M_SQRT1_2)); });
}
static ScalarFunctions getFunctions(HardtanhOp op) {
  double low = op.getMinVal().convertToDouble();
  double high = op.getMaxVal().convertToDouble();
  return number(
      [=](double x) { return clampHigh(clampLow(x, low), high); },
      [=](int64_t x) {
        auto least = static_cast<int64_t>(low);
        auto most = static_cast<int64_t>(high);
        return std::min(std::max(x, least), most);
      });
}
static ScalarFunctions getFunctions(LeakyReluOp op) {
  double slope = op.getNegativeSlope().convertToDouble();
  return real([=](double x) { return x > 0 ? x : x * slope; });
}

} // namespace mlir::fx

void interp::addPointwiseUnary(Interpreter::Evaluators &evaluators) {
  addPointwiseOps<NegOp, AbsOp, SignOp, ReluOp, FloorOp, CeilOp, RoundOp,
                  TruncOp, ExpOp, Exp2Op, Expm1Op, LogOp, Log1pOp, Log2Op,
                  SqrtOp, RsqrtOp, ReciprocalOp, SinOp, CosOp, TanhOp,
                  SigmoidOp, ErfOp, SiluOp, HardswishOp, HardsigmoidOp, GeluOp,
                  HardtanhOp, LeakyReluOp>(evaluators);
}
