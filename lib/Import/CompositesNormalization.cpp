//===- CompositesNormalization.cpp - Norms and normalisation --------------===//

#include "CompositeShapes.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Norms of vectors
//===----------------------------------------------------------------------===//

Value fx::buildSafeSqrt(CompositeBuilder &c, Value x) {
  Value isZero = c.eq(x, c.f64(0));
  return c.whereNumber(isZero, 0, c.sqrt(c.whereNumber(isZero, 1, x)));
}

Value fx::buildVectorNorm(CompositeBuilder &c, Value x, double p,
                          ArrayRef<int64_t> dims, bool keepdim) {
  if (p == 2)
    return buildSafeSqrt(c, c.sum(c.square(x), dims, keepdim));
  if (p == 0)
    return c.convert(c.sum(c.ne(x, c.f64(0)), dims, keepdim), getElement(x));
  Value size = c.abs(x);
  if (p == 1)
    return c.sum(size, dims, keepdim);
  if (std::isinf(p))
    return p > 0 ? c.amax(size, dims, keepdim) : c.amin(size, dims, keepdim);
  Value powers;
  if (p < 1) {
    // The derivative at 0 is infinite; it counts as 0.
    Value isZero = c.eq(size, c.f64(0));
    powers = c.whereNumber(isZero, p > 0 ? 0 : INFINITY,
                           c.pow(c.whereNumber(isZero, 1, size), c.f64(p)));
  } else {
    powers = c.pow(size, c.f64(p));
  }
  Value sum = c.sum(powers, dims, keepdim);
  Value isZero = c.eq(sum, c.f64(0));
  Value root = c.pow(c.whereNumber(isZero, 1, sum), c.f64(1 / p));
  return c.whereNumber(isZero, p > 0 ? 0 : INFINITY, root);
}

static Value vectorNorm(CompositeBuilder &c, StringRef order) {
  Value x = c.operand("self");
  SmallVector<int64_t> dims =
      c.has("dim") ? c.dims("dim", x) : c.allDims(x);
  return buildVectorNorm(c, x, c.numberOr(order, 2), dims,
                         c.has("keepdim") && c.flag("keepdim"));
}
static Values buildLinalgVectorNorm(CompositeBuilder &c) {
  return {vectorNorm(c, "ord")};
}
static Values buildNorm(CompositeBuilder &c) { return {vectorNorm(c, "p")}; }
/// linalg.norm where it is that of a vector; a matrix has other norms.
static Values buildLinalgNorm(CompositeBuilder &c) {
  Value x = c.value("self");
  size_t count = c.has("dim") ? c.integers("dim").size() : getRank(x);
  if (c.has("ord") && count != 1)
    return c.fail();
  return {vectorNorm(c, "ord")};
}

/// All dimensions but one.
static SmallVector<int64_t> otherDims(CompositeBuilder &c, Value x,
                                      int64_t dim) {
  SmallVector<int64_t> dims = c.allDims(x);
  dims.erase(dims.begin() + wrapDim(dim, getRank(x)));
  return dims;
}
static Value normExceptDim(CompositeBuilder &c, Value v, double p,
                           int64_t dim) {
  if (dim == -1)
    return buildVectorNorm(c, v, p, c.allDims(v), /*keepdim=*/false);
  return buildVectorNorm(c, v, p, otherDims(c, v, dim), /*keepdim=*/true);
}
static Values buildNormExceptDim(CompositeBuilder &c) {
  return {normExceptDim(c, c.operand("v"), c.number("pow"),
                        c.integer("dim"))};
}
static Values buildWeightNorms(CompositeBuilder &c) {
  Value v = c.operand("v");
  Value norm = normExceptDim(c, v, 2, c.integer("dim"));
  return {c.mul(v, c.div(c.operand("g"), norm)), norm};
}
static Values buildWeightNorm(CompositeBuilder &c) {
  Values values = buildWeightNorms(c);
  values.pop_back();
  return values;
}
static Values buildWeightNormBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_w"), v = c.operand("saved_v"),
        norm = c.operand("saved_norms");
  SmallVector<int64_t> dims = otherDims(c, v, c.integer("dim"));
  Value along = c.div(c.sum(c.mul(grad, v), dims, /*keepdim=*/true), norm);
  Value scale = c.div(c.operand("saved_g"), norm);
  return {c.mul(scale, c.sub(grad, c.mul(c.div(v, norm), along))), along};
}
static Values buildRenorm(CompositeBuilder &c) {
  Value x = c.operand("self");
  Value norm = buildVectorNorm(c, x, c.number("p"),
                               otherDims(c, x, c.integer("dim")),
                               /*keepdim=*/true);
  double bound = c.number("maxnorm");
  Value isLarge = c.gt(norm, c.f64(bound));
  Value factor = c.div(c.f64(bound), c.add(norm, 1e-7));
  return {c.mul(x, c.whereNumber(c.logicalNot(isLarge), 1, factor))};
}

//===----------------------------------------------------------------------===//
// Normalisation over dimensions
//===----------------------------------------------------------------------===//

namespace {
struct Normalized {
  Value value, mean, rstd;
};
} // namespace

/// (x - mean) / sqrt(variance + eps), the statistics with dimensions of size 1.
static Normalized normalize(CompositeBuilder &c, Value x,
                            ArrayRef<int64_t> dims, double eps) {
  auto statistics = c.create<VarMeanOp>(x, dims, llvm::APFloat(0.0),
                                        /*keepdim=*/true);
  Value rstd = c.create<RsqrtOp>(c.add(statistics.getVariance(), eps));
  Value mean = statistics.getMean();
  return {c.mul(c.sub(x, mean), rstd), mean, rstd};
}
/// rstd * (g - mean(g) - normalised * mean(g * normalised))
static Value normalizeBackward(CompositeBuilder &c, Value grad, Value value,
                               Value rstd, ArrayRef<int64_t> dims) {
  Value mean = c.mean(grad, dims, /*keepdim=*/true);
  Value along = c.mean(c.mul(grad, value), dims, /*keepdim=*/true);
  return c.mul(c.sub(c.sub(grad, mean), c.mul(value, along)), rstd);
}
/// value * weight + bias, each along the channels or absent.
static Value scaleChannels(CompositeBuilder &c, Value value) {
  if (c.has("weight"))
    value = c.mul(value, c.alongChannels(c.operand("weight"), value));
  if (c.has("bias"))
    value = c.add(value, c.alongChannels(c.operand("bias"), value));
  return value;
}
/// All dimensions but the channels.
static SmallVector<int64_t> batchDims(CompositeBuilder &c, Value x) {
  return otherDims(c, x, 1);
}
static SmallVector<int64_t> spaceDims(CompositeBuilder &c, Value x) {
  return llvm::to_vector(llvm::seq<int64_t>(2, getRank(x)));
}
/// The results that the argument `output_mask` asks for.
static Values masked(CompositeBuilder &c,
                     ArrayRef<llvm::function_ref<Value()>> gradients) {
  Values values;
  for (auto [build, isWanted] :
       llvm::zip(gradients, c.integers("output_mask")))
    if (isWanted)
      values.push_back(build());
  return values;
}

/// [N, C, …] as [N, groups, rest]; null if the channels are not known.
static Value toGroups(CompositeBuilder &c, Value x, int64_t groups) {
  int64_t channels = getTensorType(x).getDimSize(1);
  if (ShapedType::isDynamic(channels) || groups <= 0 || channels % groups) {
    c.fail();
    return {};
  }
  Size rest = c.multiply(c.size(channels / groups),
                         c.countOf(x, spaceDims(c, x)));
  return c.view(x, {c.sizeOf(x, 0), c.size(groups), rest});
}
static Normalized groupNorm(CompositeBuilder &c, int64_t groups) {
  Value x = c.operand("input");
  Value grouped = toGroups(c, x, groups);
  if (!grouped)
    return {};
  Normalized n = normalize(c, grouped, 2, c.number("eps"));
  return {scaleChannels(c, c.view(n.value, c.sizesOf(x))),
          c.squeeze(n.mean, 2), c.squeeze(n.rstd, 2)};
}
static Values buildGroupNorm(CompositeBuilder &c) {
  Normalized n = groupNorm(c, c.integer("num_groups"));
  return n.value ? Values{n.value} : Values();
}
static Values buildNativeGroupNorm(CompositeBuilder &c) {
  Normalized n = groupNorm(c, c.integer("group"));
  return n.value ? Values{n.value, n.mean, n.rstd} : Values();
}
static Values buildNativeGroupNormBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_out"), x = c.operand("input");
  int64_t groups = c.integer("group");
  Value grouped = toGroups(c, x, groups);
  if (!grouped)
    return {};
  Value mean = c.unsqueeze(c.operand("mean"), 2);
  Value rstd = c.unsqueeze(c.operand("rstd"), 2);
  Value value = c.mul(c.sub(grouped, mean), rstd);
  auto input = [&] {
    Value scaled = grad;
    if (c.has("weight"))
      scaled = c.mul(grad, c.alongChannels(c.operand("weight"), grad));
    Value result = normalizeBackward(c, toGroups(c, scaled, groups), value,
                                     rstd, 2);
    return c.view(result, c.sizesOf(x));
  };
  auto weight = [&] {
    Value product = c.mul(grad, c.view(value, c.sizesOf(x)));
    return c.sum(product, batchDims(c, x), /*keepdim=*/false);
  };
  auto bias = [&] {
    return c.sum(grad, batchDims(c, x), /*keepdim=*/false);
  };
  return masked(c, {input, weight, bias});
}

/// With the given statistics instead of the input's own.
static Value normalizeRunning(CompositeBuilder &c, Value x) {
  Value mean = c.alongChannels(c.operand("running_mean"), x);
  Value variance = c.alongChannels(c.operand("running_var"), x);
  Value rstd = c.create<RsqrtOp>(c.add(variance, c.number("eps")));
  return c.mul(c.sub(x, mean), rstd);
}
static Values buildInstanceNorm(CompositeBuilder &c) {
  Value x = c.operand("input");
  if (!c.flag("use_input_stats"))
    return {scaleChannels(c, normalizeRunning(c, x))};
  // Running statistics would have to be written.
  if (c.has("running_mean") || getRank(x) < 3)
    return c.fail();
  Normalized n = normalize(c, x, spaceDims(c, x), c.number("eps"));
  return {scaleChannels(c, n.value)};
}
static Values buildBatchNorm(CompositeBuilder &c) {
  Value x = c.operand("input");
  if (!c.flag("training")) {
    if (!c.has("running_mean"))
      return c.fail();
    Value empty = c.full({c.size(0)}, c.f64(0), c.compute());
    return {scaleChannels(c, normalizeRunning(c, x)), empty, empty};
  }
  if (c.has("running_mean"))
    return c.fail();
  SmallVector<int64_t> dims = batchDims(c, x);
  Normalized n = normalize(c, x, dims, c.number("eps"));
  return {scaleChannels(c, n.value), c.squeeze(n.mean, dims),
          c.squeeze(n.rstd, dims)};
}
static Values buildNativeBatchNormBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_out"), x = c.operand("input"), mean, rstd;
  bool isTraining = c.flag("train");
  if (isTraining) {
    mean = c.operand("save_mean"), rstd = c.operand("save_invstd");
  } else {
    mean = c.operand("running_mean");
    rstd = c.create<RsqrtOp>(
        c.add(c.operand("running_var"), c.number("eps")));
  }
  SmallVector<int64_t> dims = batchDims(c, x);
  mean = c.alongChannels(mean, x), rstd = c.alongChannels(rstd, x);
  Value value = c.mul(c.sub(x, mean), rstd);
  auto input = [&] {
    Value scaled = grad;
    if (c.has("weight"))
      scaled = c.mul(grad, c.alongChannels(c.operand("weight"), grad));
    return isTraining ? normalizeBackward(c, scaled, value, rstd, dims)
                      : c.mul(scaled, rstd);
  };
  auto weight = [&] {
    return c.sum(c.mul(grad, value), dims, /*keepdim=*/false);
  };
  auto bias = [&] { return c.sum(grad, dims, /*keepdim=*/false); };
  return masked(c, {input, weight, bias});
}

//===----------------------------------------------------------------------===//
// Normalisation over the last dimensions
//===----------------------------------------------------------------------===//

/// The dimensions that `normalized_shape` covers, and those before them.
static std::pair<SmallVector<int64_t>, SmallVector<int64_t>>
splitDims(CompositeBuilder &c, Value x) {
  int64_t rank = getRank(x);
  int64_t first = rank - c.count("normalized_shape");
  return {llvm::to_vector(llvm::seq<int64_t>(first, rank)),
          llvm::to_vector(llvm::seq<int64_t>(0, first))};
}
/// Sums over the dimensions in which a weight is broadcast.
static Value sumOver(CompositeBuilder &c, Value x, ArrayRef<int64_t> dims) {
  return dims.empty() ? x : c.sum(x, dims, /*keepdim=*/false);
}
static Values buildNativeLayerNormBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_out"), x = c.operand("input"),
        rstd = c.operand("rstd");
  auto [inner, outer] = splitDims(c, x);
  Value value = c.mul(c.sub(x, c.operand("mean")), rstd);
  auto input = [&, inner = inner] {
    Value scaled =
        c.has("weight") ? c.mul(grad, c.operand("weight")) : grad;
    return normalizeBackward(c, scaled, value, rstd, inner);
  };
  auto weight = [&, outer = outer] {
    return sumOver(c, c.mul(grad, value), outer);
  };
  auto bias = [&, outer = outer] { return sumOver(c, grad, outer); };
  return masked(c, {input, weight, bias});
}

/// x / sqrt(mean(x^2) + eps)
static Values buildRmsNorms(CompositeBuilder &c) {
  Value x = c.operand("input");
  double eps = 0;
  if (c.has("eps")) {
    eps = c.number("eps");
  } else if (auto type = dyn_cast<FloatType>(getElement(c.value("input")))) {
    // The distance of 1 to the next number.
    const llvm::fltSemantics &semantics = type.getFloatSemantics();
    eps = std::ldexp(
        1.0, 1 - int(llvm::APFloat::semanticsPrecision(semantics)));
  }
  Value square = c.mean(c.square(x), splitDims(c, x).first, /*keepdim=*/true);
  Value rstd = c.create<RsqrtOp>(c.add(square, eps));
  Value value = c.mul(x, rstd);
  if (c.has("weight"))
    value = c.mul(value, c.operand("weight"));
  return {value, rstd};
}
static Values buildRmsNorm(CompositeBuilder &c) {
  Values values = buildRmsNorms(c);
  values.pop_back();
  return values;
}
static Values buildRmsNormBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_out"), x = c.operand("input"),
        rstd = c.operand("rstd");
  auto [inner, outer] = splitDims(c, x);
  Value value = c.mul(x, rstd);
  auto input = [&, inner = inner] {
    Value scaled =
        c.has("weight") ? c.mul(grad, c.operand("weight")) : grad;
    Value along = c.mean(c.mul(scaled, value), inner, /*keepdim=*/true);
    return c.mul(c.sub(scaled, c.mul(value, along)), rstd);
  };
  auto weight = [&, outer = outer] {
    return sumOver(c, c.mul(grad, value), outer);
  };
  return masked(c, {input, weight});
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

static Values buildSoftmaxBackward(CompositeBuilder &c) {
  Value y = c.operand("output");
  int64_t dim = getDim(c, "dim", getRank(y));
  Value product = c.mul(c.operand("grad_output"), y);
  Value sum = c.sum(product, dim, /*keepdim=*/true);
  return {c.sub(product, c.mul(y, sum))};
}
static Values buildLogSoftmaxBackward(CompositeBuilder &c) {
  Value grad = c.operand("grad_output"), y = c.operand("output");
  int64_t dim = getDim(c, "dim", getRank(y));
  Value sum = c.sum(grad, dim, /*keepdim=*/true);
  return {c.sub(grad, c.mul(c.exp(y), sum))};
}
/// Rows of minus infinities give zeros.
static Values buildSafeSoftmax(CompositeBuilder &c) {
  Value x = c.operand("self");
  int64_t dim = getDim(c, "dim", getRank(x));
  Value isMasked = c.eq(x, c.f64(-INFINITY));
  Value isEmpty = c.create<AllOp>(isMasked, dim, /*keepdim=*/true);
  Value finite = c.whereNumber(isEmpty, 0, x);
  Value y = c.create<SoftmaxOp>(finite, (uint64_t)dim, TypeAttr());
  return {c.whereNumber(isEmpty, 0, y)};
}

static constexpr Composite composites[] = {
    {"aten.linalg_vector_norm.default", buildLinalgVectorNorm},
    {"aten.linalg_norm.default", buildLinalgNorm},
    {"aten.norm.Scalar", buildNorm},
    {"aten.norm.ScalarOpt_dim", buildNorm},
    {"aten.norm.ScalarOpt_dim_dtype", buildNorm},
    {"aten.norm.ScalarOpt_dtype", buildNorm},
    {"aten.frobenius_norm.dim", buildNorm},
    {"aten.norm_except_dim.default", buildNormExceptDim},
    {"aten._weight_norm.default", buildWeightNorm},
    {"aten._weight_norm_interface.default", buildWeightNorms},
    {"aten._weight_norm_interface_backward.default", buildWeightNormBackward},
    {"aten.renorm.default", buildRenorm},
    {"aten.group_norm.default", buildGroupNorm},
    {"aten.native_group_norm.default", buildNativeGroupNorm},
    {"aten.native_group_norm_backward.default", buildNativeGroupNormBackward},
    {"aten.instance_norm.default", buildInstanceNorm},
    {"aten.native_batch_norm.default", buildBatchNorm},
    {"aten._native_batch_norm_legit.no_stats", buildBatchNorm},
    {"aten.native_batch_norm_backward.default", buildNativeBatchNormBackward},
    {"aten.native_layer_norm_backward.default", buildNativeLayerNormBackward},
    {"aten.rms_norm.default", buildRmsNorm},
    {"aten._fused_rms_norm.default", buildRmsNorms},
    {"aten._fused_rms_norm_backward.default", buildRmsNormBackward},
    {"aten._softmax_backward_data.default", buildSoftmaxBackward},
    {"aten._log_softmax_backward_data.default", buildLogSoftmaxBackward},
    {"aten._safe_softmax.default", buildSafeSoftmax},
};

ArrayRef<Composite> fx::getNormalizationComposites() { return composites; }
