//===- Derivatives.h - How derivatives are written --------------*- C++ -*-===//
//
// The derivative of an op is an overload of
//
//   void differentiate(SinOp op, GradientBuilder &g) {
//     g.set(0, [&] { return g.mul(g.gradient(), ...); });
//   }
//
// in the file of its family, listed there in `attachDerivatives<...>`. A
// gradient may have the shape and type of the result: the caller reduces it to
// the shape of a broadcast operand and converts it.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_AUTODIFF_DERIVATIVES_H
#define FX_LIB_AUTODIFF_DERIVATIVES_H

#include "fx/IR/TensorBuilder.h"

namespace mlir::fx {

class GradientBuilder : public TensorBuilder {
public:
  GradientBuilder(OpBuilder &builder, Operation *op, ValueRange gradients,
                  ArrayRef<bool> needed, SmallVectorImpl<Value> &results)
      : TensorBuilder(builder, getGradientLoc(op)), op(op),
        gradients(gradients), needed(needed), results(results) {
    results.assign(op->getNumOperands(), Value());
  }

  /// The gradient of a result, null if it does not reach an output.
  Value gradient(unsigned result = 0) const { return gradients[result]; }
  /// The same, with zeros instead of null.
  Value gradientOrZeros(unsigned result) {
    return gradients[result] ? gradients[result]
                             : zerosLike(op->getResult(result));
  }
  bool isNeeded(unsigned operand) const { return needed[operand]; }
  /// Sets the gradient of an operand; `build` runs only if it is needed.
  void set(unsigned operand, llvm::function_ref<Value()> build) {
    if (needed[operand])
      results[operand] = build();
  }
  LogicalResult getStatus() const { return status; }
  /// Reports that the op cannot be differentiated.
  void fail(const Twine &reason) {
    status = op->emitOpError() << "has no derivative: " << reason;
  }

  /// The same, where an error has been reported.
  void fail() { status = failure(); }

  /// `x_grad` for the op of node `x`.
  static Location getGradientLoc(Operation *op);

private:
  Operation *op;
  ValueRange gradients;
  ArrayRef<bool> needed;
  SmallVectorImpl<Value> &results;
  LogicalResult status = success();
};

/// The model of an op calls its overload of `differentiate`.
template <typename OpTy>
struct DerivativeModel
    : DifferentiableOpInterface::ExternalModel<DerivativeModel<OpTy>, OpTy> {
  LogicalResult buildGradients(Operation *op, OpBuilder &builder,
                               ValueRange gradients, ArrayRef<bool> needed,
                               SmallVectorImpl<Value> &operandGradients) const {
    GradientBuilder g(builder, op, gradients, needed, operandGradients);
    differentiate(cast<OpTy>(op), g);
    return g.getStatus();
  }
};

template <typename... OpTys>
void attachDerivatives(MLIRContext *context) {
  (OpTys::template attachInterface<DerivativeModel<OpTys>>(*context), ...);
}

/// The value of a constant scalar of any type.
std::optional<double> getConstantNumber(Value value);

void attachContractionDerivatives(MLIRContext *context);
void attachControlFlowDerivatives(MLIRContext *context);
void attachConvolutionDerivatives(MLIRContext *context);
void attachIndexingDerivatives(MLIRContext *context);
void attachPointwiseBinaryDerivatives(MLIRContext *context);
void attachPointwiseUnaryDerivatives(MLIRContext *context);
void attachReductionDerivatives(MLIRContext *context);
void attachViewDerivatives(MLIRContext *context);

} // namespace mlir::fx

#endif
