//===- Composites.cpp - Operators that are formulas of fx ops -------------===//

#include "Composites.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::Node;

//===----------------------------------------------------------------------===//
// CompositeBuilder
//===----------------------------------------------------------------------===//

RankedTensorType CompositeBuilder::resultType(unsigned index) const {
  return cast<RankedTensorType>(types[index]);
}

Type CompositeBuilder::compute(unsigned index) const {
  return getComputeType(resultType(index).getElementType());
}

const CompositeArgument *CompositeBuilder::find(StringRef name) const {
  std::optional<unsigned> index = schema.findArgument(name);
  return index ? &arguments[*index] : nullptr;
}

bool CompositeBuilder::has(StringRef name) const {
  const CompositeArgument *argument = find(name);
  return argument && !argument->literal.is(Argument::Kind::None);
}

bool CompositeBuilder::isList(StringRef name) const {
  const CompositeArgument *argument = find(name);
  return argument && argument->literal.is(Argument::Kind::List);
}

bool CompositeBuilder::isLiteral(StringRef name) const {
  const CompositeArgument *argument = find(name);
  return argument && argument->values.empty();
}

Value CompositeBuilder::value(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  if (argument->isValue())
    return argument->values.front();
  switch (argument->literal.kind) {
  case Argument::Kind::Float:
    return f64(argument->literal.real);
  case Argument::Kind::Bool:
    return boolean(argument->literal.integer);
  case Argument::Kind::Int:
    return i64(argument->literal.integer);
  default:
    failed = true;
    return i64(0);
  }
}

Values CompositeBuilder::values(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  failed |= argument->values.empty();
  return argument->values;
}

double CompositeBuilder::number(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  const Argument &literal = argument->literal;
  if (literal.is(Argument::Kind::Float))
    return literal.real;
  return integer(name);
}

int64_t CompositeBuilder::integer(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  const Argument &literal = argument->literal;
  failed |= !literal.is(Argument::Kind::Int) &&
            !literal.is(Argument::Kind::Bool);
  return literal.integer;
}

StringRef CompositeBuilder::text(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  failed |= !argument->literal.is(Argument::Kind::String);
  return argument->literal.text;
}

SmallVector<int64_t> CompositeBuilder::integers(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  const Argument &literal = argument->literal;
  if (literal.is(Argument::Kind::None))
    return {};
  if (literal.is(Argument::Kind::Int))
    return {literal.integer};
  SmallVector<int64_t> numbers;
  for (const Argument &element : literal.elements) {
    failed |= !element.is(Argument::Kind::Int) &&
              !element.is(Argument::Kind::Bool);
    numbers.push_back(element.integer);
  }
  return numbers;
}

SmallVector<double> CompositeBuilder::numbers(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  SmallVector<double> numbers;
  for (const Argument &element : argument->literal.elements) {
    bool isReal = element.is(Argument::Kind::Float);
    failed |= !isReal && !element.is(Argument::Kind::Int);
    numbers.push_back(isReal ? element.real : element.integer);
  }
  return numbers;
}

Values CompositeBuilder::optionals(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  Values values;
  const Value *next = argument->values.begin();
  for (const Argument &element : argument->literal.elements) {
    failed |= !element.is(Argument::Kind::Value) &&
              !element.is(Argument::Kind::None);
    values.push_back(element.is(Argument::Kind::Value) ? *next++ : Value());
  }
  return values;
}

int64_t CompositeBuilder::count(StringRef name) const {
  return find(name)->literal.elements.size();
}

const graph::TensorMeta *CompositeBuilder::layout(StringRef name) const {
  const CompositeArgument *argument = find(name);
  return argument ? argument->layout : nullptr;
}

Type CompositeBuilder::dtype(StringRef name) {
  const CompositeArgument *argument = find(name);
  assert(argument && "the schema has this argument");
  if (!argument->literal.is(Argument::Kind::DType))
    return {};
  return getElementType(getContext(), argument->literal.text);
}

SmallVector<int64_t> CompositeBuilder::dims(StringRef name, Value tensor) {
  FailureOr<SmallVector<int64_t>> wrapped =
      normalizeDims(std::nullopt, integers(name), getRank(tensor));
  if (succeeded(wrapped))
    return *wrapped;
  failed = true;
  return {};
}

Value CompositeBuilder::numberLike(double value, Value like) {
  Type element = getElementTypeOrSelf(like.getType());
  if (isFloatType(element))
    return f64(value);
  return isBoolType(element) ? boolean(value != 0) : i64(value);
}

Value CompositeBuilder::polynomial(Value x, ArrayRef<double> coefficients) {
  Value sum = mul(x, coefficients.front());
  for (double coefficient : coefficients.drop_front().drop_back())
    sum = mul(add(sum, coefficient), x);
  return add(sum, coefficients.back());
}

Value CompositeBuilder::reduce(Value loss, int64_t reduction) {
  if (reduction == 0)
    return loss;
  return reduction == 1 ? mean(loss, {}, /*keepdim=*/false)
                        : sum(loss, {}, /*keepdim=*/false);
}

Value CompositeBuilder::alongChannels(Value vector, Value tensor) {
  int64_t rank = getRank(tensor);
  if (getRank(vector) == 0 || rank < 2)
    return vector;
  Sizes sizes(rank, size(1));
  sizes[1] = sizeOf(vector, 0);
  return view(vector, sizes);
}

SmallVector<int64_t> CompositeBuilder::allDims(Value tensor) {
  return llvm::to_vector(llvm::seq<int64_t>(0, getRank(tensor)));
}

//===----------------------------------------------------------------------===//
// Import
//===----------------------------------------------------------------------===//

Formula fx::lookupComposite(StringRef target) {
  static const llvm::StringMap<Formula> formulas = [] {
    llvm::StringMap<Formula> map;
    for (ArrayRef<Composite> family :
         {getActivationComposites(), getArithmeticComposites(),
          getBesselComposites(), getContractionComposites(),
          getForeachComposites(), getHistogramComposites(),
          getIndexingComposites(), getLossComposites(),
          getNormalizationComposites(), getPolynomialComposites(),
          getPoolingComposites(), getRecurrentComposites(),
          getSortingComposites(), getSpecialComposites(),
          getStatisticsComposites(), getStridedComposites(),
          getViewComposites(),
          getWindowComposites()})
      for (const Composite &composite : family)
        map[composite.target] = composite.build;
    return map;
  }();
  return formulas.lookup(target);
}

/// Formulas compute with real numbers and integers.
static bool isRealTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return !isa<TensorType, ComplexType>(type);
  Type element = tensor.getElementType();
  return isa<IntegerType>(element) || element.isF16() || element.isBF16() ||
         element.isF32() || element.isF64();
}

/// Whether an argument is a tensor (are tensors) where the schema has one. The
/// second operand of arithmetic may be a number.
static bool fitsSchema(const CompositeArgument &argument,
                       const SchemaArgument &declared) {
  const SchemaType &type = declared.type;
  if (!type.isTensor())
    return true;
  if (!llvm::all_of(argument.values, [](Value v) { return isTensor(v); }))
    return declared.name == "other" && !type.isList;
  const Argument &literal = argument.literal;
  if (literal.is(Argument::Kind::None))
    return type.isOptional;
  if (!type.isList)
    return literal.is(Argument::Kind::Value) || declared.name == "other";
  return literal.is(Argument::Kind::List) &&
         llvm::all_of(literal.elements, [&](const Argument &element) {
           return element.is(Argument::Kind::Value) ||
                  (type.isElementOptional &&
                   element.is(Argument::Kind::None));
         });
}

/// The values by which a formula computes the results of a node; none if there
/// is no formula or it does not hold.
FailureOr<SmallVector<Value>>
GraphImporter::buildComposite(const Node &node,
                              const BoundArguments &arguments,
                              ArrayRef<Type> types) {
  Values none;
  Formula formula = lookupComposite(arguments.schema->target);
  if (!formula || types.empty() || !llvm::all_of(types, [](Type type) {
        return isa<RankedTensorType>(type) && isRealTensor(type);
      }))
    return none;
  SmallVector<CompositeArgument> composite;
  for (const Argument &argument : arguments.values) {
    CompositeArgument &entry = composite.emplace_back();
    entry.literal = argument;
    ArrayRef<Argument> elements = argument;
    if (argument.is(Argument::Kind::List))
      elements = argument.elements;
    for (const Argument &element : elements) {
      if (!element.is(Argument::Kind::Value))
        continue;
      FailureOr<Value> value = getNamed(element.text);
      if (failed(value))
        return failure();
      if (!isRealTensor(value->getType()))
        return none;
      entry.values.push_back(*value);
      auto meta = graph->values.find(element.text);
      if (meta != graph->values.end() &&
          meta->second.kind == graph::ValueMeta::Kind::Tensor)
        entry.layout = &meta->second.tensor;
    }
    if (!fitsSchema(entry, arguments.schema->arguments[composite.size() - 1]))
      return none;
  }

  Block *block = builder.getInsertionBlock();
  Operation *last = block->empty() ? nullptr : &block->back();
  CompositeBuilder c(builder, getLocation(node), *arguments.schema, composite,
                     types);
  Values values = formula(c);
  bool holds = !c.hasFailed() && values.size() == types.size() &&
               llvm::all_of(values, [](Value value) { return value; });
  for (auto [value, type] : llvm::zip(values, types)) {
    if (!holds)
      break;
    Type element = cast<RankedTensorType>(type).getElementType();
    value = c.convert(value, element);
    holds = areCompatibleResultTypes(value.getType(), type);
    if (holds)
      value = c.withType(value, type);
  }
  if (holds && !c.hasFailed())
    return values;
  while (!block->empty() && &block->back() != last)
    block->back().erase();
  return none;
}
