//===- PointwiseBinary.cpp - Arithmetic of several numbers ----------------===//

#include "Pointwise.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

// In the namespace of the ops, where a template finds them.
namespace mlir::fx {

// Integers wrap around: arithmetic is on their bits.
static int64_t add(int64_t x, int64_t y) {
  return static_cast<uint64_t>(x) + static_cast<uint64_t>(y);
}
static int64_t sub(int64_t x, int64_t y) {
  return static_cast<uint64_t>(x) - static_cast<uint64_t>(y);
}
static int64_t mul(int64_t x, int64_t y) {
  return static_cast<uint64_t>(x) * static_cast<uint64_t>(y);
}

template <typename F, typename G, typename H>
static ScalarFunctions ofTwo(F f, G g, H h) {
  return {[=](const double *x) { return f(x[0], x[1]); },
          [=](const int64_t *x) { return g(x[0], x[1]); },
          [=](const Complex *x) { return h(x[0], x[1]); }};
}
static ScalarFunctions getFunctions(AddOp op) {
  double alpha = op.getAlpha().convertToDouble();
  return ofTwo(
      [=](double x, double y) { return x + alpha * y; },
      [=](int64_t x, int64_t y) { return add(x, mul(int64_t(alpha), y)); },
      [=](Complex x, Complex y) { return x + alpha * y; });
}
static ScalarFunctions getFunctions(SubOp op) {
  double alpha = op.getAlpha().convertToDouble();
  return ofTwo(
      [=](double x, double y) { return x - alpha * y; },
      [=](int64_t x, int64_t y) { return sub(x, mul(int64_t(alpha), y)); },
      [=](Complex x, Complex y) { return x - alpha * y; });
}
static ScalarFunctions getFunctions(RsubOp op) {
  double alpha = op.getAlpha().convertToDouble();
  return ofTwo(
      [=](double x, double y) { return y - alpha * x; },
      [=](int64_t x, int64_t y) { return sub(y, mul(int64_t(alpha), x)); },
      [=](Complex x, Complex y) { return y - alpha * x; });
}
static ScalarFunctions getFunctions(MulOp) {
  return {[](const double *x) { return x[0] * x[1]; },
          [](const int64_t *x) { return mul(x[0], x[1]); },
          [](const Complex *x) { return x[0] * x[1]; }};
}
static ScalarFunctions getFunctions(DivOp) {
  return {[](const double *x) { return x[0] / x[1]; }, nullptr,
          [](const Complex *x) { return x[0] / x[1]; }};
}

/// Integer division by zero gives what the compiled code gives: the dividend,
/// as if by 1. (Eager PyTorch stops with an error.)
static int64_t divide(int64_t x, int64_t y) {
  if (y == -1)
    return sub(0, x);
  return y == 0 ? x : x / y;
}
static int64_t modulo(int64_t x, int64_t y) {
  return y == -1 || y == 0 ? 0 : x % y;
}
static bool signsDiffer(int64_t remainder, int64_t divisor) {
  return remainder != 0 && (remainder < 0) != (divisor < 0);
}
/// As Python's floor division, with the signs of zero of a true division.
static double floorDivide(double x, double y) {
  if (y == 0)
    return x / y;
  double remainder = std::fmod(x, y);
  double quotient = (x - remainder) / y;
  if (remainder != 0 && (remainder < 0) != (y < 0))
    quotient -= 1;
  if (quotient == 0)
    return std::copysign(0.0, x / y);
  return std::nearbyint(quotient);
}
static ScalarFunctions getFunctions(DivRoundedOp op) {
  if (op.getRoundingMode() == "trunc")
    return {[](const double *x) { return std::trunc(x[0] / x[1]); },
            [](const int64_t *x) { return divide(x[0], x[1]); }, nullptr};
  return {[](const double *x) { return floorDivide(x[0], x[1]); },
          [](const int64_t *x) {
            bool isBelow = signsDiffer(modulo(x[0], x[1]), x[1]);
            return sub(divide(x[0], x[1]), isBelow);
          },
          nullptr};
}
static ScalarFunctions getFunctions(RemainderOp) {
  return {[](const double *x) {
            double r = std::fmod(x[0], x[1]);
            return r != 0 && (r < 0) != (x[1] < 0) ? r + x[1] : r;
          },
          [](const int64_t *x) {
            int64_t r = modulo(x[0], x[1]);
            return signsDiffer(r, x[1]) ? add(r, x[1]) : r;
          },
          nullptr};
}
static ScalarFunctions getFunctions(FmodOp) {
  return {[](const double *x) { return std::fmod(x[0], x[1]); },
          [](const int64_t *x) { return modulo(x[0], x[1]); }, nullptr};
}

static int64_t powerOf(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == -1)
      return exponent % 2 == 0 ? 1 : -1;
    return base == 1;
  }
  int64_t power = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1)
      power = mul(power, base);
    base = mul(base, base);
  }
  return power;
}
/// With a Python number as exponent ATen takes a root for 1/2, which differs
/// at minus zero and at minus infinity.
static double powerOfScalar(double base, double exponent) {
  if (exponent == 0.5)
    return std::sqrt(base);
  if (exponent == -0.5)
    return 1 / std::sqrt(base);
  return std::pow(base, exponent);
}
static ScalarFunctions getFunctions(PowOp op) {
  bool byScalar = !isa<RankedTensorType>(op.getOther().getType());
  return {[byScalar](const double *x) {
            return byScalar ? powerOfScalar(x[0], x[1])
                            : std::pow(x[0], x[1]);
          },
          [](const int64_t *x) { return powerOf(x[0], x[1]); },
          [](const Complex *x) { return std::pow(x[0], x[1]); }};
}
static ScalarFunctions getFunctions(MaximumOp) {
  return {[](const double *x) {
            return std::isnan(x[0]) || x[0] > x[1] ? x[0] : x[1];
          },
          [](const int64_t *x) { return std::max(x[0], x[1]); }, nullptr};
}
static ScalarFunctions getFunctions(MinimumOp) {
  return {[](const double *x) {
            return std::isnan(x[0]) || x[0] < x[1] ? x[0] : x[1];
          },
          [](const int64_t *x) { return std::min(x[0], x[1]); }, nullptr};
}
static ScalarFunctions getFunctions(Atan2Op) {
  return {[](const double *x) { return std::atan2(x[0], x[1]); }, nullptr,
          nullptr};
}
static ScalarFunctions getFunctions(FmaOp) {
  return {[](const double *x) { return std::fma(x[0], x[1], x[2]); },
          [](const int64_t *x) { return add(mul(x[0], x[1]), x[2]); },
          nullptr};
}
static ScalarFunctions getFunctions(AddcmulOp op) {
  double value = op.getValue().convertToDouble();
  return {[=](const double *x) { return x[0] + value * x[1] * x[2]; },
          [=](const int64_t *x) {
            return add(x[0], mul(mul(int64_t(value), x[1]), x[2]));
          },
          nullptr};
}
static ScalarFunctions getFunctions(AddcdivOp op) {
  double value = op.getValue().convertToDouble();
  return {[=](const double *x) { return x[0] + value * x[1] / x[2]; },
          nullptr, nullptr};
}
/// From the nearer end, so that infinite ends give what ATen's do.
static ScalarFunctions getFunctions(LerpOp) {
  return {[](const double *x) {
            double distance = x[1] - x[0];
            return std::abs(x[2]) < 0.5 ? x[0] + x[2] * distance
                                        : x[1] - distance * (1 - x[2]);
          },
          nullptr, nullptr};
}

static LogicalResult evaluate(ConvertElementTypeOp op, Frame &frame) {
  return frame.setConverted(op.getResult(), frame.get(op.getSelf()));
}

} // namespace mlir::fx

void interp::addPointwiseBinary(Interpreter::Evaluators &evaluators) {
  addPointwiseOps<AddOp, SubOp, RsubOp, MulOp, DivOp, DivRoundedOp, PowOp,
                  MaximumOp, MinimumOp, RemainderOp, FmodOp, Atan2Op, FmaOp,
                  AddcmulOp, AddcdivOp, LerpOp>(evaluators);
  evaluators.add<ConvertElementTypeOp>(evaluate);
}
