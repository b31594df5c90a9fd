//===- InputFile.cpp - A model file as an fx module -----------------------===//

#include "fx/Compiler/InputFile.h"
#include "fx/Compiler/Registration.h"
#include "fx/Import/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

#include <numeric>

using namespace mlir;
using namespace mlir::fx;

/// The dense row-major copy of a weight with other strides.
static std::shared_ptr<std::vector<char>> makeDense(const Weight &weight) {
  const auto &meta = weight.meta;
  unsigned itemSize = getDTypeSize(meta.dtype);
  SmallVector<int64_t> shape, strides;
  for (const auto &size : meta.sizes)
    shape.push_back(size.expr.value);
  for (const auto &stride : meta.strides)
    strides.push_back(stride.expr.value);
  int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t(1),
                                  std::multiplies<int64_t>());
  auto dense = std::make_shared<std::vector<char>>(count * itemSize);
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t offset = 0;
    for (auto [position, stride] : llvm::zip_equal(index, strides))
      offset += position * stride;
    std::memcpy(dense->data() + i * itemSize,
                weight.data() + offset * itemSize, itemSize);
    for (int64_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
  return dense;
}

/// Takes over the weights of a program; their bytes stay in the mapping.
static void takeWeights(const ExportedProgram &program, InputFile &file) {
  for (const Weight &weight : program.weights) {
    if (!weight.hasData())
      continue;
    int64_t bytes = getDTypeSize(weight.meta.dtype);
    for (const auto &size : weight.meta.sizes)
      bytes *= size.expr.value;
    if (weight.isContiguous) {
      file.weights.push_back({weight.name, StringRef(weight.data(), bytes)});
      continue;
    }
    auto dense = makeDense(weight);
    file.weights.push_back({weight.name, StringRef(dense->data(), bytes)});
    file.storage.push_back(dense);
  }
}

static llvm::Error readArchive(StringRef path, const InputFile::Options &options,
                               InputFile &file) {
  auto archive = Pt2Archive::open(path);
  if (!archive)
    return archive.takeError();
  ImportPt2Options importOptions;
  importOptions.allowAnySchema = options.allowAnySchema;
  std::optional<LossChoice> loss = LossChoice::parse(options.loss);
  if (!loss)
    return llvm::createStringError(
        "--loss must be auto, none or a number, not " + options.loss);
  importOptions.loss = *loss;
  auto kept = std::make_shared<Pt2Archive>(std::move(*archive));
  file.storage.push_back(kept);
  auto program = readExportedProgram(*kept, importOptions);
  if (!program)
    return program.takeError();
  takeWeights(*program, file);
  file.module = importProgram(file.context.get(), *program, importOptions);
  return llvm::Error::success();
}

llvm::Expected<InputFile> InputFile::open(StringRef path,
                                          const Options &options) {
  InputFile file;
  DialectRegistry registry;
  registerAll(registry);
  file.context = std::make_unique<MLIRContext>(
      registry, MLIRContext::Threading::DISABLED);
  // Diagnostics print the op at fault, not the whole function.
  file.context->printOpOnDiagnostic(false);
  // MLIR's default handler prints errors only.
  file.context->getDiagEngine().registerHandler(
      [](Diagnostic &diagnostic) -> LogicalResult {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Warning)
          return failure();
        if (auto line =
                diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
          llvm::errs() << line.getFilename().getValue() << ":"
                       << line.getLine() << ": ";
        llvm::errs() << "warning: " << diagnostic.str() << "\n";
        return success();
      });
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createFileError(path, buffer.getError());
  StringRef extension = llvm::sys::path::extension(path);
  bool isZip = (*buffer)->getBuffer().starts_with("PK");
  if (extension == ".pt2" || isZip) {
    if (llvm::Error error = readArchive(path, options, file))
      return std::move(error);
  } else if (extension == ".json") {
    file.module = importFXJson(file.context.get(), (*buffer)->getBuffer(), path);
  } else {
    llvm::SourceMgr sources;
    SourceMgrDiagnosticHandler handler(sources, file.context.get());
    sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
    file.module = parseSourceFile<ModuleOp>(sources, file.context.get());
  }
  if (!file.module)
    return llvm::createStringError("cannot read " + path);
  return file;
}

std::optional<StringRef> InputFile::findWeight(StringRef name) const {
  for (const WeightData &weight : weights)
    if (weight.name == name)
      return weight.bytes;
  return std::nullopt;
}
