//===- LoopKernel.cpp - What one loop nest can compute --------------------===//

#include "fx/Lowering/Kernels/LoopKernel.h"
#include "fx/Support/Sizes.h"

#include "LoopPlaces.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::isReshape(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             tensor::ReshapeOp>(op);
}

bool fx::isIndexMapOp(Operation *op) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return !ShapedType::isDynamicShape(slice.getStaticOffsets()) &&
           !ShapedType::isDynamicShape(slice.getStaticStrides());
  return isReshape(op);
}

static bool isLoopBodyOp(Operation *op) {
  if (op->getNumRegions())
    return false;
  if (isa<linalg::IndexOp, linalg::YieldOp, tensor::ExtractOp>(op))
    return true;
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return !isa<ShapedType>(constant.getType());
  if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return false;
  auto isScalar = [](Type type) {
    return type.isIntOrIndexOrFloat() &&
           (!type.isInteger() || type.isSignlessInteger());
  };
  return OpTrait::hasElementwiseMappableTraits(op) &&
         llvm::all_of(op->getOperandTypes(), isScalar) &&
         llvm::all_of(op->getResultTypes(), isScalar);
}

static bool isScalarElement(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isFloat() || element.isIndex() ||
         element.isSignlessInteger();
}

bool fx::isLoopOp(Operation *op) {
  if (isIndexMapOp(op))
    return isScalarElement(op->getResult(0).getType());
  if (isa<linalg::FillOp>(op))
    return isScalarElement(op->getResult(0).getType());
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || !generic.hasPureTensorSemantics())
    return false;
  for (Value operand : generic->getOperands())
    if (!isScalarElement(operand.getType()))
      return false;
  for (OpOperand &init : generic.getDpsInitsMutable()) {
    AffineMap map = generic.getMatchingIndexingMap(&init);
    if (!map.isProjectedPermutation())
      return false;
    // Each parallel loop is one dimension of every result.
    for (unsigned loop = 0; loop < generic.getNumLoops(); ++loop) {
      bool parallel = generic.getIteratorTypesArray()[loop] ==
                      utils::IteratorType::parallel;
      if (parallel != map.isFunctionOfDim(loop))
        return false;
    }
  }
  for (AffineMap map : generic.getIndexingMapsArray())
    if (map.getNumSymbols())
      return false;
  return llvm::all_of(generic.getBody()->getOperations(),
                      [](Operation &nested) { return isLoopBodyOp(&nested); });
}

Operation *fx::getCombiner(linalg::GenericOp op, unsigned index) {
  Block *body = op.getBody();
  BlockArgument accumulator =
      body->getArgument(op.getNumDpsInputs() + index);
  Operation *combiner =
      body->getTerminator()->getOperand(index).getDefiningOp();
  if (!combiner || !accumulator.hasOneUse() ||
      *accumulator.getUsers().begin() != combiner ||
      !combiner->getResult(0).hasOneUse())
    return nullptr;
  return isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp,
             arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp,
             arith::AddIOp, arith::MulIOp, arith::MaxSIOp, arith::MinSIOp,
             arith::MaxUIOp, arith::MinUIOp, arith::AndIOp, arith::OrIOp,
             arith::XOrIOp>(combiner)
             ? combiner
             : nullptr;
}

std::optional<Selection> fx::matchSelection(linalg::GenericOp op) {
  Block *body = op.getBody();
  Selection selection;
  llvm::DenseSet<Value> leaves;
  for (auto [i, yielded] :
       llvm::enumerate(body->getTerminator()->getOperands())) {
    auto select = yielded.getDefiningOp<arith::SelectOp>();
    Value accumulator = body->getArgument(op.getNumDpsInputs() + i);
    if (!select || select.getFalseValue() != accumulator ||
        (i && select.getCondition() != selection.condition))
      return std::nullopt;
    selection.condition = select.getCondition();
    selection.candidates.push_back(select.getTrueValue());
    leaves.insert(accumulator);
    leaves.insert(select.getTrueValue());
  }
  auto isLeaf = [&](Value value) {
    return leaves.contains(value) || value.getParentBlock() != body;
  };
  llvm::DenseSet<Operation *> needed;
  SmallVector<Value> worklist = {selection.condition};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (isLeaf(value))
      continue;
    Operation *def = value.getDefiningOp();
    if (!def || !OpTrait::hasElementwiseMappableTraits(def))
      return std::nullopt;
    if (needed.insert(def).second)
      llvm::append_range(worklist, def->getOperands());
  }
  for (Operation &nested : *body)
    if (needed.contains(&nested))
      selection.ops.push_back(&nested);
  return selection;
}

bool fx::getLinearForm(AffineExpr expr, unsigned numDims,
                       SmallVectorImpl<int64_t> &factors, int64_t &constant) {
  factors.assign(numDims, 0);
  constant = 0;
  std::function<bool(AffineExpr, int64_t)> add = [&](AffineExpr e,
                                                     int64_t factor) {
    if (auto c = dyn_cast<AffineConstantExpr>(e)) {
      constant += factor * c.getValue();
      return true;
    }
    if (auto d = dyn_cast<AffineDimExpr>(e)) {
      factors[d.getPosition()] += factor;
      return true;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(e);
    if (!binary)
      return false;
    if (e.getKind() == AffineExprKind::Add)
      return add(binary.getLHS(), factor) && add(binary.getRHS(), factor);
    auto c = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (e.getKind() == AffineExprKind::Mul && c)
      return add(binary.getLHS(), factor * c.getValue());
    return false;
  };
  return add(expr, 1);
}

int64_t LoopKernel::getNumPoints(bool reduced, int64_t dynamicGuess) const {
  int64_t points = 1;
  for (const LoopDim &dim : dims)
    if (dim.reduced == reduced)
      points *= ShapedType::isDynamic(dim.size) ? dynamicGuess : dim.size;
  return points;
}

AffineMap LoopKernel::composeMap(AffineMap map,
                                 ArrayRef<AffineExpr> loops) const {
  return LoopPlaces(dims, map.getContext()).composeMap(map, loops);
}

AffineMap LoopKernel::getSourceMap(Operation *op, AffineMap map) const {
  return LoopPlaces(dims, map.getContext()).getSourceMap(op, map);
}

SmallVector<AffineExpr> LoopKernel::getLoops(linalg::GenericOp op,
                                             OpResult result,
                                             AffineMap map) const {
  return LoopPlaces(dims, map.getContext())
      .getLoopsFromResult(op, result, map);
}

//===----------------------------------------------------------------------===//
// Visiting: from the outputs to the loads
//===----------------------------------------------------------------------===//

namespace {

/// Walks from the outputs to everything that they need, each value at each
/// place once.
class Visitor {
public:
  Visitor(LoopKernel &kernel, const LoopPlaces &places, std::string &reason)
      : kernel(kernel), places(places), reason(reason) {}

  /// The number of sweeps that must be over before the value is known, or
  /// nothing on failure.
  std::optional<unsigned> visit(Value value, AffineMap map) {
    auto [it, isNew] = levels.try_emplace({value, map}, 0);
    if (!isNew)
      return it->second;
    std::optional<unsigned> level = visitNew(value, map);
    if (level)
      levels[{value, map}] = *level;
    return level;
  }

  llvm::MapVector<Operation *, LoopReduction> reductions;

private:
  std::optional<unsigned> fail(const Twine &message) {
    reason = message.str();
    return std::nullopt;
  }

  std::optional<unsigned> visitNew(Value value, AffineMap map) {
    Operation *op = value.getDefiningOp();
    if (!op || !places.ops.contains(op)) {
      // A scalar operand of linalg.fill, a splat, or undefined contents.
      if (!isa<RankedTensorType>(value.getType()) ||
          isa_and_nonnull<tensor::EmptyOp, linalg::FillOp>(op))
        return 0;
      if (op && op->hasTrait<OpTrait::ConstantLike>()) {
        DenseElementsAttr elements;
        if (matchPattern(value, m_Constant(&elements)) && elements.isSplat())
          return 0;
      }
      LoopAccess access{value, map};
      if (!llvm::is_contained(kernel.loads, access))
        kernel.loads.push_back(access);
      return 0;
    }
    if (isIndexMapOp(op)) {
      AffineMap source = places.getSourceMap(op, map);
      if (!source)
        return fail("a reshape with dynamic sizes");
      return visit(op->getOperand(0), source);
    }
    if (isa<linalg::FillOp>(op))
      return 0;
    auto generic = cast<linalg::GenericOp>(op);
    if (generic.getNumReductionLoops())
      return visitReduction(generic, value, map);
    SmallVector<AffineExpr> loops =
        places.getLoopsFromResult(generic, cast<OpResult>(value), map);
    return visitBody(generic, loops, map);
  }

  std::optional<unsigned> visitReduction(linalg::GenericOp op, Value value,
                                         AffineMap map) {
    auto it = places.loops.find(op);
    if (it == places.loops.end())
      return fail("a reduction without a place");
    AffineMap own = places.composeMap(
        op.getMatchingIndexingMap(
            op.getTiedOpOperand(cast<OpResult>(value))),
        it->second);
    if (own != map)
      return fail("a reduction is used at another place than its own");
    auto [entry, isNew] = reductions.insert({op, LoopReduction()});
    if (isNew) {
      std::optional<unsigned> level = visitBody(op, it->second, map);
      if (!level)
        return std::nullopt;
      LoopReduction &reduction = reductions[op];
      reduction.op = op;
      reduction.loops = it->second;
      for (OpOperand &init : op.getDpsInitsMutable())
        reduction.maps.push_back(places.composeMap(
            op.getMatchingIndexingMap(&init), it->second));
      reduction.sweep = *level;
    }
    return reductions[op].sweep + 1;
  }

  std::optional<unsigned> visitBody(linalg::GenericOp op,
                                    ArrayRef<AffineExpr> loops,
                                    AffineMap map) {
    unsigned level = 0;
    Block *body = op.getBody();
    for (OpOperand &operand : op->getOpOperands()) {
      BlockArgument argument = op.getMatchingBlockArgument(&operand);
      if (argument.use_empty())
        continue;
      AffineMap access =
          places.composeMap(op.getMatchingIndexingMap(&operand), loops);
      std::optional<unsigned> needed = visit(operand.get(), access);
      if (!needed)
        return std::nullopt;
      level = std::max(level, *needed);
    }
    unsigned cost = 0;
    for (Operation &nested : body->without_terminator()) {
      ++kernel.numOps;
      ++cost;
      if (isa<math::MathDialect>(nested.getDialect()) &&
          !isa<math::AbsFOp, math::SqrtOp, math::FmaOp, math::CopySignOp,
               math::FloorOp, math::CeilOp, math::RoundEvenOp, math::TruncOp,
               math::AbsIOp, math::RsqrtOp, math::IsNaNOp, math::IsInfOp,
               math::IsFiniteOp>(nested)) {
        ++kernel.numTranscendental;
        cost += 20;
      }
      if (auto index = dyn_cast<linalg::IndexOp>(nested))
        indexExprs.push_back(loops[index.getDim()]);
      if (auto extract = dyn_cast<tensor::ExtractOp>(nested)) {
        Operation *source = extract.getTensor().getDefiningOp();
        if (source && places.ops.contains(source)) {
          fail("a value of the kernel itself is read at a data index");
          return std::nullopt;
        }
        kernel.gathered.insert(extract.getTensor());
      }
    }
    int64_t points = estimateProduct(1, op.getStaticLoopRanges(), 256);
    visits.push_back({cost, points, SmallVector<AffineExpr>(loops)});
    return level;
  }

public:
  SmallVector<AffineExpr> indexExprs;
  /// The evaluations of generics: cost, number of elements, loops.
  struct Visit {
    unsigned cost;
    int64_t points;
    SmallVector<AffineExpr> loops;
  };
  SmallVector<Visit> visits;

private:
  LoopKernel &kernel;
  const LoopPlaces &places;
  std::string &reason;
  llvm::DenseMap<std::pair<Value, AffineMap>, unsigned> levels;
};

} // namespace

/// Whether a store at `map` writes each element of the tensor exactly once, as
/// `dims` run over their ranges. `used` receives the dims that it depends on.
static bool isDenseStore(RankedTensorType type, AffineMap map,
                         ArrayRef<LoopDim> dims, llvm::SmallBitVector &used) {
  used.resize(dims.size());
  SmallVector<std::pair<int64_t, unsigned>> strides;
  // Every dimension of the tensor is covered by dims of its own.
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    SmallVector<int64_t> factors;
    int64_t constant;
    if (!getLinearForm(expr, dims.size(), factors, constant) || constant)
      return false;
    SmallVector<std::pair<int64_t, unsigned>> terms;
    for (auto [d, factor] : llvm::enumerate(factors)) {
      if (!factor || dims[d].size == 1)
        continue;
      if (used[d])
        return false;
      used.set(d);
      terms.push_back({factor, d});
    }
    llvm::sort(terms);
    int64_t extent = 1;
    for (auto [factor, d] : terms) {
      if (factor != extent || ShapedType::isDynamic(extent))
        return false;
      extent = ShapedType::isDynamic(dims[d].size) ? ShapedType::kDynamic
                                                   : extent * dims[d].size;
    }
    // A dynamic extent is the outermost dim, so it is the tensor's own.
    if (!type.isDynamicDim(i) && !ShapedType::isDynamic(extent) &&
        extent != type.getDimSize(i))
      return false;
  }
  return true;
}

FailureOr<LoopKernel>
LoopKernel::analyze(const llvm::SetVector<Operation *> &ops,
                    ArrayRef<Value> outputs, std::string *reasonOut) {
  std::string local;
  std::string &reason = reasonOut ? *reasonOut : local;
  LoopPlaces places(ops);
  if (!places.find(outputs, reason))
    return failure();
  // Index expressions with floordiv or mod of one dim split that dim. A split
  // can uncover another one.
  for (int round = 0; round < 8; ++round) {
    LoopKernel kernel;
    kernel.dims = places.dims;
    Visitor visitor(kernel, places, reason);
    for (Value output : outputs) {
      AffineMap map = places.places.lookup(output);
      if (!map) {
        reason = "an output without a place";
        return failure();
      }
      std::optional<unsigned> level = visitor.visit(output, map);
      if (!level)
        return failure();
      kernel.outputs.push_back({output, map, false, *level});
    }
    SmallVector<AffineMap> maps;
    for (LoopAccess &load : kernel.loads)
      maps.push_back(load.map);
    for (LoopOutput &output : kernel.outputs)
      maps.push_back(output.map);
    if (places.splitDims(maps)) {
      continue;
    }

    // Which dims are reduced.
    unsigned numDims = kernel.dims.size();
    auto getDims = [&](ArrayRef<AffineExpr> exprs) {
      llvm::SmallBitVector used(numDims);
      for (AffineExpr expr : exprs)
        expr.walk([&](AffineExpr e) {
          if (auto d = dyn_cast<AffineDimExpr>(e))
            if (kernel.dims[d.getPosition()].size != 1)
              used.set(d.getPosition());
        });
      return used;
    };
    for (auto &[op, reduction] : visitor.reductions) {
      auto iterators = reduction.op.getIteratorTypesArray();
      for (auto [loop, expr] : llvm::enumerate(reduction.loops))
        if (iterators[loop] == utils::IteratorType::reduction) {
          // The range of set bits refers to the vector.
          llvm::SmallBitVector used = getDims({expr});
          for (unsigned d : used.set_bits())
            kernel.dims[d].reduced = true;
        }
    }
    llvm::SmallBitVector kept(numDims), reduced(numDims);
    for (unsigned d = 0; d < numDims; ++d)
      if (kernel.dims[d].size != 1)
        (kernel.dims[d].reduced ? reduced : kept).set(d);
    for (auto &[op, reduction] : visitor.reductions) {
      SmallVector<AffineExpr> parallel, sequential;
      auto iterators = reduction.op.getIteratorTypesArray();
      for (auto [loop, expr] : llvm::enumerate(reduction.loops))
        (iterators[loop] == utils::IteratorType::reduction ? sequential
                                                           : parallel)
            .push_back(expr);
      if (getDims(parallel) != kept || getDims(sequential) != reduced) {
        reason = "reductions over different dims";
        return failure();
      }
      kernel.reductions.push_back(reduction);
    }
    for (LoopOutput &output : kernel.outputs) {
      llvm::SmallBitVector used;
      if (!isDenseStore(cast<RankedTensorType>(output.tensor.getType()),
                        output.map, kernel.dims, used)) {
        reason = "a result is not written densely";
        return failure();
      }
      output.alongRow = used.anyCommon(reduced);
      llvm::SmallBitVector all = kept;
      if (output.alongRow)
        all |= reduced;
      // A result over the kept dims only, without any reduction, would be
      // computed from sweep-independent values: still right.
      if (used != all) {
        reason = "a result does not vary along all dims";
        return failure();
      }
      kernel.numSweeps = std::max(
          kernel.numSweeps, output.level + (output.alongRow ? 1 : 0));
    }
    for (LoopReduction &reduction : kernel.reductions)
      kernel.numSweeps = std::max(kernel.numSweeps, reduction.sweep + 1);

    // The loops from the innermost one: rows are swept inside of the kept dims.
    SmallVector<unsigned> outward;
    for (bool inner : {true, false})
      for (int d = numDims - 1; d >= 0; --d)
        if (kernel.dims[d].reduced == inner)
          outward.push_back(d);
    for (auto &visit : visitor.visits) {
      // A value is computed in the innermost loop that it depends on.
      llvm::SmallBitVector used = getDims(visit.loops);
      int64_t evaluated = kernel.getNumPoints(/*reduced=*/false);
      if (used.anyCommon(reduced))
        evaluated *= kernel.getNumPoints(/*reduced=*/true);
      if (evaluated <= visit.points)
        continue;
      double share = 1;
      for (unsigned d : outward) {
        if (used.test(d))
          break;
        share /= estimateProduct(1, kernel.dims[d].size, 256);
      }
      kernel.recomputedCost += visit.cost * share;
    }
    kernel.indexDims = getDims(visitor.indexExprs);
    for (AffineMap map : maps)
      for (AffineExpr expr : map.getResults()) {
        SmallVector<int64_t> factors;
        int64_t constant;
        if (!getLinearForm(expr, numDims, factors, constant))
          kernel.indexDims |= getDims({expr});
      }
    // Where dynamic sizes come from.
    auto findSize = [&](Value tensor, AffineMap map) {
      for (auto [i, expr] : llvm::enumerate(map.getResults())) {
        SmallVector<int64_t> factors;
        int64_t constant;
        if (!cast<RankedTensorType>(tensor.getType()).isDynamicDim(i) ||
            !getLinearForm(expr, numDims, factors, constant) || constant)
          continue;
        // One dynamic dim, and static ones inside of it.
        int64_t dynamicDim = -1, inner = 1;
        bool single = true;
        for (auto [d, factor] : llvm::enumerate(factors)) {
          if (!factor)
            continue;
          if (!ShapedType::isDynamic(kernel.dims[d].size))
            inner *= kernel.dims[d].size;
          else if (dynamicDim >= 0)
            single = false;
          else
            dynamicDim = d;
        }
        if (!single || dynamicDim < 0 || factors[dynamicDim] != inner)
          continue;
        LoopDim &dim = kernel.dims[dynamicDim];
        if (!dim.sizeTensor) {
          dim.sizeTensor = tensor;
          dim.sizeDim = i;
          dim.divisor = inner;
        }
      }
    };
    for (LoopOutput &output : kernel.outputs)
      findSize(output.tensor, output.map);
    for (LoopAccess &load : kernel.loads)
      findSize(load.tensor, load.map);
    for (LoopDim &dim : kernel.dims)
      if (ShapedType::isDynamic(dim.size) && !dim.sizeTensor) {
        reason = "a dynamic size that no tensor of the boundary has";
        return failure();
      }
    return kernel;
  }
  reason = "index expressions that do not become linear";
  return failure();
}
