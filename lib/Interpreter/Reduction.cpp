//===- Reduction.cpp - Reductions, scans and softmax ----------------------===//

#include "Evaluation.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {
/// Which elements of a tensor are reduced to which result.
struct Groups {
  Groups(const Tensor &self, ArrayRef<int64_t> dims, bool keepdim)
      : source(self.shape()) {
    Shape kept;
    for (int64_t i = 0; i < self.rank(); ++i) {
      bool isReduced = llvm::is_contained(dims, i);
      kept.push_back(isReduced ? 1 : self.dim(i));
      if (!isReduced)
        shape.push_back(self.dim(i));
      else
        count *= self.dim(i);
    }
    number = countElements(kept);
    if (keepdim)
      shape = kept;
    groupStrides = getBroadcastStrides(kept, source);
    // The place of an element among those of its group, row-major.
    placeStrides.assign(self.rank(), 0);
    int64_t stride = 1;
    for (int64_t i = self.rank(); i-- > 0;)
      if (llvm::is_contained(dims, i)) {
        placeStrides[i] = stride;
        stride *= self.dim(i);
      }
  }

  /// Calls `f(element, group, place)` in row-major order.
  template <typename F>
  void forEach(F f) const {
    Positions positions(source);
    positions.add(groupStrides);
    positions.add(placeStrides);
    for (int64_t i = 0, size = countElements(source); i < size; ++i) {
      f(i, positions.offset(0), positions.offset(1));
      positions.next();
    }
  }

  /// The shape of the results, their number, and the elements of each.
  Shape shape;
  int64_t number, count = 1;

private:
  Shape source, groupStrides, placeStrides;
};
} // namespace

template <typename OpTy>
static Groups getGroups(OpTy op, const Tensor &self) {
  return Groups(self, wrapDims(op.getDim(), self.rank()), op.getKeepdim());
}

/// The sum, the product or the mean; elements are converted to the type of the
/// result first.
template <typename OpTy>
static LogicalResult accumulate(OpTy op, Frame &frame) {
  constexpr bool isProduct = std::is_same_v<OpTy, ProdOp>;
  Tensor self = frame.get(op.getSelf());
  Groups groups = getGroups(op, self);
  FailureOr<Tensor> result = frame.make(op.getResult(), groups.shape);
  if (failed(result))
    return failure();
  ElementKind kind = result->kind();
  if (isComplexKind(kind)) {
    std::vector<Complex> totals(groups.number, isProduct ? 1 : 0);
    groups.forEach([&](int64_t i, int64_t group, int64_t) {
      Complex x = self.complex(i);
      totals[group] = isProduct ? totals[group] * x : totals[group] + x;
    });
    for (auto [i, total] : llvm::enumerate(totals))
      result->setComplex(i, std::is_same_v<OpTy, MeanOp>
                                ? total / double(groups.count)
                                : total);
  } else if (isFloatKind(kind)) {
    std::vector<double> totals(groups.number, isProduct ? 1 : 0);
    groups.forEach([&](int64_t i, int64_t group, int64_t) {
      double x = roundToKind(self.real(i), kind);
      totals[group] = isProduct ? totals[group] * x : totals[group] + x;
    });
    for (auto [i, total] : llvm::enumerate(totals))
      result->setReal(i, std::is_same_v<OpTy, MeanOp>
                             ? total / double(groups.count)
                             : total);
  } else {
    std::vector<uint64_t> totals(groups.number, isProduct ? 1 : 0);
    groups.forEach([&](int64_t i, int64_t group, int64_t) {
      uint64_t x = isFloatKind(self.kind())
                       ? truncateToKind(self.real(i), kind)
                       : wrapToKind(self.integer(i), kind);
      totals[group] = isProduct ? totals[group] * x : totals[group] + x;
    });
    for (auto [i, total] : llvm::enumerate(totals))
      result->setInteger(i, total);
  }
  return frame.set(op.getResult(), *result);
}

/// Whether `x` takes the place of the largest (or smallest) one so far. The
/// first of equal ones stays; NaN wins.
static bool isBetter(const Tensor &self, int64_t x, int64_t best, bool isMax) {
  if (isFloatKind(self.kind())) {
    double a = self.real(x), b = self.real(best);
    if (std::isnan(a) || std::isnan(b))
      return std::isnan(a) && !std::isnan(b);
    return isMax ? a > b : a < b;
  }
  int64_t a = self.integer(x), b = self.integer(best);
  return isMax ? a > b : a < b;
}

namespace {
/// The extreme element of each group, and its place in it.
struct Extremes {
  std::vector<int64_t> elements, places;
};
} // namespace

static FailureOr<Extremes> findExtremes(Operation *op, const Tensor &self,
                                        const Groups &groups, bool isMax) {
  if (groups.number != 0 && groups.count == 0)
    return emitNodeError(op) << "there is no extreme of no elements";
  if (isComplexKind(self.kind()))
    return emitNodeError(op) << "complex numbers have no order";
  Extremes extremes;
  extremes.elements.assign(groups.number, -1);
  extremes.places.assign(groups.number, 0);
  groups.forEach([&](int64_t i, int64_t group, int64_t place) {
    int64_t &best = extremes.elements[group];
    if (best >= 0 && !isBetter(self, i, best, isMax))
      return;
    best = i;
    extremes.places[group] = place;
  });
  return extremes;
}

/// Gives the elements to the first result, the places to the last one.
static LogicalResult setExtremes(Operation *op, Frame &frame,
                                 const Tensor &self, const Groups &groups,
                                 bool isMax, bool elements, bool places) {
  FailureOr<Extremes> extremes = findExtremes(op, self, groups, isMax);
  if (failed(extremes))
    return failure();
  std::vector<Tensor> results;
  if (elements) {
    FailureOr<Tensor> result = frame.make(op, self.kind(), groups.shape);
    if (failed(result))
      return failure();
    for (auto [i, element] : llvm::enumerate(extremes->elements))
      result->copyElement(i, self, element);
    results.push_back(*result);
  }
  if (places) {
    FailureOr<Tensor> result =
        frame.make(op, ElementKind::I64, groups.shape);
    if (failed(result))
      return failure();
    for (auto [i, place] : llvm::enumerate(extremes->places))
      result->setInteger(i, place);
    results.push_back(*result);
  }
  return frame.set(op, std::move(results));
}

template <typename OpTy>
static LogicalResult reduceToExtreme(OpTy op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  return setExtremes(op, frame, self, getGroups(op, self),
                     std::is_same_v<OpTy, AmaxOp>, true, false);
}

template <typename OpTy>
static LogicalResult findPlace(OpTy op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  SmallVector<int64_t> dims = wrapDims({}, self.rank());
  if (op.getDim() && self.rank() > 0)
    dims = {wrapDim(*op.getDim(), self.rank())};
  return setExtremes(op, frame, self, Groups(self, dims, op.getKeepdim()),
                     std::is_same_v<OpTy, ArgmaxOp>, false, true);
}

/// A dimension as a list; a scalar has none.
static SmallVector<int64_t> getWholeDim(int64_t dim, const Tensor &self) {
  if (self.rank() == 0)
    return {};
  return {wrapDim(dim, self.rank())};
}

template <typename OpTy>
static LogicalResult reduceAlong(OpTy op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  return setExtremes(op, frame, self,
                     Groups(self, getWholeDim(op.getDim(), self),
                            op.getKeepdim()),
                     std::is_same_v<OpTy, MaxDimOp>, true, true);
}

template <typename OpTy>
static LogicalResult reduceLogical(OpTy op, Frame &frame) {
  constexpr bool isAny = std::is_same_v<OpTy, AnyOp>;
  Tensor self = frame.get(op.getSelf());
  Groups groups = getGroups(op, self);
  FailureOr<Tensor> result = frame.make(op.getResult(), groups.shape);
  if (failed(result))
    return failure();
  std::vector<bool> values(groups.number, !isAny);
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    if ((self.complex(i) != Complex(0)) == isAny)
      values[group] = isAny;
  });
  for (int64_t i = 0; i < groups.number; ++i)
    result->setInteger(i, values[i]);
  return frame.set(op.getResult(), *result);
}

/// Variance in two passes, and the mean.
template <typename OpTy>
static LogicalResult reduceToVariance(OpTy op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  Groups groups = getGroups(op, self);
  auto variance = frame.make(op->getResult(0), groups.shape);
  auto mean = frame.make(op->getResult(0), groups.shape);
  if (failed(variance) || failed(mean))
    return failure();
  std::vector<double> means(groups.number, 0), squares(groups.number, 0);
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    means[group] += self.real(i);
  });
  for (double &value : means)
    value /= double(groups.count);
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    double distance = self.real(i) - means[group];
    squares[group] += distance * distance;
  });
  double divisor = std::max(
      double(groups.count) - op.getCorrection().convertToDouble(), 0.0);
  for (int64_t i = 0; i < groups.number; ++i) {
    variance->setReal(i, squares[i] / divisor);
    mean->setReal(i, means[i]);
  }
  if (op->getNumResults() == 1)
    return frame.set(op, {*variance});
  return frame.set(op, {*variance, *mean});
}

static LogicalResult evaluate(CumsumOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  FailureOr<Tensor> result = frame.make(op.getResult(), self.shape());
  if (failed(result))
    return failure();
  Groups groups(self, getWholeDim(op.getDim(), self), false);
  // Row-major order goes upwards along each dimension.
  std::vector<double> sums(groups.number, 0);
  std::vector<uint64_t> wholes(groups.number, 0);
  ElementKind kind = result->kind();
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    if (isFloatKind(kind))
      result->setReal(i, sums[group] += roundToKind(self.real(i), kind));
    else
      result->setInteger(i, wholes[group] += self.integer(i));
  });
  return frame.set(op.getResult(), *result);
}

/// softmax and log_softmax; both from the differences to the largest element.
template <typename OpTy>
static LogicalResult evaluateSoftmax(OpTy op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  FailureOr<Tensor> result = frame.make(op.getResult(), self.shape());
  if (failed(result))
    return failure();
  Groups groups(self, getWholeDim(op.getDim(), self), false);
  std::vector<double> x = self.reals();
  std::vector<double> largest(groups.number, -kInfinity);
  std::vector<double> totals(groups.number, 0);
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    if (!(x[i] <= largest[group]))
      largest[group] = x[i];
  });
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    totals[group] += std::exp(x[i] - largest[group]);
  });
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    double difference = x[i] - largest[group];
    result->setReal(i, std::is_same_v<OpTy, LogSoftmaxOp>
                           ? difference - std::log(totals[group])
                           : std::exp(difference) / totals[group]);
  });
  return frame.set(op.getResult(), *result);
}

static LogicalResult evaluate(LogsumexpOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  Groups groups = getGroups(op, self);
  FailureOr<Tensor> result = frame.make(op.getResult(), groups.shape);
  if (failed(result))
    return failure();
  std::vector<double> largest(groups.number, -kInfinity);
  std::vector<double> totals(groups.number, 0);
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    if (!(self.real(i) <= largest[group]))
      largest[group] = self.real(i);
  });
  // The difference of two infinities is no number.
  for (double &value : largest)
    if (std::isinf(value))
      value = 0;
  groups.forEach([&](int64_t i, int64_t group, int64_t) {
    totals[group] += std::exp(self.real(i) - largest[group]);
  });
  for (int64_t i = 0; i < groups.number; ++i)
    result->setReal(i, largest[i] + std::log(totals[i]));
  return frame.set(op.getResult(), *result);
}

void interp::addReduction(Interpreter::Evaluators &evaluators) {
  evaluators.add<SumOp>(accumulate);
  evaluators.add<ProdOp>(accumulate);
  evaluators.add<MeanOp>(accumulate);
  evaluators.add<AmaxOp>(reduceToExtreme);
  evaluators.add<AminOp>(reduceToExtreme);
  evaluators.add<ArgmaxOp>(findPlace);
  evaluators.add<ArgminOp>(findPlace);
  evaluators.add<MaxDimOp>(reduceAlong);
  evaluators.add<MinDimOp>(reduceAlong);
  evaluators.add<AnyOp>(reduceLogical);
  evaluators.add<AllOp>(reduceLogical);
  evaluators.add<VarOp>(reduceToVariance);
  evaluators.add<VarMeanOp>(reduceToVariance);
  evaluators.add<CumsumOp>(evaluate);
  evaluators.add<SoftmaxOp>(evaluateSoftmax);
  evaluators.add<LogSoftmaxOp>(evaluateSoftmax);
  evaluators.add<LogsumexpOp>(evaluate);
}
