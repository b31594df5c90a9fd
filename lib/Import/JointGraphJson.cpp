//===- JointGraphJson.cpp - Joint graphs in JSON --------------------------===//
//
// One object for each node: `name`, `op`, `target`, `args`, `kwargs`, `val`.
// An argument is a JSON value, or an object with one key that says what else
// it is: `{"node": "add"}`, `{"dtype": "float32"}`.
//
//===----------------------------------------------------------------------===//

#include "fx/Import/JointGraphJson.h"

#include "fx/Import/JsonReader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"

#include <map>

using namespace llvm;

namespace mlir::fx {

using graph::Argument;
using graph::Graph;
using graph::InputSpec;
using graph::Node;
using graph::OutputSpec;
using graph::ValueMeta;

namespace {
constexpr StringLiteral format = "joint-graph-oracle-1";

class JointGraphReader {
public:
  explicit JointGraphReader(StringRef file) : reader(file) {}
  Error read(const json::Object &document, Graph &graph);

private:
  void readPlaceholder(const json::Object &object, Graph &graph);
  void readCall(const json::Object &object, Graph &graph);
  /// The result that a `getitem` node names: its operand's node and index.
  std::pair<StringRef, size_t> readGetItem(const json::Object &object);
  void readOutputs(const json::Object &document, Graph &graph);
  Argument readArgument(const json::Value &value);
  Argument readTagged(const json::Object &object);
  ValueMeta readMeta(const json::Value &value);
  graph::SymInt readSize(const json::Value &value);
  bool isGetItem(const json::Object &object);

  JsonReader reader;
  StringSet<> primals;
  unsigned numPrimals = 0;
  std::vector<bool> isStatic;
  /// Of the results of a node, the names of the nodes that take them. Two
  /// `getitem` nodes may take the same result.
  StringMap<std::map<size_t, std::string>> items;
  /// Names of further `getitem` nodes for results that have one.
  StringMap<std::string> synonyms;
};

bool JointGraphReader::isGetItem(const json::Object &object) {
  return object.getString("target") == "operator.getitem" ||
         object.getString("target") == "_operator.getitem";
}

Argument JointGraphReader::readTagged(const json::Object &object) {
  using Kind = Argument::Kind;
  if (object.size() != 1) {
    reader.fail("an argument with several keys");
    return Argument::none();
  }
  StringRef key = object.begin()->first;
  const json::Value &value = object.begin()->second;
  if (key == "node") {
    StringRef name = reader.asString(value);
    auto it = synonyms.find(name);
    return Argument::value(it == synonyms.end() ? name
                                                : StringRef(it->second));
  }
  if (key == "float") {
    double number = 0;
    StringRef text = reader.asString(value);
    if (text.getAsDouble(number))
      reader.fail("'" + text + "' is not a number");
    return Argument::ofFloat(number);
  }
  if (key == "dtype" || key == "device" || key == "layout" ||
      key == "memory_format") {
    Kind kind = key == "dtype"    ? Kind::DType
                : key == "device" ? Kind::Device
                : key == "layout" ? Kind::Layout
                                  : Kind::MemoryFormat;
    return Argument::ofText(kind, reader.asString(value));
  }
  if (key == "slice") {
    Argument slice = readArgument(value);
    slice.kind = Kind::Slice;
    return slice;
  }
  if (key == "dict") {
    Argument dict;
    dict.kind = Kind::Dict;
    for (const auto &[name, element] : reader.asObject(value)) {
      dict.keys.push_back(name.str());
      dict.elements.push_back(readArgument(element));
    }
    return dict;
  }
  reader.fail("unknown kind of argument '" + key + "'");
  return Argument::none();
}

Argument JointGraphReader::readArgument(const json::Value &value) {
  switch (value.kind()) {
  case json::Value::Null:
    return Argument::none();
  case json::Value::Boolean:
    return Argument::ofBool(*value.getAsBoolean());
  case json::Value::Number:
    // Type promotion tells 1.0 from 1.
    return value.isInteger() ? Argument::ofInt(reader.asInt(value))
                             : Argument::ofFloat(*value.getAsNumber());
  case json::Value::String:
    return Argument::ofText(Argument::Kind::String, *value.getAsString());
  case json::Value::Array: {
    std::vector<Argument> elements;
    for (const json::Value &element : *value.getAsArray())
      elements.push_back(readArgument(element));
    return Argument::list(std::move(elements));
  }
  case json::Value::Object:
    return readTagged(*value.getAsObject());
  }
  llvm_unreachable("unknown kind of JSON value");
}

graph::SymInt JointGraphReader::readSize(const json::Value &value) {
  graph::SymInt size;
  if (std::optional<int64_t> number = value.getAsInteger()) {
    size.expr.value = *number;
    size.hint = number;
    return size;
  }
  // {"sym": "s0"}
  size.expr.kind = graph::SymExpr::Kind::Symbol;
  size.expr.name = reader.getString(reader.asObject(value), "sym").str();
  return size;
}

ValueMeta JointGraphReader::readMeta(const json::Value &value) {
  ValueMeta meta;
  const json::Object *object = value.getAsObject();
  if (object && object->get("float")) {
    meta.kind = ValueMeta::Kind::SymFloat;
    return meta;
  }
  if (!object || object->get("sym")) {
    // {"sym": "s0 / 2", "type": "float64"}; an integer if there is no type.
    const json::Value *type = object ? object->get("type") : nullptr;
    StringRef typeName = type ? reader.asString(*type) : "";
    if (typeName == "float64")
      meta.kind = ValueMeta::Kind::SymFloat;
    else if (typeName == "bool")
      meta.kind = ValueMeta::Kind::SymBool;
    else if (object || value.getAsInteger())
      meta.kind = ValueMeta::Kind::SymInt;
    else if (value.getAsBoolean())
      meta.kind = ValueMeta::Kind::SymBool;
    else
      reader.fail("'val' is neither a tensor nor a number");
    return meta;
  }
  meta.tensor.dtype = reader.getString(*object, "dtype").str();
  meta.tensor.device = reader.getString(*object, "device").str();
  meta.tensor.layout = "strided";
  for (const json::Value &size : reader.getArray(*object, "shape"))
    meta.tensor.sizes.push_back(readSize(size));
  for (const json::Value &stride : reader.getArray(*object, "stride"))
    meta.tensor.strides.push_back(readSize(stride));
  if (meta.tensor.sizes.size() != meta.tensor.strides.size())
    reader.fail("'shape' and 'stride' have different lengths");
  return meta;
}

void JointGraphReader::readPlaceholder(const json::Object &object,
                                       Graph &graph) {
  StringRef name = reader.getString(object, "name");
  StringRef kind = reader.getString(object, "kind");
  InputSpec spec;
  spec.name = name.str();
  if (kind == "primal") {
    bool isParameter =
        numPrimals < isStatic.size() && isStatic[numPrimals];
    spec.role =
        isParameter ? InputSpec::Role::Parameter : InputSpec::Role::Input;
    primals.insert(name);
    ++numPrimals;
  } else if (kind == "tangent") {
    spec.role = InputSpec::Role::Tangent;
  } else if (kind == "constant") {
    spec.role = InputSpec::Role::Constant;
  } else if (kind == "seed" || kind == "fwd_seed_offset" ||
             kind == "bwd_seed_offset") {
    spec.role = InputSpec::Role::Seed;
  } else if (kind != "other") {
    reader.fail("unknown kind of placeholder '" + kind + "'");
  }
  ValueMeta &meta = graph.values[name];
  meta = readMeta(reader.get(object, "val"));
  // Of a forward graph; in a joint graph the gradients tell.
  if (const json::Value *flag = reader.find(object, "requires_grad"))
    meta.tensor.requiresGrad = reader.asBool(*flag);
  graph.inputs.push_back(Argument::value(name));
  graph.inputSpecs.push_back(std::move(spec));
}

std::pair<StringRef, size_t>
JointGraphReader::readGetItem(const json::Object &object) {
  const json::Array &arguments = reader.getArray(object, "args");
  if (arguments.size() != 2) {
    reader.fail("getitem takes a node and an index");
    return {"", 0};
  }
  int64_t index = reader.asInt(arguments[1]);
  if (index < 0)
    reader.fail("a negative index of a result");
  return {reader.getString(reader.asObject(arguments[0]), "node"), index};
}

void JointGraphReader::readCall(const json::Object &object, Graph &graph) {
  Node node;
  node.name = reader.getString(object, "name").str();
  StringRef target = reader.getString(object, "target");
  target.consume_front("torch.ops.");
  // Python's name of the module with the operators.
  node.target = target.starts_with("operator.") ? ("_" + target).str()
                                                : target.str();
  reader.setContext("node '" + node.name + "' (" + node.target + ")");
  for (const json::Value &argument : reader.getArray(object, "args"))
    node.arguments.push_back({"", readArgument(argument), false});
  if (const json::Value *keywords = reader.find(object, "kwargs"))
    for (const auto &[key, argument] : reader.asObject(*keywords))
      node.arguments.push_back(
          {StringRef(key).str(), readArgument(argument), true});

  if (const json::Value *source = reader.find(object, "source")) {
    auto [file, line] = reader.asString(*source).rsplit(':');
    graph::SourceLocation location{file.str(), 0};
    if (!line.getAsInteger(10, location.line))
      node.source = std::move(location);
  }

  // Of PyTorch's policies the partitioner knows these; another one, for
  // offloading, is left to it.
  if (const json::Value *recompute = reader.find(object, "recompute"))
    node.remat = llvm::StringSwitch<StringRef>(reader.asString(*recompute))
                     .Case("MUST_SAVE", "must_save")
                     .Case("PREFER_SAVE", "prefer_save")
                     .Case("MUST_RECOMPUTE", "must_recompute")
                     .Case("PREFER_RECOMPUTE", "prefer_recompute")
                     .Default("")
                     .str();
  if (const json::Value *region = reader.find(object, "ac_graph_id"))
    node.rematRegion = reader.asInt(*region);

  const json::Value *val = reader.find(object, "val");
  if (!val) {
    graph.nodes.push_back(std::move(node));
    return;
  }
  const json::Array *tuple = val->getAsArray();
  if (!tuple) {
    graph.values[node.name] = readMeta(*val);
    node.results.push_back(Argument::value(node.name));
    graph.nodes.push_back(std::move(node));
    return;
  }
  auto taken = items.find(node.name);
  std::vector<Argument> results;
  for (size_t index = 0; index < tuple->size(); ++index) {
    const json::Value &element = (*tuple)[index];
    if (element.kind() == json::Value::Null) {
      results.push_back(Argument::none());
      continue;
    }
    std::string name;
    if (taken != items.end()) {
      auto it = taken->second.find(index);
      if (it != taken->second.end())
        name = it->second;
    }
    node.resultNames.push_back(name);
    if (name.empty())
      name = node.name + "#" + std::to_string(index);
    graph.values[name] = readMeta(element);
    results.push_back(Argument::value(name));
  }
  node.results.push_back(Argument::list(std::move(results)));
  graph.nodes.push_back(std::move(node));
}

/// The forward's outputs first: new values of the inputs in `mutations`, the
/// loss and others; then one gradient for each primal, null where there is
/// none.
void JointGraphReader::readOutputs(const json::Object &document,
                                   Graph &graph) {
  reader.setContext("the graph's outputs");
  const json::Array &outputs =
      reader.getArray(reader.getObject(document, "joint"), "outputs");
  size_t numForward = reader.asInt(reader.get(document, "num_fwd_outputs"));
  std::vector<StringRef> mutated;
  if (const json::Value *mutations = reader.find(document, "mutations"))
    for (const json::Value &name : reader.asArray(*mutations))
      mutated.push_back(reader.asString(name));
  bool isFirst = true;
  for (size_t index = 0; index < outputs.size(); ++index) {
    Argument output = readArgument(outputs[index]);
    OutputSpec spec;
    if (index < mutated.size()) {
      spec.role = OutputSpec::Role::InputMutation;
      spec.target = mutated[index].str();
    } else if (index >= numForward) {
      spec.role = OutputSpec::Role::Gradient;
      size_t primal = index - numForward;
      if (primal >= graph.inputs.size()) {
        reader.fail("there are more gradients than inputs");
        return;
      }
      spec.target = graph.inputs[primal].text;
      if (!output.is(Argument::Kind::None))
        graph.values[spec.target].tensor.requiresGrad = true;
    } else if (isFirst && output.is(Argument::Kind::Value)) {
      // The traced function returns a scalar loss.
      const ValueMeta &meta = graph.values[output.text];
      if (meta.tensor.sizes.empty() &&
          StringRef(meta.tensor.dtype).contains("float"))
        spec.role = OutputSpec::Role::Loss;
      isFirst = false;
    }
    graph.outputs.push_back(std::move(output));
    graph.outputSpecs.push_back(std::move(spec));
  }
}

Error JointGraphReader::read(const json::Object &document, Graph &graph) {
  StringRef found = reader.getString(document, "format");
  if (!reader.failed() && found != format)
    reader.fail("the format is '" + found + "', only '" + format +
                "' is supported");
  for (const json::Value &value :
       reader.getArray(document, "static_lifetime_input_indices")) {
    int64_t index = reader.asInt(value);
    if (index < 0 || index > 1 << 20) {
      reader.fail("an index of an input is out of range");
      break;
    }
    isStatic.resize(std::max<size_t>(isStatic.size(), index + 1));
    isStatic[index] = true;
  }
  const json::Array &nodes =
      reader.getArray(reader.getObject(document, "joint"), "nodes");
  // Which results have names must be known when their node is read.
  for (const json::Value &value : nodes) {
    const json::Object &object = reader.asObject(value);
    if (!isGetItem(object))
      continue;
    StringRef name = reader.getString(object, "name");
    reader.setContext("node '" + name + "'");
    auto [node, index] = readGetItem(object);
    auto [it, isNew] = items[node].try_emplace(index, name.str());
    if (!isNew)
      synonyms[name] = it->second;
  }
  for (const json::Value &value : nodes) {
    const json::Object &object = reader.asObject(value);
    StringRef name = reader.getString(object, "name");
    StringRef op = reader.getString(object, "op");
    reader.setContext("node '" + name + "'");
    if (op == "placeholder")
      readPlaceholder(object, graph);
    else if (op != "call_function")
      reader.fail("nodes of the kind '" + op + "' are not supported");
    else if (!isGetItem(object))
      readCall(object, graph);
    if (reader.failed())
      break;
  }
  if (!reader.failed())
    readOutputs(document, graph);
  return reader.takeError();
}
} // namespace

Expected<Graph> readJointGraph(StringRef text, StringRef file) {
  Expected<json::Document> document = parseJson(text, file);
  if (!document)
    return document.takeError();
  const json::Object *object = document->root().getAsObject();
  if (!object)
    return createStringError(inconvertibleErrorCode(),
                             file + ": not a JSON object");
  Graph graph;
  if (Error error = JointGraphReader(file).read(*object, graph))
    return std::move(error);
  return graph;
}

} // namespace mlir::fx
