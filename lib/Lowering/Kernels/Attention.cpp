//===- Attention.cpp - Fused attention and the views that it reads --------===//

#include "fx/Lowering/Kernels/Attention.h"

#include "fx/IR/FXOps.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::isFusedAttention(Operation *op) {
  return isa<FlashAttentionForCpuOp, FlashAttentionForCpuBackwardOp>(op);
}

Operation *fx::findFusedAttention(Block &block) {
  for (Operation &op : block)
    if (isFusedAttention(&op))
      return &op;
  return nullptr;
}

SmallVector<OpResult> fx::getNeededResults(Operation *op) {
  if (auto forward = dyn_cast<FlashAttentionForCpuOp>(op))
    return {cast<OpResult>(forward.getOutput())};
  if (isa<FlashAttentionForCpuBackwardOp>(op))
    return SmallVector<OpResult>(op->getResults());
  return {};
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

static constexpr int64_t kDynamic = ShapedType::kDynamic;

static int64_t multiply(int64_t a, int64_t b) {
  return a == kDynamic || b == kDynamic ? kDynamic : a * b;
}

static SmallVector<int64_t> getDenseStrides(RankedTensorType type) {
  SmallVector<int64_t> strides(type.getRank());
  int64_t stride = 1;
  for (int64_t d = type.getRank() - 1; d >= 0; --d) {
    strides[d] = stride;
    stride = multiply(stride, type.getDimSize(d));
  }
  return strides;
}

/// A copy of the elements of one tensor, permuted or repeated.
static bool isCopy(linalg::GenericOp op) {
  Block *body = op.getBody();
  return op.getNumDpsInputs() == 1 && op.getNumDpsInits() == 1 &&
         !op.getNumReductionLoops() && op.hasPureTensorSemantics() &&
         isa<RankedTensorType>(op->getOperand(0).getType()) &&
         body->getTerminator()->getOperand(0) == body->getArgument(0) &&
         op.getMatchingIndexingMap(op.getDpsInputOperand(0))
             .isProjectedPermutation() &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isPermutation();
}

/// Strides of the result of `op`, a view of a tensor with the given strides;
/// none if it is no view, or one that is not known.
static std::optional<SmallVector<int64_t>>
getViewStrides(Operation *op, ArrayRef<int64_t> source, int64_t &offset) {
  auto known = [](ArrayRef<int64_t> values) {
    return !llvm::is_contained(values, kDynamic);
  };
  if (isa<tensor::CastOp>(op))
    return SmallVector<int64_t>(source);
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<int64_t> strides(result.getRank());
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    if (!isCopy(generic))
      return std::nullopt;
    AffineMap from =
        generic.getMatchingIndexingMap(generic.getDpsInputOperand(0));
    AffineMap to = generic.getMatchingIndexingMap(generic.getDpsInitOperand(0));
    for (auto [d, expr] : llvm::enumerate(to.getResults())) {
      unsigned loop = cast<AffineDimExpr>(expr).getPosition();
      for (auto [i, read] : llvm::enumerate(from.getResults()))
        if (cast<AffineDimExpr>(read).getPosition() == loop)
          strides[d] = source[i];
    }
    return strides;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (!known(slice.getStaticOffsets()) || !known(slice.getStaticStrides()) ||
        !known(source))
      return std::nullopt;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t next = 0;
    for (auto [d, stride] : llvm::enumerate(source)) {
      offset += slice.getStaticOffsets()[d] * stride;
      if (!dropped.test(d))
        strides[next++] = slice.getStaticStrides()[d] * stride;
    }
    return strides;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    for (auto [d, group] : llvm::enumerate(expand.getReassociationIndices())) {
      int64_t stride = source[d];
      for (int64_t dim : llvm::reverse(group)) {
        strides[dim] = stride;
        stride = multiply(stride, result.getDimSize(dim));
      }
    }
    return strides;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    ArrayRef<int64_t> shape = collapse.getSrcType().getShape();
    for (auto [d, group] :
         llvm::enumerate(collapse.getReassociationIndices())) {
      // Dimensions of size 1 aside, each one starts where the next one ends.
      std::optional<int64_t> inner, next;
      for (int64_t dim : llvm::reverse(group)) {
        if (shape[dim] == 1)
          continue;
        if (source[dim] == kDynamic || (next && source[dim] != *next))
          return std::nullopt;
        if (!inner)
          inner = source[dim];
        next = multiply(source[dim], shape[dim]);
      }
      strides[d] = inner.value_or(1);
    }
    return strides;
  }
  return std::nullopt;
}

static bool mayBeView(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return isCopy(generic);
  return isa<tensor::CastOp, tensor::ExtractSliceOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp>(op);
}

StridedView fx::getStridedView(Value value, SmallVectorImpl<Operation *> &ops) {
  Operation *op = value.getDefiningOp();
  if (op && mayBeView(op)) {
    size_t count = ops.size();
    ops.push_back(op);
    StridedView view = getStridedView(op->getOperand(0), ops);
    if (auto strides = getViewStrides(op, view.strides, view.offset)) {
      view.strides = std::move(*strides);
      return view;
    }
    ops.truncate(count);
  }
  return {value, 0, getDenseStrides(cast<RankedTensorType>(value.getType()))};
}

linalg::GenericOp fx::getPermutingUser(Value value,
                                       SmallVectorImpl<int64_t> &order) {
  if (!value.hasOneUse())
    return {};
  auto copy = dyn_cast<linalg::GenericOp>(*value.getUsers().begin());
  if (!copy || copy->getOperand(0) != value || !isCopy(copy))
    return {};
  AffineMap from = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
  AffineMap to = copy.getMatchingIndexingMap(copy.getDpsInitOperand(0));
  if (!from.isPermutation())
    return {};
  for (AffineExpr expr : to.getResults())
    order.push_back(*from.getResultPosition(expr));
  return copy;
}

/// Whether the runtime reads through a view at full speed: elements of a row
/// are neighbours, or one element is repeated.
static bool isReadable(const StridedView &view) {
  return !llvm::is_contained(view.strides, kDynamic) &&
         (view.strides.back() == 1 || view.strides.back() == 0);
}

void fx::takeViews(RewriterBase &rewriter, Operation *attention) {
  rewriter.setInsertionPoint(attention);
  for (OpOperand &operand : attention->getOpOperands()) {
    SmallVector<Operation *> ops;
    if (!isReadable(getStridedView(operand.get(), ops)))
      continue;
    IRMapping mapping;
    for (Operation *op : llvm::reverse(ops))
      rewriter.clone(*op, mapping);
    rewriter.modifyOpInPlace(attention, [&] {
      operand.set(mapping.lookupOrDefault(operand.get()));
    });
  }
}

SmallVector<Operation *> fx::getViewsAround(Operation *attention) {
  SmallVector<Operation *> around;
  for (Value operand : attention->getOperands()) {
    SmallVector<Operation *> ops;
    if (isReadable(getStridedView(operand, ops)))
      around.append(ops.rbegin(), ops.rend());
  }
  around.push_back(attention);
  for (Value result : attention->getResults()) {
    SmallVector<int64_t> order;
    if (linalg::GenericOp copy = getPermutingUser(result, order))
      around.push_back(copy);
  }
  return around;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

void fx::appendAttentionSizes(OpBuilder &b, OpResult result,
                              SmallVectorImpl<Value> &sizes) {
  // Results of the backward are like query, key and value, the others begin as
  // the query does.
  Operation *op = result.getOwner();
  unsigned index = 0;
  if (isa<FlashAttentionForCpuBackwardOp>(op))
    index = 1 + result.getResultNumber();
  auto type = cast<RankedTensorType>(result.getType());
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (type.isDynamicDim(d))
      sizes.push_back(
          tensor::DimOp::create(b, op->getLoc(), op->getOperand(index), d));
}
