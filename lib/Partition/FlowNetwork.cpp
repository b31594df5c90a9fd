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
#include <unordered_map>

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
  const uint32_t *begin(Vertex v) const { return numbers.data() + first[v]; }
  const uint32_t *end(Vertex v) const { return numbers.data() + first[v + 1]; }

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

namespace {
/// A connected part of a network between source and sink, with vertices of its
/// own numbers: 0 is the source, 1 the sink.
struct Component {
  std::vector<FlowNetwork::Edge> edges;
  uint32_t numVertices = 2;

  bool operator==(const Component &other) const {
    return numVertices == other.numVertices &&
           edges.size() == other.edges.size() &&
           std::equal(edges.begin(), edges.end(), other.edges.begin(),
                      [](const FlowNetwork::Edge &a,
                         const FlowNetwork::Edge &b) {
                        return a.from == b.from && a.to == b.to &&
                               a.capacity == b.capacity;
                      });
  }
  size_t getHash() const {
    size_t hash = numVertices;
    for (const FlowNetwork::Edge &edge : edges)
      for (uint64_t part :
           {uint64_t(edge.from), uint64_t(edge.to), uint64_t(edge.capacity)})
        hash = (hash ^ part) * 0x9E3779B97F4A7C15ull;
    return hash ^ (hash >> 32);
  }
};

struct ComponentHash {
  size_t operator()(const Component &component) const {
    return component.getHash();
  }
};

/// The flow through a component and the vertices from which the sink can be
/// reached in the residual graph.
struct ComponentCut {
  Capacity value = 0;
  std::vector<bool> sinkSide;
};
} // namespace

static ComponentCut solve(const Component &component) {
  // The bound stands for infinity: no flow can be larger than it.
  Capacity bound = 1;
  bool fromSource = false, toSink = false;
  for (const FlowNetwork::Edge &edge : component.edges) {
    if (edge.capacity != FlowNetwork::infinite)
      bound += edge.capacity;
    fromSource |= edge.from == 0;
    toSink |= edge.to == 1;
  }

  ComponentCut cut;
  std::vector<Capacity> flow(component.edges.size(), 0);
  if (fromSource && toSink) {
    lemon::SmartDigraph graph;
    graph.reserveNode(component.numVertices);
    graph.reserveArc(component.edges.size());
    for (uint32_t v = 0; v < component.numVertices; ++v)
      graph.addNode();
    lemon::SmartDigraph::ArcMap<Capacity> capacities(graph);
    for (const FlowNetwork::Edge &edge : component.edges)
      capacities[graph.addArc(graph.nodeFromId(edge.from),
                              graph.nodeFromId(edge.to))] =
          std::min(edge.capacity, bound);
    lemon::Preflow<lemon::SmartDigraph, lemon::SmartDigraph::ArcMap<Capacity>>
        preflow(graph, capacities, graph.nodeFromId(0), graph.nodeFromId(1));
    // The first phase is enough: in a maximum preflow the sink's excess is the
    // flow value, and the vertices that reach the sink in the residual graph
    // are those of a maximum flow.
    preflow.runMinCut();
    cut.value = preflow.flowValue();
    for (size_t e = 0; e < flow.size(); ++e)
      flow[e] = preflow.flow(graph.arcFromId(static_cast<int>(e)));
  }

  // Walk the residual graph backwards from the sink.
  Adjacency outgoing(component.numVertices, component.edges,
                     /*incoming=*/false);
  Adjacency incoming(component.numVertices, component.edges,
                     /*incoming=*/true);
  cut.sinkSide.assign(component.numVertices, false);
  cut.sinkSide[1] = true;
  std::vector<Vertex> queue = {1};
  auto reach = [&](Vertex v) {
    if (cut.sinkSide[v])
      return;
    cut.sinkSide[v] = true;
    queue.push_back(v);
  };
  for (size_t i = 0; i < queue.size(); ++i) {
    Vertex v = queue[i];
    for (const uint32_t *e = incoming.begin(v); e != incoming.end(v); ++e)
      if (flow[*e] < component.edges[*e].capacity)
        reach(component.edges[*e].from);
    for (const uint32_t *e = outgoing.begin(v); e != outgoing.end(v); ++e)
      if (flow[*e] > 0)
        reach(component.edges[*e].to);
  }
  return cut;
}

namespace {
/// Splits what is between the vertices of the source's and of the sink's side
/// into connected components and solves these, equal ones once: the layers of
/// a deep model are as much work as one.
class ComponentSolver {
public:
  ComponentSolver(const std::vector<FlowNetwork::Edge> &edges,
                  const std::vector<bool> &withSource,
                  const std::vector<bool> &withSink)
      : edges(edges), withSource(withSource), withSink(withSink),
        parent(withSource.size()) {
    for (Vertex v = 0; v < parent.size(); ++v)
      parent[v] = v;
  }

  void run(FlowNetwork::MinimumCut &cut) {
    for (const FlowNetwork::Edge &edge : edges)
      if (isInner(edge.from) && isInner(edge.to) && edge.capacity > 0)
        parent[find(edge.from)] = find(edge.to);
    number();
    std::unordered_map<Component, ComponentCut, ComponentHash> solved;
    std::vector<Component> components(firstVertex.size() - 1);
    for (const FlowNetwork::Edge &edge : edges)
      add(edge, components, cut);
    for (uint32_t c = 0; c < components.size(); ++c) {
      components[c].numVertices = 2 + firstVertex[c + 1] - firstVertex[c];
      auto [it, isNew] = solved.try_emplace(std::move(components[c]));
      if (isNew)
        it->second = solve(it->first);
      cut.value += it->second.value;
      for (uint32_t i = firstVertex[c]; i < firstVertex[c + 1]; ++i)
        cut.sinkSide[vertices[i]] = it->second.sinkSide[local[vertices[i]]];
    }
  }

private:
  bool isInner(Vertex v) const { return !withSource[v] && !withSink[v]; }

  Vertex find(Vertex v) {
    while (parent[v] != v)
      v = parent[v] = parent[parent[v]];
    return v;
  }

  /// Numbers components by their first vertex, and vertices in each from 2 on.
  void number() {
    component.assign(parent.size(), none);
    local.assign(parent.size(), none);
    std::vector<uint32_t> sizes;
    for (Vertex v = 0; v < parent.size(); ++v) {
      if (!isInner(v))
        continue;
      Vertex root = find(v);
      if (component[root] == none) {
        component[root] = static_cast<uint32_t>(sizes.size());
        sizes.push_back(0);
      }
      component[v] = component[root];
      local[v] = 2 + sizes[component[v]]++;
    }
    firstVertex.assign(sizes.size() + 1, 0);
    for (size_t c = 0; c < sizes.size(); ++c)
      firstVertex[c + 1] = firstVertex[c] + sizes[c];
    vertices.resize(firstVertex.back());
    for (Vertex v = 0; v < parent.size(); ++v)
      if (isInner(v))
        vertices[firstVertex[component[v]] + local[v] - 2] = v;
  }

  void add(const FlowNetwork::Edge &edge, std::vector<Component> &components,
           FlowNetwork::MinimumCut &cut) const {
    if (edge.capacity == 0 || withSink[edge.from] || withSource[edge.to])
      return;
    if (withSource[edge.from] && withSink[edge.to]) {
      cut.value += edge.capacity;
      return;
    }
    if ((withSource[edge.from] && withSource[edge.to]) ||
        (withSink[edge.from] && withSink[edge.to]))
      return;
    Vertex inner = isInner(edge.from) ? edge.from : edge.to;
    Vertex from = withSource[edge.from] ? 0 : local[edge.from];
    Vertex to = withSink[edge.to] ? 1 : local[edge.to];
    components[component[inner]].edges.push_back({from, to, edge.capacity});
  }

  const std::vector<FlowNetwork::Edge> &edges;
  const std::vector<bool> &withSource, &withSink;
  std::vector<Vertex> parent;
  /// For each vertex its component and its number in it.
  std::vector<uint32_t> component, local;
  /// The vertices of all components, and where each one's begin.
  std::vector<Vertex> vertices;
  std::vector<uint32_t> firstVertex;
};
} // namespace

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

  Capacity sum = 1;
  for (const Edge &edge : edges)
    if (edge.capacity != infinite &&
        __builtin_add_overflow(sum, edge.capacity, &sum)) {
      cut.status = Status::Overflow;
      return cut;
    }

  for (Vertex v = 0; v < numVertices; ++v)
    cut.sinkSide[v] = withSink[v];
  ComponentSolver(edges, withSource, withSink).run(cut);

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
