//===- Normalization.cpp - Normalisation, dropout, losses -----------------===//

#include "Evaluation.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

static LogicalResult setReals(FailureOr<Tensor> &result,
                          const std::vector<double> &values) {
  if (failed(result))
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    result->setReal(i, values[i]);
  return success();
}

/// Element i of an optional vector, or `fallback`.
static double getOr(const std::optional<Tensor> &tensor, int64_t i,
                    double fallback) {
  return tensor ? tensor->real(i) : fallback;
}
static std::optional<Tensor> getOptional(Frame &frame, Value value) {
  if (!value)
    return std::nullopt;
  return frame.get(value);
}
static LogicalResult checkSize(Operation *op,
                               const std::optional<Tensor> &tensor,
                               int64_t size) {
  if (!tensor || tensor->size() == size)
    return success();
  return emitNodeError(op) << "takes vectors of " << size
                           << " elements, not the shape "
                           << printShape(tensor->shape());
}

/// (x - mean) / sqrt(variance + eps) of groups of elements.
namespace {
struct Normalized {
  std::vector<double> means, variances, rstds;
  int64_t count;

  /// `group(i)` names the group of element i.
  template <typename F>
  Normalized(const std::vector<double> &x, int64_t groups, double eps, F group)
      : means(groups, 0), variances(groups, 0), rstds(groups, 0),
        count(groups ? (int64_t)x.size() / groups : 0) {
    for (size_t i = 0; i < x.size(); ++i)
      means[group(i)] += x[i] / double(count);
    for (size_t i = 0; i < x.size(); ++i) {
      double distance = x[i] - means[group(i)];
      variances[group(i)] += distance * distance / double(count);
    }
    for (int64_t i = 0; i < groups; ++i)
      rstds[i] = 1 / std::sqrt(variances[i] + eps);
  }
};
} // namespace

template <typename OpTy>
static LogicalResult normalizeLayers(OpTy op, Frame &frame) {
  Tensor input = frame.get(op.getInput());
  auto weight = getOptional(frame, op.getWeight());
  auto bias = getOptional(frame, op.getBias());
  int64_t count = op.getNormalizedShape().size();
  if (count > input.rank() ||
      input.shape().take_back(count) != op.getNormalizedShape())
    return emitNodeError(op) << "the last sizes of "
                             << printShape(input.shape()) << " are not "
                             << printShape(op.getNormalizedShape());
  int64_t size = countElements(op.getNormalizedShape());
  int64_t rows = countElements(input.shape().drop_back(count));
  if (failed(checkSize(op, weight, size)) || failed(checkSize(op, bias, size)))
    return failure();
  std::vector<double> x = input.reals();
  Normalized stats(x, rows, op.getEps().convertToDouble(),
                   [&](int64_t i) { return i / size; });
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = (x[i] - stats.means[i / size]) * stats.rstds[i / size] *
               getOr(weight, i % size, 1) +
           getOr(bias, i % size, 0);
  FailureOr<Tensor> result = frame.make(op->getResult(0), input.shape());
  if (failed(setReals(result, x)))
    return failure();
  if (op->getNumResults() == 1)
    return frame.set(op, {*result});
  Shape shape(input.shape());
  for (int64_t i = 0; i < count; ++i)
    shape[input.rank() - 1 - i] = 1;
  FailureOr<Tensor> mean = frame.make(op->getResult(1), shape);
  FailureOr<Tensor> rstd = frame.make(op->getResult(2), shape);
  if (failed(setReals(mean, stats.means)) ||
      failed(setReals(rstd, stats.rstds)))
    return failure();
  return frame.set(op, {*result, *mean, *rstd});
}

template <typename OpTy>
static LogicalResult normalizeChannels(OpTy op, Frame &frame) {
  constexpr bool saves = std::is_same_v<OpTy, NativeBatchNormOp>;
  Tensor input = frame.get(op.getInput());
  auto weight = getOptional(frame, op.getWeight());
  auto bias = getOptional(frame, op.getBias());
  auto runningMean = getOptional(frame, op.getRunningMean());
  auto runningVar = getOptional(frame, op.getRunningVar());
  if (input.rank() < 2)
    return emitNodeError(op) << "takes channels, not the shape "
                             << printShape(input.shape());
  int64_t channels = input.dim(1);
  int64_t plane = countElements(input.shape().drop_front(2));
  for (const auto *vector : {&weight, &bias, &runningMean, &runningVar})
    if (failed(checkSize(op, *vector, channels)))
      return failure();
  auto channel = [&](int64_t i) { return i / plane % channels; };
  double eps = op.getEps().convertToDouble();
  bool fromBatch = op.getTraining() || !runningMean || !runningVar;

  std::vector<double> x = input.reals(), means, rstds;
  std::vector<Tensor> running;
  if (fromBatch) {
    Normalized stats(x, channels, eps, channel);
    means = stats.means;
    rstds = stats.rstds;
    double momentum = op.getMomentum().convertToDouble();
    // The running variance is the unbiased one.
    double n = double(stats.count);
    std::vector<double> unbiased = stats.variances;
    for (double &variance : unbiased)
      variance *= n / (n - 1);
    for (auto [old, current] :
         {std::pair<const std::optional<Tensor> *, std::vector<double> *>{
              &runningMean, &stats.means},
          {&runningVar, &unbiased}}) {
      if (!*old)
        continue;
      FailureOr<Tensor> updated =
          frame.make(op, (*old)->kind(), (*old)->shape());
      if (failed(updated))
        return failure();
      for (int64_t i = 0; i < channels; ++i)
        updated->setReal(i, momentum * (*current)[i] +
                                (1 - momentum) * (*old)->real(i));
      running.push_back(*updated);
    }
  } else {
    means = runningMean->reals();
    for (double variance : runningVar->reals())
      rstds.push_back(1 / std::sqrt(variance + eps));
    running = {*runningMean, *runningVar};
  }
  for (size_t i = 0; i < x.size(); ++i) {
    int64_t c = channel(i);
    x[i] = (x[i] - means[c]) * rstds[c] * getOr(weight, c, 1) +
           getOr(bias, c, 0);
  }
  FailureOr<Tensor> result = frame.make(op->getResult(0), input.shape());
  if (failed(setReals(result, x)))
    return failure();
  std::vector<Tensor> results = {*result};
  if constexpr (saves) {
    // Empty in evaluation mode.
    int64_t size = fromBatch ? channels : 0;
    FailureOr<Tensor> mean = frame.make(op.getSaveMean(), size);
    FailureOr<Tensor> rstd = frame.make(op.getSaveRstd(), size);
    if (failed(setReals(mean, means)) || failed(setReals(rstd, rstds)))
      return failure();
    results.push_back(*mean);
    results.push_back(*rstd);
  }
  llvm::append_range(results, running);
  return frame.set(op, std::move(results));
}

static LogicalResult evaluate(DropoutOp op, Frame &frame) {
  Tensor input = frame.get(op.getInput());
  double p = op.getP().convertToDouble();
  if (!op.getTrain() || p == 0)
    return frame.set(op.getResult(), input);
  FailureOr<Tensor> result = frame.make(op.getResult(), input.shape());
  if (failed(result))
    return failure();
  int64_t seed = p < 1 ? frame.interpreter.drawSeed() : 0;
  for (int64_t i = 0; i < input.size(); ++i) {
    double factor = p < 1 ? (drawUniform(seed, i) > roundToKind(
                                                        p, ElementKind::F32)) /
                                (1 - p)
                          : 0;
    // Times zero: what is not a number stays one.
    result->setReal(i, input.real(i) * factor);
  }
  return frame.set(op.getResult(), *result);
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

enum Reduction : int64_t { None = 0, Mean = 1, Sum = 2 };

/// The losses, their sum, or their sum over `divisor`.
static LogicalResult setLoss(Operation *op, Frame &frame, int64_t reduction,
                             const std::vector<double> &losses,
                             ArrayRef<int64_t> shape, double divisor) {
  if (reduction == Reduction::None) {
    FailureOr<Tensor> result = frame.make(op->getResult(0), shape);
    return failed(setReals(result, losses)) ? failure()
                                        : frame.set(op, {*result});
  }
  double total = 0;
  for (double loss : losses)
    total += loss;
  FailureOr<Tensor> result =
      frame.make(op->getResult(0), ArrayRef<int64_t>());
  if (failed(result))
    return failure();
  result->setReal(0, reduction == Reduction::Mean ? total / divisor : total);
  return frame.set(op, {*result});
}

static LogicalResult evaluate(CrossEntropyLossOp op, Frame &frame) {
  Tensor scores = frame.get(op.getSelf()), target = frame.get(op.getTarget());
  auto weight = getOptional(frame, op.getWeight());
  if (scores.rank() == 0)
    return emitNodeError(op) << "takes scores of classes";
  int64_t dim = scores.rank() > 1 ? 1 : 0, classes = scores.dim(dim);
  Shape shape(scores.shape());
  shape.erase(shape.begin() + dim);
  int64_t inner = countElements(scores.shape().drop_front(dim + 1));
  bool byProbability = isFloatKind(target.kind());
  if (failed(checkSize(op, weight, classes)))
    return failure();
  if (target.size() != (byProbability ? scores.size() : countElements(shape)))
    return emitNodeError(op) << "the target " << printShape(target.shape())
                             << " does not fit "
                             << printShape(scores.shape());
  double smoothing = op.getLabelSmoothing().convertToDouble();
  std::vector<double> losses;
  double divisor = 0;
  for (int64_t i = 0, count = countElements(shape); i < count; ++i) {
    // Class c of this position.
    auto at = [&](int64_t c) {
      return i / inner * classes * inner + c * inner + i % inner;
    };
    double largest = -std::numeric_limits<double>::infinity(), total = 0;
    for (int64_t c = 0; c < classes; ++c)
      largest = scores.real(at(c)) <= largest ? largest : scores.real(at(c));
    for (int64_t c = 0; c < classes; ++c)
      total += std::exp(scores.real(at(c)) - largest);
    auto logProbability = [&](int64_t c) {
      return scores.real(at(c)) - largest - std::log(total);
    };
    double loss = 0;
    if (byProbability) {
      for (int64_t c = 0; c < classes; ++c) {
        double share = target.real(at(c)) * (1 - smoothing) +
                       smoothing / double(classes);
        loss -= logProbability(c) * share * getOr(weight, c, 1);
      }
      losses.push_back(loss);
      divisor += 1;
      continue;
    }
    int64_t label = target.integer(i);
    if (label == (int64_t)op.getIgnoreIndex()) {
      losses.push_back(0);
      continue;
    }
    if (label < 0 || label >= classes)
      return emitNodeError(op) << "class " << label << " of " << classes;
    loss = -logProbability(label) * getOr(weight, label, 1);
    if (smoothing > 0) {
      double smooth = 0;
      for (int64_t c = 0; c < classes; ++c)
        smooth -= logProbability(c) * getOr(weight, c, 1);
      loss = (1 - smoothing) * loss + smoothing / double(classes) * smooth;
    }
    losses.push_back(loss);
    divisor += getOr(weight, label, 1);
  }
  return setLoss(op, frame, op.getReduction(), losses, shape, divisor);
}

static LogicalResult evaluate(MseLossOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  const Tensor &target = frame.get(op.getTarget());
  std::optional<Shape> shape = broadcast(self.shape(), target.shape());
  if (!shape)
    return emitNodeError(op) << "the shapes " << printShape(self.shape())
                             << " and " << printShape(target.shape())
                             << " do not broadcast";
  Positions positions(*shape);
  positions.add(getBroadcastStrides(self.shape(), *shape));
  positions.add(getBroadcastStrides(target.shape(), *shape));
  std::vector<double> losses(countElements(*shape));
  for (double &loss : losses) {
    double distance = self.real(positions.offset(0)) -
                      target.real(positions.offset(1));
    loss = distance * distance;
    positions.next();
  }
  return setLoss(op, frame, op.getReduction(), losses, *shape,
                 double(losses.size()));
}

void interp::addNormalization(Interpreter::Evaluators &evaluators) {
  evaluators.add<LayerNormOp>(normalizeLayers);
  evaluators.add<NativeLayerNormOp>(normalizeLayers);
  evaluators.add<BatchNormOp>(normalizeChannels);
  evaluators.add<NativeBatchNormOp>(normalizeChannels);
  evaluators.add<DropoutOp>(evaluate);
  evaluators.add<CrossEntropyLossOp>(evaluate);
  evaluators.add<MseLossOp>(evaluate);
}
