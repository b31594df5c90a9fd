//===- fx-fuzz-pt2.cpp - Any bytes as a .pt2 archive ----------------------===//

#include "Import.h"

using namespace mlir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  llvm::Expected<fx::Pt2Archive> archive =
      fx::Pt2Archive::parse(llvm::MemoryBufferRef(bytes, "input.pt2"));
  if (!archive) {
    llvm::consumeError(archive.takeError());
    return 0;
  }
  fx::checkImport(
      [&](MLIRContext *context) { return fx::importPt2(context, *archive); });
  return 0;
}
