//===- ReorderForLocality.cpp - Producers just before their users ---------===//

#include "fx/IR/FXOps.h"
#include "fx/PostGrad/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_REORDERFORLOCALITYPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Rule 5.2 on one block.
class LocalityOrder {
public:
  explicit LocalityOrder(Block &block) : block(block) {}

  void run() {
    numberRegions();
    for (Operation *op = &block.back(); op; op = op->getPrevNode())
      pullProducers(op);
  }

private:
  /// Ops of one number have no op with side effects between them.
  void numberRegions() {
    unsigned number = 0;
    for (Operation &op : block) {
      number += hasEffects(&op);
      region[&op] = number;
    }
  }

  static bool hasEffects(Operation *op) {
    return !isa<SeedsOp>(op) && !op->hasTrait<OpTrait::IsTerminator>() &&
           !isMemoryEffectFree(op);
  }

  /// Constants are literals, an op with several results is followed by its
  /// getitems in FX, and the order of random draws is theirs.
  bool canMove(Operation *op) const {
    return op->getNumResults() == 1 && op->getBlock() == &block &&
           !op->hasTrait<OpTrait::ConstantLike>() && !isa<SeedsOp>(op) &&
           !hasEffects(op);
  }

  void pullProducers(Operation *op) {
    for (Value operand : op->getOperands())
      ++visitedUses[operand];
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!producer || !canMove(producer) || region[producer] != region[op])
        continue;
      // Uses in nested regions are never visited here: such a producer stays.
      if (visitedUses[operand] == countUses(operand))
        producer->moveBefore(op);
    }
  }

  /// Counted once, as a value may have very many users.
  unsigned countUses(Value value) {
    auto [it, isNew] = uses.try_emplace(value, 0);
    if (isNew)
      it->second = std::distance(value.use_begin(), value.use_end());
    return it->second;
  }

  Block &block;
  llvm::DenseMap<Operation *, unsigned> region;
  llvm::DenseMap<Value, unsigned> visitedUses, uses;
};

struct ReorderForLocalityPass
    : impl::ReorderForLocalityPassBase<ReorderForLocalityPass> {
  void runOnOperation() override {
    getOperation().walk([](Block *block) {
      if (!block->empty())
        LocalityOrder(*block).run();
    });
  }
};

} // namespace
} // namespace mlir::fx
