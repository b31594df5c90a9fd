//===- JoinKernel.cpp - Tensors side by side in a result ------------------===//

#include "Kernels.h"

#include "../Common/JoinParts.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

LogicalResult cpu::emitJoinKernel(OpBuilder &b, KernelOp kernelOp,
                                  KernelFunction &target,
                                  unsigned vectorBits) {
  OpBuilder::InsertionGuard guard(b);
  FailureOr<std::vector<JoinPart>> parts = getJoinParts(kernelOp);
  if (failed(parts))
    return failure();
  b.setInsertionPointToEnd(target.entry);
  for (auto [index, part] : llvm::enumerate(*parts)) {
    OpBuilder inner(b.getContext());
    inner.setInsertionPointAfter(target.function);
    KernelFunction function = createKernelFunction(
        inner, kernelOp,
        (target.function.getName() + "_part" + Twine(index)).str());
    LoopSchedule schedule = chooseSchedule(part.kernel, vectorBits);
    LoopEmitter emitter(inner, kernelOp, function, std::move(part.kernel),
                        std::move(schedule));
    emitter.setBuffer(part.tensor, part.buffer, /*isInput=*/false);
    if (failed(emitter.emit()))
      return failure();
    func::CallOp::create(b, kernelOp.getLoc(), function.function,
                         target.function.getArguments());
  }
  func::ReturnOp::create(b, kernelOp.getLoc());
  return success();
}
