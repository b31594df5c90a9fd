//===- ViewDerivatives.cpp - Shape and view ops ---------------------------===//

#include "Derivatives.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::fx {

/// Views that keep the order of the elements.
template <typename OpTy>
static void differentiateReshape(OpTy op, GradientBuilder &g) {
  g.set(0, [&] { return g.view(g.gradient(), g.sizesOf(op.getSelf())); });
}
static void differentiate(ViewOp op, GradientBuilder &g) {
  differentiateReshape(op, g);
}
static void differentiate(SqueezeOp op, GradientBuilder &g) {
  differentiateReshape(op, g);
}
static void differentiate(FlattenOp op, GradientBuilder &g) {
  differentiateReshape(op, g);
}
static void differentiate(UnsqueezeOp op, GradientBuilder &g) {
  g.set(0, [&] {
    int64_t dim = wrapDim(op.getDim(), getRank(op.getResult()));
    return g.squeeze(g.gradient(), dim);
  });
}

static void differentiate(ExpandOp op, GradientBuilder &g) {
  // The caller sums over the repeated dimensions.
  g.set(0, [&] { return g.gradient(); });
}
static void differentiate(PermuteOp op, GradientBuilder &g) {
  g.set(0, [&] {
    int64_t rank = getRank(op.getSelf());
    SmallVector<int64_t> inverse(rank);
    for (auto [i, dim] : llvm::enumerate(op.getDims()))
      inverse[wrapDim(dim, rank)] = i;
    return g.permute(g.gradient(), inverse);
  });
}
static void differentiate(TransposeOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    return g.create<TransposeOp>(g.gradient(), op.getDim0(), op.getDim1());
  });
}
static void differentiate(TOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value { return g.create<TOp>(g.gradient()); });
}
static void differentiate(FlipOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    return g.create<FlipOp>(g.gradient(), op.getDims());
  });
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// A slice as padding, if its bounds and sizes are known and the step is 1.
static Value padSlice(GradientBuilder &g, SliceOp op, int64_t dim) {
  int64_t size = getTensorType(op.getSelf()).getDimSize(dim);
  int64_t length = getTensorType(op.getResult()).getDimSize(dim);
  auto start = op.getStart() ? getConstantNumber(op.getStart())
                             : std::optional<double>(0);
  if (op.getStep() != 1 || !start || ShapedType::isDynamic(size) ||
      ShapedType::isDynamic(length))
    return {};
  int64_t first = *start < 0 ? *start + size : *start;
  first = std::clamp<int64_t>(first, 0, size);
  int64_t rank = getRank(op.getSelf());
  // Pads are listed from the last dimension to the first.
  SmallVector<int64_t> pad(2 * (rank - dim), 0);
  pad[pad.size() - 2] = first;
  pad[pad.size() - 1] = size - first - length;
  return g.create<ConstantPadNdOp>(g.gradient(), g.f64(0), pad);
}

static void differentiate(SliceOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    int64_t dim = wrapDim(op.getDim(), getRank(op.getSelf()));
    if (Value padded = padSlice(g, op, dim))
      return padded;
    return g.create<SliceScatterOp>(g.zerosLike(op.getSelf()), g.gradient(),
                                    (uint64_t)dim, op.getStart(), op.getEnd(),
                                    op.getStep());
  });
}
static void differentiate(SelectOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    return g.create<SelectScatterOp>(g.zerosLike(op.getSelf()), g.gradient(),
                                     op.getDim(), op.getIndex());
  });
}
static void differentiate(SliceScatterOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    return g.create<SliceScatterOp>(g.gradient(), g.zerosLike(op.getSrc()),
                                    op.getDim(), op.getStart(), op.getEnd(),
                                    op.getStep());
  });
  g.set(1, [&]() -> Value {
    return g.create<SliceOp>(g.gradient(), op.getDim(), op.getStart(),
                             op.getEnd(), op.getStep());
  });
}
static void differentiate(SelectScatterOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    return g.create<SelectScatterOp>(g.gradient(), g.zerosLike(op.getSrc()),
                                     op.getDim(), op.getIndex());
  });
  g.set(1, [&]() -> Value {
    return g.create<SelectOp>(g.gradient(), op.getDim(), op.getIndex());
  });
}
static void differentiate(ConstantPadNdOp op, GradientBuilder &g) {
  g.set(0, [&]() -> Value {
    SmallVector<int64_t> pad;
    for (int64_t amount : op.getPad())
      pad.push_back(-amount);
    return g.create<ConstantPadNdOp>(g.gradient(), g.f64(0), pad);
  });
}

//===----------------------------------------------------------------------===//
// Joining and splitting
//===----------------------------------------------------------------------===//

static void differentiate(CatOp op, GradientBuilder &g) {
  int64_t rank = getRank(op.getResult());
  int64_t dim = wrapDim(op.getDim(), rank);
  Size begin = g.size(0);
  for (unsigned i = 0; i < op.getTensors().size(); ++i) {
    Value tensor = op.getTensors()[i];
    // ATen skips empty vectors among tensors of another rank.
    if (getRank(tensor) != rank) {
      g.set(i, [&] { return g.zerosLike(tensor); });
      continue;
    }
    Size size = g.sizeOf(tensor, dim), end;
    auto first = dyn_cast<Attribute>(begin), length = dyn_cast<Attribute>(size);
    if (first && length)
      end = g.size(cast<IntegerAttr>(first).getInt() +
                   cast<IntegerAttr>(length).getInt());
    else
      end = g.create<arith::AddIOp>(g.asValue(begin), g.asValue(size))
                .getResult();
    g.set(i, [&] {
      return g.slice(g.gradient(), dim, g.asValue(begin), g.asValue(end));
    });
    begin = end;
  }
}
static void differentiate(StackOp op, GradientBuilder &g) {
  int64_t dim = wrapDim(op.getDim(), getRank(op.getResult()));
  for (unsigned i = 0; i < op.getTensors().size(); ++i)
    g.set(i, [&] { return g.select(g.gradient(), dim, g.i64(i)); });
}
/// The gradients of the parts, joined.
template <typename OpTy>
static void differentiateSplit(OpTy op, GradientBuilder &g) {
  g.set(0, [&] {
    int64_t dim = wrapDim(op.getDim(), getRank(op.getSelf()));
    SmallVector<Value> parts;
    for (unsigned i = 0; i < op->getNumResults(); ++i) {
      Value part = g.gradientOrZeros(i);
      parts.push_back(std::is_same_v<OpTy, UnbindOp> ? g.unsqueeze(part, dim)
                                                     : part);
    }
    return g.cat(parts, dim);
  });
}
static void differentiate(SplitOp op, GradientBuilder &g) {
  differentiateSplit(op, g);
}
static void differentiate(ChunkOp op, GradientBuilder &g) {
  differentiateSplit(op, g);
}
static void differentiate(SplitWithSizesOp op, GradientBuilder &g) {
  differentiateSplit(op, g);
}
static void differentiate(UnbindOp op, GradientBuilder &g) {
  differentiateSplit(op, g);
}

void attachViewDerivatives(MLIRContext *context) {
  attachDerivatives<ViewOp, SqueezeOp, FlattenOp, UnsqueezeOp, ExpandOp,
                    PermuteOp, TransposeOp, TOp, FlipOp, SliceOp, SelectOp,
                    SliceScatterOp, SelectScatterOp, ConstantPadNdOp, CatOp,
                    StackOp, SplitOp, ChunkOp, SplitWithSizesOp, UnbindOp>(
      context);
}

} // namespace mlir::fx
