// RUN: fx-opt %s -fx-remove-inactive-dropout | FileCheck %s
// Rule 2.4.

// CHECK-LABEL: @inactive
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @inactive(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = fx.dropout %x {p = 0.5 : f64, train = false} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.dropout %0 {p = 0.0 : f64, train = true} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @active
func.func @active(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: fx.dropout
  %0 = fx.dropout %x {p = 0.5 : f64, train = true} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
