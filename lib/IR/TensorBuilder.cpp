//===- TensorBuilder.cpp - Builds fx ops with inferred types --------------===//

#include "fx/IR/TensorBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::isDifferentiableType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType, ComplexType>(tensor.getElementType());
}

int64_t fx::wrapDim(int64_t dim, int64_t rank) {
  return dim < 0 ? dim + std::max<int64_t>(rank, 1) : dim;
}

SmallVector<int64_t> fx::wrapDims(ArrayRef<int64_t> dims, int64_t rank) {
  return *normalizeDims(std::nullopt, dims, rank);
}

//===----------------------------------------------------------------------===//
// Scalars and sizes
//===----------------------------------------------------------------------===//

SmallVector<Type> TensorBuilder::takeSomeTypes(const OperationState &state) {
  failed = true;
  Type type = RankedTensorType::get({}, builder.getF32Type());
  for (Value operand : state.operands)
    if (isa<RankedTensorType>(operand.getType())) {
      type = operand.getType();
      break;
    }
  return SmallVector<Type>(state.types.size(), type);
}

Value TensorBuilder::f64(double value) {
  return create<arith::ConstantOp>(builder.getF64FloatAttr(value));
}

Value TensorBuilder::i64(int64_t value) {
  return create<arith::ConstantOp>(builder.getI64IntegerAttr(value));
}

Value TensorBuilder::boolean(bool value) {
  return create<arith::ConstantOp>(builder.getBoolAttr(value));
}

Size TensorBuilder::sizeOf(Value tensor, int64_t dim) {
  int64_t known = getTensorType(tensor).getDimSize(dim);
  if (!ShapedType::isDynamic(known))
    return size(known);
  return create<SymSizeOp>(builder.getI64Type(), tensor,
                           builder.getI64IntegerAttr(dim))
      .getResult();
}

Sizes TensorBuilder::sizesOf(Value tensor) {
  Sizes sizes;
  for (int64_t i = 0; i < getRank(tensor); ++i)
    sizes.push_back(sizeOf(tensor, i));
  return sizes;
}

static std::optional<int64_t> getConstant(Size size) {
  if (auto attr = dyn_cast<Attribute>(size))
    return cast<IntegerAttr>(attr).getInt();
  return std::nullopt;
}

Size TensorBuilder::multiply(Size a, Size b) {
  auto first = getConstant(a), second = getConstant(b);
  if (first && second)
    return size(*first * *second);
  if (first == 1)
    return b;
  if (second == 1)
    return a;
  return create<arith::MulIOp>(asValue(a), asValue(b)).getResult();
}

Size TensorBuilder::countOf(Value tensor, ArrayRef<int64_t> dims) {
  Size count = size(1);
  for (int64_t dim : dims)
    count = multiply(count, sizeOf(tensor, dim));
  return count;
}

Value TensorBuilder::asValue(Size size) {
  if (auto constant = getConstant(size))
    return i64(*constant);
  return cast<Value>(size);
}

//===----------------------------------------------------------------------===//
// Pointwise
//===----------------------------------------------------------------------===//

Value TensorBuilder::convert(Value a, Type element) {
  if (!isTensor(a) || getElement(a) == element)
    return a;
  return create<ConvertElementTypeOp>(a, element);
}

Value TensorBuilder::toCompute(Value a) {
  return isTensor(a) ? convert(a, getComputeType(getElement(a))) : a;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

static void splitSizes(ArrayRef<Size> sizes, SmallVector<Value> &dynamic,
                       SmallVector<int64_t> &fixed) {
  for (Size size : sizes) {
    if (auto constant = getConstant(size)) {
      fixed.push_back(*constant);
      continue;
    }
    fixed.push_back(ShapedType::kDynamic);
    dynamic.push_back(cast<Value>(size));
  }
}

/// Whether a tensor is known to have these sizes already.
static bool hasSizes(Value tensor, ArrayRef<int64_t> sizes) {
  return getTensorType(tensor).hasStaticShape() &&
         getTensorType(tensor).getShape() == sizes;
}

Value TensorBuilder::view(Value a, ArrayRef<Size> sizes) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> fixed;
  splitSizes(sizes, dynamic, fixed);
  if (hasSizes(a, fixed))
    return a;
  return create<ViewOp>(a, dynamic, fixed);
}

Value TensorBuilder::expand(Value a, ArrayRef<Size> sizes) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> fixed;
  splitSizes(sizes, dynamic, fixed);
  if (hasSizes(a, fixed))
    return a;
  return create<ExpandOp>(a, dynamic, fixed);
}

Value TensorBuilder::permute(Value a, ArrayRef<int64_t> dims) {
  return create<PermuteOp>(a, dims);
}

Value TensorBuilder::transposeLast(Value a) {
  SmallVector<int64_t> dims =
      llvm::to_vector(llvm::seq<int64_t>(0, getRank(a)));
  std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
  return permute(a, dims);
}

Value TensorBuilder::squeeze(Value a, ArrayRef<int64_t> dims) {
  return create<SqueezeOp>(a, builder.getDenseI64ArrayAttr(dims));
}

Value TensorBuilder::slice(Value a, int64_t dim, Value start, Value end,
                           int64_t step) {
  return create<SliceOp>(a, (uint64_t)dim, start, end, (uint64_t)step);
}

//===----------------------------------------------------------------------===//
// Creation and reduction
//===----------------------------------------------------------------------===//

Value TensorBuilder::full(ArrayRef<Size> sizes, Value value, Type element) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> fixed;
  splitSizes(sizes, dynamic, fixed);
  return create<FullOp>(value, dynamic, fixed, element);
}

Value TensorBuilder::zerosLike(Value a) {
  return full(sizesOf(a), f64(0), getElement(a));
}

Value TensorBuilder::indexAlong(Size length, int64_t dim, int64_t rank) {
  Value index = create<IotaOp>(asValue(length), (uint64_t)0, (uint64_t)1,
                               builder.getI64Type());
  if (rank <= 1)
    return index;
  Sizes sizes(rank, size(1));
  sizes[dim] = length;
  return view(index, sizes);
}

Value TensorBuilder::sum(Value a, ArrayRef<int64_t> dims, bool keepdim) {
  return create<SumOp>(a, dims, keepdim, TypeAttr());
}

Value TensorBuilder::mean(Value a, ArrayRef<int64_t> dims, bool keepdim) {
  return create<MeanOp>(a, dims, keepdim, TypeAttr());
}

Value TensorBuilder::amax(Value a, ArrayRef<int64_t> dims, bool keepdim) {
  return create<AmaxOp>(a, dims, keepdim);
}

Value TensorBuilder::sumTo(Value a, RankedTensorType type) {
  RankedTensorType from = getTensorType(a);
  int64_t extra = from.getRank() - type.getRank();
  assert(extra >= 0 && "a gradient has at least the rank of its operand");
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, extra));
  for (int64_t i = extra; i < from.getRank(); ++i)
    if (type.getDimSize(i - extra) == 1 && from.getDimSize(i) != 1)
      dims.push_back(i);
  if (dims.empty())
    return a;
  if ((int64_t)dims.size() == extra)
    return sum(a, dims, /*keepdim=*/false);
  Value reduced = sum(a, dims, /*keepdim=*/true);
  return extra == 0
             ? reduced
             : squeeze(reduced, ArrayRef<int64_t>(dims).take_front(extra));
}

Value TensorBuilder::restoreDims(Value reduced, ArrayRef<int64_t> dims) {
  for (int64_t dim : dims)
    reduced = unsqueeze(reduced, dim);
  return reduced;
}

Value TensorBuilder::withType(Value value, Type type) {
  if (value.getType() == type)
    return value;
  // A result without users may get the type; the rules accept compatible ones.
  if (value.getDefiningOp() && value.use_empty() &&
      isa<FXDialect>(value.getDefiningOp()->getDialect())) {
    value.setType(type);
    return value;
  }
  return create<tensor::CastOp>(type, value);
}
