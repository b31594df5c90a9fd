//===- GraphImporterImpl.h - State of one import ----------------*- C++ -*-===//

#ifndef FX_LIB_IMPORT_GRAPHIMPORTERIMPL_H
#define FX_LIB_IMPORT_GRAPHIMPORTERIMPL_H

#include "fx/IR/ATenBinding.h"
#include "fx/Import/ATenSchema.h"
#include "fx/Import/GraphImporter.h"

#include <deque>

namespace mlir::fx {

/// A tensor of the graph: its value, and how to get it again after memory that
/// it shares was written to.
struct Tensor {
  Value value;
  /// Which memory, and the state of it that `value` shows.
  unsigned storage;
  unsigned version;
  /// Of a view: the tensor it is a view of, the node, and which result.
  Tensor *base = nullptr;
  const graph::Node *view = nullptr;
  unsigned resultIndex = 0;
};

/// The arguments of a node in the order of its schema, defaults filled in.
struct BoundArguments {
  const ATenSchema *schema;
  SmallVector<graph::Argument> values;
  SmallVector<bool> isGiven;

  const graph::Argument *find(StringRef name) const {
    std::optional<unsigned> index = schema->findArgument(name);
    return index ? &values[*index] : nullptr;
  }
  void set(StringRef name, graph::Argument value) {
    std::optional<unsigned> index = schema->findArgument(name);
    assert(index && "the schema has this argument");
    values[*index] = std::move(value);
    isGiven[*index] = true;
  }
};

class GraphImporter {
public:
  GraphImporter(OpBuilder &builder, const graph::Graph &graph)
      : builder(builder), context(builder.getContext()), graph(&graph) {}

  FailureOr<func::FuncOp> run(StringRef name);

private:
  // GraphImporter.cpp: the function.
  FailureOr<Type> getType(const graph::ValueMeta &meta, StringRef name);
  FailureOr<Type> getValueType(StringRef name);
  LogicalResult importInputs(func::FuncOp function);
  LogicalResult importOutputs(func::FuncOp function);
  LogicalResult importNode(const graph::Node &node);
  LogicalResult importPlainNode(const graph::Node &node);
  FailureOr<Value> getConstant(const graph::Argument &argument, Location loc);
  /// The value of a Value or literal argument.
  FailureOr<Value> getValue(const graph::Argument &argument, Location loc);
  FailureOr<Value> getNamed(StringRef name);
  void define(StringRef name, Value value);
  Location getLocation(const graph::Node &node);
  InFlightDiagnostic error(const graph::Node &node);

  // NodeBuilder.cpp: from a node to an op.
  FailureOr<BoundArguments> bindArguments(const graph::Node &node,
                                          const ATenSchema &schema);
  FailureOr<SmallVector<Type>> getResultTypes(const graph::Node &node);
  /// The values of an ATen node with the given arguments: of an op of its own,
  /// of a formula, or of a call.
  FailureOr<SmallVector<Value>> buildOperator(const graph::Node &node,
                                              const BoundArguments &arguments,
                                              SmallVector<Type> types);
  /// Creates the op of an ATen node, null if there is none.
  FailureOr<Operation *> buildNative(const graph::Node &node,
                                     const BoundArguments &arguments,
                                     SmallVector<Type> types);
  FailureOr<Operation *> buildBound(const graph::Node &node,
                                    const ATenBinding &binding,
                                    const BoundArguments &arguments,
                                    SmallVector<Type> types);
  FailureOr<Operation *> buildCall(const graph::Node &node,
                                   const BoundArguments *arguments,
                                   ArrayRef<Type> types);
  FailureOr<Attribute> getTemplate(const graph::Node &node,
                                   const graph::Argument &argument,
                                   SmallVectorImpl<Value> &inputs);
  LogicalResult defineResults(const graph::Node &node, ValueRange values);

  // Respelling.cpp: overloads that mean what others mean.
  std::optional<BoundArguments> respell(const graph::Node &node,
                                        const BoundArguments &arguments,
                                        ArrayRef<Type> types);
  FailureOr<bool> importBroadcast(const graph::Node &node,
                                  const BoundArguments &arguments,
                                  ArrayRef<Type> types);

  // Composites.cpp: operators that are formulas of fx ops.
  FailureOr<SmallVector<Value>>
  buildComposite(const graph::Node &node, const BoundArguments &arguments,
                 ArrayRef<Type> types);

  // SymbolicNodes.cpp: arithmetic on sizes.
  /// Whether the target is one; if so, imports it.
  FailureOr<bool> importSymbolic(const graph::Node &node);

  // HigherOrder.cpp: subgraphs.
  LogicalResult importHigherOrder(const graph::Node &node);
  LogicalResult importInline(const graph::Node &node,
                             const graph::Graph &subgraph,
                             ArrayRef<graph::Argument> arguments, bool detach);
  LogicalResult importControlFlow(const graph::Node &node, StringRef name,
                                  ArrayRef<unsigned> subgraphs,
                                  ArrayRef<unsigned> operands);
  LogicalResult importRegion(const graph::Node &node,
                             const graph::Graph &subgraph, Region &region);
  FailureOr<const graph::Graph *> getSubgraph(const graph::Node &node,
                                              unsigned index);
  LogicalResult getOperands(const graph::Node &node, unsigned index,
                            SmallVectorImpl<Value> &operands);

  // Autocast.cpp: parts of a graph under torch.autocast.
  LogicalResult importUnderAutocast(const graph::Node &node);

  // Functionalize.cpp: in-place operators and views.
  LogicalResult importOperator(const graph::Node &node,
                               const ATenSchema &schema);
  LogicalResult importMutation(const graph::Node &node,
                               const BoundArguments &arguments);
  LogicalResult importStatisticsUpdate(const graph::Node &node,
                                       const BoundArguments &arguments,
                                       ValueRange values);
  LogicalResult recordViews(const graph::Node &node,
                            const BoundArguments &arguments);
  FailureOr<Value> getCurrent(Tensor &tensor);
  LogicalResult assign(const graph::Node &node, Tensor &tensor, Value value);
  FailureOr<Value> scatterIntoBase(const graph::Node &writer,
                                   const Tensor &view, Value base,
                                   Value value);
  FailureOr<Value> convertToType(const graph::Node &node, Value value,
                                 Type type);

  OpBuilder &builder;
  MLIRContext *context;
  const graph::Graph *graph;
  /// Whether the nodes are those of a part under torch.autocast.
  bool isAutocast = false;

  /// Names of values. Results of in-place operators share an entry.
  llvm::StringMap<Tensor *> names;
  std::deque<Tensor> tensors;
  /// How often each memory was written to.
  std::vector<unsigned> versions;
  /// Pairs of memories of which it is not known whether they are one.
  struct Ambiguity {
    unsigned first, second;
    const graph::Node *node;
  };
  std::vector<Ambiguity> ambiguities;
};

/// The sizes by which `expand` makes `to` of `from`; none if that takes a size
/// that is not known.
std::optional<graph::Argument> getExpandSizes(RankedTensorType from,
                                              RankedTensorType to);

/// Converts a scalar (i64, f64, i1) to another scalar type.
Value convertScalar(OpBuilder &builder, Location loc, Value value, Type type);

} // namespace mlir::fx

#endif // FX_LIB_IMPORT_GRAPHIMPORTERIMPL_H
