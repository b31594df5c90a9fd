//===- GenericKernel.cpp - Kernels through bufferization ------------------===//
//
// The road that any kernel can take: its region is bufferized by upstream's
// one-shot analysis and lowered to scalar loops.
//
//===----------------------------------------------------------------------===//

#include "KernelFunction.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/BufferizationToMemRef/BufferizationToMemRef.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

Value cpu::materialize(OpBuilder &b, Location loc, OpFoldResult value) {
  if (auto v = dyn_cast<Value>(value)) {
    if (v.getType().isIndex())
      return arith::IndexCastOp::create(b, loc, b.getI64Type(), v);
    return v;
  }
  return arith::ConstantIntOp::create(
      b, loc, cast<IntegerAttr>(cast<Attribute>(value)).getInt(), 64);
}

KernelFunction cpu::createKernelFunction(OpBuilder &b, KernelOp kernel,
                                         StringRef name) {
  Location loc = kernel.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  SmallVector<Type> types = {pointer};
  auto addBuffer = [&](RankedTensorType type) {
    types.push_back(pointer);
    types.append(type.getNumDynamicDims(), b.getI64Type());
  };
  for (Type type : kernel.getInputs().getTypes()) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      addBuffer(tensor);
    else
      types.push_back(type.isIndex() ? b.getI64Type() : type);
  }
  for (Type type : kernel.getResultTypes())
    addBuffer(cast<RankedTensorType>(type));

  KernelFunction result;
  result.function = func::FuncOp::create(b, loc, name,
                                         b.getFunctionType(types, {}));
  result.function.setPrivate();
  Block *entry = result.function.addEntryBlock();
  unsigned next = 0;
  result.context = entry->getArgument(next++);
  auto takeBuffer = [&](RankedTensorType type) {
    Buffer buffer{entry->getArgument(next++), {}, type};
    for (int64_t size : type.getShape()) {
      if (ShapedType::isDynamic(size))
        buffer.sizes.push_back(entry->getArgument(next++));
      else
        buffer.sizes.push_back(b.getI64IntegerAttr(size));
    }
    return buffer;
  };
  for (Type type : kernel.getInputs().getTypes()) {
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      result.inputs.push_back(takeBuffer(tensor));
      result.scalars.push_back({});
    } else {
      result.inputs.push_back({});
      result.scalars.push_back(entry->getArgument(next++));
    }
  }
  for (Type type : kernel.getResultTypes())
    result.results.push_back(takeBuffer(cast<RankedTensorType>(type)));
  return result;
}

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
  b.setInsertionPointToEnd(&target.function.getBody().front());
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

LogicalResult cpu::lowerGenericKernels(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createEmptyTensorToAllocTensorPass());
  bufferization::OneShotBufferizePassOptions options;
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
  return pm.run(module);
}
