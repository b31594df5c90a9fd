//===- Functionalize.cpp - In-place operators and views -------------------===//
//
// Every memory has a version that counts writes. A view remembers how it was
// made; when it is used and its memory has a newer version, it is made again
// from what it is a view of. A write through a view goes up the chain of views
// by the operator that puts a part back into the whole.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"
#include "GraphImporterImpl.h"

#include "fx/IR/FXOps.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::Node;

//===----------------------------------------------------------------------===//
// Names of operators
//===----------------------------------------------------------------------===//

/// The operator that computes what an in-place one writes: `aten.add.Tensor`
/// of `aten.add_.Tensor`. Null if there is none.
static const ATenSchema *getFunctionalForm(StringRef target) {
  StringRef special =
      llvm::StringSwitch<StringRef>(target)
          .Case("aten.copy_.default", "aten.copy.default")
          .Case("aten.zero_.default", "aten.zeros_like.default")
          .Case("aten.fill_.Scalar", "aten.full_like.default")
          .Case("aten._native_batch_norm_legit.default",
                "aten._native_batch_norm_legit_functional.default")
          .Default("");
  if (!special.empty())
    return ATenSchema::lookup(special);
  auto [prefix, overload] = target.rsplit('.');
  if (prefix.ends_with("__")) {
    // `__iand__` is `__and__` in place.
    auto [packet, name] = prefix.rsplit('.');
    if (!name.consume_front("__i"))
      return nullptr;
    return ATenSchema::lookup((packet + ".__" + name + "." + overload).str());
  }
  if (!prefix.consume_back("_"))
    return nullptr;
  return ATenSchema::lookup((prefix + "." + overload).str());
}

namespace {
/// How a value of a view goes back into what it is a view of.
enum class Scatter {
  Identity,  ///< The same elements in the same shape.
  Reshape,   ///< The same elements in the same order.
  Permute,   ///< `permute`
  Transpose, ///< An exchange of dimensions: its own inverse.
  Slice,
  Select,
  Part, ///< One of the results of `split` and its like.
  Diagonal,
  None,
};
} // namespace

static Scatter getScatter(StringRef target) {
  return llvm::StringSwitch<Scatter>(target)
      .Cases({"aten.alias.default", "aten.detach.default",
              "aten.contiguous.default", "aten.to.dtype",
              "aten.to.dtype_layout", "aten.to.device", "aten.to.other",
              "aten.detach_.default", "aten.lift_fresh.default"},
             Scatter::Identity)
      .Cases({"aten.view.default", "aten.reshape.default",
              "aten._unsafe_view.default", "aten.flatten.using_ints",
              "aten.unflatten.int", "aten.unsqueeze.default",
              "aten.squeeze.default", "aten.squeeze.dim", "aten.squeeze.dims",
              "aten.view_as.default"},
             Scatter::Reshape)
      .Cases({"aten.transpose.int", "aten.t.default", "aten.numpy_T.default",
              "aten.mT.default", "aten.adjoint.default"},
             Scatter::Transpose)
      .Case("aten.permute.default", Scatter::Permute)
      .Case("aten.slice.Tensor", Scatter::Slice)
      .Case("aten.select.int", Scatter::Select)
      .Cases({"aten.split.Tensor", "aten.split_with_sizes.default",
              "aten.chunk.default", "aten.unbind.int"},
             Scatter::Part)
      .Case("aten.diagonal.default", Scatter::Diagonal)
      .Default(Scatter::None);
}

//===----------------------------------------------------------------------===//
// Who shares memory with whom
//===----------------------------------------------------------------------===//

static bool isRowMajor(const graph::TensorMeta &meta) {
  int64_t expected = 1;
  for (size_t i = meta.sizes.size(); i-- > 0;) {
    const graph::SymInt &size = meta.sizes[i], &stride = meta.strides[i];
    // Products of symbols are not compared; the example sizes are.
    if (!size.hint || !stride.hint)
      return false;
    if (*size.hint != 1 && *stride.hint != expected)
      return false;
    expected *= *size.hint;
  }
  return true;
}

/// Whether the result of an operator that PyTorch allows to return a view is
/// one; none if the metadata do not tell.
static std::optional<bool> isView(StringRef target,
                                  const graph::TensorMeta &from,
                                  const graph::TensorMeta &to) {
  if (target.starts_with("aten.to."))
    return from.dtype == to.dtype && from.device == to.device;
  if (target == "aten.contiguous.default")
    return isRowMajor(from);
  if (target == "aten.reshape.default" || target == "aten.flatten.using_ints")
    return isRowMajor(from) ? std::optional<bool>(true) : std::nullopt;
  return true;
}

/// Gives the results of a view operator that share memory with an argument
/// its storage.
LogicalResult GraphImporter::recordViews(const Node &node,
                                         const BoundArguments &arguments) {
  const ATenSchema &schema = *arguments.schema;
  unsigned position = 0;
  for (auto [index, result] : llvm::enumerate(node.results)) {
    std::optional<unsigned> aliased = schema.findAliasedArgument(index);
    ArrayRef<Argument> elements = result;
    if (result.is(Argument::Kind::List))
      elements = result.elements;
    for (const Argument &element : elements) {
      if (!element.is(Argument::Kind::Value))
        continue;
      unsigned resultIndex = position++;
      if (!aliased || !arguments.values[*aliased].is(Argument::Kind::Value))
        continue;
      StringRef baseName = arguments.values[*aliased].text;
      Tensor *base = names.lookup(baseName);
      Tensor *view = names.lookup(element.text);
      auto from = graph->values.find(baseName);
      auto to = graph->values.find(element.text);
      if (!base || !view || from == graph->values.end() ||
          to == graph->values.end())
        continue;
      std::optional<bool> shares =
          isView(schema.target, from->second.tensor, to->second.tensor);
      if (!shares) {
        ambiguities.push_back({base->storage, view->storage, &node});
        continue;
      }
      if (!*shares)
        continue;
      view->storage = base->storage;
      view->version = versions[base->storage];
      view->base = base;
      view->view = &node;
      view->resultIndex = resultIndex;
    }
  }
  return success();
}

FailureOr<Value> GraphImporter::getCurrent(Tensor &tensor) {
  if (!tensor.base || tensor.version == versions[tensor.storage])
    return tensor.value;
  if (failed(getCurrent(*tensor.base)))
    return failure();
  // The arguments by name give current values, the base's among them.
  const Node &node = *tensor.view;
  const ATenSchema *schema = ATenSchema::lookup(node.target);
  if (node.target == "aten.detach_.default")
    schema = ATenSchema::lookup("aten.detach.default");
  FailureOr<BoundArguments> arguments = bindArguments(node, *schema);
  FailureOr<SmallVector<Type>> types = getResultTypes(node);
  if (failed(arguments) || failed(types))
    return failure();
  FailureOr<SmallVector<Value>> values =
      buildOperator(node, *arguments, *types);
  if (failed(values))
    return failure();
  tensor.value = (*values)[tensor.resultIndex];
  tensor.version = versions[tensor.storage];
  return tensor.value;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

FailureOr<Value> GraphImporter::convertToType(const Node &node, Value value,
                                              Type type) {
  auto from = dyn_cast<RankedTensorType>(value.getType());
  auto to = dyn_cast<RankedTensorType>(type);
  if (!from || !to)
    return error(node) << "an in-place operator on a number";
  if (from.getElementType() != to.getElementType())
    value = ConvertElementTypeOp::create(
        builder, getLocation(node), from.clone(to.getElementType()), value,
        TypeAttr::get(to.getElementType()));
  return value;
}

/// The tensor `base` with the elements that `view` shows replaced by `value`.
FailureOr<Value> GraphImporter::scatterIntoBase(const Node &writer,
                                                const Tensor &view, Value base,
                                                Value value) {
  const Node &node = *view.view;
  Location loc = getLocation(writer);
  auto baseType = dyn_cast<RankedTensorType>(base.getType());
  if (!baseType || !isa<RankedTensorType>(value.getType()))
    return error(writer) << "writes to a number";
  Scatter kind = getScatter(node.target);
  FailureOr<BoundArguments> arguments =
      bindArguments(node, *ATenSchema::lookup(node.target));
  if (failed(arguments))
    return failure();
  auto getInt = [&](StringRef name) {
    const Argument *argument = arguments->find(name);
    return argument ? argument->integer : 0;
  };
  auto getBound = [&](StringRef name) -> FailureOr<Value> {
    const Argument *argument = arguments->find(name);
    if (argument->is(Argument::Kind::None))
      return Value();
    return getValue(*argument, loc);
  };
  auto constant = [&](int64_t number) -> Value {
    return *getValue(Argument::ofInt(number), loc);
  };
  int64_t rank = baseType.getRank();
  auto wrap = [&](int64_t dim) { return dim < 0 ? dim + rank : dim; };

  switch (kind) {
  case Scatter::Identity:
    return value;
  case Scatter::Reshape: {
    SmallVector<Value> sizes;
    for (auto [dim, size] : llvm::enumerate(baseType.getShape()))
      if (ShapedType::isDynamic(size))
        sizes.push_back(SymSizeOp::create(builder, loc, base, dim));
    return Value(ViewOp::create(builder, loc, baseType, value, sizes,
                                baseType.getShape()));
  }
  case Scatter::Transpose: {
    if (rank < 2)
      return value;
    bool isGiven = node.target == "aten.transpose.int";
    int64_t dim0 = isGiven ? getInt("dim0") : rank - 2;
    int64_t dim1 = isGiven ? getInt("dim1") : rank - 1;
    if (node.target == "aten.numpy_T.default" && rank > 2)
      break;
    return Value(
        TransposeOp::create(builder, loc, baseType, value, dim0, dim1));
  }
  case Scatter::Permute: {
    SmallVector<int64_t> dims;
    for (const Argument &dim : arguments->find("dims")->elements)
      dims.push_back(wrap(dim.integer));
    if (int64_t(dims.size()) != rank || !isPermutationVector(dims))
      break;
    SmallVector<int64_t> inverse = invertPermutationVector(dims);
    return Value(PermuteOp::create(builder, loc, baseType, value, inverse));
  }
  case Scatter::Slice: {
    FailureOr<Value> start = getBound("start"), end = getBound("end");
    if (failed(start) || failed(end))
      break;
    return Value(SliceScatterOp::create(builder, loc, baseType, base, value,
                                        getInt("dim"), *start, *end,
                                        getInt("step")));
  }
  case Scatter::Select: {
    FailureOr<Value> index = getBound("index");
    if (failed(index))
      break;
    return Value(SelectScatterOp::create(builder, loc, baseType, base, value,
                                         getInt("dim"), *index));
  }
  case Scatter::Part: {
    int64_t dim = wrap(getInt("dim"));
    if (node.target == "aten.unbind.int")
      return Value(SelectScatterOp::create(builder, loc, baseType, base, value,
                                           dim, constant(view.resultIndex)));
    int64_t start = 0;
    bool isStatic = true;
    for (const Argument &part :
         ArrayRef(node.results.front().elements).take_front(view.resultIndex)) {
      const auto &sizes = graph->values.find(part.text)->second.tensor.sizes;
      if (dim < 0 || dim >= int64_t(sizes.size()))
        return error(node) << "has no dimension " << dim;
      const graph::SymInt &size = sizes[dim];
      isStatic &= size.isStatic();
      start += size.expr.value;
    }
    int64_t size = cast<RankedTensorType>(value.getType()).getDimSize(dim);
    if (!isStatic || ShapedType::isDynamic(size))
      break;
    return Value(SliceScatterOp::create(builder, loc, baseType, base, value,
                                        dim, constant(start),
                                        constant(start + size), 1));
  }
  case Scatter::Diagonal: {
    int64_t dim1 = wrap(getInt("dim1")), dim2 = wrap(getInt("dim2"));
    if (dim1 < 0 || dim1 >= rank || dim2 < 0 || dim2 >= rank || dim1 == dim2)
      break;
    TensorBuilder b(builder, loc);
    Value whole =
        scatterDiagonal(b, base, value, getInt("offset"), dim1, dim2);
    if (!whole)
      break;
    return whole;
  }
  case Scatter::None:
    break;
  }
  return error(writer) << "cannot write through the view '" << node.name
                       << "' (" << node.target << ")";
}

/// Gives a tensor, and all that share its memory, a new value.
LogicalResult GraphImporter::assign(const Node &node, Tensor &tensor,
                                    Value value) {
  for (const Ambiguity &pair : ambiguities)
    if (pair.first == tensor.storage || pair.second == tensor.storage)
      return error(node) << "writes to memory that '" << pair.node->name
                         << "' (" << pair.node->target
                         << ") may or may not share";
  // Values of the chain of views before the write.
  SmallVector<Value> before;
  for (Tensor *base = tensor.base; base; base = base->base) {
    FailureOr<Value> current = getCurrent(*base);
    if (failed(current))
      return failure();
    before.push_back(*current);
  }
  unsigned version = ++versions[tensor.storage];
  tensor.value = value;
  tensor.version = version;
  Tensor *view = &tensor;
  for (Value base : before) {
    FailureOr<Value> whole = scatterIntoBase(node, *view, base, view->value);
    if (failed(whole))
      return failure();
    view = view->base;
    view->value = *whole;
    view->version = version;
  }
  return success();
}

/// The types that the op infers for itself, or none.
static SmallVector<Type> inferTypes(Operation *op) {
  SmallVector<Type> types;
  auto interface = dyn_cast<InferTypeOpInterface>(op);
  if (!interface ||
      failed(interface.inferReturnTypes(
          op->getContext(), op->getLoc(), op->getOperands(),
          op->getRawDictionaryAttrs(), op->getPropertiesStorage(),
          op->getRegions(), types)))
    types.clear();
  return types;
}

LogicalResult GraphImporter::importMutation(const Node &node,
                                            const BoundArguments &arguments) {
  const ATenSchema &schema = *arguments.schema;
  const ATenSchema *functional = getFunctionalForm(schema.target);
  if (!functional)
    return error(node) << "this in-place operator has no functional form";
  // What is written to, in the order of the arguments.
  SmallVector<Tensor *> written;
  bool isList = false;
  for (auto [argument, value] :
       llvm::zip(schema.arguments, arguments.values)) {
    if (!argument.type.isWritten)
      continue;
    ArrayRef<Argument> elements = value;
    if (value.is(Argument::Kind::List))
      elements = value.elements;
    isList = value.is(Argument::Kind::List);
    for (const Argument &element : elements) {
      if (!element.is(Argument::Kind::Value))
        return error(node) << "writes to '" << argument.name
                           << "', which is no tensor";
      if (failed(getNamed(element.text)))
        return failure();
      written.push_back(names.lookup(element.text));
    }
  }

  BoundArguments functionalArguments{functional, {}, {}};
  for (const SchemaArgument &argument : functional->arguments) {
    std::optional<unsigned> index = schema.findArgument(argument.name);
    // `fill_.Scalar(self, value)` is `full_like(self, fill_value)`.
    if (!index && argument.name == "fill_value")
      index = schema.findArgument("value");
    functionalArguments.values.push_back(
        index ? arguments.values[*index]
              : argument.getDefault().value_or(Argument::none()));
    functionalArguments.isGiven.push_back(index && arguments.isGiven[*index]);
  }

  // `squeeze_` and its like change the shape of the tensor, not the elements:
  // its name then stands for the view.
  bool isView = functional->findAliasedArgument(0).has_value();
  FailureOr<SmallVector<Type>> types = getResultTypes(node);
  if (failed(types))
    return failure();
  if (isView && !types->empty() &&
      types->front() != written.front()->value.getType())
    return error(node) << "an in-place change of a tensor's shape is not "
                          "supported";
  // Functional forms of operators that return other results, or none, return
  // what they write behind them.
  bool isAppended = written.size() > 1 || types->empty();
  if (isAppended)
    for (Tensor *tensor : written)
      types->push_back(tensor->value.getType());

  FailureOr<SmallVector<Value>> values =
      buildOperator(node, functionalArguments, *types);
  if (failed(values))
    return failure();
  unsigned first = isAppended ? types->size() - written.size() : 0;
  // The op's own promotion may be wider than the tensor that is written to.
  Operation *op = values->empty() ? nullptr : values->front().getDefiningOp();
  if (!isAppended && op && !isa<CallOp>(op)) {
    SmallVector<Type> inferred = inferTypes(op);
    if (inferred.size() == 1 && getElementTypeOrSelf(inferred.front()) !=
                                    getElementTypeOrSelf(types->front()))
      op->getResult(0).setType(
          cast<RankedTensorType>(types->front())
              .clone(getElementTypeOrSelf(inferred.front())));
  }
  for (auto [index, tensor] : llvm::enumerate(written)) {
    FailureOr<Value> value = convertToType(
        node, (*values)[first + index], tensor->value.getType());
    if (failed(value) || failed(assign(node, *tensor, *value)))
      return failure();
  }

  if (isList && llvm::any_of(node.results, [](const Argument &result) {
        return result.is(Argument::Kind::Value);
      }))
    return error(node) << "an in-place operator on a list with results";
  // A result that is the written tensor shares its entry.
  unsigned position = 0;
  for (auto [index, result] : llvm::enumerate(node.results)) {
    if (!result.is(Argument::Kind::Value))
      continue;
    std::optional<unsigned> aliased = schema.findAliasedArgument(index);
    if (aliased && arguments.values[*aliased].is(Argument::Kind::Value))
      names[result.text] = names.lookup(arguments.values[*aliased].text);
    else
      define(result.text, (*values)[position]);
    ++position;
  }
  return success();
}

/// `batch_norm` writes to its running statistics although its schema does not
/// say so; fx.batch_norm returns them.
LogicalResult
GraphImporter::importStatisticsUpdate(const Node &node,
                                      const BoundArguments &arguments,
                                      ValueRange values) {
  const Argument *training = arguments.find("training");
  if (values.empty() || !values.front().getDefiningOp<BatchNormOp>() || !training || !training->integer)
    return success();
  unsigned index = 1;
  for (StringRef name : {"running_mean", "running_var"}) {
    const Argument *argument = arguments.find(name);
    if (!argument->is(Argument::Kind::Value))
      continue;
    if (failed(assign(node, *names.lookup(argument->text),
                      values[index++])))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::importOperator(const Node &node,
                                            const ATenSchema &schema) {
  FailureOr<BoundArguments> arguments = bindArguments(node, schema);
  if (failed(arguments))
    return failure();
  if (schema.mutates())
    return importMutation(node, *arguments);
  FailureOr<SmallVector<Type>> types = getResultTypes(node);
  if (failed(types))
    return failure();
  if (schema.target == "aten.broadcast_tensors.default") {
    FailureOr<bool> done = importBroadcast(node, *arguments, *types);
    if (failed(done) || *done)
      return failure(failed(done));
  }
  FailureOr<SmallVector<Value>> built =
      buildOperator(node, *arguments, *types);
  if (failed(built))
    return failure();
  SmallVector<Value> values = *built;
  for (auto [value, type] : llvm::zip(values, *types)) {
    if (value.getType() == type)
      continue;
    FailureOr<Value> converted = convertToType(node, value, type);
    if (failed(converted))
      return failure();
    value = *converted;
  }
  if (failed(defineResults(node, values)))
    return failure();
  if (failed(importStatisticsUpdate(node, *arguments, *built)))
    return failure();
  return recordViews(node, *arguments);
}
