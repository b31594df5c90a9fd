//===- Translations.cpp - Import as command-line options ------------------===//

#include "fx/Import/Translations.h"

#include "fx/Import/Import.h"

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

cl::opt<std::string> lossChoice(
    "loss", cl::init("auto"),
    cl::desc("Which output of a .pt2 program is the loss: auto (the file's "
             "own; else the only output of training IR with gradients, if it "
             "is a floating-point scalar), none, or the output's number"));
cl::opt<bool> noLocations(
    "no-locations", cl::desc("Print imported IR without locations"));

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

LogicalResult printModule(OwningOpRef<ModuleOp> module, raw_ostream &os) {
  if (!module)
    return failure();
  OpPrintingFlags flags;
  flags.enableDebugInfo(!noLocations, /*prettyForm=*/false);
  module->print(os, flags);
  os << '\n';
  return success();
}

LogicalResult importPt2File(MemoryBufferRef input, raw_ostream &os,
                            MLIRContext *context) {
  ImportPt2Options options;
  options.model = modelName;
  options.allowAnySchema = allowSchema;
  std::optional<LossChoice> loss = LossChoice::parse(lossChoice);
  if (!loss)
    return emitError(UnknownLoc::get(context),
                     "--loss must be auto, none or a number");
  options.loss = *loss;
  Expected<Pt2Archive> archive = Pt2Archive::parse(input);
  if (!archive)
    return emitError(UnknownLoc::get(context),
                     toString(archive.takeError()));
  return printModule(importPt2(context, *archive, options), os);
}
} // namespace

void registerImportTranslations() {
  static TranslateRegistration pt2(
      "import-pt2", "a program of torch.export (.pt2) as fx",
      [](const std::shared_ptr<SourceMgr> &sources, raw_ostream &os,
         MLIRContext *context) {
        return importPt2File(getInput(*sources), os, context);
      });
  static TranslateRegistration json(
      "import-fx-json", "a joint graph in JSON as fx",
      [](const std::shared_ptr<SourceMgr> &sources, raw_ostream &os,
         MLIRContext *context) {
        MemoryBufferRef input = getInput(*sources);
        return printModule(importFXJson(context, input.getBuffer(),
                                        input.getBufferIdentifier()),
                           os);
      });
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
