//===- EmitCPU.cpp - Kernels to functions ---------------------------------===//

#include "Kernels.h"
#include "MachineCode.h"

#include "../Common/EntryPoint.h"
#include "../Common/TemplateCall.h"

#include "fx/Lowering/Kernels/Attention.h"
#include "fx/Target/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::fx::cpu {
#define GEN_PASS_DEF_EMITCPUPASS
#include "fx/Target/CPU/Passes.h.inc"

namespace {

struct EmitCPUPass : impl::EmitCPUPassBase<EmitCPUPass> {
  using EmitCPUPassBase::EmitCPUPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(emit(module)))
      signalPassFailure();
  }

  LogicalResult emit(ModuleOp module) {
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isDeclaration())
        functions.push_back(function);

    OpBuilder b(module.getContext());
    OwningOpRef<ModuleOp> generic = ModuleOp::create(module.getLoc());
    llvm::StringMap<func::FuncOp> emitted;
    llvm::DenseMap<Operation *, func::FuncOp> kernels;
    for (func::FuncOp function : functions) {
      for (auto kernel : function.getOps<KernelOp>()) {
        func::FuncOp &target = emitted[getFingerprint(kernel)];
        if (!target) {
          std::string name = ("fx_kernel_" + Twine(emitted.size() - 1)).str();
          FailureOr<func::FuncOp> made =
              emitKernel(b, kernel, name, module, *generic);
          if (failed(made))
            return failure();
          target = *made;
        }
        kernels[kernel] = target;
      }
    }
    if (!generic->getBody()->empty()) {
      if (failed(lowerGenericKernels(*generic)))
        return failure();
      // Globals and declarations come along.
      for (Operation &op :
           llvm::make_early_inc_range(generic->getBody()->getOperations())) {
        auto symbol = dyn_cast<SymbolOpInterface>(op);
        if (symbol && module.lookupSymbol(symbol.getName())) {
          if (auto function = dyn_cast<func::FuncOp>(op);
              function && function.isDeclaration())
            continue;
        }
        op.moveBefore(module.getBody(), module.getBody()->end());
      }
    }
    emitReleaseOfFrozen(b, module);
    expandSine(module);
    expandMath(module, /*hasLdexp=*/vectorBits == 512);
    EntryPointTarget host;
    for (func::FuncOp function : functions)
      if (failed(emitEntryPoint(function, kernels, host)))
        return failure();
    return success();
  }

  /// The function that frees what is prepared of frozen weights.
  static void emitReleaseOfFrozen(OpBuilder &b, ModuleOp module) {
    auto store = module.lookupSymbol<LLVM::GlobalOp>(kFrozenStore);
    if (!store)
      return;
    Location loc = module.getLoc();
    b.setInsertionPointToEnd(module.getBody());
    auto function = func::FuncOp::create(b, loc, kReleaseFrozen,
                                         b.getFunctionType({}, {}));
    b.setInsertionPointToStart(function.addEntryBlock());
    Value address = LLVM::AddressOfOp::create(b, loc, store);
    func::FuncOp release =
        declareRuntime(b, module, loc, "fx_rt_release_frozen",
                       b.getFunctionType({address.getType()}, {}));
    func::CallOp::create(b, loc, release, address);
    func::ReturnOp::create(b, loc);
  }

  FailureOr<func::FuncOp> emitKernel(OpBuilder &b, KernelOp kernel,
                                     StringRef name, ModuleOp module,
                                     ModuleOp generic) {
    KernelKind kind = kernel.getKind();
    if (kind == KernelKind::Loops) {
      // The whole region but constants, which have no place.
      llvm::SetVector<Operation *> ops;
      for (Operation &op : kernel.getBody().front().without_terminator())
        if (isLoopOp(&op))
          ops.insert(&op);
      SmallVector<Value> outputs(
          kernel.getBody().front().getTerminator()->getOperands());
      // A kernel of another form, written by hand or changed since it was
      // formed, takes the road that is always right.
      FailureOr<LoopKernel> loops = LoopKernel::analyze(ops, outputs);
      if (failed(loops)) {
        kind = KernelKind::Generic;
      } else {
        b.setInsertionPointToEnd(module.getBody());
        KernelFunction target = createKernelFunction(b, kernel, name);
        LoopSchedule schedule = chooseSchedule(*loops, vectorBits);
        LoopEmitter emitter(b, kernel, target, std::move(*loops),
                            std::move(schedule));
        if (failed(emitter.emit()))
          return failure();
        return target.function;
      }
    }
    if (findFusedAttention(kernel.getBody().front())) {
      b.setInsertionPointToEnd(module.getBody());
      KernelFunction target = createKernelFunction(b, kernel, name);
      if (failed(emitAttentionKernel(b, kernel, target)))
        return failure();
      return target.function;
    }
    if (findOrderCall(kernel)) {
      b.setInsertionPointToEnd(module.getBody());
      KernelFunction target = createKernelFunction(b, kernel, name);
      if (failed(emitOrderKernel(b, kernel, target)))
        return failure();
      return target.function;
    }
    if (kind == KernelKind::Template &&
        failed(TemplateCall::findContraction(kernel)))
      kind = KernelKind::Generic;
    bool isScatter = kind == KernelKind::Generic && isScatterKernel(kernel);
    if (kind != KernelKind::Generic || isScatter) {
      b.setInsertionPointToEnd(module.getBody());
      KernelFunction target = createKernelFunction(b, kernel, name);
      auto emit = isScatter                  ? emitScatterKernel
                  : kind == KernelKind::Join ? emitJoinKernel
                                             : emitTemplateKernel;
      if (failed(emit(b, kernel, target, vectorBits)))
        return failure();
      return target.function;
    }
    b.setInsertionPointToEnd(generic.getBody());
    KernelFunction target =
        createKernelFunction(b, kernel, (name + "_generic").str());
    if (failed(emitGenericKernel(b, kernel, target)))
      return failure();
    // A private function without uses would be removed by the passes.
    target.function.setPublic();
    return target.function;
  }
};

} // namespace
} // namespace mlir::fx::cpu
