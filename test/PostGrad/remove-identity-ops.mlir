// RUN: fx-opt %s -fx-remove-identity-ops | FileCheck %s
// Rule 5.5; the rows of rule 3.4 are tested with fx-remove-noop-ops.

// CHECK-LABEL: @identities
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>)
func.func @identities(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: %[[R:.*]] = fx.relu %[[X]]
  // CHECK-NEXT: return %[[R]]
  %one = arith.constant 1 : i64
  %real = arith.constant 1.0 : f64
  %0 = fx.clone %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = fx.permute %0 dims = [0, -1] : tensor<4x8xf32> -> tensor<4x8xf32>
  %2 = fx.expand %1 sizes = [-1, 8] : tensor<4x8xf32> -> tensor<4x8xf32>
  %3 = fx.squeeze %2 {dim = array<i64: 0>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = fx.mul %3, %one : (tensor<4x8xf32>, i64) -> tensor<4x8xf32>
  %5 = fx.div %4, %real : (tensor<4x8xf32>, f64) -> tensor<4x8xf32>
  %6 = fx.relu %5 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %6 : tensor<4x8xf32>
}

// CHECK-LABEL: @changes
func.func @changes(%x: tensor<4x4xf32>, %i: tensor<4xi64>) -> (tensor<4x4xf32>, tensor<4xf32>, tensor<4x4xf32>) {
  // CHECK: fx.permute
  // CHECK: fx.div
  // CHECK: fx.mul
  %one = arith.constant 1 : i64
  %half = arith.constant 0.5 : f64
  %0 = fx.permute %x dims = [1, 0] : tensor<4x4xf32> -> tensor<4x4xf32>
  %1 = fx.div %i, %one : (tensor<4xi64>, i64) -> tensor<4xf32>
  %2 = fx.mul %x, %half : (tensor<4x4xf32>, f64) -> tensor<4x4xf32>
  return %0, %1, %2 : tensor<4x4xf32>, tensor<4xf32>, tensor<4x4xf32>
}
