//===- FunctionGroup.cpp - Functions run together on drawn inputs ---------===//

#include "FunctionGroup.h"
#include "fx/IR/FXDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/xxhash.h"

#include <random>

using namespace mlir;
using namespace mlir::fx;
using interp::Tensor;

std::vector<FunctionGroup> fx::getGroups(ModuleOp module) {
  std::vector<FunctionGroup> groups;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || !function.isPublic())
      continue;
    StringRef name = function.getName();
    auto find = [&](StringRef end) {
      auto other = module.lookupSymbol<func::FuncOp>((name + end).str());
      return other && !other.isExternal() ? other : func::FuncOp();
    };
    // A backward comes with its forward.
    if (name.consume_back("backward") && find("forward"))
      continue;
    name = function.getName();
    func::FuncOp backward =
        name.consume_back("forward") ? find("backward") : func::FuncOp();
    groups.push_back({function, backward});
  }
  return groups;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

std::optional<Tensor> DrawnInputs::get(StringRef key, Type type,
                                       StringRef role) {
  if (auto it = values.find(key.str()); it != values.end())
    return it->second;
  auto ranked = dyn_cast<RankedTensorType>(type);
  auto kind =
      interp::getElementKind(ranked ? ranked.getElementType() : type);
  if (!kind || (isa<ShapedType>(type) && !ranked))
    return std::nullopt;
  interp::Shape shape;
  if (ranked)
    shape = interp::Shape(ranked.getShape());
  for (int64_t &dim : shape)
    if (ShapedType::isDynamic(dim))
      dim = size;
  std::optional<Tensor> tensor = Tensor::create(*kind, shape);
  if (!tensor)
    return std::nullopt;
  // What is drawn depends on the name alone.
  std::mt19937_64 generator(llvm::xxh3_64bits(key));
  std::normal_distribution<double> normal;
  // Products of weights should not grow from layer to layer.
  double scale = 1;
  if (role == role::parameter && shape.size() > 1 && tensor->size() > 0)
    scale = 1 / std::sqrt(double(tensor->size()) / double(shape[0]));
  for (int64_t i = 0; i < tensor->size(); ++i) {
    if (!interp::isIntegerKind(*kind)) {
      double value = normal(generator) * scale;
      // Of buffers the running variances must be positive.
      tensor->setReal(i, role == role::buffer ? 0.1 + std::abs(value) : value);
    } else if (!ranked && *kind != interp::ElementKind::Bool) {
      tensor->setInteger(i, size);
    } else {
      bool isDrawn =
          integers == ZeroOrOne || *kind == interp::ElementKind::Bool;
      tensor->setInteger(i, isDrawn            ? generator() % 2
                            : integers == Zero ? 0
                                               : 3);
    }
  }
  values[key.str()] = *tensor;
  return tensor;
}

//===----------------------------------------------------------------------===//
// Tolerances
//===----------------------------------------------------------------------===//

static double getTolerance(Type type, bool isExact) {
  Type element = getElementTypeOrSelf(type);
  if (auto complex = dyn_cast<ComplexType>(element))
    element = complex.getElementType();
  if (element.isBF16())
    return isExact ? 8e-3 : 5e-2;
  if (element.isF16())
    return isExact ? 1e-3 : 1e-2;
  if (element.isF32())
    return isExact ? 1e-6 : 1e-4;
  // Of booleans and integers too, on the way to other numbers.
  return 1e-9;
}

/// The tolerance of each result: the largest of the values that it is computed
/// from. `saved` is that of arguments that a forward saved.
static SmallVector<double> getTolerances(func::FuncOp function, double saved,
                                         bool isExact) {
  llvm::DenseMap<Value, double> tolerances;
  for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
    double own = getTolerance(argument.getType(), isExact);
    bool isSaved = getArgRole(function, i) == role::saved;
    tolerances[argument] = isSaved ? std::max(own, saved) : own;
  }
  for (Operation &op : function.getBody().front()) {
    double tolerance = 0;
    for (Value operand : op.getOperands())
      // A Python number is not rounded.
      if (isa<ShapedType>(operand.getType()))
        tolerance = std::max(tolerance, tolerances.lookup(operand));
    for (Region &region : op.getRegions())
      region.walk([&](Operation *inner) {
        for (Type type : inner->getResultTypes())
          if (isa<ShapedType>(type))
            tolerance = std::max(tolerance, getTolerance(type, isExact));
      });
    for (Value result : op.getResults())
      tolerances[result] =
          std::max(tolerance, getTolerance(result.getType(), isExact));
  }
  SmallVector<double> results;
  for (Value value : function.getBody().front().getTerminator()->getOperands())
    results.push_back(tolerances.lookup(value));
  return results;
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

namespace {
/// Saved values of a forward, tensors and numbers each in their order.
struct Saved {
  std::vector<std::pair<std::string, Tensor>> tensors, numbers;
  double tolerance = 0;

  std::vector<std::pair<std::string, Tensor>> &of(Type type) {
    return isa<ShapedType>(type) ? tensors : numbers;
  }
};
} // namespace

/// The name of an argument, or its number among those of its role.
static std::string getKey(func::FuncOp function, unsigned index) {
  StringRef name = getArgName(function, index);
  if (!name.empty())
    return name.str();
  StringRef role = getArgRole(function, index);
  unsigned number = 0;
  for (unsigned i = 0; i < index; ++i)
    number += getArgRole(function, i) == role;
  return (role + "#" + Twine(number)).str();
}

static unsigned countSaved(func::FuncOp function, bool tensors) {
  unsigned count = 0;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    count += getArgRole(function, i) == role::saved &&
             isa<ShapedType>(type) == tensors;
  return count;
}

/// A saved value: names may stand for several, the order is the same. Where
/// the backward takes fewer, names are unique.
static std::optional<Tensor> findSaved(func::FuncOp backward, Saved &saved,
                                       unsigned index, unsigned number) {
  Type type = backward.getArgumentTypes()[index];
  auto &values = saved.of(type);
  if (values.size() == countSaved(backward, isa<ShapedType>(type)))
    return values[number].second;
  for (auto &[name, value] : values)
    if (name == getArgName(backward, index))
      return value;
  return std::nullopt;
}

/// The values of the arguments; `saved` is that of the forward, if there is
/// one.
static FailureOr<std::vector<Tensor>>
getArguments(func::FuncOp function, DrawnInputs &inputs, Saved *saved,
             interp::Interpreter &interpreter) {
  std::vector<Tensor> arguments;
  unsigned numTensors = 0, numNumbers = 0;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    StringRef role = getArgRole(function, i);
    std::optional<Tensor> value;
    if (role == role::saved && saved) {
      unsigned &number = isa<ShapedType>(type) ? numTensors : numNumbers;
      value = findSaved(function, *saved, i, number++);
      // An argument of the forward that is passed on.
      if (!value)
        value = inputs.get(getKey(function, i), type, "");
    } else if (auto tensor = dyn_cast<RankedTensorType>(type);
               tensor && role == role::seed && tensor.hasStaticShape()) {
      value =
          Tensor::create(interp::ElementKind::I64, tensor.getShape());
      for (int64_t k = 0; value && k < value->size(); ++k)
        value->setInteger(k, interpreter.drawSeed());
    } else {
      value = inputs.get(getKey(function, i), type, role);
    }
    if (!value)
      return function.emitError("there are no values for argument ")
             << i << " of type " << type;
    arguments.push_back(*value);
  }
  return arguments;
}

/// Runs one function; its results go to `results` and, if the backward takes
/// them, to `saved`.
static LogicalResult run(func::FuncOp function, DrawnInputs &inputs,
                         Saved *given, Saved &saved,
                         interp::Interpreter &interpreter, bool isExact,
                         GroupResults &results) {
  FailureOr<std::vector<Tensor>> arguments =
      getArguments(function, inputs, given, interpreter);
  if (failed(arguments))
    return failure();
  FailureOr<std::vector<Tensor>> values =
      interpreter.call(function, *arguments);
  if (failed(values))
    return failure();
  SmallVector<double> tolerances =
      getTolerances(function, given ? given->tolerance : 0, isExact);
  std::map<std::string, unsigned> counts;
  for (auto [i, value] : llvm::enumerate(*values)) {
    StringRef role = getResultRole(function, i);
    if (role == role::saved) {
      saved.of(function.getResultTypes()[i])
          .emplace_back(getResultName(function, i).str(), value);
      saved.tolerance = std::max(saved.tolerance, tolerances[i]);
      continue;
    }
    // The loss is an output that has a role of its own in some stages.
    if (role.empty() || role == role::loss)
      role = role::output;
    unsigned number = counts[role.str()]++;
    StringRef name = getResultName(function, i);
    if (auto mutated =
            function.getResultAttrOfType<StringAttr>(i, kMutatesAttr))
      name = mutated.getValue();
    // Outputs go by their number, the others by their names.
    std::string key = role.str() + " ";
    key += role == role::output || name.empty() ? std::to_string(number)
                                                : name.str();
    while (results.values.count(key))
      key += "'";
    results.values[key] = {value, tolerances[i]};
  }
  return success();
}

FailureOr<GroupResults> fx::runGroup(const FunctionGroup &group,
                                     DrawnInputs &inputs, bool isExact) {
  auto module = group.first->getParentOfType<ModuleOp>();
  interp::Interpreter interpreter(module);
  GroupResults results;
  Saved saved, rest;
  if (failed(run(group.first, inputs, nullptr, saved, interpreter,
                 isExact, results)))
    return failure();
  func::FuncOp backward = group.backward;
  if (backward &&
      failed(run(backward, inputs, &saved, rest, interpreter, isExact,
                 results)))
    return failure();
  results.seeds = interpreter.countSeeds();
  return results;
}
