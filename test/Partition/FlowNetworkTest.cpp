//===- FlowNetworkTest.cpp - Checks of the maximum flow and its cut -------===//

#include "fx/Partition/FlowNetwork.h"

#include <algorithm>
#include <cstdio>
#include <random>

using mlir::fx::FlowNetwork;
using Status = FlowNetwork::Status;

static int failures = 0;

static void check(bool condition, const char *what, int line) {
  if (condition)
    return;
  std::fprintf(stderr, "line %d: %s\n", line, what);
  ++failures;
}
#define CHECK(condition) check(condition, #condition, __LINE__)

/// Two equal cuts on a path: the one nearer the sink is taken.
static void tieIsCutNearestTheSink() {
  FlowNetwork network(4);
  network.addEdge(0, 1, 5);
  network.addEdge(1, 2, 7);
  network.addEdge(2, 3, 5);
  auto cut = network.minimumCut(0, 3);
  CHECK(cut.status == Status::Solved && cut.value == 5);
  CHECK(cut.cutEdges == std::vector<uint32_t>{2});
}

/// A free edge is cut exactly when its head reaches the sink.
static void zeroCapacityEdges() {
  FlowNetwork network(6);
  network.addEdge(0, 1, FlowNetwork::infinite);
  network.addEdge(1, 2, 0);
  network.addEdge(2, 5, FlowNetwork::infinite);
  network.addEdge(0, 3, FlowNetwork::infinite);
  network.addEdge(3, 4, 0);
  auto cut = network.minimumCut(0, 5);
  CHECK(cut.status == Status::Solved && cut.value == 0);
  CHECK(cut.cutEdges == std::vector<uint32_t>{1});
  CHECK(!cut.sinkSide[4]);
}

static void unboundedPath() {
  FlowNetwork network(5);
  network.addEdge(0, 1, 3);
  network.addEdge(0, 2, FlowNetwork::infinite);
  network.addEdge(2, 3, FlowNetwork::infinite);
  network.addEdge(3, 4, FlowNetwork::infinite);
  auto cut = network.minimumCut(0, 4);
  CHECK(cut.status == Status::Unbounded);
  CHECK((cut.infinitePath == std::vector<FlowNetwork::Vertex>{0, 2, 3, 4}));
}

static void sumBeyond63Bits() {
  FlowNetwork network(3);
  network.addEdge(0, 1, FlowNetwork::infinite - 1);
  network.addEdge(1, 2, FlowNetwork::infinite - 1);
  CHECK(network.minimumCut(0, 2).status == Status::Overflow);
}

static void noEdges() {
  FlowNetwork network(2);
  auto cut = network.minimumCut(0, 1);
  CHECK(cut.status == Status::Solved && cut.value == 0 && cut.sinkSide[1]);
}

/// Every subset of a small network's vertices is tried: the smallest of the
/// minimum cuts' sink sides must be the answer.
static void bruteForce() {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    uint32_t n = 2 + random() % 7;
    FlowNetwork network(n);
    for (unsigned e = random() % (3 * n); e > 0; --e) {
      uint32_t kind = random() % 6;
      network.addEdge(random() % n, random() % n,
                      kind == 0 ? FlowNetwork::infinite : random() % 8);
    }
    bool bounded = false;
    FlowNetwork::Capacity best = 0;
    uint32_t bestSide = 0;
    // Vertex 0 is the source, n - 1 the sink.
    for (uint32_t side = 0; side < (1u << n); ++side) {
      if ((side & 1) || !(side >> (n - 1) & 1))
        continue;
      FlowNetwork::Capacity value = 0;
      bool infinite = false;
      for (const FlowNetwork::Edge &edge : network.getEdges()) {
        if ((side >> edge.from & 1) || !(side >> edge.to & 1))
          continue;
        infinite |= edge.capacity == FlowNetwork::infinite;
        if (!infinite)
          value += edge.capacity;
      }
      if (infinite || (bounded && value > best))
        continue;
      bestSide = bounded && value == best ? (bestSide & side) : side;
      best = value;
      bounded = true;
    }
    auto cut = network.minimumCut(0, n - 1);
    CHECK(cut.status == (bounded ? Status::Solved : Status::Unbounded));
    if (!bounded || cut.status != Status::Solved)
      continue;
    CHECK(cut.value == best);
    for (uint32_t v = 0; v < n; ++v)
      CHECK(cut.sinkSide[v] == (bestSide >> v & 1));
  }
}

/// 100,000 nodes, two vertices each, with jumps back over any distance.
static void large() {
  std::mt19937 random(7);
  const uint32_t nodes = 100000;
  FlowNetwork network(2 * nodes + 2);
  uint32_t source = 2 * nodes, sink = source + 1;
  for (uint32_t i = 0; i < nodes; ++i) {
    network.addEdge(2 * i, 2 * i + 1, random() % 100000);
    if (i > 0)
      network.addEdge(2 * i - 1, 2 * i, FlowNetwork::infinite);
    if (i > 1 && random() % 2)
      network.addEdge(2 * (random() % i) + 1, 2 * i, FlowNetwork::infinite);
    if (i % 5 == 0)
      network.addEdge(source, 2 * i, FlowNetwork::infinite);
    if (i % 3 == 0)
      network.addEdge(2 * i + 1, sink, FlowNetwork::infinite);
  }
  CHECK(network.minimumCut(source, sink).status == Status::Solved);
}

int main() {
  tieIsCutNearestTheSink();
  zeroCapacityEdges();
  unboundedPath();
  sumBeyond63Bits();
  noEdges();
  bruteForce();
  large();
  return failures != 0;
}
