//===- fx-fuzz-fx-json.cpp - Any bytes as a joint graph in JSON -----------===//

#include "Import.h"

using namespace mlir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  fx::checkImport([&](MLIRContext *context) {
    return fx::importFXJson(context, text, "input.json");
  });
  return 0;
}
