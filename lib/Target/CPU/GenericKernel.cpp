//===- GenericKernel.cpp - Kernels through bufferization ------------------===//
//
// The road that any kernel can take: its region is bufferized by upstream's
// one-shot analysis and lowered to scalar loops.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/BufferizationToMemRef/BufferizationToMemRef.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

/// The memref of a buffer: its descriptor is built here and meets the memref
/// again when memrefs are converted to LLVM.
static Value createMemRef(OpBuilder &b, Location loc, const Buffer &buffer) {
  auto type = MemRefType::get(buffer.type.getShape(),
                              buffer.type.getElementType());
  auto *context = b.getContext();
  auto pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = b.getI64Type();
  int64_t rank = type.getRank();
  SmallVector<Type> fields = {pointer, pointer, i64};
  if (rank)
    fields.append(2, LLVM::LLVMArrayType::get(i64, rank));
  auto structType = LLVM::LLVMStructType::getLiteral(context, fields);
  Value value = LLVM::PoisonOp::create(b, loc, structType);
  auto insert = [&](Value field, ArrayRef<int64_t> position) {
    value = LLVM::InsertValueOp::create(b, loc, value, field, position);
  };
  insert(buffer.pointer, {0});
  insert(buffer.pointer, {1});
  insert(materialize(b, loc, b.getI64IntegerAttr(0)), {2});
  Value stride = materialize(b, loc, b.getI64IntegerAttr(1));
  for (int64_t d = rank - 1; d >= 0; --d) {
    Value size = materialize(b, loc, buffer.sizes[d]);
    insert(size, {3, d});
    insert(stride, {4, d});
    if (d)
      stride = arith::MulIOp::create(b, loc, stride, size);
  }
  return UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0);
}

LogicalResult cpu::emitGenericKernel(OpBuilder &b, KernelOp kernel,
                                     KernelFunction &target) {
  OpBuilder::InsertionGuard guard(b);
  Location loc = kernel.getLoc();
  b.setInsertionPointToEnd(target.entry);
  Block &body = kernel.getBody().front();
  IRMapping mapping;
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
    if (auto type = dyn_cast<RankedTensorType>(argument.getType())) {
      Value memref = createMemRef(b, loc, target.inputs[i]);
      // Inputs are never written, so an op that works in place takes a copy.
      mapping.map(argument, bufferization::ToTensorOp::create(
                                b, loc, type, memref, /*restrict=*/true,
                                /*writable=*/false));
      continue;
    }
    Value scalar = target.scalars[i];
    if (argument.getType().isIndex())
      scalar = arith::IndexCastOp::create(b, loc, b.getIndexType(), scalar);
    mapping.map(argument, scalar);
  }
  for (Operation &op : body.without_terminator())
    b.clone(op, mapping);
  auto yield = cast<KernelReturnOp>(body.getTerminator());
  for (auto [value, result] : llvm::zip(yield.getValues(), target.results)) {
    Value memref = createMemRef(b, loc, result);
    auto store = bufferization::MaterializeInDestinationOp::create(
        b, loc, Type(), mapping.lookup(value), memref);
    store.setRestrict(true);
    store.setWritable(true);
  }
  func::ReturnOp::create(b, loc);
  return success();
}

/// Copies of a buffer to itself, which are left of results that are computed
/// in place.
static void removeSelfCopies(ModuleOp module) {
  module.walk([](memref::StoreOp store) {
    auto load = store.getValueToStore().getDefiningOp<memref::LoadOp>();
    if (load && load->getNextNode() == store &&
        load.getMemRef() == store.getMemRef() &&
        load.getIndices() == store.getIndices())
      store.erase();
  });
}

LogicalResult cpu::lowerGenericKernels(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createEmptyTensorToAllocTensorPass());
  bufferization::OneShotBufferizePassOptions options;
  // The tensors that a loop carries may move from buffer to buffer.
  options.allowReturnAllocsFromLoops = true;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  if (failed(pm.run(module)))
    return failure();
  // Copies of strided memory become loops, not calls of MLIR's own runtime.
  SmallVector<memref::CopyOp> copies;
  module.walk([&](memref::CopyOp op) { copies.push_back(op); });
  for (memref::CopyOp op : copies) {
    OpBuilder b(op);
    linalg::makeMemRefCopyOp(b, op.getLoc(), op.getSource(), op.getTarget());
    op.erase();
  }
  pm.clear();
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  bufferization::buildBufferDeallocationPipeline(
      pm, bufferization::BufferDeallocationPipelineOptions());
  pm.addPass(createConvertBufferizationToMemRefPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCSEPass());
  if (failed(pm.run(module)))
    return failure();
  removeSelfCopies(module);
  pm.clear();
  pm.addPass(createCanonicalizerPass());
  if (failed(pm.run(module)))
    return failure();
  SmallVector<func::FuncOp> kernels;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isDeclaration() && function.getNumArguments() &&
        isa<LLVM::LLVMPointerType>(function.getArgument(0).getType()))
      kernels.push_back(function);
  llvm::for_each(kernels, shareLoops);
  return success();
}
