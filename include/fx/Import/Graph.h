//===- Graph.h - An FX graph as plain data ----------------------*- C++ -*-===//
//
// What the readers of graph files hand to the GraphImporter: nodes, arguments
// and metadata as they stand in the file, before any IR exists.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IMPORT_GRAPH_H
#define FX_IMPORT_GRAPH_H

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir::fx::graph {

struct Graph;

/// A symbolic expression: a leaf (integer, symbol or name of a boolean) or a
/// function applied to operands, in SymPy's names: `Add`, `Mul`, `FloorDiv`…
struct SymExpr {
  enum class Kind { Integer, Symbol, Apply };
  Kind kind = Kind::Integer;
  int64_t value = 0;
  std::string name;
  std::vector<SymExpr> operands;

  bool isInteger() const { return kind == Kind::Integer; }
  /// In infix notation: `2*s77`.
  std::string str() const;
};

/// A size: a constant, or an expression in symbols with an example value.
struct SymInt {
  SymExpr expr;
  std::optional<int64_t> hint;

  bool isStatic() const { return expr.isInteger(); }
};

/// An argument of a node, whatever the file format calls it. Names of data
/// types, layouts and memory formats are PyTorch's: `float32`, `strided`,
/// `contiguous_format`.
struct Argument {
  enum class Kind {
    None,
    Value, ///< `text` names a value of the graph.
    Int,
    Float,
    Bool,
    Complex, ///< `real` and `imag`
    String,
    DType,
    Device,
    Layout,
    MemoryFormat,
    Operator,     ///< `text` is the target, as in `aten.add.Tensor`.
    CustomObject, ///< `text` names the object.
    List,
    Dict, ///< `keys` beside `elements`
    Slice,
    Graph, ///< `text` names the subgraph.
  };

  Kind kind = Kind::None;
  int64_t integer = 0;
  double real = 0;
  double imag = 0;
  std::string text;
  std::vector<Argument> elements;
  std::vector<std::string> keys;
  std::shared_ptr<Graph> graph;

  static Argument none() { return {}; }
  static Argument value(llvm::StringRef name) {
    return ofText(Kind::Value, name);
  }
  static Argument ofInt(int64_t value) {
    Argument argument;
    argument.kind = Kind::Int;
    argument.integer = value;
    return argument;
  }
  static Argument ofBool(bool value) {
    Argument argument = ofInt(value);
    argument.kind = Kind::Bool;
    return argument;
  }
  static Argument ofFloat(double value) {
    Argument argument;
    argument.kind = Kind::Float;
    argument.real = value;
    return argument;
  }
  static Argument ofText(Kind kind, llvm::StringRef text) {
    Argument argument;
    argument.kind = kind;
    argument.text = text.str();
    return argument;
  }
  static Argument list(std::vector<Argument> elements) {
    Argument argument;
    argument.kind = Kind::List;
    argument.elements = std::move(elements);
    return argument;
  }

  bool is(Kind other) const { return kind == other; }
};

/// The type of a tensor, as the file records it.
struct TensorMeta {
  std::string dtype;
  std::vector<SymInt> sizes;
  std::vector<SymInt> strides;
  SymInt offset;
  std::string device;
  std::string layout;
  bool requiresGrad = false;
};

/// The type of a value.
struct ValueMeta {
  enum class Kind { Tensor, SymInt, SymFloat, SymBool, CustomObject, Token };
  Kind kind = Kind::Tensor;
  TensorMeta tensor;
  SymInt symInt;
};

struct NodeArgument {
  /// Empty when the file gives arguments by position only.
  std::string name;
  Argument value;
  bool isKeyword = false;
};

/// Where in the user's program a node comes from.
struct SourceLocation {
  std::string file;
  unsigned line = 0;
};

struct Node {
  std::string name;
  /// Without `torch.ops.`: `aten.add.Tensor`, `higher_order.cond`,
  /// `_operator.mul`.
  std::string target;
  std::vector<NodeArgument> arguments;
  /// A result is a value, a list of values (`Tensor[]`), or none.
  std::vector<Argument> results;
  std::optional<SourceLocation> source;
  /// The FX names by which the results of an operation with several results
  /// are known; empty otherwise.
  std::vector<std::string> resultNames;
  /// What activation checkpointing says about the node (`fx.remat`), and the
  /// number of its region; empty for most.
  std::string remat;
  std::optional<int64_t> rematRegion;
};

/// What an input of the graph is in the program's signature.
struct InputSpec {
  enum class Role {
    Parameter,
    Buffer,
    Constant,
    Input,
    Seed,
    Tangent,
    Token,
    CustomObject,
    /// A Python constant that the graph was specialised for.
    Literal,
  };
  Role role = Role::Input;
  /// Fully qualified name of a parameter, buffer or constant; the value's name
  /// otherwise.
  std::string name;
  bool persistent = true;
};

struct OutputSpec {
  enum class Role {
    Output,
    Loss,
    Gradient,       ///< of the parameter or input `target`
    BufferMutation, ///< new value of the buffer `target`
    ParameterMutation,
    InputMutation,
    Token,
  };
  Role role = Role::Output;
  std::string target;
};

struct Graph {
  std::vector<Argument> inputs;
  std::vector<Argument> outputs;
  std::vector<Node> nodes;
  llvm::StringMap<ValueMeta> values;
  /// Parallel to `inputs` and `outputs`; empty in a subgraph.
  std::vector<InputSpec> inputSpecs;
  std::vector<OutputSpec> outputSpecs;
};

} // namespace mlir::fx::graph

#endif // FX_IMPORT_GRAPH_H
