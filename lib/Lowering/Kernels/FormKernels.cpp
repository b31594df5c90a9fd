//===- FormKernels.cpp - linalg on tensors into fx.kernel -----------------===//

#include "OutlineKernel.h"

#include "fx/Lowering/Kernels/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "fx/Lowering/Kernels/Passes.h.inc"

namespace {

bool hasTensor(TypeRange types) {
  return llvm::any_of(types, [](Type t) { return isa<TensorType>(t); });
}

/// Ops of the host code: scalars, sizes, and reshapes of dense buffers.
bool isHostOp(Operation *op) {
  if (op->hasTrait<OpTrait::IsTerminator>() || isClonedIntoKernels(op))
    return true;
  if (isa<tensor::DimOp, tensor::ExtractOp, arith::ConstantOp>(op))
    return true;
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op))
    return true;
  return !hasTensor(op->getOperandTypes()) && !hasTensor(op->getResultTypes());
}

struct FormKernelsPass : impl::FormKernelsPassBase<FormKernelsPass> {
  using FormKernelsPassBase::FormKernelsPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    Block &block = function.getBody().front();
    SmallVector<Operation *> group;
    for (Operation &op : block)
      if (!isHostOp(&op))
        group.push_back(&op);
    auto flush = [&]() {
      for (Operation *op : group)
        if (failed(outlineKernel({op}, KernelKind::Generic)))
          return signalPassFailure();
    };
    flush();
    sortTopologically(&block);
  }
};

} // namespace
} // namespace mlir::fx
