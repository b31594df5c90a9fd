//===- Attention.cpp - Scaled dot-product attention -----------------------===//
//
// Queries are [..., heads, tokens, size]; keys and values may have fewer heads,
// each of which serves a group of query heads.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "Products.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

static constexpr double kMinusInfinity =
    -std::numeric_limits<double>::infinity();

namespace {
/// The matrices of one attention, for each batch and head.
struct Attention {
  Tensor query, key, value;
  std::optional<Tensor> mask;
  double scale, dropout;
  bool isCausal;

  /// Sizes: queries, keys, and of one query and one value.
  int64_t rows, columns, width, valueWidth;
  /// The shape [..., heads] and the number of matrices in it.
  Shape batch;
  int64_t count;
  /// For each matrix of the result the one of the keys (and values).
  std::vector<int64_t> keyOf, valueOf;

  /// scale * query @ key^T with masks, for one matrix.
  std::vector<double> getScores(int64_t matrix) const;

  std::vector<double> queries, keys, values;
};
} // namespace

/// For each position of `batch` the matrix of a tensor with fewer heads or
/// sizes of 1.
static std::optional<std::vector<int64_t>>
mapMatrices(ArrayRef<int64_t> batch, ArrayRef<int64_t> own) {
  if (own.size() > batch.size())
    return std::nullopt;
  size_t first = batch.size() - own.size();
  for (size_t i = 0; i < own.size(); ++i) {
    bool isHead = i + 1 == own.size();
    int64_t size = batch[first + i];
    bool fits = own[i] == size || own[i] == 1 ||
                (isHead && own[i] > 0 && size % own[i] == 0);
    if (!fits)
      return std::nullopt;
  }
  Shape strides = getStrides(own);
  Positions positions(batch);
  std::vector<int64_t> matrices;
  for (int64_t m = 0, count = countElements(batch); m < count; ++m) {
    int64_t matrix = 0;
    for (size_t i = 0; i < own.size(); ++i) {
      // 1 for own sizes, the group for heads.
      int64_t group = own[i] ? batch[first + i] / own[i] : 1;
      matrix +=
          strides[i] * (positions[first + i] / std::max<int64_t>(group, 1));
    }
    matrices.push_back(matrix);
    positions.next();
  }
  return matrices;
}

template <typename OpTy>
static FailureOr<Attention> getAttention(OpTy op, Frame &frame) {
  Attention a;
  a.query = frame.get(op.getQuery());
  a.key = frame.get(op.getKey());
  a.value = frame.get(op.getValue());
  if (op.getAttnMask())
    a.mask = frame.get(op.getAttnMask());
  a.isCausal = op.getIsCausal();
  a.dropout = op.getDropoutP().convertToDouble();
  auto refuse = [&]() -> LogicalResult {
    return emitNodeError(op)
           << "the shapes " << printShape(a.query.shape()) << ", "
           << printShape(a.key.shape()) << " and "
           << printShape(a.value.shape()) << " do not fit";
  };
  if (a.query.rank() < 2 || a.key.rank() < 2 || a.value.rank() < 2)
    return refuse();
  a.rows = a.query.dim(-2);
  a.width = a.query.dim(-1);
  a.columns = a.key.dim(-2);
  a.valueWidth = a.value.dim(-1);
  a.batch = Shape(a.query.shape().drop_back(2));
  a.count = countElements(a.batch);
  auto keyOf = mapMatrices(a.batch, a.key.shape().drop_back(2));
  auto valueOf = mapMatrices(a.batch, a.value.shape().drop_back(2));
  if (!keyOf || !valueOf || a.key.dim(-1) != a.width ||
      a.value.dim(-2) != a.columns)
    return refuse();
  a.keyOf = std::move(*keyOf);
  a.valueOf = std::move(*valueOf);
  if (a.mask) {
    Shape scores = a.batch;
    scores.append({a.rows, a.columns});
    std::optional<Shape> common = broadcast(a.mask->shape(), scores);
    if (!common || *common != scores)
      return emitNodeError(op) << "the mask " << printShape(a.mask->shape())
                               << " does not broadcast to "
                               << printShape(scores);
  }
  a.scale = op.getScale() ? op.getScale()->convertToDouble()
                          : 1 / std::sqrt(double(a.width));
  a.queries = a.query.reals();
  a.keys = a.key.reals();
  a.values = a.value.reals();
  return a;
}

std::vector<double> Attention::getScores(int64_t matrix) const {
  std::vector<double> transposed = transpose(
      keys.data() + keyOf[matrix] * columns * width, columns, width);
  std::vector<double> scores(rows * columns, 0);
  addProduct(queries.data() + matrix * rows * width, transposed.data(),
             scores.data(), rows, width, columns);
  Shape shape = batch;
  shape.append({rows, columns});
  Shape strides(shape.size(), 0);
  int64_t start = 0;
  if (mask) {
    strides = getBroadcastStrides(mask->shape(), shape);
    for (int64_t i = batch.size(), rest = matrix; i-- > 0; rest /= batch[i])
      start += strides[i] * (rest % batch[i]);
  }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      double &score = scores[i * columns + j];
      score *= scale;
      if (isCausal && j > i)
        score = kMinusInfinity;
      if (!mask)
        continue;
      int64_t at = start + strides[batch.size()] * i +
                   strides[batch.size() + 1] * j;
      if (mask->kind() != ElementKind::Bool)
        score += mask->real(at);
      else if (!mask->integer(at))
        score = kMinusInfinity;
    }
  return scores;
}

/// Rows of scores become probabilities; gives the logarithms of the
/// denominators. A row without any key has probability 0 everywhere.
static std::vector<double> takeSoftmax(std::vector<double> &scores,
                                       int64_t rows, int64_t columns) {
  std::vector<double> logarithms(rows);
  for (int64_t i = 0; i < rows; ++i) {
    double *row = scores.data() + i * columns;
    double largest = kMinusInfinity, total = 0;
    for (int64_t j = 0; j < columns; ++j)
      largest = row[j] <= largest ? largest : row[j];
    bool isEmpty = largest == kMinusInfinity;
    for (int64_t j = 0; j < columns; ++j) {
      row[j] = isEmpty ? 0 : std::exp(row[j] - largest);
      total += row[j];
    }
    for (int64_t j = 0; !isEmpty && j < columns; ++j)
      row[j] /= total;
    logarithms[i] = isEmpty ? kMinusInfinity : largest + std::log(total);
  }
  return logarithms;
}

static LogicalResult evaluate(ScaledDotProductAttentionOp op, Frame &frame) {
  FailureOr<Attention> a = getAttention(op, frame);
  if (failed(a))
    return failure();
  Shape shape = a->batch;
  shape.append({a->rows, a->valueWidth});
  FailureOr<Tensor> result = frame.make(op.getResult(), shape);
  if (failed(result))
    return failure();
  int64_t seed = a->dropout > 0 ? frame.interpreter.drawSeed() : 0;
  uint64_t drawn = 0;
  for (int64_t m = 0, n = 0; m < a->count; ++m) {
    std::vector<double> p = a->getScores(m);
    takeSoftmax(p, a->rows, a->columns);
    // As fx.dropout of all probabilities.
    if (a->dropout > 0)
      for (double &value : p)
        value *= a->dropout < 1 && drawUniform(seed, drawn++) > a->dropout
                     ? 1 / (1 - a->dropout)
                     : 0;
    std::vector<double> rows(a->rows * a->valueWidth, 0);
    addProduct(p.data(),
               a->values.data() + a->valueOf[m] * a->columns * a->valueWidth,
               rows.data(), a->rows, a->columns, a->valueWidth);
    for (double value : rows)
      result->setReal(n++, value);
  }
  return frame.set(op.getResult(), *result);
}

/// With dropout these draw numbers that only PyTorch's kernel knows.
template <typename OpTy>
static LogicalResult checkNoDropout(OpTy op, const Attention &a) {
  if (a.dropout == 0)
    return success();
  return emitNodeError(op) << "its dropout cannot be interpreted";
}

static LogicalResult evaluate(FlashAttentionForCpuOp op, Frame &frame) {
  FailureOr<Attention> a = getAttention(op, frame);
  if (failed(a) || failed(checkNoDropout(op, *a)))
    return failure();
  Shape shape = a->batch;
  shape.push_back(a->rows);
  FailureOr<Tensor> logarithms = frame.make(op.getLogsumexp(), shape);
  shape.push_back(a->valueWidth);
  FailureOr<Tensor> result = frame.make(op.getOutput(), shape);
  if (failed(result) || failed(logarithms))
    return failure();
  for (int64_t m = 0, n = 0, k = 0; m < a->count; ++m) {
    std::vector<double> p = a->getScores(m);
    for (double value : takeSoftmax(p, a->rows, a->columns))
      logarithms->setReal(k++, value);
    std::vector<double> rows(a->rows * a->valueWidth, 0);
    addProduct(p.data(),
               a->values.data() + a->valueOf[m] * a->columns * a->valueWidth,
               rows.data(), a->rows, a->columns, a->valueWidth);
    for (double value : rows)
      result->setReal(n++, value);
  }
  return frame.set(op, {*result, *logarithms});
}

/// dv = p^T g, ds = p (g v^T - sum(g o)), dq = scale ds k, dk = scale ds^T q.
static LogicalResult evaluate(FlashAttentionForCpuBackwardOp op,
                              Frame &frame) {
  FailureOr<Attention> found = getAttention(op, frame);
  if (failed(found) || failed(checkNoDropout(op, *found)))
    return failure();
  const Attention &a = *found;
  std::vector<double> gradOut = frame.get(op.getGradOut()).reals();
  std::vector<double> out = frame.get(op.getOut()).reals();
  std::vector<double> logarithms = frame.get(op.getLogsumexp()).reals();
  int64_t rows = a.rows, columns = a.columns, width = a.width,
          valueWidth = a.valueWidth;
  if ((int64_t)gradOut.size() != a.count * rows * valueWidth ||
      out.size() != gradOut.size() ||
      (int64_t)logarithms.size() != a.count * rows)
    return emitNodeError(op) << "its operands have other shapes than its "
                                "forward's results";
  std::vector<double> gradQuery(a.queries.size(), 0);
  std::vector<double> gradKey(a.keys.size(), 0);
  std::vector<double> gradValue(a.values.size(), 0);
  for (int64_t m = 0; m < a.count; ++m) {
    std::vector<double> p = a.getScores(m);
    const double *g = gradOut.data() + m * rows * valueWidth;
    const double *o = out.data() + m * rows * valueWidth;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        double logarithm = logarithms[m * rows + i];
        double &x = p[i * columns + j];
        x = logarithm == kMinusInfinity ? 0 : std::exp(x - logarithm);
      }
    const double *v = a.values.data() + a.valueOf[m] * columns * valueWidth;
    const double *k = a.keys.data() + a.keyOf[m] * columns * width;
    const double *q = a.queries.data() + m * rows * width;
    addProduct(transpose(p.data(), rows, columns).data(), g,
               gradValue.data() + a.valueOf[m] * columns * valueWidth, columns,
               rows, valueWidth);
    std::vector<double> gradScores(rows * columns, 0);
    addProduct(g, transpose(v, columns, valueWidth).data(), gradScores.data(),
               rows, valueWidth, columns);
    for (int64_t i = 0; i < rows; ++i) {
      double delta = 0;
      for (int64_t j = 0; j < valueWidth; ++j)
        delta += g[i * valueWidth + j] * o[i * valueWidth + j];
      for (int64_t j = 0; j < columns; ++j) {
        double &x = gradScores[i * columns + j];
        x = a.scale * p[i * columns + j] * (x - delta);
      }
    }
    addProduct(gradScores.data(), k, gradQuery.data() + m * rows * width, rows,
               columns, width);
    addProduct(transpose(gradScores.data(), rows, columns).data(), q,
               gradKey.data() + a.keyOf[m] * columns * width, columns, rows,
               width);
  }
  std::vector<Tensor> results;
  for (auto [like, numbers] :
       {std::pair<const Tensor *, std::vector<double> *>{&a.query, &gradQuery},
        {&a.key, &gradKey},
        {&a.value, &gradValue}}) {
    FailureOr<Tensor> result = frame.make(op, like->kind(), like->shape());
    if (failed(result))
      return failure();
    for (int64_t i = 0; i < result->size(); ++i)
      result->setReal(i, (*numbers)[i]);
    results.push_back(*result);
  }
  return frame.set(op, std::move(results));
}

void interp::addAttention(Interpreter::Evaluators &evaluators) {
  evaluators.add<ScaledDotProductAttentionOp>(evaluate);
  evaluators.add<FlashAttentionForCpuOp>(evaluate);
  evaluators.add<FlashAttentionForCpuBackwardOp>(evaluate);
}
