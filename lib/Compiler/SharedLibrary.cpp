//===- SharedLibrary.cpp - Models as ordinary shared libraries ------------===//

#include "fx/Compiler/SharedLibrary.h"
#include "fx/Support/OutputFile.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::fx;

/// A read-only global of raw bytes.
static llvm::GlobalVariable *addBytes(llvm::Module &module, StringRef bytes,
                                      StringRef name, bool isExported,
                                      bool addNull) {
  llvm::Constant *data =
      llvm::ConstantDataArray::getString(module.getContext(), bytes, addNull);
  auto *global = new llvm::GlobalVariable(
      module, data->getType(), /*isConstant=*/true,
      isExported ? llvm::GlobalValue::ExternalLinkage
                 : llvm::GlobalValue::PrivateLinkage,
      data, name);
  global->setAlignment(llvm::Align(64));
  return global;
}

llvm::Error fx::writeDataObject(const ModelDescription &model,
                                ArrayRef<WeightData> weights, StringRef path) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::LLVMContext context;
  llvm::Module module("fx_model_data", context);
  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError(error);
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, "generic", "", {}, llvm::Reloc::PIC_));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());

  addBytes(module, model.toJson(), "fx_model_json", /*isExported=*/true,
           /*addNull=*/true);
  // {name, bytes, size}, ended by a null name.
  llvm::Type *pointer = llvm::PointerType::getUnqual(context);
  llvm::Type *size = llvm::Type::getInt64Ty(context);
  auto *entryType = llvm::StructType::get(context, {pointer, pointer, size});
  std::vector<llvm::Constant *> entries;
  for (const WeightData &weight : weights) {
    llvm::Constant *name = addBytes(module, weight.name, "", false, true);
    llvm::Constant *bytes = addBytes(module, weight.bytes, "", false, false);
    entries.push_back(llvm::ConstantStruct::get(
        entryType,
        {name, bytes, llvm::ConstantInt::get(size, weight.bytes.size())}));
  }
  entries.push_back(llvm::ConstantAggregateZero::get(entryType));
  auto *table = llvm::ConstantArray::get(
      llvm::ArrayType::get(entryType, entries.size()), entries);
  new llvm::GlobalVariable(module, table->getType(), /*isConstant=*/true,
                           llvm::GlobalValue::ExternalLinkage, table,
                           "fx_model_weight_table");

  bool canEmit = true;
  llvm::Error failure =
      writeOutputFile(path, [&](llvm::raw_pwrite_stream &stream) {
        llvm::legacy::PassManager passes;
        canEmit = !machine->addPassesToEmitFile(
            passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile);
        if (canEmit)
          passes.run(module);
      });
  if (!canEmit) {
    llvm::consumeError(std::move(failure));
    return llvm::createStringError("cannot emit object files for " +
                                   triple.str());
  }
  return failure;
}

llvm::Error fx::writeSharedLibrary(CompiledFx &model,
                                   ArrayRef<WeightData> weights,
                                   StringRef path) {
  SmallString<128> data;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("fx-model-data", "o", data))
    return llvm::createFileError(data, code);
  llvm::FileRemover removeData(data);
  if (llvm::Error error = writeDataObject(model.description, weights, data))
    return error;

  if (llvm::Error error =
          model.code->emitSharedLibrary(path, {data.str().str()})) {
    llvm::sys::fs::remove(path);
    return error;
  }
  SmallString<128> header(path);
  llvm::sys::path::replace_extension(header, "h");
  llvm::Error failure =
      writeOutputFile(header, [&](llvm::raw_pwrite_stream &os) {
        os << writeCHeader(model.description);
      });
  if (failure)
    llvm::sys::fs::remove(path);
  return failure;
}
