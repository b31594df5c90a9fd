//===- Extract.cpp - The nodes of forward and backward [4.7] --------------===//

#include "fx/Partition/Rules.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::fx;

/// Marks what the `live` nodes need, not looking behind `given` ones.
static void markNeeded(const JointGraph &graph, const llvm::BitVector &given,
                       llvm::BitVector &live) {
  for (NodeId n = graph.size(); n-- > 0;)
    if (live.test(n) && !given.test(n))
      for (NodeId input : graph[n].inputs)
        live.set(input);
}

/// The live nodes that are not given, in graph order.
static SmallVector<NodeId> collect(const llvm::BitVector &live,
                                   const llvm::BitVector &given) {
  SmallVector<NodeId> nodes;
  for (NodeId n : live.set_bits())
    if (!given.test(n))
      nodes.push_back(n);
  return nodes;
}

/// Moves each element right behind its tuple (raise_getitems) [4.1.9].
static SmallVector<NodeId> raiseElements(const JointGraph &graph,
                                         ArrayRef<NodeId> nodes) {
  llvm::DenseMap<NodeId, SmallVector<NodeId, 4>> elements;
  for (NodeId n : nodes)
    if (graph[n].kind == JointNode::Kind::Element)
      elements[graph[n].inputs.front()].push_back(n);
  SmallVector<NodeId> order;
  for (NodeId n : nodes) {
    if (graph[n].kind == JointNode::Kind::Element)
      continue;
    order.push_back(n);
    if (auto it = elements.find(n); it != elements.end())
      order.append(it->second);
  }
  return order;
}

Extraction mlir::fx::extract(const JointGraph &graph, const NodeInfo &info,
                             ArrayRef<NodeId> cutNodes) {
  Extraction result;
  llvm::BitVector inputs(graph.size()), given(graph.size()),
      live(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n) {
    if (graph[n].isInput())
      inputs.set(n);
    if (graph[n].kind == JointNode::Kind::Tangent)
      given.set(n);
    // Mutations stay in the part that they depend on [4.2].
    if (graph[n].mutates && info.tangentsClosure.test(n))
      live.set(n);
  }
  for (NodeId n : cutNodes)
    given.set(n);
  for (NodeId output : graph.backwardOutputs)
    live.set(output);
  markNeeded(graph, given, live);
  for (NodeId n : live.set_bits())
    if (inputs.test(n) && !given.test(n)) {
      result.missing = n;
      return result;
    }
  result.backward = raiseElements(
      graph, mimicAutogradOrder(graph, collect(live, given)));

  // Saved values that the backward does not use are dropped; SymInts are last.
  for (bool symbols : {false, true})
    for (NodeId n : cutNodes)
      if (live.test(n) &&
          symbols == (graph[n].valueKind != JointNode::ValueKind::Tensor))
        result.saved.push_back(n);

  live.reset();
  for (NodeId n = 0; n < graph.size(); ++n)
    if (graph[n].mutates && !info.tangentsClosure.test(n))
      live.set(n);
  for (NodeId output : graph.forwardOutputs)
    live.set(output);
  for (NodeId n : result.saved)
    live.set(n);
  markNeeded(graph, inputs, live);
  result.forward = collect(live, inputs);
  return result;
}
