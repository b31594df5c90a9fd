//===- TypeInference.cpp - Promotion, broadcasting, pointwise, reductions -===//

#include "fx/IR/TypeInference.h"
#include "TypeInferenceDetail.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::areCompatibleResultTypes(TypeRange inferred, TypeRange actual) {
  if (inferred.size() != actual.size())
    return false;
  for (auto [a, b] : llvm::zip_equal(inferred, actual)) {
    if (a == b)
      continue;
    auto shapedA = dyn_cast<RankedTensorType>(a);
    auto shapedB = dyn_cast<RankedTensorType>(b);
    if (!shapedA || !shapedB ||
        shapedA.getElementType() != shapedB.getElementType() ||
        failed(verifyCompatibleShape(shapedA, shapedB)))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

bool fx::isBoolType(Type element) { return element.isInteger(1); }
bool fx::isFloatType(Type element) { return isa<FloatType>(element); }
bool fx::isIntType(Type element) {
  return isa<IntegerType>(element) && !isBoolType(element);
}

Type fx::getComputeType(Type element) {
  if (element.isF16() || element.isBF16())
    return Float32Type::get(element.getContext());
  return element;
}

/// bool < integer < floating point < complex.
static int getCategory(Type element) {
  if (isBoolType(element))
    return 0;
  if (isIntType(element))
    return 1;
  return isa<ComplexType>(element) ? 3 : 2;
}

Type fx::promoteTypes(Type a, Type b) {
  if (a == b)
    return a;
  int categoryA = getCategory(a), categoryB = getCategory(b);
  if (categoryA == 3 || categoryB == 3) {
    auto part = [](Type type) -> Type {
      auto complex = dyn_cast<ComplexType>(type);
      return complex ? complex.getElementType() : type;
    };
    Type real = promoteTypes(part(a), part(b));
    if (!isFloatType(real))
      real = Float32Type::get(a.getContext());
    return ComplexType::get(real);
  }
  if (categoryA != categoryB)
    return categoryA > categoryB ? a : b;
  if (categoryA == 2) {
    unsigned widthA = a.getIntOrFloatBitWidth();
    unsigned widthB = b.getIntOrFloatBitWidth();
    // f16 and bf16: neither holds the other.
    if (widthA == widthB)
      return Float32Type::get(a.getContext());
    return widthA > widthB ? a : b;
  }
  auto intA = cast<IntegerType>(a), intB = cast<IntegerType>(b);
  if (intA.isUnsigned() == intB.isUnsigned())
    return intA.getWidth() > intB.getWidth() ? a : b;
  // u8 with a signed type: the smallest signed type that holds both.
  auto wide = intA.isUnsigned() ? intB : intA;
  auto bytes = intA.isUnsigned() ? intA : intB;
  unsigned width = std::max(wide.getWidth(), 2 * bytes.getWidth());
  return IntegerType::get(a.getContext(), std::min(width, 64u));
}

Type fx::promoteElementTypes(ValueRange operands) {
  Type dimensioned, zeroDim, scalar;
  auto add = [](Type &slot, Type type) {
    slot = slot ? promoteTypes(slot, type) : type;
  };
  for (Value operand : operands) {
    if (!operand)
      continue;
    if (auto tensor = dyn_cast<RankedTensorType>(operand.getType()))
      add(tensor.getRank() > 0 ? dimensioned : zeroDim,
          tensor.getElementType());
    else if (operand.getType().isF64())
      // A Python float is of the default floating-point type.
      add(scalar, Float32Type::get(operand.getContext()));
    else
      add(scalar, operand.getType());
  }
  Type result = dimensioned;
  for (Type lower : {zeroDim, scalar}) {
    if (!lower)
      continue;
    if (!result)
      result = lower;
    else if (getCategory(lower) > getCategory(result))
      result = promoteTypes(result, lower);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> fx::broadcastShapes(MaybeLoc location, Dims a,
                                                    Dims b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<int64_t> shape(a);
  size_t offset = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &size = shape[offset + i];
    if (size == b[i] || b[i] == 1)
      continue;
    if (size == 1 || isDynamic(size)) {
      size = b[i];
      continue;
    }
    if (!isDynamic(b[i]))
      return emitOptionalError(location, "shapes [", a, "] and [", b,
                               "] do not broadcast");
  }
  return shape;
}

FailureOr<int64_t> fx::normalizeDim(MaybeLoc location, int64_t dim,
                                    int64_t rank) {
  // ATen lets a tensor of rank 0 be addressed by dimension 0 or -1.
  int64_t limit = std::max<int64_t>(rank, 1);
  if (dim < -limit || dim >= limit)
    return emitOptionalError(location, "dimension ", dim,
                             " is not in a tensor of rank ", rank);
  return dim < 0 ? dim + limit : dim;
}

FailureOr<SmallVector<int64_t>> fx::normalizeDims(MaybeLoc location, Dims dims,
                                                  int64_t rank) {
  SmallVector<int64_t> result;
  if (dims.empty())
    return llvm::to_vector(llvm::seq<int64_t>(0, rank));
  for (int64_t dim : dims) {
    FailureOr<int64_t> normal = normalizeDim(location, dim, rank);
    if (failed(normal))
      return failure();
    if (rank > 0)
      result.push_back(*normal);
  }
  llvm::sort(result);
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    return emitOptionalError(location, "dimensions [", dims,
                             "] name one dimension twice");
  return result;
}

//===----------------------------------------------------------------------===//
// Pointwise
//===----------------------------------------------------------------------===//

static FailureOr<SmallVector<int64_t>> broadcastOperands(MaybeLoc location,
                                                         ValueRange operands) {
  SmallVector<int64_t> shape;
  for (Value operand : operands) {
    auto tensor = operand ? dyn_cast<RankedTensorType>(operand.getType())
                          : RankedTensorType();
    if (!tensor)
      continue;
    auto next = broadcastShapes(location, shape, tensor.getShape());
    if (failed(next))
      return failure();
    shape = std::move(*next);
  }
  return shape;
}

LogicalResult fx::inferPointwise(MaybeLoc location, ValueRange operands,
                                 PointwiseKind kind, Types &results) {
  if (llvm::none_of(operands, [](Value operand) {
        return operand && isa<RankedTensorType>(operand.getType());
      }))
    return emitOptionalError(location, "at least one operand must be a tensor");
  auto shape = broadcastOperands(location, operands);
  if (failed(shape))
    return failure();
  Type element = promoteElementTypes(operands);
  if (kind == PointwiseKind::Bool)
    element = IntegerType::get(element.getContext(), 1);
  else if (kind == PointwiseKind::Float && isa<IntegerType>(element))
    element = Float32Type::get(element.getContext());
  return append(results, *shape, element);
}

LogicalResult fx::inferConvert(MaybeLoc location, Value self, Type dtype,
                               Types &results) {
  if (!isa<FloatType, IntegerType, ComplexType>(dtype))
    return emitOptionalError(location, dtype, " is not an element type");
  return append(results, tensorOf(self).getShape(), dtype);
}

LogicalResult fx::inferWhere(MaybeLoc location, Value condition, Value self,
                             Value other, Types &results) {
  if (!isBoolType(tensorOf(condition).getElementType()))
    return emitOptionalError(location, "condition must be a tensor of i1, not ",
                             condition.getType());
  auto shape = broadcastOperands(location, {condition, self, other});
  if (failed(shape))
    return failure();
  return append(results, *shape, promoteElementTypes({self, other}));
}

LogicalResult fx::inferMaskedFill(MaybeLoc location, Value self, Value mask,
                                  Value value, Types &results) {
  if (!isBoolType(tensorOf(mask).getElementType()))
    return emitOptionalError(location, "mask must be a tensor of i1, not ",
                             mask.getType());
  auto shape = broadcastOperands(location, {self, mask, value});
  if (failed(shape))
    return failure();
  return append(results, *shape, tensorOf(self).getElementType());
}

LogicalResult fx::inferLike(Value self, Types &results) {
  results.push_back(self.getType());
  return success();
}

LogicalResult fx::inferLikeEach(ArrayRef<Value> values, Types &results) {
  for (Value value : values)
    results.push_back(value.getType());
  return success();
}

LogicalResult fx::inferLikeWithDtype(Value self, std::optional<Type> dtype,
                                     Types &results) {
  RankedTensorType type = tensorOf(self);
  return append(results, type.getShape(),
                dtype ? *dtype : type.getElementType());
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static FailureOr<SmallVector<int64_t>> reduceShape(MaybeLoc location,
                                                   Dims shape, Dims dims,
                                                   bool keepdim) {
  auto reduced = normalizeDims(location, dims, shape.size());
  if (failed(reduced))
    return failure();
  SmallVector<int64_t> result;
  for (auto [i, size] : llvm::enumerate(shape)) {
    bool isReduced = llvm::is_contained(*reduced, (int64_t)i);
    if (!isReduced)
      result.push_back(size);
    else if (keepdim)
      result.push_back(1);
  }
  return result;
}

LogicalResult fx::inferReduction(MaybeLoc location, Value self, Dims dims,
                                 bool keepdim, std::optional<Type> dtype,
                                 ReductionKind kind, Types &results) {
  RankedTensorType type = tensorOf(self);
  auto shape = reduceShape(location, type.getShape(), dims, keepdim);
  if (failed(shape))
    return failure();
  Type element = dtype ? *dtype : type.getElementType();
  MLIRContext *context = type.getContext();
  if (kind == ReductionKind::Bool)
    element = IntegerType::get(context, 1);
  else if (kind == ReductionKind::Sum && !dtype && isa<IntegerType>(element))
    element = IntegerType::get(context, 64);
  else if (kind == ReductionKind::Float && isa<IntegerType>(element))
    return emitOptionalError(location, "cannot average integers of type ",
                             element, "; give a floating-point dtype");
  return append(results, *shape, element);
}

LogicalResult fx::inferVarMean(MaybeLoc location, Value self, Dims dims,
                               bool keepdim, Types &results) {
  for (int i = 0; i < 2; ++i)
    if (failed(inferReduction(location, self, dims, keepdim, std::nullopt,
                              ReductionKind::Float, results)))
      return failure();
  return success();
}

LogicalResult fx::inferArgReduction(MaybeLoc location, Value self,
                                    std::optional<int64_t> dim, bool keepdim,
                                    Types &results) {
  SmallVector<int64_t> dims;
  if (dim)
    dims.push_back(*dim);
  RankedTensorType type = tensorOf(self);
  auto shape = reduceShape(location, type.getShape(), dims, keepdim);
  if (failed(shape))
    return failure();
  return append(results, *shape, IntegerType::get(type.getContext(), 64));
}

LogicalResult fx::inferValueIndexReduction(MaybeLoc location, Value self,
                                           int64_t dim, bool keepdim,
                                           Types &results) {
  if (failed(inferReduction(location, self, dim, keepdim, std::nullopt,
                            ReductionKind::Same, results)))
    return failure();
  return inferArgReduction(location, self, dim, keepdim, results);
}

LogicalResult fx::inferCumulative(MaybeLoc location, Value self, int64_t dim,
                                  std::optional<Type> dtype, Types &results) {
  RankedTensorType type = tensorOf(self);
  if (failed(normalizeDim(location, dim, type.getRank())))
    return failure();
  Type element = dtype ? *dtype : type.getElementType();
  if (!dtype && isa<IntegerType>(element))
    element = IntegerType::get(type.getContext(), 64);
  return append(results, type.getShape(), element);
}

LogicalResult fx::inferSoftmax(MaybeLoc location, Value self, int64_t dim,
                               std::optional<Type> dtype, Types &results) {
  RankedTensorType type = tensorOf(self);
  if (failed(normalizeDim(location, dim, type.getRank())))
    return failure();
  Type element = dtype ? *dtype : type.getElementType();
  if (!isFloatType(element))
    return emitOptionalError(location, "softmax of ", element,
                             "; give a floating-point dtype");
  return append(results, type.getShape(), element);
}

//===----------------------------------------------------------------------===//
// Normalisation and losses
//===----------------------------------------------------------------------===//

LogicalResult fx::inferNativeLayerNorm(MaybeLoc location, Value input,
                                       Dims normalizedShape, Types &results) {
  RankedTensorType type = tensorOf(input);
  if (normalizedShape.size() > (size_t)type.getRank())
    return emitOptionalError(location, "normalized_shape [", normalizedShape,
                             "] is longer than the shape of ", type);
  size_t outer = type.getRank() - normalizedShape.size();
  for (auto [i, size] : llvm::enumerate(normalizedShape))
    if (!mayEqual(type.getDimSize(outer + i), size))
      return emitOptionalError(location, "normalized_shape [", normalizedShape,
                               "] does not end the shape of ", type);
  results.push_back(type);
  SmallVector<int64_t> rows(type.getShape().take_front(outer));
  rows.append(normalizedShape.size(), 1);
  Type element = getComputeType(type.getElementType());
  (void)append(results, rows, element);
  return append(results, rows, element);
}

LogicalResult fx::inferBatchNorm(MaybeLoc location, Value input,
                                 Value runningMean, Value runningVar,
                                 bool saved, Types &results) {
  RankedTensorType type = tensorOf(input);
  if (type.getRank() < 2)
    return emitOptionalError(location, "batch norm needs a channel dimension, ",
                             type, " has none");
  if (!runningMean != !runningVar)
    return emitOptionalError(
        location, "running_mean and running_var must be given together");
  results.push_back(type);
  if (saved) {
    Type element = getComputeType(type.getElementType());
    // Empty in evaluation mode: the size is left open.
    (void)append(results, {kDynamic}, element);
    (void)append(results, {kDynamic}, element);
  }
  if (runningMean) {
    results.push_back(runningMean.getType());
    results.push_back(runningVar.getType());
  }
  return success();
}

LogicalResult fx::inferCrossEntropy(MaybeLoc location, Value self, Value target,
                                    int64_t reduction, Types &results) {
  RankedTensorType scores = tensorOf(self), labels = tensorOf(target);
  if (scores.getRank() < 1)
    return emitOptionalError(location, "scores need a class dimension");
  if (reduction < 0 || reduction > 2)
    return emitOptionalError(location, "reduction must be 0, 1 or 2, not ",
                             reduction);
  bool probabilities = isFloatType(labels.getElementType());
  if (!probabilities && labels.getRank() != scores.getRank() - 1)
    return emitOptionalError(location, "target ", labels,
                             " does not fit scores ", scores);
  if (reduction != 0)
    return append(results, {}, scores.getElementType());
  SmallVector<int64_t> shape(scores.getShape());
  shape.erase(shape.begin() + (scores.getRank() > 1 ? 1 : 0));
  return append(results, shape, scores.getElementType());
}

LogicalResult fx::inferPairLoss(MaybeLoc location, Value self, Value target,
                                int64_t reduction, Types &results) {
  SmallVector<Type> pointwise;
  if (failed(inferPointwise(location, {self, target}, PointwiseKind::Same,
                            pointwise)))
    return failure();
  auto type = cast<RankedTensorType>(pointwise.front());
  return reduction == 0
             ? append(results, type.getShape(), type.getElementType())
             : append(results, {}, type.getElementType());
}
