//===- Import.h - Graph files as fx modules ---------------------*- C++ -*-===//

#ifndef FX_IMPORT_IMPORT_H
#define FX_IMPORT_IMPORT_H

#include "fx/Import/ExportedProgram.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::fx {

/// Which result of a program is the loss.
struct LossChoice {
  enum class Kind {
    /// The file's own `loss_output`; else, of training IR whose parameters or
    /// inputs require gradients, the only output if it is a floating-point
    /// scalar.
    Auto,
    /// Only the file's own `loss_output`.
    None,
    /// The output `index`, counted without mutations.
    Index,
  };
  Kind kind = Kind::Auto;
  unsigned index = 0;

  /// Parses `auto`, `none` or a number.
  static std::optional<LossChoice> parse(llvm::StringRef text);
};

struct ImportPt2Options : ReadProgramOptions {
  LossChoice loss;
  /// Name of the function; empty for `joint` if the program has gradients and
  /// `main` otherwise.
  std::string functionName;
};

/// The program's function in a module of its own. Weights are arguments: the
/// argument with `fx.name` NAME gets the weight of that name in `program`. Of
/// the names of a shared parameter the first has all uses.
/// Errors are reported as diagnostics.
OwningOpRef<ModuleOp> importProgram(MLIRContext *context,
                                    ExportedProgram &program,
                                    const ImportPt2Options &options = {});

/// The same from the archive on.
OwningOpRef<ModuleOp> importPt2(MLIRContext *context, const Pt2Archive &archive,
                                const ImportPt2Options &options = {});

/// Reads a joint graph in JSON (docs: `joint-graph-oracle-1`, one object with
/// `joint`, `num_fwd_outputs`, `static_lifetime_input_indices`) as a module
/// with the function `joint`. `name` names the file in errors.
OwningOpRef<ModuleOp> importFXJson(MLIRContext *context, llvm::StringRef text,
                                   llvm::StringRef name);

/// Adds the dialects that imported modules use.
void registerImportDialects(DialectRegistry &registry);

} // namespace mlir::fx

#endif // FX_IMPORT_IMPORT_H
