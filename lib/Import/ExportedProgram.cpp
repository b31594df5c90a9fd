//===- ExportedProgram.cpp - Programs of torch.export ---------------------===//
//
// The format is described by torch/_export/serde/schema.py. Unions are objects
// with one key; unknown keys of other objects are ignored, as PyTorch's own
// reader does.
//
//===----------------------------------------------------------------------===//

#include "fx/Import/ExportedProgram.h"

#include "fx/Import/JsonReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"

#include <limits>

using namespace llvm;

namespace mlir::fx {

using graph::Argument;
using graph::Graph;
using graph::InputSpec;
using graph::Node;
using graph::OutputSpec;
using graph::SymInt;
using graph::TensorMeta;
using graph::ValueMeta;

namespace {
/// The schema's major version; the minor one only adds fields.
constexpr int64_t schemaMajor = 8;
/// The schema's ArgumentKind.KEYWORD.
constexpr int64_t keywordKind = 2;

/// Names of the schema's ScalarType, which is not c10's.
StringRef getDTypeName(int64_t number) {
  switch (number) {
  case 1:  return "uint8";
  case 2:  return "int8";
  case 3:  return "int16";
  case 4:  return "int32";
  case 5:  return "int64";
  case 6:  return "float16";
  case 7:  return "float32";
  case 8:  return "float64";
  case 9:  return "complex32";
  case 10: return "complex64";
  case 11: return "complex128";
  case 12: return "bool";
  case 13: return "bfloat16";
  case 28: return "uint16";
  case 29: return "float8_e4m3fn";
  case 30: return "float8_e5m2";
  case 31: return "float8_e4m3fnuz";
  case 32: return "float8_e5m2fnuz";
  case 33: return "float8_e8m0fnu";
  case 34: return "uint32";
  case 35: return "uint64";
  default: return "";
  }
}

StringRef getLayoutName(int64_t number) {
  switch (number) {
  case 1: return "sparse_coo";
  case 2: return "sparse_csr";
  case 3: return "sparse_csc";
  case 4: return "sparse_bsr";
  case 5: return "sparse_bsc";
  case 6: return "_mkldnn";
  case 7: return "strided";
  default: return "";
  }
}

StringRef getMemoryFormatName(int64_t number) {
  switch (number) {
  case 1: return "contiguous_format";
  case 2: return "channels_last";
  case 3: return "channels_last_3d";
  case 4: return "preserve_format";
  default: return "";
  }
}

class ProgramReader {
public:
  ProgramReader(const Pt2Archive &archive, StringRef model)
      : archive(archive), model(model),
        reader((archive.zip().fileName() + " (" + model + ")").str()) {}

  Error read(const ReadProgramOptions &options, ExportedProgram &program);

private:
  void readSignature(const json::Object &signature, Graph &graph);
  InputSpec readInputSpec(const json::Value &value);
  OutputSpec readOutputSpec(const json::Value &value);
  void readGraph(const json::Object &object, Graph &graph);
  Node readNode(const json::Object &object);
  Argument readArgument(const json::Value &value);
  Argument readValueOr(const json::Value &value);
  Argument readFloat(const json::Value &value);
  TensorMeta readTensorMeta(const json::Object &object);
  SymInt readSymInt(const json::Value &value);
  std::string readDevice(const json::Object &object);
  StringRef readEnum(const json::Value &value, StringRef (*name)(int64_t),
                     StringRef what);
  Argument readList(const json::Value &value,
                    function_ref<Argument(const json::Value &)> element);
  std::pair<StringRef, const json::Value *> readUnion(const json::Value &value);
  Error readWeights(StringRef configPath, StringRef folder,
                    ExportedProgram &program);
  Error locate(Weight &weight);

  const Pt2Archive &archive;
  std::string model;
  JsonReader reader;
};

/// The one key of a union and its value. Older files list the other cases too,
/// as nulls.
std::pair<StringRef, const json::Value *>
ProgramReader::readUnion(const json::Value &value) {
  static const json::Value null;
  const json::Object &object = reader.asObject(value);
  std::pair<StringRef, const json::Value *> result("", &null);
  for (const auto &[key, entry] : object) {
    if (object.size() > 1 && entry.kind() == json::Value::Null)
      continue;
    if (!result.first.empty())
      reader.fail("both '" + result.first + "' and '" + StringRef(key) +
                  "' are given where one is expected");
    result = {StringRef(key), &entry};
  }
  if (result.first.empty())
    reader.fail("an empty object where one of several kinds is expected");
  return result;
}

StringRef ProgramReader::readEnum(const json::Value &value,
                                  StringRef (*name)(int64_t), StringRef what) {
  int64_t number = reader.asInt(value);
  StringRef result = name(number);
  if (result.empty())
    reader.fail("unknown " + what + " " + Twine(number));
  return result;
}

/// Non-finite numbers are strings.
Argument ProgramReader::readFloat(const json::Value &value) {
  if (std::optional<double> number = value.getAsNumber())
    return Argument::ofFloat(*number);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  StringRef text = reader.asString(value);
  if (text == "Infinity")
    return Argument::ofFloat(infinity);
  if (text == "-Infinity")
    return Argument::ofFloat(-infinity);
  if (text == "NaN")
    return Argument::ofFloat(std::numeric_limits<double>::quiet_NaN());
  reader.fail("'" + text + "' is not a number");
  return Argument::ofFloat(0);
}

Argument ProgramReader::readList(
    const json::Value &value,
    function_ref<Argument(const json::Value &)> element) {
  std::vector<Argument> elements;
  for (const json::Value &entry : reader.asArray(value))
    elements.push_back(element(entry));
  return Argument::list(std::move(elements));
}

/// The unions inside symbolic and optional arguments: a value's name or a
/// constant.
Argument ProgramReader::readValueOr(const json::Value &value) {
  auto [key, entry] = readUnion(value);
  if (key == "as_name")
    return Argument::value(reader.asString(*entry));
  if (key == "as_tensor")
    return Argument::value(reader.getString(reader.asObject(*entry), "name"));
  if (key == "as_int")
    return Argument::ofInt(reader.asInt(*entry));
  if (key == "as_float")
    return readFloat(*entry);
  if (key == "as_bool")
    return Argument::ofBool(reader.asBool(*entry));
  if (key == "as_none")
    return Argument::none();
  reader.fail("unknown kind of argument '" + key + "'");
  return Argument::none();
}

std::string ProgramReader::readDevice(const json::Object &object) {
  std::string device = reader.getString(object, "type").str();
  if (const json::Value *index = reader.find(object, "index"))
    device += ":" + std::to_string(reader.asInt(*index));
  return device;
}

Argument ProgramReader::readArgument(const json::Value &value) {
  using Kind = Argument::Kind;
  auto [key, entryPointer] = readUnion(value);
  const json::Value &entry = *entryPointer;
  auto ofName = [&](const json::Value &tensor) {
    return Argument::value(reader.getString(reader.asObject(tensor), "name"));
  };
  auto ofInt = [&](const json::Value &v) {
    return Argument::ofInt(reader.asInt(v));
  };
  auto ofFloat = [&](const json::Value &v) { return readFloat(v); };
  auto ofBool = [&](const json::Value &v) {
    return Argument::ofBool(reader.asBool(v));
  };
  auto ofString = [&](const json::Value &v) {
    return Argument::ofText(Kind::String, reader.asString(v));
  };
  auto ofValue = [&](const json::Value &v) { return readValueOr(v); };

  if (key == "as_none")
    return Argument::none();
  if (key == "as_tensor")
    return ofName(entry);
  if (key == "as_tensors")
    return readList(entry, ofName);
  if (key == "as_nested_tensors")
    return readList(entry, [&](const json::Value &inner) {
      return readList(inner, ofName);
    });
  if (key == "as_int")
    return ofInt(entry);
  if (key == "as_ints")
    return readList(entry, ofInt);
  if (key == "as_int_lists")
    return readList(entry, [&](const json::Value &inner) {
      return readList(inner, ofInt);
    });
  if (key == "as_float")
    return ofFloat(entry);
  if (key == "as_floats")
    return readList(entry, ofFloat);
  if (key == "as_float_lists")
    return readList(entry, [&](const json::Value &inner) {
      return readList(inner, ofFloat);
    });
  if (key == "as_bool")
    return ofBool(entry);
  if (key == "as_bools")
    return readList(entry, ofBool);
  if (key == "as_string")
    return ofString(entry);
  if (key == "as_strings")
    return readList(entry, ofString);
  if (key == "as_sym_int" || key == "as_sym_float" || key == "as_sym_bool" ||
      key == "as_optional_tensor")
    return readValueOr(entry);
  if (key == "as_sym_ints" || key == "as_sym_floats" ||
      key == "as_sym_bools" || key == "as_optional_tensors")
    return readList(entry, ofValue);
  if (key == "as_scalar_type")
    return Argument::ofText(Kind::DType,
                            readEnum(entry, getDTypeName, "data type"));
  if (key == "as_layout")
    return Argument::ofText(Kind::Layout,
                            readEnum(entry, getLayoutName, "layout"));
  if (key == "as_memory_format")
    return Argument::ofText(
        Kind::MemoryFormat,
        readEnum(entry, getMemoryFormatName, "memory format"));
  if (key == "as_device")
    return Argument::ofText(Kind::Device, readDevice(reader.asObject(entry)));
  if (key == "as_operator") {
    StringRef target = reader.asString(entry);
    target.consume_front("torch.ops.");
    return Argument::ofText(Kind::Operator, target);
  }
  if (key == "as_custom_obj")
    return Argument::ofText(Kind::CustomObject,
                            reader.getString(reader.asObject(entry), "name"));
  if (key == "as_complex") {
    const json::Object &object = reader.asObject(entry);
    Argument argument = readFloat(reader.get(object, "real"));
    argument.kind = Kind::Complex;
    argument.imag = readFloat(reader.get(object, "imag")).real;
    return argument;
  }
  if (key == "as_string_to_argument") {
    Argument argument;
    argument.kind = Kind::Dict;
    for (const auto &[name, element] : reader.asObject(entry)) {
      argument.keys.push_back(name.str());
      argument.elements.push_back(readArgument(element));
    }
    return argument;
  }
  if (key == "as_graph") {
    const json::Object &object = reader.asObject(entry);
    Argument argument =
        Argument::ofText(Kind::Graph, reader.getString(object, "name"));
    argument.graph = std::make_shared<Graph>();
    readGraph(reader.getObject(object, "graph"), *argument.graph);
    return argument;
  }
  reader.fail("unknown kind of argument '" + key + "'");
  return Argument::none();
}

SymInt ProgramReader::readSymInt(const json::Value &value) {
  SymInt result;
  auto [key, entry] = readUnion(value);
  if (key == "as_int") {
    result.expr.value = reader.asInt(*entry);
    result.hint = result.expr.value;
    return result;
  }
  if (key != "as_expr") {
    reader.fail("unknown kind of size '" + key + "'");
    return result;
  }
  const json::Object &object = reader.asObject(*entry);
  Expected<graph::SymExpr> expr =
      parseSymExpr(reader.getString(object, "expr_str"));
  if (!expr)
    reader.fail(toString(expr.takeError()));
  else
    result.expr = std::move(*expr);
  if (const json::Value *hint = reader.find(object, "hint"))
    if (const json::Value *number = reader.asObject(*hint).get("as_int"))
      result.hint = number->getAsInteger();
  return result;
}

TensorMeta ProgramReader::readTensorMeta(const json::Object &object) {
  TensorMeta meta;
  meta.dtype =
      readEnum(reader.get(object, "dtype"), getDTypeName, "data type").str();
  for (const json::Value &size : reader.getArray(object, "sizes"))
    meta.sizes.push_back(readSymInt(size));
  for (const json::Value &stride : reader.getArray(object, "strides"))
    meta.strides.push_back(readSymInt(stride));
  if (meta.sizes.size() != meta.strides.size())
    reader.fail("a tensor has " + Twine(meta.sizes.size()) + " sizes and " +
                Twine(meta.strides.size()) + " strides");
  if (const json::Value *offset = reader.find(object, "storage_offset"))
    meta.offset = readSymInt(*offset);
  if (const json::Value *grad = reader.find(object, "requires_grad"))
    meta.requiresGrad = reader.asBool(*grad);
  meta.device = readDevice(reader.getObject(object, "device"));
  meta.layout =
      readEnum(reader.get(object, "layout"), getLayoutName, "layout").str();
  return meta;
}

/// The innermost frame of a Python stack trace:
///   File "model.py", line 12, in forward
std::optional<graph::SourceLocation> parseStackTrace(StringRef trace) {
  size_t begin = trace.rfind("File \"");
  if (begin == StringRef::npos)
    return std::nullopt;
  auto [file, rest] = trace.drop_front(begin + 6).split('"');
  graph::SourceLocation location;
  location.file = file.str();
  if (!rest.consume_front(", line ") ||
      rest.consumeInteger(10, location.line))
    return std::nullopt;
  return location;
}

Node ProgramReader::readNode(const json::Object &object) {
  Node node;
  StringRef target = reader.getString(object, "target");
  target.consume_front("torch.ops.");
  node.target = target.str();
  if (const json::Value *name = reader.find(object, "name"))
    node.name = reader.asString(*name).str();
  reader.setContext("node '" + node.name + "' (" + node.target + ")");

  for (const json::Value &output : reader.getArray(object, "outputs"))
    node.results.push_back(readArgument(output));
  // Results that nothing uses have names made for the file.
  auto addName = [&](const Argument &result) {
    if (!result.is(Argument::Kind::Value))
      return;
    bool isUnused = StringRef(result.text).contains("_unused_");
    node.resultNames.push_back(isUnused ? "" : result.text);
  };
  for (const Argument &result : node.results) {
    addName(result);
    for (const Argument &element : result.elements)
      addName(element);
  }
  // Old files do not name nodes.
  if (node.name.empty() && !node.resultNames.empty())
    node.name = node.resultNames.front();
  if (node.results.size() == 1 && node.results[0].is(Argument::Kind::Value))
    node.resultNames.clear();

  for (const json::Value &input : reader.getArray(object, "inputs")) {
    const json::Object &argument = reader.asObject(input);
    Argument value = readArgument(reader.get(argument, "arg"));
    // Reading a subgraph changed the context.
    reader.setContext("node '" + node.name + "' (" + node.target + ")");
    const json::Value *kind = reader.find(argument, "kind");
    node.arguments.push_back({reader.getString(argument, "name").str(),
                              std::move(value),
                              kind && reader.asInt(*kind) == keywordKind});
  }
  if (const json::Value *metadata = reader.find(object, "metadata"))
    if (const json::Value *trace =
            reader.asObject(*metadata).get("stack_trace"))
      node.source = parseStackTrace(reader.asString(*trace));
  return node;
}

void ProgramReader::readGraph(const json::Object &object, Graph &graph) {
  reader.setContext("the graph's values");
  for (const auto &[name, value] : reader.getObject(object, "tensor_values")) {
    reader.setContext("value '" + StringRef(name) + "'");
    graph.values[name].tensor = readTensorMeta(reader.asObject(value));
  }
  auto readKind = [&](StringRef key, ValueMeta::Kind kind) {
    const json::Value *values = reader.find(object, key);
    if (!values)
      return;
    for (const auto &[name, value] : reader.asObject(*values)) {
      reader.setContext("value '" + StringRef(name) + "'");
      ValueMeta &meta = graph.values[name];
      meta.kind = kind;
      if (kind == ValueMeta::Kind::SymInt)
        meta.symInt = readSymInt(value);
    }
  };
  readKind("sym_int_values", ValueMeta::Kind::SymInt);
  readKind("sym_float_values", ValueMeta::Kind::SymFloat);
  readKind("sym_bool_values", ValueMeta::Kind::SymBool);
  readKind("custom_obj_values", ValueMeta::Kind::CustomObject);

  reader.setContext("the graph's inputs");
  for (const json::Value &input : reader.getArray(object, "inputs"))
    graph.inputs.push_back(readArgument(input));
  for (const json::Value &node : reader.getArray(object, "nodes")) {
    graph.nodes.push_back(readNode(reader.asObject(node)));
    if (reader.failed())
      return;
  }
  reader.setContext("the graph's outputs");
  for (const json::Value &output : reader.getArray(object, "outputs"))
    graph.outputs.push_back(readArgument(output));
}

InputSpec ProgramReader::readInputSpec(const json::Value &value) {
  using Role = InputSpec::Role;
  auto [key, entry] = readUnion(value);
  const json::Object &object = reader.asObject(*entry);
  InputSpec spec;
  auto named = [&](Role role, StringRef field) {
    spec.role = role;
    spec.name = reader.getString(object, field).str();
  };
  if (key == "user_input") {
    spec.role = Role::Input;
    Argument argument = readArgument(reader.get(object, "arg"));
    spec.name = argument.text;
  } else if (key == "parameter") {
    named(Role::Parameter, "parameter_name");
  } else if (key == "buffer") {
    named(Role::Buffer, "buffer_name");
    if (const json::Value *persistent = reader.find(object, "persistent"))
      spec.persistent = reader.asBool(*persistent);
  } else if (key == "tensor_constant") {
    named(Role::Constant, "tensor_constant_name");
  } else if (key == "custom_obj") {
    named(Role::CustomObject, "custom_obj_name");
  } else if (key == "constant_input") {
    named(Role::Literal, "name");
  } else if (key == "token") {
    spec.role = Role::Token;
  } else {
    reader.fail("unknown kind of input '" + key + "'");
  }
  return spec;
}

OutputSpec ProgramReader::readOutputSpec(const json::Value &value) {
  using Role = OutputSpec::Role;
  auto [key, entry] = readUnion(value);
  const json::Object &object = reader.asObject(*entry);
  OutputSpec spec;
  auto targeted = [&](Role role, StringRef field) {
    spec.role = role;
    spec.target = reader.getString(object, field).str();
  };
  if (key == "user_output")
    spec.role = Role::Output;
  else if (key == "loss_output")
    spec.role = Role::Loss;
  else if (key == "buffer_mutation")
    targeted(Role::BufferMutation, "buffer_name");
  else if (key == "parameter_mutation")
    targeted(Role::ParameterMutation, "parameter_name");
  else if (key == "user_input_mutation")
    targeted(Role::InputMutation, "user_input_name");
  else if (key == "gradient_to_parameter")
    targeted(Role::Gradient, "parameter_name");
  else if (key == "gradient_to_user_input")
    targeted(Role::Gradient, "user_input_name");
  else if (key == "token")
    spec.role = Role::Token;
  else
    reader.fail("unknown kind of output '" + key + "'");
  return spec;
}

void ProgramReader::readSignature(const json::Object &signature,
                                  Graph &graph) {
  reader.setContext("the signature");
  for (const json::Value &spec : reader.getArray(signature, "input_specs"))
    graph.inputSpecs.push_back(readInputSpec(spec));
  for (const json::Value &spec : reader.getArray(signature, "output_specs"))
    graph.outputSpecs.push_back(readOutputSpec(spec));
  if (graph.inputSpecs.size() != graph.inputs.size() ||
      graph.outputSpecs.size() != graph.outputs.size())
    reader.fail("the graph and its signature have different numbers of inputs "
                "or outputs");
}

/// Finds the weight's bytes and checks that they are enough.
Error ProgramReader::locate(Weight &weight) {
  auto fail = [&](const Twine &message) {
    return archive.error("weight '" + Twine(weight.name) + "' " + message);
  };
  int64_t elementSize = getDTypeSize(weight.meta.dtype);
  if (elementSize == 0)
    return fail("has the unsupported data type " + weight.meta.dtype);
  // The last element that the strides reach, and whether they are row-major.
  int64_t last = weight.meta.offset.expr.value, expected = 1;
  if (!weight.meta.offset.isStatic() || last < 0)
    return fail("has no fixed offset");
  bool isEmpty = false;
  weight.isContiguous = true;
  for (size_t i = weight.meta.sizes.size(); i-- > 0;) {
    const SymInt &size = weight.meta.sizes[i], &stride = weight.meta.strides[i];
    if (!size.isStatic() || !stride.isStatic() || size.expr.value < 0 ||
        stride.expr.value < 0)
      return fail("has no fixed shape");
    if (size.expr.value == 0)
      isEmpty = true;
    if (size.expr.value <= 1)
      continue;
    weight.isContiguous &= stride.expr.value == expected;
    std::optional<int64_t> reach =
        checkedMulAdd(size.expr.value - 1, stride.expr.value, last);
    std::optional<int64_t> next = checkedMul(expected, size.expr.value);
    if (!reach || !next)
      return fail("is too large");
    last = *reach;
    expected = *next;
  }
  Expected<StringRef> bytes = archive.get(weight.path);
  if (!bytes)
    return bytes.takeError();
  // A program of fake tensors is saved with empty storages.
  if (bytes->empty() || isEmpty)
    return Error::success();
  std::optional<int64_t> end = checkedMulAdd(last, elementSize, elementSize);
  if (!end || uint64_t(*end) > bytes->size())
    return fail("needs more bytes than '" + weight.path + "' has");
  weight.storage = *bytes;
  weight.offset = weight.meta.offset.expr.value * elementSize;
  return Error::success();
}

/// Reads the table of weights or of constants, if there is one.
Error ProgramReader::readWeights(StringRef configPath, StringRef folder,
                                 ExportedProgram &program) {
  Expected<std::optional<StringRef>> text = archive.find(configPath);
  if (!text)
    return text.takeError();
  if (!*text)
    return Error::success();
  std::string what = (archive.zip().fileName() + " (" + configPath + ")").str();
  Expected<json::Document> document = parseJson(**text, what);
  if (!document)
    return document.takeError();

  reader.setContext(configPath);
  for (const auto &[name, value] :
       reader.getObject(reader.asObject(document->root()), "config")) {
    reader.setContext("weight '" + StringRef(name) + "'");
    const json::Object &object = reader.asObject(value);
    Weight weight;
    weight.name = StringRef(name).str();
    if (const json::Value *isParameter = reader.find(object, "is_param"))
      weight.isParameter = reader.asBool(*isParameter);
    const json::Value *pickled = reader.find(object, "use_pickle");
    if (pickled && reader.asBool(*pickled)) {
      reader.fail("pickled weights and custom objects are not supported");
      break;
    }
    weight.meta = readTensorMeta(reader.getObject(object, "tensor_meta"));
    weight.path = (folder + reader.getString(object, "path_name")).str();
    if (reader.failed())
      break;
    if (Error error = locate(weight))
      return error;
    program.weights.push_back(std::move(weight));
  }
  return reader.takeError();
}

Error ProgramReader::read(const ReadProgramOptions &options,
                          ExportedProgram &program) {
  Expected<StringRef> text = archive.modelJson(model);
  if (!text)
    return text.takeError();
  std::string what = (archive.zip().fileName() + " (" + model + ".json)").str();
  Expected<json::Document> document = parseJson(*text, what);
  if (!document)
    return document.takeError();
  const json::Object &root = reader.asObject(document->root());

  const json::Object &version = reader.getObject(root, "schema_version");
  int64_t major = reader.asInt(reader.get(version, "major"));
  if (!reader.failed() && major != schemaMajor && !options.allowAnySchema)
    reader.fail("schema version " + Twine(major) + " is not supported, only " +
                Twine(schemaMajor));
  if (reader.failed())
    return reader.takeError();

  if (const json::Value *torch = reader.find(root, "torch_version"))
    program.torchVersion = reader.asString(*torch).str();
  if (const json::Value *verifiers = reader.find(root, "verifiers"))
    for (const json::Value &verifier : reader.asArray(*verifiers))
      program.verifiers.push_back(reader.asString(verifier).str());
  if (const json::Value *ranges = reader.find(root, "range_constraints"))
    for (const auto &[symbol, value] : reader.asObject(*ranges)) {
      const json::Object &bounds = reader.asObject(value);
      RangeConstraint &range = program.ranges[StringRef(symbol).str()];
      if (const json::Value *min = reader.find(bounds, "min_val"))
        range.min = reader.asInt(*min);
      if (const json::Value *max = reader.find(bounds, "max_val"))
        range.max = reader.asInt(*max);
    }

  const json::Object &module = reader.getObject(root, "graph_module");
  readGraph(reader.getObject(module, "graph"), program.graph);
  if (!reader.failed())
    readSignature(reader.getObject(module, "signature"), program.graph);
  if (reader.failed())
    return reader.takeError();

  if (Error error =
          readWeights("data/weights/" + model + "_weights_config.json",
                      "data/weights/", program))
    return error;
  if (Error error =
          readWeights("data/constants/" + model + "_constants_config.json",
                      "data/constants/", program))
    return error;
  sort(program.weights, [](const Weight &a, const Weight &b) {
    return a.name < b.name;
  });
  return Error::success();
}
} // namespace

unsigned getDTypeSize(StringRef dtype) {
  return StringSwitch<unsigned>(dtype)
      .Cases({"uint8", "int8", "bool"}, 1)
      .Cases({"float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
              "float8_e5m2fnuz", "float8_e8m0fnu"},
             1)
      .Cases({"int16", "uint16", "float16", "bfloat16"}, 2)
      .Cases({"int32", "uint32", "float32", "complex32"}, 4)
      .Cases({"int64", "uint64", "float64", "complex64"}, 8)
      .Case("complex128", 16)
      .Default(0);
}

Expected<ExportedProgram>
readExportedProgram(const Pt2Archive &archive,
                    const ReadProgramOptions &options) {
  StringRef model = options.model;
  if (model.empty()) {
    if (archive.modelNames().size() != 1)
      return archive.error("the archive holds several programs (" +
                           join(archive.modelNames(), ", ") +
                           "); choose one");
    model = archive.modelNames().front();
  } else if (!is_contained(archive.modelNames(), model)) {
    return archive.error("there is no program '" + model +
                         "'; the archive holds " +
                         join(archive.modelNames(), ", "));
  }
  ExportedProgram program;
  if (Error error = ProgramReader(archive, model).read(options, program))
    return std::move(error);
  return program;
}

} // namespace mlir::fx
