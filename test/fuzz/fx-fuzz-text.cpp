//===- fx-fuzz-text.cpp - Any bytes as textual IR -------------------------===//

#include "Import.h"

#include "mlir/Parser/Parser.h"

#include <string>

using namespace mlir;

/// MLIR's parser recurses without a bound over regions, types and attributes
/// (docs/Fuzzing.md); what nests deeper than programs do shows only that.
static bool nestsDeeply(llvm::StringRef text) {
  unsigned depth = 0;
  for (char c : text) {
    if (StringRef("([{<").contains(c) && ++depth > 200)
      return true;
    if (StringRef(")]}").contains(c) && depth > 0)
      --depth;
  }
  return false;
}

/// Upstream's `array<index>` reads the width of a type that has none.
static bool crashesUpstream(llvm::StringRef text) {
  return text.contains("array<index");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // The lexer stops at a null character behind the text.
  std::string text(reinterpret_cast<const char *>(data), size);
  if (nestsDeeply(text) || crashesUpstream(text))
    return -1; // Not worth keeping in the corpus.
  fx::checkImport([&](MLIRContext *context) {
    // The parser verifies, too.
    return parseSourceString<ModuleOp>(text, ParserConfig(context), "input");
  });
  return 0;
}
