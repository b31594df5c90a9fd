// RUN: fx-opt %s -fx-plan-memory | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// The first intermediate is dead when the third is made: they share memory.
// CHECK-LABEL: @chain
// CHECK-SAME: fx.workspace_bytes = 2048
// CHECK: fx.placement = array<i64: 0>
// CHECK: fx.placement = array<i64: 1024>
// CHECK: fx.placement = array<i64: 0>
// CHECK: fx.placement = array<i64: -1>
func.func @chain(%x: tensor<256xf32>) -> tensor<256xf32> {
  %0 = fx.kernel generic ins(%x : tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  %1 = fx.kernel generic ins(%0 : tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  %2 = fx.kernel generic ins(%1 : tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  %3 = fx.kernel generic ins(%2 : tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  return %3 : tensor<256xf32>
}
