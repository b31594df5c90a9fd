//===- Respelling.cpp - Several spellings of one operation ----------------===//
//
// Overloads that mean what another overload means, which fx has an op for:
// `type_as` is a conversion, `new_zeros` is `zeros` in the type of its result.
// A table of rewrites from the arguments of one schema to those of another.
// Rewrites that do not apply to some arguments leave the node as it is.
//
//===----------------------------------------------------------------------===//

#include "GraphImporterImpl.h"

#include "fx/IR/FXOps.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::Node;

namespace {
/// What a rewrite can see.
struct Context {
  const BoundArguments &from;
  RankedTensorType selfType; ///< Null if the first argument is no tensor.
  RankedTensorType resultType;
  StringRef resultDType;

  const Argument &get(StringRef name) const { return *from.find(name); }
};

/// Fills the arguments of the other overload that do not have the same name in
/// both; false if the rewrite does not apply.
using Rewrite = bool (*)(const Context &context, BoundArguments &to);

struct Respelling {
  StringLiteral target;
  StringLiteral replacement;
  Rewrite rewrite;
};
} // namespace

/// Sizes with at most one that is not known, which is then -1.
static std::optional<Argument> getSizes(ArrayRef<int64_t> shape) {
  std::vector<Argument> sizes;
  for (int64_t size : shape)
    sizes.push_back(Argument::ofInt(ShapedType::isDynamic(size) ? -1 : size));
  if (llvm::count_if(shape, ShapedType::isDynamic) > 1)
    return std::nullopt;
  return Argument::list(std::move(sizes));
}

static bool sameNames(const Context &, BoundArguments &) { return true; }

static bool resultDType(const Context &context, BoundArguments &to) {
  to.set("dtype",
         Argument::ofText(Argument::Kind::DType, context.resultDType));
  return true;
}

static bool resultSizes(const Context &context, BoundArguments &to) {
  std::optional<Argument> sizes = getSizes(context.resultType.getShape());
  if (sizes)
    to.set("size", *sizes);
  return sizes.has_value();
}

static bool expandSizes(const Context &context, BoundArguments &to) {
  std::optional<Argument> sizes =
      fx::getExpandSizes(context.selfType, context.resultType);
  if (sizes)
    to.set("size", *sizes);
  return sizes.has_value();
}

static bool swappedAxes(const Context &context, BoundArguments &to) {
  bool isAxes = context.from.find("axis0");
  to.set("dim0", context.get(isAxes ? "axis0" : "dim0"));
  to.set("dim1", context.get(isAxes ? "axis1" : "dim1"));
  return true;
}

static bool lastTwoDims(const Context &, BoundArguments &to) {
  to.set("dim0", Argument::ofInt(-2));
  to.set("dim1", Argument::ofInt(-1));
  return true;
}

static bool reversedDims(const Context &context, BoundArguments &to) {
  std::vector<Argument> dims;
  for (int64_t dim = context.selfType.getRank(); dim-- > 0;)
    dims.push_back(Argument::ofInt(dim));
  to.set("dims", Argument::list(std::move(dims)));
  return true;
}

static bool movedDim(const Context &context, BoundArguments &to) {
  int64_t rank = context.selfType.getRank();
  int64_t source = context.get("source").integer;
  int64_t destination = context.get("destination").integer;
  source += source < 0 ? rank : 0;
  destination += destination < 0 ? rank : 0;
  std::vector<Argument> dims;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != source)
      dims.push_back(Argument::ofInt(dim));
  if (destination < 0 || destination > int64_t(dims.size()))
    return false;
  dims.insert(dims.begin() + destination, Argument::ofInt(source));
  to.set("dims", Argument::list(std::move(dims)));
  return true;
}

static bool tileToRepeat(const Context &context, BoundArguments &to) {
  const Argument &dims = context.get("dims");
  // `repeat` takes no fewer numbers than the tensor has dimensions.
  if (int64_t(dims.elements.size()) < context.selfType.getRank())
    return false;
  to.set("repeats", dims);
  return true;
}

static bool relu6ToHardtanh(const Context &, BoundArguments &to) {
  to.set("min_val", Argument::ofFloat(0));
  to.set("max_val", Argument::ofFloat(6));
  return true;
}

static bool narrowToSlice(const Context &context, BoundArguments &to) {
  const Argument &start = context.get("start");
  const Argument &length = context.get("length");
  if (!start.is(Argument::Kind::Int) || !length.is(Argument::Kind::Int) ||
      start.integer < 0)
    return false;
  to.set("end", Argument::ofInt(start.integer + length.integer));
  return true;
}

static bool constantPad(const Context &context, BoundArguments &to) {
  if (context.get("mode").text != "constant")
    return false;
  if (context.get("value").is(Argument::Kind::None))
    to.set("value", Argument::ofInt(0));
  return true;
}

static bool unbiasedToCorrection(const Context &context, BoundArguments &to) {
  to.set("correction", Argument::ofInt(context.get("unbiased").integer));
  return true;
}

static bool floorRounding(const Context &, BoundArguments &to) {
  to.set("rounding_mode", Argument::ofText(Argument::Kind::String, "floor"));
  return true;
}

static constexpr Respelling respellings[] = {
    {"aten.clip.default", "aten.clamp.default", sameNames},
    {"aten.clip.Tensor", "aten.clamp.Tensor", sameNames},
    {"aten.multiply.Tensor", "aten.mul.Tensor", sameNames},
    {"aten.subtract.Tensor", "aten.sub.Tensor", sameNames},
    {"aten.divide.Tensor", "aten.div.Tensor", sameNames},
    {"aten.absolute.default", "aten.abs.default", sameNames},
    {"aten.negative.default", "aten.neg.default", sameNames},
    {"aten.greater.Tensor", "aten.gt.Tensor", sameNames},
    {"aten.greater.Scalar", "aten.gt.Scalar", sameNames},
    {"aten.greater_equal.Tensor", "aten.ge.Tensor", sameNames},
    {"aten.greater_equal.Scalar", "aten.ge.Scalar", sameNames},
    {"aten.less.Tensor", "aten.lt.Tensor", sameNames},
    {"aten.less.Scalar", "aten.lt.Scalar", sameNames},
    {"aten.less_equal.Tensor", "aten.le.Tensor", sameNames},
    {"aten.less_equal.Scalar", "aten.le.Scalar", sameNames},
    {"aten.not_equal.Tensor", "aten.ne.Tensor", sameNames},
    {"aten.not_equal.Scalar", "aten.ne.Scalar", sameNames},
    {"aten.__xor__.Tensor", "aten.bitwise_xor.Tensor", sameNames},
    {"aten.__xor__.Scalar", "aten.bitwise_xor.Scalar", sameNames},
    {"aten.multiply.Scalar", "aten.mul.Scalar", sameNames},
    {"aten.subtract.Scalar", "aten.sub.Scalar", sameNames},
    {"aten.divide.Scalar", "aten.div.Scalar", sameNames},
    {"aten.divide.Tensor_mode", "aten.div.Tensor_mode", sameNames},
    {"aten.divide.Scalar_mode", "aten.div.Scalar_mode", sameNames},
    {"aten.true_divide.Scalar", "aten.div.Scalar", sameNames},
    {"aten.arctan2.default", "aten.atan2.default", sameNames},
    {"aten.fix.default", "aten.trunc.default", sameNames},
    {"aten.positive.default", "aten.alias.default", sameNames},
    {"aten.sgn.default", "aten.sign.default", sameNames},
    {"aten.special_expit.default", "aten.sigmoid.default", sameNames},
    {"aten.special_erf.default", "aten.erf.default", sameNames},
    {"aten.special_exp2.default", "aten.exp2.default", sameNames},
    {"aten.special_expm1.default", "aten.expm1.default", sameNames},
    {"aten.special_log1p.default", "aten.log1p.default", sameNames},
    {"aten.special_softmax.default", "aten.softmax.int", sameNames},
    {"aten.special_log_softmax.default", "aten.log_softmax.int", sameNames},
    {"aten.special_logsumexp.default", "aten.logsumexp.default", sameNames},
    {"aten.floor_divide.Scalar", "aten.div.Scalar_mode", floorRounding},
    {"aten.type_as.default", "aten.to.dtype", resultDType},
    {"aten.to.other", "aten.to.dtype", resultDType},
    {"aten.to.device", "aten.to.dtype", resultDType},
    {"aten.to.dtype_layout", "aten.to.dtype", resultDType},
    {"aten.new_zeros.default", "aten.zeros.default", resultDType},
    {"aten.new_ones.default", "aten.ones.default", resultDType},
    {"aten.new_full.default", "aten.full.default", resultDType},
    {"aten.new_empty.default", "aten.empty.memory_format", resultDType},
    {"aten.new_empty_strided.default", "aten.empty.memory_format",
     resultDType},
    {"aten.expand_as.default", "aten.expand.default", expandSizes},
    {"aten.view_as.default", "aten.view.default", resultSizes},
    {"aten.reshape_as.default", "aten.view.default", resultSizes},
    {"aten.unflatten.int", "aten.view.default", resultSizes},
    {"aten.swapaxes.default", "aten.transpose.int", swappedAxes},
    {"aten.swapdims.default", "aten.transpose.int", swappedAxes},
    {"aten.mT.default", "aten.transpose.int", lastTwoDims},
    {"aten.numpy_T.default", "aten.permute.default", reversedDims},
    {"aten.movedim.int", "aten.permute.default", movedDim},
    {"aten.moveaxis.int", "aten.permute.default", movedDim},
    {"aten.tile.default", "aten.repeat.default", tileToRepeat},
    {"aten.relu6.default", "aten.hardtanh.default", relu6ToHardtanh},
    {"aten.narrow.default", "aten.slice.Tensor", narrowToSlice},
    {"aten.pad.default", "aten.constant_pad_nd.default", constantPad},
    {"aten.var.dim", "aten.var.correction", unbiasedToCorrection},
    {"aten.var.default", "aten.var.correction", unbiasedToCorrection},
};

std::optional<Argument> fx::getExpandSizes(RankedTensorType from,
                                           RankedTensorType to) {
  std::vector<Argument> sizes;
  int64_t added = to.getRank() - from.getRank();
  if (added < 0)
    return std::nullopt;
  for (auto [dim, size] : llvm::enumerate(to.getShape())) {
    bool isDynamic = ShapedType::isDynamic(size);
    // -1 keeps a size, so the size must be the tensor's own.
    if (isDynamic && (int64_t(dim) < added || !from.isDynamicDim(dim - added)))
      return std::nullopt;
    sizes.push_back(Argument::ofInt(isDynamic ? -1 : size));
  }
  return Argument::list(std::move(sizes));
}

std::optional<BoundArguments>
GraphImporter::respell(const Node &node, const BoundArguments &arguments,
                       ArrayRef<Type> types) {
  const Respelling *entry = llvm::find_if(
      respellings, [&](const Respelling &respelling) {
        return respelling.target == arguments.schema->target;
      });
  if (entry == std::end(respellings) || types.size() != 1 ||
      !isa<RankedTensorType>(types.front()))
    return std::nullopt;
  const ATenSchema *schema = ATenSchema::lookup(entry->replacement);
  assert(schema && "the table names an operator that does not exist");

  Context context{arguments, {}, cast<RankedTensorType>(types.front()), ""};
  const Argument &self = arguments.values.front();
  if (self.is(Argument::Kind::Value)) {
    FailureOr<Value> value = getNamed(self.text);
    if (failed(value))
      return std::nullopt;
    context.selfType = dyn_cast<RankedTensorType>(value->getType());
  }
  if (!context.selfType)
    return std::nullopt;
  const Argument *result = &node.results.front();
  if (result->is(Argument::Kind::List))
    result = &result->elements.front();
  context.resultDType = graph->values.find(result->text)->second.tensor.dtype;

  BoundArguments to{schema, {}, {}};
  for (const SchemaArgument &argument : schema->arguments) {
    std::optional<unsigned> index =
        arguments.schema->findArgument(argument.name);
    to.values.push_back(index ? arguments.values[*index]
                              : argument.getDefault().value_or(
                                    Argument::none()));
    to.isGiven.push_back(index && arguments.isGiven[*index]);
  }
  if (!entry->rewrite(context, to))
    return std::nullopt;
  return to;
}

/// `broadcast_tensors` as one `expand` for each tensor; false if a size is not
/// known.
FailureOr<bool>
GraphImporter::importBroadcast(const Node &node,
                               const BoundArguments &arguments,
                               ArrayRef<Type> types) {
  const Argument &list = arguments.values.front();
  if (list.elements.size() != types.size() ||
      node.results.front().elements.size() != types.size())
    return false;
  SmallVector<std::pair<Value, Argument>> parts;
  for (auto [element, type] : llvm::zip(list.elements, types)) {
    FailureOr<Value> value = getNamed(element.text);
    if (failed(value))
      return failure();
    auto from = dyn_cast<RankedTensorType>(value->getType());
    auto to = dyn_cast<RankedTensorType>(type);
    if (!from || !to)
      return false;
    std::optional<Argument> sizes = getExpandSizes(from, to);
    if (!sizes)
      return false;
    parts.emplace_back(*value, *sizes);
  }
  for (auto [index, part] : llvm::enumerate(parts)) {
    SmallVector<int64_t> sizes;
    for (const Argument &size : part.second.elements)
      sizes.push_back(size.integer);
    StringRef name = node.results.front().elements[index].text;
    Location source = cast<NameLoc>(getLocation(node)).getChildLoc();
    define(name, ExpandOp::create(builder, getNodeLoc(name, source),
                                  types[index], part.first, ValueRange(),
                                  sizes));
  }
  return true;
}
