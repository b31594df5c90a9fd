//===- PythonCall.cpp - Ops as calls of ATen overloads --------------------===//
//
// Bindings are read in reverse: the first one that fits the op gives the
// overload and the names of its arguments.
//
//===----------------------------------------------------------------------===//

#include "PythonExportImpl.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Literals
//===----------------------------------------------------------------------===//

std::string fx::toPythonString(StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (c == '\n')
      result += "\\n";
    else
      result += c;
  }
  return result + "\"";
}

std::string fx::toPythonFloat(double value) {
  if (std::isnan(value))
    return "float(\"nan\")";
  if (std::isinf(value))
    return value > 0 ? "float(\"inf\")" : "float(\"-inf\")";
  SmallString<32> digits;
  llvm::APFloat(value).toString(digits, /*FormatPrecision=*/17,
                                /*FormatMaxPadding=*/4,
                                /*TruncateZero=*/true);
  StringRef text = digits;
  return text.contains('.') || text.contains('E') ? text.str()
                                                  : text.str() + ".0";
}

std::string fx::toPythonDtype(Type element) {
  if (auto complex = dyn_cast<ComplexType>(element))
    return complex.getElementType().isF64() ? "torch.complex128"
                                            : "torch.complex64";
  if (element.isF16())
    return "torch.float16";
  if (element.isBF16())
    return "torch.bfloat16";
  if (isa<Float8E5M2Type>(element))
    return "torch.float8_e5m2";
  if (isa<Float8E4M3FNType>(element))
    return "torch.float8_e4m3fn";
  if (isa<FloatType>(element))
    return "torch.float" + std::to_string(element.getIntOrFloatBitWidth());
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return "";
  if (integer.getWidth() == 1)
    return "torch.bool";
  return (integer.isUnsigned() ? "torch.uint" : "torch.int") +
         std::to_string(integer.getWidth());
}

template <typename Range>
static std::string toPythonList(const Range &parts) {
  return "[" + llvm::join(parts, ", ") + "]";
}

std::string fx::toPythonLiteral(Attribute attr) {
  SmallVector<std::string> parts;
  if (auto flag = dyn_cast<BoolAttr>(attr))
    return flag.getValue() ? "True" : "False";
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    return std::to_string(integer.getInt());
  if (auto real = dyn_cast<FloatAttr>(attr))
    return toPythonFloat(real.getValueAsDouble());
  if (auto text = dyn_cast<StringAttr>(attr))
    return toPythonString(text.getValue());
  if (auto type = dyn_cast<TypeAttr>(attr))
    return toPythonDtype(type.getValue());
  if (auto list = dyn_cast<DenseI64ArrayAttr>(attr)) {
    for (int64_t element : list.asArrayRef())
      parts.push_back(std::to_string(element));
    return toPythonList(parts);
  }
  if (auto list = dyn_cast<DenseBoolArrayAttr>(attr)) {
    for (bool element : list.asArrayRef())
      parts.push_back(element ? "True" : "False");
    return toPythonList(parts);
  }
  return "";
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

namespace {
/// One operand or attribute of an op, as Python text.
struct Argument {
  std::string text;
  Attribute attr;      ///< Null for operands.
  ValueRange operands; ///< Empty for attributes.
};
/// In the order of the op's definition; absent ones are left out.
using Arguments = llvm::MapVector<StringRef, Argument>;
} // namespace

/// The operands of each argument of an op, in the order of its definition.
static SmallVector<ValueRange> splitOperands(Operation *op,
                                             ArrayRef<OpArgument> arguments) {
  auto segments = op->getAttrOfType<DenseI32ArrayAttr>("operandSegmentSizes");
  // Without segments one argument at most has a variable number of operands.
  unsigned fixed = llvm::count_if(arguments, [](const OpArgument &argument) {
    return argument.kind == OpArgument::Kind::Operand;
  });
  SmallVector<ValueRange> groups;
  unsigned next = 0, segment = 0;
  for (const OpArgument &argument : arguments) {
    if (argument.kind == OpArgument::Kind::Attribute) {
      groups.push_back({});
      continue;
    }
    unsigned count = 1;
    if (segments)
      count = segments[segment++];
    else if (argument.kind != OpArgument::Kind::Operand)
      count = op->getNumOperands() - fixed;
    groups.push_back(op->getOperands().slice(next, count));
    next += count;
  }
  return groups;
}

static std::string listOf(ValueRange values, const PythonNames &names) {
  SmallVector<StringRef> parts;
  for (Value value : values)
    parts.push_back(names.get(value));
  return toPythonList(parts);
}

/// Sizes that mix constants and SymInts.
static std::string mixedList(ArrayRef<int64_t> fixed, ValueRange dynamic,
                             const PythonNames &names) {
  SmallVector<std::string> parts;
  for (int64_t size : fixed) {
    if (!ShapedType::isDynamic(size)) {
      parts.push_back(std::to_string(size));
      continue;
    }
    parts.push_back(names.get(dynamic.front()).str());
    dynamic = dynamic.drop_front();
  }
  return toPythonList(parts);
}

/// Index tensors at their dimensions, None before and between.
static std::string indexList(ArrayRef<int64_t> dims, ValueRange indices,
                             const PythonNames &names) {
  SmallVector<std::string> parts;
  for (auto [dim, index] : llvm::zip_equal(dims, indices)) {
    parts.resize(dim, "None");
    parts.push_back(names.get(index).str());
  }
  return toPythonList(parts);
}

static Arguments getArguments(Operation *op, const PythonNames &names) {
  ArrayRef<OpArgument> definitions =
      getOpArguments(op->getName().getStringRef());
  SmallVector<ValueRange> groups = splitOperands(op, definitions);
  Arguments arguments;
  for (auto [definition, operands] : llvm::zip_equal(definitions, groups)) {
    using Kind = OpArgument::Kind;
    switch (definition.kind) {
    case Kind::Operand:
    case Kind::OptionalOperand:
      if (!operands.empty())
        arguments[definition.name] = {names.get(operands.front()).str(),
                                      Attribute(), operands};
      break;
    case Kind::VariadicOperand:
      arguments[definition.name] = {listOf(operands, names), Attribute(),
                                    operands};
      break;
    case Kind::Attribute:
      if (Attribute attr = op->getAttr(definition.name))
        arguments[definition.name] = {toPythonLiteral(attr), attr, {}};
      break;
    }
  }
  // A list of constant sizes or of dimensions belongs to a list of operands.
  if (auto fixed = op->getAttrOfType<DenseI64ArrayAttr>("static_size")) {
    Argument &argument = arguments["size"];
    argument.text = mixedList(fixed, argument.operands, names);
    arguments.erase("static_size");
  }
  if (auto dims = op->getAttrOfType<DenseI64ArrayAttr>("index_dims")) {
    Argument &argument = arguments["indices"];
    argument.text = indexList(dims, argument.operands, names);
    arguments.erase("index_dims");
  }
  return arguments;
}

//===----------------------------------------------------------------------===//
// Bindings
//===----------------------------------------------------------------------===//

/// Whether the schema wants a Python scalar for an argument that may be one or
/// a tensor in fx.
static bool wantsScalar(StringRef overload, StringRef argument) {
  static const llvm::StringSet<> exact = {
      "aten.clamp.default:min",     "aten.clamp.default:max",
      "aten.clamp_min.default:min", "aten.clamp_max.default:max",
      "aten.lerp.Scalar:weight",    "aten.masked_fill.Scalar:value",
      "aten.pow.Scalar:self",       "aten.pow.Tensor_Scalar:exponent",
      "aten.scatter.value:value",   "aten.where.Scalar:self",
      "aten.where.ScalarSelf:self", "aten.where.ScalarOther:other"};
  if (exact.contains((overload + ":" + argument).str()))
    return true;
  StringRef last = overload.rsplit('.').second;
  return argument == "other" && (last == "Scalar" || last == "Scalar_mode");
}

/// Whether PyTorch makes a tensor of a scalar that stands for one.
static bool wrapsScalars(StringRef overload) {
  static const llvm::StringSet<> overloads = {"aten.add.Tensor",
                                              "aten.sub.Tensor",
                                              "aten.mul.Tensor",
                                              "aten.div.Tensor"};
  return overloads.contains(overload);
}

/// Overloads that take one dimension where the op has a list.
static bool takesOneDim(StringRef overload) {
  static const llvm::StringSet<> overloads = {
      "aten.any.dim", "aten.all.dim", "aten.prod.dim_int", "aten.squeeze.dim"};
  return overloads.contains(overload);
}

/// Whether an argument that an overload does not have may be left out.
static bool isNeutral(StringRef name, const Argument &argument) {
  if (auto list = dyn_cast_or_null<DenseI64ArrayAttr>(argument.attr))
    return name == "dim" && list.empty();
  if (auto flag = dyn_cast_or_null<BoolAttr>(argument.attr))
    return name == "keepdim" && !flag.getValue();
  return false;
}

/// Whether the text of an argument is the literal of a binding.
static bool equalsLiteral(StringRef text, StringRef literal) {
  double a, b;
  if (!text.getAsDouble(a) && !literal.getAsDouble(b))
    return a == b;
  return text == literal || text.trim('"') == literal;
}

/// Whether a scalar operand would stand where the schema has a tensor. Only
/// pointwise ops (and scatter) take either; sizes and bounds are scalars in
/// every schema.
static bool needsWrapping(Operation *op, const ATenBinding &binding,
                          const ATenArgument &argument,
                          const Argument &value) {
  if (value.operands.size() != 1 ||
      isa<RankedTensorType>(value.operands[0].getType()))
    return false;
  static const llvm::StringSet<> either = {"self", "other", "min", "max",
                                           "a",    "b",     "c",   "weight",
                                           "src"};
  bool takesEither =
      either.contains(argument.opName) ||
      (argument.opName == "value" && isa<MaskedFillOp>(op));
  return takesEither && !wrapsScalars(binding.overload) &&
         !wantsScalar(binding.overload, argument.schemaName);
}

/// Whether a binding takes the arguments of an op. If `wrap` is set, scalars
/// are made tensors where the schema has one.
static bool fits(Operation *op, const ATenBinding &binding,
                 const Arguments &arguments, bool wrap) {
  llvm::StringSet<> bound;
  for (const ATenArgument &argument : binding.arguments) {
    bound.insert(argument.opName);
    auto it = arguments.find(argument.opName);
    // Absent arguments are None, but no list of dimensions may be.
    if (it == arguments.end() && argument.opName == "dim" &&
        isa<SqueezeOp>(op))
      return false;
    if (it == arguments.end())
      continue;
    const Argument &value = it->second;
    if (!argument.literal.empty() &&
        !equalsLiteral(value.text, argument.literal))
      return false;
    bool isTensor = value.operands.size() == 1 &&
                    isa<RankedTensorType>(value.operands[0].getType());
    if (isTensor && wantsScalar(binding.overload, argument.schemaName))
      return false;
    if (!wrap && needsWrapping(op, binding, argument, value))
      return false;
    auto dims = dyn_cast_or_null<DenseI64ArrayAttr>(value.attr);
    if (argument.opName == "dim" && takesOneDim(binding.overload) &&
        (!dims || dims.size() != 1))
      return false;
  }
  return llvm::all_of(arguments, [&](const auto &entry) {
    return bound.contains(entry.first) || isNeutral(entry.first, entry.second);
  });
}

/// Text of a value for an argument of an overload.
static std::string adapt(Operation *op, const ATenBinding &binding,
                         StringRef name, const Argument &argument) {
  auto list = dyn_cast_or_null<DenseI64ArrayAttr>(argument.attr);
  if (name == "dim" && list && takesOneDim(binding.overload))
    return std::to_string(list[0]);
  // No dimension means all; some overloads mean none by an empty list.
  auto self = op->getNumOperands() > 0
                  ? dyn_cast<RankedTensorType>(op->getOperand(0).getType())
                  : RankedTensorType();
  if (name == "dim" && list && list.empty() && self && !isa<SqueezeOp>(op)) {
    SmallVector<std::string> dims;
    for (int64_t i = 0; i < self.getRank(); ++i)
      dims.push_back(std::to_string(i));
    return toPythonList(dims);
  }
  // An integral factor must not be a float for integer tensors.
  if (auto real = dyn_cast_or_null<FloatAttr>(argument.attr)) {
    double value = real.getValueAsDouble();
    if ((name == "alpha" || name == "beta" || name == "value") &&
        value == std::trunc(value) && std::abs(value) < 1e15)
      return std::to_string((int64_t)value);
  }
  return argument.text;
}

/// A scalar as a tensor of rank 0 that does not change the result's type.
static std::string wrapScalar(Operation *op, StringRef text) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Type element = type.getElementType();
  for (Value operand : op->getOperands())
    if (auto tensor = dyn_cast<RankedTensorType>(operand.getType()))
      element = tensor.getElementType();
  return "torch.scalar_tensor(" + text.str() +
         ", dtype=" + toPythonDtype(element) + ")";
}

static std::string formatCall(Operation *op, const ATenBinding &binding,
                              const Arguments &arguments) {
  std::string text = "torch.ops." + binding.overload.str() + "(";
  bool isFirst = true;
  for (const ATenArgument &argument : binding.arguments) {
    // Literals belong to the op or are the schema's defaults.
    if (!argument.literal.empty())
      continue;
    auto it = arguments.find(argument.opName);
    if (it == arguments.end()) {
      text += ", " + argument.schemaName.str() + "=None";
      continue;
    }
    std::string value = adapt(op, binding, argument.opName, it->second);
    if (needsWrapping(op, binding, argument, it->second))
      value = wrapScalar(op, value);
    if ((argument.opName == "alpha" || argument.opName == "beta") &&
        value == "1")
      continue;
    if (!isFirst)
      text += ", " + argument.schemaName.str() + "=";
    text += value;
    isFirst = false;
  }
  return text + ")";
}

//===----------------------------------------------------------------------===//
// Ops with a form of their own
//===----------------------------------------------------------------------===//

/// A template of fx.call: literals, lists, references to operands.
static std::string formatTemplate(CallOp op, Attribute entry,
                                  const PythonNames &names) {
  if (isa<UnitAttr>(entry))
    return "None";
  if (auto list = dyn_cast<ArrayAttr>(entry)) {
    SmallVector<std::string> parts;
    for (Attribute element : list)
      parts.push_back(formatTemplate(op, element, names));
    return toPythonList(parts);
  }
  auto reference = dyn_cast<DictionaryAttr>(entry);
  if (!reference)
    return toPythonLiteral(entry);
  if (auto index = reference.getAs<IntegerAttr>("operand"))
    return names.get(op.getInputs()[index.getInt()]).str();
  if (auto device = reference.getAs<StringAttr>("device"))
    return "torch.device(" + toPythonString(device.getValue()) + ")";
  if (auto layout = reference.getAs<StringAttr>("layout"))
    return "torch." + layout.getValue().str();
  if (auto format = reference.getAs<StringAttr>("memory_format"))
    return "torch." + format.getValue().str() +
           (format.getValue().ends_with("_format") ? "" : "_format");
  if (auto number = reference.getAs<StringAttr>("float"))
    return "float(" + toPythonString(number.getValue()) + ")";
  return "";
}

static FailureOr<std::string> formatCallOp(CallOp op,
                                           const PythonNames &names) {
  SmallVector<std::string> parts;
  for (Attribute entry : op.getArguments())
    parts.push_back(formatTemplate(op, entry, names));
  if (DictionaryAttr kwargs = op.getKwargsAttr())
    for (NamedAttribute entry : kwargs)
      parts.push_back(entry.getName().str() + "=" +
                      formatTemplate(op, entry.getValue(), names));
  for (StringRef part : parts)
    if (part.empty() || part.ends_with("="))
      return op.emitOpError("has an argument that Python has no form for");
  return "torch.ops." + op.getTarget().str() + "(" + llvm::join(parts, ", ") +
         ")";
}

/// ATen's prod takes all dimensions or one.
static std::string formatProd(ProdOp op, const PythonNames &names) {
  std::string text = names.get(op.getSelf()).str();
  int64_t rank = cast<RankedTensorType>(op.getSelf().getType()).getRank();
  SmallVector<int64_t> dims = *normalizeDims(std::nullopt, op.getDim(), rank);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  std::string dtype = ", dtype=" + toPythonDtype(type.getElementType());
  if (dims.empty())
    return "torch.ops.aten.prod.default(" + text + dtype + ")";
  for (int64_t dim : llvm::reverse(dims))
    text = "torch.ops.aten.prod.dim_int(" + text + ", " + std::to_string(dim) +
           (op.getKeepdim() ? ", True" : ", False") + dtype + ")";
  return text;
}

/// Only the wanted gradients are results of the op.
static std::string formatConvolutionBackward(ConvolutionBackwardOp op,
                                             const Arguments &arguments) {
  const ATenBinding &binding =
      getATenBindings(op->getName().getStringRef()).front();
  SmallVector<std::string> picks;
  for (auto [i, wanted] : llvm::enumerate(op.getOutputMask()))
    if (wanted)
      picks.push_back(std::to_string(i));
  return "_pick(" + formatCall(op, binding, arguments) + ", " +
         toPythonList(picks) +
         ")";
}

/// The functional form has the saved statistics between its results.
static std::string formatBatchNorm(BatchNormOp op, Arguments arguments) {
  for (StringRef name : {"weight", "bias", "running_mean", "running_var"})
    if (!arguments.contains(name))
      arguments[name].text = "None";
  if (!op.getRunningMean()) {
    std::string text = "torch.ops.aten.batch_norm.default(";
    for (StringRef name : {"input", "weight", "bias", "running_mean",
                           "running_var", "training", "momentum", "eps"})
      text += arguments[name].text + ", ";
    return text + "False)";
  }
  const ATenBinding *functional =
      lookupATenBinding("aten._native_batch_norm_legit_functional.default");
  return "_pick(" + formatCall(op, *functional, arguments) + ", [0, 3, 4])";
}

static std::string formatIota(IotaOp op, const Arguments &arguments) {
  std::string text = formatCall(
      op, getATenBindings(op->getName().getStringRef()).front(), arguments);
  text.pop_back();
  return text + ", device=torch.device(\"cpu\"), requires_grad=False)";
}

/// Where the first binding does not run on every tensor: a view depends on
/// strides, which fx does not have, and the prims conversion has no gradient.
static const ATenBinding *getPreferredBinding(Operation *op) {
  if (isa<ViewOp>(op))
    return lookupATenBinding("aten.reshape.default");
  if (isa<ConvertElementTypeOp>(op))
    return lookupATenBinding("aten._to_copy.default");
  return nullptr;
}

FailureOr<std::string> fx::toPythonCall(Operation *op,
                                        const PythonNames &names) {
  if (auto call = dyn_cast<CallOp>(op))
    return formatCallOp(call, names);
  if (auto prod = dyn_cast<ProdOp>(op))
    return formatProd(prod, names);
  Arguments arguments = getArguments(op, names);
  if (auto backward = dyn_cast<ConvolutionBackwardOp>(op))
    return formatConvolutionBackward(backward, arguments);
  if (auto norm = dyn_cast<BatchNormOp>(op))
    return formatBatchNorm(norm, arguments);
  if (auto iota = dyn_cast<IotaOp>(op))
    return formatIota(iota, arguments);
  if (auto seeds = dyn_cast<SeedsOp>(op))
    return "_seeds(" + std::to_string(seeds.getCount()) + ")";
  if (auto lookup = dyn_cast<LookupSeedOp>(op))
    return names.get(lookup.getSeeds()).str() + "[" +
           std::to_string(lookup.getIndex()) + "]";
  if (auto random = dyn_cast<RandomOp>(op))
    return "_random(" + arguments["size"].text + ", " +
           names.get(random.getSeed()).str() + ", " + arguments["mode"].text +
           ", " + std::to_string(random.getOffset()) + ")";
  if (const ATenBinding *binding = getPreferredBinding(op))
    return formatCall(op, *binding, arguments);
  for (bool wrap : {false, true})
    for (const ATenBinding &binding :
         getATenBindings(op->getName().getStringRef()))
      if (fits(op, binding, arguments, wrap))
        return formatCall(op, binding, arguments);
  return op->emitOpError("fits no ATen overload");
}
