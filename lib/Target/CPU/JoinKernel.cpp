//===- JoinKernel.cpp - Tensors side by side in a result ------------------===//
//
// Where all parts run through the leading dims of the result, they are written
// together, block by block of these: memory is written from begin to end, and
// threads share the work of all parts at once.
//

#include "Kernels.h"

#include "../Common/JoinParts.h"

#include "fx/Support/Sizes.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::cpu;

/// Bytes of the result that all parts write before the next block.
static constexpr int64_t kBlockBytes = 1 << 11;
/// Points of the leading dims that are worth it.
static constexpr int64_t kMinPoints = 32;
/// Below this much work (elements times a cost of each) threads do not pay.
static constexpr int64_t kSerialWork = 1 << 16;
/// Work of one chunk that a thread takes.
static constexpr int64_t kChunkWork = 1 << 15;

namespace {

/// A part with the kernel dims that are leading dims of the result.
struct LeadingPart {
  LoopSchedule schedule;
  SmallVector<unsigned> dims;
};

} // namespace

static int64_t estimateWork(const LoopKernel &kernel) {
  int64_t work = 1 + kernel.numOps + kernel.loads.size() +
                 10 * kernel.numTranscendental;
  for (const LoopDim &dim : kernel.dims)
    work = estimateProduct(work, dim.size, /*dynamic=*/256);
  return work;
}

/// How many dims of the result all parts fill from begin to end.
static unsigned countFullDims(KernelOp kernelOp,
                              ArrayRef<JoinPart> parts) {
  auto type = cast<RankedTensorType>(kernelOp.getResult(0).getType());
  if (!type.hasStaticShape())
    return 0;
  int64_t count = type.getRank();
  for (const JoinPart &part : parts) {
    tensor::InsertSliceOp insert = part.insert;
    if (!insert)
      continue;
    llvm::SmallBitVector dropped = insert.getDroppedDims();
    for (int64_t d = 0; d < count; ++d)
      if (dropped[d] || insert.getStaticSizes()[d] != type.getDimSize(d) ||
          insert.getStaticOffsets()[d] != 0 ||
          insert.getStaticStrides()[d] != 1)
        count = d;
  }
  return count;
}

/// The dims of a part that are the first `count` of the result, without those of
/// size 1; failure if they are not loops of their own.
static FailureOr<LeadingPart> getLeadingPart(const JoinPart &part,
                                             unsigned count,
                                             unsigned vectorBits) {
  LeadingPart leading{chooseSchedule(part.kernel, vectorBits), {}};
  AffineMap map = part.kernel.outputs[0].map;
  for (unsigned d = 0; d < count; ++d) {
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(d));
    if (!dim)
      return failure();
    if (part.kernel.dims[dim.getPosition()].size == 1)
      continue;
    if (!llvm::is_contained(leading.schedule.kept, dim.getPosition()))
      return failure();
    leading.dims.push_back(dim.getPosition());
  }
  return leading;
}

/// Writes all parts together; returns false, without code, where that does not
/// pay.
static bool emitTogether(OpBuilder &b, KernelOp kernelOp,
                         KernelFunction &target, std::vector<JoinPart> &parts,
                         unsigned vectorBits) {
  unsigned count = countFullDims(kernelOp, parts);
  auto type = cast<RankedTensorType>(kernelOp.getResult(0).getType());
  int64_t points = 1, bytes = 1;
  for (auto [d, size] : llvm::enumerate(type.getShape()))
    (d < count ? points : bytes) *= size;
  if (parts.size() < 2 || points < kMinPoints)
    return false;
  std::vector<LeadingPart> leading;
  int64_t work = 0;
  for (const JoinPart &part : parts) {
    FailureOr<LeadingPart> found = getLeadingPart(part, count, vectorBits);
    if (failed(found))
      return false;
    leading.push_back(std::move(*found));
    work += estimateWork(part.kernel);
  }
  if (type.getElementType().isIntOrFloat())
    bytes *= llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  else
    bytes *= 8;

  Location loc = kernelOp.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  FunctionType range = b.getFunctionType(
      {pointer, b.getI64Type(), b.getI64Type()}, {});
  SmallVector<func::FuncOp> functions;
  for (auto [index, part] : llvm::enumerate(parts)) {
    KernelFunction function = target;
    func::FuncOp body = createCallback(
        b, target, ("part" + Twine(index)).str(), range);
    Block &block = body.getBody().front();
    OpBuilder inner(b.getContext());
    inner.setInsertionPointToEnd(&block);
    unpackClosure(inner, function, body.getArgument(0));
    LoopEmitter emitter(inner, kernelOp, function, std::move(part.kernel),
                        std::move(leading[index].schedule));
    emitter.setBuffer(part.tensor, part.buffer, /*isInput=*/false);
    emitter.emitLeading(&block, leading[index].dims, body.getArgument(1),
                        body.getArgument(2));
    inner.setInsertionPointToEnd(&block);
    func::ReturnOp::create(inner, loc);
    functions.push_back(body);
  }

  func::FuncOp all = createCallback(b, target, "body", range);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&all.getBody().front());
    Value closure = all.getArgument(0), end = all.getArgument(2);
    Value step = arith::ConstantIntOp::create(
        b, loc, std::max<int64_t>(1, kBlockBytes / bytes), 64);
    auto loop = scf::ForOp::create(b, loc, all.getArgument(1), end, step);
    func::ReturnOp::create(b, loc);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    Value first = loop.getInductionVar();
    Value last = arith::MinSIOp::create(
        b, loc, end, arith::AddIOp::create(b, loc, first, step));
    for (func::FuncOp function : functions)
      func::CallOp::create(b, loc, function, ValueRange{closure, first, last});
  }
  auto constant = [&](int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  };
  Value closure = packClosure(b, target);
  if (work < kSerialWork) {
    func::CallOp::create(b, loc, all,
                         ValueRange{closure, constant(0), constant(points)});
  } else {
    func::FuncOp run = declareRuntime(
        b, target, "fx_rt_parallel_for",
        b.getFunctionType({pointer, pointer, pointer, b.getI64Type(),
                           b.getI64Type()},
                          {}));
    func::CallOp::create(
        b, loc, run,
        ValueRange{target.context, getAddress(b, all), closure,
                   constant(points),
                   constant(std::max<int64_t>(
                       1, kChunkWork / std::max<int64_t>(1, work / points)))});
  }
  func::ReturnOp::create(b, loc);
  return true;
}

LogicalResult cpu::emitJoinKernel(OpBuilder &b, KernelOp kernelOp,
                                  KernelFunction &target,
                                  unsigned vectorBits) {
  OpBuilder::InsertionGuard guard(b);
  FailureOr<std::vector<JoinPart>> parts = getJoinParts(kernelOp);
  if (failed(parts))
    return failure();
  b.setInsertionPointToEnd(target.entry);
  if (emitTogether(b, kernelOp, target, *parts, vectorBits))
    return success();
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
