//===- GraphImporter.cpp - FX graphs as fx functions ----------------------===//

#include "GraphImporterImpl.h"

#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/FXOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::InputSpec;
using graph::Node;
using graph::OutputSpec;
using graph::ValueMeta;

Type fx::getElementType(MLIRContext *context, StringRef dtype) {
  Builder b(context);
  auto complex = [](Type element) -> Type { return ComplexType::get(element); };
  auto unsignedInt = [&](unsigned width) -> Type {
    return b.getIntegerType(width, /*isSigned=*/false);
  };
  return llvm::StringSwitch<Type>(dtype)
      .Case("float16", b.getF16Type())
      .Case("bfloat16", b.getBF16Type())
      .Case("float32", b.getF32Type())
      .Case("float64", b.getF64Type())
      .Case("int8", b.getI8Type())
      .Case("int16", b.getI16Type())
      .Case("int32", b.getI32Type())
      .Case("int64", b.getI64Type())
      .Case("uint8", unsignedInt(8))
      .Case("uint16", unsignedInt(16))
      .Case("uint32", unsignedInt(32))
      .Case("uint64", unsignedInt(64))
      .Case("bool", b.getI1Type())
      .Case("complex32", complex(b.getF16Type()))
      .Case("complex64", complex(b.getF32Type()))
      .Case("complex128", complex(b.getF64Type()))
      .Case("float8_e4m3fn", Float8E4M3FNType::get(context))
      .Case("float8_e5m2", Float8E5M2Type::get(context))
      .Case("float8_e4m3fnuz", Float8E4M3FNUZType::get(context))
      .Case("float8_e5m2fnuz", Float8E5M2FNUZType::get(context))
      .Case("float8_e8m0fnu", Float8E8M0FNUType::get(context))
      .Default(Type());
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

FailureOr<Type> GraphImporter::getType(const ValueMeta &meta, StringRef name) {
  auto fail = [&](const Twine &what) -> FailureOr<Type> {
    return emitError(NameLoc::get(builder.getStringAttr(name)),
                     "value '" + Twine(name) + "' " + what);
  };
  switch (meta.kind) {
  case ValueMeta::Kind::SymInt:
    return Type(builder.getI64Type());
  case ValueMeta::Kind::SymFloat:
    return Type(builder.getF64Type());
  case ValueMeta::Kind::SymBool:
    return Type(builder.getI1Type());
  case ValueMeta::Kind::CustomObject:
  case ValueMeta::Kind::Token:
    return fail("is a custom object or token, which is not supported");
  case ValueMeta::Kind::Tensor:
    break;
  }
  if (meta.tensor.layout != "strided")
    return fail("has the layout " + meta.tensor.layout +
                ", which is not supported");
  Type element = getElementType(context, meta.tensor.dtype);
  if (!element)
    return fail("has the data type '" + meta.tensor.dtype +
                "', which is not supported");
  SmallVector<int64_t> shape;
  for (const graph::SymInt &size : meta.tensor.sizes) {
    if (size.isStatic() && size.expr.value < 0)
      return fail("has a negative size");
    shape.push_back(size.isStatic() ? size.expr.value : ShapedType::kDynamic);
  }
  return Type(RankedTensorType::get(shape, element));
}

FailureOr<Type> GraphImporter::getValueType(StringRef name) {
  auto it = graph->values.find(name);
  if (it == graph->values.end())
    return emitError(NameLoc::get(builder.getStringAttr(name)), "value '")
           << name << "' has no metadata";
  return getType(it->second, name);
}

void GraphImporter::define(StringRef name, Value value) {
  tensors.push_back({value, static_cast<unsigned>(versions.size()), 0});
  versions.push_back(0);
  names[name] = &tensors.back();
}

FailureOr<Value> GraphImporter::getNamed(StringRef name) {
  auto it = names.find(name);
  if (it == names.end())
    return emitError(NameLoc::get(builder.getStringAttr(name)), "value '")
           << name << "' is used before it is defined";
  return getCurrent(*it->second);
}

FailureOr<Value> GraphImporter::getConstant(const Argument &argument,
                                            Location loc) {
  switch (argument.kind) {
  case Argument::Kind::Int:
    return Value(arith::ConstantOp::create(
        builder, loc, builder.getI64IntegerAttr(argument.integer)));
  case Argument::Kind::Bool:
    return Value(arith::ConstantOp::create(
        builder, loc, builder.getBoolAttr(argument.integer)));
  case Argument::Kind::Float:
    return Value(arith::ConstantOp::create(
        builder, loc, builder.getF64FloatAttr(argument.real)));
  default:
    return failure();
  }
}

FailureOr<Value> GraphImporter::getValue(const Argument &argument,
                                         Location loc) {
  if (argument.is(Argument::Kind::Value))
    return getNamed(argument.text);
  // A literal is no node: its location has no name.
  while (auto named = dyn_cast<NameLoc>(loc))
    loc = named.getChildLoc();
  return getConstant(argument, loc);
}

Location GraphImporter::getLocation(const Node &node) {
  Location source = UnknownLoc::get(context);
  if (node.source)
    source =
        FileLineColLoc::get(context, node.source->file, node.source->line, 0);
  return getNodeLoc(node.name, source);
}

InFlightDiagnostic GraphImporter::error(const Node &node) {
  return emitError(getLocation(node), "node '")
         << node.name << "' (" << node.target << "): ";
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static StringRef getRole(InputSpec::Role role) {
  switch (role) {
  case InputSpec::Role::Parameter:
    return role::parameter;
  case InputSpec::Role::Buffer:
    return role::buffer;
  case InputSpec::Role::Constant:
    return role::constant;
  case InputSpec::Role::Seed:
    return role::seed;
  case InputSpec::Role::Tangent:
    return role::tangent;
  default:
    return role::input;
  }
}

/// Strides of a tensor that is not dense and row-major; none otherwise, or
/// where they are not known.
static std::optional<SmallVector<int64_t>>
getUnusualStrides(const graph::TensorMeta &meta) {
  SmallVector<int64_t> strides;
  int64_t expected = 1;
  bool isUsual = true;
  for (size_t i = meta.sizes.size(); i-- > 0;) {
    if (!meta.sizes[i].isStatic() || !meta.strides[i].isStatic())
      return std::nullopt;
    int64_t size = meta.sizes[i].expr.value;
    isUsual &= size <= 1 || meta.strides[i].expr.value == expected;
    expected *= size;
    strides.insert(strides.begin(), meta.strides[i].expr.value);
  }
  if (isUsual)
    return std::nullopt;
  return strides;
}

LogicalResult GraphImporter::importInputs(func::FuncOp function) {
  // Types and attributes are set at once: each list is an object of the
  // context, and takes memory in its length.
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributeLists;
  Block &entry = function.front();
  for (auto [input, spec] :
       llvm::zip_equal(graph->inputs, graph->inputSpecs)) {
    // What the graph was specialised for is no argument.
    if (spec.role == InputSpec::Role::Literal ||
        !input.is(Argument::Kind::Value))
      continue;
    if (spec.role == InputSpec::Role::Token ||
        spec.role == InputSpec::Role::CustomObject)
      return emitError(function.getLoc(), "input '")
             << input.text << "' is a token or custom object, which is not "
                              "supported";
    FailureOr<Type> type = getValueType(input.text);
    if (failed(type))
      return failure();

    StringRef name = spec.name.empty() ? StringRef(input.text) : spec.name;
    NamedAttrList attributes;
    attributes.set(kNameAttr, builder.getStringAttr(name));
    attributes.set(kRoleAttr, builder.getStringAttr(getRole(spec.role)));
    const ValueMeta &meta = graph->values.find(input.text)->second;
    if (meta.kind == ValueMeta::Kind::Tensor) {
      if (meta.tensor.requiresGrad)
        attributes.set(kRequiresGradAttr, builder.getUnitAttr());
      if (auto strides = getUnusualStrides(meta.tensor))
        attributes.set(kStridesAttr, builder.getDenseI64ArrayAttr(*strides));
    }
    types.push_back(*type);
    attributeLists.push_back(attributes.getDictionary(context));
    define(input.text,
           entry.addArgument(*type,
                             NameLoc::get(builder.getStringAttr(input.text))));
  }
  function.setType(builder.getFunctionType(types, {}));
  function.setAllArgAttrs(attributeLists);
  return success();
}

LogicalResult GraphImporter::importOutputs(func::FuncOp function) {
  Location loc = function.getLoc();
  SmallVector<Value> values;
  SmallVector<DictionaryAttr> attributes;
  auto add = [&](Value value, StringRef role, StringRef name,
                 StringRef mutated) {
    NamedAttrList list;
    list.set(kRoleAttr, builder.getStringAttr(role));
    if (!name.empty())
      list.set(kNameAttr, builder.getStringAttr(name));
    if (!mutated.empty())
      list.set(kMutatesAttr, builder.getStringAttr(mutated));
    values.push_back(value);
    attributes.push_back(list.getDictionary(context));
  };

  // Inputs that in-place operators wrote to.
  unsigned argument = 0;
  for (auto [input, spec] :
       llvm::zip_equal(graph->inputs, graph->inputSpecs)) {
    if (spec.role == InputSpec::Role::Literal ||
        !input.is(Argument::Kind::Value))
      continue;
    FailureOr<Value> current = getNamed(input.text);
    if (failed(current))
      return failure();
    if (*current != function.getArgument(argument))
      add(*current, role::mutation, "", getArgName(function, argument));
    ++argument;
  }
  for (auto [output, spec] :
       llvm::zip_equal(graph->outputs, graph->outputSpecs)) {
    if (output.is(Argument::Kind::None) ||
        spec.role == OutputSpec::Role::Token)
      continue;
    FailureOr<Value> value = getValue(output, loc);
    if (failed(value))
      return emitError(loc, "an output of the graph is neither a tensor nor a "
                            "number");
    switch (spec.role) {
    case OutputSpec::Role::Output:
    case OutputSpec::Role::Token:
      add(*value, role::output, "", "");
      break;
    case OutputSpec::Role::Loss:
      add(*value, role::loss, "", "");
      break;
    case OutputSpec::Role::Gradient:
      add(*value, role::gradient, spec.target, "");
      break;
    case OutputSpec::Role::BufferMutation:
    case OutputSpec::Role::ParameterMutation:
    case OutputSpec::Role::InputMutation:
      add(*value, role::mutation, "", spec.target);
      break;
    }
  }
  func::ReturnOp::create(builder, loc, values);
  function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                           ValueRange(values).getTypes()));
  function.setAllResultAttrs(attributes);
  return success();
}

/// Targets without effect on values: checks of metadata that hold by
/// construction, telemetry, and hints about symbols.
static bool isDropped(StringRef target) {
  return llvm::StringSwitch<bool>(target)
      .Cases({"aten._assert_tensor_metadata.default",
              "torch._C._log_api_usage_once",
              "aten.sym_constrain_range_for_size.default",
              "aten.sym_constrain_range.default"},
             true)
      .Default(false);
}

LogicalResult GraphImporter::importNode(const Node &node) {
  return isAutocast ? importUnderAutocast(node) : importPlainNode(node);
}

LogicalResult GraphImporter::importPlainNode(const Node &node) {
  if (isDropped(node.target))
    return success();
  if (const ATenSchema *schema = ATenSchema::lookup(node.target))
    return importOperator(node, *schema);
  FailureOr<bool> symbolic = importSymbolic(node);
  if (failed(symbolic) || *symbolic)
    return failure(failed(symbolic));

  if (StringRef(node.target).starts_with("higher_order."))
    return importHigherOrder(node);
  FailureOr<SmallVector<Type>> types = getResultTypes(node);
  if (failed(types))
    return failure();
  FailureOr<Operation *> call = buildCall(node, /*arguments=*/nullptr, *types);
  if (failed(call))
    return failure();
  return defineResults(node, (*call)->getResults());
}

/// Marks the ops of a node, from `first` to the end, for the partitioner.
static void tagOps(const Node &node, Operation *first) {
  for (Operation *op = first; op; op = op->getNextNode()) {
    if (op->hasTrait<OpTrait::ConstantLike>())
      continue;
    Builder builder(op->getContext());
    op->setAttr(kRematAttr, builder.getStringAttr(node.remat));
    if (node.rematRegion)
      op->setAttr(kRematRegionAttr,
                  builder.getI64IntegerAttr(*node.rematRegion));
  }
}

FailureOr<func::FuncOp> GraphImporter::run(StringRef name) {
  auto function = func::FuncOp::create(
      builder, NameLoc::get(builder.getStringAttr(name)), name,
      builder.getFunctionType({}, {}));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(function.addEntryBlock());
  if (failed(importInputs(function)))
    return failure();
  Block &block = function.getBody().front();
  for (const Node &node : graph->nodes) {
    Operation *last = block.empty() ? nullptr : &block.back();
    if (failed(importNode(node)))
      return failure();
    if (!node.remat.empty())
      tagOps(node, last ? last->getNextNode() : &block.front());
  }
  if (failed(importOutputs(function)))
    return failure();
  return function;
}

FailureOr<func::FuncOp> fx::importGraph(OpBuilder &builder,
                                        const graph::Graph &graph,
                                        StringRef name) {
  FailureOr<func::FuncOp> function = GraphImporter(builder, graph).run(name);
  return function;
}
