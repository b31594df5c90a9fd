//===- Reorder.cpp - The order of autograd's engine [4.7] -----------------===//

#include "fx/Partition/Rules.h"

using namespace mlir;
using namespace mlir::fx;

SmallVector<NodeId>
mlir::fx::mimicAutogradOrder(const JointGraph &graph,
                             ArrayRef<NodeId> nodes) {
  llvm::BitVector pending(graph.size());
  for (NodeId n : nodes)
    pending.set(n);

  // The first node of the backward proper.
  NodeId first = graph.size();
  for (NodeId n = 0; n < graph.size(); ++n)
    if (graph[n].kind == JointNode::Kind::Tangent)
      for (NodeId user : graph[n].users)
        if (pending.test(user) ||
            graph[user].kind == JointNode::Kind::Output)
          first = std::min(first, user);
  if (first == graph.size())
    return SmallVector<NodeId>(nodes);

  SmallVector<NodeId> order, stack, cone;
  auto insertWithCone = [&](NodeId root) {
    cone.clear();
    stack.assign(1, root);
    while (!stack.empty()) {
      NodeId n = stack.pop_back_val();
      if (!pending.test(n))
        continue;
      pending.reset(n);
      cone.push_back(n);
      stack.append(graph[n].inputs.begin(), graph[n].inputs.end());
    }
    llvm::sort(cone);
    order.append(cone);
  };

  // Mutations need not depend on a tangent.
  for (NodeId n : nodes)
    if (n < first && graph[n].mutates)
      insertWithCone(n);
  for (NodeId n : nodes)
    if (n >= first)
      insertWithCone(n);
  // What only the return needs.
  for (NodeId n : nodes)
    if (pending.test(n))
      order.push_back(n);
  return order;
}
