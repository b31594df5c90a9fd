//===- FuseSeeds.cpp - One fx.seeds for all -------------------------------===//

#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"
#include "mlir/IR/Builders.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FUSESEEDSPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// n x seeds -> one with the sum of their counts   [rule 3.10]
///
/// Seeds in the body of a loop are drawn anew in each iteration, so only those
/// of one block are fused.
void fuseSeeds(Block &block) {
  SmallVector<SeedsOp> all;
  int64_t count = 0;
  for (SeedsOp seeds : block.getOps<SeedsOp>()) {
    if (!llvm::all_of(seeds->getUsers(), llvm::IsaPred<LookupSeedOp>))
      continue;
    all.push_back(seeds);
    count += seeds.getCount();
  }
  if (all.size() < 2)
    return;

  OpBuilder builder(all.front());
  auto type = RankedTensorType::get({count}, builder.getI64Type());
  Value fused = SeedsOp::create(builder, all.front().getLoc(), type, count);
  int64_t offset = 0;
  for (SeedsOp seeds : all) {
    for (Operation *user : llvm::make_early_inc_range(seeds->getUsers())) {
      auto lookup = cast<LookupSeedOp>(user);
      lookup.setIndex(lookup.getIndex() + offset);
      lookup.getSeedsMutable().assign(fused);
    }
    offset += seeds.getCount();
    seeds.erase();
  }
}

struct FuseSeedsPass : impl::FuseSeedsPassBase<FuseSeedsPass> {
  void runOnOperation() override {
    getOperation().walk([](Block *block) { fuseSeeds(*block); });
  }
};

} // namespace
} // namespace mlir::fx
