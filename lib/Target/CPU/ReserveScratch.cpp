//===- ReserveScratch.cpp - What templates need beside their operands -----===//

#include "../Common/TemplateCall.h"

#include "fx/IR/FXOps.h"
#include "fx/Lowering/Kernels/Attention.h"
#include "fx/Lowering/Kernels/Passes.h"
#include "fx/Runtime/Runtime.h"
#include "fx/Target/CPU/Passes.h"

namespace mlir::fx::cpu {
#define GEN_PASS_DEF_RESERVESCRATCHPASS
#include "fx/Target/CPU/Passes.h.inc"

namespace {
using target::TemplateCall;

/// A dense operand of a product.
struct Operand {
  ArrayRef<int64_t> shape;
  AffineMap map;

  /// The dimension that the last loop of a class runs over.
  std::optional<unsigned> findDim(unsigned loop) const {
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (cast<AffineDimExpr>(expr).getPosition() == loop)
        return i;
    return std::nullopt;
  }
  int64_t getStride(ArrayRef<unsigned> loops) const {
    std::optional<unsigned> dim;
    if (!loops.empty())
      dim = findDim(loops.back());
    return dim ? llvm::product_of(shape.drop_front(*dim + 1)) : 0;
  }
};

/// How the runtime numbers the element types of products and convolutions.
int32_t getElementNumber(const Contraction &match) {
  Type element = match.element;
  if (element.isInteger(8))
    return 4 + match.unsignedLhs + 2 * match.unsignedRhs;
  return element.isF64()    ? 1
         : element.isBF16() ? 2
         : element.isF16()  ? 3
                            : 0;
}

fx_rt_scratch getProductScratch(const Contraction &match, bool hasResult,
                                bool hasEpilogue, bool isFrozen) {
  auto getOperand = [](Value value, AffineMap map) {
    return Operand{cast<RankedTensorType>(value.getType()).getShape(), map};
  };
  linalg::GenericOp op = match.op;
  Operand lhs = getOperand(match.lhs, match.lhsMap);
  Operand rhs = getOperand(match.rhs, match.rhsMap);
  Operand result =
      getOperand(op.getResult(0), op.getIndexingMapsArray()[2]);
  auto getNumPoints = [&](ArrayRef<unsigned> loops) {
    int64_t points = 1;
    for (unsigned loop : loops)
      if (std::optional<unsigned> dim = lhs.findDim(loop))
        points *= lhs.shape[*dim];
      else if (std::optional<unsigned> other = rhs.findDim(loop))
        points *= rhs.shape[*other];
    return points;
  };
  fx_rt_scratch scratch;
  fx_rt_gemm_scratch(
      getElementNumber(match), getNumPoints(match.batch),
      getNumPoints(match.row), getNumPoints(match.column),
      getNumPoints(match.inner),
      lhs.getStride(match.batch), lhs.getStride(match.row),
      lhs.getStride(match.inner), rhs.getStride(match.batch),
      rhs.getStride(match.inner), rhs.getStride(match.column),
      result.getStride(match.batch), result.getStride(match.row), hasResult,
      hasEpilogue, isFrozen, &scratch);
  return scratch;
}

fx_rt_scratch getConvolutionScratch(const Contraction &match,
                                    bool hasResult, bool isFrozen) {
  auto getShape = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getShape();
  };
  linalg::GenericOp op = match.op;
  bool isForward = match.kind == ContractionKind::Convolution;
  ArrayRef<int64_t> input = getShape(match.input);
  ArrayRef<int64_t> operand = getShape(match.weight);
  ArrayRef<int64_t> result = getShape(op.getResult(0));
  ArrayRef<int64_t> weight = isForward ? operand : result;
  ArrayRef<int64_t> output = isForward ? result : operand;
  int64_t spatial = match.stride.size(), g = match.grouped;
  auto pick = [&](ArrayRef<int64_t> values, int64_t absent, int64_t axis) {
    int64_t i = axis - (3 - spatial);
    return i < 0 ? absent : values[i];
  };
  ArrayRef<int64_t> in = input.drop_front(2), out = output.drop_front(2 + g),
                    kernel = weight.drop_front(match.getKernelDim());
  int64_t groups = g ? weight[0] : 1;
  fx_rt_conv_shape shape = {input[0],
                            input[1],
                            pick(in, 1, 1),
                            pick(in, 1, 2),
                            groups * weight[g],
                            pick(out, 1, 1),
                            pick(out, 1, 2),
                            pick(kernel, 1, 1),
                            pick(kernel, 1, 2),
                            pick(match.stride, 1, 1),
                            pick(match.stride, 1, 2),
                            pick(match.padding, 0, 1),
                            pick(match.padding, 0, 2),
                            pick(match.dilation, 1, 1),
                            pick(match.dilation, 1, 2),
                            groups,
                            pick(in, 1, 0),
                            pick(out, 1, 0),
                            pick(kernel, 1, 0),
                            pick(match.stride, 1, 0),
                            pick(match.padding, 0, 0),
                            pick(match.dilation, 1, 0),
                            match.channelsLast};
  fx_rt_scratch scratch;
  if (isForward)
    fx_rt_conv2d_scratch(&shape, getElementNumber(match), hasResult, isFrozen,
                         &scratch);
  else
    fx_rt_conv2d_backward_weight_scratch(
        &shape, getElementNumber(match), hasResult, &scratch);
  return scratch;
}

/// How the runtime numbers the element types of attention.
int64_t getAttentionType(Type element) {
  return element.isBF16() ? 1 : element.isF16() ? 2 : 0;
}

fx_rt_scratch getAttentionScratch(Operation *op) {
  bool isBackward = isa<FlashAttentionForCpuBackwardOp>(op);
  auto getShape = [&](unsigned i) {
    return cast<RankedTensorType>(op->getOperand(i + isBackward).getType())
        .getShape();
  };
  ArrayRef<int64_t> query = getShape(0), key = getShape(1);
  fx_rt_attention_shape shape = {};
  shape.batch = query[0];
  shape.heads = query[1];
  shape.key_heads = key[1];
  shape.queries = query[2];
  shape.keys = key[2];
  shape.head_size = query[3];
  shape.type =
      getAttentionType(getElementTypeOrSelf(op->getOperand(0).getType()));
  fx_rt_scratch scratch;
  fx_rt_attention_scratch(&shape, isBackward, &scratch);
  return scratch;
}

bool hasStaticShape(Value value) {
  return cast<ShapedType>(value.getType()).hasStaticShape();
}

struct ReserveScratchPass : impl::ReserveScratchPassBase<ReserveScratchPass> {
  using ReserveScratchPassBase::ReserveScratchPassBase;

  void runOnOperation() override {
    Builder b(&getContext());
    for (Block &block : getOperation().getBody())
      for (auto kernel : block.getOps<KernelOp>())
        reserve(b, kernel);
  }

  void reserve(Builder &b, KernelOp kernel) {
    if (kernel.getKind() != KernelKind::Template)
      return;
    if (Operation *op = findFusedAttention(kernel.getBody().front())) {
      if (llvm::all_of(op->getOperands(), hasStaticShape))
        setScratch(b, kernel, getAttentionScratch(op));
      return;
    }
    FailureOr<Contraction> found = TemplateCall::findContraction(kernel);
    if (failed(found) || !llvm::all_of(found->op->getOperands(), hasStaticShape))
      return;
    FailureOr<std::optional<Epilogue>> epilogue =
        TemplateCall::findEpilogue(kernel, *found);
    if (failed(epilogue))
      return signalPassFailure();
    bool hasResult = !!TemplateCall::findMemory(kernel, *found, *epilogue);
    bool isFrozen = kernel->hasAttr(kFrozenAttr);
    fx_rt_scratch scratch;
    if (found->kind == ContractionKind::Product) {
      scratch = getProductScratch(*found, hasResult, epilogue->has_value(),
                                  isFrozen);
    } else {
      if (!hasStaticShape(found->input) || !hasStaticShape(found->weight))
        return;
      scratch = getConvolutionScratch(*found, hasResult, isFrozen);
    }
    setScratch(b, kernel, scratch);
  }

  static void setScratch(Builder &b, KernelOp kernel,
                         const fx_rt_scratch &scratch) {
    SmallVector<int64_t> bytes = {scratch.lent};
    llvm::append_range(bytes, scratch.thread);
    if (llvm::any_of(bytes, [](int64_t count) { return count != 0; }))
      kernel->setAttr(kScratchAttr, b.getDenseI64ArrayAttr(bytes));
  }
};

} // namespace
} // namespace mlir::fx::cpu
