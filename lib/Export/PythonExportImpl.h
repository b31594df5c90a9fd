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
  /// A name that nothing else in this function has.
  std::string makeUnique(StringRef base);

private:
  llvm::DenseMap<Value, std::string> texts;
  llvm::StringMap<unsigned> used;
};

/// Writes the operations of a function or region; every line starts with
/// `indent`.
LogicalResult exportBlock(Block &block, PythonNames &names, StringRef indent,
                          llvm::raw_ostream &os);
/// Writes the regions of a control flow op as functions and returns the call;
/// empty for other ops.
FailureOr<std::string> exportControlFlow(Operation *op, PythonNames &names,
                                         StringRef indent,
                                         llvm::raw_ostream &os);

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
