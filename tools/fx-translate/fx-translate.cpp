//===- fx-translate.cpp - Graph files to fx and back ----------------------===//

#include "fx/Export/PythonExport.h"
#include "fx/Import/Translations.h"

#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int argc, char **argv) {
  mlir::fx::registerExportTranslations();
  mlir::fx::registerImportTranslations();
  return failed(mlir::mlirTranslateMain(
      argc, argv, "Translates between PyTorch's graph files and fx\n"));
}
