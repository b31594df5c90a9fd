//===- DecomposeLosses.cpp - Cross entropy, mean squared error ------------===//

#include "Decompose.h"

using namespace mlir;
using namespace mlir::fx;

/// Values of the `reduction` attribute of losses.
enum Reduction : int64_t { None = 0, Mean = 1, Sum = 2 };

/// A class weight vector shaped to broadcast over the class dimension.
static Value toClasses(TensorBuilder &b, Value weight, int64_t dim,
                       int64_t rank) {
  Sizes sizes(rank, b.size(1));
  sizes[dim] = b.sizeOf(weight, 0);
  return b.view(weight, sizes);
}

/// -sum(log_softmax(x) * target * weight), the mean taken over all positions.
static Value buildProbabilityLoss(CrossEntropyLossOp op, TensorBuilder &b,
                                  Value logProbabilities, int64_t dim) {
  int64_t rank = getRank(logProbabilities);
  double smoothing = op.getLabelSmoothing().convertToDouble();
  Value target = b.toCompute(op.getTarget());
  if (smoothing > 0) {
    Value share = b.f64(smoothing);
    Size classes = b.sizeOf(logProbabilities, dim);
    if (auto known = dyn_cast<Attribute>(classes))
      target = b.add(b.mul(target, 1 - smoothing),
                     smoothing / cast<IntegerAttr>(known).getInt());
    else
      target = b.add(b.mul(target, 1 - smoothing),
                     b.div(b.full({}, share, getElement(target)),
                           b.asValue(classes)));
  }
  Value product = b.mul(logProbabilities, target);
  if (op.getWeight())
    product = b.mul(product, toClasses(b, op.getWeight(), dim, rank));
  Value loss = b.neg(b.sum(product, dim, /*keepdim=*/false));
  if (op.getReduction() == Reduction::None)
    return loss;
  Value total = b.sum(loss, {}, /*keepdim=*/false);
  if (op.getReduction() == Reduction::Sum)
    return total;
  SmallVector<int64_t> all =
      llvm::to_vector(llvm::seq<int64_t>(0, getRank(loss)));
  return b.div(total, b.asValue(b.countOf(loss, all)));
}

/// nll = -log_softmax(x)[target] * weight[target] where target is not ignored;
/// the mean divides by the sum of the weights that took part. With label
/// smoothing e: (1 - e) * nll - e / C * sum(log_softmax(x) * weight).
static Value buildClassLoss(CrossEntropyLossOp op, TensorBuilder &b,
                            Value logProbabilities, int64_t dim) {
  Value target = op.getTarget(), weight = op.getWeight();
  Value valid = b.ne(target, b.i64((int64_t)op.getIgnoreIndex()));
  Value index = b.where(valid, target, b.i64(0));
  Value picked = b.create<GatherOp>(logProbabilities, b.unsqueeze(index, dim),
                                    (uint64_t)dim);
  Value loss = b.neg(b.squeeze(picked, dim));
  Value weights;
  if (weight) {
    weights = b.create<IndexOp>(b.toCompute(weight), index,
                                ArrayRef<int64_t>{0});
    weights = b.keepWhere(valid, weights);
    loss = b.mul(loss, weights);
  }
  loss = b.keepWhere(valid, loss);

  double smoothing = op.getLabelSmoothing().convertToDouble();
  if (smoothing > 0) {
    Value all = logProbabilities;
    if (weight)
      all = b.mul(all, toClasses(b, weight, dim, getRank(all)));
    Value smooth = b.neg(b.sum(all, dim, /*keepdim=*/false));
    smooth = b.keepWhere(valid, smooth);
    Size classes = b.sizeOf(logProbabilities, dim);
    if (auto known = dyn_cast<Attribute>(classes))
      smooth = b.mul(smooth, smoothing / cast<IntegerAttr>(known).getInt());
    else
      smooth = b.div(b.mul(smooth, smoothing), b.asValue(classes));
    loss = b.add(b.mul(loss, 1 - smoothing), smooth);
  }
  if (op.getReduction() == Reduction::None)
    return loss;
  Value total = b.sum(loss, {}, /*keepdim=*/false);
  if (op.getReduction() == Reduction::Sum)
    return total;
  Value divisor =
      b.sum(weights ? weights : valid, {}, /*keepdim=*/false);
  return b.div(total, b.convert(divisor, getElement(total)));
}

static SmallVector<Value> decomposeCrossEntropy(CrossEntropyLossOp op,
                                                TensorBuilder &b) {
  Value scores = op.getSelf();
  int64_t dim = getRank(scores) > 1 ? 1 : 0;
  Value logProbabilities =
      b.create<LogSoftmaxOp>(b.toCompute(scores), (uint64_t)dim, TypeAttr());
  bool probabilities = isFloatType(getElement(op.getTarget()));
  Value loss = probabilities
                   ? buildProbabilityLoss(op, b, logProbabilities, dim)
                   : buildClassLoss(op, b, logProbabilities, dim);
  return {b.convert(loss, getElement(scores))};
}

/// (self - target)^2
static SmallVector<Value> decomposeMseLoss(MseLossOp op, TensorBuilder &b) {
  Type element = getElement(op.getResult());
  Value difference = b.sub(b.toCompute(op.getSelf()),
                           b.toCompute(op.getTarget()));
  Value loss = b.pow(difference, b.i64(2));
  if (op.getReduction() == Reduction::Mean)
    loss = b.mean(loss, {}, /*keepdim=*/false);
  else if (op.getReduction() == Reduction::Sum)
    loss = b.sum(loss, {}, /*keepdim=*/false);
  return {b.convert(loss, element)};
}

void fx::populateDecomposeLosses(RewritePatternSet &patterns) {
  addDecomposition<CrossEntropyLossOp>(patterns, decomposeCrossEntropy);
  addDecomposition<MseLossOp>(patterns, decomposeMseLoss);
}
