//===- SizeHints.cpp - Sizes that are known at run time only --------------===//

#include "fx/Partition/SizeHints.h"
#include "fx/Analysis/Rematerialization.h"
#include "fx/Partition/JointFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace mlir::fx;

/// `type` with the sizes of `hint` where it has none.
static Type fillSizes(Type type, Type hint) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto other = dyn_cast<RankedTensorType>(hint);
  if (!tensor || !other || tensor.getRank() != other.getRank())
    return type;
  SmallVector<int64_t> shape(tensor.getShape());
  for (auto [size, known] : llvm::zip_equal(shape, other.getShape()))
    if (ShapedType::isDynamic(size))
      size = known;
  return tensor.clone(shape);
}

/// A size that is a number by now.
static bool foldScalar(Operation &op) {
  if (op.getNumResults() != 1 || !op.getResult(0).getType().isIntOrIndex() ||
      op.hasTrait<OpTrait::ConstantLike>())
    return false;
  SmallVector<OpFoldResult> folded;
  if (failed(op.fold(folded)) || folded.size() != 1)
    return false;
  Value value = dyn_cast<Value>(folded.front());
  if (!value) {
    auto number = dyn_cast<IntegerAttr>(cast<Attribute>(folded.front()));
    if (!number || number.getType() != op.getResult(0).getType())
      return false;
    OpBuilder b(&op);
    value = arith::ConstantOp::create(b, op.getLoc(), number);
  }
  op.getResult(0).replaceAllUsesWith(value);
  return true;
}

static void refineTypes(Operation &op) {
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  SmallVector<Type> types;
  if (!inference ||
      failed(inference.inferReturnTypes(
          op.getContext(), std::nullopt, op.getOperands(),
          op.getAttrDictionary(), op.getPropertiesStorage(), op.getRegions(),
          types)) ||
      types.size() != op.getNumResults())
    return;
  for (auto [result, type] : llvm::zip_equal(op.getResults(), types))
    result.setType(fillSizes(result.getType(), type));
}

FailureOr<SizeHints> SizeHints::create(func::FuncOp function) {
  SizeHints hints;
  llvm::SmallVector<std::pair<unsigned, Type>> given;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    Attribute attr = function.getArgAttr(i, kSizeHintsAttr);
    if (!attr)
      continue;
    auto sizes = dyn_cast<DenseI64ArrayAttr>(attr);
    auto type = dyn_cast<RankedTensorType>(function.getArgument(i).getType());
    if (!sizes || !type || sizes.size() != type.getRank() ||
        llvm::any_of(sizes.asArrayRef(), [](int64_t size) { return size < 0; }))
      return emitErrorOn(function, "has '")
             << kSizeHintsAttr << "' on argument " << i
             << " that are not a size for each of its dimensions";
    given.emplace_back(i, fillSizes(type, type.clone(sizes.asArrayRef())));
  }
  if (given.empty())
    return hints;
  // A copy, of which only types are looked at.
  IRMapping mapping;
  auto copy = cast<func::FuncOp>(function->clone(mapping));
  for (auto [index, type] : given)
    copy.getArgument(index).setType(type);
  for (Operation &op : llvm::make_early_inc_range(copy.front()))
    if (!foldScalar(op))
      refineTypes(op);
  for (BlockArgument argument : function.getArguments())
    hints.types[argument] = mapping.lookup(argument).getType();
  for (Operation &op : function.front()) {
    for (Value result : op.getResults())
      hints.types[result] = mapping.lookup(result).getType();
    if (auto interface =
            dyn_cast<RematerializationOpInterface>(mapping.lookup(&op)))
      hints.flops[&op] = interface.getFlops();
  }
  copy->erase();
  return hints;
}

int64_t SizeHints::getFlops(Operation *op) const {
  if (auto it = flops.find(op); it != flops.end())
    return it->second;
  auto interface = dyn_cast<RematerializationOpInterface>(op);
  return interface ? interface.getFlops() : 0;
}
