//===- DecomposeContractions.cpp - Linear, matmul, outer ------------------===//

#include "Decompose.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// [..., k] -> [product of ..., k]
static Value foldRows(TensorBuilder &b, Value x) {
  int64_t rank = getRank(x);
  if (rank == 2)
    return x;
  SmallVector<int64_t> rows = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  return b.view(x, {b.countOf(x, rows), b.sizeOf(x, rank - 1)});
}

/// linear(x, W, bias) -> view(addmm(bias, view(x), permute(W)))
static SmallVector<Value> decomposeLinear(LinearOp op, TensorBuilder &b) {
  Value x = op.getInput(), weight = op.getWeight(), bias = op.getBias();
  int64_t last = getRank(x) - 1;
  if (getRank(weight) == 1) {
    Value dot = b.sum(b.mul(x, weight), last, /*keepdim=*/false);
    return {bias ? b.add(dot, bias) : dot};
  }
  Value matrix = foldRows(b, x), transposed = b.permute(weight, {1, 0});
  bool fused = bias && getRank(bias) == 1;
  Value y = fused ? b.create<AddmmOp>(bias, matrix, transposed,
                                      llvm::APFloat(1.0), llvm::APFloat(1.0))
                        .getResult()
                  : b.create<MmOp>(matrix, transposed).getResult();
  if (last != 1) {
    Sizes sizes = b.sizesOf(x);
    sizes.back() = b.sizeOf(weight, 0);
    y = b.view(y, sizes);
  }
  return {bias && !fused ? b.add(y, bias) : y};
}

/// Broadcasts the batch dimensions of a matmul operand and merges them.
static Value toBatch(TensorBuilder &b, Value x, ArrayRef<Size> batch,
                     Size count) {
  int64_t rank = getRank(x);
  Sizes sizes(batch);
  sizes.push_back(b.sizeOf(x, rank - 2));
  sizes.push_back(b.sizeOf(x, rank - 1));
  bool broadcast = rank != (int64_t)sizes.size();
  for (int64_t i = 0; !broadcast && i < rank - 2; ++i)
    broadcast = getTensorType(x).getDimSize(i) == 1 &&
                sizes[i] != OpFoldResult(b.size(1));
  if (broadcast)
    x = b.expand(x, sizes);
  if (batch.size() == 1)
    return x;
  return b.view(x, {count, sizes[batch.size()], sizes[batch.size() + 1]});
}

Value fx::buildMatmul(TensorBuilder &b, Value lhs, Value rhs) {
  int64_t rankA = getRank(lhs), rankB = getRank(rhs);
  if (rankA == 1 && rankB == 1)
    return b.sum(b.mul(lhs, rhs), 0, /*keepdim=*/false);
  if (rankA == 2 && rankB == 2)
    return b.create<MmOp>(lhs, rhs);
  if (rankA == 1)
    return b.squeeze(buildMatmul(b, b.unsqueeze(lhs, 0), rhs),
                     std::max<int64_t>(rankB - 2, 0));
  if (rankB == 1)
    return b.squeeze(buildMatmul(b, lhs, b.unsqueeze(rhs, 1)), rankA - 1);
  if (rankB == 2) {
    Sizes sizes = b.sizesOf(lhs);
    sizes.back() = b.sizeOf(rhs, 1);
    return b.view(b.create<MmOp>(foldRows(b, lhs), rhs), sizes);
  }
  // The batch dimensions are broadcast, aligned at the end.
  int64_t batchA = rankA - 2, batchB = rankB - 2;
  int64_t batchRank = std::max(batchA, batchB);
  Sizes batch;
  for (int64_t i = 0; i < batchRank; ++i) {
    int64_t a = i - (batchRank - batchA), c = i - (batchRank - batchB);
    bool fromA = a >= 0 && (c < 0 || getTensorType(lhs).getDimSize(a) > 1 ||
                            getTensorType(rhs).getDimSize(c) == 1);
    batch.push_back(fromA ? b.sizeOf(lhs, a) : b.sizeOf(rhs, c));
  }
  Size count = b.size(1);
  for (Size size : batch)
    count = b.multiply(count, size);
  Value product = b.create<BmmOp>(toBatch(b, lhs, batch, count),
                                  toBatch(b, rhs, batch, count));
  if (batchRank == 1)
    return product;
  Sizes sizes(batch);
  sizes.push_back(b.sizeOf(lhs, rankA - 2));
  sizes.push_back(b.sizeOf(rhs, rankB - 1));
  return b.view(product, sizes);
}

static SmallVector<Value> decomposeMatmul(MatmulOp op, TensorBuilder &b) {
  return {buildMatmul(b, op.getSelf(), op.getOther())};
}

/// outer(a, b) -> unsqueeze(a, 1) * b
static SmallVector<Value> decomposeOuter(OuterOp op, TensorBuilder &b) {
  return {b.mul(b.unsqueeze(op.getSelf(), 1), op.getVec2())};
}

void fx::populateDecomposeContractions(RewritePatternSet &patterns) {
  addDecomposition<LinearOp>(patterns, decomposeLinear);
  addDecomposition<MatmulOp>(patterns, decomposeMatmul);
  addDecomposition<OuterOp>(patterns, decomposeOuter);
}
