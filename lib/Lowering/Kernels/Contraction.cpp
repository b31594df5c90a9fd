//===- Contraction.cpp - Matrix products and convolutions -----------------===//

#include "fx/Lowering/Kernels/Contraction.h"

#include "fx/Lowering/Kernels/LoopKernel.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fx;

/// Looks through a widening to the accumulation type.
static Value skipExtension(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(op))
    return op->getOperand(0);
  return value;
}

/// The op of either type that computes a value.
template <typename FloatOp, typename IntOp>
static Operation *getArithmetic(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<FloatOp, IntOp>(op) ? op : nullptr;
}

/// The body acc + a * b, with operands in either order.
static bool isMultiplyAdd(linalg::GenericOp op) {
  Block *body = op.getBody();
  Operation *add = getArithmetic<arith::AddFOp, arith::AddIOp>(
      body->getTerminator()->getOperand(0));
  if (!add)
    return false;
  Value accumulator = body->getArgument(2);
  Value left = add->getOperand(0), right = add->getOperand(1);
  Value product = left == accumulator    ? right
                  : right == accumulator ? left
                                         : Value();
  Operation *mul =
      product ? getArithmetic<arith::MulFOp, arith::MulIOp>(product) : nullptr;
  if (!mul)
    return false;
  Value a = skipExtension(mul->getOperand(0));
  Value b = skipExtension(mul->getOperand(1));
  Value x = body->getArgument(0), y = body->getArgument(1);
  return (a == x && b == y) || (a == y && b == x);
}

/// Whether the body extends an operand without its sign.
static bool isUnsigned(linalg::GenericOp op, unsigned operand) {
  return llvm::any_of(op.getBody()->getArgument(operand).getUsers(),
                      llvm::IsaPred<arith::ExtUIOp>);
}

static bool startsAtZero(linalg::GenericOp op) {
  auto fill = op.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  return fill && (matchPattern(fill.value(), m_AnyZeroFloat()) ||
                  matchPattern(fill.value(), m_Zero()));
}

/// Strides of a dense tensor; nothing for dynamic ones.
static SmallVector<std::optional<int64_t>> getDenseStrides(Value tensor) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(tensor.getType()).getShape();
  SmallVector<std::optional<int64_t>> strides(shape.size());
  std::optional<int64_t> stride = 1;
  for (int64_t d = shape.size() - 1; d >= 0; --d) {
    strides[d] = stride;
    if (ShapedType::isDynamic(shape[d]))
      stride = std::nullopt;
    else if (stride)
      *stride *= shape[d];
  }
  return strides;
}

/// Whether the loops of one class run through a tensor like one loop.
static bool isOneLoop(ArrayRef<unsigned> loops, Value tensor, AffineMap map,
                      ArrayRef<int64_t> sizes) {
  if (loops.size() < 2)
    return true;
  auto strides = getDenseStrides(tensor);
  std::optional<int64_t> outer;
  for (unsigned loop : loops) {
    std::optional<int64_t> stride = 0;
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (cast<AffineDimExpr>(expr).getPosition() == loop)
        stride = strides[i];
    if (!stride || ShapedType::isDynamic(sizes[loop]))
      return false;
    if (outer && *outer != *stride * sizes[loop])
      return false;
    outer = stride;
  }
  return true;
}

static FailureOr<Contraction> matchProduct(linalg::GenericOp op) {
  Contraction match{ContractionKind::Product, op, {}};
  match.lhs = op.getDpsInputOperand(0)->get();
  match.rhs = op.getDpsInputOperand(1)->get();
  auto maps = op.getIndexingMapsArray();
  match.lhsMap = maps[0];
  match.rhsMap = maps[1];
  match.unsignedLhs = isUnsigned(op, 0);
  match.unsignedRhs = isUnsigned(op, 1);
  AffineMap result = maps[2];
  for (AffineMap map : maps)
    if (!map.isProjectedPermutation())
      return failure();
  if (result.getNumResults() == 0)
    return failure();
  // The last dimension of the result is a column.
  unsigned last = cast<AffineDimExpr>(result.getResults().back()).getPosition();
  if (!match.rhsMap.isFunctionOfDim(last)) {
    std::swap(match.lhs, match.rhs);
    std::swap(match.lhsMap, match.rhsMap);
    std::swap(match.unsignedLhs, match.unsignedRhs);
  }
  for (AffineExpr expr : result.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    bool left = match.lhsMap.isFunctionOfDim(loop);
    bool right = match.rhsMap.isFunctionOfDim(loop);
    if (!left && !right)
      return failure();
    (left && right ? match.batch : left ? match.row : match.column)
        .push_back(loop);
  }
  auto iterators = op.getIteratorTypesArray();
  for (AffineExpr expr : match.lhsMap.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (iterators[loop] != utils::IteratorType::reduction)
      continue;
    if (!match.rhsMap.isFunctionOfDim(loop))
      return failure();
    match.inner.push_back(loop);
  }
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (iterators[loop] == utils::IteratorType::reduction &&
        !match.lhsMap.isFunctionOfDim(loop))
      return failure();
  // Without columns and rows it is a reduction of a product.
  if (match.inner.empty() || match.column.empty() || match.row.empty() ||
      match.column.back() != last)
    return failure();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  Value output = op.getResult(0);
  if (!isOneLoop(match.batch, match.lhs, match.lhsMap, sizes) ||
      !isOneLoop(match.batch, match.rhs, match.rhsMap, sizes) ||
      !isOneLoop(match.batch, output, result, sizes) ||
      !isOneLoop(match.row, match.lhs, match.lhsMap, sizes) ||
      !isOneLoop(match.row, output, result, sizes) ||
      !isOneLoop(match.column, match.rhs, match.rhsMap, sizes) ||
      !isOneLoop(match.column, output, result, sizes) ||
      !isOneLoop(match.inner, match.lhs, match.lhsMap, sizes) ||
      !isOneLoop(match.inner, match.rhs, match.rhsMap, sizes))
    return failure();
  return match;
}

/// a * x + b * y with loops x and y.
static bool matchWindow(AffineExpr expr, unsigned numLoops, unsigned outer,
                        unsigned inner, int64_t &stride, int64_t &dilation) {
  SmallVector<int64_t> factors;
  int64_t constant;
  if (!getLinearForm(expr, numLoops, factors, constant) || constant)
    return false;
  stride = factors[outer];
  dilation = factors[inner];
  factors[outer] = factors[inner] = 0;
  return stride > 0 && dilation > 0 &&
         llvm::all_of(factors, [](int64_t f) { return f == 0; });
}

/// Results of a map that are plain loops; false if one is not.
static bool getLoops(ArrayRef<AffineExpr> exprs,
                     SmallVectorImpl<unsigned> &loops) {
  for (AffineExpr expr : exprs) {
    auto d = dyn_cast<AffineDimExpr>(expr);
    if (!d)
      return false;
    loops.push_back(d.getPosition());
  }
  return true;
}

/// Looks through the split of the channels into groups and the padding.
static bool matchInput(Contraction &match, Value value) {
  if (auto expand = value.getDefiningOp<tensor::ExpandShapeOp>())
    value = expand.getSrc();
  int64_t spatial = match.stride.size();
  match.padding.assign(spatial, 0);
  if (auto pad = value.getDefiningOp<tensor::PadOp>()) {
    Value constant = pad.getConstantPaddingValue();
    if (!constant || !matchPattern(constant, m_AnyZeroFloat()))
      return false;
    int64_t rank = pad.getSourceType().getRank();
    for (int64_t d = 0; d < rank; ++d) {
      int64_t low = pad.getStaticLow()[d], high = pad.getStaticHigh()[d];
      if (ShapedType::isDynamic(low) || ShapedType::isDynamic(high) ||
          low < 0 || (d < rank - spatial && (low || high)))
        return false;
      if (d >= rank - spatial)
        match.padding[d - (rank - spatial)] = low;
    }
    match.pad = pad;
    value = pad.getSource();
  }
  match.input = value;
  return cast<RankedTensorType>(value.getType()).getRank() == spatial + 2;
}

/// Convolution: x[n, (g,) c, o*s+k*d] * w[(g,) f, c, k] -> [n, (g,) f, o].
/// Gradient: y[n, (g,) f, o] * x[n, (g,) c, o*s+k*d] -> [(g,) f, c, k].
/// Without groups the weight may be [f, k, c], too.
static FailureOr<Contraction> matchConvolution(linalg::GenericOp op) {
  auto maps = op.getIndexingMapsArray();
  unsigned numLoops = op.getNumLoops();
  Contraction match{ContractionKind::Convolution, op, {}};
  unsigned inputIndex = 0;
  SmallVector<unsigned> unused;
  if (getLoops(maps[0].getResults(), unused)) {
    match.kind = ContractionKind::WeightGradient;
    inputIndex = 1;
  }
  ArrayRef<AffineExpr> x = maps[inputIndex].getResults();
  SmallVector<unsigned> other, result, lead;
  if (!getLoops(maps[1 - inputIndex].getResults(), other) ||
      !getLoops(maps[2].getResults(), result))
    return failure();
  // [n, f, o] and [f, c, k] of one group are numbered alike.
  bool isForward = match.kind == ContractionKind::Convolution;
  ArrayRef<unsigned> y = isForward ? result : other;
  ArrayRef<unsigned> w = isForward ? other : result;
  int64_t spatial = numLoops % 2 == 0 ? (numLoops - 4) / 2 : (numLoops - 3) / 2;
  if (spatial < 1 || spatial > 3)
    return failure();
  match.grouped = numLoops % 2 == 0;
  int64_t g = match.grouped;
  if (static_cast<int64_t>(x.size()) != 2 + g + spatial ||
      static_cast<int64_t>(y.size()) != 2 + g + spatial ||
      static_cast<int64_t>(w.size()) != 2 + g + spatial)
    return failure();
  SmallVector<unsigned> moved;
  if (!g && getLoops(x.take_front(2), lead) && w.back() == lead[1]) {
    match.channelsLast = true;
    moved = {w.front(), w.back()};
    llvm::append_range(moved, w.drop_front().drop_back());
    w = moved;
  }
  lead.clear();
  if (!getLoops(x.take_front(2 + g), lead) || lead[0] != y[0] ||
      lead[1 + g] != w[1 + g] || y[1 + g] != w[g] ||
      (g && (lead[1] != y[1] || y[1] != w[0])))
    return failure();
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t stride, dilation;
    if (!matchWindow(x[2 + g + i], numLoops, y[2 + g + i], w[2 + g + i],
                     stride, dilation))
      return failure();
    match.stride.push_back(stride);
    match.dilation.push_back(dilation);
  }
  match.weight = op.getDpsInputOperand(1 - inputIndex)->get();
  if (!matchInput(match, op.getDpsInputOperand(inputIndex)->get()))
    return failure();
  return match;
}

FailureOr<Contraction> fx::matchContraction(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      !op.hasPureTensorSemantics() || !op.getNumReductionLoops())
    return failure();
  auto isTensor = [](Value v) { return isa<RankedTensorType>(v.getType()); };
  if (!llvm::all_of(op->getOperands(), isTensor) || !isMultiplyAdd(op) ||
      !startsAtZero(op))
    return failure();
  // Operands are in memory, not values that each kernel makes for itself.
  for (OpOperand *operand : op.getDpsInputOperands()) {
    Operation *definition = operand->get().getDefiningOp();
    if (definition && (isa<linalg::FillOp, tensor::EmptyOp>(definition) ||
                       definition->hasTrait<OpTrait::ConstantLike>()))
      return failure();
  }
  auto element = [](Value v) { return getElementTypeOrSelf(v.getType()); };
  Type operand = element(op->getOperand(0));
  Type sum = element(op->getResult(0));
  if (operand != element(op->getOperand(1)))
    return failure();
  bool narrow = operand.isBF16() || operand.isF16();
  if (!(sum.isF32() && (operand.isF32() || narrow)) &&
      !(sum.isF64() && operand.isF64()) &&
      !(sum.isInteger(32) && operand.isInteger(8)))
    return failure();
  FailureOr<Contraction> match = matchProduct(op);
  if (failed(match) && (operand.isF32() || narrow))
    match = matchConvolution(op);
  if (succeeded(match))
    match->element = operand;
  return match;
}

bool fx::canHideResult(Contraction &contraction) {
  Value raw = contraction.op.getResult(0);
  auto type = cast<RankedTensorType>(raw.getType());
  if (contraction.element == type.getElementType())
    return false;
  return contraction.kind == ContractionKind::Product ||
         llvm::none_of(type.getShape().drop_front(), ShapedType::isDynamic);
}

/// The element-wise op that only moves the elements of its one input, or only
/// extends them, too.
static linalg::GenericOp getCopy(Value value, Operation *&extension) {
  auto copy = value.getDefiningOp<linalg::GenericOp>();
  if (!copy || copy.getNumReductionLoops() || copy.getNumDpsInputs() != 1 ||
      copy.getNumDpsInits() != 1 || !copy.hasPureTensorSemantics() ||
      !isa<RankedTensorType>(copy->getOperand(0).getType()))
    return {};
  Block *body = copy.getBody();
  Value yielded = body->getTerminator()->getOperand(0);
  extension = yielded.getDefiningOp();
  if (isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(extension))
    yielded = extension->getOperand(0);
  else
    extension = nullptr;
  return yielded == body->getArgument(0) ? copy : linalg::GenericOp();
}

/// Lets the body extend an operand that has the type of `extension`'s operand.
static void extendInBody(RewriterBase &rewriter, linalg::GenericOp op,
                         unsigned operand, Operation *extension) {
  Block *body = op.getBody();
  BlockArgument argument = body->getArgument(operand);
  argument.setType(extension->getOperand(0).getType());
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(body);
  Operation *copy = rewriter.clone(*extension);
  rewriter.replaceAllUsesExcept(argument, copy->getResult(0), copy);
  copy->setOperand(0, argument);
}

bool fx::foldCopiesIntoContraction(RewriterBase &rewriter, linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return false;
  bool isInteger =
      getElementTypeOrSelf(op->getResultTypes().front()).isInteger(32) &&
      isMultiplyAdd(op) && succeeded(matchProduct(op));
  Value weight;
  if (!isInteger) {
    FailureOr<Contraction> match = matchContraction(op);
    if (failed(match) || match->kind == ContractionKind::WeightGradient)
      return false;
    weight = match->weight;
  }
  bool changed = false;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    if (weight && operand->get() != weight)
      continue;
    Operation *extension = nullptr;
    linalg::GenericOp copy = getCopy(operand->get(), extension);
    if (!copy || (extension && (!isInteger ||
                                !extension->getOperand(0).getType().isInteger(8))))
      continue;
    AffineMap from = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
    AffineMap to = copy.getMatchingIndexingMap(copy.getDpsInitOperand(0));
    if (!from.isProjectedPermutation() || !to.isPermutation())
      continue;
    AffineMap map = op.getMatchingIndexingMap(operand);
    // Loops -> result of the copy -> loops of the copy -> its source.
    AffineMap composed = from.compose(inversePermutation(to)).compose(map);
    auto maps = op.getIndexingMapsArray();
    maps[operand->getOperandNumber()] = composed;
    // The op must still say how far each loop runs.
    if (!inversePermutation(concatAffineMaps(maps, op.getContext())))
      continue;
    auto oldMaps = op.getIndexingMapsAttr();
    Value old = operand->get();
    rewriter.modifyOpInPlace(op, [&] {
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
      operand->set(copy->getOperand(0));
    });
    if (failed(isInteger ? matchProduct(op) : matchContraction(op))) {
      rewriter.modifyOpInPlace(op, [&] {
        op.setIndexingMapsAttr(oldMaps);
        operand->set(old);
      });
      continue;
    }
    if (extension)
      extendInBody(rewriter, op, operand->getOperandNumber(), extension);
    changed = true;
  }
  return changed;
}

void fx::foldCopyOfWeightGradient(RewriterBase &rewriter,
                                  linalg::GenericOp op) {
  FailureOr<Contraction> match = matchContraction(op);
  if (failed(match) || match->kind != ContractionKind::WeightGradient ||
      !op->hasOneUse())
    return;
  Operation *extension = nullptr;
  linalg::GenericOp copy;
  if (Operation *user = *op->user_begin(); user->getNumResults() == 1)
    copy = getCopy(user->getResult(0), extension);
  if (!copy || extension || copy->getOperand(0) != op.getResult(0))
    return;
  AffineMap from = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
  AffineMap to = copy.getMatchingIndexingMap(copy.getDpsInitOperand(0));
  if (!from.isPermutation() || !to.isPermutation())
    return;
  auto maps = op.getIndexingMapsArray();
  // Loops -> gradient -> loops of the copy -> its result.
  maps[2] = to.compose(inversePermutation(from)).compose(maps[2]);
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(copy->getResult(0).getType());
  auto fill = op.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  if (!type.hasStaticShape())
    return;
  Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                        type.getElementType());
  Value init = linalg::FillOp::create(rewriter, loc, fill.getInputs(), empty)
                   .getResult(0);
  auto moved = linalg::GenericOp::create(
      rewriter, loc, type, op.getDpsInputs(), init, maps,
      op.getIteratorTypesArray());
  IRMapping mapping;
  op.getRegion().cloneInto(&moved.getRegion(), mapping);
  if (failed(matchContraction(moved))) {
    rewriter.eraseOp(moved);
    return;
  }
  rewriter.replaceOp(copy, moved.getResult(0));
  rewriter.eraseOp(op);
}
