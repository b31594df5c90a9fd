//===- Translations.cpp - Export as command-line options ------------------===//

#include "fx/Export/PythonExport.h"
#include "fx/IR/FXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Tools/mlir-translate/Translation.h"

using namespace mlir;

void fx::registerExportTranslations() {
  static TranslateFromMLIRRegistration python(
      "fx-to-python", "write fx functions as a Python file for PyTorch",
      [](ModuleOp module, raw_ostream &os) {
        return exportToPython(module, os);
      },
      [](DialectRegistry &registry) {
        registry.insert<arith::ArithDialect, func::FuncDialect, FXDialect,
                        tensor::TensorDialect>();
      });
}
