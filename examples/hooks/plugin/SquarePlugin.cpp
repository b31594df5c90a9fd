//===- SquarePlugin.cpp - A pass plugin: x ** 2 becomes x * x -------------===//

#include "fx/Compiler/PatternFunctions.h"
#include "fx/IR/FXOps.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

namespace {
/// Whether a value is the number 2.
bool isTwo(Value value) {
  FloatAttr real;
  IntegerAttr integer;
  if (matchPattern(value, m_Constant(&real)))
    return real.getValueAsDouble() == 2.0;
  return matchPattern(value, m_Constant(&integer)) && integer.getValue() == 2;
}

struct SquareIsProduct : OpRewritePattern<fx::PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(fx::PowOp pow,
                                PatternRewriter &rewriter) const override {
    Value x = pow->getOperand(0);
    if (!isTwo(pow->getOperand(1)) || x.getType() != pow.getType())
      return failure();
    rewriter.replaceOpWithNewOp<fx::MulOp>(pow, x, x);
    return success();
  }
};

struct SquaresToProductsPass
    : PassWrapper<SquaresToProductsPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SquaresToProductsPass)

  StringRef getArgument() const override { return "squares-to-products"; }
  StringRef getDescription() const override { return "x ** 2 -> x * x"; }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SquareIsProduct>(&getContext());
    fx::rewriteInReverse(getOperation(), std::move(patterns));
  }
};
} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK LLVM_ATTRIBUTE_VISIBILITY_DEFAULT
    PassPluginLibraryInfo
    mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Square", "1.0", [] {
            PassRegistration<SquaresToProductsPass>();
            // For PDL files: Constraint IsTwo(v: Value);
            fx::registerPatternConstraint(
                "IsTwo", "v is the number 2",
                [](PatternRewriter &, Value v) { return success(isTwo(v)); });
          }};
}
