//===- FlowNetwork.cpp - Maximum flow and the cut nearest the sink --------===//
//
// The only file that includes LEMON, whose headers contain `throw`: it is
// compiled with exceptions, and none leaves it.
//
//===----------------------------------------------------------------------===//

#include "fx/Partition/FlowNetwork.h"

#include <algorithm>
#include <lemon/preflow.h>
#include <lemon/smart_graph.h>

using namespace mlir::fx;

namespace {
using Vertex = FlowNetwork::Vertex;
using Capacity = FlowNetwork::Capacity;

constexpr uint32_t none = ~0u;

/// For each vertex the numbers of its edges: outgoing or incoming ones.
class Adjacency {
public:
  Adjacency(uint32_t numVertices, const std::vector<FlowNetwork::Edge> &edges,
            bool incoming)
      : first(numVertices + 1, 0), numbers(edges.size()) {
    for (const FlowNetwork::Edge &edge : edges)
      ++first[(incoming ? edge.to : edge.from) + 1];
    for (uint32_t v = 0; v < numVertices; ++v)
      first[v + 1] += first[v];
    std::vector<uint32_t> next(first.begin(), first.end() - 1);
    for (uint32_t e = 0; e < edges.size(); ++e)
      numbers[next[incoming ? edges[e].to : edges[e].from]++] = e;
  }
  const uint32_t *begin(Vertex v) const { return &numbers[0] + first[v]; }
  const uint32_t *end(Vertex v) const { return &numbers[0] + first[v + 1]; }

private:
  std::vector<uint32_t> first, numbers;
};
} // namespace

/// Visits, breadth first, the vertices that `start` is joined with by infinite
/// edges in one direction; returns for each the edge it was found by.
static std::vector<uint32_t>
followInfinite(const std::vector<FlowNetwork::Edge> &edges,
               const Adjacency &adjacency, uint32_t numVertices, Vertex start,
               bool backwards, std::vector<bool> &seen) {
  std::vector<uint32_t> via(numVertices, none);
  std::vector<Vertex> queue = {start};
  seen.assign(numVertices, false);
  seen[start] = true;
  for (size_t i = 0; i < queue.size(); ++i) {
    Vertex v = queue[i];
    for (const uint32_t *e = adjacency.begin(v); e != adjacency.end(v); ++e) {
      if (edges[*e].capacity != FlowNetwork::infinite)
        continue;
      Vertex next = backwards ? edges[*e].from : edges[*e].to;
      if (seen[next])
        continue;
      seen[next] = true;
      via[next] = *e;
      queue.push_back(next);
    }
  }
  return via;
}

FlowNetwork::MinimumCut FlowNetwork::minimumCut(Vertex source,
                                                Vertex sink) const {
  MinimumCut cut;
  cut.sinkSide.assign(numVertices, false);
  if (edges.empty()) {
    cut.sinkSide[sink] = true;
    return cut;
  }
  Adjacency outgoing(numVertices, edges, /*incoming=*/false);
  Adjacency incoming(numVertices, edges, /*incoming=*/true);

  // What the source reaches by infinite edges is on its side of every cut, and
  // likewise for the sink.
  std::vector<bool> withSource, withSink;
  std::vector<uint32_t> via = followInfinite(
      edges, outgoing, numVertices, source, /*backwards=*/false, withSource);
  followInfinite(edges, incoming, numVertices, sink, /*backwards=*/true,
                 withSink);
  if (withSource[sink]) {
    cut.status = Status::Unbounded;
    for (Vertex v = sink; v != source; v = edges[via[v]].from)
      cut.infinitePath.push_back(v);
    cut.infinitePath.push_back(source);
    std::reverse(cut.infinitePath.begin(), cut.infinitePath.end());
    return cut;
  }

  // The bound stands for infinity: no flow can be larger than it.
  Capacity bound = 1;
  for (const Edge &edge : edges)
    if (edge.capacity != infinite &&
        __builtin_add_overflow(bound, edge.capacity, &bound)) {
      cut.status = Status::Overflow;
      return cut;
    }

  // Contracting both ends leaves no infinite edge at the source, so that the
  // library's excesses stay within `bound`.
  auto representative = [&](Vertex v) {
    return withSource[v] ? source : withSink[v] ? sink : v;
  };
  lemon::SmartDigraph graph;
  graph.reserveNode(numVertices);
  for (uint32_t v = 0; v < numVertices; ++v)
    graph.addNode();
  lemon::SmartDigraph::ArcMap<Capacity> capacities(graph);
  std::vector<int> arcOf(edges.size(), -1);
  for (uint32_t e = 0; e < edges.size(); ++e) {
    Vertex from = representative(edges[e].from);
    Vertex to = representative(edges[e].to);
    if (from == to || from == sink || to == source)
      continue;
    lemon::SmartDigraph::Arc arc =
        graph.addArc(graph.nodeFromId(from), graph.nodeFromId(to));
    capacities[arc] = std::min(edges[e].capacity, bound);
    arcOf[e] = graph.id(arc);
  }
  lemon::Preflow<lemon::SmartDigraph, lemon::SmartDigraph::ArcMap<Capacity>>
      preflow(graph, capacities, graph.nodeFromId(source),
              graph.nodeFromId(sink));
  // The first phase is enough: in a maximum preflow the sink's excess is the
  // flow value, and the vertices that reach the sink in the residual graph are
  // those of a maximum flow.
  preflow.runMinCut();
  cut.value = preflow.flowValue();

  // Walk the residual graph backwards from the sink.
  std::vector<Vertex> queue;
  for (uint32_t v = 0; v < numVertices; ++v)
    if (withSink[v]) {
      cut.sinkSide[v] = true;
      queue.push_back(v);
    }
  auto flowOf = [&](uint32_t e) {
    return preflow.flow(graph.arcFromId(arcOf[e]));
  };
  auto reach = [&](Vertex v) {
    if (cut.sinkSide[v])
      return;
    cut.sinkSide[v] = true;
    queue.push_back(v);
  };
  for (size_t i = 0; i < queue.size(); ++i) {
    Vertex v = queue[i];
    for (const uint32_t *e = incoming.begin(v); e != incoming.end(v); ++e) {
      // Edges that the contraction removed join nothing to the sink side.
      if (arcOf[*e] >= 0 && flowOf(*e) < edges[*e].capacity)
        reach(edges[*e].from);
    }
    for (const uint32_t *e = outgoing.begin(v); e != outgoing.end(v); ++e)
      if (arcOf[*e] >= 0 && flowOf(*e) > 0)
        reach(edges[*e].to);
  }

  // The answer proves itself: no flow exceeds a cut, and these two are equal.
  Capacity total = 0;
  for (uint32_t e = 0; e < edges.size(); ++e) {
    if (cut.sinkSide[edges[e].from] || !cut.sinkSide[edges[e].to])
      continue;
    cut.cutEdges.push_back(e);
    if (edges[e].capacity == infinite)
      cut.status = Status::Inconsistent;
    else
      total += edges[e].capacity;
  }
  if (total != cut.value || cut.sinkSide[source])
    cut.status = Status::Inconsistent;
  return cut;
}
