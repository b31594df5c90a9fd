//===- LowerQuantized.cpp - Products of quantised tensors -----------------===//
//
// With x = (X - zx) * sx and w = (W - zw) * sw the product of X and W is one of
// 8-bit integers, and
//
//   x @ w = (X @ W - zx * sum(W) - zw * (sum(X) - K * zx)) * (sx * sw)
//
// The sums are those along K; scale and zero point of the weight may differ from
// column to column.
//
//===----------------------------------------------------------------------===//

#include "fx/Analysis/Storage.h"
#include "fx/IR/FXOps.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/PreGrad/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_LOWERQUANTIZEDPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

Attribute getArgument(CallOp call, unsigned i) {
  return i < call.getArguments().size() ? call.getArguments()[i] : Attribute();
}

/// A positional argument that is an operand.
Value getOperand(CallOp call, unsigned i) {
  auto reference = dyn_cast_or_null<DictionaryAttr>(getArgument(call, i));
  auto number =
      reference ? reference.getAs<IntegerAttr>("operand") : IntegerAttr();
  return number ? call.getInputs()[number.getInt()] : Value();
}

/// A positional argument that is a number, or a constant.
std::optional<double> getNumber(CallOp call, unsigned i) {
  Attribute argument = getArgument(call, i);
  if (Value value = getOperand(call, i))
    if (!matchPattern(value, m_Constant(&argument)))
      return std::nullopt;
  if (auto number = dyn_cast_or_null<FloatAttr>(argument))
    return number.getValueAsDouble();
  if (auto number = dyn_cast_or_null<IntegerAttr>(argument))
    return number.getInt();
  return std::nullopt;
}

/// What a call dequantises to f32: (tensor - zero point) * scale.
struct Dequantized {
  Value tensor;
  /// Of the tensor.
  double scale = 1;
  int64_t zeroPoint = 0;
  /// Of each place along `axis`: vectors, instead of the scale; the zero points
  /// may be null.
  Value scales, zeroPoints;
  int64_t axis = 0;

  bool isPerChannel() const { return !!scales; }
};

bool isDequantize(CallOp call) {
  return call.getTarget().starts_with("quantized_decomposed.dequantize_");
}

std::optional<Dequantized> matchDequantize(Value value) {
  auto call = value.getDefiningOp<CallOp>();
  if (!call || call->getNumResults() != 1 || !isTensor(value) ||
      !getElement(value).isF32())
    return std::nullopt;
  Dequantized found;
  found.tensor = getOperand(call, 0);
  if (!found.tensor || !isTensor(found.tensor))
    return std::nullopt;
  if (call.getTarget() == "quantized_decomposed.dequantize_per_tensor.default") {
    std::optional<double> scale = getNumber(call, 1), zero = getNumber(call, 2);
    if (!scale || !zero)
      return std::nullopt;
    found.scale = *scale;
    found.zeroPoint = *zero;
    return found;
  }
  if (call.getTarget() !=
      "quantized_decomposed.dequantize_per_channel.default")
    return std::nullopt;
  found.scales = getOperand(call, 1);
  found.zeroPoints = getOperand(call, 2);
  std::optional<double> axis = getNumber(call, 3);
  if (!found.scales || !isTensor(found.scales) || !axis ||
      (!found.zeroPoints && !isa_and_nonnull<UnitAttr>(getArgument(call, 2))))
    return std::nullopt;
  found.axis = wrapDim(*axis, getRank(value));
  return found;
}

/// The matrix [N, K] of 8-bit integers that is the transpose of `value`.
std::optional<Dequantized> matchTransposedWeight(Value value) {
  Operation *op = value.getDefiningOp();
  bool isTransposition = isa_and_nonnull<TOp>(op);
  if (auto transpose = dyn_cast_or_null<TransposeOp>(op))
    isTransposition = wrapDim(transpose.getDim0(), 2) !=
                      wrapDim(transpose.getDim1(), 2);
  if (auto permute = dyn_cast_or_null<PermuteOp>(op))
    isTransposition = wrapDim(permute.getDims()[0], 2) == 1;
  return isTransposition ? matchDequantize(op->getOperand(0)) : std::nullopt;
}

bool isBytes(Value value) { return getElement(value).isInteger(8); }

class Lowering {
public:
  explicit Lowering(MLIRContext *context) : rewriter(context) {}

  void lowerLinear(LinearOp op) {
    lowerProduct(op, op.getInput(), matchDequantize(op.getWeight()),
                 op.getBias());
  }
  void lowerMm(MmOp op) {
    lowerProduct(op, op.getSelf(), matchTransposedWeight(op.getMat2()), {});
  }
  void lowerAddmm(AddmmOp op) {
    if (op.getAlpha().isExactlyValue(1) && op.getBeta().isExactlyValue(1))
      lowerProduct(op, op.getMat1(), matchTransposedWeight(op.getMat2()),
                   op.getSelf());
  }

  /// Quantises and dequantises by arithmetic.
  void lowerCall(CallOp call) {
    rewriter.setInsertionPoint(call);
    TensorBuilder b(rewriter, call.getLoc());
    if (call->use_empty() && isDequantize(call))
      return rewriter.eraseOp(call);
    if (call->getNumResults() != 1 || !isTensor(call.getResult(0)))
      return;
    Value result = lowerQuantize(call, b);
    if (std::optional<Dequantized> found = matchDequantize(call.getResult(0)))
      result = dequantize(*found, b);
    if (result)
      rewriter.replaceOp(call, b.withType(result, call.getResult(0).getType()));
  }

private:
  IRRewriter rewriter;

  /// A dequantised tensor, behind views of it, as views of the integers.
  std::optional<Dequantized> matchInput(Value value) {
    SmallVector<Operation *> views;
    for (Operation *op = value.getDefiningOp();
         op && isViewOp(op) && op->getNumResults() == 1 &&
         isTensor(op->getOperand(0));
         op = value.getDefiningOp()) {
      views.push_back(op);
      value = op->getOperand(0);
    }
    std::optional<Dequantized> found = matchDequantize(value);
    if (!found || found->isPerChannel() || !isBytes(found->tensor))
      return std::nullopt;
    for (Operation *view : llvm::reverse(views)) {
      Operation *copy = rewriter.clone(*view);
      copy->setOperand(0, found->tensor);
      auto type = cast<RankedTensorType>(view->getResult(0).getType());
      copy->getResult(0).setType(type.clone(getElement(found->tensor)));
      found->tensor = copy->getResult(0);
    }
    return found;
  }

  /// op = input @ weight^T + bias, the weight [N, K].
  void lowerProduct(Operation *op, Value input,
                    std::optional<Dequantized> weight, Value bias) {
    Value result = op->getResult(0);
    if (!weight || !isBytes(weight->tensor) || getRank(weight->tensor) != 2 ||
        (weight->isPerChannel() && weight->axis != 0) ||
        !getElement(result).isF32() || getRank(input) < 2)
      return;
    rewriter.setInsertionPoint(op);
    std::optional<Dequantized> x = matchInput(input);
    if (!x)
      return;
    TensorBuilder b(rewriter, op->getLoc());
    Type i32 = rewriter.getI32Type();
    const int64_t rank = getRank(input);
    Value rows = x->tensor;
    if (rank > 2)
      rows = b.view(rows, {b.countOf(rows, llvm::to_vector(
                                               llvm::seq<int64_t>(rank - 1))),
                           b.sizeOf(rows, rank - 1)});
    Value wideRows = b.convert(rows, i32);
    Value columns = b.convert(b.permute(weight->tensor, {1, 0}), i32);
    Value sum = b.create<MmOp>(wideRows, columns);
    auto sumAlong = [&](Value matrix, int64_t dim) {
      return b.convert(b.sum(matrix, {dim}, /*keepdim=*/true), i32);
    };
    if (x->zeroPoint != 0)
      sum = b.sub(sum, b.mul(sumAlong(columns, 0), b.i64(x->zeroPoint)));
    Value zero = weight->zeroPoints;
    if (zero)
      zero = b.convert(zero, i32);
    else if (weight->zeroPoint != 0)
      zero = b.i64(weight->zeroPoint);
    if (zero) {
      Value inner = sumAlong(wideRows, 1);
      if (x->zeroPoint != 0)
        inner = b.sub(inner, b.asValue(b.multiply(b.sizeOf(rows, 1),
                                                  b.size(x->zeroPoint))));
      sum = b.sub(sum, b.mul(inner, zero));
    }
    Value product = b.convert(sum, rewriter.getF32Type());
    if (weight->isPerChannel())
      product = b.mul(product, b.mul(b.convert(weight->scales,
                                               rewriter.getF32Type()),
                                     x->scale));
    else
      product = b.mul(product, x->scale * weight->scale);
    if (rank > 2)
      product = b.view(product, [&] {
        Sizes sizes = b.sizesOf(x->tensor);
        sizes.back() = b.sizeOf(weight->tensor, 0);
        return sizes;
      }());
    if (bias)
      product = b.add(product, bias);
    rewriter.replaceOp(op, b.withType(product, result.getType()));
  }

  /// clamp(round(x / scale) + zero point); null for other calls.
  Value lowerQuantize(CallOp call, TensorBuilder &b) {
    if (call.getTarget() != "quantized_decomposed.quantize_per_tensor.default")
      return {};
    Value x = getOperand(call, 0);
    std::optional<double> scale = getNumber(call, 1), zero = getNumber(call, 2),
                          least = getNumber(call, 3), most = getNumber(call, 4);
    if (!x || !isTensor(x) || !scale || !zero || !least || !most)
      return {};
    x = b.create<RoundOp>(b.mul(b.toCompute(x), 1 / *scale));
    x = b.create<ClampOp>(b.add(x, *zero), b.f64(*least), b.f64(*most));
    return b.convert(x, getElement(call.getResult(0)));
  }

  Value dequantize(const Dequantized &found, TensorBuilder &b) {
    Type f32 = rewriter.getF32Type();
    Value x = b.convert(found.tensor, f32);
    if (!found.isPerChannel())
      return b.mul(found.zeroPoint ? b.sub(x, double(found.zeroPoint)) : x,
                   found.scale);
    auto spread = [&](Value vector) {
      vector = b.convert(vector, f32);
      for (int64_t i = found.axis + 1; i < getRank(x); ++i)
        vector = b.unsqueeze(vector, 1);
      return vector;
    };
    if (found.zeroPoints)
      x = b.sub(x, spread(found.zeroPoints));
    return b.mul(x, spread(found.scales));
  }
};

struct LowerQuantizedPass : impl::LowerQuantizedPassBase<LowerQuantizedPass> {
  void runOnOperation() override {
    SmallVector<CallOp> calls;
    SmallVector<Operation *> products;
    getOperation()->walk([&](Operation *op) {
      if (isa<LinearOp, MmOp, AddmmOp>(op))
        products.push_back(op);
      else if (auto call = dyn_cast<CallOp>(op);
               call && call.getTarget().starts_with("quantized_decomposed."))
        calls.push_back(call);
    });
    if (calls.empty())
      return;
    Lowering lowering(&getContext());
    for (Operation *op : products) {
      if (auto linear = dyn_cast<LinearOp>(op))
        lowering.lowerLinear(linear);
      else if (auto mm = dyn_cast<MmOp>(op))
        lowering.lowerMm(mm);
      else
        lowering.lowerAddmm(cast<AddmmOp>(op));
    }
    // Views of what nothing reads any longer go first.
    IRRewriter rewriter(&getContext());
    for (CallOp call : calls)
      for (Operation *user : llvm::make_early_inc_range(call->getUsers()))
        if (isViewOp(user) && user->use_empty())
          rewriter.eraseOp(user);
    for (CallOp call : llvm::reverse(calls))
      lowering.lowerCall(call);
  }
};

} // namespace
} // namespace mlir::fx
