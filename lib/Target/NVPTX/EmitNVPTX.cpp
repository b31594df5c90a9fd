//===- EmitNVPTX.cpp - Kernels to gpu functions ---------------------------===//

#include "Kernels.h"

#include "../Common/EntryPoint.h"

#include "fx/Target/NVPTX/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::nvptx;

LLVM::LLVMStructType nvptx::getModuleStructType(MLIRContext *context) {
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = IntegerType::get(context, 64);
  // ptx, cubin, cubin_bytes, cubin_arch, kernels, num_kernels, state
  return LLVM::LLVMStructType::getLiteral(
      context, {pointer, pointer, i64, i64, pointer, i64, pointer});
}

namespace {

/// Tensors in device memory; work is put on the context's stream.
class CudaEntryPoint : public EntryPointTarget {
public:
  MemoryFunctions getMemoryFunctions() const override {
    return {"fx_rt_cuda_workspace", "fx_rt_cuda_alloc", "fx_rt_cuda_free"};
  }
  Value emitBegin(OpBuilder &b, Location loc, Value context) override {
    return call(b, loc, "fx_rt_cuda_begin",
                {context, getModule(b, loc)}, b.getI32Type());
  }
  Value emitEnd(OpBuilder &b, Location loc, Value context) override {
    return call(b, loc, "fx_rt_cuda_end", {context}, b.getI32Type());
  }
  void emitCheck(OpBuilder &b, Location loc, Value context, Value pointer,
                 int64_t index, bool isResult) override {
    call(b, loc, "fx_rt_cuda_check_alignment",
         {context, pointer, arith::ConstantIntOp::create(b, loc, index, 32),
          arith::ConstantIntOp::create(b, loc, isResult, 32)});
  }
  Value emitConstant(OpBuilder &b, Location loc, Value context, Value host,
                     Value bytes) override {
    return call(b, loc, "fx_rt_cuda_constant",
                {context, getModule(b, loc), host, bytes}, host.getType());
  }
  Value emitRead(OpBuilder &b, Location loc, Value context, Type type,
                 Value address) override {
    Value bytes = arith::ConstantIntOp::create(
        b, loc, llvm::divideCeil(type.getIntOrFloatBitWidth(), 8), 64);
    Value memory = LLVM::AllocaOp::create(
        b, loc, address.getType(), type,
        arith::ConstantIntOp::create(b, loc, 1, 64), 8);
    // A call that failed earlier leaves it unset.
    LLVM::StoreOp::create(
        b, loc, LLVM::ZeroOp::create(b, loc, type).getResult(), memory);
    call(b, loc, "fx_rt_cuda_read", {context, memory, address, bytes});
    return LLVM::LoadOp::create(b, loc, type, memory);
  }
  void emitCopy(OpBuilder &b, Location loc, Value context, Value to, Value from,
                Value bytes) override {
    call(b, loc, "fx_rt_cuda_copy", {context, to, from, bytes});
  }

private:
  static Value getModule(OpBuilder &b, Location loc) {
    return LLVM::AddressOfOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext()), kModuleGlobal);
  }
  static Value call(OpBuilder &b, Location loc, StringRef name,
                    ValueRange operands, Type result = {}) {
    auto module =
        b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
    func::FuncOp callee = declareRuntime(
        b, module, loc, name,
        b.getFunctionType(operands.getTypes(),
                          result ? TypeRange(result) : TypeRange()));
    auto op = func::CallOp::create(b, loc, callee, operands);
    return result ? op.getResult(0) : Value();
  }
};

} // namespace

namespace mlir::fx::nvptx {
#define GEN_PASS_DEF_EMITNVPTXPASS
#include "fx/Target/NVPTX/Passes.h.inc"

namespace {
struct EmitNVPTXPass : impl::EmitNVPTXPassBase<EmitNVPTXPass> {
  using EmitNVPTXPassBase::EmitNVPTXPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Location loc = module.getLoc();
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isDeclaration())
        functions.push_back(function);

    OpBuilder b(&getContext());
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    b.getUnitAttr());
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(b, loc, getModuleStructType(&getContext()),
                           /*isConstant=*/false, LLVM::Linkage::External,
                           kModuleGlobal, Attribute());
    b.setInsertionPointToEnd(module.getBody());
    auto device = gpu::GPUModuleOp::create(b, loc, kDeviceModule);

    llvm::StringMap<func::FuncOp> emitted;
    llvm::DenseMap<Operation *, func::FuncOp> kernels;
    for (func::FuncOp function : functions) {
      for (auto kernel : function.getOps<KernelOp>()) {
        func::FuncOp &target = emitted[getFingerprint(kernel)];
        if (!target) {
          std::string name = ("fx_kernel_" + Twine(emitted.size() - 1)).str();
          b.setInsertionPoint(device);
          KernelFunction host = createKernelFunction(b, kernel, name);
          if (failed(KernelEmitter(b, device, kernel, host).emit()))
            return signalPassFailure();
          target = host.function;
        }
        kernels[kernel] = target;
      }
    }
    expandSine(device);
    expandMath(device);
    CudaEntryPoint entry;
    for (func::FuncOp function : functions)
      if (failed(emitEntryPoint(function, kernels, entry)))
        return signalPassFailure();
  }
};
} // namespace
} // namespace mlir::fx::nvptx
