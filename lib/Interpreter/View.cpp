//===- View.cpp - Views and rearrangements --------------------------------===//

#include "Evaluation.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

/// The elements of `from` at the positions of `shape`, which has the given
/// strides in it.
static FailureOr<Tensor> readStrided(Operation *op, Frame &frame,
                                     const Tensor &from,
                                     ArrayRef<int64_t> shape,
                                     ArrayRef<int64_t> strides,
                                     int64_t start = 0) {
  FailureOr<Tensor> result = frame.make(op, from.kind(), shape);
  if (failed(result))
    return failure();
  Positions positions(shape);
  positions.add(strides, start);
  for (int64_t i = 0; i < result->size(); ++i) {
    result->copyElement(i, from, positions.offset(0));
    positions.next();
  }
  return result;
}

static LogicalResult setStrided(Operation *op, Frame &frame,
                                const Tensor &from, ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> strides, int64_t start = 0) {
  FailureOr<Tensor> result =
      readStrided(op, frame, from, shape, strides, start);
  return failed(result) ? failure() : frame.set(op->getResult(0), *result);
}

static LogicalResult setReshaped(Operation *op, Frame &frame,
                                 const Tensor &from, ArrayRef<int64_t> shape) {
  if (countElements(shape) != from.size() ||
      llvm::any_of(shape, [](int64_t size) { return size < 0; }))
    return emitNodeError(op) << "cannot view " << printShape(from.shape())
                             << " as " << printShape(shape);
  return frame.set(op->getResult(0), from.reshaped(shape));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static LogicalResult evaluate(ViewOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  Shape sizes = frame.getSizes(op.getSize(), op.getStaticSize());
  for (int64_t &size : sizes) {
    if (size != -1)
      continue;
    size = 1;
    int64_t others = countElements(sizes);
    size = others ? self.size() / others : 0;
    break;
  }
  return setReshaped(op, frame, self, sizes);
}

static LogicalResult evaluate(FlattenOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  int64_t start = wrapDim(op.getStartDim(), self.rank());
  int64_t end = wrapDim(op.getEndDim(), self.rank());
  Shape shape;
  for (int64_t i = 0; i < self.rank(); ++i) {
    if (i > start && i <= end)
      shape.back() *= self.dim(i);
    else
      shape.push_back(self.dim(i));
  }
  if (shape.empty())
    shape.push_back(1);
  return setReshaped(op, frame, self, shape);
}

static LogicalResult evaluate(UnsqueezeOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  Shape shape(self.shape());
  shape.insert(shape.begin() + wrapDim(op.getDim(), self.rank() + 1), 1);
  return setReshaped(op, frame, self, shape);
}

static LogicalResult evaluate(SqueezeOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  auto type = cast<RankedTensorType>(op.getSelf().getType());
  Shape shape;
  for (int64_t i = 0; i < self.rank(); ++i) {
    bool isNamed =
        !op.getDim() || llvm::any_of(*op.getDim(), [&](int64_t dim) {
          return wrapDim(dim, self.rank()) == i;
        });
    // The type tells: a size that is not known is not 1.
    if (!isNamed || type.getDimSize(i) != 1)
      shape.push_back(self.dim(i));
  }
  return setReshaped(op, frame, self, shape);
}

static LogicalResult evaluate(ExpandOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  Shape sizes = frame.getSizes(op.getSize(), op.getStaticSize());
  int64_t first = (int64_t)sizes.size() - self.rank();
  for (int64_t i = 0; i < self.rank(); ++i)
    if (int64_t &size = sizes[first + i]; size == -1)
      size = self.dim(i);
  std::optional<Shape> shape = broadcast(self.shape(), sizes);
  if (!shape || *shape != sizes)
    return emitNodeError(op) << "cannot expand " << printShape(self.shape())
                             << " to " << printShape(sizes);
  return setStrided(op, frame, self, sizes,
                    getBroadcastStrides(self.shape(), sizes));
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

static LogicalResult setPermuted(Operation *op, Frame &frame,
                                 const Tensor &self, ArrayRef<int64_t> order) {
  Shape strides = getStrides(self.shape()), shape, permuted;
  for (int64_t dim : order) {
    shape.push_back(self.dim(dim));
    permuted.push_back(strides[dim]);
  }
  return setStrided(op, frame, self, shape, permuted);
}

static LogicalResult evaluate(PermuteOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  SmallVector<int64_t> order;
  for (int64_t dim : op.getDims())
    order.push_back(wrapDim(dim, self.rank()));
  return setPermuted(op, frame, self, order);
}

static LogicalResult exchange(Operation *op, Frame &frame, const Tensor &self,
                              int64_t dim0, int64_t dim1) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq(self.rank()));
  if (self.rank() > 1)
    std::swap(order[dim0], order[dim1]);
  return setPermuted(op, frame, self, order);
}
static LogicalResult evaluate(TransposeOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  return exchange(op, frame, self, wrapDim(op.getDim0(), self.rank()),
                  wrapDim(op.getDim1(), self.rank()));
}
static LogicalResult evaluate(TOp op, Frame &frame) {
  return exchange(op, frame, frame.get(op.getSelf()), 0, 1);
}

static LogicalResult evaluate(FlipOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  Shape strides = getStrides(self.shape());
  int64_t start = 0;
  for (int64_t given : op.getDims()) {
    if (self.rank() == 0)
      break;
    FailureOr<int64_t> dim = checkDim(op, given, self.rank());
    if (failed(dim))
      return failure();
    start += strides[*dim] * (self.dim(*dim) - 1);
    strides[*dim] = -strides[*dim];
  }
  return setStrided(op, frame, self, self.shape(), strides, start);
}

/// Element i along a dimension is element `source(dim, i)` of the operand.
template <typename F>
static LogicalResult setMapped(Operation *op, Frame &frame, const Tensor &self,
                               ArrayRef<int64_t> shape, F source) {
  FailureOr<Tensor> result = frame.make(op->getResult(0), shape);
  if (failed(result))
    return failure();
  Shape strides = getStrides(self.shape());
  Positions positions(shape);
  int64_t first = (int64_t)shape.size() - self.rank();
  for (int64_t i = 0; i < result->size(); ++i) {
    int64_t offset = 0;
    for (int64_t dim = 0; dim < self.rank(); ++dim)
      offset += strides[dim] * source(dim, positions[first + dim]);
    result->copyElement(i, self, offset);
    positions.next();
  }
  return frame.set(op->getResult(0), *result);
}

static LogicalResult evaluate(RepeatOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  Shape shape = frame.getSizes(op.getSize(), op.getStaticSize());
  int64_t first = (int64_t)shape.size() - self.rank();
  for (int64_t i = 0; i < self.rank(); ++i)
    shape[first + i] *= self.dim(i);
  return setMapped(op, frame, self, shape, [&](int64_t dim, int64_t i) {
    return i % self.dim(dim);
  });
}

static LogicalResult evaluate(RepeatInterleaveOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  if (!op.getDim() || self.rank() == 0)
    self = self.reshaped({self.size()});
  int64_t repeated = op.getDim() ? wrapDim(*op.getDim(), self.rank()) : 0;
  Shape shape(self.shape());
  shape[repeated] *= op.getRepeats();
  return setMapped(op, frame, self, shape, [&](int64_t dim, int64_t i) {
    return dim == repeated ? i / (int64_t)op.getRepeats() : i;
  });
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// A bound of a slice, counted from the front and clamped to [0, size].
static int64_t clampBound(Frame &frame, Value bound, int64_t fallback,
                          int64_t size) {
  if (!bound)
    return fallback;
  int64_t value = frame.getInteger(bound);
  if (value < 0)
    value = value < -size ? 0 : value + size;
  return std::min(value, size);
}

namespace {
/// A part of a tensor along one dimension.
struct Slice {
  int64_t dim, start, step, size;

  template <typename OpTy>
  static FailureOr<Slice> get(OpTy op, Frame &frame, const Tensor &self) {
    FailureOr<int64_t> dim = checkDim(op, op.getDim(), self.rank());
    if (failed(dim))
      return failure();
    Slice slice;
    slice.dim = *dim;
    int64_t size = self.dim(slice.dim);
    slice.step = op.getStep();
    if (slice.step <= 0)
      return emitNodeError(op) << "the step is " << slice.step;
    slice.start = clampBound(frame, op.getStart(), 0, size);
    int64_t end = clampBound(frame, op.getEnd(), size, size);
    int64_t length = std::max<int64_t>(end - slice.start, 0);
    slice.size = length / slice.step + (length % slice.step != 0);
    return slice;
  }
};
} // namespace

/// The strides and the start of a slice in its tensor.
static std::pair<Shape, int64_t> locate(const Tensor &self,
                                        const Slice &slice) {
  Shape strides = getStrides(self.shape());
  int64_t start = strides[slice.dim] * slice.start;
  strides[slice.dim] *= slice.step;
  return {strides, start};
}

static FailureOr<Tensor> readSlice(Operation *op, Frame &frame,
                                   const Tensor &self, const Slice &slice) {
  auto [strides, start] = locate(self, slice);
  Shape shape(self.shape());
  shape[slice.dim] = slice.size;
  return readStrided(op, frame, self, shape, strides, start);
}

static LogicalResult evaluate(SliceOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  FailureOr<Slice> slice = Slice::get(op, frame, self);
  if (failed(slice))
    return failure();
  FailureOr<Tensor> result = readSlice(op, frame, self, *slice);
  return failed(result) ? failure() : frame.set(op.getResult(), *result);
}

/// The slice of one element that `index` names.
static FailureOr<Slice> getSelected(Operation *op, const Tensor &self,
                                    int64_t dim, int64_t index) {
  FailureOr<int64_t> place = checkDim(op, dim, self.rank());
  if (failed(place))
    return failure();
  dim = *place;
  int64_t size = self.dim(dim);
  if (index < -size || index >= size)
    return emitNodeError(op) << "index " << index << " is out of range of "
                             << printShape(self.shape()) << ", dimension "
                             << dim;
  return Slice{dim, index < 0 ? index + size : index, 1, 1};
}

static Shape dropDim(ArrayRef<int64_t> shape, int64_t dim) {
  Shape result(shape);
  result.erase(result.begin() + dim);
  return result;
}

static LogicalResult evaluate(SelectOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  FailureOr<Slice> slice =
      getSelected(op, self, op.getDim(), frame.getInteger(op.getIndex()));
  if (failed(slice))
    return failure();
  FailureOr<Tensor> part = readSlice(op, frame, self, *slice);
  if (failed(part))
    return failure();
  return frame.set(op.getResult(),
                   part->reshaped(dropDim(part->shape(), slice->dim)));
}

/// self with a slice replaced by src.
static LogicalResult scatter(Operation *op, Frame &frame, const Tensor &self,
                             const Tensor &src, const Slice &slice) {
  Shape shape(self.shape());
  shape[slice.dim] = slice.size;
  if (countElements(shape) != src.size())
    return emitNodeError(op) << "the slice has the shape " << printShape(shape)
                             << ", what replaces it "
                             << printShape(src.shape());
  std::optional<Tensor> result = self.clone();
  FailureOr<Tensor> source = frame.convert(op, src, self.kind());
  if (!result || failed(source))
    return emitNodeError(op) << "no memory";
  auto [strides, start] = locate(self, slice);
  Positions positions(shape);
  positions.add(strides, start);
  for (int64_t i = 0; i < src.size(); ++i) {
    result->copyElement(positions.offset(0), *source, i);
    positions.next();
  }
  return frame.set(op->getResult(0), *result);
}
static LogicalResult evaluate(SliceScatterOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  FailureOr<Slice> slice = Slice::get(op, frame, self);
  if (failed(slice))
    return failure();
  return scatter(op, frame, self, frame.get(op.getSrc()), *slice);
}
static LogicalResult evaluate(SelectScatterOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  FailureOr<Slice> slice =
      getSelected(op, self, op.getDim(), frame.getInteger(op.getIndex()));
  if (failed(slice))
    return failure();
  return scatter(op, frame, self, frame.get(op.getSrc()), *slice);
}

/// One slice of `sizes[i]` elements after the other along a dimension.
static FailureOr<std::vector<Tensor>> splitInto(Operation *op, Frame &frame,
                                                const Tensor &self,
                                                int64_t dim,
                                                ArrayRef<int64_t> sizes) {
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    if (size < 0 || start + size > self.dim(dim))
      return emitNodeError(op)
             << "parts of the sizes " << printShape(sizes)
             << " do not fit into a dimension of size " << self.dim(dim);
    FailureOr<Tensor> part =
        readSlice(op, frame, self, Slice{dim, start, 1, size});
    if (failed(part))
      return failure();
    parts.push_back(*part);
    start += size;
  }
  return parts;
}
static LogicalResult setParts(Operation *op, Frame &frame, const Tensor &self,
                              int64_t dim, ArrayRef<int64_t> sizes) {
  FailureOr<std::vector<Tensor>> parts =
      splitInto(op, frame, self, dim, sizes);
  return failed(parts) ? failure() : frame.set(op, std::move(*parts));
}
/// Sizes of parts of which only the last may be smaller.
static SmallVector<int64_t> getEqualParts(int64_t total, int64_t size) {
  SmallVector<int64_t> sizes;
  for (int64_t rest = total; rest > 0 && size > 0; rest -= size)
    sizes.push_back(std::min(rest, size));
  if (sizes.empty())
    sizes.push_back(0);
  return sizes;
}
static LogicalResult evaluate(SplitOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  int64_t dim = wrapDim(op.getDim(), self.rank());
  return setParts(op, frame, self, dim,
                  getEqualParts(self.dim(dim), op.getSplitSize()));
}
static LogicalResult evaluate(SplitWithSizesOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  return setParts(op, frame, self, wrapDim(op.getDim(), self.rank()),
                  op.getSplitSizes());
}
static LogicalResult evaluate(ChunkOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  int64_t dim = wrapDim(op.getDim(), self.rank()), chunks = op.getChunks();
  int64_t total = self.dim(dim);
  // Of an empty dimension there are as many empty parts as were asked for.
  if (total == 0)
    return setParts(op, frame, self, dim, SmallVector<int64_t>(chunks, 0));
  return setParts(op, frame, self, dim,
                  getEqualParts(total, (total + chunks - 1) / chunks));
}
static LogicalResult evaluate(UnbindOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  int64_t dim = wrapDim(op.getDim(), self.rank());
  FailureOr<std::vector<Tensor>> parts = splitInto(
      op, frame, self, dim, SmallVector<int64_t>(self.dim(dim), 1));
  if (failed(parts))
    return failure();
  for (Tensor &part : *parts)
    part = part.reshaped(dropDim(part.shape(), dim));
  return frame.set(op, std::move(*parts));
}

//===----------------------------------------------------------------------===//
// Joins
//===----------------------------------------------------------------------===//

static LogicalResult join(Operation *op, Frame &frame,
                          ArrayRef<Tensor> tensors, int64_t dim) {
  Shape shape(tensors.front().shape());
  shape[dim] = 0;
  for (const Tensor &tensor : tensors) {
    bool fits = tensor.rank() == (int64_t)shape.size();
    for (int64_t i = 0; fits && i < tensor.rank(); ++i)
      fits = i == dim || tensor.dim(i) == shape[i];
    if (!fits)
      return emitNodeError(op) << "cannot join "
                               << printShape(tensors.front().shape()) << " and "
                               << printShape(tensor.shape());
    shape[dim] += tensor.dim(dim);
  }
  FailureOr<Tensor> result = frame.make(op->getResult(0), shape);
  if (failed(result))
    return failure();
  Shape strides = getStrides(shape);
  int64_t start = 0;
  for (const Tensor &tensor : tensors) {
    FailureOr<Tensor> part = frame.convert(op, tensor, result->kind());
    if (failed(part))
      return failure();
    Positions positions(tensor.shape());
    positions.add(strides, start);
    for (int64_t i = 0; i < tensor.size(); ++i) {
      result->copyElement(positions.offset(0), *part, i);
      positions.next();
    }
    start += strides[dim] * tensor.dim(dim);
  }
  return frame.set(op->getResult(0), *result);
}

static LogicalResult evaluate(CatOp op, Frame &frame) {
  std::vector<Tensor> tensors;
  bool isPlain = llvm::all_of(op.getTensors(), [&](Value tensor) {
    return frame.get(tensor).rank() == 1;
  });
  // Empty vectors among other tensors are skipped.
  for (Value value : op.getTensors())
    if (const Tensor &tensor = frame.get(value);
        isPlain || tensor.rank() != 1 || tensor.size() != 0)
      tensors.push_back(tensor);
  if (tensors.empty())
    return emitNodeError(op) << "has nothing to join";
  if (tensors.front().rank() == 0)
    return emitNodeError(op) << "cannot join tensors of rank 0";
  return join(op, frame, tensors,
              wrapDim(op.getDim(), tensors.front().rank()));
}

static LogicalResult evaluate(StackOp op, Frame &frame) {
  std::vector<Tensor> tensors;
  int64_t dim = 0;
  for (Value value : op.getTensors()) {
    const Tensor &tensor = frame.get(value);
    Shape shape(tensor.shape());
    dim = wrapDim(op.getDim(), tensor.rank() + 1);
    shape.insert(shape.begin() + dim, 1);
    tensors.push_back(tensor.reshaped(shape));
  }
  return join(op, frame, tensors, dim);
}

static LogicalResult evaluate(ConstantPadNdOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  ArrayRef<int64_t> pad = op.getPad();
  Shape shape(self.shape()), low(self.rank(), 0);
  for (size_t i = 0; i + 1 < pad.size(); i += 2) {
    int64_t dim = self.rank() - 1 - (int64_t)(i / 2);
    low[dim] = pad[i];
    shape[dim] += pad[i] + pad[i + 1];
  }
  FailureOr<Tensor> result = frame.make(op.getResult(), shape);
  FailureOr<Tensor> value =
      frame.convert(op, frame.get(op.getValue()), self.kind());
  if (failed(result) || failed(value))
    return failure();
  Shape strides = getStrides(self.shape());
  Positions positions(shape);
  for (int64_t i = 0; i < result->size(); ++i) {
    int64_t offset = 0;
    bool isInside = true;
    for (int64_t dim = 0; dim < self.rank(); ++dim) {
      int64_t at = positions[dim] - low[dim];
      isInside &= at >= 0 && at < self.dim(dim);
      offset += strides[dim] * at;
    }
    if (isInside)
      result->copyElement(i, self, offset);
    else
      result->copyElement(i, *value, 0);
    positions.next();
  }
  return frame.set(op.getResult(), *result);
}

/// Keeps the elements of the last two dimensions for which `keeps` holds of
/// column - row.
template <typename OpTy, typename F>
static LogicalResult keepTriangle(OpTy op, Frame &frame, F keeps) {
  const Tensor &self = frame.get(op.getSelf());
  if (self.rank() < 2)
    return emitNodeError(op) << "takes matrices, not the shape "
                             << printShape(self.shape());
  FailureOr<Tensor> result = frame.make(op.getResult(), self.shape());
  if (failed(result))
    return failure();
  Positions positions(self.shape());
  for (int64_t i = 0; i < result->size(); ++i) {
    if (keeps(positions[self.rank() - 1] - positions[self.rank() - 2]))
      result->copyElement(i, self, i);
    positions.next();
  }
  return frame.set(op.getResult(), *result);
}
static LogicalResult evaluate(TrilOp op, Frame &frame) {
  return keepTriangle(op, frame, [&](int64_t above) {
    return above <= (int64_t)op.getDiagonal();
  });
}
static LogicalResult evaluate(TriuOp op, Frame &frame) {
  return keepTriangle(op, frame, [&](int64_t above) {
    return above >= (int64_t)op.getDiagonal();
  });
}

template <typename... OpTys>
static void addAll(Interpreter::Evaluators &evaluators) {
  (evaluators.add<OpTys>(
       static_cast<LogicalResult (*)(OpTys, Frame &)>(evaluate)),
   ...);
}

void interp::addView(Interpreter::Evaluators &evaluators) {
  addAll<ViewOp, FlattenOp, UnsqueezeOp, SqueezeOp, ExpandOp, PermuteOp,
         TransposeOp, TOp, FlipOp, RepeatOp, RepeatInterleaveOp, SliceOp,
         SelectOp, SliceScatterOp, SelectScatterOp, SplitOp, SplitWithSizesOp,
         ChunkOp, UnbindOp, CatOp, StackOp, ConstantPadNdOp, TrilOp, TriuOp>(
      evaluators);
}
