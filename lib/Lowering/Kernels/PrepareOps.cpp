//===- PrepareOps.cpp - What makes more ops fit into kernels --------------===//

#include "PrepareOps.h"

#include "OutlineKernel.h"

#include "fx/Lowering/Kernels/Attention.h"
#include "fx/Lowering/Kernels/Contraction.h"
#include "fx/Lowering/Kernels/LoopKernel.h"
#include "fx/Lowering/Kernels/Scatter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::fx;

/// Whether a use of a padded tensor is a convolution that pads by itself.
static bool isPaddingConvolution(Operation *user, tensor::PadOp pad) {
  if (isReshape(user))
    return llvm::all_of(user->getUsers(), [&](Operation *next) {
      return isPaddingConvolution(next, pad);
    });
  auto generic = dyn_cast<linalg::GenericOp>(user);
  if (!generic)
    return false;
  FailureOr<Contraction> match = matchContraction(generic);
  return succeeded(match) && match->kind != ContractionKind::Product &&
         match->pad == pad;
}

/// pad(x) -> insert_slice(x, fill)
static void expandPad(RewriterBase &rewriter, tensor::PadOp pad, bool hostTemplates) {
  Value value = pad.getConstantPaddingValue();
  RankedTensorType type = pad.getResultType();
  auto isNegative = [](int64_t size) {
    return !ShapedType::isDynamic(size) && size < 0;
  };
  if (!value || llvm::any_of(pad.getStaticLow(), isNegative) ||
      llvm::any_of(pad.getStaticHigh(), isNegative) ||
      (hostTemplates && llvm::all_of(pad->getUsers(), [&](Operation *user) {
         return isPaddingConvolution(user, pad);
       })))
    return;
  rewriter.setInsertionPoint(pad);
  Location loc = pad.getLoc();
  if (Operation *constant = value.getDefiningOp();
      constant && pad->isProperAncestor(constant))
    value = rewriter.clone(*constant)->getResult(0);
  ReifiedRankedShapedTypeDims shapes;
  if (failed(reifyResultShapes(rewriter, pad, shapes)))
    return;
  Value empty = tensor::EmptyOp::create(rewriter, loc, shapes[0],
                                        type.getElementType());
  Value filled =
      linalg::FillOp::create(rewriter, loc, value, empty).getResult(0);
  SmallVector<OpFoldResult> ones(type.getRank(), rewriter.getIndexAttr(1));
  Value joined = tensor::InsertSliceOp::create(
      rewriter, loc, pad.getSource(), filled, pad.getMixedLowPad(),
      tensor::getMixedSizes(rewriter, loc, pad.getSource()), ones);
  if (joined.getType() != type)
    joined = tensor::CastOp::create(rewriter, loc, type, joined);
  pad.getResult().replaceUsesWithIf(joined, [&](OpOperand &use) {
    return !hostTemplates || !isPaddingConvolution(use.getOwner(), pad);
  });
}

static SmallVector<linalg::GenericOp> findWeightGradients(Block &block) {
  SmallVector<linalg::GenericOp> found;
  for (auto op : block.getOps<linalg::GenericOp>())
    if (FailureOr<Contraction> match = matchContraction(op);
        succeeded(match) && match->kind == ContractionKind::WeightGradient)
      found.push_back(op);
  return found;
}

void fx::prepareOps(Block &block, bool hostTemplates) {
  // One form for all structured ops.
  IRRewriter rewriter(block.getParentOp()->getContext());
  for (auto op : llvm::make_early_inc_range(block.getOps<linalg::LinalgOp>())) {
    if (isa<linalg::GenericOp, linalg::FillOp>(op.getOperation()))
      continue;
    rewriter.setInsertionPoint(op);
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
  for (Operation &op : llvm::make_early_inc_range(block))
    if (isFusedAttention(&op))
      takeViews(rewriter, &op);
  for (auto op :
       llvm::make_early_inc_range(block.getOps<linalg::GenericOp>()))
    while (foldCopiesIntoContraction(rewriter, op))
      ;
  for (linalg::GenericOp op : findWeightGradients(block))
    foldCopyOfWeightGradient(rewriter, op);
  for (auto loop : block.getOps<scf::ForOp>())
    if (FailureOr<Scatter> scatter = matchScatter(loop.getResult(0));
        succeeded(scatter))
      loop->walk([&](tensor::ExtractOp extract) {
        readThroughCopies(rewriter, extract);
        computeWhereRead(rewriter, *scatter, extract);
      });
  // Each use of a constant tensor has its own, to go into its kernel.
  for (auto fill :
       llvm::make_early_inc_range(block.getOps<linalg::FillOp>())) {
    rewriter.setInsertionPointAfter(fill);
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : fill->getUses())
      uses.push_back(&use);
    for (OpOperand *use : llvm::drop_begin(uses, uses.empty() ? 0 : 1))
      use->set(rewriter.clone(*fill)->getResult(0));
  }
  for (auto pad : llvm::make_early_inc_range(block.getOps<tensor::PadOp>()))
    expandPad(rewriter, pad, hostTemplates);
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(block.getOperations())))
    if (isOpTriviallyDead(&op))
      rewriter.eraseOp(&op);
}
