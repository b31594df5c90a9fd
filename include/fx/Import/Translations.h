//===- Translations.h - Import as command-line options ----------*- C++ -*-===//

#ifndef FX_IMPORT_TRANSLATIONS_H
#define FX_IMPORT_TRANSLATIONS_H

namespace mlir::fx {

/// Registers `--import-pt2`, `--import-fx-json` and `--pt2-info`.
void registerImportTranslations();

} // namespace mlir::fx

#endif // FX_IMPORT_TRANSLATIONS_H
