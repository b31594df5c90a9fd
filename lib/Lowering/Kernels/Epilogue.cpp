//===- Epilogue.cpp - Pointwise ops after a contraction -------------------===//

#include "fx/Lowering/Kernels/Epilogue.h"

using namespace mlir;
using namespace mlir::fx;

/// Whether an access has the given dims as its last indices, or none of them.
static bool runsThrough(Value tensor, AffineMap map, ArrayRef<unsigned> dims) {
  unsigned rank = map.getNumResults(), count = dims.size();
  auto type = cast<RankedTensorType>(tensor.getType());
  bool none = llvm::none_of(
      dims, [&](unsigned d) { return map.isFunctionOfDim(d); });
  if (none)
    return true;
  if (rank < count)
    return false;
  for (unsigned i = 0; i < count; ++i) {
    auto d = dyn_cast<AffineDimExpr>(map.getResult(rank - count + i));
    if (!d || d.getPosition() != dims[i] ||
        type.isDynamicDim(rank - count + i))
      return false;
  }
  for (unsigned i = 0; i + count < rank; ++i)
    for (unsigned d : dims)
      if (map.getResult(i).isFunctionOfDim(d))
        return false;
  return true;
}

FailureOr<Epilogue>
fx::matchEpilogue(Contraction &contraction,
                  const llvm::SetVector<Operation *> &ops,
                  ArrayRef<Value> outputs) {
  if (outputs.empty())
    return failure();
  FailureOr<LoopKernel> analyzed = LoopKernel::analyze(ops, outputs);
  if (failed(analyzed) || analyzed->hasReduction())
    return failure();
  Epilogue epilogue{std::move(*analyzed), {}, {}, -1, {}};
  LoopKernel &kernel = epilogue.kernel;
  Value raw = contraction.op.getResult(0);
  if (kernel.gathered.contains(raw))
    return failure();
  AffineMap place;
  for (LoopAccess &load : kernel.loads) {
    if (load.tensor != raw)
      continue;
    if (place)
      return failure();
    place = load.map;
  }
  if (!place)
    return failure();

  // Each index of the result is one dim.
  auto type = cast<RankedTensorType>(raw.getType());
  SmallVector<unsigned> columns;
  llvm::SmallBitVector covered(kernel.dims.size());
  bool isProduct = contraction.kind == ContractionKind::Product;
  bool isGradient = contraction.kind == ContractionKind::WeightGradient;
  AffineMap resultMap = contraction.op.getIndexingMapsArray()[2];
  for (auto [i, expr] : llvm::enumerate(place.getResults())) {
    if (isa<AffineConstantExpr>(expr)) {
      if (type.getDimSize(i) != 1)
        return failure();
      continue;
    }
    auto d = dyn_cast<AffineDimExpr>(expr);
    if (!d || covered[d.getPosition()] ||
        kernel.dims[d.getPosition()].size != type.getDimSize(i))
      return failure();
    covered.set(d.getPosition());
    unsigned loop =
        isProduct ? cast<AffineDimExpr>(resultMap.getResult(i)).getPosition()
                  : 0;
    bool isBatch = isProduct ? llvm::is_contained(contraction.batch, loop)
                             : i == 0 && !isGradient;
    bool isRow = isProduct ? llvm::is_contained(contraction.row, loop)
                           : i < 2u - isGradient + contraction.grouped;
    (isBatch ? epilogue.batchDims : isRow ? epilogue.rowDims : columns)
        .push_back(d.getPosition());
  }
  for (unsigned d = 0; d < kernel.dims.size(); ++d)
    if (kernel.dims[d].size != 1 && !covered[d])
      return failure();
  if (columns.empty())
    return failure();
  epilogue.columnDim = columns.back();
  for (unsigned d = 0; d < kernel.dims.size(); ++d)
    if (!llvm::is_contained(columns, d))
      kernel.indexDims.set(d);
  if (columns.size() > 1) {
    for (unsigned d : columns)
      if (kernel.indexDims[d] || ShapedType::isDynamic(kernel.dims[d].size))
        return failure();
    for (LoopAccess &load : kernel.loads)
      if (!runsThrough(load.tensor, load.map, columns))
        return failure();
    for (LoopOutput &output : kernel.outputs)
      if (!runsThrough(output.tensor, output.map, columns))
        return failure();
  }
  for (LoopOutput &output : kernel.outputs)
    if (output.tensor.getType() == raw.getType() && output.map == place) {
      epilogue.inPlace = output.tensor;
      break;
    }
  return epilogue;
}
