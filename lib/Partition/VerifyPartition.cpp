//===- VerifyPartition.cpp - The contract between forward and backward ----===//

#include "fx/IR/FXDialect.h"
#include "fx/Partition/JointFunction.h"
#include "fx/Partition/Passes.h"

namespace mlir::fx {
#define GEN_PASS_DEF_VERIFYPARTITIONPASS
#include "fx/Partition/Passes.h.inc"

namespace {
/// A saved value as one side sees it.
struct SavedValue {
  StringRef name;
  Type type;
};

/// What the forward saves in the order of the backward's arguments: SymInts
/// are last in one and first in the other.
SmallVector<SavedValue> getSavedResults(func::FuncOp forward) {
  SmallVector<SavedValue> symbols, tensors;
  for (unsigned i = 0; i < forward.getNumResults(); ++i) {
    if (getResultRole(forward, i) != role::saved)
      continue;
    SavedValue value{getResultName(forward, i), forward.getResultTypes()[i]};
    (isa<TensorType>(value.type) ? tensors : symbols).push_back(value);
  }
  symbols.append(tensors);
  return symbols;
}

SmallVector<SavedValue> getSavedArguments(func::FuncOp backward) {
  SmallVector<SavedValue> saved;
  for (unsigned i = 0; i < backward.getNumArguments(); ++i)
    if (getArgRole(backward, i) == role::saved)
      saved.push_back(
          {getArgName(backward, i), backward.getArgumentTypes()[i]});
  return saved;
}

LogicalResult verifyForward(func::FuncOp forward) {
  for (unsigned i = 0; i < forward.getNumArguments(); ++i)
    if (StringRef role = getArgRole(forward, i);
        role == role::tangent || role == role::saved)
      return emitErrorOn(forward, "is a forward, but argument ")
             << i << " has the role '" << role << "'";
  bool seenSymbol = false, seenSaved = false;
  for (unsigned i = 0; i < forward.getNumResults(); ++i) {
    StringRef role = getResultRole(forward, i);
    if (role == role::gradient)
      return emitErrorOn(forward, "is a forward, but result ")
             << i << " has the role 'gradient'";
    if (role != role::saved) {
      if (seenSaved)
        return emitErrorOn(forward, "has result ")
               << i << " behind its saved results";
      continue;
    }
    seenSaved = true;
    bool isSymbol = !isa<TensorType>(forward.getResultTypes()[i]);
    if (seenSymbol && !isSymbol)
      return emitErrorOn(forward, "saves tensor '")
             << getResultName(forward, i) << "' behind a SymInt";
    seenSymbol |= isSymbol;
  }
  return success();
}

LogicalResult verifyBackward(func::FuncOp backward) {
  bool seenTensor = false, seenTangent = false;
  for (unsigned i = 0; i < backward.getNumArguments(); ++i) {
    StringRef role = getArgRole(backward, i);
    if (role == role::tangent) {
      seenTangent = true;
      continue;
    }
    if (role != role::saved)
      return emitErrorOn(backward, "is a backward, but argument ")
             << i << " has the role '" << role
             << "': expected 'saved' or 'tangent'";
    if (seenTangent)
      return emitErrorOn(backward, "takes saved value '")
             << getArgName(backward, i) << "' behind a tangent";
    bool isSymbol = !isa<TensorType>(backward.getArgumentTypes()[i]);
    if (seenTensor && isSymbol)
      return emitErrorOn(backward, "takes SymInt '")
             << getArgName(backward, i) << "' behind a saved tensor";
    seenTensor |= !isSymbol;
  }
  for (unsigned i = 0; i < backward.getNumResults(); ++i)
    if (StringRef role = getResultRole(backward, i);
        role != role::gradient && role != role::mutation)
      return emitErrorOn(backward, "is a backward, but result ")
             << i << " has the role '" << role
             << "': expected 'gradient' or 'mutation'";
  return success();
}

LogicalResult verifyPair(func::FuncOp forward, func::FuncOp backward) {
  if (failed(verifyForward(forward)) || failed(verifyBackward(backward)))
    return failure();
  SmallVector<SavedValue> results = getSavedResults(forward);
  SmallVector<SavedValue> arguments = getSavedArguments(backward);
  if (results.size() != arguments.size()) {
    InFlightDiagnostic error = emitErrorOn(backward, "takes ")
                               << arguments.size() << " saved values";
    error.attachNote(forward.getLoc())
        << "the forward saves " << results.size();
    return error;
  }
  for (auto [result, argument] : llvm::zip_equal(results, arguments)) {
    if (result.name == argument.name && result.type == argument.type)
      continue;
    InFlightDiagnostic error = emitErrorOn(backward, "takes saved value '")
                               << argument.name << "' of type "
                               << argument.type;
    error.attachNote(forward.getLoc())
        << "in its place the forward saves '" << result.name << "' of type "
        << result.type;
    return error;
  }
  return success();
}

struct VerifyPartitionPass
    : impl::VerifyPartitionPassBase<VerifyPartitionPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool failedAny = false;
    for (auto backward : module.getOps<func::FuncOp>()) {
      StringRef name = backward.getSymName();
      if (!name.consume_back("backward") ||
          (!name.empty() && !name.ends_with("_")) || isJointFunction(backward))
        continue;
      auto forward = module.lookupSymbol<func::FuncOp>(name.str() + "forward");
      if (!forward) {
        emitErrorOn(backward, "has no function '")
            << name << "forward' that saves its arguments";
        failedAny = true;
        continue;
      }
      failedAny |= failed(verifyPair(forward, backward));
    }
    if (failedAny)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
} // namespace mlir::fx
