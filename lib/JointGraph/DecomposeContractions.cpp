//===- DecomposeContractions.cpp - Linear, matmul, attention --------------===//

#include "Decompose.h"
#include "fx/IR/GroupedQueries.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// [..., k] -> [product of ..., k]
static Value foldRows(TensorBuilder &b, Value x) {
  int64_t rank = getRank(x);
  if (rank == 2)
    return x;
  SmallVector<int64_t> rows = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  return b.view(x, {b.countOf(x, rows), b.sizeOf(x, rank - 1)});
}

/// linear(x, W, bias) -> view(addmm(bias, view(x), permute(W)))
static SmallVector<Value> decomposeLinear(LinearOp op, TensorBuilder &b) {
  Value x = op.getInput(), weight = op.getWeight(), bias = op.getBias();
  int64_t last = getRank(x) - 1;
  if (getRank(weight) == 1) {
    Value dot = b.sum(b.mul(x, weight), last, /*keepdim=*/false);
    return {bias ? b.add(dot, bias) : dot};
  }
  Value matrix = foldRows(b, x), transposed = b.permute(weight, {1, 0});
  bool fused = bias && getRank(bias) == 1;
  Value y = fused ? b.create<AddmmOp>(bias, matrix, transposed,
                                      llvm::APFloat(1.0), llvm::APFloat(1.0))
                        .getResult()
                  : b.create<MmOp>(matrix, transposed).getResult();
  if (last != 1) {
    Sizes sizes = b.sizesOf(x);
    sizes.back() = b.sizeOf(weight, 0);
    y = b.view(y, sizes);
  }
  return {bias && !fused ? b.add(y, bias) : y};
}

/// Broadcasts the batch dimensions of a matmul operand and merges them.
static Value toBatch(TensorBuilder &b, Value x, ArrayRef<Size> batch,
                     Size count) {
  int64_t rank = getRank(x);
  Sizes sizes(batch);
  sizes.push_back(b.sizeOf(x, rank - 2));
  sizes.push_back(b.sizeOf(x, rank - 1));
  bool broadcast = rank != (int64_t)sizes.size();
  for (int64_t i = 0; !broadcast && i < rank - 2; ++i)
    broadcast = getTensorType(x).getDimSize(i) == 1 &&
                sizes[i] != OpFoldResult(b.size(1));
  if (broadcast)
    x = b.expand(x, sizes);
  if (batch.size() == 1)
    return x;
  return b.view(x, {count, sizes[batch.size()], sizes[batch.size() + 1]});
}

Value fx::buildMatmul(TensorBuilder &b, Value lhs, Value rhs) {
  int64_t rankA = getRank(lhs), rankB = getRank(rhs);
  if (rankA == 1 && rankB == 1)
    return b.sum(b.mul(lhs, rhs), 0, /*keepdim=*/false);
  if (rankA == 2 && rankB == 2)
    return b.create<MmOp>(lhs, rhs);
  if (rankA == 1)
    return b.squeeze(buildMatmul(b, b.unsqueeze(lhs, 0), rhs),
                     std::max<int64_t>(rankB - 2, 0));
  if (rankB == 1)
    return b.squeeze(buildMatmul(b, lhs, b.unsqueeze(rhs, 1)), rankA - 1);
  if (rankB == 2) {
    Sizes sizes = b.sizesOf(lhs);
    sizes.back() = b.sizeOf(rhs, 1);
    return b.view(b.create<MmOp>(foldRows(b, lhs), rhs), sizes);
  }
  // The batch dimensions are broadcast, aligned at the end.
  int64_t batchA = rankA - 2, batchB = rankB - 2;
  int64_t batchRank = std::max(batchA, batchB);
  Sizes batch;
  for (int64_t i = 0; i < batchRank; ++i) {
    int64_t a = i - (batchRank - batchA), c = i - (batchRank - batchB);
    bool fromA = a >= 0 && (c < 0 || getTensorType(lhs).getDimSize(a) > 1 ||
                            getTensorType(rhs).getDimSize(c) == 1);
    batch.push_back(fromA ? b.sizeOf(lhs, a) : b.sizeOf(rhs, c));
  }
  Size count = b.size(1);
  for (Size size : batch)
    count = b.multiply(count, size);
  Value product = b.create<BmmOp>(toBatch(b, lhs, batch, count),
                                  toBatch(b, rhs, batch, count));
  if (batchRank == 1)
    return product;
  Sizes sizes(batch);
  sizes.push_back(b.sizeOf(lhs, rankA - 2));
  sizes.push_back(b.sizeOf(rhs, rankB - 1));
  return b.view(product, sizes);
}

static SmallVector<Value> decomposeMatmul(MatmulOp op, TensorBuilder &b) {
  return {buildMatmul(b, op.getSelf(), op.getOther())};
}

/// outer(a, b) -> unsqueeze(a, 1) * b
static SmallVector<Value> decomposeOuter(OuterOp op, TensorBuilder &b) {
  return {b.mul(b.unsqueeze(op.getSelf(), 1), op.getVec2())};
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

static const double kMinusInf = -std::numeric_limits<double>::infinity();

/// The factor of query @ key^T, none if the head size is not known.
static std::optional<double> getScale(std::optional<llvm::APFloat> scale,
                                      Value query) {
  if (scale)
    return scale->convertToDouble();
  int64_t head = getTensorType(query).getShape().back();
  if (ShapedType::isDynamic(head))
    return std::nullopt;
  return 1.0 / std::sqrt((double)head);
}

/// Adds the mask, or minus infinity where a boolean or causal mask is false.
static Value applyMask(TensorBuilder &b, Value scores, Value mask,
                       bool isCausal) {
  if (isCausal) {
    int64_t rank = getRank(scores);
    Value row = b.indexAlong(b.sizeOf(scores, rank - 2), 0, 2);
    Value column = b.indexAlong(b.sizeOf(scores, rank - 1), 0, 1);
    scores = b.where(b.ge(row, column), scores, b.f64(kMinusInf));
  }
  if (!mask)
    return scores;
  if (isBoolType(getElement(mask)))
    return b.where(mask, scores, b.f64(kMinusInf));
  return b.convert(b.add(scores, mask), getElement(scores));
}

/// A row without any allowed key has probability 0 everywhere, not NaN.
static Value clearMaskedRows(TensorBuilder &b, Value probabilities,
                             Value scores, Value mask) {
  if (!mask)
    return probabilities;
  Value allowed = isBoolType(getElement(mask))
                      ? mask
                      : b.ne(scores, b.f64(kMinusInf));
  Value any = b.create<AnyOp>(allowed, getRank(allowed) - 1, /*keepdim=*/true);
  return b.keepWhere(any, probabilities);
}

static SmallVector<Value> decomposeAttention(ScaledDotProductAttentionOp op,
                                             TensorBuilder &b) {
  std::optional<double> scale = getScale(op.getScale(), op.getQuery());
  std::optional<int64_t> group = countQueryGroup(op.getQuery(), op.getKey());
  if (!scale || !group)
    return {};
  Value query = b.mul(op.getQuery(), *scale);
  Value key = repeatHeads(b, op.getKey(), *group);
  Value scores = buildMatmul(b, query, b.transposeLast(key));
  scores = applyMask(b, scores, op.getAttnMask(), op.getIsCausal());
  Value probabilities =
      b.create<SoftmaxOp>(scores, (uint64_t)-1, TypeAttr()).getResult();
  probabilities = clearMaskedRows(b, probabilities, scores, op.getAttnMask());
  double dropout = op.getDropoutP().convertToDouble();
  if (dropout > 0)
    probabilities = buildDropout(b, probabilities, dropout);
  return {buildMatmul(b, probabilities,
                      repeatHeads(b, op.getValue(), *group))};
}

/// The masked scores of a flash attention in the type of its logsumexp.
template <typename OpTy>
static Value buildFlashScores(OpTy op, TensorBuilder &b, Value key,
                              double scale) {
  Value scores = buildMatmul(b, op.getQuery(), b.transposeLast(key));
  scores = b.mul(b.toCompute(scores), scale);
  return applyMask(b, scores, op.getAttnMask(), op.getIsCausal());
}

/// exp(scores - logsumexp); a row of minus infinities gives zeros.
static Value buildFlashProbabilities(TensorBuilder &b, Value scores,
                                     Value logsumexp) {
  Value finite = b.where(b.ne(logsumexp, b.f64(kMinusInf)), logsumexp,
                         b.f64(0));
  return b.exp(b.sub(scores, b.unsqueeze(finite, -1)));
}

/// (p @ v, logsumexp(s)) with s = scale * q @ k^T, p = softmax(s). Of large
/// scores exp(s - logsumexp(s)) would lose digits that the softmax keeps.
static SmallVector<Value> decomposeFlash(FlashAttentionForCpuOp op,
                                         TensorBuilder &b) {
  std::optional<double> scale = getScale(op.getScale(), op.getQuery());
  // With dropout the op draws numbers that only its kernel knows.
  std::optional<int64_t> group = countQueryGroup(op.getQuery(), op.getKey());
  if (!scale || !group || op.getDropoutP().convertToDouble() > 0)
    return {};
  Value key = repeatHeads(b, op.getKey(), *group);
  Value scores = buildFlashScores(op, b, key, *scale);
  Value logsumexp =
      b.create<LogsumexpOp>(scores, getRank(scores) - 1, /*keepdim=*/false);
  Value p = b.create<SoftmaxOp>(scores, (uint64_t)(getRank(scores) - 1),
                                TypeAttr());
  // A row of minus infinities gives zeros.
  Value isEmpty = b.eq(b.unsqueeze(logsumexp, -1), b.f64(kMinusInf));
  p = b.convert(b.where(isEmpty, b.f64(0), p), getElement(op.getValue()));
  Value value = repeatHeads(b, op.getValue(), *group);
  return {buildMatmul(b, p, value), logsumexp};
}

/// dv = p^T g, ds = p (g v^T - sum(g o)), dq = scale ds k, dk = scale ds^T q
static SmallVector<Value>
decomposeFlashBackward(FlashAttentionForCpuBackwardOp op, TensorBuilder &b) {
  std::optional<double> scale = getScale(op.getScale(), op.getQuery());
  std::optional<int64_t> group = countQueryGroup(op.getQuery(), op.getKey());
  if (!scale || !group || op.getDropoutP().convertToDouble() > 0)
    return {};
  Value g = op.getGradOut(), query = op.getQuery();
  Value key = repeatHeads(b, op.getKey(), *group);
  Value value = repeatHeads(b, op.getValue(), *group);
  Type element = getElement(query);
  Value p = buildFlashProbabilities(b, buildFlashScores(op, b, key, *scale),
                                    op.getLogsumexp());
  Value gradValue =
      buildMatmul(b, b.transposeLast(b.convert(p, element)), g);
  Value gradP = b.toCompute(buildMatmul(b, g, b.transposeLast(value)));
  Value delta = b.sum(b.mul(b.toCompute(g), b.toCompute(op.getOut())),
                      getRank(g) - 1, /*keepdim=*/true);
  Value gradScores = b.mul(b.mul(p, b.sub(gradP, delta)), *scale);
  gradScores = b.convert(gradScores, element);
  Value gradKey = buildMatmul(b, b.transposeLast(gradScores), query);
  return {buildMatmul(b, gradScores, key),
          sumHeads(b, gradKey, op.getKey(), *group),
          sumHeads(b, gradValue, op.getValue(), *group)};
}

void fx::populateDecomposeContractions(RewritePatternSet &patterns) {
  addDecomposition<LinearOp>(patterns, decomposeLinear);
  addDecomposition<MatmulOp>(patterns, decomposeMatmul);
  addDecomposition<OuterOp>(patterns, decomposeOuter);
  addDecomposition<ScaledDotProductAttentionOp>(patterns, decomposeAttention);
}

void fx::populateDecomposeAttentionToCore(RewritePatternSet &patterns) {
  addDecomposition<FlashAttentionForCpuOp>(patterns, decomposeFlash);
  addDecomposition<FlashAttentionForCpuBackwardOp>(patterns,
                                                   decomposeFlashBackward);
}
