//===- TemplateKernel.cpp - Matrix products and convolutions --------------===//
//
// A template kernel is a call of the runtime. The ops that follow the
// contraction become its epilogue, a function that the runtime calls for each
// finished tile of the result while the tile is in the cache.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "../Common/TemplateCall.h"

#include "fx/Lowering/Kernels/Passes.h"

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
  Value constant(int64_t value) { return constant(b, value); }
  Value constant(OpBuilder &b, int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  Value null() { return LLVM::ZeroOp::create(b, loc, pointer); }
  /// The runtime takes a null pointer for a result that only the epilogue sees.
  Value getMemory(Value result) { return result ? result : null(); }
  /// Where the run-time library keeps what it prepares of frozen weights.
  Value getFrozenStore();
  void emitProduct(TemplateCall &call);
  void emitConvolution(TemplateCall &call);
  void placeTile(OpBuilder &b, Contraction &match, func::FuncOp callback,
                 Buffer &raw);
  LogicalResult emitEpilogue(TemplateCall &call);

  OpBuilder &b;
  Location loc;
  KernelOp kernelOp;
  KernelFunction &target;
  unsigned vectorBits;
  Type pointer, i64;
  /// What the runtime calls for each tile; null pointers without an epilogue.
  Value epilogue, closure;
};

} // namespace

Value TemplateEmitter::getFrozenStore() {
  auto module = target.function->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(kFrozenStore);
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    global = LLVM::GlobalOp::create(b, loc, pointer, /*isConstant=*/false,
                                    LLVM::Linkage::External, kFrozenStore,
                                    Attribute());
    global.setVisibility_(LLVM::Visibility::Hidden);
    b.createBlock(&global.getInitializerRegion());
    LLVM::ReturnOp::create(b, loc, null());
  }
  return LLVM::AddressOfOp::create(b, loc, global);
}

void TemplateEmitter::emitProduct(TemplateCall &call) {
  ProductCall product = call.getProduct(b, target);
  auto &[batch, rows, columns, inner, lhs, rhs, result] = product;
  Type element = call.match.element;
  SmallVector<Value> operands = {
      target.context,      batch,
      rows,                columns,
      inner,               lhs.pointer,
      lhs.batchStride,     lhs.rowStride,
      lhs.columnStride,    rhs.pointer,
      rhs.batchStride,     rhs.rowStride,
      rhs.columnStride,    getMemory(result.pointer),
      result.batchStride,  result.rowStride,
      arith::ConstantIntOp::create(b, loc, 0, 32),
      epilogue,            closure};
  if (kernelOp->hasAttr(kFrozenAttr)) {
    operands = {target.context,    getFrozenStore(), rows,
                columns,           inner,            lhs.pointer,
                lhs.rowStride,     lhs.columnStride, rhs.pointer,
                rhs.rowStride,     rhs.columnStride, getMemory(result.pointer),
                result.rowStride,  epilogue,         closure};
    StringRef name = element.isF32()    ? "fx_rt_sgemm_frozen"
                     : element.isBF16() ? "fx_rt_gemm_bf16_frozen"
                                        : "fx_rt_gemm_f16_frozen";
    func::FuncOp callee = declareRuntime(
        b, target, name,
        b.getFunctionType(ValueRange(operands).getTypes(), {}));
    func::CallOp::create(b, loc, callee, operands);
    return;
  }
  if (element.isInteger(8)) {
    operands.push_back(arith::ConstantIntOp::create(
        b, loc, call.match.unsignedLhs + 2 * call.match.unsignedRhs, 32));
    func::FuncOp callee = declareRuntime(
        b, target, "fx_rt_gemm_i8",
        b.getFunctionType(ValueRange(operands).getTypes(), {b.getI32Type()}));
    func::CallOp::create(b, loc, callee, operands);
    return;
  }
  StringRef name = element.isF32()    ? "fx_rt_sgemm_batched"
                   : element.isF64()  ? "fx_rt_dgemm_batched"
                   : element.isBF16() ? "fx_rt_gemm_bf16"
                                      : "fx_rt_gemm_f16";
  func::FuncOp callee = declareRuntime(
      b, target, name, b.getFunctionType(ValueRange(operands).getTypes(), {}));
  func::CallOp::create(b, loc, callee, operands);
}

void TemplateEmitter::emitConvolution(TemplateCall &call) {
  const Contraction &match = call.match;
  const Buffer &result = call.result;
  Buffer input = getBuffer(kernelOp, target, match.input);
  bool isForward = match.kind == ContractionKind::Convolution;
  // Of a weight gradient, the operand is the gradient of the output and the
  // result has the weight's shape.
  Buffer operand = getBuffer(kernelOp, target, match.weight);
  const Buffer &weight = isForward ? operand : result;
  const Buffer &output = isForward ? result : operand;
  int64_t spatial = match.stride.size(), g = match.grouped;
  int64_t kernelDim = match.getKernelDim();
  auto size = [&](const Buffer &buffer, int64_t dim) {
    return materialize(b, loc, buffer.sizes[dim]);
  };
  Value one = constant(1), zero = constant(0);
  auto pick = [&](auto get, Value absent, int64_t axis) -> Value {
    int64_t i = axis - (3 - spatial);
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
                               pick(sizeAt(input, 2), one, 1),
                               pick(sizeAt(input, 2), one, 2),
                               outChannels,
                               pick(sizeAt(output, 2 + g), one, 1),
                               pick(sizeAt(output, 2 + g), one, 2),
                               pick(sizeAt(weight, kernelDim), one, 1),
                               pick(sizeAt(weight, kernelDim), one, 2),
                               pick(known(match.stride), one, 1),
                               pick(known(match.stride), one, 2),
                               pick(known(match.padding), zero, 1),
                               pick(known(match.padding), zero, 2),
                               pick(known(match.dilation), one, 1),
                               pick(known(match.dilation), one, 2),
                               groups,
                               pick(sizeAt(input, 2), one, 0),
                               pick(sizeAt(output, 2 + g), one, 0),
                               pick(sizeAt(weight, kernelDim), one, 0),
                               pick(known(match.stride), one, 0),
                               pick(known(match.padding), zero, 0),
                               pick(known(match.dilation), one, 0),
                               constant(match.channelsLast)};
  Value shape = LLVM::AllocaOp::create(b, loc, pointer, i64,
                                       constant(fields.size()), 8);
  for (auto [i, field] : llvm::enumerate(fields))
    LLVM::StoreOp::create(
        b, loc, field,
        LLVM::GEPOp::create(b, loc, pointer, i64, shape,
                            LLVM::GEPArg(static_cast<int32_t>(i))));
  SmallVector<Value> operands = {target.context};
  bool isFrozen = kernelOp->hasAttr(kFrozenAttr);
  if (isFrozen)
    operands.push_back(getFrozenStore());
  operands.push_back(shape);
  if (isForward)
    operands.append({input.pointer, operand.pointer, null(),
                     getMemory(result.pointer), epilogue, closure});
  else
    operands.append({operand.pointer, input.pointer, getMemory(result.pointer),
                     epilogue, closure});
  std::string name =
      isForward ? "fx_rt_conv2d" : "fx_rt_conv2d_backward_weight";
  if (!match.element.isF32())
    name += match.element.isBF16() ? "_bf16" : "_f16";
  if (isFrozen)
    name += "_frozen";
  func::FuncOp callee = declareRuntime(
      b, target, name,
      b.getFunctionType(ValueRange(operands).getTypes(), {b.getI32Type()}));
  func::CallOp::create(b, loc, callee, operands);
}

/// A hidden result is where the callback's tile is: the matrices of a batch
/// take turns, rows are as far apart as the runtime says.
void TemplateEmitter::placeTile(OpBuilder &b, Contraction &match,
                                func::FuncOp callback, Buffer &raw) {
  AffineMap map = match.op.getIndexingMapsArray()[2];
  auto isOneOf = [&](int64_t dim, ArrayRef<unsigned> loops) {
    return llvm::is_contained(
        loops, cast<AffineDimExpr>(map.getResult(dim)).getPosition());
  };
  auto isBatch = [&](int64_t dim) {
    if (match.kind == ContractionKind::Product)
      return isOneOf(dim, match.batch);
    return match.kind == ContractionKind::Convolution && dim == 0;
  };
  const int64_t rowDims =
      (match.kind == ContractionKind::Convolution ? 2 : 1) + match.grouped;
  auto isRow = [&](int64_t dim) {
    return match.kind == ContractionKind::Product ? isOneOf(dim, match.row)
                                                  : dim < rowDims;
  };
  Value row = callback.getArgument(2), column = callback.getArgument(3);
  Value tile = callback.getArgument(6), distance = callback.getArgument(7);
  raw.strides.assign(raw.sizes.size(), b.getI64IntegerAttr(0));
  Value rowStep = distance, columnStep = constant(b, 1);
  for (int64_t d = raw.sizes.size() - 1; d >= 0; --d) {
    if (isBatch(d))
      continue;
    Value &step = isRow(d) ? rowStep : columnStep;
    std::optional<int64_t> known = getConstantIntValue(step);
    raw.strides[d] = known ? OpFoldResult(b.getI64IntegerAttr(*known)) : step;
    step = b.createOrFold<arith::MulIOp>(loc, step,
                                         materialize(b, loc, raw.sizes[d]));
  }
  Value offset = arith::AddIOp::create(
      b, loc, arith::MulIOp::create(b, loc, row, distance), column);
  offset = arith::SubIOp::create(b, loc, constant(b, 0), offset);
  raw.pointer = LLVM::GEPOp::create(b, loc, pointer, raw.type.getElementType(),
                                    tile, LLVM::GEPArg(offset));
}

LogicalResult TemplateEmitter::emitEpilogue(TemplateCall &call) {
  epilogue = closure = null();
  if (!call.epilogue)
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
    FailureOr<Buffer> raw = call.getResultIn(target, inside);
    if (failed(raw))
      return failure();
    Epilogue &found = *call.epilogue;
    LoopSchedule schedule =
        chooseSchedule(found.kernel, vectorBits, found.columnDim);
    // The spatial dims of a convolution are one column.
    TileDims tile{found.batchDims, found.rowDims};
    LoopEmitter emitter(b, kernelOp, inside, std::move(found.kernel),
                        std::move(schedule));
    emitter.setBuffer(
        call.raw,
        [&](OpBuilder &b, KernelFunction &) {
          if (call.isHidden())
            placeTile(b, call.match, callback, *raw);
          return *raw;
        },
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
  FailureOr<TemplateCall> call = TemplateCall::create(b, kernelOp, target);
  if (failed(call) || failed(emitEpilogue(*call)))
    return failure();
  if (call->match.kind == ContractionKind::Product)
    emitProduct(*call);
  else
    emitConvolution(*call);
  func::ReturnOp::create(b, loc);
  return success();
}

LogicalResult cpu::emitTemplateKernel(OpBuilder &b, KernelOp kernelOp,
                                      KernelFunction &target,
                                      unsigned vectorBits) {
  return TemplateEmitter(b, kernelOp, target, vectorBits).emit();
}
