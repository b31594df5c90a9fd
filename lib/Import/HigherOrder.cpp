//===- HigherOrder.cpp - Operators that take subgraphs --------------------===//
//
// A subgraph of FX is closed: it sees only its arguments. Control flow becomes
// an op with regions; operators that only mark a part of the graph are replaced
// by that part.
//
//===----------------------------------------------------------------------===//

#include "GraphImporterImpl.h"

#include "fx/IR/ControlFlowOps.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::Node;

/// The values of an argument that is a list, or one value.
static ArrayRef<Argument> getList(const Argument &argument) {
  if (argument.is(Argument::Kind::List))
    return argument.elements;
  return argument;
}

static SmallVector<StringRef> getResultNames(const Node &node) {
  SmallVector<StringRef> names;
  for (const Argument &result : node.results)
    for (const Argument &element : getList(result))
      if (element.is(Argument::Kind::Value))
        names.push_back(element.text);
  return names;
}

FailureOr<const graph::Graph *>
GraphImporter::getSubgraph(const Node &node, unsigned index) {
  if (index >= node.arguments.size() || !node.arguments[index].value.graph)
    return error(node) << "argument " << index << " is no subgraph";
  return const_cast<const graph::Graph *>(
      node.arguments[index].value.graph.get());
}

LogicalResult GraphImporter::getOperands(const Node &node, unsigned index,
                                         SmallVectorImpl<Value> &operands) {
  if (index >= node.arguments.size())
    return success();
  for (const Argument &argument : getList(node.arguments[index].value)) {
    FailureOr<Value> value = getValue(argument, getLocation(node));
    if (failed(value))
      return error(node) << "an operand of the subgraph is neither a tensor "
                            "nor a number";
    operands.push_back(*value);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Parts of the graph
//===----------------------------------------------------------------------===//

/// Imports the nodes of a subgraph in place of the node that calls it. With
/// `detach` no gradient flows through its results.
LogicalResult GraphImporter::importInline(const Node &node,
                                          const graph::Graph &subgraph,
                                          ArrayRef<Argument> arguments,
                                          bool detach) {
  if (subgraph.inputs.size() != arguments.size())
    return error(node) << "the subgraph takes " << subgraph.inputs.size()
                       << " arguments, given are " << arguments.size();
  // A subgraph sees only its arguments; a written one is written outside too,
  // since the entries are shared.
  llvm::StringMap<Tensor *> inner;
  for (auto [input, argument] : llvm::zip(subgraph.inputs, arguments)) {
    if (!argument.is(Argument::Kind::Value))
      continue;
    if (failed(getNamed(argument.text)))
      return failure();
    inner[input.text] = names.lookup(argument.text);
  }
  std::swap(names, inner);
  const graph::Graph *outer = std::exchange(graph, &subgraph);
  LogicalResult result = success();
  for (const Node &innerNode : subgraph.nodes)
    if (failed(importNode(innerNode))) {
      result = failure();
      break;
    }
  SmallVector<Tensor *> outputs;
  for (const Argument &output : subgraph.outputs)
    outputs.push_back(names.lookup(output.text));
  std::swap(names, inner);
  graph = outer;
  if (failed(result))
    return failure();

  SmallVector<StringRef> resultNames = getResultNames(node);
  if (resultNames.size() != outputs.size())
    return error(node) << "the subgraph has " << outputs.size()
                       << " results, the node " << resultNames.size();
  for (auto [name, tensor] : llvm::zip(resultNames, outputs)) {
    if (!tensor)
      return error(node) << "the subgraph returns a value that it does not "
                            "define";
    if (!detach || !isa<TensorType>(tensor->value.getType())) {
      names[name] = tensor;
      continue;
    }
    FailureOr<Value> value = getCurrent(*tensor);
    if (failed(value))
      return failure();
    define(name, DetachOp::create(builder, getNodeLoc(name, getLocation(node)),
                                  value->getType(), *value));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

/// Imports a subgraph into a region.
LogicalResult GraphImporter::importRegion(const Node &node,
                                          const graph::Graph &subgraph,
                                          Region &region) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  llvm::StringMap<Tensor *> outerNames;
  std::swap(names, outerNames);
  const graph::Graph *outer = std::exchange(graph, &subgraph);
  auto import = [&]() -> LogicalResult {
    for (const Argument &input : subgraph.inputs) {
      // A constant that the subgraph was specialised for.
      if (!input.is(Argument::Kind::Value))
        return error(node) << "an input of the subgraph is no value";
      FailureOr<Type> type = getValueType(input.text);
      if (failed(type))
        return failure();
      define(input.text,
             block->addArgument(*type,
                                NameLoc::get(builder.getStringAttr(
                                    input.text))));
    }
    for (const Node &innerNode : subgraph.nodes)
      if (failed(importNode(innerNode)))
        return failure();
    for (auto [input, argument] :
         llvm::zip_equal(subgraph.inputs, block->getArguments())) {
      FailureOr<Value> current = getNamed(input.text);
      if (failed(current))
        return failure();
      if (*current != argument)
        return error(node) << "the subgraph writes to its input '"
                           << input.text << "', which is not supported";
    }
    SmallVector<Value> values;
    for (const Argument &output : subgraph.outputs) {
      if (output.is(Argument::Kind::None))
        continue;
      FailureOr<Value> value = getValue(output, getLocation(node));
      if (failed(value))
        return error(node) << "the subgraph returns what is neither a tensor "
                              "nor a number";
      values.push_back(*value);
    }
    YieldOp::create(builder, builder.getUnknownLoc(), values);
    return success();
  };
  LogicalResult result = import();
  std::swap(names, outerNames);
  graph = outer;
  return result;
}

/// Creates a control flow op with the operands and the regions of the
/// subgraphs at the given positions among the node's arguments.
LogicalResult GraphImporter::importControlFlow(const Node &node,
                                               StringRef name,
                                               ArrayRef<unsigned> subgraphs,
                                               ArrayRef<unsigned> operands) {
  OperationState state(getLocation(node), name);
  SmallVector<int32_t> segments;
  for (unsigned index : operands) {
    SmallVector<Value> values;
    if (failed(getOperands(node, index, values)))
      return failure();
    state.addOperands(values);
    segments.push_back(values.size());
  }
  if (state.name.hasTrait<OpTrait::AttrSizedOperandSegments>())
    state.addAttribute("operandSegmentSizes",
                       builder.getDenseI32ArrayAttr(segments));
  FailureOr<SmallVector<Type>> types = getResultTypes(node);
  if (failed(types))
    return failure();
  state.addTypes(*types);
  for (unsigned index : subgraphs) {
    FailureOr<const graph::Graph *> subgraph = getSubgraph(node, index);
    if (failed(subgraph) ||
        failed(importRegion(node, **subgraph, *state.addRegion())))
      return failure();
  }
  SmallVector<StringRef> resultNames = getResultNames(node);
  if (!resultNames.empty())
    state.addAttribute(kResultNamesAttr, builder.getStrArrayAttr(resultNames));
  return defineResults(node, builder.create(state)->getResults());
}

LogicalResult GraphImporter::importHigherOrder(const Node &node) {
  StringRef name = StringRef(node.target).drop_front(strlen("higher_order."));
  if (name == "cond")
    return importControlFlow(node, CondOp::getOperationName(), {1, 2}, {0, 3});
  if (name == "while_loop")
    return importControlFlow(node, WhileOp::getOperationName(), {0, 1},
                             {2, 3});
  if (name == "scan")
    return importControlFlow(node, ScanOp::getOperationName(), {0}, {1, 2, 3});
  if (name == "map_impl")
    return importControlFlow(node, MapOp::getOperationName(), {0}, {1, 2});

  // (…, subgraph, …, arguments…)
  auto importPart = [&](unsigned graphIndex, unsigned first,
                        bool detach) -> LogicalResult {
    FailureOr<const graph::Graph *> subgraph = getSubgraph(node, graphIndex);
    if (failed(subgraph))
      return failure();
    SmallVector<Argument> arguments;
    for (const graph::NodeArgument &argument :
         ArrayRef(node.arguments).drop_front(
             std::min<size_t>(first, node.arguments.size())))
      if (!argument.isKeyword)
        llvm::append_range(arguments, getList(argument.value));
    return importInline(node, **subgraph, arguments, detach);
  };
  if (name == "wrap_with_set_grad_enabled") {
    if (node.arguments.empty() ||
        !node.arguments[0].value.is(Argument::Kind::Bool))
      return error(node) << "whether gradients flow is not known";
    return importPart(1, 2, /*detach=*/!node.arguments[0].value.integer);
  }
  // (device, dtype, enabled, whether casts are cached, subgraph, arguments…)
  if (name == "wrap_with_autocast") {
    if (node.arguments.size() < 5 ||
        !node.arguments[2].value.is(Argument::Kind::Bool))
      return error(node) << "whether autocast is enabled is not known";
    bool enabled = node.arguments[2].value.integer;
    llvm::SaveAndRestore<bool> scope(isAutocast, enabled);
    return importPart(4, 5, /*detach=*/false);
  }
  // (subgraph, identifier, arguments…)
  if (name == "invoke_subgraph")
    return importPart(0, 2, /*detach=*/false);
  // (subgraph, arguments…), and by name what a compiler may choose: the values
  // are those of the subgraph.
  if (name == "invoke_quant" || name == "invoke_quant_packed")
    return importPart(0, 1, /*detach=*/false);
  return error(node) << "this higher-order operator is not supported";
}
