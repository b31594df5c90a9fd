// A forward graph with a loss goes through the joint graph to two functions; no
// argument asks for a gradient, so all of them get one.
// RUN: fx-opt --pre-grad --min-cut-partition %s | FileCheck %s
// In Debian's own mlir-opt the pipeline is reached through the plugin.
// REQUIRES: mlir-opt-22
// RUN: mlir-opt-22 --load-dialect-plugin=%fx_lib/libFXPlugin.so --load-pass-plugin=%fx_lib/libFXPlugin.so --pass-pipeline='builtin.module(pre-grad,min-cut-partition)' %s | FileCheck %s
// A joint graph that is there is not built anew.
// RUN: fx-opt --build-joint-graph %s | fx-opt --min-cut-partition | FileCheck %s
// RUN: not fx-opt --joint-graph="custom-post=no-such-pass" %s 2>&1 | FileCheck %s --check-prefix=HOOK
// HOOK: no-such-pass

// CHECK-LABEL: func.func @forward
// CHECK-SAME: fx.role = "loss"
// CHECK-SAME: fx.role = "saved"
// CHECK-LABEL: func.func @backward
// CHECK-SAME: fx.role = "tangent"
// CHECK-SAME: fx.role = "gradient"
func.func @step(%x: tensor<4x8xf32> {fx.name = "x"}, %w: tensor<3x8xf32> {fx.name = "w"},
                %y: tensor<4xi64>) -> (tensor<f32> {fx.role = "loss"}) {
  %0 = fx.linear %x, %w : (tensor<4x8xf32>, tensor<3x8xf32>) -> tensor<4x3xf32>
  %1 = fx.tanh %0 : (tensor<4x3xf32>) -> tensor<4x3xf32>
  %2 = fx.cross_entropy_loss %1, %y : (tensor<4x3xf32>, tensor<4xi64>) -> tensor<f32>
  return %2 : tensor<f32>
}
