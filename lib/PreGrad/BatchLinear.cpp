//===- BatchLinear.cpp - Linears of one input -----------------------------===//

#include "fx/IR/TensorBuilder.h"
#include "fx/PreGrad/Passes.h"
#include "mlir/IR/Dominance.h"

namespace mlir::fx {
#define GEN_PASS_DEF_BATCHLINEARPASS
#include "fx/PreGrad/Passes.h.inc"
namespace {

/// linear(x, w1, b1), linear(x, w2, b2), … -> parts of linear(x, cat(ws),
/// cat(bs))   [rule 2.9, batch_linear_lhs]
struct BatchLinearPass : impl::BatchLinearPassBase<BatchLinearPass> {
  using BatchLinearPassBase::BatchLinearPassBase;

  void runOnOperation() override {
    using Key = std::tuple<Block *, Value, Type, int>;
    llvm::MapVector<Key, SmallVector<LinearOp>> groups;
    getOperation().walk([&](LinearOp op) {
      RankedTensorType weight = getTensorType(op.getWeight());
      if (weight.getRank() == 2 && weight.hasStaticShape() &&
          (!op.getBias() || getRank(op.getBias()) == 1))
        groups[{op->getBlock(), op.getInput(), weight.getElementType(),
                op.getBias() ? 1 : 0}]
            .push_back(op);
    });
    DominanceInfo dominance(getOperation());
    for (auto &group : groups) {
      SmallVector<LinearOp> &linears = group.second;
      // What is made after the first linear may depend on it.
      LinearOp first = linears.front();
      llvm::erase_if(linears, [&](LinearOp op) {
        return !dominance.properlyDominates(op.getWeight(), first) ||
               (op.getBias() &&
                !dominance.properlyDominates(op.getBias(), first));
      });
      for (ArrayRef<LinearOp> rest = linears; rest.size() >= minFuseSetSize;) {
        size_t count = std::min<size_t>(rest.size(), maxFuseSetSize);
        fuse(rest.take_front(count));
        rest = rest.drop_front(count);
      }
    }
  }

  static void fuse(ArrayRef<LinearOp> linears) {
    LinearOp first = linears.front();
    OpBuilder builder(first);
    TensorBuilder b(builder, first.getLoc());
    Value x = first.getInput();
    SmallVector<Value> weights, biases;
    SmallVector<int64_t> sizes;
    for (LinearOp op : linears) {
      weights.push_back(op.getWeight());
      if (op.getBias())
        biases.push_back(op.getBias());
      sizes.push_back(getTensorType(op.getWeight()).getDimSize(0));
    }
    Value bias = biases.empty() ? Value() : b.cat(biases, 0);
    Value all = b.create<LinearOp>(x, b.cat(weights, 0), bias);
    auto parts = SplitWithSizesOp::create(builder, b.getLoc(), all, sizes,
                                          getRank(all) - 1);
    for (auto [linear, part] : llvm::zip_equal(linears, parts.getParts())) {
      LinearOp op = linear;
      op.getResult().replaceAllUsesWith(b.withType(part, op.getType()));
      op.erase();
    }
  }
};

} // namespace
} // namespace mlir::fx
