//===- CompositesView.cpp - Formulas of views and joins -------------------===//

#include "CompositeShapes.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Diagonals
//===----------------------------------------------------------------------===//

static Values diagonal(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t rank = getRank(x);
  int64_t dim1 = getDim(c, "dim1", rank), dim2 = getDim(c, "dim2", rank);
  if (c.hasFailed() || dim1 == dim2)
    return c.fail();
  return {buildDiagonal(c, x, c.integer("offset"), dim1, dim2)};
}

static Values diagonalScatter(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t rank = getRank(x);
  int64_t dim1 = getDim(c, "dim1", rank), dim2 = getDim(c, "dim2", rank);
  if (c.hasFailed() || dim1 == dim2)
    return c.fail();
  return {scatterDiagonal(c, x, c.value("src"), c.integer("offset"), dim1,
                          dim2)};
}

static Values diagonalBackward(CompositeBuilder &c) {
  Value gradient = c.value("grad_output");
  SmallVector<int64_t> shape = c.integers("input_sizes");
  int64_t rank = shape.size();
  int64_t dim1 = getDim(c, "dim1", rank), dim2 = getDim(c, "dim2", rank);
  if (c.hasFailed() || dim1 == dim2)
    return c.fail();
  Sizes sizes;
  for (int64_t size : shape)
    sizes.push_back(c.size(size));
  Value zeros = c.full(sizes, c.f64(0), getElement(gradient));
  return {scatterDiagonal(c, zeros, gradient, c.integer("offset"), dim1,
                          dim2)};
}

/// Zeros with `x` on a diagonal of new matrices in dimensions dim1 and dim2.
static Value embedDiagonal(CompositeBuilder &c, Value x, int64_t offset,
                           int64_t dim1, int64_t dim2) {
  int64_t rank = getRank(x) + 1;
  int64_t size = getKnownSize(c, x, rank - 2) + std::abs(offset);
  if (c.hasFailed() || dim1 == dim2)
    return {};
  Sizes sizes = c.sizesOf(x);
  sizes.back() = c.size(size);
  sizes.push_back(c.size(size));
  Value zeros = c.full(sizes, c.numberLike(0, x), getElement(x));
  Value matrices = scatterDiagonal(c, zeros, x, offset, rank - 2, rank - 1);
  SmallVector<int64_t> dims;
  for (int64_t dim = 0, next = 0; dim < rank; ++dim)
    dims.push_back(dim == dim1   ? rank - 2
                   : dim == dim2 ? rank - 1
                                 : next++);
  return permuteTo(c, matrices, dims);
}

static Values diagEmbed(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t rank = getRank(x) + 1;
  int64_t dim1 = getDim(c, "dim1", rank), dim2 = getDim(c, "dim2", rank);
  if (c.hasFailed() || dim1 == dim2)
    return c.fail();
  return {embedDiagonal(c, x, c.integer("offset"), dim1, dim2)};
}

static Values diag(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t offset = c.integer("diagonal");
  if (getRank(x) == 1)
    return {embedDiagonal(c, x, offset, 0, 1)};
  if (getRank(x) != 2)
    return c.fail();
  return {buildDiagonal(c, x, offset, 0, 1)};
}

static Values trace(CompositeBuilder &c) {
  if (getRank(c.value("self")) != 2)
    return c.fail();
  Value elements = buildDiagonal(c, c.value("self"), 0, 0, 1);
  if (!elements)
    return c.fail();
  return {c.sum(elements, {0}, /*keepdim=*/false)};
}

/// Row and column of every element on one side of a diagonal: row r has
/// count(r) elements from column first(r) on.
template <bool isLower>
static Values triangleIndices(CompositeBuilder &c) {
  int64_t rows = c.integer("row"), columns = c.integer("col");
  int64_t offset = c.integer("offset");
  int64_t length = c.resultType().getDimSize(1);
  // Every row is compared with every element.
  if (c.hasFailed() || ShapedType::isDynamic(length) ||
      length * std::max<int64_t>(rows, 1) > (int64_t(1) << 28))
    return c.fail();
  if (length == 0)
    return {c.full({c.size(2), c.size(0)}, c.i64(0),
                   c.resultType().getElementType())};
  auto clampTo = [&](Value x) -> Value {
    return c.create<ClampMaxOp>(c.create<ClampMinOp>(x, c.i64(0)),
                                c.i64(columns));
  };
  Value row = c.add(buildIota(c, rows), c.i64(offset));
  // An upper triangle begins behind, a lower one ends at the diagonal.
  Value first = clampTo(row);
  Value count = clampTo(c.add(row, c.i64(1)));
  if (!isLower)
    count = c.create<RsubOp>(first, c.i64(columns), llvm::APFloat(1.0));
  Value ends = c.create<CumsumOp>(count, (uint64_t)0, TypeAttr());
  Value place = buildIota(c, length);
  Value rowOf = c.sum(c.ge(alongDim(c, place, 0, 2), ends), {1},
                      /*keepdim=*/false);
  Value start = takeAlong(c, c.sub(ends, count), rowOf, 0);
  Value columnOf = c.sub(place, start);
  if (!isLower)
    columnOf = c.add(columnOf, takeAlong(c, first, rowOf, 0));
  return {c.cat({c.unsqueeze(rowOf, 0), c.unsqueeze(columnOf, 0)}, 0)};
}

//===----------------------------------------------------------------------===//
// Order of elements
//===----------------------------------------------------------------------===//

static Value rollDim(CompositeBuilder &c, Value x, int64_t shift,
                     int64_t dim) {
  int64_t size = getKnownSize(c, x, dim);
  if (c.hasFailed() || size == 0)
    return x;
  int64_t start = ((-shift) % size + size) % size;
  if (start == 0)
    return x;
  return c.cat({c.slice(x, dim, start, size), c.slice(x, dim, 0, start)}, dim);
}

static Values roll(CompositeBuilder &c) {
  Value x = c.value("self");
  SmallVector<int64_t> shifts = c.integers("shifts"), dims = c.integers("dims");
  if (dims.empty() && shifts.size() == 1) {
    Value rolled = rollDim(c, flattenAll(c, x), shifts[0], 0);
    return {c.view(rolled, c.sizesOf(x))};
  }
  if (dims.size() != shifts.size())
    return c.fail();
  for (auto [shift, dim] : llvm::zip(shifts, dims)) {
    dim = wrapDimOrFail(c, dim, getRank(x));
    if (c.hasFailed())
      return {};
    x = rollDim(c, x, shift, dim);
  }
  return {x};
}

static Values rot90(CompositeBuilder &c) {
  Value x = c.value("self");
  SmallVector<int64_t> dims = c.integers("dims");
  if (dims.size() != 2)
    return c.fail();
  for (int64_t &dim : dims)
    dim = wrapDimOrFail(c, dim, getRank(x));
  if (c.hasFailed() || dims[0] == dims[1])
    return c.fail();
  int64_t turns = ((c.integer("k") % 4) + 4) % 4;
  auto flip = [&](Value x, ArrayRef<int64_t> dims) -> Value {
    return c.create<FlipOp>(x, dims);
  };
  auto exchange = [&](Value x) -> Value {
    return c.create<TransposeOp>(x, (uint64_t)dims[0], (uint64_t)dims[1]);
  };
  switch (turns) {
  case 1:
    return {exchange(flip(x, dims[1]))};
  case 2:
    return {flip(x, dims)};
  case 3:
    return {flip(exchange(x), dims[1])};
  default:
    return {c.create<CloneOp>(x)};
  }
}

template <int64_t dim>
static Values flipDim(CompositeBuilder &c) {
  Value x = c.value("self");
  if (getRank(x) <= dim)
    return c.fail();
  return {c.create<FlipOp>(x, ArrayRef<int64_t>{dim})};
}

static Values moveDims(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t rank = getRank(x);
  SmallVector<int64_t> from = c.integers("source"),
                       to = c.integers("destination");
  if (from.size() != to.size())
    return c.fail();
  SmallVector<int64_t> dims(rank, -1);
  SmallVector<bool> isMoved(rank);
  for (auto [source, destination] : llvm::zip(from, to)) {
    int64_t s = wrapDimOrFail(c, source, rank);
    int64_t d = wrapDimOrFail(c, destination, rank);
    if (c.hasFailed() || isMoved[s] || dims[d] >= 0)
      return c.fail();
    isMoved[s] = true;
    dims[d] = s;
  }
  int64_t next = 0;
  for (int64_t &dim : dims) {
    if (dim >= 0)
      continue;
    while (isMoved[next])
      ++next;
    dim = next++;
  }
  return {c.permute(x, dims)};
}

/// [b, c * r * r, h, w] -> [b, c, h * r, w * r] and back.
static Values pixelShuffle(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t rank = getRank(x), r = c.integer("upscale_factor");
  SmallVector<int64_t> shape = getKnownSizes(c, x);
  if (c.hasFailed() || rank < 3 || r <= 0)
    return c.fail();
  int64_t channels = shape[rank - 3] / (r * r);
  ArrayRef<int64_t> batch = ArrayRef(shape).drop_back(3);
  int64_t b = batch.size(), height = shape[rank - 2], width = shape[rank - 1];
  SmallVector<int64_t> split(batch);
  llvm::append_values(split, channels, r, r, height, width);
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, b));
  llvm::append_values(dims, b, b + 3, b + 1, b + 4, b + 2);
  SmallVector<int64_t> result(batch);
  llvm::append_values(result, channels, height * r, width * r);
  return {viewAs(c, c.permute(viewAs(c, x, split), dims), result)};
}

static Values pixelUnshuffle(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t rank = getRank(x), r = c.integer("downscale_factor");
  SmallVector<int64_t> shape = getKnownSizes(c, x);
  if (c.hasFailed() || rank < 3 || r <= 0)
    return c.fail();
  ArrayRef<int64_t> batch = ArrayRef(shape).drop_back(3);
  int64_t b = batch.size(), channels = shape[rank - 3];
  int64_t height = shape[rank - 2] / r, width = shape[rank - 1] / r;
  SmallVector<int64_t> split(batch);
  llvm::append_values(split, channels, height, r, width, r);
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, b));
  llvm::append_values(dims, b, b + 2, b + 4, b + 1, b + 3);
  SmallVector<int64_t> result(batch);
  llvm::append_values(result, channels * r * r, height, width);
  return {viewAs(c, c.permute(viewAs(c, x, split), dims), result)};
}

static Values channelShuffle(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t groups = c.integer("groups");
  SmallVector<int64_t> shape = getKnownSizes(c, x);
  if (c.hasFailed() || shape.size() < 2 || groups <= 0)
    return c.fail();
  SmallVector<int64_t> split(shape);
  split[1] /= groups;
  split.insert(split.begin() + 1, groups);
  SmallVector<int64_t> dims =
      llvm::to_vector(llvm::seq<int64_t>(0, split.size()));
  std::swap(dims[1], dims[2]);
  return {viewAs(c, c.permute(viewAs(c, x, split), dims), shape)};
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// The elements in their order under the shape of the result.
static Values reshape(CompositeBuilder &c) {
  Value x = c.value("self");
  ArrayRef<int64_t> shape = c.resultType().getShape();
  if (llvm::count_if(shape, ShapedType::isDynamic) > 1)
    return c.fail();
  SmallVector<int64_t> sizes;
  for (int64_t size : shape)
    sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return {viewAs(c, x, sizes)};
}

static Values broadcastTo(CompositeBuilder &c) {
  Value x = c.value("self");
  std::optional<graph::Argument> to =
      getExpandSizes(getTensorType(x), c.resultType());
  if (!to)
    return c.fail();
  SmallVector<int64_t> sizes;
  for (const graph::Argument &size : to->elements)
    sizes.push_back(size.integer);
  return {expandTo(c, x, sizes)};
}

static Values tile(CompositeBuilder &c) {
  Value x = c.value("self");
  SmallVector<int64_t> times = c.integers("dims");
  if (c.hasFailed())
    return {};
  while (int64_t(times.size()) < getRank(x))
    times.insert(times.begin(), 1);
  return {c.create<RepeatOp>(x, ValueRange(), times)};
}

static Values narrow(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t dim = getDim(c, "dim", getRank(x));
  int64_t start = c.integer("start"), length = c.integer("length");
  if (c.hasFailed())
    return {};
  if (start < 0)
    start += getKnownSize(c, x, dim);
  if (c.hasFailed())
    return {};
  return {c.slice(x, dim, start, start + length)};
}

static Value toMatrix(CompositeBuilder &c, Value x) {
  if (getRank(x) >= 2)
    return x;
  return getRank(x) == 1 ? c.unsqueeze(x, 0) : viewAs(c, x, {1, 1});
}

static Value atLeast(CompositeBuilder &c, Value x, int64_t rank) {
  if (getRank(x) == 0)
    return viewAs(c, x, SmallVector<int64_t>(rank, 1));
  if (rank >= 2)
    x = toMatrix(c, x);
  return rank == 3 && getRank(x) == 2 ? c.unsqueeze(x, 2) : x;
}

template <int64_t rank>
static Values atLeastEach(CompositeBuilder &c) {
  Values results;
  bool isList = !c.has("self");
  for (Value x : c.values(isList ? "tensors" : "self"))
    results.push_back(atLeast(c, x, rank));
  return results;
}

//===----------------------------------------------------------------------===//
// Joins and parts
//===----------------------------------------------------------------------===//

/// hstack, vstack, dstack: cat of tensors of rank at least `rank`.
template <int64_t rank>
static Values joinAtLeast(CompositeBuilder &c) {
  Values parts;
  for (Value x : c.values("tensors"))
    parts.push_back(atLeast(c, x, rank));
  if (parts.empty())
    return c.fail();
  // hstack joins vectors along their only dimension.
  int64_t dim = rank == 3                              ? 2
                : rank == 1 && getRank(parts[0]) > 1 ? 1
                                                       : 0;
  return {c.cat(parts, dim)};
}

static Values columnStack(CompositeBuilder &c) {
  Values parts;
  for (Value x : c.values("tensors"))
    parts.push_back(getRank(x) == 0   ? viewAs(c, x, {1, 1})
                    : getRank(x) == 1 ? c.unsqueeze(x, 1)
                                      : x);
  if (parts.empty())
    return c.fail();
  return {c.cat(parts, 1)};
}

static Values concatenate(CompositeBuilder &c) {
  Values parts = c.values("tensors");
  if (parts.empty())
    return c.fail();
  int64_t dim = getDim(c, "dim", getRank(parts[0]));
  if (c.hasFailed())
    return {};
  return {c.cat(parts, dim)};
}

static Values blockDiag(CompositeBuilder &c) {
  Values blocks;
  for (Value x : c.values("tensors"))
    blocks.push_back(toMatrix(c, x));
  int64_t columns = 0, before = 0;
  for (Value block : blocks)
    columns += getKnownSize(c, block, 1);
  if (c.hasFailed())
    return {};
  for (Value &block : blocks) {
    int64_t width = getTensorType(block).getDimSize(1);
    int64_t after = columns - before - width;
    block = c.create<ConstantPadNdOp>(block, c.numberLike(0, block),
                                      ArrayRef<int64_t>{before, after, 0, 0});
    before += width;
  }
  return {c.cat(blocks, 0)};
}

static Values meshgrid(CompositeBuilder &c) {
  Values vectors = c.values("tensors");
  int64_t count = vectors.size();
  bool isXY = c.has("indexing") && c.text("indexing") == "xy" && count >= 2;
  if (isXY)
    std::swap(vectors[0], vectors[1]);
  Sizes sizes;
  for (Value &vector : vectors) {
    if (getRank(vector) > 1)
      return c.fail();
    vector = flattenAll(c, vector);
    sizes.push_back(c.sizeOf(vector, 0));
  }
  Values grids;
  for (auto [dim, vector] : llvm::enumerate(vectors)) {
    grids.push_back(c.expand(alongDim(c, vector, dim, count), sizes));
  }
  if (isXY)
    std::swap(grids[0], grids[1]);
  return grids;
}

static Values cartesianProd(CompositeBuilder &c) {
  Values vectors = c.values("tensors");
  if (vectors.size() == 1)
    return {vectors[0]};
  Sizes sizes;
  for (Value vector : vectors) {
    if (getRank(vector) != 1)
      return c.fail();
    sizes.push_back(c.sizeOf(vector, 0));
  }
  Values columns;
  for (auto [dim, vector] : llvm::enumerate(vectors)) {
    Value grid = c.expand(alongDim(c, vector, dim, vectors.size()), sizes);
    columns.push_back(c.unsqueeze(flattenAll(c, grid), 1));
  }
  return {c.cat(columns, 1)};
}

/// The parts of `x` along `dim`, as long as the results are.
static Values splitLikeResults(CompositeBuilder &c, Value x, int64_t dim) {
  Values parts;
  int64_t start = 0;
  for (unsigned i = 0; i < c.resultCount(); ++i) {
    if (c.resultType(i).getRank() != getRank(x) ||
        c.resultType(i).isDynamicDim(dim))
      return c.fail();
    int64_t end = start + c.resultType(i).getDimSize(dim);
    parts.push_back(c.slice(x, dim, start, end));
    start = end;
  }
  return parts;
}

static Values splitDim(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t dim = getDim(c, "dim", getRank(x));
  return c.hasFailed() ? Values() : splitLikeResults(c, x, dim);
}

/// hsplit, vsplit, dsplit; hsplit cuts a vector along its only dimension.
template <int64_t dim>
static Values splitAtDim(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t at = dim == 1 && getRank(x) == 1 ? 0 : dim;
  if (getRank(x) <= at)
    return c.fail();
  return splitLikeResults(c, x, at);
}

/// tensor_split at indices takes these as slices do: they may overlap.
static Values splitAtIndices(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t dim = getDim(c, "dim", getRank(x));
  SmallVector<int64_t> indices = c.integers("indices");
  if (c.hasFailed())
    return {};
  Values parts;
  for (size_t i = 0; i <= indices.size(); ++i) {
    Value start = c.i64(i == 0 ? 0 : indices[i - 1]);
    Value end = i < indices.size() ? c.i64(indices[i]) : Value();
    parts.push_back(c.slice(x, dim, start, end));
  }
  return parts;
}

//===----------------------------------------------------------------------===//
// Differences and windows
//===----------------------------------------------------------------------===//

/// op(x[1:], x[:-1]) along a dimension.
static Value pairwise(CompositeBuilder &c, Value x, int64_t dim,
                      function_ref<Value(Value, Value)> build) {
  Value size = c.asValue(c.sizeOf(x, dim));
  return build(c.slice(x, dim, c.i64(1), size),
               c.slice(x, dim, c.i64(0), c.i64(-1)));
}

static Values diff(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t dim = getDim(c, "dim", getRank(x)), times = c.integer("n");
  if (c.hasFailed() || getRank(x) == 0)
    return c.fail();
  Values parts;
  if (Value before = c.optional("prepend"))
    parts.push_back(before);
  parts.push_back(x);
  if (Value after = c.optional("append"))
    parts.push_back(after);
  if (parts.size() > 1)
    x = c.cat(parts, dim);
  int64_t size = getTensorType(x).getDimSize(dim);
  for (int64_t i = 0; i < times; ++i) {
    if (!ShapedType::isDynamic(size) && size <= i + 1) {
      x = c.slice(x, dim, 0, 0);
      break;
    }
    x = pairwise(c, x, dim, [&](Value after, Value before) -> Value {
      if (isBoolType(getElement(x)))
        return c.create<LogicalXorOp>(after, before);
      return c.sub(after, before);
    });
  }
  return {x};
}

/// The areas between neighbours, (x[1:] + x[:-1]) / 2 * step; null if the
/// formula does not hold.
static Value trapezoidAreas(CompositeBuilder &c, int64_t &dim) {
  Value y = c.operand("y");
  dim = getDim(c, "dim", getRank(y));
  if (c.hasFailed() || getRank(y) == 0) {
    c.fail();
    return {};
  }
  auto sum = [&](Value a, Value b) { return c.add(a, b); };
  auto difference = [&](Value a, Value b) { return c.sub(a, b); };
  Value pairs = pairwise(c, y, dim, sum);
  if (!c.has("x"))
    return c.mul(c.mul(pairs, c.value("dx")), 0.5);
  Value x = c.operand("x");
  bool isVector = getRank(x) == 1;
  if (!isVector && getRank(x) != getRank(y)) {
    c.fail();
    return {};
  }
  Value steps = pairwise(c, x, isVector ? 0 : dim, difference);
  if (isVector)
    steps = alongDim(c, steps, dim, getRank(y));
  return c.mul(c.mul(pairs, steps), 0.5);
}
static Values trapezoid(CompositeBuilder &c) {
  int64_t dim;
  Value areas = trapezoidAreas(c, dim);
  return areas ? Values{c.sum(areas, dim, /*keepdim=*/false)} : Values();
}
static Values cumulativeTrapezoid(CompositeBuilder &c) {
  int64_t dim;
  Value areas = trapezoidAreas(c, dim);
  if (!areas)
    return {};
  return {c.create<CumsumOp>(areas, (uint64_t)dim, TypeAttr())};
}

/// The windows of `size` elements at multiples of `step`, in a new last
/// dimension: the index of element k of window i is i * step + k.
static Value windowIndex(CompositeBuilder &c, int64_t count, int64_t size,
                         int64_t step) {
  Value start = c.mul(alongDim(c, buildIota(c, count), 0, 2), c.i64(step));
  return c.add(start, buildIota(c, size));
}

static Values unfold(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t size = c.integer("size"), step = c.integer("step");
  if (getRank(x) == 0 && size == 1 && !c.hasFailed())
    return {c.unsqueeze(x, 0)};
  int64_t rank = getRank(x), dim = getDim(c, "dimension", rank);
  if (c.hasFailed() || rank == 0 || step <= 0)
    return c.fail();
  int64_t length = getKnownSize(c, x, dim);
  if (c.hasFailed() || length < size)
    return c.fail();
  Value index = windowIndex(c, (length - size) / step + 1, size, step);
  Value windows = takeAlong(c, x, index, dim);
  return {permuteTo(c, windows, getDimsLast(rank + 1, {dim + 1}))};
}

static Values unfoldBackward(CompositeBuilder &c) {
  Value gradient = c.value("grad_in");
  SmallVector<int64_t> shape = c.integers("input_sizes");
  int64_t rank = shape.size(), dim = getDim(c, "dim", rank);
  int64_t size = c.integer("size"), step = c.integer("step");
  if (c.hasFailed() || rank == 0 || step <= 0 || shape[dim] < size)
    return c.fail();
  Sizes sizes;
  for (int64_t n : shape)
    sizes.push_back(c.size(n));
  Value index = windowIndex(c, (shape[dim] - size) / step + 1, size, step);
  SmallVector<int64_t> dims =
      llvm::to_vector(llvm::seq<int64_t>(0, rank));
  dims.insert(dims.begin() + dim + 1, rank);
  Value zeros = c.full(sizes, c.f64(0), getElement(gradient));
  return {putAlong(c, zeros, index, dim, c.permute(gradient, dims),
                   /*accumulate=*/true)};
}

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

static Values oneHot(CompositeBuilder &c) {
  Value x = c.value("self");
  int64_t classes = c.resultType().getShape().back();
  if (ShapedType::isDynamic(classes))
    return c.fail();
  return {c.eq(c.unsqueeze(x, getRank(x)), buildIota(c, classes))};
}

static Values eye(CompositeBuilder &c) {
  int64_t rows = c.resultType().getDimSize(0);
  int64_t columns = c.resultType().getDimSize(1);
  if (ShapedType::isDynamic(rows) || ShapedType::isDynamic(columns))
    return c.fail();
  return {c.eq(alongDim(c, buildIota(c, rows), 0, 2), buildIota(c, columns))};
}

ArrayRef<Composite> fx::getViewComposites() {
  static constexpr Composite table[] = {
      {"aten.diagonal.default", diagonal},
      {"aten.diagonal_copy.default", diagonal},
      {"aten.diagonal_scatter.default", diagonalScatter},
      {"aten.diagonal_backward.default", diagonalBackward},
      {"aten.diag_embed.default", diagEmbed},
      {"aten.diag.default", diag},
      {"aten.trace.default", trace},
      {"aten.tril_indices.default", triangleIndices<true>},
      {"aten.triu_indices.default", triangleIndices<false>},
      {"aten.roll.default", roll},
      {"aten.rot90.default", rot90},
      {"aten.fliplr.default", flipDim<1>},
      {"aten.flipud.default", flipDim<0>},
      {"aten.movedim.intlist", moveDims},
      {"aten.moveaxis.intlist", moveDims},
      {"aten.pixel_shuffle.default", pixelShuffle},
      {"aten.pixel_unshuffle.default", pixelUnshuffle},
      {"aten.channel_shuffle.default", channelShuffle},
      {"aten.native_channel_shuffle.default", channelShuffle},
      {"aten.ravel.default", reshape},
      {"aten.unflatten.int", reshape},
      {"aten.view_copy.default", reshape},
      {"aten.broadcast_to.default", broadcastTo},
      {"aten.expand_copy.default", broadcastTo},
      {"aten.tile.default", tile},
      {"aten.narrow.default", narrow},
      {"aten.narrow_copy.default", narrow},
      {"aten.atleast_1d.default", atLeastEach<1>},
      {"aten.atleast_2d.default", atLeastEach<2>},
      {"aten.atleast_3d.default", atLeastEach<3>},
      {"aten.atleast_1d.Sequence", atLeastEach<1>},
      {"aten.atleast_2d.Sequence", atLeastEach<2>},
      {"aten.atleast_3d.Sequence", atLeastEach<3>},
      {"aten.hstack.default", joinAtLeast<1>},
      {"aten.vstack.default", joinAtLeast<2>},
      {"aten.row_stack.default", joinAtLeast<2>},
      {"aten.dstack.default", joinAtLeast<3>},
      {"aten.column_stack.default", columnStack},
      {"aten.concatenate.default", concatenate},
      {"aten.block_diag.default", blockDiag},
      {"aten.meshgrid.default", meshgrid},
      {"aten.meshgrid.indexing", meshgrid},
      {"aten.cartesian_prod.default", cartesianProd},
      {"aten.tensor_split.sections", splitDim},
      {"aten.tensor_split.indices", splitAtIndices},
      {"aten.split.sizes", splitDim},
      {"aten.unsafe_split.Tensor", splitDim},
      {"aten.unsafe_split_with_sizes.default", splitDim},
      {"aten.unsafe_chunk.default", splitDim},
      {"aten.hsplit.int", splitAtDim<1>},
      {"aten.hsplit.array", splitAtDim<1>},
      {"aten.vsplit.int", splitAtDim<0>},
      {"aten.vsplit.array", splitAtDim<0>},
      {"aten.dsplit.int", splitAtDim<2>},
      {"aten.dsplit.array", splitAtDim<2>},
      {"aten.diff.default", diff},
      {"aten.trapezoid.dx", trapezoid},
      {"aten.trapezoid.x", trapezoid},
      {"aten.trapz.dx", trapezoid},
      {"aten.trapz.x", trapezoid},
      {"aten.cumulative_trapezoid.dx", cumulativeTrapezoid},
      {"aten.cumulative_trapezoid.x", cumulativeTrapezoid},
      {"aten.unfold.default", unfold},
      {"aten.unfold_copy.default", unfold},
      {"aten.unfold_backward.default", unfoldBackward},
      {"aten.one_hot.default", oneHot},
      {"aten.eye.default", eye},
      {"aten.eye.m", eye},
  };
  return table;
}
