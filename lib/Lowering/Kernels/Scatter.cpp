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

/// The places in `op`'s operand `input` of the element of its result that
/// `extract` reads; failure where they are neither that element's places nor
/// constants.
static FailureOr<SmallVector<Value>> getPlaces(RewriterBase &rewriter,
                                               linalg::GenericOp op,
                                               OpOperand *input,
                                               tensor::ExtractOp extract) {
  AffineMap to = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  SmallVector<Value> places;
  for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      places.push_back(extract.getIndices()[*to.getResultPosition(dim)]);
      continue;
    }
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    if (!constant)
      return failure();
    places.push_back(arith::ConstantIndexOp::create(
        rewriter, extract.getLoc(), constant.getValue()));
  }
  return places;
}

/// Whether elements of `op`'s result do not depend on each other, and each of
/// its loops counts a dimension of the result.
static bool isPointwise(linalg::GenericOp op) {
  return op.getNumDpsInits() == 1 && op.getNumResults() == 1 &&
         !op.getNumReductionLoops() &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isPermutation() &&
         op.getRegionOutputArgs()[0].use_empty();
}

void fx::computeWhereRead(RewriterBase &rewriter, const Scatter &scatter,
                          tensor::ExtractOp extract) {
  if (auto fill = extract.getTensor().getDefiningOp<linalg::FillOp>()) {
    rewriter.replaceOp(extract, fill.value());
    return;
  }
  auto op = extract.getTensor().getDefiningOp<linalg::GenericOp>();
  if (!op || !isPointwise(op) || !op->hasOneUse())
    return;
  // No element is read twice: each loop counts along a dimension.
  if (extract.getIndices().size() != scatter.loops.size() ||
      !llvm::all_of(scatter.loops, [&](scf::ForOp loop) {
        return llvm::is_contained(extract.getIndices(),
                                  loop.getInductionVar());
      }))
    return;
  Block *body = op.getBody();
  for (Operation &inner : body->without_terminator())
    if (inner.getNumRegions() ||
        !(isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) ||
          isa<tensor::ExtractOp, linalg::IndexOp>(inner)))
      return;
  rewriter.setInsertionPoint(extract);
  IRMapping mapping;
  SmallVector<tensor::ExtractOp> reads;
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value value = input->get();
    BlockArgument element = op.getMatchingBlockArgument(input);
    if (element.use_empty())
      continue;
    if (isa<RankedTensorType>(value.getType())) {
      FailureOr<SmallVector<Value>> places =
          getPlaces(rewriter, op, input, extract);
      if (failed(places))
        return;
      reads.push_back(tensor::ExtractOp::create(rewriter, extract.getLoc(),
                                                value, *places));
      value = reads.back();
    }
    mapping.map(element, value);
  }
  AffineMap to = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      AffineExpr dim = rewriter.getAffineDimExpr(index.getDim());
      mapping.map(index.getResult(),
                  extract.getIndices()[*to.getResultPosition(dim)]);
    } else {
      rewriter.clone(inner, mapping);
    }
  }
  rewriter.replaceOp(extract, mapping.lookupOrDefault(
                                  body->getTerminator()->getOperand(0)));
  rewriter.eraseOp(op);
  for (tensor::ExtractOp read : reads) {
    readThroughCopies(rewriter, read);
    computeWhereRead(rewriter, scatter, read);
  }
}

void fx::readThroughCopies(RewriterBase &rewriter, tensor::ExtractOp extract) {
  while (auto copy = extract.getTensor().getDefiningOp<linalg::GenericOp>()) {
    if (!isPointwise(copy) || copy.getNumDpsInputs() != 1 ||
        copy.getBody()->getTerminator()->getOperand(0) !=
            copy.getBody()->getArgument(0) ||
        copy.getBody()->getOperations().size() != 1)
      return;
    OpOperand *input = copy.getDpsInputOperand(0);
    if (!isa<RankedTensorType>(input->get().getType()))
      return;
    rewriter.setInsertionPoint(extract);
    FailureOr<SmallVector<Value>> places =
        getPlaces(rewriter, copy, input, extract);
    if (failed(places))
      return;
    rewriter.modifyOpInPlace(extract, [&] {
      extract.getTensorMutable().assign(input->get());
      extract.getIndicesMutable().assign(*places);
    });
  }
}
