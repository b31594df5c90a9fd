//===- VerifyAutodiff.cpp - Checks the signature of joint functions -------===//

#include "fx/Autodiff/Passes.h"
#include "fx/IR/TensorBuilder.h"

namespace mlir::fx {
#define GEN_PASS_DEF_VERIFYAUTODIFFPASS
#include "fx/Autodiff/Passes.h.inc"
namespace {

/// Where a result stands in the order of a joint function.
std::optional<unsigned> getOrder(StringRef role) {
  if (role == role::mutation)
    return 0;
  if (role == role::output || role == role::loss)
    return 1;
  if (role == role::gradient)
    return 2;
  return std::nullopt;
}

class Verifier {
public:
  explicit Verifier(func::FuncOp function) : function(function) {}

  bool isJoint() {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (getArgRole(function, i) == role::tangent)
        return true;
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (getResultRole(function, i) == role::gradient)
        return true;
    return false;
  }

  LogicalResult verify() {
    return success(succeeded(verifyArguments()) &&
                   succeeded(verifyResults()) &&
                   succeeded(verifyTangents()) &&
                   succeeded(verifyGradients()));
  }

private:
  LogicalResult verifyArguments() {
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      bool isTangent = getArgRole(function, i) == role::tangent;
      if (isTangent)
        tangents.push_back(i);
      else if (!tangents.empty())
        return function.emitError("argument ")
               << i << " is no tangent, but follows tangent "
               << tangents.back();
    }
    return success();
  }

  LogicalResult verifyResults() {
    unsigned last = 0;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      StringRef role = getResultRole(function, i);
      std::optional<unsigned> order = getOrder(role);
      if (!order)
        return function.emitError("result ")
               << i << " of a joint function has the role '" << role
               << "', but must be a mutation, output, loss or gradient";
      if (*order < last)
        return function.emitError("result ")
               << i << " (" << role
               << ") is out of order: mutations, outputs, gradients";
      last = *order;
      if (role == role::gradient)
        gradients.push_back(i);
      else if (role != role::mutation &&
               isDifferentiableType(function.getResultTypes()[i]))
        outputs.push_back(i);
    }
    return success();
  }

  /// Each tangent belongs to the next output of its type.
  LogicalResult verifyTangents() {
    auto output = outputs.begin();
    for (unsigned tangent : tangents) {
      Type type = function.getArgumentTypes()[tangent];
      while (output != outputs.end() &&
             function.getResultTypes()[*output] != type)
        ++output;
      if (output == outputs.end())
        return function.emitError("tangent ")
               << tangent << " of type " << type
               << " belongs to no floating-point output";
      ++output;
    }
    return success();
  }

  LogicalResult verifyGradients() {
    // Functions written by hand may have no names: then only types count.
    llvm::StringMap<unsigned> byName;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (StringRef name = getArgName(function, i); !name.empty())
        byName.try_emplace(name, i);
    llvm::DenseSet<unsigned> seen;
    for (unsigned gradient : gradients) {
      StringRef name = getResultName(function, gradient);
      if (name.empty())
        continue;
      auto it = byName.find(name);
      if (it == byName.end())
        return function.emitError("gradient ")
               << gradient << " is named '" << name
               << "', but no argument has this name";
      if (!seen.insert(it->second).second)
        return function.emitError("argument '")
               << name << "' has more than one gradient";
      Type expected = function.getArgumentTypes()[it->second];
      if (function.getResultTypes()[gradient] != expected)
        return function.emitError("gradient '")
               << name << "' has type " << function.getResultTypes()[gradient]
               << ", its argument " << expected;
    }
    return success();
  }

  func::FuncOp function;
  SmallVector<unsigned> tangents, outputs, gradients;
};

struct VerifyAutodiffPass
    : impl::VerifyAutodiffPassBase<VerifyAutodiffPass> {
  using VerifyAutodiffPassBase::VerifyAutodiffPassBase;

  void runOnOperation() override {
    Verifier verifier(getOperation());
    if (verifier.isJoint() && failed(verifier.verify()))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::fx
