//===- NodeBuilder.cpp - From a node to an op -----------------------------===//

#include "GraphImporterImpl.h"

#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/FXOps.h"

#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::Node;

//===----------------------------------------------------------------------===//
// Arguments and results of a node
//===----------------------------------------------------------------------===//

FailureOr<BoundArguments>
GraphImporter::bindArguments(const Node &node, const ATenSchema &schema) {
  BoundArguments bound{&schema, {}, {}};
  bound.values.resize(schema.arguments.size());
  bound.isGiven.resize(schema.arguments.size());
  for (auto [position, argument] : llvm::enumerate(node.arguments)) {
    std::optional<unsigned> index =
        argument.name.empty() ? std::optional<unsigned>(position)
                              : schema.findArgument(argument.name);
    if (!index || *index >= schema.arguments.size())
      return error(node) << "the operator has no argument '"
                         << (argument.name.empty()
                                 ? llvm::utostr(position)
                                 : std::string(argument.name))
                         << "'";
    bound.values[*index] = argument.value;
    bound.isGiven[*index] = true;
  }
  for (auto [index, argument] : llvm::enumerate(schema.arguments)) {
    if (bound.isGiven[index])
      continue;
    if (std::optional<Argument> value = argument.getDefault())
      bound.values[index] = *value;
    else if (!argument.type.isOptional)
      return error(node) << "the argument '" << argument.name
                         << "' is missing";
  }
  return bound;
}

FailureOr<SmallVector<Type>> GraphImporter::getResultTypes(const Node &node) {
  SmallVector<Type> types;
  auto add = [&](const Argument &argument) -> LogicalResult {
    // An undefined tensor is no result.
    if (argument.is(Argument::Kind::None))
      return success();
    FailureOr<Type> type = getValueType(argument.text);
    if (succeeded(type))
      types.push_back(*type);
    return type;
  };
  for (const Argument &result : node.results) {
    if (result.is(Argument::Kind::List)) {
      for (const Argument &element : result.elements)
        if (failed(add(element)))
          return failure();
    } else if (failed(add(result))) {
      return failure();
    }
  }
  return types;
}

/// The names of a node's results; undefined tensors are left out.
static SmallVector<StringRef> getResultNames(const Node &node) {
  SmallVector<StringRef> names;
  for (const Argument &result : node.results) {
    if (result.is(Argument::Kind::Value))
      names.push_back(result.text);
    for (const Argument &element : result.elements)
      if (element.is(Argument::Kind::Value))
        names.push_back(element.text);
  }
  return names;
}

LogicalResult GraphImporter::defineResults(const Node &node,
                                           ValueRange values) {
  SmallVector<StringRef> resultNames = getResultNames(node);
  if (resultNames.size() > values.size())
    return error(node) << "the node has " << resultNames.size()
                       << " results, the op " << values.size();
  for (auto [name, value] : llvm::zip(resultNames, values))
    define(name, value);
  return success();
}

//===----------------------------------------------------------------------===//
// Native ops
//===----------------------------------------------------------------------===//

/// Arguments without a place in the dialect: where and how the memory lies,
/// which library computes.
static bool isAboutMemory(StringRef name) {
  return llvm::StringSwitch<bool>(name)
      .Cases({"device", "layout", "pin_memory", "memory_format",
              "non_blocking", "copy", "physical_layout", "requires_grad",
              "stride", "implicit", "cudnn_enable", "cudnn_enabled"},
             true)
      .Default(false);
}

static bool isEqual(const Argument &a, const Argument &b) {
  auto isNumber = [](const Argument &x) {
    return x.is(Argument::Kind::Int) || x.is(Argument::Kind::Float) ||
           x.is(Argument::Kind::Bool);
  };
  auto number = [](const Argument &x) {
    return x.is(Argument::Kind::Float) ? x.real : double(x.integer);
  };
  if (isNumber(a) && isNumber(b))
    return number(a) == number(b);
  if (a.kind != b.kind || a.text != b.text ||
      a.elements.size() != b.elements.size())
    return false;
  return llvm::all_of(llvm::zip(a.elements, b.elements), [](auto pair) {
    return isEqual(std::get<0>(pair), std::get<1>(pair));
  });
}

/// Whether an op that knows nothing of the argument does what is asked.
static bool isNeutral(const SchemaArgument &schema, const Argument &value) {
  if (isAboutMemory(schema.name) || value.is(Argument::Kind::None))
    return true;
  if (std::optional<Argument> normal = schema.getDefault())
    return isEqual(*normal, value);
  return value.is(Argument::Kind::Bool) && !value.integer;
}

/// A literal of a binding: `1`, `False`, `floor`.
static Argument parseLiteral(StringRef text) {
  int64_t integer;
  double real;
  if (text == "True" || text == "False")
    return Argument::ofBool(text == "True");
  if (!text.getAsInteger(10, integer))
    return Argument::ofInt(integer);
  if (!text.getAsDouble(real))
    return Argument::ofFloat(real);
  return Argument::ofText(Argument::Kind::String, text);
}

/// A list argument; PyTorch accepts one element for a list of fixed length.
static std::vector<Argument> getElements(const Argument &argument,
                                         const SchemaArgument *schema) {
  std::vector<Argument> elements =
      argument.is(Argument::Kind::List) ? argument.elements
                                        : std::vector<Argument>{argument};
  if (schema && schema->type.isList && elements.size() == 1 &&
      schema->type.listLength > 1)
    elements.resize(schema->type.listLength, elements.front());
  return elements;
}

/// The attribute for an argument, null if it is no such attribute.
static Attribute getAttribute(Builder &builder, StringRef attributeClass,
                              const Argument &argument,
                              const SchemaArgument *schema) {
  using Kind = Argument::Kind;
  bool isInt = argument.is(Kind::Int) || argument.is(Kind::Bool);
  if (attributeClass == "IntegerAttr")
    return isInt ? builder.getI64IntegerAttr(argument.integer) : Attribute();
  if (attributeClass == "BoolAttr")
    return isInt ? builder.getBoolAttr(argument.integer) : Attribute();
  if (attributeClass == "FloatAttr") {
    if (isInt)
      return builder.getF64FloatAttr(argument.integer);
    return argument.is(Kind::Float) ? builder.getF64FloatAttr(argument.real)
                                    : Attribute();
  }
  if (attributeClass == "StringAttr")
    return argument.is(Kind::String) ? builder.getStringAttr(argument.text)
                                     : Attribute();
  if (attributeClass == "TypeAttr") {
    if (!argument.is(Kind::DType))
      return Attribute();
    Type type = getElementType(builder.getContext(), argument.text);
    return type ? TypeAttr::get(type) : Attribute();
  }
  if (attributeClass == "DenseI64ArrayAttr" ||
      attributeClass == "DenseBoolArrayAttr") {
    SmallVector<int64_t> values;
    for (const Argument &element : getElements(argument, schema)) {
      if (!element.is(Kind::Int) && !element.is(Kind::Bool))
        return Attribute();
      values.push_back(element.integer);
    }
    if (attributeClass == "DenseI64ArrayAttr")
      return builder.getDenseI64ArrayAttr(values);
    SmallVector<bool> flags(values.begin(), values.end());
    return builder.getDenseBoolArrayAttr(flags);
  }
  return Attribute();
}

/// What an op's argument gets: from the binding, by the op's name for it.
namespace {
struct Source {
  Argument value;
  const SchemaArgument *schema = nullptr;
};
} // namespace

static const OpArgument *findOpArgument(ArrayRef<OpArgument> arguments,
                                        const Twine &name) {
  std::string text = name.str();
  const OpArgument *it = llvm::find_if(
      arguments, [&](const OpArgument &a) { return a.name == text; });
  return it == arguments.end() ? nullptr : it;
}

/// Matches schema arguments to the op's; false if the op has no place for one.
static bool collectSources(const ATenBinding &binding,
                           const BoundArguments &arguments,
                           llvm::StringMap<Source> &sources) {
  SmallVector<bool> isUsed(arguments.values.size());
  ArrayRef<OpArgument> opArguments = getOpArguments(binding.opName);
  for (const ATenArgument &entry : binding.arguments) {
    std::optional<unsigned> index =
        arguments.schema->findArgument(entry.schemaName);
    if (index)
      isUsed[*index] = true;
    if (!entry.literal.empty()) {
      Argument literal = parseLiteral(entry.literal);
      if (index && !isAboutMemory(entry.schemaName) &&
          !isEqual(arguments.values[*index], literal))
        return false;
      if (findOpArgument(opArguments, entry.opName))
        sources[entry.opName] = {literal, nullptr};
      continue;
    }
    if (!index)
      return false;
    sources[entry.opName] = {arguments.values[*index],
                             &arguments.schema->arguments[*index]};
  }
  for (auto [index, argument] : llvm::enumerate(arguments.schema->arguments))
    if (!isUsed[index] && !isNeutral(argument, arguments.values[index]))
      return false;
  return true;
}

/// Batch norm's ops also return the running statistics wherever they get them,
/// the operator's functional forms do not always.
static void addStatistics(OperationState &state,
                          const llvm::StringMap<Value> &operands) {
  unsigned fixed = llvm::StringSwitch<unsigned>(state.name.getStringRef())
                       .Case(BatchNormOp::getOperationName(), 1)
                       .Case(NativeBatchNormOp::getOperationName(), 3)
                       .Default(0);
  if (fixed == 0 || state.types.size() > fixed)
    return;
  for (StringRef name : {"running_mean", "running_var"})
    if (Value statistics = operands.lookup(name))
      state.addTypes(statistics.getType());
}

/// The statistics of layer norm are in the type that it computes in; PyTorch
/// rounds them to the type of the input on some devices. The caller converts.
static void widenStatistics(OperationState &state) {
  if (state.name.getStringRef() != NativeLayerNormOp::getOperationName() ||
      state.types.size() != 3)
    return;
  for (Type &type : MutableArrayRef(state.types).drop_front())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      type = tensor.clone(getComputeType(tensor.getElementType()));
}

/// Returns null, without an error, if the arguments do not fit the op.
FailureOr<Operation *>
GraphImporter::buildBound(const Node &node, const ATenBinding &binding,
                          const BoundArguments &arguments,
                          SmallVector<Type> types) {
  Operation *unfit = nullptr;
  llvm::StringMap<Source> sources;
  if (!collectSources(binding, arguments, sources))
    return unfit;

  ArrayRef<OpArgument> opArguments = getOpArguments(binding.opName);
  Location loc = getLocation(node);
  OperationState state(loc, binding.opName);
  SmallVector<int32_t> segments;
  llvm::StringMap<Value> operands;
  auto addOperand = [&](const Argument &argument) -> LogicalResult {
    FailureOr<Value> value = getValue(argument, loc);
    if (succeeded(value))
      state.addOperands(*value);
    return value;
  };
  // All checks come before the first constant is made.
  auto isScalarOrValue = [](const Argument &argument) {
    return argument.is(Argument::Kind::Value) ||
           argument.is(Argument::Kind::Int) ||
           argument.is(Argument::Kind::Float) ||
           argument.is(Argument::Kind::Bool);
  };

  for (const OpArgument &opArgument : opArguments) {
    using Kind = OpArgument::Kind;
    auto it = sources.find(opArgument.name);
    const Source *source = it == sources.end() ? nullptr : &it->second;
    bool isAbsent = !source || source->value.is(Argument::Kind::None);
    switch (opArgument.kind) {
    case Kind::Operand:
      if (isAbsent || !isScalarOrValue(source->value))
        return unfit;
      break;
    case Kind::OptionalOperand:
      if (!isAbsent && !isScalarOrValue(source->value))
        return unfit;
      break;
    case Kind::VariadicOperand: {
      if (isAbsent)
        return unfit;
      std::vector<Argument> elements =
          getElements(source->value, source->schema);
      if (findOpArgument(opArguments, "static_" + opArgument.name)) {
        SmallVector<int64_t> sizes;
        for (const Argument &element : elements) {
          if (!element.is(Argument::Kind::Int) &&
              !element.is(Argument::Kind::Value))
            return unfit;
          sizes.push_back(element.is(Argument::Kind::Int)
                              ? element.integer
                              : ShapedType::kDynamic);
        }
        state.addAttribute(("static_" + opArgument.name).str(),
                           builder.getDenseI64ArrayAttr(sizes));
      } else if (findOpArgument(opArguments, "index_dims")) {
        SmallVector<int64_t> dims;
        for (auto [dim, element] : llvm::enumerate(elements)) {
          if (element.is(Argument::Kind::None))
            continue;
          if (!element.is(Argument::Kind::Value))
            return unfit;
          FailureOr<Type> type = getValueType(element.text);
          // A mask stands for as many index tensors as it has dimensions,
          // their length is known only at run time.
          if (failed(type) || getElementTypeOrSelf(*type).isInteger(1))
            return unfit;
          dims.push_back(dim);
        }
        state.addAttribute("index_dims", builder.getDenseI64ArrayAttr(dims));
      } else if (!llvm::all_of(elements, isScalarOrValue)) {
        return unfit;
      }
      break;
    }
    case Kind::Attribute: {
      if (isAbsent) {
        // Without a tensor to take the type from, the result tells it.
        bool isFromResult =
            opArgument.name == "dtype" && types.size() == 1 &&
            (!findOpArgument(opArguments, "self") ||
             binding.opName == ConvertElementTypeOp::getOperationName());
        if (isFromResult)
          state.addAttribute(
              "dtype", TypeAttr::get(getElementTypeOrSelf(types.front())));
        break;
      }
      Attribute attribute =
          getAttribute(builder, opArgument.attributeClass, source->value,
                       source->schema);
      if (!attribute)
        return unfit;
      state.addAttribute(opArgument.name, attribute);
      break;
    }
    }
  }

  for (const OpArgument &opArgument : opArguments) {
    using Kind = OpArgument::Kind;
    if (opArgument.kind == Kind::Attribute)
      continue;
    size_t before = state.operands.size();
    auto it = sources.find(opArgument.name);
    bool isAbsent = it == sources.end() ||
                    it->second.value.is(Argument::Kind::None);
    if (opArgument.kind == Kind::VariadicOperand) {
      bool isMixed = findOpArgument(opArguments, "static_" + opArgument.name);
      for (const Argument &element :
           getElements(it->second.value, it->second.schema)) {
        bool isOperand = isMixed ? element.is(Argument::Kind::Value)
                                 : !element.is(Argument::Kind::None);
        if (isOperand && failed(addOperand(element)))
          return failure();
      }
    } else if (!isAbsent) {
      if (failed(addOperand(it->second.value)))
        return failure();
      operands[opArgument.name] = state.operands.back();
    }
    segments.push_back(state.operands.size() - before);
  }
  if (state.name.hasTrait<OpTrait::AttrSizedOperandSegments>())
    state.addAttribute("operandSegmentSizes",
                       builder.getDenseI32ArrayAttr(segments));
  state.addTypes(types);
  addStatistics(state, operands);
  widenStatistics(state);
  return builder.create(state);
}

//===----------------------------------------------------------------------===//
// fx.call
//===----------------------------------------------------------------------===//

FailureOr<Attribute>
GraphImporter::getTemplate(const Node &node, const Argument &argument,
                           SmallVectorImpl<Value> &inputs) {
  using Kind = Argument::Kind;
  auto tagged = [&](StringRef tag, Attribute value) -> Attribute {
    return builder.getDictionaryAttr(builder.getNamedAttr(tag, value));
  };
  auto text = [&](StringRef tag) {
    return tagged(tag, builder.getStringAttr(argument.text));
  };
  auto list = [&]() -> FailureOr<Attribute> {
    SmallVector<Attribute> elements;
    for (const Argument &element : argument.elements) {
      FailureOr<Attribute> attribute = getTemplate(node, element, inputs);
      if (failed(attribute))
        return failure();
      elements.push_back(*attribute);
    }
    return Attribute(builder.getArrayAttr(elements));
  };
  switch (argument.kind) {
  case Kind::None:
    return Attribute(builder.getUnitAttr());
  case Kind::Value: {
    FailureOr<Value> value = getNamed(argument.text);
    if (failed(value))
      return failure();
    inputs.push_back(*value);
    return tagged("operand", builder.getI64IntegerAttr(inputs.size() - 1));
  }
  case Kind::Int:
    return Attribute(builder.getI64IntegerAttr(argument.integer));
  case Kind::Float:
    return Attribute(builder.getF64FloatAttr(argument.real));
  case Kind::Bool:
    return Attribute(builder.getBoolAttr(argument.integer));
  case Kind::Complex:
    return tagged("complex", builder.getF64ArrayAttr(
                                 {argument.real, argument.imag}));
  case Kind::String:
    return Attribute(builder.getStringAttr(argument.text));
  case Kind::DType: {
    Type type = getElementType(context, argument.text);
    if (!type)
      return error(node) << "the data type '" << argument.text
                         << "' is not supported";
    return Attribute(TypeAttr::get(type));
  }
  case Kind::Device:
    return text("device");
  case Kind::Layout:
    return text("layout");
  case Kind::MemoryFormat:
    return text("memory_format");
  case Kind::Operator:
    return text("operator");
  case Kind::List:
    return list();
  case Kind::Slice: {
    FailureOr<Attribute> bounds = list();
    if (failed(bounds))
      return failure();
    return tagged("slice", *bounds);
  }
  case Kind::Dict: {
    FailureOr<Attribute> values = list();
    if (failed(values))
      return failure();
    SmallVector<NamedAttribute> entries;
    for (auto [key, value] :
         llvm::zip_equal(argument.keys, cast<ArrayAttr>(*values)))
      entries.push_back(builder.getNamedAttr(key, value));
    return tagged("dict", builder.getDictionaryAttr(entries));
  }
  case Kind::CustomObject:
    return error(node) << "the custom object '" << argument.text
                       << "' is not supported";
  case Kind::Graph:
    return error(node) << "the subgraph '" << argument.text
                       << "' is not supported";
  }
  llvm_unreachable("unknown kind of argument");
}

FailureOr<Operation *>
GraphImporter::buildCall(const Node &node, const BoundArguments *arguments,
                         ArrayRef<Type> types) {
  SmallVector<Attribute> positional;
  NamedAttrList keywords;
  SmallVector<Value> inputs;
  auto add = [&](StringRef name, const Argument &argument,
                 bool isKeyword) -> LogicalResult {
    FailureOr<Attribute> attribute = getTemplate(node, argument, inputs);
    if (failed(attribute))
      return failure();
    if (isKeyword)
      keywords.set(name, *attribute);
    else
      positional.push_back(*attribute);
    return success();
  };

  if (!arguments) {
    for (const graph::NodeArgument &argument : node.arguments)
      if (failed(add(argument.name, argument.value,
                     argument.isKeyword && !argument.name.empty())))
        return failure();
  } else {
    // Defaults behind the last given argument are left out, as in the file.
    const ATenSchema &schema = *arguments->schema;
    size_t count = schema.arguments.size();
    size_t lastGiven = 0;
    for (size_t i = 0; i < count; ++i)
      if (arguments->isGiven[i] && !schema.arguments[i].isKeywordOnly)
        lastGiven = i + 1;
    for (size_t i = 0; i < count; ++i) {
      const SchemaArgument &argument = schema.arguments[i];
      bool isWanted = argument.isKeywordOnly ? arguments->isGiven[i]
                                             : i < lastGiven;
      if (isWanted && failed(add(argument.name, arguments->values[i],
                                 argument.isKeywordOnly)))
        return failure();
    }
  }

  // Without a schema nothing is known of effects.
  bool isPure = arguments && !arguments->schema->mutates() &&
                !arguments->schema->isRandom &&
                !arguments->schema->results.empty();
  StringRef target = arguments ? arguments->schema->target : node.target;
  return CallOp::create(
             builder, getLocation(node), types, target, inputs,
             builder.getArrayAttr(positional),
             keywords.empty() ? DictionaryAttr()
                              : keywords.getDictionary(context),
             isPure)
      .getOperation();
}

//===----------------------------------------------------------------------===//
// Any operator with a schema
//===----------------------------------------------------------------------===//

/// Whether the partitioner treats an overload otherwise than the op that stands
/// for it: `aten.index` may be recomputed, `aten._unsafe_index` may not.
static bool differsInRecomputation(StringRef overload, Operation *op) {
  constexpr RematClass decisive =
      RematClass::Recomputable | RematClass::Random |
      RematClass::ComputeIntensive | RematClass::Draws;
  RematClass own = getRematClassesOfPacket(overload.rsplit('.').first);
  return ((own ^ getRematClassesOfPacket(getATenPacket(op))) & decisive) !=
         RematClass::None;
}

FailureOr<Operation *>
GraphImporter::buildNative(const Node &node, const BoundArguments &arguments,
                           SmallVector<Type> types) {
  Operation *op = nullptr;
  auto tryBinding = [&](const BoundArguments &candidate) -> LogicalResult {
    const ATenBinding *binding = lookupATenBinding(candidate.schema->target);
    if (!binding)
      return success();
    FailureOr<Operation *> bound = buildBound(node, *binding, candidate, types);
    if (succeeded(bound))
      op = *bound;
    return bound;
  };
  if (failed(tryBinding(arguments)))
    return failure();
  if (!op)
    if (std::optional<BoundArguments> other = respell(node, arguments, types))
      if (failed(tryBinding(*other)))
        return failure();
  if (op && differsInRecomputation(arguments.schema->target, op))
    op->setAttr(kOverloadAttr,
                builder.getStringAttr(arguments.schema->target));
  return op;
}

FailureOr<SmallVector<Value>>
GraphImporter::buildOperator(const Node &node, const BoundArguments &arguments,
                             SmallVector<Type> types) {
  FailureOr<Operation *> op = buildNative(node, arguments, types);
  if (failed(op))
    return failure();
  if (!*op) {
    FailureOr<SmallVector<Value>> values =
        buildComposite(node, arguments, types);
    if (failed(values) || !values->empty())
      return values;
    op = buildCall(node, &arguments, types);
    if (failed(op))
      return failure();
  }
  // The only result of a tuple or list has a name of its own, too.
  bool isTuple = node.results.size() > 1 ||
                 (!node.results.empty() &&
                  node.results.front().is(Argument::Kind::List));
  if ((*op)->getNumResults() > 1 || isTuple) {
    SmallVector<StringRef> resultNames = getResultNames(node);
    if (!node.resultNames.empty())
      resultNames.assign(node.resultNames.begin(), node.resultNames.end());
    resultNames.resize((*op)->getNumResults());
    (*op)->setAttr(kResultNamesAttr, builder.getStrArrayAttr(resultNames));
  }
  return SmallVector<Value>((*op)->getResults());
}
