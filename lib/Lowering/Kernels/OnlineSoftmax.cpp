//===- OnlineSoftmax.cpp - Maximum and sum of a softmax in one sweep ------===//

#include "fx/Lowering/Kernels/OnlineSoftmax.h"

#include "fx/Lowering/Kernels/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::fx {
#define GEN_PASS_DEF_ONLINESOFTMAXPASS
#include "fx/Lowering/Kernels/Passes.h.inc"

//===----------------------------------------------------------------------===//
// The reduction
//===----------------------------------------------------------------------===//

OnlineSum combineOnline(OpBuilder &b, Location loc, OnlineSum a, OnlineSum c) {
  Type type = a.largest.getType();
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  // The difference of equal infinities would be no number.
  Value isSame = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                       a.largest, c.largest);
  Value difference = arith::SubFOp::create(b, loc, a.largest, c.largest);
  difference = arith::SelectOp::create(b, loc, isSame, zero, difference);
  Value distance = math::AbsFOp::create(b, loc, difference);
  Value factor = math::ExpOp::create(
      b, loc, arith::NegFOp::create(b, loc, distance));
  Value isLarger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT,
                                         c.largest, a.largest);
  Value scaledA = arith::MulFOp::create(b, loc, a.total, factor);
  Value scaledC = arith::MulFOp::create(b, loc, c.total, factor);
  Value total = arith::SelectOp::create(
      b, loc, isLarger, arith::AddFOp::create(b, loc, scaledA, c.total),
      arith::AddFOp::create(b, loc, a.total, scaledC));
  return {arith::MaximumFOp::create(b, loc, a.largest, c.largest), total};
}

/// Whether a tensor is filled with one number.
static bool isFilledWith(Value tensor, llvm::function_ref<bool(APFloat)> test) {
  auto fill = tensor.getDefiningOp<linalg::FillOp>();
  APFloat number(0.0);
  return fill && matchPattern(fill.value(), m_ConstantFloat(&number)) &&
         test(number);
}
static bool isMinusInfinity(APFloat number) {
  return number.isInfinity() && number.isNegative();
}
static bool isZero(APFloat number) { return number.isZero(); }

/// Whether `value` is computed by an op of this kind from the given operands,
/// null ones being any.
template <typename OpTy>
static OpTy match(Value value, ArrayRef<Value> operands) {
  auto op = value.getDefiningOp<OpTy>();
  if (!op || op->getNumOperands() != operands.size())
    return {};
  for (auto [own, wanted] : llvm::zip(op->getOperands(), operands))
    if (wanted && own != wanted)
      return {};
  return op;
}

static bool matchCompare(Value value, arith::CmpFPredicate predicate, Value a,
                         Value b) {
  auto compare = match<arith::CmpFOp>(value, {a, b});
  return compare && compare.getPredicate() == predicate;
}

bool isOnlineSum(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 2 ||
      !isFilledWith(op.getDpsInitOperand(0)->get(), isMinusInfinity) ||
      !isFilledWith(op.getDpsInitOperand(1)->get(), isZero))
    return false;
  Block *body = op.getBody();
  Value x = body->getArgument(0), largest = body->getArgument(1),
        total = body->getArgument(2);
  auto results = body->getTerminator()->getOperands();
  auto select = results[1].getDefiningOp<arith::SelectOp>();
  if (!match<arith::MaximumFOp>(results[0], {largest, x}) || !select ||
      !matchCompare(select.getCondition(), arith::CmpFPredicate::OGT, x,
                    largest))
    return false;
  auto larger = match<arith::AddFOp>(select.getTrueValue(), {{}, {}});
  auto smaller = match<arith::AddFOp>(select.getFalseValue(), {total, {}});
  if (!larger || !smaller || !matchPattern(larger.getRhs(), m_OneFloat()))
    return false;
  auto scaled = match<arith::MulFOp>(larger.getLhs(), {total, {}});
  if (!scaled)
    return false;
  Value factor = scaled.getRhs();
  // 1 * factor may be folded.
  if (smaller.getRhs() != factor &&
      !match<arith::MulFOp>(smaller.getRhs(), {larger.getRhs(), factor}))
    return false;
  auto exp = match<math::ExpOp>(factor, Value());
  auto neg = exp ? match<arith::NegFOp>(exp.getOperand(), Value())
                 : arith::NegFOp();
  auto abs = neg ? match<math::AbsFOp>(neg.getOperand(), Value())
                 : math::AbsFOp();
  auto difference = abs ? match<arith::SelectOp>(abs.getOperand(), {{}, {}, {}})
                        : arith::SelectOp();
  return difference &&
         matchCompare(difference.getCondition(), arith::CmpFPredicate::OEQ,
                      largest, x) &&
         matchPattern(difference.getTrueValue(), m_AnyZeroFloat()) &&
         match<arith::SubFOp>(difference.getFalseValue(), {largest, x});
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

/// A generic with one result whose body is one op on the arguments, in order.
template <typename OpTy>
linalg::GenericOp getSimple(Value value, unsigned numInputs) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != numInputs || op.getNumDpsInits() != 1 ||
      !op.hasPureTensorSemantics())
    return {};
  Block *body = op.getBody();
  auto only = dyn_cast<OpTy>(body->front());
  if (!only || body->getTerminator()->getOperand(0) != only->getResult(0) ||
      body->getOperations().size() != 2)
    return {};
  // A reduction is commutative.
  for (Value operand : only->getOperands())
    if (!llvm::is_contained(body->getArguments(), operand))
      return {};
  return op;
}

bool readsInOrder(linalg::GenericOp op) {
  auto arguments = op.getBody()->getArguments();
  return llvm::equal(op.getBody()->front().getOperands(),
                     arguments.take_front(op.getNumDpsInputs()));
}

/// sum(e^(x - max(x))) over some of the dimensions of x.
struct SoftmaxSum {
  linalg::GenericOp sum, max;
  Value x;

  static std::optional<SoftmaxSum> find(linalg::GenericOp op) {
    SoftmaxSum found;
    if (!op.getNumReductionLoops() || op->getNumResults() != 1)
      return std::nullopt;
    found.sum = getSimple<arith::AddFOp>(op.getResult(0), 1);
    if (!found.sum ||
        !isFilledWith(op.getDpsInitOperand(0)->get(), isZero))
      return std::nullopt;
    auto exp = getSimple<math::ExpOp>(op.getDpsInputOperand(0)->get(), 1);
    auto sub = exp ? getSimple<arith::SubFOp>(exp->getOperand(0), 2)
                   : linalg::GenericOp();
    if (!sub || exp.getNumReductionLoops() || sub.getNumReductionLoops() ||
        !readsInOrder(sub) || !readsInOrder(exp))
      return std::nullopt;
    found.x = sub->getOperand(0);
    Value shift = sub->getOperand(1);
    while (auto expand = shift.getDefiningOp<tensor::ExpandShapeOp>())
      shift = expand.getSrc();
    if (!isa_and_nonnull<linalg::GenericOp>(shift.getDefiningOp()))
      return std::nullopt;
    found.max = getSimple<arith::MaximumFOp>(shift, 1);
    if (!found.max || found.max->getBlock() != op->getBlock() ||
        found.max->getOperand(0) != found.x ||
        !isFilledWith(found.max.getDpsInitOperand(0)->get(), isMinusInfinity) ||
        found.max.getIteratorTypesArray() != op.getIteratorTypesArray() ||
        found.max.getIndexingMapsArray() != op.getIndexingMapsArray() ||
        !found.isShifted(sub, exp))
      return std::nullopt;
    return found;
  }

  /// Whether all ops run through x in order, and the maximum stays the same
  /// along the reduced dimensions only.
  bool isShifted(linalg::GenericOp sub, linalg::GenericOp exp) {
    auto isIdentity = [](linalg::GenericOp op, unsigned operand) {
      return op.getIndexingMapsArray()[operand].isIdentity();
    };
    if (!isIdentity(sum, 0) || !isIdentity(exp, 0) || !isIdentity(exp, 1) ||
        !isIdentity(sub, 0) || !isIdentity(sub, 2))
      return false;
    AffineMap map = sub.getIndexingMapsArray()[1];
    ArrayRef<int64_t> from =
        cast<RankedTensorType>(sub->getOperand(1).getType()).getShape();
    ArrayRef<int64_t> shape = cast<RankedTensorType>(x.getType()).getShape();
    if (map.getNumResults() != shape.size())
      return false;
    auto iterators = sum.getIteratorTypesArray();
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      bool isReduced = iterators[i] == utils::IteratorType::reduction;
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (dim ? dim.getPosition() != i : !isa<AffineConstantExpr>(expr))
        return false;
      if (from[i] != (isReduced ? 1 : shape[i]) || (!dim && from[i] != 1))
        return false;
    }
    return true;
  }

  /// The elements of a row; -1 if not known.
  int64_t getRowSize() {
    int64_t size = 1;
    auto iterators = sum.getIteratorTypesArray();
    for (auto [i, count] : llvm::enumerate(sum.getStaticLoopRanges()))
      if (iterators[i] == utils::IteratorType::reduction) {
        if (ShapedType::isDynamic(count))
          return -1;
        size *= count;
      }
    return size;
  }

  void rewrite(RewriterBase &rewriter) {
    rewriter.setInsertionPoint(max);
    Location loc = sum.getLoc();
    auto type = cast<RankedTensorType>(max.getResult(0).getType());
    Type element = type.getElementType();
    // The sum begins where the maximum does.
    Value init = max.getDpsInitOperand(0)->get();
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getZeroAttr(element));
    Value zeros = linalg::FillOp::create(
                      rewriter, loc, zero,
                      init.getDefiningOp<linalg::FillOp>().output())
                      .getResult(0);
    AffineMap reduced = max.getIndexingMapsArray()[1];
    auto both = linalg::GenericOp::create(
        rewriter, loc, TypeRange{type, type}, x, ValueRange{init, zeros},
        ArrayRef<AffineMap>{max.getIndexingMapsArray()[0], reduced, reduced},
        max.getIteratorTypesArray(),
        [&](OpBuilder &b, Location nested, ValueRange arguments) {
          Value one = arith::ConstantOp::create(b, nested,
                                                b.getFloatAttr(element, 1.0));
          OnlineSum sums =
              combineOnline(b, nested, {arguments[1], arguments[2]},
                            {arguments[0], one});
          linalg::YieldOp::create(b, nested,
                                  ValueRange{sums.largest, sums.total});
        });
    // inf - inf of the written-out form: a row that has plus infinity, or only
    // minus infinities.
    AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
    auto total = linalg::GenericOp::create(
        rewriter, loc, type, both.getResults(),
        init.getDefiningOp<linalg::FillOp>().output(),
        ArrayRef<AffineMap>(SmallVector<AffineMap>(3, identity)),
        SmallVector<utils::IteratorType>(type.getRank(),
                                         utils::IteratorType::parallel),
        [&](OpBuilder &b, Location nested, ValueRange arguments) {
          auto number = [&](APFloat value) -> Value {
            return arith::ConstantOp::create(b, nested,
                                             b.getFloatAttr(element, value));
          };
          auto &semantics = cast<FloatType>(element).getFloatSemantics();
          Value isInfinite = arith::CmpFOp::create(
              b, nested, arith::CmpFPredicate::OEQ,
              math::AbsFOp::create(b, nested, arguments[0]),
              number(APFloat::getInf(semantics)));
          Value result = arith::SelectOp::create(
              b, nested, isInfinite, number(APFloat::getNaN(semantics)),
              arguments[1]);
          linalg::YieldOp::create(b, nested, result);
        });
    rewriter.replaceOp(max, both.getResult(0));
    rewriter.replaceOp(sum, total.getResults());
  }
};

struct OnlineSoftmaxPass : impl::OnlineSoftmaxPassBase<OnlineSoftmaxPass> {
  using OnlineSoftmaxPassBase::OnlineSoftmaxPassBase;

  void runOnOperation() override {
    SmallVector<linalg::GenericOp> candidates;
    getOperation().walk(
        [&](linalg::GenericOp op) { candidates.push_back(op); });
    IRRewriter rewriter(&getContext());
    // Nothing is erased but sums and maxima; the latter are no candidates.
    for (linalg::GenericOp op : candidates) {
      if (isErased.contains(op))
        continue;
      std::optional<SoftmaxSum> found = SoftmaxSum::find(op);
      if (!found)
        continue;
      int64_t size = found->getRowSize();
      if (size >= 0 && size < minElements)
        continue;
      isErased.insert(found->max);
      found->rewrite(rewriter);
    }
    isErased.clear();
  }

  llvm::DenseSet<Operation *> isErased;
};

} // namespace
} // namespace mlir::fx
