//===- HookOptions.h - Command-line options for hooks -----------*- C++ -*-===//
//
// What fx-compile and fx-run offer for passes of the user's. fx-opt has the
// same as pipelines and by MLIR's own options.
//
//===----------------------------------------------------------------------===//

#ifndef FX_COMPILER_HOOKOPTIONS_H
#define FX_COMPILER_HOOKOPTIONS_H

#include "fx/Compiler/CompileFx.h"
#include "fx/Compiler/Explain.h"
#include "fx/Compiler/VerifyNumeric.h"
#include "llvm/Support/CommandLine.h"

namespace mlir::fx {

/// Made after the tool has reset LLVM's command line.
class HookOptions {
public:
  explicit HookOptions(llvm::cl::OptionCategory &category);

  /// Loads the plugins and puts the hooks into `options`. Once a process, after
  /// the command line was parsed.
  llvm::Error apply(CompileOptions &options);

  /// Writes what --fx-explain and --fx-verify-each ask for, also after an error
  /// of the compilation.
  llvm::Error finish();

private:
  llvm::cl::opt<std::string> preGrad, jointGraph, postGrad, lowering;
  llvm::cl::list<std::string> passPlugins;
  llvm::cl::opt<std::string> explainPath, verifyEach;
  Explain explain;
  VerifyNumeric verifyNumeric;
};

} // namespace mlir::fx

#endif
