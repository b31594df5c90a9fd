// RUN: fx-opt %s -fx-reuse-partial-reduction | FileCheck %s
// Rule 5.7, reuse_partial.

// CHECK-LABEL: @full_after_partial
// CHECK-SAME: (%[[X:.*]]: tensor<64x64xf32>)
func.func @full_after_partial(%x: tensor<64x64xf32>) -> (tensor<64xf32>, tensor<f32>) {
  // CHECK: %[[P:.*]] = fx.amax %[[X]] {dim = array<i64: 1>}
  // CHECK: fx.amax %[[P]] : (tensor<64xf32>) -> tensor<f32>
  %0 = fx.amax %x {dim = array<i64: 1>} : (tensor<64x64xf32>) -> tensor<64xf32>
  %1 = fx.amax %x : (tensor<64x64xf32>) -> tensor<f32>
  return %0, %1 : tensor<64xf32>, tensor<f32>
}

// CHECK-LABEL: @full_before_partial
func.func @full_before_partial(%x: tensor<64x64xf32>) -> (tensor<64x1xf32>, tensor<f32>) {
  // CHECK: %[[P:.*]] = fx.amin %{{.*}} {dim = array<i64: 1>, keepdim = true}
  // CHECK: fx.amin %[[P]] : (tensor<64x1xf32>) -> tensor<f32>
  %0 = fx.amin %x : (tensor<64x64xf32>) -> tensor<f32>
  %1 = fx.amin %x {dim = array<i64: 1>, keepdim = true} : (tensor<64x64xf32>) -> tensor<64x1xf32>
  return %1, %0 : tensor<64x1xf32>, tensor<f32>
}

// A small tensor, another function, another tensor.
// CHECK-LABEL: @kept
// CHECK-SAME: (%[[X:.*]]: tensor<8x8xf32>, %[[Y:.*]]: tensor<64x64xf32>)
func.func @kept(%x: tensor<8x8xf32>, %y: tensor<64x64xf32>) -> (tensor<8xf32>, tensor<f32>, tensor<64xf32>, tensor<f32>) {
  // CHECK: fx.amax %[[X]]
  // CHECK: fx.amax %[[X]]
  // CHECK: fx.amax %[[Y]]
  // CHECK: fx.amin %[[Y]]
  %0 = fx.amax %x {dim = array<i64: 1>} : (tensor<8x8xf32>) -> tensor<8xf32>
  %1 = fx.amax %x : (tensor<8x8xf32>) -> tensor<f32>
  %2 = fx.amax %y {dim = array<i64: 1>} : (tensor<64x64xf32>) -> tensor<64xf32>
  %3 = fx.amin %y : (tensor<64x64xf32>) -> tensor<f32>
  return %0, %1, %2, %3 : tensor<8xf32>, tensor<f32>, tensor<64xf32>, tensor<f32>
}
