//===- LowerToLinalg.cpp - The conversion from fx to upstream dialects ----===//

#include "Patterns.h"
#include "fx/Analysis/OrderCalls.h"
#include "fx/Analysis/Rematerialization.h"
#include "fx/Lowering/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"

using namespace mlir;
using namespace mlir::fx;

namespace mlir::fx {
#define GEN_PASS_DEF_LOWERTOLINALGPASS
#include "fx/Lowering/Passes.h.inc"
} // namespace mlir::fx

SmallVector<int64_t> fx::getReducedDims(ArrayRef<int64_t> dims, int64_t rank) {
  // The verifier has accepted them.
  return *normalizeDims(std::nullopt, dims, rank);
}

namespace {
/// Signless element types; everything else stays.
struct SignlessTypeConverter : TypeConverter {
  SignlessTypeConverter() {
    addConversion([](Type type) { return getSignlessType(type); });
    addConversion([](RankedTensorType type) -> Type {
      return type.clone(getSignlessType(type.getElementType()));
    });
  }
};

/// Whether kernels compute with elements of this type.
static bool isComputable(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (auto integer = dyn_cast<IntegerType>(element))
    return llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type, IndexType,
             NoneType>(element);
}

/// What the run-time library of a CPU computes.
static bool isForRuntime(Operation *op) {
  return isa<FlashAttentionForCpuOp, FlashAttentionForCpuBackwardOp>(op) ||
         matchOrderCall(op);
}

/// The operand or result type that keeps `op` from being lowered, or null.
static Type findUncomputable(Operation *op) {
  for (auto types : {TypeRange(op->getOperandTypes()),
                     TypeRange(op->getResultTypes())})
    for (Type type : types)
      if (!isComputable(type))
        return type;
  return {};
}

/// A constant operand of a lowered op that nothing else uses.
static void eraseDeadConstants(ModuleOp module) {
  module.walk([](arith::ConstantOp op) {
    if (op->use_empty())
      op.erase();
  });
}

static void dropFXAttributes(ModuleOp module) {
  auto drop = [](DictionaryAttr attributes) {
    SmallVector<NamedAttribute> kept;
    for (NamedAttribute attribute : attributes)
      if (!attribute.getName().strref().starts_with("fx."))
        kept.push_back(attribute);
    return DictionaryAttr::get(attributes.getContext(), kept);
  };
  module->walk([&](Operation *op) {
    SmallVector<StringAttr> names;
    for (NamedAttribute attribute : op->getDiscardableAttrs())
      if (attribute.getName().strref().starts_with("fx."))
        names.push_back(attribute.getName());
    for (StringAttr name : names)
      op->removeDiscardableAttr(name);
    auto function = dyn_cast<FunctionOpInterface>(op);
    if (!function)
      return;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (DictionaryAttr attributes = function.getArgAttrDict(i))
        function.setArgAttrs(i, drop(attributes));
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (DictionaryAttr attributes = function.getResultAttrDict(i))
        function.setResultAttrs(i, drop(attributes));
  });
}

/// Equal ops of a function that is scheduled for its memory stay apart.
static void keepApart(ModuleOp module) {
  Builder b(module.getContext());
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function->hasAttr(kScheduledAttr))
      continue;
    int64_t number = 0;
    function.walk([&](linalg::LinalgOp op) {
      op->setAttr(kKeepApartAttr, b.getI64IntegerAttr(number++));
    });
  }
}

struct LowerToLinalgPass : fx::impl::LowerToLinalgPassBase<LowerToLinalgPass> {
  using LowerToLinalgPassBase::LowerToLinalgPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    SignlessTypeConverter converter;
    LoweringOptions options;
    Reasons reasons;
    options.assertIndices = assertIndices;
    options.reasons = &reasons;

    RewritePatternSet patterns(context);
    for (auto *populate :
         {populatePointwisePatterns, populateViewPatterns,
          populateViewJoinPatterns, populateCreationPatterns,
          populateReductionPatterns, populateContractionPatterns,
          populateConvolutionPatterns, populatePoolingPatterns,
          populateIndexingPatterns, populateOrderPatterns,
          populateRandomPatterns,
          populateSymbolicPatterns, populateAssertionPatterns,
          populateControlFlowPatterns})
      populate(converter, options, patterns);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateCallOpTypeConversionPattern(patterns, converter);

    // fx ops are of unknown legality: one that no pattern takes stays, and is
    // reported below with its name and place.
    ConversionTarget target(*context);
    target.addLegalDialect<affine::AffineDialect, arith::ArithDialect,
                           cf::ControlFlowDialect, linalg::LinalgDialect,
                           math::MathDialect, scf::SCFDialect,
                           tensor::TensorDialect>();
    // Patterns need not look for types that no kernel has.
    target.addDynamicallyLegalDialect<FXDialect>(
        [keep = bool(keepAttention)](Operation *op) -> std::optional<bool> {
          if (findUncomputable(op) || (keep && isForRuntime(op)))
            return true;
          return std::nullopt;
        });
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType());
    });
    target.addDynamicallyLegalOp<func::ReturnOp, func::CallOp>(
        [&](Operation *op) { return converter.isLegal(op); });

    // A cast between an op that is lowered and one that is not is left, so
    // that all of the latter are reported.
    ConversionConfig config;
    config.buildMaterializations = false;
    if (failed(applyPartialConversion(module, target, std::move(patterns),
                                      config)))
      return signalPassFailure();
    if (reportRemaining(module, reasons, keepAttention))
      return signalPassFailure();
    dropFXAttributes(module);
    keepApart(module);
    eraseDeadConstants(module);
  }

  /// Reports every op that is left; returns whether there is one.
  static bool reportRemaining(ModuleOp module, const Reasons &reasons,
                              bool keepAttention) {
    bool remain = false;
    module->walk([&](Operation *op) {
      if (!isa_and_nonnull<FXDialect>(op->getDialect()) ||
          (keepAttention && isForRuntime(op)))
        return;
      report(op, reasons.lookup(op));
      remain = true;
    });
    return remain;
  }

  static void report(Operation *op, StringRef reason) {
    InFlightDiagnostic error = op->emitOpError("has no lowering to linalg");
    if (auto call = dyn_cast<CallOp>(op))
      error << ": target \"" << call.getTarget() << '"';
    std::string node =
        op->getNumResults() ? getNodeName(op->getResult(0)) : std::string();
    std::string line = getPythonLine(op->getLoc());
    if (!node.empty())
      error << " (node " << node << (line.empty() ? "" : ", " + line) << ')';
    if (isa<SeedsOp>(op))
      error << "; run fx-seeds-to-arguments before";
    else if (isa<CallOp>(op))
      error << "; fx has no op for this target: keep it outside the compiled "
               "graph, or replace it by fx ops in a custom hook";
    else if (Type type = findUncomputable(op))
      error << ": no kernel computes with " << getElementTypeOrSelf(type);
    else if (!reason.empty())
      error << ": " << reason;
    else
      error << "; decompose it first (--joint-graph, --post-grad)";
  }
};
} // namespace
