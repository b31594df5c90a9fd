//===- JointGraph.h - The joint graph as the rules see it -----------------===//
//
// Nodes, users, classes and sizes, numbered in graph order: what functorch's
// rules depend on, and no IR. An op is a node; an op with a tuple of results is
// a node and has one more for each result in use (FX's `getitem`). Literals are
// no nodes.
//
//===----------------------------------------------------------------------===//

#ifndef FX_PARTITION_JOINTGRAPH_H
#define FX_PARTITION_JOINTGRAPH_H

#include "fx/Analysis/Rematerialization.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace mlir::fx {

using NodeId = uint32_t;

/// What the program says about saving a node (`fx.remat`) [4.1.3].
enum class RematPolicy : uint8_t { Free, MustSave, MustRecompute };

/// What it would rather have, where a price decides.
enum class RematPreference : uint8_t { None, Save, Recompute };

struct JointNode {
  enum class Kind : uint8_t {
    Primal,
    Seed,
    Tangent,
    /// A constant tensor inside the graph (FX's get_attr).
    Constant,
    Call,
    /// One result of a call with several (FX's getitem).
    Element,
    /// The return of all outputs: the last node.
    Output
  };
  enum class ValueKind : uint8_t { Tensor, SymInt, SymFloat, Tuple, None };

  bool isInput() const { return kind <= Kind::Tangent; }
  bool isView() const { return hasAny(classes, RematClass::View); }

  std::string name;
  Kind kind = Kind::Call;
  ValueKind valueKind = ValueKind::Tensor;
  RematClass classes = RematClass::None;
  RematPolicy policy = RematPolicy::Free;
  RematPreference preference = RematPreference::None;
  /// The number of the checkpointed region (`fx.remat_region`), or -1.
  int64_t region = -1;
  /// Writes to one of its operands: kept though nothing uses it.
  bool mutates = false;
  /// A parameter or buffer: lives as long as the program, free to save [4.5].
  bool isStatic = false;
  /// An input or a view of one: saving it takes no memory of its own.
  bool sharesInputStorage = false;
  int64_t bytes = 0;
  /// The sizes of the direct node operands, repeated ones counted again.
  int64_t operandBytes = 0;
  int64_t flops = 0;
  /// Different nodes, in operand order and in graph order.
  SmallVector<NodeId, 4> inputs;
  SmallVector<NodeId, 4> users;
};

struct JointGraph {
  std::vector<JointNode> nodes;
  /// Outputs of the forward and of the backward that are nodes.
  SmallVector<NodeId> forwardOutputs, backwardOutputs;

  NodeId size() const { return static_cast<NodeId>(nodes.size()); }
  const JointNode &operator[](NodeId n) const { return nodes[n]; }
  /// Whether one loop can compute both ends of an edge [4.3].
  bool isFusible(NodeId producer, NodeId consumer) const {
    return fx::isFusible(nodes[producer].classes, nodes[consumer].classes);
  }
};

} // namespace mlir::fx

#endif // FX_PARTITION_JOINTGRAPH_H
