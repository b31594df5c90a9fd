//===- PythonExportImpl.h - Names and calls in Python -----------*- C++ -*-===//

#ifndef FX_LIB_EXPORT_PYTHONEXPORTIMPL_H
#define FX_LIB_EXPORT_PYTHONEXPORTIMPL_H

#include "fx/IR/ATenBinding.h"
#include "fx/IR/FXOps.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::fx {

/// Python expressions of the values of one function.
class PythonNames {
public:
  /// Gives a value a variable, named after its FX node.
  StringRef define(Value value);
  /// Gives a value an expression of its own (a literal).
  void define(Value value, std::string text) {
    texts[value] = std::move(text);
  }
  StringRef get(Value value) const { return texts.find(value)->second; }

private:
  llvm::DenseMap<Value, std::string> texts;
  llvm::StringMap<unsigned> used;
};

/// Makes an identifier of a node's name.
std::string toPythonIdentifier(StringRef name);
/// Text of literals; empty if Python has no counterpart.
std::string toPythonString(StringRef text);
std::string toPythonFloat(double value);
std::string toPythonDtype(Type element);
std::string toPythonLiteral(Attribute attr);

/// The call of an op as an expression; fails with an error on the op. The
/// expression has as many results as the op.
FailureOr<std::string> toPythonCall(Operation *op, const PythonNames &names);

} // namespace mlir::fx

#endif
