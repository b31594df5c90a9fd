//===- CPUToLLVM.cpp - Emitted code to the LLVM dialect -------------------===//

#include "MachineCode.h"

#include "fx/Target/CPU/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ComplexToLLVM/ComplexToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::fx::cpu {
#define GEN_PASS_DEF_CPUTOLLVMPASS
#include "fx/Target/CPU/Passes.h.inc"

namespace {

/// Functions of math that LLVM has as instructions or expands well.
bool isLLVMMath(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::FloorOp,
             math::RoundEvenOp, math::RoundOp, math::TruncOp, math::SqrtOp,
             math::FmaOp, math::CopySignOp, math::CtPopOp,
             math::CountLeadingZerosOp, math::CountTrailingZerosOp,
             math::IsNaNOp, math::IsInfOp, math::IsFiniteOp, math::IsNormalOp>(
      op);
}

struct CPUToLLVMPass : impl::CPUToLLVMPassBase<CPUToLLVMPass> {
  using CPUToLLVMPassBase::CPUToLLVMPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    // What is left in scalar code becomes a call of libm; that library's
    // functions take f32 and f64 only.
    bool hasLibm = false;
    module.walk([&](Operation *op) {
      hasLibm |= isa_and_nonnull<math::MathDialect>(op->getDialect()) &&
                 !isLLVMMath(op);
    });
    if (hasLibm) {
      RewritePatternSet patterns(context);
      populateMathToLibmConversionPatterns(patterns);
      ConversionTarget target(*context);
      target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
      target.addIllegalDialect<math::MathDialect>();
      target.addDynamicallyLegalDialect<math::MathDialect>(isLLVMMath);
      target.addLegalOp<math::FPowIOp, math::RsqrtOp, math::IPowIOp>();
      if (failed(applyPartialConversion(module, target, std::move(patterns))))
        return signalPassFailure();
    }

    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    populateSCFToControlFlowConversionPatterns(patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    cf::populateAssertToLLVMConversionPattern(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateComplexToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    vector::populateVectorTransposeLoweringPatterns(
        patterns, vector::VectorTransposeLowering::Shuffle1D);
    populateVectorToLLVMConversionPatterns(converter, patterns,
                                           /*reassociateFPReductions=*/true);
    // Kernels and callbacks are not part of the interface.
    llvm::StringSet<> internal;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isDeclaration() &&
          (function.isPrivate() || function.getName().ends_with("_generic")))
        internal.insert(function.getName());
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (internal.contains(function.getName()))
        function.setLinkage(LLVM::Linkage::Internal);
    // Of a shared library, when it is unloaded.
    if (module.lookupSymbol<LLVM::LLVMFuncOp>(kReleaseFrozen)) {
      Builder b(context);
      auto at = OpBuilder::atBlockEnd(module.getBody());
      LLVM::GlobalDtorsOp::create(
          at, module.getLoc(),
          b.getArrayAttr(FlatSymbolRefAttr::get(context, kReleaseFrozen)),
          b.getI32ArrayAttr(65535),
          b.getArrayAttr(LLVM::ZeroAttr::get(context)));
    }
    SmallVector<UnrealizedConversionCastOp> casts;
    module.walk([&](UnrealizedConversionCastOp op) { casts.push_back(op); });
    reconcileUnrealizedCasts(casts);
  }
};

} // namespace
} // namespace mlir::fx::cpu
