//===- PythonExport.h - fx modules as Python files --------------*- C++ -*-===//
//
// Writes a Python file with one function for each function of a module. It
// needs PyTorch alone: every op is a call of the ATen overload that its
// bindings name, so the functions run eagerly and can be traced to FX graphs.
//
// `SIGNATURES[name]` describes arguments and results: dictionaries with name,
// role, dtype and shape (None for an unknown size).
//
//===----------------------------------------------------------------------===//

#ifndef FX_EXPORT_PYTHONEXPORT_H
#define FX_EXPORT_PYTHONEXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::fx {

/// Fails with an error on the first op that has no counterpart in PyTorch.
LogicalResult exportToPython(ModuleOp module, llvm::raw_ostream &os);

/// Registers `--fx-to-python`.
void registerExportTranslations();

} // namespace mlir::fx

#endif
