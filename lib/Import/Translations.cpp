//===- Translations.cpp - Import as command-line options ------------------===//

#include "fx/Import/Translations.h"

#include "fx/Import/ExportedProgram.h"

#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;

namespace mlir::fx {

namespace {
cl::opt<std::string> modelName(
    "pt2-model",
    cl::desc("The program to read from a .pt2 archive that holds several"));
cl::opt<bool> allowSchema(
    "allow-schema",
    cl::desc("Try to read .pt2 files of another major schema version"));

MemoryBufferRef getInput(SourceMgr &sources) {
  return sources.getMemoryBuffer(sources.getMainFileID())->getMemBufferRef();
}

void printMeta(const graph::TensorMeta &meta, raw_ostream &os) {
  auto printSize = [&](const graph::SymInt &size) { os << size.expr.str(); };
  os << meta.dtype << " [";
  interleaveComma(meta.sizes, os, printSize);
  os << "] strides [";
  interleaveComma(meta.strides, os, printSize);
  os << ']';
}

/// What an archive holds: programs, their graphs' sizes, and the weights with
/// their places in the file.
Error printInfo(MemoryBufferRef input, raw_ostream &os) {
  Expected<Pt2Archive> archive = Pt2Archive::parse(input);
  if (!archive)
    return archive.takeError();
  for (StringRef model : archive->modelNames()) {
    Expected<ExportedProgram> program =
        readExportedProgram(*archive, {model.str(), allowSchema});
    if (!program)
      return program.takeError();
    const graph::Graph &graph = program->graph;
    os << "program " << model << ": " << graph.nodes.size() << " nodes, "
       << graph.inputs.size() << " inputs, " << graph.outputs.size()
       << " outputs (" << join(program->verifiers, ", ") << ", PyTorch "
       << program->torchVersion << ")\n";
    for (const auto &[symbol, range] : program->ranges) {
      os << "  symbol " << symbol << ": [";
      if (range.min)
        os << *range.min;
      os << ", ";
      if (range.max)
        os << *range.max;
      os << "]\n";
    }
    for (const Weight &weight : program->weights) {
      os << "  " << (weight.isParameter ? "parameter " : "tensor ")
         << weight.name << ": ";
      printMeta(weight.meta, os);
      if (weight.hasData())
        os << " at byte " << weight.data() - input.getBufferStart() << '\n';
      else
        os << " without data\n";
    }
  }
  return Error::success();
}
} // namespace

void registerImportTranslations() {
  static TranslateRegistration info(
      "pt2-info", "list the programs and weights of a .pt2 archive",
      [](const std::shared_ptr<SourceMgr> &sources, raw_ostream &os,
         MLIRContext *) -> LogicalResult {
        if (Error error = printInfo(getInput(*sources), os)) {
          WithColor::error() << toString(std::move(error)) << '\n';
          return failure();
        }
        return success();
      });
}

} // namespace mlir::fx
