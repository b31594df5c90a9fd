//===- Import.h - What the fuzzers of the readers share ---------*- C++ -*-===//

#ifndef FX_TEST_FUZZ_IMPORT_H
#define FX_TEST_FUZZ_IMPORT_H

#include "fx/Import/Import.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include <cstdlib>
#include <memory>

/// LLVM's allocators mark memory that is not handed out, but the installed
/// libLLVM does not take the marks away.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}

namespace mlir::fx {

/// A context with the importer's dialects. It serves many inputs, because
/// making one takes longer than reading one, but not all: what is interned in
/// it lives as long as the context.
inline MLIRContext &getContext() {
  static constexpr unsigned kInputs = 200;
  static const DialectRegistry *registry = [] {
    auto *result = new DialectRegistry;
    registerImportDialects(*result);
    return result;
  }();
  static std::unique_ptr<MLIRContext> context;
  static unsigned served = 0;
  if (!context || served++ == kInputs) {
    context = std::make_unique<MLIRContext>(
        *registry, MLIRContext::Threading::DISABLED);
    served = 0;
  }
  return *context;
}

/// Calls `import` with a context. A refusal must say why, and what is imported
/// must be valid.
template <typename Import> void checkImport(Import import) {
  MLIRContext &context = getContext();
  bool reported = false;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    reported |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    return success();
  });
  OwningOpRef<ModuleOp> module = import(&context);
  if (module ? failed(verify(*module)) : !reported)
    std::abort();
}

} // namespace mlir::fx

#endif // FX_TEST_FUZZ_IMPORT_H
