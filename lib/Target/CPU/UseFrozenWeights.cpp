//===- UseFrozenWeights.cpp - Weights that never change -------------------===//

#include "../Common/TemplateCall.h"

#include "fx/Lowering/Kernels/Passes.h"
#include "fx/Target/CPU/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::fx::cpu {
#define GEN_PASS_DEF_USEFROZENWEIGHTSPASS
#include "fx/Target/CPU/Passes.h.inc"

namespace {
using target::TemplateCall;

/// Whether a tensor is a frozen argument, possibly in another shape.
bool isFrozen(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
            op))
      return false;
    value = op->getOperand(0);
  }
  auto argument = cast<BlockArgument>(value);
  auto function =
      dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
  return function && function.getArgAttr(argument.getArgNumber(), kFrozenAttr);
}

struct UseFrozenWeightsPass
    : impl::UseFrozenWeightsPassBase<UseFrozenWeightsPass> {
  using UseFrozenWeightsPassBase::UseFrozenWeightsPassBase;

  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      for (auto kernel : block.getOps<KernelOp>())
        if (kernel.getKind() == KernelKind::Template && hasFrozenWeight(kernel))
          kernel->setAttr(kFrozenAttr, UnitAttr::get(&getContext()));
  }

  static bool hasFrozenWeight(KernelOp kernel) {
    FailureOr<Contraction> found = TemplateCall::findContraction(kernel);
    if (failed(found) ||
        !(found->element.isF32() || found->element.isBF16() ||
          found->element.isF16()))
      return false;
    Value weight;
    if (found->kind == ContractionKind::Convolution)
      weight = found->weight;
    else if (found->kind == ContractionKind::Product && found->batch.empty())
      weight = found->rhs;
    // A tensor of the kernel's region is one of its operands, or made in it.
    auto argument = dyn_cast_or_null<BlockArgument>(weight);
    return argument && isFrozen(kernel->getOperand(argument.getArgNumber()));
  }
};

} // namespace
} // namespace mlir::fx::cpu
