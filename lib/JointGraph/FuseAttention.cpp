//===- FuseAttention.cpp - Attention written out becomes one op -----------===//

#include "AttentionMatch.h"
#include "CausalMask.h"
#include "Numbers.h"
#include "fx/IR/TensorBuilder.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/RewriteAction.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/Remarks.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FUSEATTENTIONPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// Builds the fused ops of one match.
class AttentionFusion {
public:
  AttentionFusion(AttentionForward forward,
                  std::optional<AttentionBackward> backward)
      : f(std::move(forward)), backward(std::move(backward)) {}

  /// Null, or why the match is left as it is. Sets the places and types.
  const char *check() {
    if (!areAllUsesInside())
      return "another op uses a value between the products";
    if (!areScoresHidden())
      return "a mask replaces scores by a number that is not the least one: a "
             "row without other scores would change";
    if (!inferShapes())
      return "the sizes of query, key and value are not known, or differ";
    if (backward && !isInOneBlock())
      return "forward and backward are in different blocks";
    return nullptr;
  }

  void rewrite() {
    OpBuilder builder(f.output);
    TensorBuilder b(builder, f.output.getLoc());
    double scale = f.scale;
    query = getHeads(b, f.getQuery(), queryShape, &scale);
    key = getKeyHeads(b, scale);
    value = getHeads(b, f.getValue(), valueShape, /*scale=*/nullptr);
    takeCausalMask();
    mask = buildMask(b);
    isCausalOp = builder.getBoolAttr(hidesLaterKeys);
    factor = builder.getF64FloatAttr(scale);
    auto fused = b.create<FlashAttentionForCpuOp>(
        query, key, value, mask, /*dropout_p=*/builder.getF64FloatAttr(0.0),
        isCausalOp, factor);
    replace(b, f.output, fused.getOutput());
    SmallVector<Operation *> dead{f.output};
    if (backward)
      rewriteBackward(fused, dead);
    eraseDeadOps(dead);
  }

private:
  bool isInside(Operation *op) const {
    return f.ops.contains(op) || (backward && backward->ops.contains(op));
  }

  /// Whether the ops of the match die with it. The products at its ends are
  /// replaced.
  bool areAllUsesInside() {
    auto isReplaced = [&](Operation *op) {
      return op == f.output.getOperation() ||
             (backward && (op == backward->gradQuery.getOperation() ||
                           op == backward->gradKey.getOperation() ||
                           op == backward->gradValue.getOperation()));
    };
    auto check = [&](Operation *op) {
      return isReplaced(op) ||
             llvm::all_of(op->getUsers(),
                          [&](Operation *user) { return isInside(user); });
    };
    return llvm::all_of(f.ops, check) &&
           (!backward || llvm::all_of(backward->ops, check));
  }

  bool isInOneBlock() {
    return llvm::all_of(backward->ops, [&](Operation *op) {
      return op->getBlock() == f.output->getBlock();
    });
  }

  /// Query [B, H, Q, D], key [B, H, K, D], value [B, H, K, D].
  bool inferShapes() {
    auto q = getTensorType(f.getQuery()), k = getTensorType(f.getKey());
    auto v = getTensorType(f.getValue());
    Type element = q.getElementType();
    if (k.getElementType() != element || v.getElementType() != element)
      return false;
    if (!f.type) {
      auto scores = getTensorType(f.scores);
      f.type = RankedTensorType::get({1, scores.getDimSize(0),
                                      scores.getDimSize(1),
                                      scores.getDimSize(2)},
                                     scores.getElementType());
    }
    int64_t head = q.getDimSize(2);
    ArrayRef<int64_t> s = f.type.getShape();
    // Views of batch and heads are told by their sizes.
    if (llvm::any_of(s, ShapedType::isDynamic) || ShapedType::isDynamic(head) ||
        v.getDimSize(2) != head)
      return false;
    queryShape = {s[0], s[1], s[2], head};
    valueShape = {s[0], s[1], s[3], head};
    keyShape = {s[0], s[1], head, s[3]};
    for (const AttentionMask &step : f.masks)
      if (getTensorType(step.op->getResult(0)).getShape() != s &&
          (s[0] != 1 ||
           getTensorType(step.op->getResult(0)).getShape() != s.drop_front()))
        return false;
    return true;
  }

  static Value viewAs(TensorBuilder &b, Value x, ArrayRef<int64_t> shape) {
    if (getTensorType(x).getShape() == shape)
      return x;
    Sizes sizes;
    for (int64_t size : shape)
      sizes.push_back(b.size(size));
    return b.view(x, sizes);
  }

  /// The operand of a product before it was made a batch of matrices; a factor
  /// of its own goes into `scale`, if that is given, where no gradient needs it
  /// apart.
  Value getHeads(TensorBuilder &b, Value matrices, ArrayRef<int64_t> shape,
                 double *scale) {
    Value x = matrices;
    while (true) {
      Operation *op = x.getDefiningOp();
      if (!op)
        break;
      if (isa<ViewOp, ExpandOp>(op) && x == matrices &&
          getTensorType(op->getOperand(0)).getShape() == shape) {
        x = op->getOperand(0);
        continue;
      }
      if (isa<ExpandOp>(op) && op->getOperand(0).getType() == x.getType()) {
        x = op->getOperand(0);
        continue;
      }
      if (!scale || backward || !isa<MulOp, DivOp>(op))
        break;
      std::optional<double> number = getUniformNumber(op->getOperand(1));
      if (!number || !std::isfinite(*number) || *number == 0 ||
          op->getOperand(0).getType() != x.getType())
        break;
      *scale *= isa<MulOp>(op) ? *number : 1 / *number;
      x = op->getOperand(0);
    }
    return viewAs(b, x, shape);
  }

  /// The key itself from the transposed one.
  Value getKeyHeads(TensorBuilder &b, double &scale) {
    Value transposed = getHeads(b, f.getKey(), keyShape, &scale);
    auto permute = transposed.getDefiningOp<PermuteOp>();
    if (!permute)
      return b.transposeLast(transposed);
    SmallVector<int64_t> dims(permute.getDims());
    std::swap(dims[2], dims[3]);
    for (int64_t &dim : dims)
      dim = dim < 0 ? dim + 4 : dim;
    if (llvm::equal(dims, llvm::seq<int64_t>(0, 4)))
      return permute.getSelf();
    return b.permute(permute.getSelf(), dims);
  }

  /// One selection by `key <= query` needs no tensor. It may hide by a large
  /// number instead of minus infinity: every row sees its first key, so what is
  /// hidden has the probability 0 either way.
  bool isCausalMask() const {
    return f.masks.size() == 1 && f.masks[0].condition &&
           isCausal(f.masks[0].condition, !f.masks[0].keepsWhereTrue);
  }

  /// In a row of hidden scores alone equal numbers give equal probabilities. The
  /// fused op adds what hides, so that it has to swallow the scores: as minus
  /// infinity and the least number of the type do, -1e9 does not.
  bool areScoresHidden() {
    auto type = dyn_cast<FloatType>(getElement(f.getQuery()));
    if (!type || isCausalMask())
      return true;
    double least =
        llvm::APFloat::getLargest(type.getFloatSemantics(), /*Negative=*/true)
            .convertToDouble();
    return llvm::all_of(f.masks, [&](const AttentionMask &step) {
      return !step.condition || step.fill <= least;
    });
  }

  void takeCausalMask() {
    if (!isCausalMask())
      return;
    hidesLaterKeys = true;
    f.masks.clear();
  }

  /// All masks as one tensor to add.
  Value buildMask(TensorBuilder &b) {
    Value sum;
    for (const AttentionMask &step : llvm::reverse(f.masks)) {
      if (step.bias) {
        sum = sum ? b.add(sum, step.bias) : step.bias;
        continue;
      }
      Value shown = sum ? sum : b.f64(0), hidden = b.f64(step.fill);
      sum = step.keepsWhereTrue ? b.where(step.condition, shown, hidden)
                                : b.where(step.condition, hidden, shown);
    }
    if (!sum)
      return {};
    // The fused op takes matrices, or one for each batch and head.
    if (getRank(sum) == 1 || getRank(sum) == 3)
      sum = b.unsqueeze(sum, 0);
    return b.convert(sum, getElement(f.getQuery()));
  }

  /// Replaces matrices by heads; views back to heads go away.
  static void replace(TensorBuilder &b, Value matrices, Value heads) {
    for (Operation *user : llvm::make_early_inc_range(matrices.getUsers())) {
      auto view = dyn_cast<ViewOp>(user);
      if (view && view.getType() == heads.getType()) {
        view.getResult().replaceAllUsesWith(heads);
        view->erase();
      }
    }
    if (matrices.use_empty())
      return;
    matrices.replaceAllUsesWith(
        viewAs(b, heads, getTensorType(matrices).getShape()));
  }

  void rewriteBackward(FlashAttentionForCpuOp fused,
                       SmallVectorImpl<Operation *> &dead) {
    Operation *first = backward->gradProbabilities;
    if (backward->gradValue && backward->gradValue->isBeforeInBlock(first))
      first = backward->gradValue;
    OpBuilder builder(first);
    TensorBuilder b(builder, first->getLoc());
    Value grad =
        getHeads(b, backward->grad, queryShape, /*scale=*/nullptr);
    auto gradients = b.create<FlashAttentionForCpuBackwardOp>(
        grad, query, key, value, fused.getOutput(), fused.getLogsumexp(), mask,
        builder.getF64FloatAttr(0.0), isCausalOp, factor);
    if (backward->gradQuery)
      replace(b, backward->gradQuery, gradients.getGradQuery());
    if (backward->gradKey)
      replaceGradKey(b, gradients.getGradKey());
    if (backward->gradValue)
      replace(b, backward->gradValue, gradients.getGradValue());
    for (BmmOp product :
         {backward->gradQuery, backward->gradKey, backward->gradValue})
      if (product)
        dead.push_back(product);
  }

  /// What transposes the gradient back is undone, not done twice.
  void replaceGradKey(TensorBuilder &b, Value gradKey) {
    if (!backward->isGradKeyTransposed) {
      replace(b, backward->gradKey, gradKey);
      return;
    }
    Value transposed = b.transposeLast(gradKey);
    replace(b, backward->gradKey, transposed);
    for (Operation *user : llvm::make_early_inc_range(transposed.getUsers())) {
      auto permute = dyn_cast<PermuteOp>(user);
      if (!permute || permute.getDims() != ArrayRef<int64_t>{0, 1, 3, 2})
        continue;
      permute.getResult().replaceAllUsesWith(gradKey);
      permute->erase();
    }
    if (transposed.use_empty())
      transposed.getDefiningOp()->erase();
  }

  AttentionForward f;
  std::optional<AttentionBackward> backward;
  SmallVector<int64_t> queryShape, keyShape, valueShape;
  Value query, key, value, mask;
  FloatAttr factor;
  BoolAttr isCausalOp;
  bool hidesLaterKeys = false;
};

struct FuseAttentionPass : impl::FuseAttentionPassBase<FuseAttentionPass> {
  void runOnOperation() override {
    SmallVector<DivOp> candidates;
    getOperation().walk([&](DivOp op) {
      if (op.getSelf().getDefiningOp<ExpOp>())
        candidates.push_back(op);
    });
    // Inductor's order. A fused match erases no other softmax.
    for (DivOp softmax : llvm::reverse(candidates))
      fuse(softmax);
  }

  void fuse(DivOp softmax) {
    const char *reason = nullptr;
    Location loc = softmax.getLoc();
    std::optional<AttentionForward> forward = matchAttention(softmax, reason);
    if (forward) {
      std::optional<AttentionBackward> backward =
          matchAttentionBackward(*forward);
      AttentionFusion fusion(std::move(*forward), std::move(backward));
      reason = fusion.check();
      if (!reason) {
        RewriteRoot root(softmax);
        fusion.rewrite();
        reportRewrite(&getContext(), "FuseAttention", root);
        return;
      }
    }
    if (reason)
      remark::missed(loc, remark::RemarkOpts::name("attention")
                              .category("fx-fuse-attention")
                              .function(getOperation().getName()))
          << remark::reason("{0}", reason);
  }
};

} // namespace
} // namespace mlir::fx
