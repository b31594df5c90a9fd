//===- KernelEmitter.cpp - Kernels as launches of device functions --------===//

#include "Kernels.h"

#include "../Common/JoinParts.h"
#include "../Common/TemplateCall.h"

#include "fx/Runtime/Cuda.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::nvptx;

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

gpu::GPUFuncOp KernelEmitter::createDeviceFunction(StringRef suffix,
                                                   int64_t blockSize,
                                                   KernelFunction &function,
                                                   TypeRange extra) {
  OpBuilder inner(b.getContext());
  inner.setInsertionPointToEnd(device.getBody());
  std::string name = host.function.getName().str();
  if (!suffix.empty())
    name += ("_" + suffix).str();
  SmallVector<Type> types = getArgumentTypes(inner, kernelOp);
  llvm::append_range(types, extra);
  auto made = gpu::GPUFuncOp::create(inner, kernelOp.getLoc(), name,
                                     inner.getFunctionType(types, {}));
  made->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), inner.getUnitAttr());
  made.setKnownBlockSizeAttr(inner.getDenseI32ArrayAttr(
      {static_cast<int32_t>(blockSize), 1, 1}));
  function.entry = &made.getBody().front();
  takeArguments(inner, kernelOp, function.entry->getArguments(), function);
  return made;
}

void KernelEmitter::launch(gpu::GPUFuncOp function, Value grid, int64_t block,
                           ValueRange extra) {
  Location loc = kernelOp.getLoc();
  Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
  Value threads = arith::ConstantIntOp::create(b, loc, block, 64);
  Value shared = arith::ConstantIntOp::create(b, loc, 0, 32);
  SmallVector<Value> operands(host.entry->getArguments().drop_front());
  llvm::append_range(operands, extra);
  gpu::LaunchFuncOp::create(b, loc, function, gpu::KernelDim3{grid, one, one},
                            gpu::KernelDim3{threads, one, one}, shared,
                            operands);
}

void KernelEmitter::launchLoops(StringRef suffix, LoopKernel kernel,
                                bool vectors, ArrayRef<InnerBuffer> buffers) {
  Location loc = kernelOp.getLoc();
  DeviceSchedule schedule = chooseDeviceSchedule(kernel, vectors);
  auto getSize = [&](Value tensor, int64_t dim) {
    for (const InnerBuffer &buffer : buffers)
      if (buffer.tensor == tensor)
        return materialize(b, loc, buffer.make(b, host).sizes[dim]);
    return materialize(b, loc, getBuffer(kernelOp, host, tensor).sizes[dim]);
  };
  auto emit = [&](StringRef name, DeviceSchedule how, Value partials,
                  llvm::function_ref<void(DeviceLoopEmitter &, Value)> body) {
    SmallVector<Value> extra;
    if (partials)
      extra.push_back(partials);
    KernelFunction inside;
    gpu::GPUFuncOp function = createDeviceFunction(
        name, how.getBlockSize(), inside, ValueRange(extra).getTypes());
    launch(function, emitGridSize(b, loc, kernel, how, getSize),
           how.getBlockSize(), extra);
    DeviceLoopEmitter emitter(b, kernelOp, inside, function.getName(), kernel,
                              how);
    for (const InnerBuffer &buffer : buffers)
      emitter.setBuffer(buffer.tensor, buffer.make, buffer.isInput);
    body(emitter,
         partials ? inside.entry->getArguments().back() : Value());
  };
  if (schedule.splits == 1) {
    emit(suffix, schedule, {}, [](DeviceLoopEmitter &emitter, Value) {
      emitter.emitDevice();
    });
    return;
  }
  Type pointer = host.context.getType();
  Value bytes = arith::ConstantIntOp::create(
      b, loc, 8 * getNumPartials(kernel, schedule), 64);
  Value partials =
      func::CallOp::create(
          b, loc,
          declareRuntime(b, host, "fx_rt_cuda_alloc",
                         b.getFunctionType({pointer, bytes.getType()},
                                           {pointer})),
          ValueRange{host.context, bytes})
          .getResult(0);
  emit((suffix + (suffix.empty() ? "partial" : "_partial")).str(), schedule,
       partials, [](DeviceLoopEmitter &emitter, Value memory) {
         emitter.emitPartials(memory);
       });
  emit(suffix, chooseFinalSchedule(kernel, schedule.splits), partials,
       [](DeviceLoopEmitter &emitter, Value memory) {
         emitter.usePartials(memory);
         emitter.emitDevice();
       });
  func::CallOp::create(
      b, loc,
      declareRuntime(b, host, "fx_rt_cuda_free",
                     b.getFunctionType({pointer, pointer}, {})),
      ValueRange{host.context, partials});
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

FailureOr<LoopKernel> KernelEmitter::analyzeLoops(std::string *reason) {
  Block &body = kernelOp.getBody().front();
  llvm::SetVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    if (isLoopOp(&op))
      ops.insert(&op);
  SmallVector<Value> outputs(body.getTerminator()->getOperands());
  return LoopKernel::analyze(ops, outputs, reason);
}

/// Whether cuBLASLt can read an operand in place: one of the dimensions of a
/// matrix has neighbours in memory.
static bool hasUnitStride(Value operand, AffineMap map,
                          ArrayRef<unsigned> rows, ArrayRef<unsigned> columns) {
  auto type = cast<RankedTensorType>(operand.getType());
  for (int64_t d = type.getRank() - 1; d >= 0; --d) {
    if (type.getDimSize(d) == 1)
      continue;
    unsigned loop = cast<AffineDimExpr>(map.getResult(d)).getPosition();
    return (!rows.empty() && rows.back() == loop) ||
           (!columns.empty() && columns.back() == loop);
  }
  return true;
}

LogicalResult KernelEmitter::emitProduct() {
  FailureOr<TemplateCall> call = TemplateCall::create(b, kernelOp, host);
  if (failed(call))
    return failure();
  Location loc = kernelOp.getLoc();
  auto [batch, rows, columns, inner, lhs, rhs, result] =
      call->getProduct(b, host);
  Type element = call->match.element;
  int32_t type = element.isF32()    ? FX_RT_CUDA_F32
                 : element.isF64()  ? FX_RT_CUDA_F64
                 : element.isBF16() ? FX_RT_CUDA_BF16
                                    : FX_RT_CUDA_F16;
  SmallVector<Value> operands = {
      host.context,       arith::ConstantIntOp::create(b, loc, type, 32),
      batch,              rows,
      columns,            inner,
      lhs.pointer,        lhs.batchStride,
      lhs.rowStride,      lhs.columnStride,
      rhs.pointer,        rhs.batchStride,
      rhs.rowStride,      rhs.columnStride,
      result.pointer,     result.batchStride,
      result.rowStride};
  func::FuncOp callee =
      declareRuntime(b, host, "fx_rt_cuda_gemm",
                     b.getFunctionType(ValueRange(operands).getTypes(), {}));
  func::CallOp::create(b, loc, callee, operands);
  if (!call->epilogue)
    return success();
  // The epilogue finds the memory of the product among its arguments.
  LogicalResult status = success();
  auto makeRaw = [&](OpBuilder &, KernelFunction &function) {
    FailureOr<Buffer> raw = call->getResultIn(host, function);
    status = raw;
    return failed(raw) ? call->result : *raw;
  };
  launchLoops("epilogue", std::move(call->epilogue->kernel), /*vectors=*/true,
              {{call->raw, makeRaw, /*isInput=*/true}});
  return status;
}

LogicalResult KernelEmitter::emitJoin() {
  FailureOr<std::vector<JoinPart>> parts = getJoinParts(kernelOp);
  if (failed(parts))
    return failure();
  for (auto [index, part] : llvm::enumerate(*parts))
    // Slices start anywhere.
    launchLoops("part" + std::to_string(index), std::move(part.kernel),
                /*vectors=*/false,
                {{part.tensor, part.buffer, /*isInput=*/false}});
  return success();
}

LogicalResult KernelEmitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(host.entry);
  LogicalResult status = success();
  std::string reason;
  FailureOr<Contraction> contraction = TemplateCall::findContraction(kernelOp);
  bool isProduct =
      kernelOp.getKind() == KernelKind::Template && succeeded(contraction) &&
      contraction->kind == ContractionKind::Product &&
      hasUnitStride(contraction->lhs, contraction->lhsMap, contraction->row,
                    contraction->inner) &&
      hasUnitStride(contraction->rhs, contraction->rhsMap, contraction->inner,
                    contraction->column);
  if (isProduct) {
    status = emitProduct();
  } else if (kernelOp.getKind() == KernelKind::Join) {
    status = emitJoin();
  } else if (FailureOr<LoopKernel> loops = analyzeLoops(&reason);
             succeeded(loops)) {
    launchLoops("", std::move(*loops), /*vectors=*/true);
  } else {
    status = emitScatter();
  }
  func::ReturnOp::create(b, kernelOp.getLoc());
  return status;
}
