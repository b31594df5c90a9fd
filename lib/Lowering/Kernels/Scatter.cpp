//===- Scatter.cpp - Writes at places that are data -----------------------===//

#include "fx/Lowering/Kernels/Scatter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::fx;

/// Follows an scf.if that leaves the tensor alone in its else branch.
static tensor::InsertOp findInsert(Value yielded, Value carried) {
  if (auto insert = yielded.getDefiningOp<tensor::InsertOp>())
    return insert.getDest() == carried ? insert : tensor::InsertOp();
  auto branch = yielded.getDefiningOp<scf::IfOp>();
  if (!branch || branch.getNumResults() != 1 || !branch.elseBlock() ||
      branch.elseYield().getOperand(0) != carried)
    return {};
  return findInsert(branch.thenYield().getOperand(0), carried);
}

FailureOr<Scatter> fx::matchScatter(Value result) {
  Scatter scatter;
  auto loop = result.getDefiningOp<scf::ForOp>();
  if (!loop || loop.getNumResults() != 1)
    return failure();
  scatter.init = loop.getInitArgs()[0];
  while (true) {
    if (getConstantIntValue(loop.getLowerBound()) != 0 ||
        getConstantIntValue(loop.getStep()) != 1)
      return failure();
    scatter.loops.push_back(loop);
    Block *body = loop.getBody();
    auto inner = dyn_cast<scf::ForOp>(body->front());
    if (!inner || inner.getNumResults() != 1 ||
        inner.getInitArgs()[0] != loop.getRegionIterArg(0) ||
        body->getTerminator()->getOperand(0) != inner.getResult(0) ||
        &*std::next(body->begin()) != body->getTerminator())
      break;
    loop = inner;
  }
  Value carried = loop.getRegionIterArg(0);
  scatter.insert =
      findInsert(loop.getBody()->getTerminator()->getOperand(0), carried);
  if (!scatter.insert)
    return failure();
  // The body computes with scalars, and of the carried tensor it reads the
  // element that it replaces.
  bool isScalar = true;
  loop.getBody()->walk([&](Operation *op) {
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      isScalar &= extract.getTensor() != carried ||
                  llvm::equal(extract.getIndices(),
                              scatter.insert.getIndices());
    isScalar &= isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
                isa<tensor::ExtractOp, tensor::InsertOp, scf::IfOp,
                    scf::YieldOp>(op);
  });
  if (!isScalar)
    return failure();
  // Sums of types that memory can add.
  Operation *sum = scatter.insert.getScalar().getDefiningOp();
  Type type = scatter.insert.getScalar().getType();
  if (isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum) &&
      (type.isF32() || type.isF64() || type.isInteger(32) ||
       type.isInteger(64)))
    for (unsigned i : {0, 1}) {
      auto old = sum->getOperand(i).getDefiningOp<tensor::ExtractOp>();
      if (old && old.getTensor() == carried && old->hasOneUse() &&
          llvm::equal(old.getIndices(), scatter.insert.getIndices())) {
        scatter.sum = sum;
        scatter.addend = sum->getOperand(1 - i);
        break;
      }
    }
  return scatter;
}

void fx::readThroughCopies(RewriterBase &rewriter, tensor::ExtractOp extract) {
  while (auto copy = extract.getTensor().getDefiningOp<linalg::GenericOp>()) {
    if (copy.getNumDpsInputs() != 1 || copy.getNumDpsInits() != 1 ||
        copy.getNumReductionLoops() ||
        copy.getBody()->getTerminator()->getOperand(0) !=
            copy.getBody()->getArgument(0) ||
        copy.getBody()->getOperations().size() != 1)
      return;
    OpOperand *input = copy.getDpsInputOperand(0);
    AffineMap from = copy.getMatchingIndexingMap(input);
    AffineMap to = copy.getMatchingIndexingMap(copy.getDpsInitOperand(0));
    if (!to.isPermutation() || !isa<RankedTensorType>(input->get().getType()))
      return;
    rewriter.setInsertionPoint(extract);
    SmallVector<Value> indices;
    for (AffineExpr expr : from.getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        indices.push_back(
            extract.getIndices()[*to.getResultPosition(dim)]);
        continue;
      }
      auto constant = dyn_cast<AffineConstantExpr>(expr);
      if (!constant)
        return;
      indices.push_back(arith::ConstantIndexOp::create(
          rewriter, extract.getLoc(), constant.getValue()));
    }
    rewriter.modifyOpInPlace(extract, [&] {
      extract.getTensorMutable().assign(input->get());
      extract.getIndicesMutable().assign(indices);
    });
  }
}
