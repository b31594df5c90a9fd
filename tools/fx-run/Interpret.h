//===- Interpret.h - Models without code ------------------------*- C++ -*-===//

#ifndef FX_TOOLS_FX_RUN_INTERPRET_H
#define FX_TOOLS_FX_RUN_INTERPRET_H

#include "Runner.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::fx {

/// A model whose functions are interpreted; `module` must outlive it.
ModelCode interpretModule(ModuleOp module, uint64_t seed);

/// An element as text.
std::string formatElement(const NumpyArray &array, int64_t i);

} // namespace mlir::fx

#endif
