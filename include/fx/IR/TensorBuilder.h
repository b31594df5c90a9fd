//===- TensorBuilder.h - Builds fx ops with inferred types ------*- C++ -*-===//
//
// Decompositions and derivatives are formulas; this builder lets them read like
// ones. Every op is made at one location and has its inferred type. Python
// scalars are built as needed and merged later; they are no nodes.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IR_TENSORBUILDER_H
#define FX_IR_TENSORBUILDER_H

#include "fx/IR/FXOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::fx {

/// A size: an integer attribute, or an i64 value where it is not constant.
using Size = OpFoldResult;
using Sizes = SmallVector<OpFoldResult>;

class TensorBuilder {
public:
  TensorBuilder(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc) {}

  OpBuilder &getBuilder() { return builder; }
  Location getLoc() const { return loc; }
  MLIRContext *getContext() const { return builder.getContext(); }

  /// Makes an op. If no types follow from its operands and attributes, it is a
  /// fatal error, unless `recovers`: then the op gets some type, `hasFailed`
  /// says so, and whoever asked for the ops erases them.
  template <typename OpTy, typename... Args>
  OpTy create(Args &&...args) {
    if constexpr (canRecover<OpTy, Args...>())
      if (recovers)
        return createOrFail<OpTy>(std::forward<Args>(args)...);
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }

  //===--------------------------------------------------------------------===//
  // Scalars and sizes
  //===--------------------------------------------------------------------===//

  Value f64(double value);
  Value i64(int64_t value);
  Value boolean(bool value);
  Size size(int64_t value) { return builder.getI64IntegerAttr(value); }
  /// The size of a dimension, a constant where the type says it.
  Size sizeOf(Value tensor, int64_t dim);
  Sizes sizesOf(Value tensor);
  Size multiply(Size a, Size b);
  /// The number of elements in the given dimensions.
  Size countOf(Value tensor, ArrayRef<int64_t> dims);
  /// A size as an i64 operand.
  Value asValue(Size size);

  //===--------------------------------------------------------------------===//
  // Pointwise
  //===--------------------------------------------------------------------===//

  Value add(Value a, Value b) { return create<AddOp>(a, b, one()); }
  Value sub(Value a, Value b) { return create<SubOp>(a, b, one()); }
  Value mul(Value a, Value b) { return create<MulOp>(a, b); }
  Value div(Value a, Value b) { return create<DivOp>(a, b); }
  Value pow(Value a, Value b) { return create<PowOp>(a, b); }
  Value add(Value a, double b) { return add(a, f64(b)); }
  Value sub(Value a, double b) { return sub(a, f64(b)); }
  Value sub(double a, Value b) { return create<RsubOp>(b, f64(a), one()); }
  Value mul(Value a, double b) { return mul(a, f64(b)); }
  Value div(Value a, double b) { return div(a, f64(b)); }
  Value neg(Value a) { return create<NegOp>(a); }
  Value exp(Value a) { return create<ExpOp>(a); }
  Value log(Value a) { return create<LogOp>(a); }
  Value sigmoid(Value a) { return create<SigmoidOp>(a); }
  Value where(Value condition, Value a, Value b) {
    return create<WhereOp>(condition, a, b);
  }
  /// condition ? value : 0, in the type of value.
  Value keepWhere(Value condition, Value value) {
    return where(condition, value, f64(0));
  }
  Value gt(Value a, Value b) { return create<GtOp>(a, b); }
  Value ge(Value a, Value b) { return create<GeOp>(a, b); }
  Value lt(Value a, Value b) { return create<LtOp>(a, b); }
  Value le(Value a, Value b) { return create<LeOp>(a, b); }
  Value eq(Value a, Value b) { return create<EqOp>(a, b); }
  Value ne(Value a, Value b) { return create<NeOp>(a, b); }
  Value logicalAnd(Value a, Value b) { return create<LogicalAndOp>(a, b); }
  Value logicalNot(Value a) { return create<LogicalNotOp>(a); }
  /// Converts a tensor, nothing to do where it has the type already. Scalars
  /// stay as they are.
  Value convert(Value a, Type element);
  /// f16 and bf16 to f32: the type in which ATen's kernels compute.
  Value toCompute(Value a);

  //===--------------------------------------------------------------------===//
  // Views
  //===--------------------------------------------------------------------===//

  Value view(Value a, ArrayRef<Size> sizes);
  Value expand(Value a, ArrayRef<Size> sizes);
  Value permute(Value a, ArrayRef<int64_t> dims);
  /// Exchanges the last two dimensions.
  Value transposeLast(Value a);
  Value unsqueeze(Value a, int64_t dim) {
    return create<UnsqueezeOp>(a, (uint64_t)dim);
  }
  Value squeeze(Value a, ArrayRef<int64_t> dims);
  Value slice(Value a, int64_t dim, Value start, Value end, int64_t step = 1);
  Value slice(Value a, int64_t dim, int64_t start, int64_t end,
              int64_t step = 1) {
    return slice(a, dim, i64(start), i64(end), step);
  }
  Value select(Value a, int64_t dim, Value index) {
    return create<SelectOp>(a, (uint64_t)dim, index);
  }
  Value cat(ValueRange tensors, int64_t dim) {
    return create<CatOp>(tensors, (uint64_t)dim);
  }

  //===--------------------------------------------------------------------===//
  // Creation and reduction
  //===--------------------------------------------------------------------===//

  Value full(ArrayRef<Size> sizes, Value value, Type element);
  /// Zeros of the shape and element type of a tensor.
  Value zerosLike(Value a);
  /// 0, 1, … as i64 along dimension `dim` of a tensor of rank `rank`, whose
  /// other sizes are 1.
  Value indexAlong(Size length, int64_t dim, int64_t rank);
  Value sum(Value a, ArrayRef<int64_t> dims, bool keepdim);
  Value mean(Value a, ArrayRef<int64_t> dims, bool keepdim);
  Value amax(Value a, ArrayRef<int64_t> dims, bool keepdim);
  /// Sums over the dimensions in which `type` was broadcast to the type of `a`.
  Value sumTo(Value a, RankedTensorType type);
  /// Puts back dimensions of size 1 that a reduction dropped.
  Value restoreDims(Value reduced, ArrayRef<int64_t> dims);

  /// The same value with exactly this type, which must be compatible.
  Value withType(Value value, Type type);

protected:
  bool recovers = false;
  bool failed = false;

private:
  template <typename OpTy, typename... Args>
  using BuildResult = decltype(OpTy::build(
      std::declval<OpBuilder &>(), std::declval<OperationState &>(),
      std::declval<TypeRange>(), std::declval<Args>()...));

  /// Whether the op infers its types and could also be given them.
  template <typename OpTy, typename... Args>
  static constexpr bool canRecover() {
    if constexpr (OpTy::template hasTrait<InferTypeOpInterface::Trait>())
      return llvm::is_detected<BuildResult, OpTy, Args...>::value;
    return false;
  }

  template <typename OpTy, typename... Args>
  OpTy createOrFail(Args &&...args) {
    static constexpr unsigned kResults =
        OpTy::template hasTrait<OpTrait::OneResult>() ? 1
        : OpTy::template hasTrait<OpTrait::NResults<2>::template Impl>() ? 2
                                                                         : 3;
    OperationState state(loc, OpTy::getOperationName());
    SmallVector<Type> types(kResults, builder.getF64Type());
    OpTy::build(builder, state, TypeRange(types), std::forward<Args>(args)...);
    types.clear();
    if (mlir::failed(OpTy::inferReturnTypes(
            getContext(), std::nullopt, state.operands,
            state.attributes.getDictionary(getContext()),
            state.getRawProperties(), state.regions, types)))
      types = takeSomeTypes(state);
    state.types = std::move(types);
    return cast<OpTy>(builder.create(state));
  }
  /// Fails; types for an op whose own cannot be inferred.
  SmallVector<Type> takeSomeTypes(const OperationState &state);

  static llvm::APFloat one() { return llvm::APFloat(1.0); }

  OpBuilder &builder;
  Location loc;
};

inline RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}
inline bool isTensor(Value value) {
  return value && isa<RankedTensorType>(value.getType());
}
inline Type getElement(Value value) {
  return getTensorType(value).getElementType();
}
inline int64_t getRank(Value value) { return getTensorType(value).getRank(); }
/// A floating-point (or complex) tensor: gradients flow only through these.
bool isDifferentiableType(Type type);
/// A dimension that is known to be in range, counted from the front.
int64_t wrapDim(int64_t dim, int64_t rank);
/// Wrapped and ascending; none given means all.
SmallVector<int64_t> wrapDims(ArrayRef<int64_t> dims, int64_t rank);

} // namespace mlir::fx

#endif
