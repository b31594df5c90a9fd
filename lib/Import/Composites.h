//===- Composites.h - Operators that are formulas of fx ops -----*- C++ -*-===//
//
// An overload without an op of its own is imported as the ops of its formula,
// so that every pass and derivative knows it. A formula is a function of a
// CompositeBuilder, listed with its overload in the table of its family:
//
//   static Values buildHypot(CompositeBuilder &c) { ... }
//   {"aten.hypot.default", buildHypot},
//
// It returns one value for each result of the node; the importer converts them
// to the node's types. No values mean that the formula does not hold for these
// arguments: the node stays a call.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_IMPORT_COMPOSITES_H
#define FX_LIB_IMPORT_COMPOSITES_H

#include "GraphImporterImpl.h"

#include "fx/IR/TensorBuilder.h"

namespace mlir::fx {

using Values = SmallVector<Value>;

/// An argument of a composite: a literal, or the value (the values of a list,
/// null for None) of tensors and symbols.
struct CompositeArgument {
  graph::Argument literal;
  SmallVector<Value> values;
  /// Of a tensor: how PyTorch laid it out.
  const graph::TensorMeta *layout = nullptr;

  bool isValue() const { return literal.is(graph::Argument::Kind::Value); }
};

/// Builds a formula from the arguments of a node. Asking for an argument as
/// something that it is not makes the formula fail.
class CompositeBuilder : public TensorBuilder {
public:
  CompositeBuilder(OpBuilder &builder, Location loc, const ATenSchema &schema,
                   ArrayRef<CompositeArgument> arguments, TypeRange types)
      : TensorBuilder(builder, loc), schema(schema), arguments(arguments),
        types(types) {
    // What a file says of its values need not fit together.
    recovers = true;
  }

  bool hasFailed() const { return failed; }
  /// The formula does not hold.
  Values fail() {
    failed = true;
    return {};
  }

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  unsigned resultCount() const { return types.size(); }
  RankedTensorType resultType(unsigned index = 0) const;
  /// The type in which the kernel of the node computes.
  Type compute(unsigned index = 0) const;

  //===--------------------------------------------------------------------===//
  // Arguments
  //===--------------------------------------------------------------------===//

  /// Whether the schema has the argument and it is not None.
  bool has(StringRef name) const;
  /// Whether it is a number or text that is known.
  bool isLiteral(StringRef name) const;
  bool isList(StringRef name) const;
  /// The value of a tensor or number as it is.
  Value value(StringRef name);
  /// The same, a tensor converted to the compute type of the result.
  Value operand(StringRef name) { return convert(value(name), compute()); }
  /// A tensor that may be None.
  Value optional(StringRef name) { return has(name) ? value(name) : Value(); }
  Values values(StringRef name);
  double number(StringRef name);
  double numberOr(StringRef name, double other) {
    return has(name) ? number(name) : other;
  }
  int64_t integer(StringRef name);
  bool flag(StringRef name) { return integer(name) != 0; }
  StringRef text(StringRef name);
  SmallVector<int64_t> integers(StringRef name);
  SmallVector<double> numbers(StringRef name);
  /// A list of optional tensors, null where an element is None.
  Values optionals(StringRef name);
  /// The length of a list.
  int64_t count(StringRef name) const;
  /// How PyTorch laid out a tensor argument; null if that is not known.
  const graph::TensorMeta *layout(StringRef name) const;
  /// A type argument, null if it is None.
  Type dtype(StringRef name);
  /// Dimensions of a tensor, wrapped and ascending; all if none is given.
  SmallVector<int64_t> dims(StringRef name, Value tensor);

  //===--------------------------------------------------------------------===//
  // Shorthands
  //===--------------------------------------------------------------------===//

  /// A number of the kind of `like`, so that it does not promote it.
  Value numberLike(double value, Value like);
  Value whereNumber(Value condition, double number, Value other) {
    return where(condition, numberLike(number, other), other);
  }
  Value abs(Value a) { return create<AbsOp>(a); }
  Value sign(Value a) { return create<SignOp>(a); }
  Value sqrt(Value a) { return create<SqrtOp>(a); }
  Value log1p(Value a) { return create<Log1pOp>(a); }
  Value expm1(Value a) { return create<Expm1Op>(a); }
  Value floor(Value a) { return create<FloorOp>(a); }
  Value tanh(Value a) { return create<TanhOp>(a); }
  Value isNaN(Value a) { return create<IsnanOp>(a); }
  Value isInf(Value a) { return create<IsinfOp>(a); }
  Value square(Value a) { return mul(a, a); }
  Value reciprocal(Value a) { return create<ReciprocalOp>(a); }
  Value maximum(Value a, Value b) { return create<MaximumOp>(a, b); }
  Value minimum(Value a, Value b) { return create<MinimumOp>(a, b); }
  Value clampMin(Value a, double low) {
    return create<ClampMinOp>(a, numberLike(low, a));
  }
  Value clampMax(Value a, double high) {
    return create<ClampMaxOp>(a, numberLike(high, a));
  }
  Value logicalOr(Value a, Value b) { return create<LogicalOrOp>(a, b); }
  Value prod(Value a, ArrayRef<int64_t> dims, bool keepdim) {
    return create<ProdOp>(a, dims, keepdim, TypeAttr());
  }
  Value amin(Value a, ArrayRef<int64_t> dims, bool keepdim) {
    return create<AminOp>(a, dims, keepdim);
  }
  Value detach(Value a) { return create<DetachOp>(a); }
  /// A polynomial by its coefficients, that of the highest power first.
  Value polynomial(Value x, ArrayRef<double> coefficients);
  /// 0 (none), 1 (mean) or 2 (sum) over all elements.
  Value reduce(Value loss, int64_t reduction);
  /// A scalar or a vector over the channels (dimension 1) of a tensor, shaped
  /// to broadcast with it.
  Value alongChannels(Value vector, Value tensor);
  SmallVector<int64_t> allDims(Value tensor);

private:
  const CompositeArgument *find(StringRef name) const;

  const ATenSchema &schema;
  ArrayRef<CompositeArgument> arguments;
  TypeRange types;
};

//===----------------------------------------------------------------------===//
// Formulas that several families share
//===----------------------------------------------------------------------===//

/// log(1 + e^(beta x)) / beta; x where beta x is above the threshold
Value buildSoftplus(CompositeBuilder &c, Value x, double beta,
                    double threshold);
/// log(sigmoid(x))
Value buildLogSigmoid(CompositeBuilder &c, Value x);
/// log(e^x + e^y)
Value buildLogAddExp(CompositeBuilder &c, Value x, Value y);
/// The indices that sort x; equal elements keep their order, NaN counts as
/// larger than all numbers. With `count` the first so many. Null if the size is
/// not known or too large.
Value buildSortedIndices(CompositeBuilder &c, Value x, int64_t dim,
                         bool descending,
                         std::optional<int64_t> count = std::nullopt);
/// The square root, its derivative at 0 taken as 0.
Value buildSafeSqrt(CompositeBuilder &c, Value x);
/// (sum |x|^p)^(1/p) and its limits, the derivative where it is 0 taken as 0.
Value buildVectorNorm(CompositeBuilder &c, Value x, double p,
                      ArrayRef<int64_t> dims, bool keepdim);

/// Empty if the formula does not hold.
using Formula = Values (*)(CompositeBuilder &c);

struct Composite {
  StringLiteral target;
  Formula build;
};

/// The formula of an overload, or null.
Formula lookupComposite(StringRef target);

// The tables, by family.
ArrayRef<Composite> getActivationComposites();
ArrayRef<Composite> getArithmeticComposites();
ArrayRef<Composite> getBesselComposites();
ArrayRef<Composite> getContractionComposites();
ArrayRef<Composite> getForeachComposites();
ArrayRef<Composite> getHistogramComposites();
ArrayRef<Composite> getIndexingComposites();
ArrayRef<Composite> getLossComposites();
ArrayRef<Composite> getNormalizationComposites();
ArrayRef<Composite> getPolynomialComposites();
ArrayRef<Composite> getPoolingComposites();
ArrayRef<Composite> getRecurrentComposites();
ArrayRef<Composite> getSortingComposites();
ArrayRef<Composite> getSpecialComposites();
ArrayRef<Composite> getStatisticsComposites();
ArrayRef<Composite> getStridedComposites();
ArrayRef<Composite> getViewComposites();
ArrayRef<Composite> getWindowComposites();

} // namespace mlir::fx

#endif // FX_LIB_IMPORT_COMPOSITES_H
