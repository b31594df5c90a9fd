//===- PatternFunctions.cpp - Native functions of PDL patterns ------------===//

#include "fx/Compiler/PatternFunctions.h"
#include "fx/IR/FXDialect.h"
#include "fx/IR/FXOps.h"
#include "mlir/IR/Matchers.h"

#include <map>

using namespace mlir;
using namespace mlir::fx;

namespace {
using Functions = std::map<std::string, PatternFunction, std::less<>>;
} // namespace

template <typename Function>
static void addConstraint(Functions &functions, StringRef name,
                          StringRef summary, Function function) {
  functions[name.str()] = makePatternConstraint(summary, function);
}

template <typename Function>
static void addRewrite(Functions &functions, StringRef name, StringRef summary,
                       Function function) {
  functions[name.str()] = makePatternRewrite(summary, function);
}

/// The number of a scalar attribute.
static std::optional<double> getNumber(Attribute attribute) {
  if (auto real = dyn_cast<FloatAttr>(attribute))
    return real.getValueAsDouble();
  auto integer = dyn_cast<IntegerAttr>(attribute);
  if (!integer)
    return std::nullopt;
  return integer.getValue().roundToDouble(!integer.getType().isInteger(1));
}

/// The number that a constant, or each of its elements, is.
static std::optional<double> getConstantNumber(Value value) {
  if (auto full = value.getDefiningOp<FullOp>())
    return getConstantNumber(full.getFillValue());
  Attribute constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(constant))
    return getNumber(splat.getSplatValue<Attribute>());
  return getNumber(constant);
}

static Type getElement(Value value) {
  return getElementTypeOrSelf(value.getType());
}

static void addShapeConstraints(Functions &functions) {
  addConstraint(
      functions, "IsTensor", "v is a tensor of known rank",
      [](PatternRewriter &, Value v) {
        return success(isa<RankedTensorType>(v.getType()));
      });
  addConstraint(
      functions, "IsStatic", "v is a tensor, and all of its sizes are known",
      [](PatternRewriter &, Value v) {
        auto type = dyn_cast<RankedTensorType>(v.getType());
        return success(type && type.hasStaticShape());
      });
  addConstraint(
      functions, "HasRank", "v is a tensor of this rank",
      [](PatternRewriter &, Value v, Attribute rank) {
        auto type = dyn_cast<RankedTensorType>(v.getType());
        auto wanted = dyn_cast<IntegerAttr>(rank);
        return success(type && wanted && type.getRank() == wanted.getInt());
      });
  addConstraint(
      functions, "SameShape", "both are tensors of the same known sizes",
      [](PatternRewriter &, Value a, Value b) {
        auto first = dyn_cast<RankedTensorType>(a.getType());
        auto second = dyn_cast<RankedTensorType>(b.getType());
        return success(first && second && first.hasStaticShape() &&
                       first.getShape() == second.getShape());
      });
  addConstraint(
      functions, "SameType", "both have the same type",
      [](PatternRewriter &, Value a, Value b) {
        return success(a.getType() == b.getType());
      });
  addConstraint(
      functions, "SameElementType", "the elements of both have the same type",
      [](PatternRewriter &, Value a, Value b) {
        return success(getElement(a) == getElement(b));
      });
  addConstraint(
      functions, "HasElementType", "the elements of v have this type",
      [](PatternRewriter &, Value v, Type element) {
        return success(getElement(v) == element);
      });
  addConstraint(
      functions, "IsFloat", "the elements of v are floating-point",
      [](PatternRewriter &, Value v) {
        return success(isa<FloatType>(getElement(v)));
      });
  addConstraint(
      functions, "IsInteger", "the elements of v are integers, not booleans",
      [](PatternRewriter &, Value v) {
        Type element = getElement(v);
        return success(isa<IntegerType>(element) &&
                       !element.isInteger(1));
      });
}

static void addValueConstraints(Functions &functions) {
  addConstraint(
      functions, "HasOneUse", "v has one use",
      [](PatternRewriter &, Value v) {
        return success(v.hasOneUse());
      });
  addConstraint(
      functions, "AreDistinct", "a and b are not the same value",
      [](PatternRewriter &, Value a, Value b) {
        return success(a != b);
      });
  addConstraint(
      functions, "IsConstant", "v is a constant, or an fx.full of one",
      [](PatternRewriter &, Value v) {
        return success(matchPattern(v, m_Constant()) ||
                       getConstantNumber(v).has_value());
      });
  addConstraint(
      functions, "IsSplat",
      "v, or each of its elements, is the constant `number`",
      [](PatternRewriter &, Value v, Attribute number) {
        std::optional<double> wanted = getNumber(number);
        return success(wanted && getConstantNumber(v) == wanted);
      });
  addConstraint(
      functions, "HasRole",
      "v is an argument of the function with this fx.role",
      [](PatternRewriter &, Value v, Attribute role) {
        auto argument = dyn_cast<BlockArgument>(v);
        auto function = argument ? dyn_cast<FunctionOpInterface>(
                                       argument.getOwner()->getParentOp())
                                 : FunctionOpInterface();
        return success(function && argument.getOwner()->isEntryBlock() &&
                       role == StringAttr::get(
                                   role.getContext(),
                                   getArgRole(function,
                                              argument.getArgNumber())));
      });
}

static void addBuiltinRewrites(Functions &functions) {
  addRewrite(
      functions, "TypeWithElement", "the type of v with other elements",
      [](PatternRewriter &, Value v, Type element) -> Type {
        auto type = dyn_cast<ShapedType>(v.getType());
        return type ? Type(type.clone(element)) : element;
      });
}

//===----------------------------------------------------------------------===//
// Registry
//===----------------------------------------------------------------------===//

static Functions &getConstraints() {
  static Functions functions = [] {
    Functions builtin;
    addShapeConstraints(builtin);
    addValueConstraints(builtin);
    return builtin;
  }();
  return functions;
}

static Functions &getRewrites() {
  static Functions functions = [] {
    Functions builtin;
    addBuiltinRewrites(builtin);
    return builtin;
  }();
  return functions;
}

static const PatternFunction *lookUp(const Functions &functions,
                                   StringRef name) {
  auto it = functions.find(name);
  return it == functions.end() ? nullptr : &it->second;
}

static SmallVector<StringRef> listNames(const Functions &functions) {
  SmallVector<StringRef> names;
  for (const auto &entry : functions)
    names.push_back(entry.first);
  return names;
}

void fx::addPatternConstraint(StringRef name, PatternFunction function) {
  getConstraints()[name.str()] = std::move(function);
}
void fx::addPatternRewrite(StringRef name, PatternFunction function) {
  getRewrites()[name.str()] = std::move(function);
}
const PatternFunction *fx::findPatternConstraint(StringRef name) {
  return lookUp(getConstraints(), name);
}
const PatternFunction *fx::findPatternRewrite(StringRef name) {
  return lookUp(getRewrites(), name);
}
SmallVector<StringRef> fx::listPatternConstraints() {
  return listNames(getConstraints());
}
SmallVector<StringRef> fx::listPatternRewrites() {
  return listNames(getRewrites());
}
