//===- AttentionMatch.cpp - Attention written out -------------------------===//

#include "AttentionMatch.h"
#include "Numbers.h"
#include "fx/IR/TensorBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;

/// What is replaced by less than this counts as hidden. Whether a row may be
/// hidden altogether is for the fusion to see.
static constexpr double kHidden = -6e4;
/// Longer chains between the products are no attention.
static constexpr int kMaxSteps = 24;

static bool isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isFloatType(type.getElementType());
}

static bool isLastDim(ArrayRef<int64_t> dims, int64_t rank) {
  return dims.size() == 1 && (dims[0] == -1 || dims[0] == rank - 1);
}

template <typename OpTy>
static OpTy getRowReduction(Value value) {
  auto op = value.getDefiningOp<OpTy>();
  if (!op || !op.getKeepdim() || !isLastDim(op.getDim(), getRank(op.getSelf())))
    return {};
  return op;
}

/// Whether an op gives its operand's elements in rows of the same length: a
/// conversion of floats, a view of the batch dimensions.
static bool keepsRows(Operation *op) {
  if (!isa<ConvertElementTypeOp, ViewOp, ExpandOp, AliasOp, CloneOp>(op) ||
      !isFloatTensor(op->getOperand(0)) || !isFloatTensor(op->getResult(0)))
    return false;
  auto from = getTensorType(op->getOperand(0));
  auto to = getTensorType(op->getResult(0));
  if (isa<ExpandOp>(op))
    return from == to;
  return from.getRank() >= 2 && to.getRank() >= 2 &&
         from.getShape().take_back(2) == to.getShape().take_back(2);
}

bool fx::isTransposed(Value a, Value b) {
  auto swaps = [](Value from, Value to) {
    auto permute = to.getDefiningOp<PermuteOp>();
    return permute && permute.getSelf() == from &&
           permute.getDims() == ArrayRef<int64_t>{0, 2, 1};
  };
  return swaps(a, b) || swaps(b, a);
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

namespace {
/// Walks from the softmax up to the product of the scores.
class ScoresWalk {
public:
  explicit ScoresWalk(AttentionForward &forward) : f(forward) {}

  bool climb(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || f.ops.size() > kMaxSteps || !isFloatTensor(value))
      return false;
    f.ops.insert(op);
    if (!f.type && getRank(value) == 4)
      f.type = getTensorType(value);
    bool found =
        llvm::TypeSwitch<Operation *, bool>(op)
            .Case([&](BmmOp product) {
              f.scores = product;
              return true;
            })
            .Case<MulOp, DivOp>([&](auto scaling) { return scale(scaling); })
            .Case([&](AddOp add) { return addMask(add); })
            .Case([&](WhereOp select) { return selectMask(select); })
            .Default([&](Operation *other) {
              return keepsRows(other) && climb(other->getOperand(0));
            });
    if (!found)
      f.ops.remove(op);
    return found;
  }

private:
  bool scale(Operation *op) {
    Value scores = op->getOperand(0), other = op->getOperand(1);
    if (isa<MulOp>(op) && getUniformNumber(scores))
      std::swap(scores, other);
    std::optional<double> number = getUniformNumber(other);
    if (!number || !std::isfinite(*number) || *number == 0 ||
        scores.getType() != op->getResult(0).getType())
      return false;
    f.scale *= isa<MulOp>(op) ? *number : 1 / *number;
    return climb(scores);
  }

  bool addMask(AddOp add) {
    if (add.getAlpha().convertToDouble() != 1.0)
      return false;
    for (auto [scores, bias] : {std::pair(add.getSelf(), add.getOther()),
                                std::pair(add.getOther(), add.getSelf())}) {
      // A number is no mask, in a tensor without dimensions neither.
      if (!isFloatTensor(scores) || !isFloatTensor(bias) || getRank(bias) == 0)
        continue;
      if (mask({add, bias, {}}, scores))
        return true;
    }
    return false;
  }

  bool selectMask(WhereOp select) {
    Value scores = select.getSelf(), other = select.getOther();
    std::optional<double> fill = getUniformNumber(other);
    bool keepsWhereTrue = fill.has_value();
    if (!keepsWhereTrue) {
      fill = getUniformNumber(scores);
      scores = other;
    }
    if (!fill || *fill > kHidden || !isFloatTensor(scores))
      return false;
    return mask({select, {}, select.getCondition(), *fill, keepsWhereTrue},
                scores);
  }

  /// A mask under a scale would have to be scaled, too.
  bool mask(AttentionMask step, Value scores) {
    if (f.scale != 1 || getTensorType(scores).getShape() !=
                            getTensorType(step.op->getResult(0)).getShape())
      return false;
    f.masks.push_back(step);
    if (climb(scores))
      return true;
    f.masks.pop_back();
    return false;
  }

  AttentionForward &f;
};
} // namespace

/// Whether where(condition, 0, p) or where(condition, p, 0) is `_safe_softmax`:
/// rows without any key have the probability 0, as in the fused op.
static bool clearsMaskedRows(WhereOp select, Value probabilities) {
  bool isSelf = select.getSelf() == probabilities;
  std::optional<double> other =
      getUniformNumber(isSelf ? select.getOther() : select.getSelf());
  if (!other || *other != 0)
    return false;
  Operation *condition = select.getCondition().getDefiningOp();
  while (isa_and_nonnull<LogicalNotOp, ViewOp>(condition))
    condition = condition->getOperand(0).getDefiningOp();
  auto any = dyn_cast_if_present<AnyOp>(condition);
  return any && isLastDim(any.getDim(), getRank(any.getSelf()));
}

/// Walks from the softmax down to the product with the values. Of several users
/// one is that product; the others are the backward.
static bool descend(AttentionForward &f, Value value) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (auto product = dyn_cast<BmmOp>(user)) {
      if (use.getOperandNumber() != 0)
        continue;
      f.output = product;
      return true;
    }
    auto select = dyn_cast<WhereOp>(user);
    if (!keepsRows(user) && !(select && clearsMaskedRows(select, value)))
      continue;
    if (f.ops.size() > kMaxSteps + 8)
      return false;
    f.ops.insert(user);
    Value result = user->getResult(0);
    if (!f.type && getRank(result) == 4)
      f.type = getTensorType(result);
    if (descend(f, result))
      return true;
    f.ops.remove(user);
  }
  return false;
}

/// Adds what tests for rows without a key: it reads the scores beside the
/// softmax.
static void addRowTests(AttentionForward &f) {
  for (Operation *op : SmallVector<Operation *>(f.ops.getArrayRef())) {
    auto select = dyn_cast<WhereOp>(op);
    if (!select)
      continue;
    Operation *test = select.getCondition().getDefiningOp();
    // Masks come from elsewhere and stay.
    while (isa_and_nonnull<LogicalNotOp, AnyOp, EqOp, NeOp, ViewOp>(test)) {
      Operation *next = test->getOperand(0).getDefiningOp();
      bool isMask = llvm::any_of(f.masks, [&](const AttentionMask &mask) {
        return mask.condition == test->getResult(0);
      });
      if (isMask)
        break;
      f.ops.insert(test);
      if (next && f.ops.contains(next))
        break;
      test = next;
    }
  }
}

std::optional<AttentionForward> fx::matchAttention(DivOp softmax,
                                                   const char *&reason) {
  reason = nullptr;
  auto exp = softmax.getSelf().getDefiningOp<ExpOp>();
  auto sum = getRowReduction<SumOp>(softmax.getOther());
  if (!exp || !sum || sum.getSelf() != exp.getResult())
    return std::nullopt;
  auto sub = exp.getSelf().getDefiningOp<SubOp>();
  if (!sub || sub.getAlpha().convertToDouble() != 1.0 ||
      !isFloatTensor(sub.getSelf()))
    return std::nullopt;
  auto amax = getRowReduction<AmaxOp>(sub.getOther());
  if (!amax || amax.getSelf() != sub.getSelf())
    return std::nullopt;

  AttentionForward f;
  f.probabilities = softmax.getResult();
  f.ops.insert_range(ArrayRef<Operation *>{softmax, exp, sum, sub, amax});
  if (!ScoresWalk(f).climb(sub.getSelf()))
    return std::nullopt;
  if (!descend(f, softmax)) {
    reason = "no product with the values follows the softmax: its result is "
             "dropped out or has another use";
    return std::nullopt;
  }
  f.ops.insert(f.output);
  addRowTests(f);
  return f;
}

//===----------------------------------------------------------------------===//
// Backward
//===----------------------------------------------------------------------===//

namespace {
/// Walks from the gradient of the probabilities to those of query and key.
class BackwardWalk {
public:
  BackwardWalk(AttentionForward &forward, AttentionBackward &backward)
      : f(forward), b(backward) {}

  bool run() {
    findGradProbabilities();
    if (!b.gradProbabilities)
      return false;
    b.grad = b.gradProbabilities.getSelf();
    findGradValue();
    return softmax(b.gradProbabilities) && b.gradQuery && b.gradKey;
  }

private:
  /// The product with the transposed values.
  void findGradProbabilities() {
    for (Operation *user : f.getValue().getUsers())
      if (isa<PermuteOp>(user))
        for (Operation *product : user->getUsers())
          setProduct(b.gradProbabilities, product, [&](BmmOp bmm) {
            return isTransposed(bmm.getMat2(), f.getValue());
          });
    if (auto permute = f.getValue().getDefiningOp<PermuteOp>())
      for (Operation *product : permute.getSelf().getUsers())
        setProduct(b.gradProbabilities, product, [&](BmmOp bmm) {
          return isTransposed(bmm.getMat2(), f.getValue());
        });
  }

  void findGradValue() {
    for (Operation *product : b.grad.getUsers())
      setProduct(b.gradValue, product, [&](BmmOp bmm) {
        return bmm.getMat2() == b.grad &&
               isTransposed(bmm.getSelf(), f.output.getSelf());
      });
    if (b.gradValue)
      b.ops.insert(b.gradValue.getSelf().getDefiningOp());
  }

  template <typename Test>
  void setProduct(BmmOp &place, Operation *op, Test test) {
    auto product = dyn_cast<BmmOp>(op);
    if (!product || place || !test(product))
      return;
    place = product;
    b.ops.insert(product);
  }

  /// The probabilities, perhaps rounded and widened again.
  bool isProbabilities(Value value) {
    while (value != f.probabilities) {
      Operation *op = value.getDefiningOp();
      auto select = dyn_cast_if_present<WhereOp>(op);
      if (select && f.ops.contains(op)) {
        value = getUniformNumber(select.getSelf()) ? select.getOther()
                                                   : select.getSelf();
        continue;
      }
      if (!op || !keepsRows(op))
        return false;
      if (!f.ops.contains(op))
        b.ops.insert(op);
      value = op->getOperand(0);
    }
    return true;
  }

  /// dP -> dS = dP * P - P * sum(dP * P), in three spellings.
  bool softmax(Value grad) {
    if (b.ops.size() > 2 * kMaxSteps)
      return false;
    for (Operation *user : grad.getUsers()) {
      Value result = user->getResult(0);
      if (auto product = dyn_cast<MulOp>(user)) {
        Value other = product.getSelf() == grad ? product.getOther()
                                                : product.getSelf();
        if (isFloatTensor(other) && isProbabilities(other)) {
          b.ops.insert(user);
          return subtractRowSums(result);
        }
      } else if (keepsRows(user) || isSafeSoftmaxGrad(user)) {
        b.ops.insert(user);
        return softmax(result);
      }
    }
    return false;
  }

  /// where(no key in the row, 0, gradient)
  bool isSafeSoftmaxGrad(Operation *op) {
    auto select = dyn_cast<WhereOp>(op);
    return select && llvm::any_of(f.ops, [&](Operation *o) {
      auto forward = dyn_cast<WhereOp>(o);
      return forward && forward.getCondition() == select.getCondition();
    });
  }

  bool subtractRowSums(Value product) {
    SumOp sum;
    for (Operation *user : product.getUsers())
      if (auto candidate = dyn_cast<SumOp>(user))
        if (candidate.getKeepdim() &&
            isLastDim(candidate.getDim(), getRank(product)))
          sum = candidate;
    if (!sum)
      return false;
    b.ops.insert(sum);
    for (Operation *user : product.getUsers()) {
      bool matches = false;
      if (auto fma = dyn_cast<FmaOp>(user)) {
        auto neg = fma.getA().getDefiningOp<NegOp>();
        matches = neg && isProbabilities(neg.getSelf()) &&
                  fma.getB() == sum.getResult() && fma.getC() == product;
        if (matches)
          b.ops.insert(neg);
      } else if (auto sub = dyn_cast<SubOp>(user)) {
        auto scaled = sub.getOther().getDefiningOp<MulOp>();
        matches = scaled && sub.getSelf() == product &&
                  sub.getAlpha().convertToDouble() == 1.0 &&
                  isRowSumTimesProbabilities(scaled, sum);
        if (matches)
          b.ops.insert(scaled);
      }
      if (matches) {
        b.ops.insert(user);
        return scores(user->getResult(0), /*scale=*/1, /*numMasks=*/0);
      }
    }
    return false;
  }

  bool isRowSumTimesProbabilities(MulOp product, SumOp sum) {
    return (product.getSelf() == sum.getResult() &&
            isProbabilities(product.getOther())) ||
           (product.getOther() == sum.getResult() &&
            isProbabilities(product.getSelf()));
  }

  /// From the gradient of the softmax' operand to that of the product.
  bool scores(Value grad, double scale, size_t numMasks) {
    if (b.ops.size() > 2 * kMaxSteps)
      return false;
    if (findProducts(grad))
      return std::abs(scale - f.scale) <= 1e-9 * std::abs(f.scale) &&
             numMasks == countSelections();
    for (Operation *user : grad.getUsers()) {
      double factor = 1;
      size_t masks = numMasks;
      if (isa<MulOp, DivOp>(user)) {
        std::optional<double> number = getUniformNumber(user->getOperand(1));
        if (!number)
          continue;
        factor = isa<MulOp>(user) ? *number : 1 / *number;
      } else if (auto select = dyn_cast<WhereOp>(user)) {
        if (!hidesMasked(select, grad))
          continue;
        ++masks;
      } else if (!keepsRows(user)) {
        continue;
      }
      b.ops.insert(user);
      return scores(user->getResult(0), scale * factor, masks);
    }
    return false;
  }

  size_t countSelections() {
    return llvm::count_if(f.masks, [](const AttentionMask &mask) {
      return mask.condition != nullptr;
    });
  }

  /// where(condition, gradient, 0) for where(condition, scores, fill).
  bool hidesMasked(WhereOp select, Value grad) {
    bool keepsWhereTrue = select.getSelf() == grad;
    std::optional<double> other = getUniformNumber(
        keepsWhereTrue ? select.getOther() : select.getSelf());
    return other && *other == 0 &&
           llvm::any_of(f.masks, [&](const AttentionMask &mask) {
             return mask.condition == select.getCondition() &&
                    mask.keepsWhereTrue == keepsWhereTrue;
           });
  }

  bool findProducts(Value grad) {
    for (Operation *user : grad.getUsers()) {
      setProduct(b.gradQuery, user, [&](BmmOp bmm) {
        return bmm.getSelf() == grad &&
               isTransposed(bmm.getMat2(), f.getKey());
      });
      setProduct(b.gradKey, user, [&](BmmOp bmm) {
        return bmm.getMat2() == grad &&
               isTransposed(bmm.getSelf(), f.getQuery());
      });
      // The gradient of the key itself: scores^T @ query.
      if (isa<PermuteOp>(user) && isTransposed(grad, user->getResult(0)))
        for (Operation *product : user->getUsers()) {
          bool isNew = !b.gradKey;
          setProduct(b.gradKey, product, [&](BmmOp bmm) {
            return bmm.getSelf() == user->getResult(0) &&
                   bmm.getMat2() == f.getQuery();
          });
          if (isNew && b.gradKey) {
            b.ops.insert(user);
            isKeyPlain = true;
          }
        }
    }
    b.isGradKeyTransposed = !isKeyPlain;
    return b.gradQuery || b.gradKey;
  }

  AttentionForward &f;
  AttentionBackward &b;
  bool isKeyPlain = false;
};
} // namespace

std::optional<AttentionBackward>
fx::matchAttentionBackward(AttentionForward &forward) {
  AttentionBackward backward;
  if (!BackwardWalk(forward, backward).run())
    return std::nullopt;
  return backward;
}
