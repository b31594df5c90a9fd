//===- SaveSources.cpp - Saves what a saved view is a view of -------------===//

#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/FXDialect.h"
#include "fx/Partition/JointFunction.h"
#include "fx/Partition/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::fx {
#define GEN_PASS_DEF_SAVESOURCESPASS
#include "fx/Partition/Passes.h.inc"

namespace {
/// A saved value as the end of a chain of views.
struct SavedView {
  Value source;
  /// From the source to the saved value.
  SmallVector<Operation *> views;
};

/// Whether an op is a view that the backward can build of its source alone.
bool isView(Operation *op) {
  return op && op->getNumResults() == 1 && op->getNumOperands() > 0 &&
         hasAny(getRematClasses(op), RematClass::SharesStorage) &&
         isa<RankedTensorType>(op->getOperand(0).getType()) &&
         llvm::all_of(op->getOperands().drop_front(), [](Value operand) {
           Operation *def = operand.getDefiningOp();
           return def && isLiteral(def);
         });
}

bool isSmaller(Value a, Value b) {
  constexpr int64_t dynamicSize = 4096;
  return getSizeInBytes(a.getType(), dynamicSize) <
         getSizeInBytes(b.getType(), dynamicSize);
}

/// Follows views to an argument, otherwise as long as they take no elements
/// away.
SavedView findSource(Value saved) {
  SavedView result{saved, {}};
  Value value = saved;
  SmallVector<Operation *> views;
  while (isView(value.getDefiningOp())) {
    Operation *view = value.getDefiningOp();
    views.push_back(view);
    value = view->getOperand(0);
    bool isArgument = isa<BlockArgument>(value);
    bool onlyKeeps = llvm::none_of(views, [](Operation *op) {
      return isSmaller(op->getResult(0), op->getOperand(0));
    });
    if (isArgument || onlyKeeps)
      result = {value, views};
  }
  std::reverse(result.views.begin(), result.views.end());
  return result;
}

struct SaveSourcesPass : impl::SaveSourcesPassBase<SaveSourcesPass> {
  using SaveSourcesPassBase::SaveSourcesPassBase;

  void runOnOperation() override {
    for (auto forward : getOperation().getOps<func::FuncOp>()) {
      StringRef name = forward.getName();
      if (!name.consume_back("forward"))
        continue;
      auto backward = getOperation().lookupSymbol<func::FuncOp>(
          (name + "backward").str());
      if (backward && !forward.isExternal() && !backward.isExternal())
        saveSources(forward, backward);
    }
  }

  /// The saved results of the forward with the backward's arguments for them.
  /// Names need not be unique (a decomposition names all its ops alike), but
  /// the order is the same: tensors and SymInts each in theirs.
  static SmallVector<std::pair<unsigned, unsigned>>
  pairSavedValues(func::FuncOp forward, func::FuncOp backward) {
    SmallVector<std::pair<unsigned, unsigned>> pairs;
    for (bool tensors : {true, false}) {
      SmallVector<unsigned> results, arguments;
      for (auto [i, type] : llvm::enumerate(forward.getResultTypes()))
        if (getResultRole(forward, i) == role::saved &&
            isa<TensorType>(type) == tensors)
          results.push_back(i);
      for (auto [i, type] : llvm::enumerate(backward.getArgumentTypes()))
        if (getArgRole(backward, i) == role::saved &&
            isa<TensorType>(type) == tensors)
          arguments.push_back(i);
      for (auto [result, argument] : llvm::zip(results, arguments))
        pairs.emplace_back(result, argument);
    }
    return pairs;
  }

  /// Callers find the backward's arguments by name.
  void makeNamesUnique(func::FuncOp forward, func::FuncOp backward,
                       ArrayRef<std::pair<unsigned, unsigned>> pairs) {
    llvm::StringSet<> used;
    for (unsigned i = 0; i < forward.getNumArguments(); ++i)
      used.insert(getArgName(forward, i));
    Operation *terminator = forward.getBody().front().getTerminator();
    for (auto [result, argument] : pairs) {
      StringRef name = getResultName(forward, result);
      // An argument that is saved has its own name.
      if (isa<BlockArgument>(terminator->getOperand(result)) ||
          used.insert(name).second)
        continue;
      std::string unique;
      for (unsigned k = 1; !used.insert(unique).second || unique.empty(); ++k)
        unique = (name + "." + Twine(k)).str();
      auto attr = StringAttr::get(&getContext(), unique);
      forward.setResultAttr(result, kNameAttr, attr);
      backward.setArgAttr(argument, kNameAttr, attr);
    }
  }

  void saveSources(func::FuncOp forward, func::FuncOp backward) {
    Operation *terminator = forward.getBody().front().getTerminator();
    auto pairs = pairSavedValues(forward, backward);
    makeNamesUnique(forward, backward, pairs);

    // Sources in the order in which they are first saved; for each the result,
    // the argument and the views of what is saved of it.
    struct Use {
      unsigned result, argument;
      SavedView saved;
    };
    llvm::MapVector<Value, SmallVector<Use>> sources;
    for (auto [result, argument] : pairs) {
      SavedView saved = findSource(terminator->getOperand(result));
      if (!saved.views.empty() || isPassed(forward, saved.source))
        sources[saved.source].push_back({result, argument, saved});
    }
    // A source that is saved as it is keeps its place.
    for (auto [result, argument] : pairs) {
      Value value = terminator->getOperand(result);
      auto it = sources.find(value);
      if (it != sources.end() &&
          llvm::none_of(it->second,
                        [&, r = result](const Use &use) { return use.result == r; }))
        it->second.push_back({result, argument, {value, {}}});
    }
    if (sources.empty())
      return;

    llvm::BitVector droppedResults(forward.getNumResults());
    llvm::BitVector droppedArguments(backward.getNumArguments());
    Builder builder(&getContext());
    for (auto &[source, uses] : sources) {
      bool passed = isPassed(forward, source);
      DictionaryAttr attrs;
      if (passed) {
        attrs = forward.getArgAttrDict(
            cast<BlockArgument>(source).getArgNumber());
      } else {
        NamedAttrList list;
        list.set(kRoleAttr, builder.getStringAttr(role::saved));
        list.set(kNameAttr, builder.getStringAttr(getUniqueName(forward, backward, source)));
        attrs = list.getDictionary(&getContext());
      }
      (void)backward.insertArgument(backward.getNumArguments(),
                                    source.getType(), attrs, source.getLoc());
      droppedArguments.push_back(false);
      Value given = backward.getArguments().back();
      for (Use &use : uses) {
        replaceArgument(backward, use.argument, given, use.saved);
        droppedArguments.set(use.argument);
        droppedResults.set(use.result);
      }
      if (!passed) {
        terminator->insertOperands(terminator->getNumOperands(), source);
        (void)forward.insertResult(forward.getNumResults(), source.getType(),
                                   attrs);
        droppedResults.push_back(false);
      }
    }
    terminator->eraseOperands(droppedResults);
    (void)forward.eraseResults(droppedResults);
    (void)backward.eraseArguments(droppedArguments);
  }

  /// Whether the forward returns a new value for an argument: the caller may
  /// have written it when the backward runs.
  static bool isMutated(func::FuncOp forward, BlockArgument argument) {
    StringRef name = getArgName(forward, argument.getArgNumber());
    for (unsigned i = 0; i < forward.getNumResults(); ++i)
      if (auto mutated = forward.getResultAttrOfType<StringAttr>(i, kMutatesAttr))
        if (mutated.getValue() == name)
          return true;
    return false;
  }

  bool isPassed(func::FuncOp forward, Value source) {
    auto argument = dyn_cast<BlockArgument>(source);
    return passArguments && argument && !isMutated(forward, argument);
  }

  /// `name`, with a number if another argument has it. `source` may have it.
  static std::string getUniqueName(func::FuncOp forward, func::FuncOp backward,
                                   Value source) {
    auto isUsed = [&](StringRef candidate) {
      for (BlockArgument argument : forward.getArguments())
        if (argument != source &&
            getArgName(forward, argument.getArgNumber()) == candidate)
          return true;
      for (unsigned i = 0; i < backward.getNumArguments(); ++i)
        if (getArgName(backward, i) == candidate)
          return true;
      return candidate.empty();
    };
    std::string name = getNodeName(source);
    std::string unique = name;
    for (unsigned k = 1; isUsed(unique); ++k)
      unique = (name.empty() ? "saved" : name) + "." + std::to_string(k);
    return unique;
  }

  /// Builds the views on `given` at the top of the backward.
  void replaceArgument(func::FuncOp backward, unsigned index, Value given,
                       const SavedView &saved) {
    OpBuilder builder = OpBuilder::atBlockBegin(&backward.getBody().front());
    IRMapping mapping;
    mapping.map(saved.source, given);
    Value value = given;
    for (Operation *view : saved.views) {
      for (Value operand : view->getOperands().drop_front())
        if (!mapping.contains(operand))
          builder.clone(*operand.getDefiningOp(), mapping);
      value = builder.clone(*view, mapping)->getResult(0);
    }
    backward.getArgument(index).replaceAllUsesWith(value);
  }
};
} // namespace
} // namespace mlir::fx
