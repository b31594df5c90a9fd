//===- CompositesLosses.cpp - Losses and distances ------------------------===//

#include "CompositeShapes.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

/// The argument `reduction`: 0 (none), 1 (mean), 2 (sum).
static Value reduceLoss(CompositeBuilder &c, Value loss) {
  return c.reduce(loss, c.integer("reduction"));
}
/// The gradient of each element: that of a mean has its share of the result's.
static Value spreadGradient(CompositeBuilder &c, Value like) {
  Value grad = c.operand("grad_output");
  if (c.integer("reduction") == 1)
    grad = c.div(grad, c.asValue(c.countOf(like, c.allDims(like))));
  return grad;
}
static Value difference(CompositeBuilder &c) {
  return c.sub(c.operand("self"), c.operand("target"));
}

//===----------------------------------------------------------------------===//
// Of differences
//===----------------------------------------------------------------------===//

static Values buildL1Loss(CompositeBuilder &c) {
  return {reduceLoss(c, c.abs(difference(c)))};
}
static Values buildMseLossBackward(CompositeBuilder &c) {
  Value d = difference(c);
  return {c.mul(c.mul(d, 2.0), spreadGradient(c, d))};
}
static Values buildSmoothL1Loss(CompositeBuilder &c) {
  Value size = c.abs(difference(c));
  double beta = c.number("beta");
  if (beta == 0)
    return {reduceLoss(c, size)};
  Value low = c.div(c.mul(c.mul(size, 0.5), size), beta);
  return {reduceLoss(c, c.where(c.lt(size, c.f64(beta)), low,
                                c.sub(size, 0.5 * beta)))};
}
static Values buildSmoothL1LossBackward(CompositeBuilder &c) {
  Value d = difference(c), grad = spreadGradient(c, d);
  double beta = c.number("beta");
  Value slope = c.sign(d);
  if (beta != 0)
    slope = c.where(c.lt(c.abs(d), c.f64(beta)), c.div(d, beta), slope);
  return {c.mul(slope, grad)};
}
static Values buildHuberLoss(CompositeBuilder &c) {
  Value size = c.abs(difference(c));
  double delta = c.number("delta");
  Value low = c.mul(c.mul(size, 0.5), size);
  Value high = c.mul(c.sub(size, 0.5 * delta), delta);
  return {reduceLoss(c, c.where(c.le(size, c.f64(delta)), low, high))};
}
static Values buildHuberLossBackward(CompositeBuilder &c) {
  Value d = difference(c), grad = spreadGradient(c, d);
  double delta = c.number("delta");
  Value slope = c.where(c.le(c.abs(d), c.f64(delta)), d,
                        c.mul(c.sign(d), delta));
  return {c.mul(slope, grad)};
}

//===----------------------------------------------------------------------===//
// Of probabilities
//===----------------------------------------------------------------------===//

static Values buildKlDiv(CompositeBuilder &c) {
  Value x = c.operand("self"), target = c.operand("target");
  if (c.flag("log_target"))
    return {reduceLoss(c, c.mul(c.exp(target), c.sub(target, x)))};
  Value isZero = c.eq(target, c.f64(0));
  Value entropy = c.whereNumber(
      isZero, 0, c.mul(target, c.log(c.whereNumber(isZero, 1, target))));
  return {reduceLoss(c, c.sub(entropy, c.mul(target, x)))};
}

static Value weighted(CompositeBuilder &c, Value loss) {
  return c.has("weight") ? c.mul(loss, c.operand("weight")) : loss;
}
/// (x - target) / (x (1 - x)), the divisor at least 1e-12
static Value crossEntropySlope(CompositeBuilder &c, Value x, Value target) {
  Value divisor = c.clampMin(c.mul(c.sub(1.0, x), x), 1e-12);
  return c.div(c.sub(x, target), divisor);
}
static Values buildBinaryCrossEntropy(CompositeBuilder &c) {
  Value x = c.operand("self"), target = c.operand("target");
  // The gradient of x is not that of the bounded logarithms: they are
  // constants, and a term that is 0 has the slope.
  Value frozen = c.detach(x);
  Value logOther = c.clampMin(c.log1p(c.neg(frozen)), -100);
  Value logSelf = c.clampMin(c.log(frozen), -100);
  Value loss = c.sub(c.mul(c.sub(target, 1.0), logOther),
                     c.mul(target, logSelf));
  Value slope = crossEntropySlope(c, frozen, c.detach(target));
  loss = c.add(loss, c.mul(c.sub(x, frozen), slope));
  return {reduceLoss(c, weighted(c, loss))};
}
static Values buildBinaryCrossEntropyBackward(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value slope = crossEntropySlope(c, x, c.operand("target"));
  return {c.mul(weighted(c, slope), spreadGradient(c, x))};
}
static Values buildBinaryCrossEntropyWithLogits(CompositeBuilder &c) {
  Value x = c.operand("self"), target = c.operand("target");
  Value logSigmoid = buildLogSigmoid(c, x);
  if (c.has("pos_weight")) {
    Value factor = c.sub(c.operand("pos_weight"), 1.0);
    logSigmoid = c.mul(c.add(c.mul(factor, target), 1.0), logSigmoid);
  }
  Value loss = c.sub(c.mul(c.sub(1.0, target), x), logSigmoid);
  return {reduceLoss(c, weighted(c, loss))};
}

static Values buildPoissonNllLoss(CompositeBuilder &c) {
  Value x = c.operand("input"), target = c.operand("target");
  Value loss =
      c.flag("log_input")
          ? c.sub(c.exp(x), c.mul(target, x))
          : c.sub(x, c.mul(target, c.log(c.add(x, c.number("eps")))));
  if (c.flag("full")) {
    Value isLarge = c.gt(target, c.f64(1));
    Value n = c.where(isLarge, target, c.f64(1));
    Value stirling = c.add(c.sub(c.mul(n, c.log(n)), n),
                           c.mul(c.log(c.mul(n, 2 * M_PI)), 0.5));
    loss = c.add(loss, c.keepWhere(isLarge, stirling));
  }
  return {reduceLoss(c, loss)};
}

//===----------------------------------------------------------------------===//
// Of classes
//===----------------------------------------------------------------------===//

namespace {
/// Targets that are class indices, dimension 1 (or the only one) of `self`
/// being the classes.
struct Classes {
  explicit Classes(CompositeBuilder &c)
      : self(c.operand("self")), dim(getRank(self) > 1 ? 1 : 0) {
    Value target = c.value("target");
    valid = c.ne(target, c.i64(c.integer("ignore_index")));
    index = c.where(valid, target, c.i64(0));
    // A single sample may have a target of one element.
    if (getRank(self) == 1 && getRank(index) == 1)
      index = c.squeeze(index, 0), valid = c.squeeze(valid, 0);
    weights = valid;
    if (c.has("weight")) {
      Value all = c.operand("weight");
      weights = c.create<IndexOp>(all, index, ArrayRef<int64_t>{0});
      weights = c.keepWhere(valid, weights);
    }
    weights = c.convert(weights, c.compute());
  }
  Value self;
  int64_t dim;
  Value valid, index, weights;
};
} // namespace

/// The loss and the sum of the weights that took part.
static Values buildNllLosses(CompositeBuilder &c) {
  Classes classes(c);
  Value picked = c.create<GatherOp>(
      classes.self, c.unsqueeze(classes.index, classes.dim),
      (uint64_t)classes.dim);
  Value loss = c.neg(c.squeeze(picked, classes.dim));
  loss = c.keepWhere(classes.valid, c.mul(loss, classes.weights));
  int64_t reduction = c.integer("reduction");
  if (reduction == 0)
    return {loss, c.full({}, c.f64(0), c.compute())};
  Value total = c.sum(loss, {}, /*keepdim=*/false);
  Value weight = c.sum(classes.weights, {}, /*keepdim=*/false);
  return {reduction == 1 ? c.div(total, weight) : total, weight};
}
static Values buildNllLoss(CompositeBuilder &c) {
  Values values = buildNllLosses(c);
  values.pop_back();
  return values;
}
static Values buildNllLossBackward(CompositeBuilder &c) {
  Classes classes(c);
  Value grad = c.operand("grad_output");
  if (c.integer("reduction") == 1)
    grad = c.div(grad, c.operand("total_weight"));
  grad = c.neg(c.mul(grad, classes.weights));
  return {c.create<ScatterOp>(c.zerosLike(classes.self),
                              c.unsqueeze(classes.index, classes.dim),
                              c.unsqueeze(grad, classes.dim),
                              (uint64_t)classes.dim)};
}

/// sum over the other classes of max(0, margin - x[target] + x)^p / classes
static Values buildMultiMarginLoss(CompositeBuilder &c) {
  Value x = c.operand("self"), target = c.value("target");
  double p = c.number("p");
  int64_t rank = getRank(x), dim = rank - 1;
  if (rank < 1 || rank > 2 || (p != 1 && p != 2))
    return c.fail();
  if (getRank(target) == rank)
    target = c.squeeze(target, 0);
  Value index = c.unsqueeze(target, dim);
  Value picked = c.create<GatherOp>(x, index, (uint64_t)dim);
  Value rest = c.clampMin(c.add(c.sub(x, picked), c.number("margin")), 0);
  if (p == 2)
    rest = c.square(rest);
  if (c.has("weight"))
    rest = c.mul(rest, c.create<IndexOp>(c.operand("weight"), index,
                                         ArrayRef<int64_t>{0}));
  Value isOther = c.ne(c.indexAlong(c.sizeOf(x, dim), dim, rank), index);
  Value loss = c.sum(c.keepWhere(isOther, rest), dim, /*keepdim=*/false);
  return {reduceLoss(c, c.div(loss, c.asValue(c.sizeOf(x, dim))))};
}

//===----------------------------------------------------------------------===//
// Margins
//===----------------------------------------------------------------------===//

static Values buildHingeEmbeddingLoss(CompositeBuilder &c) {
  Value x = c.operand("self"), target = c.operand("target");
  Value rest = c.clampMin(c.sub(c.number("margin"), x), 0);
  Value far = c.keepWhere(c.ne(target, c.i64(1)), rest);
  Value near = c.keepWhere(c.ne(target, c.i64(-1)), x);
  return {reduceLoss(c, c.add(far, near))};
}
static Values buildMarginRankingLoss(CompositeBuilder &c) {
  Value d = c.sub(c.operand("input1"), c.operand("input2"));
  Value loss = c.add(c.mul(c.neg(c.operand("target")), d),
                     c.number("margin"));
  return {reduceLoss(c, c.clampMin(loss, 0))};
}
static Values buildSoftMarginLoss(CompositeBuilder &c) {
  Value z = c.mul(c.neg(c.operand("self")), c.operand("target"));
  return {reduceLoss(c, c.log1p(c.exp(z)))};
}
static Values buildSoftMarginLossBackward(CompositeBuilder &c) {
  Value x = c.operand("self"), target = c.operand("target");
  Value slope = c.mul(c.neg(target), c.sigmoid(c.mul(c.neg(target), x)));
  return {c.mul(slope, spreadGradient(c, x))};
}

//===----------------------------------------------------------------------===//
// Distances
//===----------------------------------------------------------------------===//

static Value distance(CompositeBuilder &c, Value a, Value b, bool keepdim) {
  Value d = c.add(c.sub(a, b), c.number("eps"));
  return buildVectorNorm(c, d, c.number("p"), getRank(d) - 1, keepdim);
}
static Values buildPairwiseDistance(CompositeBuilder &c) {
  return {distance(c, c.operand("x1"), c.operand("x2"), c.flag("keepdim"))};
}
static Values buildTripletMarginLoss(CompositeBuilder &c) {
  Value anchor = c.operand("anchor"), positive = c.operand("positive"),
        negative = c.operand("negative");
  Value near = distance(c, anchor, positive, /*keepdim=*/false);
  Value far = distance(c, anchor, negative, /*keepdim=*/false);
  if (c.flag("swap"))
    far = c.minimum(far, distance(c, positive, negative, /*keepdim=*/false));
  Value loss = c.add(c.sub(near, far), c.number("margin"));
  return {reduceLoss(c, c.clampMin(loss, 0))};
}
static Values buildCosineSimilarity(CompositeBuilder &c) {
  Value x = c.operand("x1"), y = c.operand("x2");
  int64_t rank = std::max(getRank(x), getRank(y));
  int64_t dim = getDim(c, "dim", rank) - rank;
  // The bound of the norm does not stop its gradient.
  auto normalized = [&](Value v) -> Value {
    int64_t own = getRank(v) + dim;
    if (own < 0) {
      c.fail();
      return v;
    }
    Value norm = buildVectorNorm(c, v, 2, own, /*keepdim=*/true);
    Value frozen = c.detach(norm);
    Value raise = c.sub(c.clampMin(frozen, c.number("eps")), frozen);
    return c.div(v, c.add(norm, raise));
  };
  Value product = c.mul(normalized(x), normalized(y));
  return {c.sum(product, rank + dim, /*keepdim=*/false)};
}
static Values buildCosineEmbeddingLoss(CompositeBuilder &c) {
  Value x = c.operand("input1"), y = c.operand("input2"),
        target = c.operand("target");
  int64_t dim = getRank(target);
  auto sum = [&](Value a, Value b) {
    return c.sum(c.mul(a, b), dim, /*keepdim=*/false);
  };
  Value squares = c.mul(c.add(sum(x, x), 1e-12), c.add(sum(y, y), 1e-12));
  Value cosine = c.div(sum(x, y), c.sqrt(squares));
  Value near = c.keepWhere(c.eq(target, c.i64(1)), c.sub(1.0, cosine));
  Value far = c.clampMin(c.sub(cosine, c.number("margin")), 0);
  far = c.keepWhere(c.eq(target, c.i64(-1)), far);
  return {reduceLoss(c, c.add(near, far))};
}
static Values buildDist(CompositeBuilder &c) {
  Value d = c.sub(c.operand("self"), c.operand("other"));
  return {buildVectorNorm(c, d, c.number("p"), c.allDims(d),
                          /*keepdim=*/false)};
}
static constexpr Composite composites[] = {
    {"aten.l1_loss.default", buildL1Loss},
    {"aten.mse_loss_backward.default", buildMseLossBackward},
    {"aten.smooth_l1_loss.default", buildSmoothL1Loss},
    {"aten.smooth_l1_loss_backward.default", buildSmoothL1LossBackward},
    {"aten.huber_loss.default", buildHuberLoss},
    {"aten.huber_loss_backward.default", buildHuberLossBackward},
    {"aten.kl_div.default", buildKlDiv},
    {"aten.binary_cross_entropy.default", buildBinaryCrossEntropy},
    {"aten.binary_cross_entropy_backward.default",
     buildBinaryCrossEntropyBackward},
    {"aten.binary_cross_entropy_with_logits.default",
     buildBinaryCrossEntropyWithLogits},
    {"aten.poisson_nll_loss.default", buildPoissonNllLoss},
    {"aten.nll_loss.default", buildNllLoss},
    {"aten.nll_loss2d.default", buildNllLoss},
    {"aten.nll_loss_nd.default", buildNllLoss},
    {"aten.nll_loss_forward.default", buildNllLosses},
    {"aten.nll_loss2d_forward.default", buildNllLosses},
    {"aten.nll_loss_backward.default", buildNllLossBackward},
    {"aten.nll_loss2d_backward.default", buildNllLossBackward},
    {"aten.multi_margin_loss.default", buildMultiMarginLoss},
    {"aten.hinge_embedding_loss.default", buildHingeEmbeddingLoss},
    {"aten.margin_ranking_loss.default", buildMarginRankingLoss},
    {"aten.soft_margin_loss.default", buildSoftMarginLoss},
    {"aten.soft_margin_loss_backward.default", buildSoftMarginLossBackward},
    {"aten.pairwise_distance.default", buildPairwiseDistance},
    {"aten.triplet_margin_loss.default", buildTripletMarginLoss},
    {"aten.cosine_similarity.default", buildCosineSimilarity},
    {"aten.cosine_embedding_loss.default", buildCosineEmbeddingLoss},
    {"aten.dist.default", buildDist},
};

ArrayRef<Composite> fx::getLossComposites() { return composites; }
