//===- Autocast.cpp - Parts of a graph under torch.autocast ---------------===//
//
// The nodes of such a part are recorded as called, without the conversions that
// autocast puts before them at run time. Which nodes get some is told by the
// recorded type of the result: where it is none that the inputs promote to,
// the inputs were converted to it. To widen inputs to the type of the result
// changes no number, so that is done in any case. No list of operators is
// needed, which differ between devices and versions.
//
//===----------------------------------------------------------------------===//

#include "GraphImporterImpl.h"

#include "fx/IR/TensorBuilder.h"
#include "fx/IR/TypeInference.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::Node;

static void collectNames(const Argument &argument,
                         SmallVectorImpl<StringRef> &names) {
  if (argument.is(Argument::Kind::Value))
    names.push_back(argument.text);
  for (const Argument &element : argument.elements)
    collectNames(element, names);
}

/// A floating-point type that autocast converts from or to.
static bool isCastType(Type type) {
  return type.isF32() || type.isF16() || type.isBF16();
}

/// The one type of the results that autocast converts to, null if there is none
/// or several: then each result goes with an input (broadcast_tensors).
static Type getResultElement(ArrayRef<Type> types) {
  Type element;
  for (Type type : types) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !isCastType(tensor.getElementType()))
      continue;
    if (element && element != tensor.getElementType())
      return Type();
    element = tensor.getElementType();
  }
  return element;
}

LogicalResult GraphImporter::importUnderAutocast(const Node &node) {
  const ATenSchema *schema = ATenSchema::lookup(node.target);
  // In-place operators keep the type of what they write to.
  if (!schema || schema->mutates())
    return importPlainNode(node);
  FailureOr<SmallVector<Type>> types = getResultTypes(node);
  if (failed(types))
    return failure();
  Type element = getResultElement(*types);
  SmallVector<StringRef> inputs;
  for (const graph::NodeArgument &argument : node.arguments)
    collectNames(argument.value, inputs);
  SmallVector<Value> values;
  SmallVector<StringRef> casts;
  for (StringRef name : inputs) {
    FailureOr<Value> value = getNamed(name);
    if (failed(value))
      return failure();
    if (!isTensor(*value) || !isCastType(getElement(*value)))
      continue;
    values.push_back(*value);
    if (getElement(*value) != element && !llvm::is_contained(casts, name))
      casts.push_back(name);
  }
  if (!element || values.empty())
    return importPlainNode(node);
  if (promoteElementTypes(values) == element)
    llvm::erase_if(casts, [&](StringRef name) {
      return getElement(names.lookup(name)->value).getIntOrFloatBitWidth() >=
             element.getIntOrFloatBitWidth();
    });

  SmallVector<Tensor *> originals;
  for (StringRef name : casts) {
    originals.push_back(names.lookup(name));
    FailureOr<Value> value = getNamed(name);
    if (failed(value))
      return failure();
    TensorBuilder b(builder, getNodeLoc((name + "_autocast").str(),
                                        getLocation(node)));
    define(name, b.convert(*value, element));
  }
  LogicalResult result = importPlainNode(node);
  for (auto [name, original] : llvm::zip_equal(casts, originals))
    names[name] = original;
  return result;
}
