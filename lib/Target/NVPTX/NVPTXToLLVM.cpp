//===- NVPTXToLLVM.cpp - gpu to PTX and to calls of the runtime -----------===//

#include "DeviceCode.h"
#include "Kernels.h"

#include "../Common/EntryPoint.h"

#include "fx/Target/NVPTX/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::nvptx;

namespace mlir::fx::nvptx {
#define GEN_PASS_DEF_NVPTXTOLLVMPASS
#include "fx/Target/NVPTX/Passes.h.inc"

namespace {

/// Functions of math that NVPTX has as instructions, or that LLVM expands.
/// What libdevice would give is expanded before, or is refused.
bool isDeviceMath(Operation *op) {
  if (isa<math::Exp2Op>(op))
    return getElementTypeOrSelf(op->getResult(0).getType()).isF32();
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::FloorOp,
             math::RoundEvenOp, math::RoundOp, math::TruncOp, math::SqrtOp,
             math::RsqrtOp, math::FmaOp, math::CopySignOp, math::CtPopOp,
             math::CountLeadingZerosOp, math::CountTrailingZerosOp,
             math::IsNaNOp, math::IsInfOp, math::IsFiniteOp,
             math::IsNormalOp>(op);
}

LogicalResult lowerDeviceModule(gpu::GPUModuleOp device) {
  MLIRContext *context = device.getContext();
  WalkResult walk = device.walk([](Operation *op) {
    if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
        isDeviceMath(op))
      return WalkResult::advance();
    op->emitOpError("on ") << op->getResult(0).getType()
                           << " has no form on the GPU";
    return WalkResult::interrupt();
  });
  if (walk.wasInterrupted())
    return failure();
  LowerToLLVMOptions options(context);
  LLVMTypeConverter converter(context, options);
  configureGpuToNVVMTypeConverter(converter);
  ConversionTarget target(*context);
  target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  {
    // Upstream's patterns for gpu would turn these into calls of libdevice.
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    ConversionTarget functions(*context);
    functions.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    functions.addIllegalDialect<math::MathDialect>();
    functions.addIllegalOp<arith::RemFOp, arith::MaxNumFOp, arith::MinNumFOp,
                           arith::MaximumFOp, arith::MinimumFOp>();
    if (failed(applyPartialConversion(device, functions, std::move(patterns))))
      return failure();
  }
  RewritePatternSet patterns(context);
  populateSCFToControlFlowConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns,
                                         /*reassociateFPReductions=*/true);
  populateGpuToNVVMConversionPatterns(converter, patterns);
  target.addIllegalDialect<gpu::GPUDialect>();
  target.addLegalOp<gpu::GPUModuleOp, UnrealizedConversionCastOp>();
  if (failed(applyFullConversion(device, target, std::move(patterns))))
    return failure();
  SmallVector<UnrealizedConversionCastOp> casts;
  device.walk([&](UnrealizedConversionCastOp op) { casts.push_back(op); });
  reconcileUnrealizedCasts(casts);
  return success();
}

struct NVPTXToLLVMPass : impl::NVPTXToLLVMPassBase<NVPTXToLLVMPass> {
  using NVPTXToLLVMPassBase::NVPTXToLLVMPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto device = module.lookupSymbol<gpu::GPUModuleOp>(kDeviceModule);
    if (!device)
      return;
    // Launches refer to kernels by their number.
    llvm::StringMap<int32_t> numbers;
    SmallVector<std::string> names;
    for (auto function : device.getOps<gpu::GPUFuncOp>()) {
      numbers[function.getName()] = names.size();
      names.push_back(function.getName().str());
    }
    SmallVector<gpu::LaunchFuncOp> launches;
    module.walk([&](gpu::LaunchFuncOp op) { launches.push_back(op); });
    for (gpu::LaunchFuncOp op : launches)
      lowerLaunch(op, numbers.lookup(op.getKernelName()));

    std::string ptx, machineCode;
    if (!names.empty()) {
      if (failed(lowerDeviceModule(device)))
        return signalPassFailure();
      FailureOr<std::string> text = generatePTX(device, arch);
      if (failed(text))
        return signalPassFailure();
      ptx = std::move(*text);
    }
    if (this->cubin && !ptx.empty()) {
      FailureOr<std::optional<std::string>> code =
          assemble(device.getLoc(), ptx, arch);
      if (failed(code))
        return signalPassFailure();
      machineCode = std::move(*code).value_or("");
    }
    device.erase();
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
    embed(module, ptx, machineCode, names);
  }

private:
  static void lowerLaunch(gpu::LaunchFuncOp op, int32_t number) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto function = op->getParentOfType<func::FuncOp>();
    auto pointer = LLVM::LLVMPointerType::get(b.getContext());
    Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
    Value count = arith::ConstantIntOp::create(
        b, loc, op.getNumKernelOperands(), 64);
    Value params = LLVM::AllocaOp::create(b, loc, pointer, pointer, count, 8);
    for (auto [i, operand] : llvm::enumerate(op.getKernelOperands())) {
      Value memory =
          LLVM::AllocaOp::create(b, loc, pointer, operand.getType(), one, 8);
      LLVM::StoreOp::create(b, loc, operand, memory);
      LLVM::StoreOp::create(
          b, loc, memory,
          LLVM::GEPOp::create(b, loc, pointer, pointer, params,
                              LLVM::GEPArg(static_cast<int32_t>(i))));
    }
    SmallVector<Value> operands = {
        function.getArgument(0),
        LLVM::AddressOfOp::create(b, loc, pointer, kModuleGlobal),
        arith::ConstantIntOp::create(b, loc, number, 32),
        op.getGridSizeX(),
        op.getBlockSizeX(),
        params};
    func::FuncOp callee = declareRuntime(
        b, function->getParentOfType<ModuleOp>(), loc, "fx_rt_cuda_launch",
        b.getFunctionType(ValueRange(operands).getTypes(), {}));
    func::CallOp::create(b, loc, callee, operands);
    op.erase();
  }

  /// Gives the global of the module its contents.
  void embed(ModuleOp module, StringRef ptx, StringRef cubin,
                    ArrayRef<std::string> names) {
    Location loc = module.getLoc();
    OpBuilder b(module.getBodyRegion());
    auto pointer = LLVM::LLVMPointerType::get(b.getContext());
    auto addBytes = [&](StringRef name, StringRef bytes) {
      auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
      LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true,
                             LLVM::Linkage::Internal, name,
                             b.getStringAttr(bytes), /*alignment=*/64);
    };
    auto withNull = [](StringRef text) { return text.str() + '\0'; };
    addBytes("fx_cuda_ptx", withNull(ptx));
    if (!cubin.empty())
      addBytes("fx_cuda_cubin", cubin);
    for (auto [i, name] : llvm::enumerate(names))
      addBytes("fx_cuda_name_" + std::to_string(i), withNull(name));

    auto fill = [&](LLVM::GlobalOp global,
                    llvm::function_ref<void(
                        llvm::function_ref<void(Value, int64_t)>)>
                        body) {
      OpBuilder::InsertionGuard guard(b);
      b.createBlock(&global.getInitializerRegion());
      Value value = LLVM::UndefOp::create(b, loc, global.getGlobalType());
      body([&](Value field, int64_t position) {
        value = LLVM::InsertValueOp::create(b, loc, value, field, position);
      });
      LLVM::ReturnOp::create(b, loc, value);
    };
    auto address = [&](StringRef name) -> Value {
      return LLVM::AddressOfOp::create(b, loc, pointer, name);
    };
    auto table = LLVM::GlobalOp::create(
        b, loc, LLVM::LLVMArrayType::get(pointer, names.size()),
        /*isConstant=*/true, LLVM::Linkage::Internal, "fx_cuda_names",
        Attribute());
    fill(table, [&](auto set) {
      for (size_t i = 0; i < names.size(); ++i)
        set(address("fx_cuda_name_" + std::to_string(i)), i);
    });
    auto global = module.lookupSymbol<LLVM::GlobalOp>(kModuleGlobal);
    global.setLinkage(LLVM::Linkage::Internal);
    fill(global, [&](auto set) {
      auto number = [&](int64_t value) -> Value {
        return LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
      };
      Value null = LLVM::ZeroOp::create(b, loc, pointer);
      int64_t archNumber = 0;
      StringRef text = arch;
      text.consume_front("sm_");
      text.consumeInteger(10, archNumber);
      set(address("fx_cuda_ptx"), 0);
      set(cubin.empty() ? null : address("fx_cuda_cubin"), 1);
      set(number(cubin.size()), 2);
      set(number(cubin.empty() ? 0 : archNumber), 3);
      set(address("fx_cuda_names"), 4);
      set(number(names.size()), 5);
      set(null, 6);
    });
  }
};

} // namespace
} // namespace mlir::fx::nvptx
