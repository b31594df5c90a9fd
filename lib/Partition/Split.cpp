//===- Split.cpp - Writing the forward and the backward function ----------===//

#include "fx/IR/FXDialect.h"
#include "fx/Partition/JointFunction.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// One of the two functions while it is written.
class PartBuilder {
public:
  PartBuilder(const JointFunction &joint, StringRef name,
              std::optional<int64_t> peakBudget)
      : joint(joint), source(joint.function), builder(source.getContext()) {
    builder.setInsertionPoint(source);
    part = func::FuncOp::create(builder, source.getLoc(), name,
                                builder.getFunctionType({}, {}));
    part.setVisibility(source.getVisibility());
    for (NamedAttribute attr : source->getDiscardableAttrs())
      part->setAttr(attr.getName(), attr.getValue());
    if (peakBudget) {
      part->setAttr(kScheduledAttr, builder.getUnitAttr());
      part->setAttr(kPeakBudgetAttr, builder.getI64IntegerAttr(*peakBudget));
    }
    builder.setInsertionPointToStart(part.addEntryBlock());
  }

  void addArgument(Value original, DictionaryAttr attrs) {
    BlockArgument argument = part.getBody().front().addArgument(
        original.getType(), original.getLoc());
    argumentAttrs.push_back(attrs);
    mapping.map(original, argument);
  }

  void addArgumentOf(unsigned index) {
    addArgument(source.getArgument(index), source.getArgAttrDict(index));
  }

  /// An argument that holds a saved value.
  void addSavedArgument(NodeId node) {
    addArgument(joint.values[node], getSavedAttrs(node));
    saved.insert(joint.values[node]);
  }

  void addNodes(ArrayRef<NodeId> nodes) {
    llvm::DenseMap<NodeId, int64_t> copies;
    for (NodeId node : nodes) {
      if (joint.graph[node].kind == JointNode::Kind::Element)
        continue;
      Operation *op = cloneOp(joint.ops[node]);
      if (int64_t copy = copies[node]++)
        op->setAttr(kCopyAttr, builder.getI64IntegerAttr(copy));
    }
  }

  void addResult(Value original, DictionaryAttr attrs) {
    cloneLiteral(original);
    results.push_back(mapping.lookup(original));
    resultAttrs.push_back(attrs);
  }

  void addResultOf(unsigned index) {
    addResult(source.getBody().front().getTerminator()->getOperand(index),
              source.getResultAttrDict(index));
  }

  void addSavedResult(NodeId node) {
    addResult(joint.values[node], getSavedAttrs(node));
  }

  void finish() {
    func::ReturnOp::create(builder, source.getLoc(), results);
    part.setType(builder.getFunctionType(
        part.getBody().front().getArgumentTypes(), TypeRange(results)));
    part.setAllArgAttrs(argumentAttrs);
    part.setAllResultAttrs(resultAttrs);
  }

private:
  DictionaryAttr getSavedAttrs(NodeId node) {
    NamedAttrList attrs;
    attrs.set(kRoleAttr, builder.getStringAttr(role::saved));
    attrs.set(kNameAttr, builder.getStringAttr(joint.graph[node].name));
    if (auto argument = dyn_cast<BlockArgument>(joint.values[node]))
      if (Attribute strides =
              source.getArgAttr(argument.getArgNumber(), kStridesAttr))
        attrs.set(kStridesAttr, strides);
    return attrs.getDictionary(source.getContext());
  }

  /// Literals are no nodes: each part has its own.
  void cloneLiteral(Value value) {
    if (mapping.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    if (op && isLiteral(op))
      builder.clone(*op, mapping);
  }

  Operation *cloneOp(Operation *op) {
    llvm::for_each(op->getOperands(), [&](Value v) { cloneLiteral(v); });
    if (op->getNumRegions() > 0) {
      llvm::SetVector<Value> captured;
      getUsedValuesDefinedAbove(op->getRegions(), captured);
      llvm::for_each(captured, [&](Value v) { cloneLiteral(v); });
    }
    // Results that are saved keep their saved value even if the op is
    // recomputed for another result.
    SmallVector<std::pair<Value, Value>> kept;
    for (Value result : op->getResults())
      if (saved.contains(result))
        kept.emplace_back(result, mapping.lookup(result));
    Operation *clone = builder.clone(*op, mapping);
    for (auto [result, argument] : kept)
      mapping.map(result, argument);
    return clone;
  }

  const JointFunction &joint;
  func::FuncOp source, part;
  OpBuilder builder;
  IRMapping mapping;
  llvm::SmallPtrSet<Value, 16> saved;
  SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
  SmallVector<Value> results;
};
} // namespace

void mlir::fx::splitJointFunction(const JointFunction &joint,
                                  const Extraction &extraction,
                                  StringRef forwardName,
                                  StringRef backwardName,
                                  std::optional<int64_t> peakBudget) {
  func::FuncOp source = joint.function;
  auto isSymbol = [&](NodeId node) {
    return joint.graph[node].valueKind != JointNode::ValueKind::Tensor;
  };

  // forward: inputs -> mutations and outputs, saved tensors, saved SymInts.
  PartBuilder forward(joint, forwardName, peakBudget);
  for (unsigned i = 0; i < source.getNumArguments(); ++i)
    if (getArgRole(source, i) != role::tangent)
      forward.addArgumentOf(i);
  forward.addNodes(extraction.forward);
  for (unsigned result : joint.forwardResults)
    forward.addResultOf(result);
  for (NodeId node : extraction.saved)
    forward.addSavedResult(node);

  // backward: saved SymInts, saved tensors, tangents -> gradients.
  PartBuilder backward(joint, backwardName, peakBudget);
  for (bool symbols : {true, false})
    for (NodeId node : extraction.saved)
      if (isSymbol(node) == symbols)
        backward.addSavedArgument(node);
  for (unsigned i = 0; i < source.getNumArguments(); ++i)
    if (getArgRole(source, i) == role::tangent)
      backward.addArgumentOf(i);
  backward.addNodes(extraction.backward);
  for (unsigned result : joint.backwardResults)
    backward.addResultOf(result);
  forward.finish();
  backward.finish();
}
