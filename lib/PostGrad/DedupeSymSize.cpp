//===- DedupeSymSize.cpp - One sym_size for each dimension ----------------===//

#include "fx/IR/FXOps.h"
#include "fx/PostGrad/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_DEDUPESYMSIZEPASS
#include "fx/PostGrad/Passes.h.inc"
namespace {

/// Keeps the first of equal ops in a block.
struct DedupeSymSizePass : impl::DedupeSymSizePassBase<DedupeSymSizePass> {
  void runOnOperation() override {
    getOperation().walk([](Block *block) {
      llvm::DenseMap<std::pair<Value, int64_t>, Operation *> sizes;
      llvm::DenseMap<Attribute, Operation *> constants;
      for (Operation &op : llvm::make_early_inc_range(*block)) {
        Operation *first = &op;
        if (auto size = dyn_cast<SymSizeOp>(op)) {
          int64_t rank =
              cast<RankedTensorType>(size.getSelf().getType()).getRank();
          int64_t dim = ((int64_t)size.getDim() + rank) % rank;
          first = sizes.try_emplace({size.getSelf(), dim}, &op).first->second;
        } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
          first =
              constants.try_emplace(constant.getValue(), &op).first->second;
        }
        if (first == &op)
          continue;
        op.replaceAllUsesWith(first);
        op.erase();
      }
    });
  }
};

} // namespace
} // namespace mlir::fx
