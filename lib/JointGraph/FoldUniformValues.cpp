//===- FoldUniformValues.cpp - Tensors whose elements are all equal -------===//

#include "UniformValue.h"
#include "fx/Analysis/Storage.h"
#include "fx/IR/FXOps.h"
#include "fx/JointGraph/Passes.h"
#include "fx/Support/ReverseRewrite.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FOLDUNIFORMVALUESPASS
#include "fx/JointGraph/Passes.h.inc"
namespace {

/// The steps of rule 3.5 on one function.
class UniformFolder {
public:
  UniformFolder(Operation *function, bool assumeFinite)
      : function(function), storage(function), assumeFinite(assumeFinite) {}

  void run() {
    findUniformValues();
    replaceByFull();
    removeNeutralElements();
    eraseDeadOps(replaced);
  }

private:
  void findUniformValues();
  void replaceByFull();
  void removeNeutralElements();

  TypedAttr evaluate(Operation *op);
  TypedAttr lookup(Value value);
  Value createFull(Operation *op, TypedAttr number);
  bool isUniform(Value value, int64_t number);
  void removeNeutralElement(Operation *op, Value survivor);

  Operation *function;
  StorageAnalysis storage;
  bool assumeFinite;
  /// The number that all elements of a value are.
  llvm::DenseMap<Value, TypedAttr> numbers;
  SmallVector<Operation *> uniformOps;
  SmallVector<Operation *> replaced;
};

TypedAttr UniformFolder::lookup(Value value) {
  if (TypedAttr number = numbers.lookup(value))
    return number;
  TypedAttr constant;
  if (!isa<RankedTensorType>(value.getType()) &&
      matchPattern(value, m_Constant(&constant)))
    return constant;
  return {};
}

TypedAttr UniformFolder::evaluate(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Type element = type.getElementType();
  auto inElementType = [&](Value scalar) -> TypedAttr {
    TypedAttr number = lookup(scalar);
    return number ? convertNumber(number, element) : TypedAttr();
  };
  // Of no elements all are equal.
  if (type.hasStaticShape() && type.getNumElements() == 0 &&
      isMemoryEffectFree(op))
    return convertNumber(Builder(op).getI64IntegerAttr(0), element);
  if (auto full = dyn_cast<FullOp>(op))
    return inElementType(full.getFillValue());
  if (auto full = dyn_cast<FullLikeOp>(op))
    return inElementType(full.getFillValue());
  if (auto scalar = dyn_cast<ScalarTensorOp>(op))
    return inElementType(scalar.getS());
  if (isa<SqueezeOp, UnsqueezeOp, AliasOp, ViewOp, FlattenOp, SliceOp, TOp,
          TransposeOp, ExpandOp, PermuteOp>(op))
    return lookup(op->getOperand(0));
  // Zero times anything, if there is no NaN and no infinity.
  if (isa<MulOp>(op) && (isa<IntegerType>(element) || assumeFinite))
    for (Value operand : op->getOperands()) {
      APInt zero;
      if (operand.getType().isInteger(64) &&
          matchPattern(operand, m_ConstantInt(&zero)) && zero.isZero())
        return convertNumber(cast<TypedAttr>(lookup(operand)), element);
    }
  SmallVector<TypedAttr> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(lookup(operand));
    if (!operands.back())
      return {};
  }
  return operands.empty() ? TypedAttr() : computeUniform(op, operands);
}

void UniformFolder::findUniformValues() {
  function->walk([&](Operation *op) {
    if (op->getNumResults() != 1 || op->getNumRegions() ||
        !isa_and_nonnull<FXDialect>(op->getDialect()))
      return;
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !isa<FloatType, IntegerType>(type.getElementType()) ||
        type.getElementType().isUnsignedInteger())
      return;
    if (TypedAttr number = evaluate(op)) {
      numbers[op->getResult(0)] = number;
      uniformOps.push_back(op);
    }
  });
}

Value UniformFolder::createFull(Operation *op, TypedAttr number) {
  OpBuilder builder(op);
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Type element = type.getElementType();
  // Python's scalar types hold every element exactly.
  Type scalar = isa<FloatType>(element) ? builder.getF64Type()
                : element.isInteger(1)  ? Type(builder.getI1Type())
                                        : Type(builder.getI64Type());
  Value fill =
      arith::ConstantOp::create(builder, loc, convertNumber(number, scalar));
  return FullOp::create(builder, loc, type, fill, ValueRange(),
                        builder.getDenseI64ArrayAttr(type.getShape()),
                        TypeAttr::get(element));
}

void UniformFolder::replaceByFull() {
  // Only what something else uses; the rest dies with it.
  llvm::DenseSet<Operation *> folded(uniformOps.begin(), uniformOps.end());
  SmallVector<Operation *> used;
  llvm::DenseMap<Value, unsigned> usesOfStorage;
  for (Operation *op : uniformOps) {
    if (llvm::all_of(op->getUsers(), [&](Operation *user) {
          return folded.contains(user);
        }))
      continue;
    used.push_back(op);
    ++usesOfStorage[storage.getStorage(op->getResult(0))];
  }
  for (Operation *op : used) {
    Value result = op->getResult(0);
    if (isa<FullOp>(op) || usesOfStorage[storage.getStorage(result)] > 1 ||
        !cast<RankedTensorType>(result.getType()).hasStaticShape())
      continue;
    Value full = createFull(op, numbers[result]);
    numbers[full] = numbers[result];
    result.replaceAllUsesWith(full);
    replaced.push_back(op);
  }
}

bool UniformFolder::isUniform(Value value, int64_t number) {
  if (!isa<RankedTensorType>(value.getType()))
    return false;
  TypedAttr known = numbers.lookup(value);
  if (auto real = dyn_cast_or_null<FloatAttr>(known))
    return real.getValueAsDouble() == (double)number;
  if (auto integer = dyn_cast_or_null<IntegerAttr>(known))
    return integer.getType().isInteger(1)
               ? integer.getValue().getZExtValue() == (uint64_t)number
               : integer.getInt() == number;
  return false;
}

void UniformFolder::removeNeutralElement(Operation *op, Value survivor) {
  Value result = op->getResult(0);
  auto from = cast<RankedTensorType>(survivor.getType());
  auto to = cast<RankedTensorType>(result.getType());
  if (from.getShape() != to.getShape())
    return;
  if (from != to) {
    OpBuilder builder(op);
    survivor = ConvertElementTypeOp::create(builder, op->getLoc(), to, survivor,
                                            TypeAttr::get(to.getElementType()));
  } else {
    // 10.2: a fresh result must not become an argument.
    if (!storage.mayReplace(result, survivor))
      return;
    storage.noteReplaced(result, survivor);
  }
  result.replaceAllUsesWith(survivor);
  replaced.push_back(op);
}

void UniformFolder::removeNeutralElements() {
  auto isPlain = [](auto op) {
    return op && op.getAlpha().convertToDouble() == 1.0;
  };
  function->walk([&](Operation *op) {
    if (!isa<AddOp, SubOp, MulOp, DivOp>(op) || op->use_empty())
      return;
    Value a = op->getOperand(0), b = op->getOperand(1);
    if (!isa<RankedTensorType>(a.getType()) ||
        !isa<RankedTensorType>(b.getType()))
      return;
    bool commutes = isa<AddOp, MulOp>(op);
    int64_t neutral = isa<AddOp, SubOp>(op) ? 0 : 1;
    if (isa<AddOp>(op) && !isPlain(cast<AddOp>(op)))
      return;
    if (isa<SubOp>(op) && !isPlain(cast<SubOp>(op)))
      return;
    if (isUniform(b, neutral))
      removeNeutralElement(op, a);
    else if (commutes && isUniform(a, neutral))
      removeNeutralElement(op, b);
  });
}

struct FoldUniformValuesPass
    : impl::FoldUniformValuesPassBase<FoldUniformValuesPass> {
  using FoldUniformValuesPassBase::FoldUniformValuesPassBase;
  void runOnOperation() override {
    UniformFolder(getOperation(), assumeFinite).run();
  }
};

} // namespace
} // namespace mlir::fx
