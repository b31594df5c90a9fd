//===- NumpyIO.h - Arrays in .npy and .npz files ----------------*- C++ -*-===//
//
// Reads and writes NumPy's array files, the form in which tools take inputs
// and give outputs. Arrays in memory are dense, row-major and aligned to 64
// bytes; a Fortran-ordered file is reordered when it is read.
//
//===----------------------------------------------------------------------===//

#ifndef FX_SUPPORT_NUMPYIO_H
#define FX_SUPPORT_NUMPYIO_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::fx {

enum class NumpyType { Bool, I8, U8, I16, I32, I64, F16, F32, F64 };

/// Bytes of one element.
unsigned getItemSize(NumpyType type);
/// NumPy's name, as in `float32`.
llvm::StringRef getName(NumpyType type);

/// An array that owns its elements. NumPy has no bfloat16: such an array has
/// the type I16 and holds the bits.
class NumpyArray {
public:
  /// An array whose elements are not yet set; an error if there is no memory
  /// for it, or a size is negative.
  static llvm::Expected<NumpyArray> create(NumpyType type,
                                           llvm::ArrayRef<int64_t> shape);

  NumpyType type() const { return elementType; }
  llvm::ArrayRef<int64_t> shape() const { return dims; }
  int64_t numElements() const;
  size_t numBytes() const { return storage->getBufferSize(); }
  char *data() { return storage->getBufferStart(); }
  const char *data() const { return storage->getBufferStart(); }
  llvm::StringRef bytes() const {
    return {storage->getBufferStart(), storage->getBufferSize()};
  }

private:
  NumpyArray() = default;

  NumpyType elementType = NumpyType::F32;
  llvm::SmallVector<int64_t> dims;
  std::shared_ptr<llvm::WritableMemoryBuffer> storage;
};

struct NamedNumpyArray {
  std::string name;
  NumpyArray array;
};

llvm::Expected<NumpyArray> readNpy(llvm::StringRef path);
/// Reads an array from the bytes of a `.npy` file; `what` names it in errors.
llvm::Expected<NumpyArray> parseNpy(llvm::StringRef bytes,
                                    llvm::StringRef what);
/// Reads all arrays of an archive, stored or compressed, in its order. Names
/// are those given to `numpy.savez`, without `.npy`.
llvm::Expected<std::vector<NamedNumpyArray>> readNpz(llvm::StringRef path);

llvm::Error writeNpy(llvm::StringRef path, const NumpyArray &array);
/// Writes an archive of uncompressed arrays, as `numpy.savez` does.
llvm::Error writeNpz(llvm::StringRef path,
                     llvm::ArrayRef<NamedNumpyArray> arrays);

} // namespace mlir::fx

#endif // FX_SUPPORT_NUMPYIO_H
