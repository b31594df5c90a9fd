//===- Simplify.cpp - Dead and repeated ops of a joint function -----------===//
//
// functorch's own two steps before the partition and nothing more: the node
// set that the rules speak of depends on them [4.1.1, 4.1.2].
//
//===----------------------------------------------------------------------===//

#include "fx/Partition/JointFunction.h"
#include "fx/IR/FXDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::fx;

static void eliminateDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>() &&
        // Sources of randomness have an effect only to stay apart.
        (isOpTriviallyDead(&op) ||
         hasAny(getRematClasses(&op), RematClass::NotMergeable)))
      op.erase();
}

namespace {
/// Equality of calls: op, operands, and attributes except names and what is
/// said of saving; the first call keeps its own.
struct CallEquality : llvm::DenseMapInfo<Operation *> {
  static bool isName(NamedAttribute attr) {
    return attr.getName() == kResultNamesAttr ||
           attr.getName() == kRematAttr || attr.getName() == kRematRegionAttr;
  }
  static unsigned getHashValue(const Operation *constOp) {
    auto *op = const_cast<Operation *>(constOp);
    llvm::hash_code hash = llvm::hash_combine(
        op->getName(), op->hashProperties(),
        llvm::hash_combine_range(op->operand_begin(), op->operand_end()));
    for (NamedAttribute attr : op->getDiscardableAttrs())
      if (!isName(attr))
        hash = llvm::hash_combine(hash, attr.getName(), attr.getValue());
    return hash;
  }
  static bool isEqual(const Operation *constLhs, const Operation *constRhs) {
    auto *lhs = const_cast<Operation *>(constLhs);
    auto *rhs = const_cast<Operation *>(constRhs);
    if (lhs == rhs)
      return true;
    if (lhs == getTombstoneKey() || lhs == getEmptyKey() ||
        rhs == getTombstoneKey() || rhs == getEmptyKey())
      return false;
    auto attributes = [](Operation *op) {
      return llvm::make_filter_range(op->getDiscardableAttrs(),
                                     std::not_fn(isName));
    };
    return lhs->getName() == rhs->getName() &&
           lhs->getOperands() == rhs->getOperands() &&
           lhs->getResultTypes() == rhs->getResultTypes() &&
           lhs->getName().compareOpProperties(lhs->getPropertiesStorage(),
                                              rhs->getPropertiesStorage()) &&
           llvm::equal(attributes(lhs), attributes(rhs));
  }
};
} // namespace

/// For each view the value whose storage it shows.
static llvm::DenseMap<Value, Value> findStorages(Block &block) {
  llvm::DenseMap<Value, Value> storage;
  for (Operation &op : block) {
    if (op.getNumOperands() == 0 ||
        !hasAny(getRematClasses(&op), RematClass::SharesStorage))
      continue;
    Value base = op.getOperand(0);
    if (auto it = storage.find(base); it != storage.end())
      base = it->second;
    for (Value result : op.getResults())
      storage[result] = base;
  }
  return storage;
}

static void mergeEqualOps(func::FuncOp function) {
  Block &block = function.getBody().front();
  llvm::DenseMap<Value, Value> storage = findStorages(block);
  auto storageOf = [&](Value value) {
    auto it = storage.find(value);
    return it == storage.end() ? value : it->second;
  };
  // Outputs stay distinct tensors.
  llvm::DenseSet<Value> outputStorages;
  for (auto [index, value] :
       llvm::enumerate(block.getTerminator()->getOperands()))
    if (!function.getResultAttr(index, kMutatesAttr))
      outputStorages.insert(storageOf(value));
  auto isMergeable = [&](Operation &op) {
    return op.getNumRegions() == 0 && op.getNumResults() > 0 &&
           isMemoryEffectFree(&op) &&
           !hasAny(getRematClasses(&op), RematClass::NotMergeable) &&
           (isLiteral(&op) || llvm::none_of(op.getResults(), [&](Value value) {
              return outputStorages.contains(storageOf(value));
            }));
  };

  llvm::DenseSet<Operation *, CallEquality> known;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (!isMergeable(op)) {
      // Calls on both sides of a mutation may differ [9.2].
      if (!isMemoryEffectFree(&op) &&
          !hasAny(getRematClasses(&op), RematClass::NotMergeable))
        known.clear();
      continue;
    }
    auto [first, isNew] = known.insert(&op);
    if (isNew)
      continue;
    // A result that only the second call used keeps its name.
    if (auto names = op.getAttrOfType<ArrayAttr>(kResultNamesAttr))
      if (auto kept = (*first)->getAttrOfType<ArrayAttr>(kResultNamesAttr)) {
        SmallVector<Attribute> merged(kept.begin(), kept.end());
        for (auto [name, other, result] :
             llvm::zip_equal(merged, names, (*first)->getResults()))
          if (result.use_empty())
            name = other;
        (*first)->setAttr(kResultNamesAttr,
                          ArrayAttr::get(op.getContext(), merged));
      }
    op.replaceAllUsesWith(*first);
    op.erase();
  }
}

void mlir::fx::simplifyJointFunction(func::FuncOp function) {
  eliminateDeadOps(function.getBody().front());
  mergeEqualOps(function);
}
