//===- ReadPatternFile.cpp - PDLL and PDL files ---------------------------===//

#include "fx/Compiler/PatternFile.h"
#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::fx;

/// Where mlir-pdll is: FX_MLIR_PDLL, LLVM's folder, the search path.
static llvm::ErrorOr<std::string> findTranslator() {
  if (auto named = llvm::sys::Process::GetEnv("FX_MLIR_PDLL"))
    return llvm::sys::findProgramByName(*named);
  auto program =
      llvm::sys::findProgramByName("mlir-pdll", {FX_LLVM_TOOLS_DIR});
  for (StringRef name : {"mlir-pdll-22", "mlir-pdll"})
    if (!program)
      program = llvm::sys::findProgramByName(name);
  return program;
}

static std::string readText(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// Emits the translator's messages where they stand in the file.
static void emitTranslatorErrors(MLIRContext *context, StringRef path,
                                 StringRef text) {
  llvm::Regex position("^(.*):([0-9]+):([0-9]+): error: (.*)$");
  bool isPlaced = false;
  for (StringRef message : llvm::split(text, '\n')) {
    SmallVector<StringRef> parts;
    if (!position.match(message, &parts))
      continue;
    isPlaced = true;
    unsigned line = 0, column = 0;
    parts[2].getAsInteger(10, line);
    parts[3].getAsInteger(10, column);
    emitError(FileLineColLoc::get(context, parts[1], line, column)) << parts[4];
  }
  if (!isPlaced)
    emitError(UnknownLoc::get(context))
        << path << ": mlir-pdll failed: " << text.trim();
}

namespace {
/// A file that is removed with the object.
struct TemporaryFile {
  explicit TemporaryFile(StringRef suffix) {
    code = llvm::sys::fs::createTemporaryFile("fx-patterns", suffix, path);
    if (!code)
      remover.setFile(path);
  }
  std::error_code code;
  SmallString<128> path;
  llvm::FileRemover remover;
};
} // namespace

/// Translates PDLL; the text of a PDL module, or nothing after an error.
static std::optional<std::string>
translate(MLIRContext *context, StringRef path, ArrayRef<std::string> folders) {
  auto fail = [&](const Twine &message) {
    emitError(UnknownLoc::get(context)) << path << ": " << message;
    return std::nullopt;
  };
  llvm::ErrorOr<std::string> program = findTranslator();
  if (!program)
    return fail("a .pdll file needs the tool mlir-pdll (Debian: "
                "mlir-22-tools), which was not found in " FX_LLVM_TOOLS_DIR
                " or on the path; FX_MLIR_PDLL can name it");
  TemporaryFile output("mlir"), errors("txt");
  if (output.code || errors.code)
    return fail("no temporary file: " +
                (output.code ? output.code : errors.code).message());

  SmallVector<std::string> arguments = {*program, path.str(), "-x", "mlir",
                                        "-o", output.path.str().str()};
  StringRef own = llvm::sys::path::parent_path(path);
  SmallVector<std::string> searched = {own.empty() ? "." : own.str()};
  searched.append(folders.begin(), folders.end());
  searched.append(
      {FX_INCLUDE_DIR, FX_INSTALLED_INCLUDE_DIR, FX_MLIR_INCLUDE_DIR});
  for (const std::string &folder : searched)
    if (llvm::sys::fs::is_directory(folder))
      arguments.append({"-I", folder});
  SmallVector<StringRef> views(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(), errors.path.str(),
                                          errors.path.str()};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(*program, views, std::nullopt,
                                         redirects, /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &message);
  if (status < 0)
    return fail("cannot run " + *program + ": " + message);
  if (status > 0) {
    emitTranslatorErrors(context, path, readText(errors.path));
    return std::nullopt;
  }
  return readText(output.path);
}

OwningOpRef<ModuleOp> fx::readPatternFile(MLIRContext *context, StringRef path,
                                          ArrayRef<std::string> folders) {
  // Parsing PDL needs its dialect; loading it twice is nothing.
  context->getOrLoadDialect<pdl::PDLDialect>();
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    emitError(UnknownLoc::get(context))
        << path << ": " << buffer.getError().message();
    return nullptr;
  }
  ParserConfig config(context);
  if (llvm::sys::path::extension(path) != ".pdll") {
    llvm::SourceMgr sources;
    sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
    return parseSourceFile<ModuleOp>(sources, config);
  }
  std::optional<std::string> text = translate(context, path, folders);
  if (!text)
    return nullptr;
  return parseSourceString<ModuleOp>(*text, config, path);
}
