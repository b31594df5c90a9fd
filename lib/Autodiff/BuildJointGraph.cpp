//===- BuildJointGraph.cpp - Reverse-mode differentiation -----------------===//

#include "Derivatives.h"
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
// Calls
//===----------------------------------------------------------------------===//

/// Replaces the calls in a function by the bodies of the functions they call.
LogicalResult inlineCalls(func::FuncOp function, SymbolTable &symbols,
                          SmallVectorImpl<func::FuncOp> &stack) {
  stack.push_back(function);
  for (auto call :
       llvm::make_early_inc_range(function.front().getOps<func::CallOp>())) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    if (!callee || callee.isDeclaration() || !callee.getBody().hasOneBlock())
      continue;
    if (llvm::is_contained(stack, callee))
      return call.emitOpError("is recursive");
    if (failed(inlineCalls(callee, symbols, stack)))
      return failure();
    OpBuilder builder(call);
    IRMapping map;
    map.map(callee.getArguments(), call.getOperands());
    for (Operation &op : callee.front().without_terminator())
      builder.clone(op, map);
    SmallVector<Value> results;
    for (Value value : callee.front().getTerminator()->getOperands())
      results.push_back(map.lookupOrDefault(value));
    call.replaceAllUsesWith(results);
    call.erase();
  }
  stack.pop_back();
  return success();
}

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

/// Ops whose results do not depend on the operand's elements for autograd.
bool stopsGradients(Operation *op) { return isa<DetachOp, FullLikeOp>(op); }

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
    Block &block = function.front();
    for (Operation &op : block.without_terminator()) {
      if (stopsGradients(&op) || llvm::none_of(op.getOperands(), [&](Value v) {
            return dependent.contains(v);
          }))
        continue;
      for (Value result : op.getResults())
        if (isDifferentiableType(result.getType()))
          dependent.insert(result);
    }

    DenseSet<Value> active;
    for (auto [i, value] :
         llvm::enumerate(block.getTerminator()->getOperands()))
      if (!isMutation(function, i) && dependent.contains(value)) {
        outputs.push_back(i);
        active.insert(value);
      }
    for (Operation &op : llvm::reverse(block.without_terminator())) {
      if (llvm::none_of(op.getResults(),
                        [&](Value v) { return active.contains(v); }))
        continue;
      if (stopsGradients(&op))
        continue;
      for (Value operand : op.getOperands())
        if (dependent.contains(operand))
          active.insert(operand);
    }
    for (BlockArgument argument : function.getArguments())
      if (active.contains(argument))
        arguments.push_back(argument);
    values = std::move(active);
  }

  bool isActive(Value value) const { return values.contains(value); }

  SmallVector<unsigned> outputs;       ///< Numbers of the results.
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
        builder(function.front().getTerminator()) {}

  LogicalResult build() {
    SmallVector<Operation *> forward;
    for (Operation &op : function.front().without_terminator())
      forward.push_back(&op);
    addTangents();
    for (Operation *op : llvm::reverse(forward))
      if (failed(visit(op)))
        return failure();
    rewriteSignature();
    eraseUnused(forward.empty() ? nullptr : forward.back());
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
      accumulate(value, function.getArgument(index), function.getLoc());
    }
  }

  /// Adds a gradient that has the shape and type of its value or is broadcast.
  void accumulate(Value value, Value gradient, Location loc) {
    TensorBuilder b(builder, loc);
    RankedTensorType type = getTensorType(value);
    gradient = b.convert(b.sumTo(gradient, type), type.getElementType());
    Value &slot = gradients[value];
    slot = slot ? b.add(slot, gradient) : gradient;
  }

  LogicalResult visit(Operation *op) {
    SmallVector<Value> resultGradients;
    for (Value result : op->getResults())
      resultGradients.push_back(gradients.lookup(result));
    SmallVector<bool> needed;
    for (Value operand : op->getOperands())
      needed.push_back(activity.isActive(operand));
    if (llvm::none_of(resultGradients, [](Value v) { return !!v; }) ||
        llvm::none_of(needed, [](bool flag) { return flag; }) ||
        stopsGradients(op))
      return success();
    auto model = dyn_cast<DifferentiableOpInterface>(op);
    if (!model)
      return emitFailure(op, "it has no derivative; composites must be "
                             "decomposed first (fx-decompose)");
    for (Value value : op->getOperands())
      if (activity.isActive(value) &&
          isa<ComplexType>(getTensorType(value).getElementType()))
        return emitFailure(op, "derivatives of complex tensors are not built");
    SmallVector<Value> operandGradients;
    if (failed(model.buildGradients(builder, resultGradients, needed,
                                    operandGradients)))
      return failure();
    Location loc = GradientBuilder::getGradientLoc(op);
    for (auto [operand, gradient] :
         llvm::zip_equal(op->getOperands(), operandGradients))
      if (gradient)
        accumulate(operand, gradient, loc);
    return success();
  }

  LogicalResult emitFailure(Operation *op, const Twine &reason) {
    InFlightDiagnostic error = mlir::emitError(op->getLoc());
    error << "cannot differentiate '" << op->getName() << "'";
    std::string name = getNodeName(op->getResult(0));
    if (!name.empty())
      error << ", node " << name;
    std::string line = getPythonLine(op->getLoc());
    if (!line.empty())
      error << ", " << line;
    return error << ": " << reason;
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
      Value gradient = gradients.lookup(argument);
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
  DenseMap<Value, Value> gradients;
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
      SmallVector<func::FuncOp> stack;
      if (failed(inlineCalls(function, symbols, stack)))
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
      if (failed(JointBuilder(function, activity).build()))
        return signalPassFailure();
    }
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (function.isPrivate() && !function.isDeclaration() &&
          symbols.symbolKnownUseEmpty(function, getOperation()))
        symbols.erase(function);
  }

  static remark::RemarkOpts getRemarkOpts(func::FuncOp function) {
    return remark::RemarkOpts::name("joint")
        .category("fx-build-joint-graph")
        .function(function.getName());
  }
};

} // namespace
} // namespace mlir::fx
