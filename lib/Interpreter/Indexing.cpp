//===- Indexing.cpp - Gather, scatter, advanced indexing ------------------===//
//
// Of several values for one place the last one stays; sums are rounded once.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

/// An index counted from the front, or an error.
static FailureOr<int64_t> wrapIndex(Operation *op, int64_t index,
                                    int64_t size) {
  if (index < -size || index >= size)
    return emitNodeError(op) << "index " << index
                             << " is out of range of a dimension of size "
                             << size;
  return index < 0 ? index + size : index;
}

static LogicalResult evaluate(EmbeddingOp op, Frame &frame) {
  const Tensor &weight = frame.get(op.getWeight());
  const Tensor &indices = frame.get(op.getIndices());
  Shape shape(indices.shape());
  int64_t width = countElements(weight.shape().drop_front());
  llvm::append_range(shape, weight.shape().drop_front());
  FailureOr<Tensor> result = frame.make(op.getResult(), shape);
  if (failed(result))
    return failure();
  for (int64_t i = 0; i < indices.size(); ++i) {
    FailureOr<int64_t> row = wrapIndex(op, indices.integer(i), weight.dim(0));
    if (failed(row))
      return failure();
    for (int64_t j = 0; j < width; ++j)
      result->copyElement(i * width + j, weight, *row * width + j);
  }
  return frame.set(op.getResult(), *result);
}

/// Calls `f(element of index, element of self)` for every element of `index`,
/// which takes the place of the position in dimension `dim`.
template <typename F>
static LogicalResult forEachIndexed(Operation *op, const Tensor &self,
                                    const Tensor &index, int64_t dim, F f) {
  if (index.rank() != self.rank() && self.rank() * index.rank() != 0)
    return emitNodeError(op) << "the index " << printShape(index.shape())
                             << " has another rank than "
                             << printShape(self.shape());
  FailureOr<int64_t> place =
      checkDim(op, dim, std::max<int64_t>(self.rank(), 1));
  if (failed(place))
    return failure();
  Shape strides = getStrides(self.shape());
  Positions positions(index.shape());
  for (int64_t i = 0; i < index.size(); ++i) {
    FailureOr<int64_t> at =
        wrapIndex(op, index.integer(i), self.rank() ? self.dim(*place) : 1);
    if (failed(at))
      return failure();
    int64_t offset = 0;
    for (int64_t k = 0; k < self.rank(); ++k) {
      int64_t position = k == *place ? *at : positions[k];
      if (position >= self.dim(k))
        return emitNodeError(op) << "the index " << printShape(index.shape())
                                 << " is larger than "
                                 << printShape(self.shape());
      offset += strides[k] * position;
    }
    if (failed(f(i, offset)))
      return failure();
    positions.next();
  }
  return success();
}

static LogicalResult evaluate(GatherOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  const Tensor &index = frame.get(op.getIndex());
  FailureOr<Tensor> result = frame.make(op.getResult(), index.shape());
  if (failed(result) ||
      failed(forEachIndexed(op, self, index, op.getDim(),
                            [&](int64_t i, int64_t at) {
                              result->copyElement(i, self, at);
                              return success();
                            })))
    return failure();
  return frame.set(op.getResult(), *result);
}

namespace {
/// A copy of a tensor in which elements are replaced or added to. Numbers are
/// kept unrounded until the end.
class Changed {
public:
  Changed(const Tensor &self, bool adds) : kind(self.kind()), adds(adds) {
    isFloat = isFloatKind(kind);
    if (isFloat)
      reals = self.reals();
    else
      integers = self.integers();
  }

  void put(int64_t at, const Tensor &from, int64_t i) {
    if (isFloat) {
      double x = roundToKind(from.real(i), kind);
      reals[at] = adds ? reals[at] + x : x;
      return;
    }
    int64_t x = isFloatKind(from.kind()) ? truncateToKind(from.real(i), kind)
                                         : wrapToKind(from.integer(i), kind);
    integers[at] =
        adds ? static_cast<int64_t>(static_cast<uint64_t>(integers[at]) +
                                    static_cast<uint64_t>(x))
             : x;
  }

  LogicalResult finish(Value result, Frame &frame,
                       ArrayRef<int64_t> shape) const {
    FailureOr<Tensor> tensor = frame.make(result, shape);
    if (failed(tensor))
      return failure();
    for (int64_t i = 0; i < tensor->size(); ++i) {
      if (isFloat)
        tensor->setReal(i, reals[i]);
      else
        tensor->setInteger(i, integers[i]);
    }
    return frame.set(result, *tensor);
  }

private:
  ElementKind kind;
  bool adds, isFloat;
  std::vector<double> reals;
  std::vector<int64_t> integers;
};
} // namespace

static LogicalResult refuseComplex(Operation *op, const Tensor &self) {
  if (!isComplexKind(self.kind()))
    return success();
  return emitNodeError(op) << "complex numbers are not interpreted here";
}

template <typename OpTy>
static LogicalResult scatter(OpTy op, Frame &frame) {
  Tensor self = frame.get(op.getSelf()), index = frame.get(op.getIndex());
  Tensor src = frame.get(op.getSrc());
  bool isScalar = !isa<RankedTensorType>(op.getSrc().getType());
  if (failed(refuseComplex(op, self)))
    return failure();
  // The source may be larger than the index.
  Shape strides = getStrides(src.shape());
  if (!isScalar && src.rank() != index.rank())
    return emitNodeError(op) << "the source " << printShape(src.shape())
                             << " has another rank than the index "
                             << printShape(index.shape());
  for (int64_t i = 0; !isScalar && i < src.rank(); ++i)
    if (index.size() != 0 && src.dim(i) < index.dim(i))
      return emitNodeError(op) << "the source " << printShape(src.shape())
                               << " is smaller than the index "
                               << printShape(index.shape());
  Positions positions(index.shape());
  positions.add(isScalar ? Shape(index.rank(), 0) : strides);
  Changed changed(self, std::is_same_v<OpTy, ScatterAddOp>);
  if (failed(forEachIndexed(op, self, index, op.getDim(),
                            [&](int64_t, int64_t at) {
                              changed.put(at, src, positions.offset(0));
                              positions.next();
                              return success();
                            })))
    return failure();
  return changed.finish(op.getResult(), frame, self.shape());
}

static LogicalResult evaluate(IndexSelectOp op, Frame &frame) {
  const Tensor &self = frame.get(op.getSelf());
  const Tensor &index = frame.get(op.getIndex());
  if (self.rank() == 0)
    return frame.set(op.getResult(), self);
  int64_t dim = wrapDim(op.getDim(), self.rank());
  Shape shape(self.shape());
  shape[dim] = index.size();
  FailureOr<Tensor> result = frame.make(op.getResult(), shape);
  if (failed(result))
    return failure();
  Shape strides = getStrides(self.shape());
  Positions positions(shape);
  for (int64_t i = 0; i < result->size(); ++i) {
    FailureOr<int64_t> at =
        wrapIndex(op, index.integer(positions[dim]), self.dim(dim));
    if (failed(at))
      return failure();
    int64_t offset = 0;
    for (int64_t k = 0; k < self.rank(); ++k)
      offset += strides[k] * (k == dim ? *at : positions[k]);
    result->copyElement(i, self, offset);
    positions.next();
  }
  return frame.set(op.getResult(), *result);
}

//===----------------------------------------------------------------------===//
// Advanced indexing
//===----------------------------------------------------------------------===//

namespace {
/// self[indices]: the dimensions `dims` are indexed, their place is taken by
/// the broadcast dimensions of the index tensors. Where the indexed dimensions
/// are not adjacent, these come first.
struct Indexed {
  std::vector<Tensor> indices;
  SmallVector<int64_t> dims;
  /// The shape of self[indices], where the index tensors' dimensions begin in
  /// it, and their number.
  Shape shape;
  int64_t first = 0, count = 0;

  /// Calls `f(element of self[indices], element of self)`; positions for which
  /// `takes` is false are passed over, whatever their indices are.
  template <typename Takes, typename F>
  LogicalResult forEach(Operation *op, const Tensor &self, Takes takes,
                        F f) const;
};
} // namespace

static FailureOr<Indexed> getIndexed(Operation *op, Frame &frame,
                                     const Tensor &self, OperandRange indices,
                                     ArrayRef<int64_t> dims) {
  Indexed access;
  access.dims.assign(dims.begin(), dims.end());
  Shape common;
  if (indices.empty() || indices.size() != dims.size())
    return emitNodeError(op) << "has " << indices.size() << " indices for "
                             << dims.size() << " dimensions";
  for (auto [index, dim] : llvm::zip_equal(indices, dims)) {
    const Tensor &tensor = frame.get(index);
    if (tensor.kind() == ElementKind::Bool)
      return emitNodeError(op) << "masks as indices are not interpreted here";
    if (dim < 0 || dim >= self.rank())
      return emitNodeError(op) << "there is no dimension " << dim << " in "
                               << printShape(self.shape());
    std::optional<Shape> next = broadcast(common, tensor.shape());
    if (!next)
      return emitNodeError(op) << "the indices do not broadcast";
    common = *next;
    access.indices.push_back(tensor);
  }
  bool areAdjacent = dims.back() - dims.front() + 1 == (int64_t)dims.size();
  access.first = areAdjacent ? dims.front() : 0;
  access.count = common.size();
  for (int64_t i = 0; i < self.rank(); ++i)
    if (!llvm::is_contained(dims, i))
      access.shape.push_back(self.dim(i));
  access.shape.insert(access.shape.begin() + access.first, common.begin(),
                      common.end());
  return access;
}

template <typename Takes, typename F>
LogicalResult Indexed::forEach(Operation *op, const Tensor &self, Takes takes,
                               F f) const {
  Shape strides = getStrides(self.shape());
  ArrayRef<int64_t> common = ArrayRef<int64_t>(shape).slice(first, count);
  Positions positions(shape);
  for (const Tensor &index : indices) {
    Shape full(shape.size(), 0);
    Shape own = getBroadcastStrides(index.shape(), common);
    std::copy(own.begin(), own.end(), full.begin() + first);
    positions.add(full);
  }
  for (int64_t i = 0, size = countElements(shape); i < size;
       ++i, positions.next()) {
    if (!takes(i))
      continue;
    int64_t offset = 0, rest = 0;
    for (int64_t dim = 0; dim < self.rank(); ++dim) {
      const auto *it = llvm::find(dims, dim);
      if (it == dims.end()) {
        // Past the broadcast dimensions.
        if (rest == first)
          rest += count;
        offset += strides[dim] * positions[rest++];
        continue;
      }
      size_t k = it - dims.begin();
      FailureOr<int64_t> at = wrapIndex(
          op, indices[k].integer(positions.offset(k)), self.dim(dim));
      if (failed(at))
        return failure();
      offset += strides[dim] * *at;
    }
    f(i, offset);
  }
  return success();
}

static bool takeAll(int64_t) { return true; }

static LogicalResult evaluate(IndexOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf());
  FailureOr<Indexed> access =
      getIndexed(op, frame, self, op.getIndices(), op.getIndexDims());
  if (failed(access))
    return failure();
  FailureOr<Tensor> result = frame.make(op.getResult(), access->shape);
  if (failed(result) ||
      failed(access->forEach(op, self, takeAll, [&](int64_t i, int64_t at) {
        result->copyElement(i, self, at);
      })))
    return failure();
  return frame.set(op.getResult(), *result);
}

/// The elements of a tensor that belong to those of a shape.
static FailureOr<std::vector<int64_t>>
broadcastElements(Operation *op, const Tensor &tensor,
                  ArrayRef<int64_t> shape) {
  std::optional<Shape> common = broadcast(tensor.shape(), shape);
  if (!common || ArrayRef<int64_t>(*common) != shape)
    return emitNodeError(op) << printShape(tensor.shape())
                             << " does not broadcast to "
                             << printShape(shape);
  Positions positions(shape);
  positions.add(getBroadcastStrides(tensor.shape(), shape));
  std::vector<int64_t> elements(countElements(shape));
  for (int64_t &element : elements) {
    element = positions.offset(0);
    positions.next();
  }
  return elements;
}

/// self with self[mask] = values, which are one value or one for each true
/// element of the mask.
static LogicalResult putMasked(IndexPutOp op, Frame &frame, const Tensor &self,
                               const Tensor &values) {
  const Tensor &mask = frame.get(op.getIndices()[0]);
  int64_t inner = countElements(self.shape().drop_front(mask.rank()));
  if (op.getIndices().size() != 1 || op.getIndexDims()[0] != 0 ||
      mask.shape() != self.shape().take_front(mask.rank()))
    return emitNodeError(op) << "masks of this shape are not interpreted";
  int64_t count = 0;
  for (int64_t i = 0; i < mask.size(); ++i)
    count += mask.integer(i);
  bool isOne = values.size() == 1;
  if (!isOne && values.size() != count * inner)
    return emitNodeError(op) << "the mask chooses " << count * inner
                             << " elements, but there are " << values.size()
                             << " values";
  Changed changed(self, op.getAccumulate());
  for (int64_t i = 0, next = 0; i < mask.size(); ++i)
    for (int64_t j = 0; mask.integer(i) && j < inner; ++j)
      changed.put(i * inner + j, values, isOne ? 0 : next++);
  return changed.finish(op.getResult(), frame, self.shape());
}

static LogicalResult evaluate(IndexPutOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf()), values = frame.get(op.getValues());
  if (failed(refuseComplex(op, self)))
    return failure();
  if (!op.getIndices().empty() &&
      getKind(op.getIndices()[0]) == ElementKind::Bool)
    return putMasked(op, frame, self, values);
  FailureOr<Indexed> access =
      getIndexed(op, frame, self, op.getIndices(), op.getIndexDims());
  if (failed(access))
    return failure();
  auto elements = broadcastElements(op, values, access->shape);
  if (failed(elements))
    return failure();
  Changed changed(self, op.getAccumulate());
  if (failed(access->forEach(op, self, takeAll, [&](int64_t i, int64_t at) {
        changed.put(at, values, (*elements)[i]);
      })))
    return failure();
  return changed.finish(op.getResult(), frame, self.shape());
}

static LogicalResult evaluate(MaskedIndexPutAccumulateOp op, Frame &frame) {
  Tensor self = frame.get(op.getSelf()), values = frame.get(op.getValues());
  Tensor mask = frame.get(op.getMask());
  if (failed(refuseComplex(op, self)))
    return failure();
  FailureOr<Indexed> access =
      getIndexed(op, frame, self, op.getIndices(), op.getIndexDims());
  if (failed(access))
    return failure();
  auto elements = broadcastElements(op, values, access->shape);
  auto masks = broadcastElements(op, mask, access->shape);
  if (failed(elements) || failed(masks))
    return failure();
  Changed changed(self, /*adds=*/true);
  if (failed(access->forEach(
          op, self,
          [&](int64_t i) { return mask.integer((*masks)[i]) != 0; },
          [&](int64_t i, int64_t at) {
            changed.put(at, values, (*elements)[i]);
          })))
    return failure();
  return changed.finish(op.getResult(), frame, self.shape());
}

void interp::addIndexing(Interpreter::Evaluators &evaluators) {
  evaluators.add<EmbeddingOp>(evaluate);
  evaluators.add<GatherOp>(evaluate);
  evaluators.add<ScatterOp>(scatter);
  evaluators.add<ScatterAddOp>(scatter);
  evaluators.add<IndexSelectOp>(evaluate);
  evaluators.add<IndexOp>(evaluate);
  evaluators.add<IndexPutOp>(evaluate);
  evaluators.add<MaskedIndexPutAccumulateOp>(evaluate);
}
