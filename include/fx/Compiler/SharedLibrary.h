//===- SharedLibrary.h - Models as ordinary shared libraries ----*- C++ -*-===//

#ifndef FX_COMPILER_SHAREDLIBRARY_H
#define FX_COMPILER_SHAREDLIBRARY_H

#include "fx/Compiler/CompileFx.h"

namespace mlir::fx {

/// The bytes of a parameter, buffer or constant of a model.
struct WeightData {
  std::string name;
  /// Dense and row-major; must outlive the call.
  StringRef bytes;
};

/// Writes the object file with a model's description and weights: the symbols
/// `fx_model_json` and `fx_model_weight_table`, which the run-time library's
/// `fx_model_describe` and `fx_model_weight` read. Weights are read-only and
/// aligned to 64 bytes.
llvm::Error writeDataObject(const ModelDescription &model,
                            ArrayRef<WeightData> weights, StringRef path);

/// Links code, description and weights to a shared library, and writes its C
/// header beside it (`path` with the extension .h). Nothing is left behind
/// when it fails.
llvm::Error writeSharedLibrary(CompiledFx &model, ArrayRef<WeightData> weights,
                               StringRef path);

} // namespace mlir::fx

#endif
