// RUN: fx-opt %s -fx-apply-gumbel-max-trick | FileCheck %s
// Rule 2.8.

// CHECK-LABEL: @sample
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x8xf32>,
func.func @sample(%x: tensor<4x8xf32>, %e: tensor<4x8xf32>) -> tensor<4x1xi64> {
  // CHECK: %[[E:.*]] = fx.call
  // CHECK: %[[L:.*]] = fx.log %[[E]]
  // CHECK: %[[N:.*]] = fx.neg %[[L]]
  // CHECK: %[[S:.*]] = fx.add %[[X]], %[[N]]
  // CHECK: fx.argmax %[[S]]
  // CHECK-NOT: fx.softmax
  %0 = fx.softmax %x {dim = -1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = fx.call "aten.exponential.default"(%e) {arguments = [{operand = 0 : i64}, 1.0 : f64]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = fx.div %0, %1 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = fx.argmax %2 {dim = -1 : i64, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xi64>
  return %3 : tensor<4x1xi64>
}

// Another rate; the probabilities are used elsewhere.
// CHECK-LABEL: @kept
func.func @kept(%x: tensor<4x8xf32>, %e: tensor<4x8xf32>) -> (tensor<4x1xi64>, tensor<4x1xi64>, tensor<4x8xf32>) {
  // CHECK-COUNT-2: fx.div
  %0 = fx.softmax %x {dim = -1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = fx.call "aten.exponential.default"(%e) {arguments = [{operand = 0 : i64}, 2.0 : f64]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = fx.div %0, %1 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = fx.argmax %2 {dim = -1 : i64, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xi64>
  %4 = fx.softmax %x {dim = -1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = fx.call "aten.exponential.default"(%e) {arguments = [{operand = 0 : i64}]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = fx.div %4, %5 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = fx.argmax %6 {dim = -1 : i64, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xi64>
  return %3, %7, %4 : tensor<4x1xi64>, tensor<4x1xi64>, tensor<4x8xf32>
}
