//===- Derivatives.cpp - Registration of the derivatives ------------------===//

#include "Derivatives.h"
#include "fx/Autodiff/Passes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;

Location GradientBuilder::getGradientLoc(Operation *op) {
  auto named = dyn_cast<NameLoc>(op->getLoc());
  if (!named)
    return op->getLoc();
  StringRef name = named.getName();
  return getNodeLoc((name + "_grad").str(), named.getChildLoc());
}

std::optional<double> fx::getConstantNumber(Value value) {
  Attribute attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  if (auto real = dyn_cast<FloatAttr>(attr))
    return real.getValueAsDouble();
  if (auto boolean = dyn_cast<BoolAttr>(attr))
    return boolean.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    return integer.getInt();
  return std::nullopt;
}

void fx::registerDerivatives(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, FXDialect *) {
    attachContractionDerivatives(context);
    attachControlFlowDerivatives(context);
    attachConvolutionDerivatives(context);
    attachIndexingDerivatives(context);
    attachPointwiseBinaryDerivatives(context);
    attachPointwiseUnaryDerivatives(context);
    attachReductionDerivatives(context);
    attachViewDerivatives(context);
  });
}
