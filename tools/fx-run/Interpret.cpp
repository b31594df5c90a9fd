//===- Interpret.cpp - Models without code --------------------------------===//

#include "Interpret.h"
#include "fx/Interpreter/Interpreter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

using Arrays = std::vector<NumpyArray>;

static llvm::Expected<Tensor> toTensor(Type type, const void *data,
                                       ArrayRef<int64_t> shape) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  auto kind = getElementKind(ranked ? ranked.getElementType() : type);
  std::optional<Tensor> tensor;
  if (kind)
    tensor = Tensor::create(*kind, shape);
  if (!tensor)
    return llvm::createStringError("no values for an argument of this type");
  if (tensor->size() != 0)
    std::memcpy(tensor->data(), data, tensor->numBytes());
  return *tensor;
}

static llvm::Expected<Arrays>
run(Interpreter &interpreter, const FunctionDescription &description,
    ArrayRef<const void *> arguments,
    ArrayRef<std::vector<int64_t>> shapes) {
  auto function =
      interpreter.getModule().lookupSymbol<func::FuncOp>(description.name);
  std::vector<Tensor> values;
  for (auto [type, data, shape] :
       llvm::zip_equal(function.getArgumentTypes(), arguments, shapes)) {
    auto tensor = toTensor(type, data, shape);
    if (!tensor)
      return tensor.takeError();
    values.push_back(*tensor);
  }
  FailureOr<std::vector<Tensor>> results = interpreter.call(function, values);
  if (failed(results))
    return llvm::createStringError(description.name +
                                   " cannot be interpreted");
  Arrays arrays;
  for (auto [tensor, result] :
       llvm::zip_equal(*results, description.results)) {
    auto type = getNumpyType(result.dtype);
    if (!type)
      return llvm::createStringError("result of type " + result.dtype +
                                     " has no NumPy type");
    auto array = NumpyArray::create(*type, tensor.shape());
    if (!array)
      return array.takeError();
    std::memcpy(array->data(), tensor.data(), tensor.numBytes());
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

ModelCode mlir::fx::interpretModule(ModuleOp module, uint64_t seed) {
  auto interpreter = std::make_shared<Interpreter>(module, seed);
  ModelCode code;
  code.lookup = [](StringRef) -> void * { return nullptr; };
  code.interpret = [interpreter](const FunctionDescription &function,
                                 ArrayRef<const void *> arguments,
                                 ArrayRef<std::vector<int64_t>> shapes) {
    return run(*interpreter, function, arguments, shapes);
  };
  return code;
}

std::string mlir::fx::formatElement(const NumpyArray &array, int64_t i) {
  static const llvm::DenseMap<int, ElementKind> kinds = {
      {int(NumpyType::Bool), ElementKind::Bool},
      {int(NumpyType::I8), ElementKind::I8},
      {int(NumpyType::U8), ElementKind::U8},
      {int(NumpyType::I16), ElementKind::I16},
      {int(NumpyType::I32), ElementKind::I32},
      {int(NumpyType::I64), ElementKind::I64},
      {int(NumpyType::F16), ElementKind::F16},
      {int(NumpyType::F32), ElementKind::F32},
      {int(NumpyType::F64), ElementKind::F64}};
  ElementKind kind = kinds.lookup(int(array.type()));
  Tensor element = *Tensor::create(kind, {});
  std::memcpy(element.data(), array.data() + i * getByteWidth(kind),
              getByteWidth(kind));
  if (isIntegerKind(kind))
    return std::to_string(element.integer(0));
  // The sign of NaN says nothing.
  if (std::isnan(element.real(0)))
    return "nan";
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9g", element.real(0));
  return text;
}
