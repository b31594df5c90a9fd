//===- ATenSchema.h - Signatures of PyTorch's operators ---------*- C++ -*-===//
//
// The signatures of all ATen, prims and functional collective overloads, from
// a table that is part of the library. An entry is parsed when it is asked for.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IMPORT_ATENSCHEMA_H
#define FX_IMPORT_ATENSCHEMA_H

#include "fx/Import/Graph.h"

namespace mlir::fx {

/// `SymInt[2]?` has the base `SymInt`, is a list of length 2, and optional.
struct SchemaType {
  llvm::StringRef base;
  bool isList = false;
  /// A list of this length can also be given as one element; 0 if not fixed.
  unsigned listLength = 0;
  bool isOptional = false;
  /// As in `Tensor?[]`.
  bool isElementOptional = false;
  /// The names of the alias sets the value belongs to, as in `a` or `a -> *`;
  /// empty if it is fresh.
  llvm::StringRef aliasSet;
  /// The argument is written to: `Tensor(a!)`.
  bool isWritten = false;

  bool isTensor() const { return base == "Tensor"; }
};

struct SchemaArgument {
  SchemaType type;
  llvm::StringRef name;
  bool isKeywordOnly = false;
  /// The default as it stands in the schema; none if it is required.
  std::optional<llvm::StringRef> defaultText;

  /// The default as an argument of a node; none if it is required.
  std::optional<graph::Argument> getDefault() const;
};

struct ATenSchema {
  /// `aten.add.Tensor`
  llvm::StringRef target;
  llvm::SmallVector<SchemaArgument> arguments;
  llvm::SmallVector<SchemaType> results;
  /// The results differ from call to call.
  bool isRandom = false;

  /// Whether an argument is written to.
  bool mutates() const;
  /// The position of an argument, or none.
  std::optional<unsigned> findArgument(llvm::StringRef name) const;
  /// The argument that result `index` may share memory with, or none.
  std::optional<unsigned> findAliasedArgument(unsigned index) const;

  /// The schema of an overload such as `aten.add.Tensor`, or null. It lives as
  /// long as the program.
  static const ATenSchema *lookup(llvm::StringRef target);
};

} // namespace mlir::fx

#endif // FX_IMPORT_ATENSCHEMA_H
