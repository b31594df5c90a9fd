// RUN: fx-opt %s -fx-eliminate-dead-code | FileCheck %s
// Rule 5.1.

// CHECK-LABEL: @dead
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @dead(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[X]]
  %c = arith.constant 1.0 : f64
  %0 = fx.add %x, %c : (tensor<4xf32>, f64) -> tensor<4xf32>
  %1 = fx.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  %3 = fx.lookup_seed %2 {index = 0 : i64} : (tensor<1xi64>) -> tensor<i64>
  return %x : tensor<4xf32>
}

// A call that may change something, and identities: nothing is folded.
// CHECK-LABEL: @kept
func.func @kept(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: fx.call "my.print.default"
  // CHECK: fx.permute
  fx.call "my.print.default"(%x) {arguments = [{operand = 0 : i64}]} : (tensor<4xf32>) -> ()
  %0 = fx.permute %x dims = [0] : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
