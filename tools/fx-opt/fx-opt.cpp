//===- fx-opt.cpp - Runs passes and pipelines on fx modules ---------------===//

#include "fx/Compiler/Registration.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::fx::registerAll(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "fx-opt: the fx-mlir driver\n", registry));
}
