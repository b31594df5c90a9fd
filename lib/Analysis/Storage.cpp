//===- Storage.cpp - Which tensors share memory in PyTorch ----------------===//

#include "fx/Analysis/Storage.h"
#include "fx/IR/FXOps.h"

using namespace mlir;
using namespace mlir::fx;

bool fx::isViewOp(Operation *op) {
  return isa<AliasOp, DetachOp, ContiguousOp, ViewOp, ExpandOp, PermuteOp,
             TransposeOp, TOp, UnsqueezeOp, SqueezeOp, FlattenOp, SliceOp,
             SelectOp, SplitOp, SplitWithSizesOp, ChunkOp, UnbindOp>(op);
}

StorageAnalysis::StorageAnalysis(Operation *function) {
  function->walk([&](Block *block) {
    arguments.insert(block->args_begin(), block->args_end());
    if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>())
      for (Value result : block->back().getOperands())
        outputs.insert(getStorage(result));
  });
}

Value StorageAnalysis::getStorage(Value tensor) {
  SmallVector<Value> path;
  Value value = tensor;
  while (true) {
    if (Value known = owner.lookup(value)) {
      path.push_back(value);
      value = known;
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (!op || !isViewOp(op))
      break;
    path.push_back(value);
    value = op->getOperand(0);
  }
  for (Value step : path)
    owner[step] = value;
  return value;
}

bool StorageAnalysis::mayReplace(Value value, Value source) {
  Value from = getStorage(value), to = getStorage(source);
  if (from == to || !outputs.contains(from))
    return true;
  return !arguments.contains(to) && !outputs.contains(to);
}

void StorageAnalysis::noteReplaced(Value value, Value source) {
  Value from = getStorage(value), to = getStorage(source);
  if (from == to)
    return;
  if (outputs.contains(from))
    outputs.insert(to);
  owner[from] = to;
}

/// Whether a value or a view of it is returned.
static bool isReturned(Value value) {
  SmallVector<Value> pending{value};
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (user->hasTrait<OpTrait::IsTerminator>())
        return true;
      if (isViewOp(user))
        pending.append(user->result_begin(), user->result_end());
    }
  return false;
}

bool fx::mayReplaceResult(Value value, Value source) {
  auto getOwner = [](Value view) {
    while (Operation *op = view.getDefiningOp()) {
      if (!isViewOp(op))
        break;
      view = op->getOperand(0);
    }
    return view;
  };
  Value from = getOwner(value), to = getOwner(source);
  return from == to || !isReturned(from) ||
         (!isa<BlockArgument>(to) && !isReturned(to));
}
