//===- Plugin.cpp - libFXPlugin.so: fx inside other MLIR tools ------------===//
//
//   mlir-opt-22 --load-dialect-plugin=libFXPlugin.so
//     --load-pass-plugin=libFXPlugin.so
//     --pass-pipeline='builtin.module(min-cut-partition)' x.mlir
//
//===----------------------------------------------------------------------===//

#include "fx/Compiler/Registration.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

extern "C" LLVM_ATTRIBUTE_WEAK LLVM_ATTRIBUTE_VISIBILITY_DEFAULT
    DialectPluginLibraryInfo
    mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "FX", "0.1",
          [](DialectRegistry *registry) { fx::registerFXDialects(*registry); }};
}

extern "C" LLVM_ATTRIBUTE_WEAK LLVM_ATTRIBUTE_VISIBILITY_DEFAULT
    PassPluginLibraryInfo
    mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "FXPasses", "0.1",
          []() { fx::registerFXPasses(); }};
}
