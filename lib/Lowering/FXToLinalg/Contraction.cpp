//===- Contraction.cpp - Matrix products ----------------------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::fx;

/// The product a @ b (or of batches) in its accumulation type.
static Value buildProduct(LinalgBuilder &t, Value a, Value b, Type element) {
  RankedTensorType left = getTensorType(a), right = getTensorType(b);
  int64_t rank = left.getRank();
  Sizes sizes = t.sizesOf(a);
  sizes[rank - 1] = t.sizeOf(b, rank - 1);
  // Of two sizes that are equal, take the one that is known.
  if (rank == 3 && left.isDynamicDim(0) && !right.isDynamicDim(0))
    sizes[0] = t.sizeOf(b, 0);
  Value init = t.filled(sizes, getComputeType(element), 0.0);
  if (rank == 2)
    return linalg::MatmulOp::create(t.b, t.loc, ValueRange{a, b}, init)
        ->getResult(0);
  return linalg::BatchMatmulOp::create(t.b, t.loc, ValueRange{a, b}, init)
      ->getResult(0);
}

namespace {
/// mm, bmm -> linalg.matmul, linalg.batch_matmul
template <typename OpTy>
struct ProductLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Type element = getElement(op.getResult());
    if (isBoolType(element) || isa<ComplexType>(element))
      return this->options.refuse(op, "matrix product of this type");
    Value product = buildProduct(t, adaptor.getSelf(), adaptor.getMat2(),
                                 getSignlessType(element));
    return this->replace(
        op, rewriter, t.convert(product, getComputeType(element), element));
  }
};

/// addmm, baddbmm -> beta * self + alpha * product, rounded once. A beta of 0
/// hides NaN in self.
template <typename OpTy>
struct AddProductLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult
  matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Type element = getElement(op.getResult());
    if (isBoolType(element) || isa<ComplexType>(element))
      return this->options.refuse(op, "matrix product of this type");
    Type compute = getComputeType(element);
    ValueRange operands = adaptor.getOperands();
    Value product = buildProduct(t, operands[1], operands[2],
                                 getSignlessType(element));
    double alpha = op.getAlpha().convertToDouble();
    double beta = op.getBeta().convertToDouble();
    SmallVector<Value> inputs = {product};
    if (beta != 0.0)
      inputs.push_back(operands[0]);
    Value result = t.elementwise(
        inputs, t.sizesOf(product), getSignlessType(element),
        [&](ScalarBuilder &s, ValueRange args) {
          Value sum = args[0];
          if (alpha != 1.0)
            sum = s.mul(compute, sum, s.constant(compute, alpha));
          if (beta != 0.0) {
            Value self =
                s.cast(args[1], getElement(op->getOperand(0)), compute);
            if (beta != 1.0)
              self = s.mul(compute, self, s.constant(compute, beta));
            sum = s.add(compute, sum, self);
          }
          return SmallVector<Value>{s.cast(sum, compute, element)};
        });
    return this->replace(op, rewriter, result);
  }
};
} // namespace

void fx::populateContractionPatterns(const TypeConverter &converter,
                                     const LoweringOptions &options,
                                     RewritePatternSet &patterns) {
  patterns.add<ProductLowering<MmOp>, ProductLowering<BmmOp>,
               AddProductLowering<AddmmOp>, AddProductLowering<BaddbmmOp>>(
      converter, patterns.getContext(), options);
}
