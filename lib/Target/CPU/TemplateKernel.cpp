//===- TemplateKernel.cpp - Matrix products and convolutions --------------===//
//
// A template kernel is a call of the runtime. The ops that follow the
// contraction become its epilogue, a function that the runtime calls for each
// finished tile of the result while the tile is in the cache.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "fx/Lowering/Kernels/Contraction.h"
#include "fx/Lowering/Kernels/Epilogue.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

namespace {

class TemplateEmitter {
public:
  TemplateEmitter(OpBuilder &b, KernelOp kernelOp, KernelFunction &target,
                  unsigned vectorBits)
      : b(b), loc(kernelOp.getLoc()), kernelOp(kernelOp), target(target),
        vectorBits(vectorBits),
        pointer(LLVM::LLVMPointerType::get(b.getContext())),
        i64(b.getI64Type()) {}
  LogicalResult emit();

private:
  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  Value null() { return LLVM::ZeroOp::create(b, loc, pointer); }
  Buffer getBuffer(Value tensor) {
    return target.inputs[cast<BlockArgument>(tensor).getArgNumber()];
  }
  Value getStride(const Buffer &buffer, unsigned dim);
  /// The step in memory of a class of loops, 0 if the tensor does not vary.
  Value getStride(const Buffer &buffer, AffineMap map,
                  ArrayRef<unsigned> loops);
  Value getNumPoints(ArrayRef<unsigned> loops);
  void emitProduct();
  void emitConvolution();
  LogicalResult emitEpilogue();

  OpBuilder &b;
  Location loc;
  KernelOp kernelOp;
  KernelFunction &target;
  unsigned vectorBits;
  Type pointer, i64;
  Contraction match;
  /// Memory of the contraction's result.
  Buffer result;
  Value epilogue, closure;
};

} // namespace

Value TemplateEmitter::getStride(const Buffer &buffer, unsigned dim) {
  Value stride = constant(1);
  for (size_t d = dim + 1; d < buffer.sizes.size(); ++d)
    stride = arith::MulIOp::create(b, loc, stride,
                                   materialize(b, loc, buffer.sizes[d]));
  return stride;
}

Value TemplateEmitter::getStride(const Buffer &buffer, AffineMap map,
                                 ArrayRef<unsigned> loops) {
  if (!loops.empty())
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (cast<AffineDimExpr>(expr).getPosition() == loops.back())
        return getStride(buffer, i);
  return constant(0);
}

Value TemplateEmitter::getNumPoints(ArrayRef<unsigned> loops) {
  Value points;
  for (unsigned loop : loops) {
    Value size;
    for (auto [tensor, map] : {std::pair(match.lhs, match.lhsMap),
                               std::pair(match.rhs, match.rhsMap)})
      for (auto [i, expr] : llvm::enumerate(map.getResults()))
        if (!size && cast<AffineDimExpr>(expr).getPosition() == loop)
          size = materialize(b, loc, getBuffer(tensor).sizes[i]);
    points = points ? Value(arith::MulIOp::create(b, loc, points, size)) : size;
  }
  return points ? points : constant(1);
}

void TemplateEmitter::emitProduct() {
  Buffer lhs = getBuffer(match.lhs), rhs = getBuffer(match.rhs);
  AffineMap map = match.op.getIndexingMapsArray()[2];
  SmallVector<Value> operands = {
      target.context,
      getNumPoints(match.batch),
      getNumPoints(match.row),
      getNumPoints(match.column),
      getNumPoints(match.inner),
      lhs.pointer,
      getStride(lhs, match.lhsMap, match.batch),
      getStride(lhs, match.lhsMap, match.row),
      getStride(lhs, match.lhsMap, match.inner),
      rhs.pointer,
      getStride(rhs, match.rhsMap, match.batch),
      getStride(rhs, match.rhsMap, match.inner),
      getStride(rhs, match.rhsMap, match.column),
      result.pointer,
      getStride(result, map, match.batch),
      getStride(result, map, match.row),
      arith::ConstantIntOp::create(b, loc, 0, 32),
      epilogue,
      closure};
  StringRef name = match.element.isF32()    ? "fx_rt_sgemm_batched"
                   : match.element.isF64()  ? "fx_rt_dgemm_batched"
                   : match.element.isBF16() ? "fx_rt_gemm_bf16"
                                            : "fx_rt_gemm_f16";
  func::FuncOp callee = declareRuntime(
      b, target, name, b.getFunctionType(ValueRange(operands).getTypes(), {}));
  func::CallOp::create(b, loc, callee, operands);
}

void TemplateEmitter::emitConvolution() {
  Buffer input = getBuffer(match.input);
  bool isForward = match.kind == ContractionKind::Convolution;
  // Of a weight gradient, the operand is the gradient of the output and the
  // result has the weight's shape.
  Buffer operand = getBuffer(match.weight);
  const Buffer &weight = isForward ? operand : result;
  const Buffer &output = isForward ? result : operand;
  int64_t spatial = match.stride.size(), g = match.grouped;
  auto size = [&](const Buffer &buffer, int64_t dim) {
    return materialize(b, loc, buffer.sizes[dim]);
  };
  Value one = constant(1), zero = constant(0);
  auto pick = [&](auto get, Value absent, int64_t axis) -> Value {
    int64_t i = axis - (2 - spatial);
    return i < 0 ? absent : get(i);
  };
  auto sizeAt = [&](const Buffer &buffer, int64_t lead) {
    return [&, lead](int64_t i) { return size(buffer, lead + i); };
  };
  auto known = [&](ArrayRef<int64_t> values) {
    return [&, values](int64_t i) { return constant(values[i]); };
  };
  Value groups = g ? size(weight, 0) : one;
  Value outChannels =
      arith::MulIOp::create(b, loc, groups, size(weight, g));
  // The fields of fx_rt_conv_shape.
  SmallVector<Value> fields = {size(input, 0), size(input, 1),
                               pick(sizeAt(input, 2), one, 0),
                               pick(sizeAt(input, 2), one, 1),
                               outChannels,
                               pick(sizeAt(output, 2 + g), one, 0),
                               pick(sizeAt(output, 2 + g), one, 1),
                               pick(sizeAt(weight, 2 + g), one, 0),
                               pick(sizeAt(weight, 2 + g), one, 1),
                               pick(known(match.stride), one, 0),
                               pick(known(match.stride), one, 1),
                               pick(known(match.padding), zero, 0),
                               pick(known(match.padding), zero, 1),
                               pick(known(match.dilation), one, 0),
                               pick(known(match.dilation), one, 1),
                               groups};
  Value shape = LLVM::AllocaOp::create(b, loc, pointer, i64,
                                       constant(fields.size()), 8);
  for (auto [i, field] : llvm::enumerate(fields))
    LLVM::StoreOp::create(
        b, loc, field,
        LLVM::GEPOp::create(b, loc, pointer, i64, shape,
                            LLVM::GEPArg(static_cast<int32_t>(i))));
  SmallVector<Value> operands = {target.context, shape};
  if (isForward)
    operands.append({input.pointer, operand.pointer, null(), result.pointer,
                     epilogue, closure});
  else
    operands.append({operand.pointer, input.pointer, result.pointer});
  func::FuncOp callee = declareRuntime(
      b, target,
      isForward ? "fx_rt_conv2d" : "fx_rt_conv2d_backward_weight",
      b.getFunctionType(ValueRange(operands).getTypes(), {b.getI32Type()}));
  func::CallOp::create(b, loc, callee, operands);
}

LogicalResult TemplateEmitter::emitEpilogue() {
  Block &body = kernelOp.getBody().front();
  Value raw = match.op.getResult(0);
  llvm::SetVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    if (&op != match.op && !isa<tensor::PadOp>(op) && isLoopOp(&op))
      ops.insert(&op);
  SmallVector<Value> outputs;
  for (Value value : body.getTerminator()->getOperands())
    if (value != raw)
      outputs.push_back(value);

  FailureOr<Epilogue> found = failure();
  if (!outputs.empty()) {
    found = matchEpilogue(match, ops, outputs);
    if (failed(found))
      return kernelOp.emitOpError("has ops that are no epilogue of its "
                                  "contraction");
  }
  // Where the raw result is: a buffer of its own, or that of a result.
  auto yielded = body.getTerminator()->getOperands();
  auto it = llvm::find(yielded, raw);
  if (it == yielded.end()) {
    if (failed(found) || !found->inPlace)
      return kernelOp.emitOpError("has no memory for its contraction");
    it = llvm::find(yielded, found->inPlace);
  }
  Buffer memory = target.results[std::distance(yielded.begin(), it)];
  // It is seen in the shape of the contraction.
  result = memory;
  result.type = cast<RankedTensorType>(raw.getType());
  if (outputs.empty() || memory.type != result.type) {
    result.sizes.clear();
    for (auto [i, dim] : llvm::enumerate(result.type.getShape()))
      result.sizes.push_back(b.getI64IntegerAttr(dim));
  }
  if (!result.type.hasStaticShape()) {
    // Sizes of the result follow from the operands.
    for (auto [i, dim] : llvm::enumerate(result.type.getShape())) {
      if (!ShapedType::isDynamic(dim))
        continue;
      if (match.kind == ContractionKind::Product) {
        auto loop = cast<AffineDimExpr>(
            match.op.getIndexingMapsArray()[2].getResult(i));
        result.sizes[i] = getNumPoints({loop.getPosition()});
      } else if (i == 0) {
        result.sizes[i] = getBuffer(match.input).sizes[0];
      } else if (memory.type.getRank() == result.type.getRank()) {
        result.sizes[i] = memory.sizes[i];
      } else {
        return kernelOp.emitOpError("has a dynamic size that is not known");
      }
    }
  }
  epilogue = closure = null();
  if (outputs.empty())
    return success();

  // The closure holds the kernel's arguments; the callback finds the result's
  // memory in them.
  FunctionType type = b.getFunctionType(
      {pointer, i64, i64, i64, i64, i64, pointer, i64}, {});
  func::FuncOp callback = createCallback(b, target, "epilogue", type);
  KernelFunction inside = target;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&callback.getBody().front());
    unpackClosure(b, inside, callback.getArgument(0));
    Buffer rawInside = result;
    unsigned index = std::distance(yielded.begin(), it);
    rawInside.pointer = inside.results[index].pointer;
    IRMapping mapping;
    for (auto [outer, inner] : llvm::zip(target.inputs, inside.inputs))
      for (auto [x, y] : llvm::zip(outer.sizes, inner.sizes))
        if (auto value = dyn_cast<Value>(x))
          mapping.map(value, cast<Value>(y));
    for (auto [i, size] : llvm::enumerate(rawInside.sizes)) {
      auto value = dyn_cast<Value>(size);
      if (!value)
        continue;
      if (Value known = mapping.lookupOrNull(value)) {
        size = known;
        continue;
      }
      return kernelOp.emitOpError("has a dynamic size in its epilogue that "
                                  "is not one of its operands");
    }
    LoopSchedule schedule =
        chooseSchedule(found->kernel, vectorBits, found->columnDim);
    // The spatial dims of a convolution are one column.
    TileDims tile{found->batchDims, found->rowDims};
    LoopEmitter emitter(b, kernelOp, inside, std::move(found->kernel),
                        std::move(schedule));
    emitter.setBuffer(
        raw, [&](OpBuilder &, KernelFunction &) { return rawInside; },
        /*isInput=*/true);
    emitter.emitTile(callback, tile);
  }
  epilogue = getAddress(b, callback);
  closure = packClosure(b, target);
  return success();
}

LogicalResult TemplateEmitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(target.entry);
  bool matched = false;
  for (auto op : kernelOp.getBody().front().getOps<linalg::GenericOp>()) {
    FailureOr<Contraction> found = matchContraction(op);
    if (failed(found))
      continue;
    match = *found;
    matched = true;
    break;
  }
  if (!matched)
    return kernelOp.emitOpError("holds no contraction that is a template");
  if (failed(emitEpilogue()))
    return failure();
  if (match.kind == ContractionKind::Product)
    emitProduct();
  else
    emitConvolution();
  func::ReturnOp::create(b, loc);
  return success();
}

LogicalResult cpu::emitTemplateKernel(OpBuilder &b, KernelOp kernelOp,
                                      KernelFunction &target,
                                      unsigned vectorBits) {
  return TemplateEmitter(b, kernelOp, target, vectorBits).emit();
}
