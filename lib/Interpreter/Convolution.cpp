//===- Convolution.cpp - Convolutions and their gradients -----------------===//
//
// A convolution joins two sets of planes, the narrow ones (its result) and the
// wide ones (its input), by weights: term (window, tap) says that element
// `window` of a narrow plane goes with element `at(window, tap)` of a wide one.
// Each of the three is the sum of the terms of the other two; a transposed
// convolution has the wide planes as its result.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "Windows.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

namespace {
struct Convolution {
  int64_t batch = 1, groups = 1;
  int64_t narrowChannels = 0, wideChannels = 0;
  Shape narrowSize, wideSize;
  SmallVector<Window, 3> windows;

  int64_t countTaps() const {
    int64_t taps = 1;
    for (const Window &window : windows)
      taps *= window.kernel;
    return taps;
  }

  /// Elements that belong together for each tap: (narrow, wide).
  using Pairs = std::vector<std::pair<int64_t, int64_t>>;
  std::vector<Pairs> getPairs() const;

  /// Calls `f(narrow, wide, weight, pairs)` with the first elements of two
  /// planes and the weight between them.
  template <typename F>
  void forEach(F f) const {
    std::vector<Pairs> pairs = getPairs();
    int64_t narrow = countElements(narrowSize);
    int64_t wide = countElements(wideSize);
    int64_t perGroup = narrowChannels / groups, taps = countTaps();
    int64_t widePerGroup = wideChannels / groups;
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t i = 0; i < narrowChannels; ++i)
        for (int64_t j = 0; j < widePerGroup; ++j)
          for (int64_t tap = 0; tap < taps; ++tap) {
            int64_t channel = i / perGroup * widePerGroup + j;
            f((n * narrowChannels + i) * narrow,
              (n * wideChannels + channel) * wide,
              (i * widePerGroup + j) * taps + tap, pairs[tap]);
          }
  }

  void addToNarrow(std::vector<double> &narrow,
                   const std::vector<double> &wide,
                   const std::vector<double> &weight) const {
    forEach([&](int64_t n, int64_t w, int64_t k, const Pairs &pairs) {
      for (auto [i, j] : pairs)
        narrow[n + i] += weight[k] * wide[w + j];
    });
  }
  void addToWide(const std::vector<double> &narrow, std::vector<double> &wide,
                 const std::vector<double> &weight) const {
    forEach([&](int64_t n, int64_t w, int64_t k, const Pairs &pairs) {
      for (auto [i, j] : pairs)
        wide[w + j] += weight[k] * narrow[n + i];
    });
  }
  void addToWeight(const std::vector<double> &narrow,
                   const std::vector<double> &wide,
                   std::vector<double> &weight) const {
    forEach([&](int64_t n, int64_t w, int64_t k, const Pairs &pairs) {
      for (auto [i, j] : pairs)
        weight[k] += narrow[n + i] * wide[w + j];
    });
  }
};
} // namespace

std::vector<Convolution::Pairs> Convolution::getPairs() const {
  Shape kernel;
  for (const Window &window : windows)
    kernel.push_back(window.kernel);
  Shape strides = getStrides(wideSize);
  std::vector<Pairs> all(countTaps());
  Positions taps(kernel);
  for (Pairs &pairs : all) {
    Positions window(narrowSize);
    for (int64_t i = 0, count = countElements(narrowSize); i < count; ++i) {
      int64_t offset = 0;
      bool isInside = true;
      for (size_t dim = 0; dim < windows.size(); ++dim) {
        int64_t at = windows[dim].at(window[dim], taps[dim]);
        isInside &= at >= 0 && at < wideSize[dim];
        offset += strides[dim] * at;
      }
      if (isInside)
        pairs.emplace_back(i, offset);
      window.next();
    }
    taps.next();
  }
  return all;
}

namespace {
/// The attributes that the ops share.
struct Attributes {
  ArrayRef<int64_t> stride, padding, dilation, outputPadding;
  bool transposed;
  int64_t groups;
};
} // namespace

/// `space` is the input's, after its batch and channels.
static FailureOr<Convolution> getConvolution(Operation *op,
                                             const Tensor &input,
                                             const Tensor &weight,
                                             const Attributes &attributes) {
  int64_t rank = weight.rank() - 2;
  bool isBatched = input.rank() == weight.rank();
  Convolution c;
  c.groups = attributes.groups;
  if (rank < 0 || (!isBatched && input.rank() != rank + 1) || c.groups < 1 ||
      weight.dim(0) % c.groups != 0)
    return emitNodeError(op) << "cannot convolve " << printShape(input.shape())
                             << " with " << printShape(weight.shape());
  c.batch = isBatched ? input.dim(0) : 1;
  c.narrowChannels = weight.dim(0);
  c.wideChannels = weight.dim(1) * c.groups;
  if (input.dim(isBatched ? 1 : 0) !=
      (attributes.transposed ? c.narrowChannels : c.wideChannels))
    return emitNodeError(op) << "the input " << printShape(input.shape())
                             << " has other channels than the weight "
                             << printShape(weight.shape());
  for (int64_t i = 0; i < rank; ++i) {
    Window window{weight.dim(2 + i), getEntry(attributes.stride, i, 1),
                  getEntry(attributes.padding, i, 0),
                  getEntry(attributes.dilation, i, 1)};
    if (window.stride < 1 || window.dilation < 1 || window.kernel < 1)
      return emitNodeError(op) << "strides, dilations and kernels must be "
                                  "positive";
    int64_t size = input.dim(input.rank() - rank + i);
    int64_t span = window.dilation * (window.kernel - 1) + 1;
    int64_t other =
        attributes.transposed
            ? (size - 1) * window.stride - 2 * window.padding + span +
                  getEntry(attributes.outputPadding, i, 0)
            : (size + 2 * window.padding - span) / window.stride + 1;
    if (other < 0 || (!attributes.transposed &&
                      size + 2 * window.padding < span))
      return emitNodeError(op) << "the window is larger than the input "
                               << printShape(input.shape());
    c.windows.push_back(window);
    c.narrowSize.push_back(attributes.transposed ? size : other);
    c.wideSize.push_back(attributes.transposed ? other : size);
  }
  return c;
}

static LogicalResult setValues(Operation *op, Frame &frame, unsigned number,
                               ArrayRef<int64_t> shape,
                               const std::vector<double> &values) {
  FailureOr<Tensor> result = frame.make(op->getResult(number), shape);
  if (failed(result))
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    result->setReal(i, values[i]);
  return frame.set(op->getResult(number), *result);
}

static LogicalResult convolve(Operation *op, Frame &frame, const Tensor &input,
                              const Tensor &weight, const Tensor *bias,
                              const Attributes &attributes) {
  FailureOr<Convolution> c = getConvolution(op, input, weight, attributes);
  if (failed(c))
    return failure();
  bool transposed = attributes.transposed;
  Shape shape = transposed ? c->wideSize : c->narrowSize;
  int64_t plane = countElements(shape);
  int64_t channels = transposed ? c->wideChannels : c->narrowChannels;
  if (bias && bias->size() != channels)
    return emitNodeError(op) << "the bias has " << bias->size()
                             << " elements for " << channels << " channels";
  shape.insert(shape.begin(), channels);
  if (input.rank() == weight.rank())
    shape.insert(shape.begin(), c->batch);
  if (!Tensor::create(ElementKind::F64, shape))
    return emitNodeError(op) << "no memory for " << printShape(shape);
  std::vector<double> result(countElements(shape));
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = bias ? bias->real(i / plane % channels) : 0;
  if (transposed)
    c->addToWide(input.reals(), result, weight.reals());
  else
    c->addToNarrow(result, input.reals(), weight.reals());
  return setValues(op, frame, 0, shape, result);
}

template <typename OpTy>
static LogicalResult evaluatePlain(OpTy op, Frame &frame) {
  Attributes attributes{op.getStride(),   op.getPadding(), op.getDilation(), {},
                        false, (int64_t)op.getGroups()};
  return convolve(op, frame, frame.get(op.getInput()),
                  frame.get(op.getWeight()),
                  op.getBias() ? &frame.get(op.getBias()) : nullptr,
                  attributes);
}

static LogicalResult evaluate(ConvolutionOp op, Frame &frame) {
  Attributes attributes{op.getStride(),
                        op.getPadding(),
                        op.getDilation(),
                        op.getOutputPadding(),
                        op.getTransposed(),
                        (int64_t)op.getGroups()};
  return convolve(op, frame, frame.get(op.getInput()),
                  frame.get(op.getWeight()),
                  op.getBias() ? &frame.get(op.getBias()) : nullptr,
                  attributes);
}

static LogicalResult evaluate(ConvolutionBackwardOp op, Frame &frame) {
  Tensor gradient = frame.get(op.getGradOutput());
  Tensor input = frame.get(op.getInput()), weight = frame.get(op.getWeight());
  Attributes attributes{op.getStride(),
                        op.getPadding(),
                        op.getDilation(),
                        op.getOutputPadding(),
                        op.getTransposed(),
                        (int64_t)op.getGroups()};
  FailureOr<Convolution> c = getConvolution(op, input, weight, attributes);
  if (failed(c))
    return failure();
  bool transposed = attributes.transposed;
  int64_t plane = countElements(transposed ? c->wideSize : c->narrowSize);
  int64_t channels = transposed ? c->wideChannels : c->narrowChannels;
  if (gradient.size() != c->batch * channels * plane)
    return emitNodeError(op) << "the gradient "
                             << printShape(gradient.shape())
                             << " has not the size of the result";
  std::vector<double> grad = gradient.reals();
  unsigned next = 0;
  ArrayRef<bool> mask = op.getOutputMask();
  if (mask[0]) {
    std::vector<double> values(input.size(), 0);
    if (transposed)
      c->addToNarrow(values, grad, weight.reals());
    else
      c->addToWide(grad, values, weight.reals());
    if (failed(setValues(op, frame, next++, input.shape(), values)))
      return failure();
  }
  if (mask[1]) {
    std::vector<double> values(weight.size(), 0);
    if (transposed)
      c->addToWeight(input.reals(), grad, values);
    else
      c->addToWeight(grad, input.reals(), values);
    if (failed(setValues(op, frame, next++, weight.shape(), values)))
      return failure();
  }
  if (!mask[2])
    return success();
  std::vector<double> values(channels, 0);
  for (size_t i = 0; i < grad.size(); ++i)
    values[i / plane % channels] += grad[i];
  return setValues(op, frame, next, {channels}, values);
}

void interp::addConvolution(Interpreter::Evaluators &evaluators) {
  evaluators.add<Conv1dOp>(evaluatePlain);
  evaluators.add<Conv2dOp>(evaluatePlain);
  evaluators.add<ConvolutionOp>(evaluate);
  evaluators.add<ConvolutionBackwardOp>(evaluate);
}
