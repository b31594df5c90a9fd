//===- Assertions.cpp - Conditions that a graph checks --------------------===//
//
// Calls of PyTorch's assertions are checked where indices are, and dropped
// where a check would have to wait for a device.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace mlir::fx;

static bool isAssertion(StringRef target) {
  return target == "aten._assert_async.default" ||
         target == "aten._assert_async.msg" ||
         target == "aten._assert_scalar.default";
}

namespace {
/// assert(condition, message) -> cf.assert (condition != 0)
struct AssertionLowering : Lowering<CallOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(CallOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ArrayAttr arguments = op.getArguments();
    if (!isAssertion(op.getTarget()) || op.getNumResults() != 0 ||
        arguments.empty())
      return failure();
    auto literal = dyn_cast<BoolAttr>(arguments[0]);
    bool holds = literal && literal.getValue();
    if (holds || !options.assertIndices) {
      rewriter.eraseOp(op);
      return success();
    }
    // A condition that is known to be false has no operand.
    if (op.getInputs().size() != 1)
      return options.refuse(op, "an assertion that does not hold");
    LinalgBuilder t{rewriter, op.getLoc()};
    ScalarBuilder s = t.scalars();
    Value condition = adaptor.getInputs()[0];
    Type type = getElementTypeOrSelf(op.getInputs()[0].getType());
    if (auto tensor = dyn_cast<RankedTensorType>(condition.getType())) {
      if (llvm::any_of(tensor.getShape(), [](int64_t n) { return n != 1; }))
        return options.refuse(op, "an assertion on more than one element");
      SmallVector<Value> first(tensor.getRank(), s.constantIndex(0));
      condition = s.op<tensor::ExtractOp>(condition, first);
    }
    auto message = arguments.size() > 1 ? dyn_cast<StringAttr>(arguments[1])
                                        : StringAttr();
    cf::AssertOp::create(rewriter, op.getLoc(),
                         s.cast(condition, type, rewriter.getI1Type()),
                         message ? message.getValue()
                                 : "an assertion of the graph does not hold");
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void fx::populateAssertionPatterns(const TypeConverter &converter,
                                   const LoweringOptions &options,
                                   RewritePatternSet &patterns) {
  patterns.add<AssertionLowering>(converter, patterns.getContext(), options);
}
