//===- PatternFile.h - PDL patterns from a file -----------------*- C++ -*-===//

#ifndef FX_COMPILER_PATTERNFILE_H
#define FX_COMPILER_PATTERNFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Rewrite/FrozenRewritePatternSet.h"

namespace mlir::fx {

/// Reads patterns: a `.pdll` file through the tool mlir-pdll, which looks for
/// included files in `folders` too, other files as PDL in MLIR text or
/// bytecode. Null after an error, which names file and line.
OwningOpRef<ModuleOp> readPatternFile(MLIRContext *context, StringRef path,
                                      ArrayRef<std::string> folders);

/// Checks patterns against the registered ops, constraints and rewrites, which
/// MLIR does not in a release build, and makes them ready to run. Loads the
/// dialects of the ops. `path` is for messages without a line.
FailureOr<FrozenRewritePatternSet> compilePatterns(OwningOpRef<ModuleOp> module,
                                                   StringRef path);

} // namespace mlir::fx

#endif
