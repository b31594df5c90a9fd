// Debian's own mlir-opt reads, checks and prints fx through the plugin.
// REQUIRES: mlir-opt-22
// RUN: mlir-opt-22 --load-dialect-plugin=%fx_lib/libFXPlugin.so --load-pass-plugin=%fx_lib/libFXPlugin.so %s --pass-pipeline='builtin.module(canonicalize)' | FileCheck %s

// CHECK-LABEL: @identity_permutation
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>
func.func @identity_permutation(%x: tensor<2x3xf32> {fx.role = "input"}) -> tensor<2x3xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = fx.permute %x dims = [0, 1] : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
