//===- BuildJointGraph.cpp - Reverse-mode differentiation -----------------===//

#include "Backpropagation.h"
#include "fx/Analysis/InlineCalls.h"
#include "fx/Autodiff/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::fx {
#define GEN_PASS_DEF_BUILDJOINTGRAPHPASS
#include "fx/Autodiff/Passes.h.inc"
namespace {

//===----------------------------------------------------------------------===//
// The values that take part
//===----------------------------------------------------------------------===//

bool isMutation(func::FuncOp function, unsigned result) {
  return function.getResultAttr(result, kMutatesAttr) ||
         getResultRole(function, result) == role::mutation;
}

/// Whether an argument takes a gradient if no argument of the module says so.
bool takesGradientByDefault(func::FuncOp function, unsigned argument) {
  StringRef role = getArgRole(function, argument);
  return (role.empty() || role == role::parameter || role == role::input) &&
         isDifferentiableType(function.getArgument(argument).getType());
}

SmallVector<Operation *> getOps(func::FuncOp function) {
  SmallVector<Operation *> ops;
  for (Operation &op : function.front().without_terminator())
    ops.push_back(&op);
  return ops;
}

/// The values between the arguments that take a gradient and the outputs.
struct Activity {
  Activity(func::FuncOp function, bool byDefault) {
    DenseSet<Value> dependent;
    for (BlockArgument argument : function.getArguments()) {
      unsigned index = argument.getArgNumber();
      bool takes = byDefault
                       ? takesGradientByDefault(function, index)
                       : !!function.getArgAttr(index, kRequiresGradAttr) &&
                             isDifferentiableType(argument.getType());
      if (takes)
        dependent.insert(argument);
    }
    SmallVector<Operation *> ops = getOps(function);
    addDependent(ops, dependent);

    SmallVector<Value> targets;
    for (auto [i, value] : llvm::enumerate(
             function.front().getTerminator()->getOperands()))
      if (!isMutation(function, i) && dependent.contains(value)) {
        outputs.push_back(i);
        targets.push_back(value);
      }
    values = findActive(ops, targets, dependent);
    for (BlockArgument argument : function.getArguments())
      if (values.contains(argument))
        arguments.push_back(argument);
  }

  SmallVector<unsigned> outputs;        ///< Numbers of the results.
  SmallVector<BlockArgument> arguments; ///< Those that get a gradient.
  DenseSet<Value> values;
};

//===----------------------------------------------------------------------===//
// Differentiation
//===----------------------------------------------------------------------===//

class JointBuilder {
public:
  JointBuilder(func::FuncOp function, const Activity &activity)
      : function(function), activity(activity),
        builder(function.front().getTerminator()),
        gradients(builder, activity.values) {}

  LogicalResult build() {
    SmallVector<Operation *> forward = getOps(function);
    addTangents();
    if (failed(gradients.run(forward)))
      return failure();
    rewriteSignature();
    eraseUnused(forward.empty() ? nullptr : forward.back());
    eraseReplaced(forward);
    mergeConstants();
    return success();
  }

private:
  void addTangents() {
    Operation *terminator = function.front().getTerminator();
    for (auto [k, output] : llvm::enumerate(activity.outputs)) {
      Value value = terminator->getOperand(output);
      StringAttr name =
          builder.getStringAttr("tangents_" + std::to_string(k + 1));
      NamedAttribute attrs[] = {
          builder.getNamedAttr(kRoleAttr, builder.getStringAttr(role::tangent)),
          builder.getNamedAttr(kNameAttr, name)};
      unsigned index = function.getNumArguments();
      (void)function.insertArgument(index, value.getType(),
                                    builder.getDictionaryAttr(attrs),
                                    NameLoc::get(name, function.getLoc()));
      gradients.accumulate(value, function.getArgument(index),
                           function.getLoc());
    }
  }

  /// (outputs, mutations) -> (mutations, outputs, gradients)
  void rewriteSignature() {
    Operation *terminator = function.front().getTerminator();
    SmallVector<Value> values;
    SmallVector<DictionaryAttr> attrs;
    auto add = [&](Value value, DictionaryAttr old, StringRef role) {
      NamedAttrList list(old);
      if (!list.get(kRoleAttr))
        list.set(kRoleAttr, builder.getStringAttr(role));
      values.push_back(value);
      attrs.push_back(list.getDictionary(builder.getContext()));
    };
    for (bool mutations : {true, false})
      for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
        if (isMutation(function, i) == mutations)
          add(value, function.getResultAttrDict(i),
              mutations ? role::mutation : role::output);
    for (BlockArgument argument : activity.arguments) {
      Value gradient = gradients.getGradient(argument);
      if (!gradient)
        continue;
      TensorBuilder b(builder, argument.getLoc());
      gradient = b.withType(gradient, argument.getType());
      NamedAttrList list;
      if (StringRef name = getArgName(function, argument.getArgNumber());
          !name.empty())
        list.set(kNameAttr, builder.getStringAttr(name));
      add(gradient, list.getDictionary(builder.getContext()), role::gradient);
    }
    terminator->setOperands(values);
    function.setFunctionType(builder.getFunctionType(
        function.getArgumentTypes(), ValueRange(values).getTypes()));
    function.setAllResultAttrs(attrs);
  }

  /// Erases what the formulas built and did not need.
  void eraseUnused(Operation *lastForward) {
    Operation *op = function.front().getTerminator()->getPrevNode();
    while (op && op != lastForward) {
      Operation *previous = op->getPrevNode();
      if (isOpTriviallyDead(op))
        op->erase();
      op = previous;
    }
  }

  /// Erases loops that their derivatives replaced by ones that keep more.
  void eraseReplaced(ArrayRef<Operation *> forward) {
    for (Operation *op : llvm::reverse(forward))
      if (op->getNumRegions() != 0 && isOpTriviallyDead(op))
        op->erase();
  }

  /// One arith.constant for each value, at the start of the function.
  void mergeConstants() {
    llvm::MapVector<Attribute, Operation *> first;
    Block &block = function.front();
    for (auto constant :
         llvm::make_early_inc_range(block.getOps<arith::ConstantOp>())) {
      auto [entry, isNew] = first.try_emplace(constant.getValue(), constant);
      if (isNew)
        continue;
      constant.replaceAllUsesWith(entry->second);
      constant.erase();
    }
    Operation *last = nullptr;
    for (auto &[value, constant] : first) {
      if (last)
        constant->moveAfter(last);
      else
        constant->moveBefore(&block, block.begin());
      last = constant;
    }
  }

  func::FuncOp function;
  const Activity &activity;
  OpBuilder builder;
  Backpropagation gradients;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

bool hasTangents(func::FuncOp function) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (getArgRole(function, i) == role::tangent)
      return true;
  return false;
}

bool takesGradients(func::FuncOp function) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (function.getArgAttr(i, kRequiresGradAttr))
      return true;
  return false;
}

struct BuildJointGraphPass
    : impl::BuildJointGraphPassBase<BuildJointGraphPass> {
  using BuildJointGraphPassBase::BuildJointGraphPassBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    bool byDefault =
        llvm::none_of(getOperation().getOps<func::FuncOp>(), takesGradients);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isPrivate() || function.isDeclaration() ||
          hasTangents(function) || !function.getBody().hasOneBlock())
        continue;
      if (failed(inlineCalls(function, symbols)))
        return signalPassFailure();
      Activity activity(function, byDefault);
      if (activity.arguments.empty()) {
        remark::missed(function.getLoc(), getRemarkOpts(function))
            << "no output depends on an argument that takes a gradient";
        continue;
      }
      if (byDefault)
        remark::passed(function.getLoc(), getRemarkOpts(function))
            << "no argument has fx.requires_grad: every floating-point "
               "argument takes a gradient";
      if (convertBoundedLoops(function))
        activity = Activity(function, byDefault);
      if (failed(JointBuilder(function, activity).build()))
        return signalPassFailure();
    }
    eraseUnusedFunctions(getOperation(), symbols);
  }

  static remark::RemarkOpts getRemarkOpts(func::FuncOp function) {
    return remark::RemarkOpts::name("joint")
        .category("fx-build-joint-graph")
        .function(function.getName());
  }
};

} // namespace
} // namespace mlir::fx
