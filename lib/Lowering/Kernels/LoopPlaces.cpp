//===- LoopPlaces.cpp - Where values live in an iteration space -----------===//

#include "LoopPlaces.h"
#include "fx/Support/Sizes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Expressions with ranges
//===----------------------------------------------------------------------===//

namespace {

/// A sum of terms (dims, floordivs, mods) with factors, and a constant.
struct Sum {
  SmallVector<std::pair<AffineExpr, int64_t>> terms;
  int64_t constant = 0;

  void add(AffineExpr expr, int64_t factor) {
    if (auto c = dyn_cast<AffineConstantExpr>(expr)) {
      constant += factor * c.getValue();
      return;
    }
    if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
      if (expr.getKind() == AffineExprKind::Add) {
        add(binary.getLHS(), factor);
        add(binary.getRHS(), factor);
        return;
      }
      auto c = dyn_cast<AffineConstantExpr>(binary.getRHS());
      if (expr.getKind() == AffineExprKind::Mul && c) {
        add(binary.getLHS(), factor * c.getValue());
        return;
      }
    }
    for (auto &[term, old] : terms)
      if (term == expr) {
        old += factor;
        return;
      }
    terms.push_back({expr, factor});
  }

  AffineExpr build(MLIRContext *context) const {
    AffineExpr result = getAffineConstantExpr(constant, context);
    for (auto [term, factor] : terms)
      if (factor)
        result = result + term * factor;
    return result;
  }
};

} // namespace

/// Inclusive bounds; an upper bound of -1 is unknown.
static std::pair<int64_t, int64_t> getRange(AffineExpr expr,
                                            ArrayRef<LoopDim> dims) {
  constexpr std::pair<int64_t, int64_t> unknown = {0, -1};
  if (auto d = dyn_cast<AffineDimExpr>(expr)) {
    int64_t size = dims[d.getPosition()].size;
    if (ShapedType::isDynamic(size))
      return unknown;
    return {0, size - 1};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  auto c = binary ? dyn_cast<AffineConstantExpr>(binary.getRHS())
                  : AffineConstantExpr();
  if (!c)
    return unknown;
  if (expr.getKind() == AffineExprKind::Mod)
    return {0, c.getValue() - 1};
  if (expr.getKind() != AffineExprKind::FloorDiv)
    return unknown;
  Sum sum;
  sum.add(binary.getLHS(), 1);
  int64_t high = sum.constant;
  for (auto [term, factor] : sum.terms) {
    auto [low, top] = getRange(term, dims);
    if (top < low || factor < 0)
      return unknown;
    high += factor * top;
  }
  return {0, high / c.getValue()};
}

AffineExpr LoopPlaces::simplify(AffineExpr expr) const {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    if (auto d = dyn_cast<AffineDimExpr>(expr))
      if (dims[d.getPosition()].size == 1)
        return getAffineConstantExpr(0, context);
    return expr;
  }
  AffineExpr lhs = simplify(binary.getLHS());
  AffineExpr rhs = simplify(binary.getRHS());
  auto c = dyn_cast<AffineConstantExpr>(rhs);
  bool isMod = expr.getKind() == AffineExprKind::Mod;
  if (!c || (!isMod && expr.getKind() != AffineExprKind::FloorDiv)) {
    Sum sum;
    sum.add(getAffineBinaryOpExpr(expr.getKind(), lhs, rhs), 1);
    return sum.build(context);
  }
  // (c * q + r) / c = q and (c * q + r) mod c = r, if 0 <= r < c.
  Sum sum, quotient, rest;
  sum.add(lhs, 1);
  int64_t divisor = c.getValue();
  quotient.constant = llvm::divideFloorSigned(sum.constant, divisor);
  rest.constant = sum.constant - quotient.constant * divisor;
  int64_t high = rest.constant;
  bool bounded = true;
  for (auto [term, factor] : sum.terms) {
    if (factor % divisor == 0) {
      quotient.add(term, factor / divisor);
      continue;
    }
    rest.add(term, factor);
    auto [low, top] = getRange(term, dims);
    if (top < low || factor < 0)
      bounded = false;
    else
      high += factor * top;
  }
  if (bounded && high < divisor)
    return isMod ? rest.build(context) : quotient.build(context);
  AffineExpr remainder = rest.build(context);
  if (isMod)
    return remainder % divisor;
  return quotient.build(context) + remainder.floorDiv(divisor);
}

AffineMap LoopPlaces::makeMap(ArrayRef<AffineExpr> exprs) const {
  SmallVector<AffineExpr> simple;
  for (AffineExpr expr : exprs)
    simple.push_back(simplify(expr));
  return AffineMap::get(dims.size(), 0, simple, context);
}

LoopPlaces::LoopPlaces(ArrayRef<LoopDim> dims, MLIRContext *context)
    : ops(noOps), dims(dims), context(context) {}

AffineMap LoopPlaces::composeMap(AffineMap map,
                                 ArrayRef<AffineExpr> loopExprs) const {
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : map.getResults())
    exprs.push_back(expr.replaceDims(loopExprs));
  return makeMap(exprs);
}

//===----------------------------------------------------------------------===//
// Reshapes and slices
//===----------------------------------------------------------------------===//

/// From the index of the grouped tensor to that of the tensor with more dims.
static bool appendSplit(AffineExpr index, ArrayRef<int64_t> sizes,
                        SmallVectorImpl<AffineExpr> &exprs) {
  SmallVector<AffineExpr> group(sizes.size());
  AffineExpr rest = index;
  for (int64_t i = sizes.size() - 1; i >= 0; --i) {
    if (i == 0) {
      group[0] = rest;
      break;
    }
    if (ShapedType::isDynamic(sizes[i])) {
      // All other sizes 1: the index belongs to the dynamic one.
      if (llvm::any_of(sizes.take_front(i), [](int64_t s) { return s != 1; }))
        return false;
      group[i] = rest;
      rest = getAffineConstantExpr(0, index.getContext());
      continue;
    }
    if (sizes[i] == 0)
      return false;
    group[i] = rest % sizes[i];
    rest = rest.floorDiv(sizes[i]);
  }
  exprs.append(group.begin(), group.end());
  return true;
}

static bool appendJoined(ArrayRef<AffineExpr> indices, ArrayRef<int64_t> sizes,
                         SmallVectorImpl<AffineExpr> &exprs) {
  AffineExpr joined = indices[0];
  bool onlyOnes = sizes[0] == 1;
  for (size_t i = 1; i < sizes.size(); ++i) {
    if (ShapedType::isDynamic(sizes[i])) {
      if (!onlyOnes)
        return false;
      joined = indices[i];
      onlyOnes = false;
      continue;
    }
    joined = joined * sizes[i] + indices[i];
    onlyOnes &= sizes[i] == 1;
  }
  exprs.push_back(joined);
  return true;
}

static AffineMap getReshapeMap(ArrayRef<ReassociationIndices> groups,
                               ArrayRef<int64_t> wideShape, AffineMap map,
                               bool toWide, SmallVectorImpl<AffineExpr> &exprs,
                               MLIRContext *context) {
  // A tensor without dims reshapes to one of ones.
  if (groups.empty()) {
    if (toWide)
      exprs.append(wideShape.size(), getAffineConstantExpr(0, context));
    return map;
  }
  for (auto [g, group] : llvm::enumerate(groups)) {
    SmallVector<int64_t> sizes;
    SmallVector<AffineExpr> indices;
    for (int64_t d : group) {
      sizes.push_back(wideShape[d]);
      if (!toWide)
        indices.push_back(map.getResult(d));
    }
    bool done = toWide ? appendSplit(map.getResult(g), sizes, exprs)
                       : appendJoined(indices, sizes, exprs);
    if (!done)
      return AffineMap();
  }
  return map;
}

/// The place on the other side of a reshape between collapsed and expanded
/// dimensions; null for other ops and for sizes that are not known.
AffineMap LoopPlaces::getReshapedMap(Operation *op, AffineMap map,
                                     bool toSource) const {
  SmallVector<AffineExpr> exprs;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    if (getReshapeMap(expand.getReassociationIndices(),
                      expand.getResultType().getShape(), map,
                      /*toWide=*/!toSource, exprs, context))
      return makeMap(exprs);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    if (getReshapeMap(collapse.getReassociationIndices(),
                      collapse.getSrcType().getShape(), map,
                      /*toWide=*/toSource, exprs, context))
      return makeMap(exprs);
  return AffineMap();
}

AffineMap LoopPlaces::getSourceMap(Operation *op, AffineMap map) const {
  if (isa<tensor::CastOp>(op))
    return map;
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  if (!slice)
    return getReshapedMap(op, map, /*toSource=*/true);
  SmallVector<AffineExpr> exprs;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  unsigned next = 0;
  for (int64_t d = 0; d < slice.getSourceType().getRank(); ++d) {
    AffineExpr index = getAffineConstantExpr(0, context);
    if (!dropped[d])
      index = map.getResult(next++);
    exprs.push_back(index * slice.getStaticStrides()[d] +
                    slice.getStaticOffsets()[d]);
  }
  return makeMap(exprs);
}

AffineMap LoopPlaces::getResultMap(Operation *op, AffineMap map) const {
  return isa<tensor::CastOp>(op) ? map
                                 : getReshapedMap(op, map, /*toSource=*/false);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

void LoopPlaces::setPlace(Value value, AffineMap map) {
  if (isa<RankedTensorType>(value.getType()) &&
      places.try_emplace(value, map).second)
    changed = true;
}

SmallVector<AffineExpr>
LoopPlaces::getLoopsFromResult(linalg::GenericOp op, OpResult result,
                               AffineMap map) const {
  SmallVector<AffineExpr> exprs(op.getNumLoops());
  AffineMap own = op.getMatchingIndexingMap(op.getTiedOpOperand(result));
  for (auto [i, expr] : llvm::enumerate(own.getResults()))
    exprs[cast<AffineDimExpr>(expr).getPosition()] = map.getResult(i);
  return exprs;
}

bool LoopPlaces::placeGeneric(linalg::GenericOp op) {
  if (loops.contains(op))
    return false;
  SmallVector<AffineExpr> exprs(op.getNumLoops());
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (auto [loop, size] : llvm::enumerate(ranges))
    if (size == 1)
      exprs[loop] = getAffineConstantExpr(0, context);
  for (OpResult result : op->getResults())
    if (AffineMap map = places.lookup(result))
      for (auto [loop, expr] :
           llvm::enumerate(getLoopsFromResult(op, result, map)))
        if (expr && !exprs[loop])
          exprs[loop] = expr;
  // Operands with most dims first: they say most about the loops.
  SmallVector<OpOperand *> operands;
  for (OpOperand *operand : op.getDpsInputOperands())
    operands.push_back(operand);
  std::stable_sort(operands.begin(), operands.end(),
                   [&](OpOperand *a, OpOperand *b) {
                     return op.getMatchingIndexingMap(a).getNumResults() >
                            op.getMatchingIndexingMap(b).getNumResults();
                   });
  for (OpOperand *operand : operands)
    if (AffineMap map = places.lookup(operand->get()))
      for (auto [i, expr] : llvm::enumerate(
               op.getMatchingIndexingMap(operand).getResults()))
        if (auto d = dyn_cast<AffineDimExpr>(expr))
          if (!exprs[d.getPosition()])
            exprs[d.getPosition()] = map.getResult(i);
  // Reduction loops that nothing fixes run over dims of the same size that are
  // free; which one does not matter.
  if (llvm::all_of(llvm::enumerate(exprs), [&](auto entry) {
        return entry.value() || op.getIteratorTypesArray()[entry.index()] ==
                                    utils::IteratorType::reduction;
      })) {
    llvm::SmallBitVector free(dims.size(), true);
    for (AffineExpr expr : exprs)
      if (expr)
        expr.walk([&](AffineExpr e) {
          if (auto d = dyn_cast<AffineDimExpr>(e))
            free.reset(d.getPosition());
        });
    for (auto [loop, expr] : llvm::enumerate(exprs)) {
      if (expr)
        continue;
      for (unsigned d : free.set_bits())
        if (dims[d].size == ranges[loop]) {
          exprs[loop] = getAffineDimExpr(d, context);
          free.reset(d);
          break;
        }
    }
  }
  if (llvm::any_of(exprs, [](AffineExpr expr) { return !expr; }))
    return false;
  loops[op] = exprs;
  changed = true;
  for (OpOperand &init : op.getDpsInitsMutable())
    setPlace(op.getTiedOpResult(&init),
             composeMap(op.getMatchingIndexingMap(&init), exprs));
  for (OpOperand *operand : op.getDpsInputOperands())
    setPlace(operand->get(),
             composeMap(op.getMatchingIndexingMap(operand), exprs));
  return true;
}

bool LoopPlaces::place(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return placeGeneric(generic);
  if (!isIndexMapOp(op))
    return false;
  AffineMap result = places.lookup(op->getResult(0));
  AffineMap source = places.lookup(op->getOperand(0));
  if (result && !source) {
    if (AffineMap map = getSourceMap(op, result))
      setPlace(op->getOperand(0), map);
  } else if (source && !result) {
    if (AffineMap map = getResultMap(op, source))
      setPlace(op->getResult(0), map);
  }
  return true;
}

bool LoopPlaces::find(ArrayRef<Value> outputs, std::string &reason) {
  // The anchor: a reduction, else the largest output.
  Operation *anchor = nullptr;
  int64_t most = -1;
  for (Operation *op : ops)
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      if (generic.getNumReductionLoops()) {
        int64_t loopCount = generic.getNumLoops();
        if (loopCount > most) {
          anchor = op;
          most = loopCount;
        }
      }
  if (!anchor)
    for (Value output : outputs) {
      auto type = cast<RankedTensorType>(output.getType());
      int64_t points = estimateProduct(1, type.getShape(), 256);
      if (points > most) {
        most = points;
        anchor = output.getDefiningOp();
      }
    }
  if (!anchor || !ops.contains(anchor)) {
    reason = "no outputs";
    return false;
  }
  context = anchor->getContext();
  SmallVector<int64_t> sizes;
  auto generic = dyn_cast<linalg::GenericOp>(anchor);
  if (generic)
    sizes = generic.getStaticLoopRanges();
  else
    sizes.assign(
        cast<RankedTensorType>(anchor->getResult(0).getType()).getShape());
  SmallVector<AffineExpr> exprs;
  for (int64_t size : sizes) {
    if (size == 1) {
      exprs.push_back(getAffineConstantExpr(0, context));
      continue;
    }
    exprs.push_back(getAffineDimExpr(dims.size(), context));
    dims.push_back({size});
  }
  if (generic) {
    loops[anchor] = exprs;
    for (OpOperand &operand : generic->getOpOperands()) {
      AffineMap map =
          composeMap(generic.getMatchingIndexingMap(&operand), exprs);
      if (generic.isDpsInit(&operand))
        setPlace(generic.getTiedOpResult(&operand), map);
      else
        setPlace(operand.get(), map);
    }
  } else {
    setPlace(anchor->getResult(0), makeMap(exprs));
  }
  auto propagate = [&] {
    do {
      changed = false;
      for (Operation *op : ops)
        place(op);
      for (Operation *op : llvm::reverse(ops))
        place(op);
    } while (changed);
  };
  propagate();
  // What shares no value with the rest has to have the same loops.
  for (Operation *op : ops) {
    if (loops.contains(op) || places.contains(op->getResult(0)))
      continue;
    auto other = dyn_cast<linalg::GenericOp>(op);
    if (!other || other.getStaticLoopRanges() != sizes ||
        llvm::any_of(sizes, ShapedType::isDynamic))
      continue;
    for (OpOperand &init : other.getDpsInitsMutable())
      setPlace(other.getTiedOpResult(&init),
               composeMap(other.getMatchingIndexingMap(&init), exprs));
    propagate();
  }
  for (Value output : outputs)
    if (!places.contains(output)) {
      reason = "an output has no place in the iteration space";
      return false;
    }
  return true;
}

bool LoopPlaces::splitDims(ArrayRef<AffineMap> maps) {
  // The smallest divisor first: a dim (a, b, c) splits off c, then b.
  int64_t splitDim = -1, divisor = 0;
  for (AffineMap map : maps)
    for (AffineExpr expr : map.getResults())
      expr.walk([&](AffineExpr e) {
        if (e.getKind() != AffineExprKind::FloorDiv &&
            e.getKind() != AffineExprKind::Mod)
          return;
        auto binary = cast<AffineBinaryOpExpr>(e);
        auto d = dyn_cast<AffineDimExpr>(binary.getLHS());
        auto c = dyn_cast<AffineConstantExpr>(binary.getRHS());
        if (!d || !c)
          return;
        int64_t size = dims[d.getPosition()].size;
        if (!ShapedType::isDynamic(size) && size % c.getValue())
          return;
        if (splitDim < 0 || (splitDim == d.getPosition() &&
                             c.getValue() < divisor)) {
          splitDim = d.getPosition();
          divisor = c.getValue();
        }
      });
  if (splitDim < 0)
    return false;
  LoopDim inner{divisor};
  LoopDim &outer = dims[splitDim];
  if (!ShapedType::isDynamic(outer.size))
    outer.size /= divisor;
  dims.insert(dims.begin() + splitDim + 1, inner);
  SmallVector<AffineExpr> replacement;
  for (int64_t d = 0; d + 1 < static_cast<int64_t>(dims.size()); ++d) {
    if (d == splitDim)
      replacement.push_back(getAffineDimExpr(d, context) * divisor +
                            getAffineDimExpr(d + 1, context));
    else
      replacement.push_back(getAffineDimExpr(d + (d > splitDim), context));
  }
  for (auto &[value, map] : places)
    map = composeMap(map, replacement);
  for (auto &[op, exprs] : loops)
    for (AffineExpr &expr : exprs)
      expr = simplify(expr.replaceDims(replacement));
  return true;
}
