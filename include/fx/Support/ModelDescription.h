//===- ModelDescription.h - The interface of compiled code ------*- C++ -*-===//
//
// What a caller must know of a compiled model: its functions, and for every
// argument and result its name, role, element type and sizes. A shared library
// carries it as JSON (`fx_model_describe`), fx-run and the Python package read
// it, and the C header is written from it.
//
//===----------------------------------------------------------------------===//

#ifndef FX_SUPPORT_MODELDESCRIPTION_H
#define FX_SUPPORT_MODELDESCRIPTION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlir::fx {

/// One argument or result: a dense row-major buffer.
struct BufferDescription {
  /// `fx.name`, "" if it has none.
  std::string name;
  /// `fx.role`, "" if it has none.
  std::string role;
  /// numpy's name: float32, bfloat16, int64, bool…
  std::string dtype;
  /// -1 where the size is known at run time only.
  std::vector<int64_t> shape;
  /// False for a Python scalar (rank 0, passed by pointer).
  bool isTensor = true;
  /// Of a result with the role `mutation`: the argument it replaces.
  std::string mutates;

  bool isDynamic() const;
  /// Bytes of one element.
  unsigned getItemSize() const;
  /// "f32 [8, 16]" with `?` for sizes known at run time.
  std::string getTypeText() const;
};

struct FunctionDescription {
  std::string name;
  std::vector<BufferDescription> arguments;
  std::vector<BufferDescription> results;
  /// Bytes of the planned workspace; -1 if it depends on run-time sizes.
  int64_t workspaceBytes = -1;
  /// Bytes that each thread takes for packing operands.
  int64_t scratchBytes = 0;
  /// The results stay in the workspace: the call gives their addresses.
  bool ownsResults = false;
};

struct ModelDescription {
  /// A C identifier.
  std::string name;
  /// "inference" or "training".
  std::string mode;
  /// "cpu" or "nvptx".
  std::string target;
  std::vector<FunctionDescription> functions;

  const FunctionDescription *find(llvm::StringRef function) const;
  std::string toJson() const;
  static llvm::Expected<ModelDescription> fromJson(llvm::StringRef text);
};

/// A C identifier made of any text: other characters become `_`, a leading
/// digit gets one in front.
std::string toIdentifier(llvm::StringRef text);

/// The C header of a shared library that holds the model.
std::string writeCHeader(const ModelDescription &model);

} // namespace mlir::fx

#endif // FX_SUPPORT_MODELDESCRIPTION_H
