//===- ExportedProgram.h - Programs of torch.export -------------*- C++ -*-===//
//
// Reads the JSON of an exported program, and says where its weights are.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IMPORT_EXPORTEDPROGRAM_H
#define FX_IMPORT_EXPORTEDPROGRAM_H

#include "fx/Import/Graph.h"
#include "fx/Import/Pt2Archive.h"

#include <map>

namespace mlir::fx {

/// A parameter, buffer or constant. Tied weights share a storage.
struct Weight {
  /// Fully qualified name, the `fx.name` of a function argument.
  std::string name;
  /// The archive's entry with its storage.
  std::string path;
  /// Sizes and strides; all static.
  graph::TensorMeta meta;
  bool isParameter = false;
  /// The bytes of the whole storage, in the archive's mapping; empty if the
  /// program was saved without weights.
  llvm::StringRef storage;
  /// Offset in bytes of the first element.
  uint64_t offset = 0;
  /// Whether the elements are dense and row-major, so that `data()` can be
  /// used as it is.
  bool isContiguous = false;

  bool hasData() const { return !storage.empty(); }
  const char *data() const { return storage.data() + offset; }
};

struct RangeConstraint {
  std::optional<int64_t> min;
  std::optional<int64_t> max;
};

struct ExportedProgram {
  graph::Graph graph;
  /// Bounds of the symbols in sizes.
  std::map<std::string, RangeConstraint> ranges;
  /// `TRAINING` for training IR, `ATEN` for functional graphs.
  std::vector<std::string> verifiers;
  std::string torchVersion;
  /// Sorted by name.
  std::vector<Weight> weights;
};

struct ReadProgramOptions {
  /// The program to read; empty if the archive holds only one.
  std::string model;
  /// Try to read files of another major version of the schema.
  bool allowAnySchema = false;
};

/// The archive must outlive the result's weights.
llvm::Expected<ExportedProgram>
readExportedProgram(const Pt2Archive &archive,
                    const ReadProgramOptions &options = {});

/// Parses a symbolic expression in the form of SymPy's `srepr`, as in
/// `Mul(Integer(2), Symbol('s77', positive=True, integer=True))`.
llvm::Expected<graph::SymExpr> parseSymExpr(llvm::StringRef text);

/// Bytes of an element of a PyTorch data type such as `float32`; 0 if the name
/// is unknown.
unsigned getDTypeSize(llvm::StringRef dtype);

} // namespace mlir::fx

#endif // FX_IMPORT_EXPORTEDPROGRAM_H
