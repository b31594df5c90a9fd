//===- FlowNetwork.h - Maximum flow and the cut nearest the sink ----------===//
//
// A directed network on integers: no IR types, no tensor types. The maximum
// flow itself is a library's (LEMON); this class adds what the partitioner
// needs around it: infinite capacities, detection of an unbounded flow with
// the path that makes it so, and one well-defined cut among the minimum ones.
//
//===----------------------------------------------------------------------===//

#ifndef FX_PARTITION_FLOWNETWORK_H
#define FX_PARTITION_FLOWNETWORK_H

#include <cstdint>
#include <limits>
#include <vector>

namespace mlir::fx {

/// A directed network with non-negative 64-bit capacities.
class FlowNetwork {
public:
  using Vertex = uint32_t;
  using Capacity = int64_t;

  /// The capacity of an edge that no cut may contain.
  static constexpr Capacity infinite = std::numeric_limits<Capacity>::max();

  struct Edge {
    Vertex from, to;
    Capacity capacity;
  };

  enum class Status {
    /// `value`, `sinkSide` and `cutEdges` hold the answer, and it was checked.
    Solved,
    /// A path of infinite edges joins source and sink: `infinitePath`.
    Unbounded,
    /// The finite capacities sum to more than 63 bits hold.
    Overflow,
    /// The library's flow and the cut found in it have different values.
    Inconsistent
  };

  struct MinimumCut {
    Status status = Status::Solved;
    Capacity value = 0;
    /// The vertices that reach the sink in the residual graph of a maximum
    /// flow. Every minimum cut's sink side contains them, so that this cut, the
    /// one nearest the sink, does not depend on the algorithm.
    std::vector<bool> sinkSide;
    /// Indices of the edges that lead into the sink side, ascending.
    std::vector<uint32_t> cutEdges;
    /// If unbounded: the vertices of a shortest infinite path.
    std::vector<Vertex> infinitePath;
  };

  explicit FlowNetwork(uint32_t numVertices = 0) : numVertices(numVertices) {}

  Vertex addVertex() { return numVertices++; }
  uint32_t addEdge(Vertex from, Vertex to, Capacity capacity) {
    edges.push_back({from, to, capacity});
    return static_cast<uint32_t>(edges.size() - 1);
  }

  void setCapacity(uint32_t edge, Capacity capacity) {
    edges[edge].capacity = capacity;
  }

  uint32_t getNumVertices() const { return numVertices; }
  const std::vector<Edge> &getEdges() const { return edges; }

  /// Finds the minimum cut nearest the sink between two different vertices.
  MinimumCut minimumCut(Vertex source, Vertex sink) const;

private:
  uint32_t numVertices;
  std::vector<Edge> edges;
};

} // namespace mlir::fx

#endif // FX_PARTITION_FLOWNETWORK_H
