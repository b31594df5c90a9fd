//===- Pooling.cpp - Windows over the last two dimensions -----------------===//

#include "Evaluation.h"
#include "Windows.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

namespace {
/// Planes of two dimensions, the windows over them, and their number in each
/// direction.
struct Pool {
  Window windows[2];
  int64_t in[2], out[2];
  int64_t planes;
  Shape shape;

  int64_t planeSize() const { return in[0] * in[1]; }
  int64_t windowCount() const { return out[0] * out[1]; }

  /// Calls `f(element of the plane, tap)` for the taps of a window that are
  /// inside of the plane.
  template <typename F>
  void forEachTap(int64_t row, int64_t column, F f) const {
    for (int64_t k = 0; k < windows[0].kernel; ++k)
      for (int64_t l = 0; l < windows[1].kernel; ++l) {
        int64_t y = windows[0].at(row, k), x = windows[1].at(column, l);
        if (y >= 0 && y < in[0] && x >= 0 && x < in[1])
          f(y * in[1] + x, k * windows[1].kernel + l);
      }
  }
};
} // namespace

/// The number of windows. In ceil mode the last one may reach beyond the
/// padding, but must not start there.
static int64_t countWindows(const Window &window, int64_t size,
                            bool ceilMode) {
  int64_t room = size + 2 * window.padding -
                 window.dilation * (window.kernel - 1) - 1;
  if (room < 0 && !ceilMode)
    return 0;
  int64_t count = (room + (ceilMode ? window.stride - 1 : 0)) / window.stride;
  ++count;
  if (ceilMode && (count - 1) * window.stride >= size + window.padding)
    --count;
  return count;
}

static FailureOr<Pool> getPool(Operation *op, ArrayRef<int64_t> input,
                               ArrayRef<int64_t> kernel,
                               ArrayRef<int64_t> stride,
                               ArrayRef<int64_t> padding,
                               ArrayRef<int64_t> dilation, bool ceilMode) {
  if (input.size() < 2)
    return emitNodeError(op) << "takes planes, not the shape "
                             << printShape(input);
  Pool pool;
  pool.planes = countElements(input.drop_back(2));
  pool.shape = Shape(input.drop_back(2));
  for (int i = 0; i < 2; ++i) {
    int64_t size = getEntry(kernel, i, 1);
    pool.windows[i] = {size, getEntry(stride, i, size),
                       getEntry(padding, i, 0), getEntry(dilation, i, 1)};
    if (size < 1 || pool.windows[i].stride < 1 || pool.windows[i].dilation < 1)
      return emitNodeError(op) << "kernels, strides and dilations must be "
                                  "positive";
    pool.in[i] = input[input.size() - 2 + i];
    pool.out[i] = countWindows(pool.windows[i], pool.in[i], ceilMode);
    if (pool.out[i] < 1)
      return emitNodeError(op) << "the window is larger than the input "
                               << printShape(input);
    pool.shape.push_back(pool.out[i]);
  }
  return pool;
}

//===----------------------------------------------------------------------===//
// Largest elements
//===----------------------------------------------------------------------===//

/// The largest element of each window; with `places` its index in the plane,
/// or its tap.
template <typename OpTy>
static LogicalResult takeLargest(OpTy op, Frame &frame) {
  constexpr bool givesTap =
      std::is_same_v<OpTy, LowMemoryMaxPoolWithOffsetsOp>;
  Tensor self = frame.get(op.getSelf());
  FailureOr<Pool> pool =
      getPool(op, self.shape(), op.getKernelSize(), op.getStride(),
              op.getPadding(), op.getDilation(), op.getCeilMode());
  if (failed(pool))
    return failure();
  FailureOr<Tensor> result = frame.make(op->getResult(0), pool->shape);
  FailureOr<Tensor> places =
      frame.make(op->getResult(op->getNumResults() - 1), pool->shape);
  if (failed(result) || failed(places))
    return failure();
  for (int64_t p = 0, n = 0; p < pool->planes; ++p)
    for (int64_t row = 0; row < pool->out[0]; ++row)
      for (int64_t column = 0; column < pool->out[1]; ++column, ++n) {
        int64_t start = p * pool->planeSize(), best = -1, bestTap = 0;
        pool->forEachTap(row, column, [&](int64_t at, int64_t tap) {
          bool isFirst = best < 0;
          double x = self.real(start + at);
          // NaN wins; the last one stays, as in ATen.
          if (!isFirst && !(x > self.real(start + best)) && !std::isnan(x))
            return;
          best = at;
          bestTap = tap;
        });
        if (best < 0)
          return emitNodeError(op) << "a window has no elements";
        result->copyElement(n, self, start + best);
        if (op->getNumResults() > 1)
          places->setInteger(n, givesTap ? bestTap : best);
      }
  if (op->getNumResults() == 1)
    return frame.set(op, {*result});
  return frame.set(op, {*result, *places});
}

static LogicalResult evaluate(MaxPool2dWithIndicesBackwardOp op,
                              Frame &frame) {
  const Tensor &gradient = frame.get(op.getGradOutput());
  const Tensor &self = frame.get(op.getSelf());
  const Tensor &indices = frame.get(op.getIndices());
  if (self.rank() < 2 || indices.size() != gradient.size())
    return emitNodeError(op) << "the gradient and the indices have the shapes "
                             << printShape(gradient.shape()) << " and "
                             << printShape(indices.shape());
  int64_t planes = countElements(self.shape().drop_back(2));
  int64_t plane = self.dim(-1) * self.dim(-2);
  int64_t windows = planes ? gradient.size() / planes : 0;
  std::vector<double> values(self.size(), 0);
  for (int64_t i = 0; i < planes * windows; ++i) {
    int64_t index = indices.integer(i);
    if (index < 0 || index >= plane)
      return emitNodeError(op) << "index " << index
                               << " is out of range of a plane of " << plane;
    values[i / windows * plane + index] += gradient.real(i);
  }
  FailureOr<Tensor> result = frame.make(op.getResult(), self.shape());
  if (failed(result))
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    result->setReal(i, values[i]);
  return frame.set(op.getResult(), *result);
}

static LogicalResult evaluate(LowMemoryMaxPoolOffsetsToIndicesOp op,
                              Frame &frame) {
  Tensor offsets = frame.get(op.getOffsets());
  FailureOr<Tensor> result = frame.make(op.getResult(), offsets.shape());
  if (failed(result))
    return failure();
  Window windows[2];
  for (int i = 0; i < 2; ++i) {
    int64_t size = getEntry(op.getKernelSize(), i, 1);
    windows[i] = {size, getEntry(op.getStride(), i, size),
                  getEntry(op.getPadding(), i, 0),
                  getEntry(op.getDilation(), i, 1)};
  }
  int64_t columns = getEntry(op.getInputSize(), 1, 1);
  if (offsets.rank() < 2 || windows[1].kernel < 1)
    return emitNodeError(op) << "takes planes, not the shape "
                             << printShape(offsets.shape());
  Positions positions(offsets.shape());
  for (int64_t i = 0; i < offsets.size(); ++i) {
    int64_t tap = offsets.integer(i);
    int64_t y = windows[0].at(positions[offsets.rank() - 2],
                              tap / windows[1].kernel);
    int64_t x = windows[1].at(positions[offsets.rank() - 1],
                              tap % windows[1].kernel);
    result->setInteger(i, y * columns + x);
    positions.next();
  }
  return frame.set(op.getResult(), *result);
}

//===----------------------------------------------------------------------===//
// Means
//===----------------------------------------------------------------------===//

/// What the sum of a window is divided by.
template <typename OpTy>
static int64_t getDivisor(OpTy op, const Pool &pool, int64_t row,
                          int64_t column) {
  if (op.getDivisorOverride())
    return *op.getDivisorOverride();
  int64_t count = 1, position[] = {row, column};
  for (int i = 0; i < 2; ++i) {
    const Window &window = pool.windows[i];
    int64_t start = window.at(position[i], 0);
    int64_t end = std::min(start + window.kernel, pool.in[i] + window.padding);
    if (!op.getCountIncludePad()) {
      start = std::max<int64_t>(start, 0);
      end = std::min(end, pool.in[i]);
    }
    count *= end - start;
  }
  return count;
}

static LogicalResult evaluate(AvgPool2dOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  FailureOr<Pool> pool =
      getPool(op, self.shape(), op.getKernelSize(), op.getStride(),
              op.getPadding(), {}, op.getCeilMode());
  if (failed(pool))
    return failure();
  FailureOr<Tensor> result = frame.make(op.getResult(), pool->shape);
  if (failed(result))
    return failure();
  for (int64_t p = 0, n = 0; p < pool->planes; ++p)
    for (int64_t row = 0; row < pool->out[0]; ++row)
      for (int64_t column = 0; column < pool->out[1]; ++column) {
        double sum = 0;
        pool->forEachTap(row, column, [&](int64_t at, int64_t) {
          sum += self.real(p * pool->planeSize() + at);
        });
        result->setReal(n++, sum / double(getDivisor(op, *pool, row, column)));
      }
  return frame.set(op.getResult(), *result);
}

static LogicalResult evaluate(AvgPool2dBackwardOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  const Tensor &gradient = frame.get(op.getGradOutput());
  FailureOr<Pool> pool =
      getPool(op, self.shape(), op.getKernelSize(), op.getStride(),
              op.getPadding(), {}, op.getCeilMode());
  if (failed(pool))
    return failure();
  if (gradient.shape() != ArrayRef<int64_t>(pool->shape))
    return emitNodeError(op) << "the gradient has the shape "
                             << printShape(gradient.shape()) << ", not "
                             << printShape(pool->shape);
  std::vector<double> values(self.size(), 0);
  for (int64_t p = 0, n = 0; p < pool->planes; ++p)
    for (int64_t row = 0; row < pool->out[0]; ++row)
      for (int64_t column = 0; column < pool->out[1]; ++column) {
        double share = gradient.real(n++) /
                       double(getDivisor(op, *pool, row, column));
        pool->forEachTap(row, column, [&](int64_t at, int64_t) {
          values[p * pool->planeSize() + at] += share;
        });
      }
  FailureOr<Tensor> result = frame.make(op.getResult(), self.shape());
  if (failed(result))
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    result->setReal(i, values[i]);
  return frame.set(op.getResult(), *result);
}

static LogicalResult evaluate(AdaptiveAvgPool2dOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  if (self.rank() < 2)
    return emitNodeError(op) << "takes planes, not the shape "
                             << printShape(self.shape());
  int64_t in[] = {self.dim(-2), self.dim(-1)}, out[2];
  Shape shape(self.shape().drop_back(2));
  int64_t planes = countElements(shape);
  for (int i = 0; i < 2; ++i) {
    out[i] = getEntry(op.getOutputSize(), i, in[i]);
    shape.push_back(out[i]);
  }
  FailureOr<Tensor> result = frame.make(op.getResult(), shape);
  if (failed(result))
    return failure();
  // Parts may overlap where the sizes do not divide.
  auto begin = [&](int dim, int64_t i) { return i * in[dim] / out[dim]; };
  auto end = [&](int dim, int64_t i) {
    return ((i + 1) * in[dim] + out[dim] - 1) / out[dim];
  };
  for (int64_t p = 0, n = 0; p < planes; ++p)
    for (int64_t row = 0; row < out[0]; ++row)
      for (int64_t column = 0; column < out[1]; ++column) {
        double sum = 0, count = 0;
        for (int64_t y = begin(0, row); y < end(0, row); ++y)
          for (int64_t x = begin(1, column); x < end(1, column); ++x) {
            sum += self.real((p * in[0] + y) * in[1] + x);
            ++count;
          }
        result->setReal(n++, sum / count);
      }
  return frame.set(op.getResult(), *result);
}

void interp::addPooling(Interpreter::Evaluators &evaluators) {
  evaluators.add<MaxPool2dOp>(takeLargest);
  evaluators.add<MaxPool2dWithIndicesOp>(takeLargest);
  evaluators.add<LowMemoryMaxPoolWithOffsetsOp>(takeLargest);
  evaluators.add<MaxPool2dWithIndicesBackwardOp>(evaluate);
  evaluators.add<LowMemoryMaxPoolOffsetsToIndicesOp>(evaluate);
  evaluators.add<AvgPool2dOp>(evaluate);
  evaluators.add<AvgPool2dBackwardOp>(evaluate);
  evaluators.add<AdaptiveAvgPool2dOp>(evaluate);
}
