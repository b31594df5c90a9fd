//===- DecomposeAttention.cpp - Attention ---------------------------------===//
//
// Attention is written out as products and a softmax, or, where the target has
// fused kernels, becomes the op that gives the logarithm of the softmax'
// denominator as well; from that its backward computes the probabilities again.
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "fx/IR/GroupedQueries.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// What fused kernels take
//===----------------------------------------------------------------------===//

static bool mayEqual(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

static bool isFusedElement(Type element) {
  return element.isF32() || element.isBF16() || element.isF16();
}

/// Query, key and value, of three or four dimensions, with one head size.
static bool hasFusedShapes(Value query, Value key, Value value) {
  RankedTensorType q = getTensorType(query), k = getTensorType(key),
                   v = getTensorType(value);
  int64_t rank = q.getRank();
  if ((rank != 3 && rank != 4) || k.getRank() != rank ||
      !isFusedElement(q.getElementType()) ||
      q.getElementType() != k.getElementType() || v.getRank() != rank ||
      q.getElementType() != v.getElementType())
    return false;
  int64_t head = q.getShape().back();
  for (int64_t i = 0; i < rank; ++i)
    if (!mayEqual(k.getDimSize(i), v.getDimSize(i)))
      return false;
  // Heads may be grouped.
  return head > 0 && k.getShape().back() == head &&
         v.getShape().back() == head &&
         (rank == 3 || mayEqual(q.getDimSize(0), k.getDimSize(0))) &&
         countQueryGroup(query, key).has_value();
}

/// A mask that broadcasts to [.., queries, keys] but for its keys.
static bool isFusedMask(Value mask, Value query, Value key) {
  if (!mask)
    return true;
  RankedTensorType m = getTensorType(mask), q = getTensorType(query);
  int64_t rank = q.getRank();
  if (m.getRank() < 2 || m.getRank() > rank ||
      !(isBoolType(m.getElementType()) || m.getElementType().isF32() ||
        m.getElementType() == q.getElementType()))
    return false;
  SmallVector<int64_t> scores(q.getShape());
  scores.back() = getTensorType(key).getDimSize(rank - 2);
  for (auto [i, size] : llvm::enumerate(llvm::reverse(m.getShape())))
    if (!mayEqual(size, scores[rank - 1 - i]) && (size != 1 || i == 0))
      return false;
  return true;
}

/// Whether a fused kernel computes an attention with its logsumexp. Inside of
/// control flow there are no kernels of their own.
template <typename OpTy>
static bool isFused(OpTy op) {
  return isa<func::FuncOp>(op->getParentOp()) &&
         getRank(op.getQuery()) == 4 &&
         hasFusedShapes(op.getQuery(), op.getKey(), op.getValue()) &&
         isFusedMask(op.getAttnMask(), op.getQuery(), op.getKey()) &&
         !(op.getAttnMask() && isBoolType(getElement(op.getAttnMask()))) &&
         op.getDropoutP().isZero();
}

/// Whether a value depends on an argument whose gradient is computed.
static bool needsGradient(Value value, func::FuncOp function) {
  bool isMarked = false;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    isMarked |= !!function.getArgAttr(i, kRequiresGradAttr);
  SmallVector<Value> worklist = {value};
  llvm::SmallDenseSet<Value> seen;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    auto type = dyn_cast<RankedTensorType>(next.getType());
    if (!type || !isa<FloatType>(type.getElementType()) ||
        !seen.insert(next).second)
      continue;
    auto argument = dyn_cast<BlockArgument>(next);
    if (!argument)
      llvm::append_range(worklist, next.getDefiningOp()->getOperands());
    else if (!isMarked || function.getArgAttr(argument.getArgNumber(),
                                              kRequiresGradAttr))
      return true;
  }
  return false;
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

/// The op with a fused kernel, none if it cannot compute that. A mask that needs
/// a gradient gets it from the formula.
static SmallVector<Value>
decomposeToFused(ScaledDotProductAttentionOp op, TensorBuilder &b) {
  Value query = op.getQuery(), key = op.getKey(), value = op.getValue();
  Value mask = op.getAttnMask();
  auto function = dyn_cast<func::FuncOp>(op->getParentOp());
  if (!function || !op.getDropoutP().isZero() ||
      !hasFusedShapes(query, key, value) || !isFusedMask(mask, query, key) ||
      (mask && needsGradient(mask, function)))
    return {};
  bool isBatch = getRank(query) == 4;
  if (mask && getRank(mask) == 3)
    mask = b.unsqueeze(mask, 0);
  if (mask && isBoolType(getElement(mask)))
    mask = b.convert(b.where(mask, b.f64(0), b.f64(kMinusInf)),
                     getElement(query));
  if (!isBatch)
    for (Value *operand : {&query, &key, &value})
      *operand = b.unsqueeze(*operand, 0);
  Value out = b.create<FlashAttentionForCpuOp>(
                   query, key, value, mask, op.getDropoutPAttr(),
                   op.getIsCausalAttr(), op.getScaleAttr())
                  .getOutput();
  return {isBatch ? out : b.squeeze(out, 0)};
}

static SmallVector<Value>
decomposeUnlessFused(ScaledDotProductAttentionOp op, TensorBuilder &b) {
  SmallVector<Value> fused = decomposeToFused(op, b);
  return fused.empty() ? decomposeAttention(op, b) : fused;
}

//===----------------------------------------------------------------------===//
// Attention with its logsumexp
//===----------------------------------------------------------------------===//

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

static SmallVector<Value> decomposeFlashUnlessFused(FlashAttentionForCpuOp op,
                                                    TensorBuilder &b) {
  return isFused(op) ? SmallVector<Value>() : decomposeFlash(op, b);
}
static SmallVector<Value>
decomposeFlashBackwardUnlessFused(FlashAttentionForCpuBackwardOp op,
                                  TensorBuilder &b) {
  return isFused(op) ? SmallVector<Value>() : decomposeFlashBackward(op, b);
}

void fx::populateDecomposeAttention(RewritePatternSet &patterns, bool fused) {
  addDecomposition<ScaledDotProductAttentionOp>(
      patterns, fused ? decomposeUnlessFused : decomposeAttention);
}

void fx::populateDecomposeAttentionToCore(RewritePatternSet &patterns,
                                          bool fused) {
  addDecomposition<FlashAttentionForCpuOp>(
      patterns, fused ? decomposeFlashUnlessFused : decomposeFlash);
  addDecomposition<FlashAttentionForCpuBackwardOp>(
      patterns,
      fused ? decomposeFlashBackwardUnlessFused : decomposeFlashBackward);
}
