//===- CausalMask.cpp - Masks that hide later keys ------------------------===//
//
// A causal mask is a comparison of two iotas, or made of one: tril of ones, and
// that compared with zero. Values are followed as linear functions of their
// position, comparisons of these, and choices between two numbers.
//
//===----------------------------------------------------------------------===//

#include "CausalMask.h"
#include "Numbers.h"
#include "fx/IR/TensorBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// Sum of factor * position over the dimensions, and a constant.
struct Linear {
  SmallVector<double> factors;
  double constant = 0;
};

/// A linear function; with `isChoice`, `yes` where it is at most 0, else `no`.
/// Positions are integers, so every comparison can be written so.
struct Form {
  Linear linear;
  bool isChoice = false;
  double yes = 1, no = 0;

  bool isNumber() const {
    return !isChoice &&
           llvm::all_of(linear.factors, [](double f) { return f == 0; });
  }
};
} // namespace

static Linear combine(const Linear &a, double factor, const Linear &b) {
  Linear sum;
  size_t rank = std::max(a.factors.size(), b.factors.size());
  auto at = [rank](const Linear &x, size_t dim) {
    size_t skipped = rank - x.factors.size();
    return dim < skipped ? 0.0 : x.factors[dim - skipped];
  };
  for (size_t dim = 0; dim < rank; ++dim)
    sum.factors.push_back(at(a, dim) + factor * at(b, dim));
  sum.constant = a.constant + factor * b.constant;
  return sum;
}

static Form choose(Linear linear, double yes = 1, double no = 0) {
  Form form;
  form.linear = std::move(linear);
  form.isChoice = true;
  form.yes = yes;
  form.no = no;
  return form;
}

/// x <= 0 and the other comparisons with 0 of integers.
static std::optional<Form> compareWithZero(Operation *op, Linear x) {
  Linear negative = combine(Linear(), -1, x);
  if (isa<LeOp>(op))
    return choose(x);
  if (isa<GtOp>(op))
    return choose(x, 0, 1);
  if (isa<GeOp>(op))
    return choose(negative);
  if (isa<LtOp>(op))
    return choose(negative, 0, 1);
  return std::nullopt;
}

static std::optional<Form> getForm(Value value, int depth = 0);

static std::optional<Form> compare(Operation *op, const Form &a,
                                   const Form &b) {
  if (!a.isChoice && !b.isChoice)
    return compareWithZero(op, combine(a.linear, -1, b.linear));
  if (!a.isChoice || !b.isNumber() || !isa<EqOp, NeOp>(op))
    return std::nullopt;
  bool equals = isa<EqOp>(op);
  double number = b.linear.constant;
  return choose(a.linear, (a.yes == number) == equals,
                (a.no == number) == equals);
}

static std::optional<Form> selectBetween(WhereOp select, int depth) {
  std::optional<Form> condition = getForm(select.getCondition(), depth);
  std::optional<Form> a = getForm(select.getSelf(), depth);
  std::optional<Form> b = getForm(select.getOther(), depth);
  if (!condition || !condition->isChoice || !a || !b || !a->isNumber() ||
      !b->isNumber())
    return std::nullopt;
  double yes = a->linear.constant, no = b->linear.constant;
  return choose(condition->linear, condition->yes ? yes : no,
                condition->no ? yes : no);
}

/// Dimensions of size 1 come and go; others keep their order.
static std::optional<Form> changeShape(Operation *op, int depth) {
  std::optional<Form> form = getForm(op->getOperand(0), depth);
  auto from = getTensorType(op->getOperand(0));
  auto to = getTensorType(op->getResult(0));
  if (!form || !from.hasStaticShape() || !to.hasStaticShape())
    return std::nullopt;
  SmallVector<double> factors(from.getRank() - form->linear.factors.size());
  llvm::append_range(factors, form->linear.factors);
  if (isa<ExpandOp>(op)) {
    factors.insert(factors.begin(), to.getRank() - from.getRank(), 0.0);
    form->linear.factors = std::move(factors);
    return form;
  }
  SmallVector<double> changed;
  int64_t next = 0;
  for (int64_t size : to.getShape()) {
    if (size == 1) {
      changed.push_back(0);
      continue;
    }
    while (next < from.getRank() && from.getDimSize(next) == 1)
      ++next;
    if (next == from.getRank() || from.getDimSize(next) != size)
      return std::nullopt;
    changed.push_back(factors[next++]);
  }
  form->linear.factors = std::move(changed);
  return form;
}

static std::optional<Form> getForm(Value value, int depth) {
  // Longer than any mask.
  if (++depth > 16)
    return std::nullopt;
  Form number;
  if (std::optional<double> constant = getUniformNumber(value)) {
    number.linear.constant = *constant;
    return number;
  }
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto iota = dyn_cast<IotaOp>(op)) {
    number.linear.factors = {(double)iota.getStep()};
    number.linear.constant = (double)iota.getStart();
    return number;
  }
  if (isa<ViewOp, ExpandOp, UnsqueezeOp, SqueezeOp>(op))
    return changeShape(op, depth);
  if (auto select = dyn_cast<WhereOp>(op))
    return selectBetween(select, depth);
  // tril of a boolean tensor.
  if (isa<LogicalAndOp, BitwiseAndOp>(op) && isBoolType(getElement(value))) {
    std::optional<double> a = getUniformNumber(op->getOperand(0));
    std::optional<double> b = getUniformNumber(op->getOperand(1));
    if ((a && *a != 0) || (b && *b != 0))
      return getForm(op->getOperand(a && *a != 0 ? 1 : 0), depth);
    return std::nullopt;
  }
  if (isa<ConvertElementTypeOp, LogicalNotOp, BitwiseNotOp>(op)) {
    std::optional<Form> form = getForm(op->getOperand(0), depth);
    bool isNot = !isa<ConvertElementTypeOp>(op);
    if (isNot && !isBoolType(getElement(value)))
      return std::nullopt;
    bool toBool = isNot || isBoolType(getElement(value));
    // Half precision would round positions.
    Type element = getElement(value);
    if (!form || (toBool && !form->isChoice) ||
        (!form->isChoice && (element.isF16() || element.isBF16())))
      return std::nullopt;
    if (toBool) {
      form->yes = (form->yes != 0) != isNot;
      form->no = (form->no != 0) != isNot;
    }
    return form;
  }
  if (isa<AddOp, SubOp, LeOp, LtOp, GeOp, GtOp, EqOp, NeOp>(op)) {
    std::optional<Form> a = getForm(op->getOperand(0), depth);
    std::optional<Form> b = getForm(op->getOperand(1), depth);
    if (!a || !b)
      return std::nullopt;
    double sign = 0;
    if (auto add = dyn_cast<AddOp>(op))
      sign = add.getAlpha().convertToDouble();
    else if (auto sub = dyn_cast<SubOp>(op))
      sign = -sub.getAlpha().convertToDouble();
    else
      return compare(op, *a, *b);
    if (a->isChoice || b->isChoice)
      return std::nullopt;
    number.linear = combine(a->linear, sign, b->linear);
    return number;
  }
  return std::nullopt;
}

bool fx::isCausal(Value condition, bool isNegated) {
  std::optional<Form> form = getForm(condition);
  if (!form || !form->isChoice || (form->yes != 0) == (form->no != 0))
    return false;
  Linear x = form->linear;
  // Visible where x <= 0: not (x <= 0) is 1 - x <= 0.
  if ((form->yes != 0) == isNegated) {
    x = combine(Linear(), -1, x);
    x.constant += 1;
  }
  size_t rank = x.factors.size();
  if (rank < 2 || x.factors[rank - 1] != 1 || x.factors[rank - 2] != -1 ||
      x.constant != 0)
    return false;
  return llvm::all_of(ArrayRef(x.factors).drop_back(2),
                      [](double factor) { return factor == 0; });
}
