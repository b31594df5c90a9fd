//===- Tensor.h - Values of the interpreter ---------------------*- C++ -*-===//
//
// A dense row-major array. A scalar of the IR (i64, f64, i1) is an array of
// rank 0.
//
//===----------------------------------------------------------------------===//

#ifndef FX_INTERPRETER_TENSOR_H
#define FX_INTERPRETER_TENSOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"

#include <complex>
#include <memory>
#include <optional>
#include <vector>

namespace mlir::fx::interp {

enum class ElementKind {
  Bool,
  I8,
  U8,
  I16,
  I32,
  I64,
  F16,
  BF16,
  F32,
  F64,
  C64,
  C128
};

using Shape = llvm::SmallVector<int64_t, 6>;
using Complex = std::complex<double>;

/// The kind of an element type; none if values cannot have it.
std::optional<ElementKind> getElementKind(Type element);
/// The kind in which bits are stored outside of the interpreter.
std::optional<ElementKind> getStoredKind(Type element);

/// While one exists, values of all floating-point types are f64 in this
/// thread: nothing is rounded to a type, so that only the order of sums can
/// change a number.
class UnroundedScope {
public:
  explicit UnroundedScope(bool isOn);
  ~UnroundedScope();

private:
  bool before;
};

unsigned getByteWidth(ElementKind kind);
bool isFloatKind(ElementKind kind);
bool isComplexKind(ElementKind kind);
inline bool isIntegerKind(ElementKind kind) {
  return !isFloatKind(kind) && !isComplexKind(kind);
}

/// The number nearest to `value` that the kind has: ties to even, too large
/// ones become infinite.
double roundToKind(double value, ElementKind kind);
/// The low bits of `value` as a number of an integer kind; of a boolean
/// whether it is not zero.
int64_t wrapToKind(int64_t value, ElementKind kind);
/// Towards zero. NaN and what does not fit give the least number, as x86 does;
/// narrow kinds take the low bits of 32.
int64_t truncateToKind(double value, ElementKind kind);

int64_t countElements(llvm::ArrayRef<int64_t> shape);

/// Elements are shared between copies: whoever writes makes a new tensor, or
/// a `clone`.
class Tensor {
public:
  Tensor() = default;

  /// A tensor of zeros; none if it does not fit into memory.
  static std::optional<Tensor> create(ElementKind kind,
                                      llvm::ArrayRef<int64_t> shape);
  static Tensor scalar(ElementKind kind, double value);
  static Tensor scalarInteger(ElementKind kind, int64_t value);

  ElementKind kind() const { return elementKind; }
  llvm::ArrayRef<int64_t> shape() const { return dims; }
  int64_t rank() const { return dims.size(); }
  int64_t dim(int64_t i) const { return dims[i < 0 ? i + rank() : i]; }
  int64_t size() const { return count; }
  size_t numBytes() const { return count * getByteWidth(elementKind); }
  char *data() { return bytes.get(); }
  const char *data() const { return bytes.get(); }

  /// Element `i` in row-major order. A complex number gives its real part.
  double real(int64_t i) const;
  int64_t integer(int64_t i) const;
  Complex complex(int64_t i) const;
  /// These convert to the kind of the tensor, as above.
  void setReal(int64_t i, double value);
  void setInteger(int64_t i, int64_t value);
  void setComplex(int64_t i, Complex value);
  /// Copies an element of a tensor of the same kind.
  void copyElement(int64_t i, const Tensor &from, int64_t j);

  /// All elements, converted.
  std::vector<double> reals() const;
  std::vector<int64_t> integers() const;
  std::vector<Complex> complexes() const;

  /// The same elements under another shape of the same size.
  Tensor reshaped(llvm::ArrayRef<int64_t> shape) const;
  /// The same bits as numbers of another kind, of which more or fewer fill the
  /// last dimension; none if they do not fit.
  std::optional<Tensor> bitcast(ElementKind kind) const;
  std::optional<Tensor> clone() const;
  std::optional<Tensor> converted(ElementKind kind) const;

private:
  ElementKind elementKind = ElementKind::F32;
  Shape dims;
  int64_t count = 0;
  std::shared_ptr<char> bytes;
};

/// Row-major positions of a shape, one after the other, and the offsets that
/// go with them in several arrays of given strides.
class Positions {
public:
  explicit Positions(llvm::ArrayRef<int64_t> shape)
      : dims(shape.begin(), shape.end()), at(shape.size(), 0) {}

  /// Adds an array; returns its number. Stride 0 repeats a dimension.
  unsigned add(llvm::ArrayRef<int64_t> strides, int64_t start = 0) {
    steps.emplace_back(strides.begin(), strides.end());
    offsets.push_back(start);
    return offsets.size() - 1;
  }
  int64_t offset(unsigned array) const { return offsets[array]; }
  int64_t operator[](size_t dim) const { return at[dim]; }
  void next();

private:
  Shape dims, at;
  llvm::SmallVector<Shape, 4> steps;
  llvm::SmallVector<int64_t, 4> offsets;
};

/// Row-major strides of a dense array.
Shape getStrides(llvm::ArrayRef<int64_t> shape);
/// Strides that repeat a dense array over a shape that it broadcasts to.
Shape getBroadcastStrides(llvm::ArrayRef<int64_t> shape,
                          llvm::ArrayRef<int64_t> to);
/// The common shape of two, as numpy; none if there is none.
std::optional<Shape> broadcast(llvm::ArrayRef<int64_t> a,
                               llvm::ArrayRef<int64_t> b);
/// `[2, 3]`
std::string printShape(llvm::ArrayRef<int64_t> shape);

} // namespace mlir::fx::interp

#endif
