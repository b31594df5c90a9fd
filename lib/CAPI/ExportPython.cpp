//===- ExportPython.cpp - From fx IR to Python ----------------------------===//

#include "Session.h"
#include "fx/CAPI/FXMLIR.h"
#include "fx/Export/PythonExport.h"
#include "fx/Import/Import.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <cstring>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::capi;

/// The module of an archive, of text or of bytecode; null with a diagnostic.
static OwningOpRef<ModuleOp> readModule(MLIRContext *context,
                                        StringRef source) {
  if (!source.starts_with("PK\x03\x04"))
    return parseSourceString<ModuleOp>(source, context, "module");
  llvm::Expected<Pt2Archive> archive =
      Pt2Archive::parse(llvm::MemoryBufferRef(source, "archive"));
  if (!archive) {
    emitError(UnknownLoc::get(context), llvm::toString(archive.takeError()));
    return nullptr;
  }
  return importPt2(context, *archive);
}

static bool exportPython(StringRef source, StringRef pipeline,
                         std::string &text) {
  std::unique_ptr<MLIRContext> context = makeContext();
  ErrorCollector errors(context.get());
  auto fail = [&] {
    text = errors.takeText();
    return false;
  };
  OwningOpRef<ModuleOp> module = readModule(context.get(), source);
  if (!module)
    return fail();
  PassManager pm(context.get());
  std::string message;
  llvm::raw_string_ostream parserErrors(message);
  if (failed(parsePassPipeline(pipeline, pm, parserErrors))) {
    text = "pipeline '" + pipeline.str() + "': " + message;
    return false;
  }
  std::string python;
  llvm::raw_string_ostream os(python);
  if (failed(pm.run(*module)) || failed(exportToPython(*module, os)))
    return fail();
  text = std::move(python);
  return true;
}

char *fx_export_python(const char *source, size_t length, const char *pipeline,
                       char **error) {
  std::string text;
  bool ok = exportPython(source ? StringRef(source, length) : StringRef(),
                         pipeline ? pipeline : "", text);
  if (ok)
    return strdup(text.c_str());
  if (error)
    *error = strdup(text.c_str());
  return nullptr;
}
