//===- UpstreamModels.cpp - Recomputation of upstream's tensor ops --------===//
//
// The partitioner asks ops only through RematerializationOpInterface. These
// models let functions of linalg, tensor, arith and math ops be partitioned;
// what the body of a linalg op contains is part of the op.
//
//===----------------------------------------------------------------------===//

#include "fx/Analysis/Rematerialization.h"
#include "fx/Support/Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::fx;

/// Whether each element of the result is a sum of products.
static bool isProduct(linalg::LinalgOp op) {
  return linalg::isaContractionOpInterface(op) ||
         linalg::isaConvolutionOpInterface(op);
}

namespace {
struct UpstreamModel
    : RematerializationOpInterface::FallbackModel<UpstreamModel> {
  RematClass getRematClasses(Operation *op) const {
    constexpr RematClass view = RematClass::View | RematClass::Recomputable;
    // A destination is the memory of what is computed into it.
    if (isa<tensor::EmptyOp, linalg::FillOp>(op))
      return view;
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
            tensor::ExtractSliceOp>(op))
      return view | RematClass::SharesStorage;
    if (auto structured = dyn_cast<linalg::LinalgOp>(op))
      return isProduct(structured) ? RematClass::ComputeIntensive
                                   : RematClass::Recomputable;
    // Arithmetic on SymInts is recomputable, too [4.3].
    bool onScalars =
        llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
    return onScalars || op->hasTrait<OpTrait::Elementwise>()
               ? RematClass::Recomputable
               : RematClass::None;
  }

  int64_t getFlops(Operation *op) const {
    auto structured = dyn_cast<linalg::LinalgOp>(op);
    if (!structured || !isProduct(structured))
      return 0;
    // A product and a sum in each round; 0 if their number is not known.
    return estimateProduct(2, structured.getStaticLoopRanges(), 0);
  }

  int64_t getBytesMoved(Operation *op, int64_t dynamicSize) const {
    int64_t bytes = 0;
    for (Type type : op->getOperandTypes())
      bytes += getSizeInBytes(type, dynamicSize);
    for (Type type : op->getResultTypes())
      bytes += getSizeInBytes(type, dynamicSize);
    return bytes;
  }
};
} // namespace

template <typename Dialect>
static void attachTo(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, Dialect *) {
    for (RegisteredOperationName name : context->getRegisteredOperations())
      if (name.getDialectNamespace() == Dialect::getDialectNamespace())
        name.attachInterface<UpstreamModel>();
  });
}

void mlir::fx::registerUpstreamRematerializationModels(
    DialectRegistry &registry) {
  attachTo<arith::ArithDialect>(registry);
  attachTo<linalg::LinalgDialect>(registry);
  attachTo<math::MathDialect>(registry);
  attachTo<tensor::TensorDialect>(registry);
}
