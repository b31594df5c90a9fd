//===- InputFile.h - A model file as an fx module ---------------*- C++ -*-===//

#ifndef FX_COMPILER_INPUTFILE_H
#define FX_COMPILER_INPUTFILE_H

#include "fx/Compiler/SharedLibrary.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <optional>

namespace mlir::fx {

/// A module read from a .pt2 archive, an .mlir (text or bytecode) or a joint
/// graph in JSON, with the weights of its named arguments.
struct InputFile {
  struct Options {
    /// Which result of a .pt2 is a loss: `auto`, `none` or an index.
    std::string loss = "auto";
    /// Read other major versions of the schema.
    bool allowAnySchema = false;
  };

  /// Errors name the file.
  static llvm::Expected<InputFile> open(StringRef path, const Options &options);

  /// The bytes of a weight, dense and row-major.
  std::optional<StringRef> findWeight(StringRef name) const;

  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  /// Weights of the archive; the bytes lie in `storage`.
  std::vector<WeightData> weights;
  /// Keeps the mapped archive and repacked weights alive.
  std::vector<std::shared_ptr<void>> storage;
};

} // namespace mlir::fx

#endif
