//===- OrderCalls.cpp - Calls that put elements in order ------------------===//

#include "fx/Analysis/OrderCalls.h"

using namespace mlir;
using namespace mlir::fx;

Operation *fx::createOrderCall(OpBuilder &builder, Location loc,
                               const OrderCall &call) {
  auto type = cast<RankedTensorType>(call.input.getType());
  SmallVector<int64_t> shape(type.getShape());
  bool isSort = !call.isRunning && call.count == shape[call.dim];
  shape[call.dim] = call.count;
  Attribute self = builder.getDictionaryAttr(builder.getNamedAttr(
      "operand", builder.getI64IntegerAttr(0)));
  Attribute dim = builder.getI64IntegerAttr(call.dim);
  SmallVector<Attribute> arguments = {self};
  DictionaryAttr keywords;
  StringRef target;
  if (call.isRunning) {
    target = call.descending ? "aten.cummax.default" : "aten.cummin.default";
    arguments.push_back(dim);
  } else if (isSort) {
    target = "aten.sort.stable";
    keywords = builder.getDictionaryAttr(
        {builder.getNamedAttr("descending",
                              builder.getBoolAttr(call.descending)),
         builder.getNamedAttr("dim", dim),
         builder.getNamedAttr("stable", builder.getBoolAttr(true))});
  } else {
    target = "aten.topk.default";
    arguments.append({builder.getI64IntegerAttr(call.count), dim,
                      builder.getBoolAttr(call.descending),
                      builder.getBoolAttr(true)});
  }
  return CallOp::create(
      builder, loc,
      TypeRange{type.clone(shape),
                RankedTensorType::get(shape, builder.getI64Type())},
      target, call.input, builder.getArrayAttr(arguments), keywords,
      /*pure=*/true);
}

std::optional<OrderCall> fx::matchOrderCall(Operation *op) {
  auto call = dyn_cast<CallOp>(op);
  if (!call || call.getInputs().size() != 1 || call.getNumResults() != 2)
    return std::nullopt;
  StringRef target = call.getTarget();
  ArrayRef<Attribute> arguments = call.getArguments().getValue();
  DictionaryAttr keywords = call.getKwargs().value_or(DictionaryAttr());
  auto type = dyn_cast<RankedTensorType>(call.getInputs()[0].getType());
  if (arguments.empty() || !isa<DictionaryAttr>(arguments[0]) || !type ||
      !type.hasStaticShape() || type.getRank() == 0)
    return std::nullopt;
  Type element = type.getElementType();
  auto integer = dyn_cast<IntegerType>(element);
  if (integer ? !integer.isSignless() || integer.getWidth() < 8
              : !isa<Float32Type, Float64Type, BFloat16Type, Float16Type>(
                    element))
    return std::nullopt;
  auto number = [](Attribute attribute) -> std::optional<int64_t> {
    auto value = dyn_cast_or_null<IntegerAttr>(attribute);
    return value ? std::optional(value.getInt()) : std::nullopt;
  };
  OrderCall order = {};
  order.input = call.getInputs()[0];
  std::optional<int64_t> dim;
  if (target == "aten.cummax.default" || target == "aten.cummin.default") {
    order.isRunning = true;
    order.descending = target == "aten.cummax.default";
    if (arguments.size() == 2)
      dim = number(arguments[1]);
  } else if (target == "aten.sort.stable" && arguments.size() == 1 &&
             keywords) {
    dim = number(keywords.get("dim"));
    auto descending = keywords.getAs<BoolAttr>("descending");
    auto stable = keywords.getAs<BoolAttr>("stable");
    if (keywords.size() != 3 || !descending || !stable)
      return std::nullopt;
    order.descending = descending.getValue();
  } else if (target == "aten.topk.default" && arguments.size() == 5) {
    dim = number(arguments[2]);
    auto largest = dyn_cast<BoolAttr>(arguments[3]);
    if (!largest || !isa<IntegerAttr>(arguments[1]))
      return std::nullopt;
    order.descending = largest.getValue();
  }
  if (!dim || *dim < 0 || *dim >= type.getRank())
    return std::nullopt;
  order.dim = *dim;
  order.count =
      cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(*dim);
  // Places have 32 bits while they are sorted.
  if (order.count < 0 || order.count > type.getDimSize(*dim) ||
      type.getDimSize(*dim) > std::numeric_limits<int32_t>::max())
    return std::nullopt;
  return order;
}
