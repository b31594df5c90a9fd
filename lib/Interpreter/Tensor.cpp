//===- Tensor.cpp - Values of the interpreter -----------------------------===//

#include "fx/Interpreter/Tensor.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

static thread_local bool isUnrounded = false;

UnroundedScope::UnroundedScope(bool isOn) : before(isUnrounded) {
  isUnrounded = isOn;
}
UnroundedScope::~UnroundedScope() { isUnrounded = before; }

std::optional<ElementKind> interp::getElementKind(Type element) {
  std::optional<ElementKind> kind = getStoredKind(element);
  if (!isUnrounded || !kind)
    return kind;
  if (isFloatKind(*kind))
    return ElementKind::F64;
  return isComplexKind(*kind) ? ElementKind::C128 : *kind;
}

std::optional<ElementKind> interp::getStoredKind(Type element) {
  if (element.isF16())
    return ElementKind::F16;
  if (element.isBF16())
    return ElementKind::BF16;
  if (element.isF32())
    return ElementKind::F32;
  if (element.isF64())
    return ElementKind::F64;
  if (element.isIndex())
    return ElementKind::I64;
  if (auto complex = dyn_cast<ComplexType>(element)) {
    if (complex.getElementType().isF32())
      return ElementKind::C64;
    if (complex.getElementType().isF64())
      return ElementKind::C128;
    return std::nullopt;
  }
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return ElementKind::Bool;
  case 8:
    return isUnsigned ? ElementKind::U8 : ElementKind::I8;
  case 16:
    return isUnsigned ? std::nullopt : std::optional(ElementKind::I16);
  case 32:
    return isUnsigned ? std::nullopt : std::optional(ElementKind::I32);
  case 64:
    return isUnsigned ? std::nullopt : std::optional(ElementKind::I64);
  default:
    return std::nullopt;
  }
}

unsigned interp::getByteWidth(ElementKind kind) {
  switch (kind) {
  case ElementKind::Bool:
  case ElementKind::I8:
  case ElementKind::U8:
    return 1;
  case ElementKind::I16:
  case ElementKind::F16:
  case ElementKind::BF16:
    return 2;
  case ElementKind::I32:
  case ElementKind::F32:
    return 4;
  case ElementKind::I64:
  case ElementKind::F64:
  case ElementKind::C64:
    return 8;
  case ElementKind::C128:
    return 16;
  }
  llvm_unreachable("all kinds are above");
}

bool interp::isFloatKind(ElementKind kind) {
  return kind == ElementKind::F16 || kind == ElementKind::BF16 ||
         kind == ElementKind::F32 || kind == ElementKind::F64;
}

bool interp::isComplexKind(ElementKind kind) {
  return kind == ElementKind::C64 || kind == ElementKind::C128;
}

//===----------------------------------------------------------------------===//
// Numbers of each kind
//===----------------------------------------------------------------------===//

/// The two 16-bit formats: a sign, an exponent, `digits` bits of a fraction.
/// `least` is the exponent of the smallest normal number.
struct SmallFloat {
  int digits, least;
};
static constexpr SmallFloat half{10, -14}, brain{7, -126};

/// One rounding, from the exact value: what lies between two neighbours of
/// the format is divided by their distance, a power of two.
static uint16_t encode(double value, SmallFloat format) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  uint16_t infinite = 0x7fff >> format.digits << format.digits;
  if (std::isnan(value))
    return sign | infinite | (1 << (format.digits - 1));
  if (value == 0)
    return sign;
  if (std::isinf(value))
    return sign | infinite;
  int exponent = std::max(std::ilogb(value), format.least);
  double steps = std::nearbyint(
      std::ldexp(std::abs(value), format.digits - exponent));
  // A carry out of the fraction counts the exponent up.
  int64_t bits = (int64_t(exponent - format.least) << format.digits) +
                 static_cast<int64_t>(steps);
  return sign | static_cast<uint16_t>(std::min<int64_t>(bits, infinite));
}

static double decode(uint16_t bits, SmallFloat format) {
  double sign = bits & 0x8000 ? -1 : 1;
  int fraction = bits & ((1 << format.digits) - 1);
  int exponent = (bits & 0x7fff) >> format.digits;
  if (exponent == 0x7fff >> format.digits)
    return fraction ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0)
    return sign * std::ldexp(fraction, format.least - format.digits);
  return sign * std::ldexp(fraction + (1 << format.digits),
                           exponent - 1 + format.least - format.digits);
}

double interp::roundToKind(double value, ElementKind kind) {
  switch (kind) {
  case ElementKind::F16:
    return decode(encode(value, half), half);
  case ElementKind::BF16:
    return decode(encode(value, brain), brain);
  case ElementKind::F32:
  case ElementKind::C64:
    return static_cast<float>(value);
  default:
    return value;
  }
}

int64_t interp::wrapToKind(int64_t value, ElementKind kind) {
  switch (kind) {
  case ElementKind::Bool:
    return value != 0;
  case ElementKind::I8:
    return static_cast<int8_t>(value);
  case ElementKind::U8:
    return static_cast<uint8_t>(value);
  case ElementKind::I16:
    return static_cast<int16_t>(value);
  case ElementKind::I32:
    return static_cast<int32_t>(value);
  default:
    return value;
  }
}

int64_t interp::truncateToKind(double value, ElementKind kind) {
  if (kind == ElementKind::Bool)
    return value != 0;
  bool isWide = kind == ElementKind::I64;
  double limit = isWide ? 0x1p63 : 0x1p31;
  // The negation is true of NaN.
  if (!(std::trunc(value) >= -limit && std::trunc(value) < limit))
    value = -limit;
  return wrapToKind(static_cast<int64_t>(value), kind);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

int64_t interp::countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

std::optional<Tensor> Tensor::create(ElementKind kind,
                                     ArrayRef<int64_t> shape) {
  // More than any machine that runs an interpreter has.
  constexpr int64_t maxBytes = int64_t(1) << 36;
  int64_t bytes = getByteWidth(kind);
  bool isEmpty = llvm::is_contained(shape, 0);
  for (int64_t size : shape) {
    if (size < 0 || (!isEmpty && size > maxBytes / bytes))
      return std::nullopt;
    if (!isEmpty)
      bytes *= size;
  }
  Tensor tensor;
  tensor.elementKind = kind;
  tensor.dims.assign(shape.begin(), shape.end());
  tensor.count = isEmpty ? 0 : bytes / getByteWidth(kind);
  // An empty tensor has an address, too.
  void *memory = std::calloc(std::max<size_t>(tensor.numBytes(), 1), 1);
  if (!memory)
    return std::nullopt;
  tensor.bytes.reset(static_cast<char *>(memory), std::free);
  return tensor;
}

Tensor Tensor::scalar(ElementKind kind, double value) {
  Tensor tensor = *create(kind, {});
  tensor.setReal(0, value);
  return tensor;
}

Tensor Tensor::scalarInteger(ElementKind kind, int64_t value) {
  Tensor tensor = *create(kind, {});
  tensor.setInteger(0, value);
  return tensor;
}

template <typename T>
static T load(const char *bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}
template <typename T>
static void store(char *bytes, int64_t i, T value) {
  std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
}

double Tensor::real(int64_t i) const {
  switch (elementKind) {
  case ElementKind::F16:
    return decode(load<uint16_t>(data(), i), half);
  case ElementKind::BF16:
    return decode(load<uint16_t>(data(), i), brain);
  case ElementKind::F32:
    return load<float>(data(), i);
  case ElementKind::F64:
    return load<double>(data(), i);
  case ElementKind::C64:
  case ElementKind::C128:
    return complex(i).real();
  default:
    return static_cast<double>(integer(i));
  }
}

int64_t Tensor::integer(int64_t i) const {
  switch (elementKind) {
  case ElementKind::Bool:
    return load<uint8_t>(data(), i) != 0;
  case ElementKind::I8:
    return load<int8_t>(data(), i);
  case ElementKind::U8:
    return load<uint8_t>(data(), i);
  case ElementKind::I16:
    return load<int16_t>(data(), i);
  case ElementKind::I32:
    return load<int32_t>(data(), i);
  case ElementKind::I64:
    return load<int64_t>(data(), i);
  default:
    return truncateToKind(real(i), ElementKind::I64);
  }
}

Complex Tensor::complex(int64_t i) const {
  if (elementKind == ElementKind::C64)
    return {load<float>(data(), 2 * i), load<float>(data(), 2 * i + 1)};
  if (elementKind == ElementKind::C128)
    return {load<double>(data(), 2 * i), load<double>(data(), 2 * i + 1)};
  return real(i);
}

void Tensor::setReal(int64_t i, double value) {
  switch (elementKind) {
  case ElementKind::F16:
    return store(data(), i, encode(value, half));
  case ElementKind::BF16:
    return store(data(), i, encode(value, brain));
  case ElementKind::F32:
    return store(data(), i, static_cast<float>(value));
  case ElementKind::F64:
    return store(data(), i, value);
  case ElementKind::C64:
  case ElementKind::C128:
    return setComplex(i, value);
  default:
    return setInteger(i, truncateToKind(value, elementKind));
  }
}

void Tensor::setInteger(int64_t i, int64_t value) {
  switch (elementKind) {
  case ElementKind::Bool:
    return store<uint8_t>(data(), i, value != 0);
  case ElementKind::I8:
  case ElementKind::U8:
    return store(data(), i, static_cast<uint8_t>(value));
  case ElementKind::I16:
    return store(data(), i, static_cast<int16_t>(value));
  case ElementKind::I32:
    return store(data(), i, static_cast<int32_t>(value));
  case ElementKind::I64:
    return store(data(), i, value);
  case ElementKind::F32:
    return store(data(), i, static_cast<float>(value));
  default:
    return setReal(i, static_cast<double>(value));
  }
}

void Tensor::setComplex(int64_t i, Complex value) {
  if (elementKind == ElementKind::C64) {
    store(data(), 2 * i, static_cast<float>(value.real()));
    store(data(), 2 * i + 1, static_cast<float>(value.imag()));
  } else if (elementKind == ElementKind::C128) {
    store(data(), 2 * i, value.real());
    store(data(), 2 * i + 1, value.imag());
  } else if (elementKind == ElementKind::Bool) {
    setInteger(i, value != Complex(0));
  } else {
    setReal(i, value.real());
  }
}

void Tensor::copyElement(int64_t i, const Tensor &from, int64_t j) {
  unsigned width = getByteWidth(elementKind);
  std::memcpy(data() + i * width, from.data() + j * width, width);
}

std::vector<double> Tensor::reals() const {
  std::vector<double> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = real(i);
  return values;
}

std::vector<int64_t> Tensor::integers() const {
  std::vector<int64_t> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = integer(i);
  return values;
}

std::vector<Complex> Tensor::complexes() const {
  std::vector<Complex> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = complex(i);
  return values;
}

Tensor Tensor::reshaped(ArrayRef<int64_t> shape) const {
  Tensor tensor = *this;
  tensor.dims.assign(shape.begin(), shape.end());
  return tensor;
}

std::optional<Tensor> Tensor::bitcast(ElementKind kind) const {
  unsigned from = getByteWidth(elementKind), to = getByteWidth(kind);
  if (from != to && (dims.empty() || dims.back() * from % to != 0))
    return std::nullopt;
  Tensor tensor = *this;
  tensor.elementKind = kind;
  if (from != to)
    tensor.dims.back() = dims.back() * from / to;
  tensor.count = countElements(tensor.dims);
  return tensor;
}

std::optional<Tensor> Tensor::clone() const {
  std::optional<Tensor> copy = create(elementKind, dims);
  if (copy)
    std::memcpy(copy->data(), data(), numBytes());
  return copy;
}

std::optional<Tensor> Tensor::converted(ElementKind kind) const {
  if (kind == elementKind)
    return *this;
  std::optional<Tensor> result = create(kind, dims);
  for (int64_t i = 0; result && i < count; ++i) {
    if (isComplexKind(elementKind))
      result->setComplex(i, complex(i));
    else if (isFloatKind(elementKind))
      result->setReal(i, real(i));
    else
      result->setInteger(i, integer(i));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

void Positions::next() {
  for (size_t dim = dims.size(); dim-- > 0;) {
    for (size_t i = 0; i < offsets.size(); ++i)
      offsets[i] += steps[i][dim];
    if (++at[dim] < dims[dim])
      return;
    for (size_t i = 0; i < offsets.size(); ++i)
      offsets[i] -= steps[i][dim] * dims[dim];
    at[dim] = 0;
  }
}

Shape interp::getStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

Shape interp::getBroadcastStrides(ArrayRef<int64_t> shape,
                                  ArrayRef<int64_t> to) {
  Shape strides(to.size(), 0), dense = getStrides(shape);
  size_t first = to.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i)
    strides[first + i] = shape[i] == 1 ? 0 : dense[i];
  return strides;
}

std::optional<Shape> interp::broadcast(ArrayRef<int64_t> a,
                                       ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  Shape shape(a.begin(), a.end());
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &size = shape[a.size() - b.size() + i];
    if (size == 1)
      size = b[i];
    else if (b[i] != 1 && b[i] != size)
      return std::nullopt;
  }
  return shape;
}

std::string interp::printShape(ArrayRef<int64_t> shape) {
  auto sizes = llvm::map_range(
      shape, [](int64_t size) { return std::to_string(size); });
  return "[" + llvm::join(sizes, ", ") + "]";
}
