//===- PatternFunctions.h - Native functions of PDL patterns ----*- C++ -*-===//
//
// Constraints and rewrites that a PDL file can call by name. A tool or a pass
// plugin adds its own before the first pass runs:
//
//   registerPatternConstraint("HasRank", "v has this rank",
//       [](PatternRewriter &, Value v, Attribute rank) {
//         auto type = dyn_cast<RankedTensorType>(v.getType());
//         auto wanted = dyn_cast<IntegerAttr>(rank);
//         return success(type && wanted && type.getRank() == wanted.getInt());
//       });
//
// and the PDLL file declares it: `Constraint HasRank(v: Value, rank: Attr);`.
//
//===----------------------------------------------------------------------===//

#ifndef FX_COMPILER_PATTERNFUNCTIONS_H
#define FX_COMPILER_PATTERNFUNCTIONS_H

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::fx {

/// A function with its PDL signature. A file is checked against it: MLIR does
/// not check calls in a release build.
struct PatternFunction {
  std::string summary;
  SmallVector<PDLValue::Kind> arguments, results;
  PDLConstraintFunction constraint;
  PDLRewriteFunction rewrite;
};

/// What a file can call, by name. Not for use while passes run.
void addPatternConstraint(StringRef name, PatternFunction function);
void addPatternRewrite(StringRef name, PatternFunction function);
/// The function of a name, null if there is none.
const PatternFunction *findPatternConstraint(StringRef name);
const PatternFunction *findPatternRewrite(StringRef name);
/// The names in alphabetical order.
SmallVector<StringRef> listPatternConstraints();
SmallVector<StringRef> listPatternRewrites();

namespace detail {
/// How PDL passes a C++ type.
template <typename T> constexpr PDLValue::Kind getPatternKind() {
  using Plain = std::decay_t<T>;
  if constexpr (std::is_convertible_v<Plain, Operation *> ||
                std::is_base_of_v<OpState, Plain>)
    return PDLValue::Kind::Operation;
  else if constexpr (std::is_base_of_v<Value, Plain>)
    return PDLValue::Kind::Value;
  else if constexpr (std::is_base_of_v<Type, Plain>)
    return PDLValue::Kind::Type;
  else if constexpr (std::is_same_v<Plain, ValueRange>)
    return PDLValue::Kind::ValueRange;
  else if constexpr (std::is_same_v<Plain, TypeRange>)
    return PDLValue::Kind::TypeRange;
  else
    return PDLValue::Kind::Attribute;
}

template <typename Traits, size_t... I>
void addPatternArguments(PatternFunction &function, std::index_sequence<I...>) {
  // The first argument is the rewriter.
  (function.arguments.push_back(
       getPatternKind<typename Traits::template arg_t<I + 1>>()),
   ...);
}

template <typename Traits>
PatternFunction makePatternFunction(StringRef summary) {
  PatternFunction function;
  function.summary = summary.str();
  addPatternArguments<Traits>(function,
                              std::make_index_sequence<Traits::num_args - 1>());
  return function;
}
} // namespace detail

template <typename Function>
PatternFunction makePatternConstraint(StringRef summary, Function function) {
  PatternFunction entry =
      detail::makePatternFunction<llvm::function_traits<Function>>(summary);
  entry.constraint = mlir::detail::pdl_function_builder::buildConstraintFn(
      std::move(function));
  return entry;
}

template <typename Function>
PatternFunction makePatternRewrite(StringRef summary, Function function) {
  using Traits = llvm::function_traits<Function>;
  PatternFunction entry = detail::makePatternFunction<Traits>(summary);
  if constexpr (!std::is_void_v<typename Traits::result_t>)
    entry.results.push_back(
        detail::getPatternKind<typename Traits::result_t>());
  entry.rewrite =
      mlir::detail::pdl_function_builder::buildRewriteFn(std::move(function));
  return entry;
}

/// Registers `LogicalResult(PatternRewriter &, arguments…)`. Arguments are
/// Value, Operation *, Type, Attribute (not a class of these), ValueRange or
/// TypeRange.
template <typename Function>
void registerPatternConstraint(StringRef name, StringRef summary,
                               Function function) {
  addPatternConstraint(name, makePatternConstraint(summary, function));
}

/// Registers `Result(PatternRewriter &, arguments…)` with one result or void.
/// The match is decided by then: the function must not fail.
template <typename Function>
void registerPatternRewrite(StringRef name, StringRef summary,
                            Function function) {
  addPatternRewrite(name, makePatternRewrite(summary, function));
}

} // namespace mlir::fx

#endif
