// RUN: fx-opt %s -fx-bmm-to-mm | FileCheck %s
// Rule 3.8, bmm_to_mm.

// CHECK-LABEL: @batch_of_one
// CHECK-SAME: (%[[A:.*]]: tensor<1x2x3xf32>, %[[B:.*]]: tensor<1x3x4xf32>)
func.func @batch_of_one(%a: tensor<1x2x3xf32>, %b: tensor<1x3x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[SA:.*]] = fx.squeeze %[[A]] {dim = array<i64: 0>}
  // CHECK: %[[SB:.*]] = fx.squeeze %[[B]] {dim = array<i64: 0>}
  // CHECK: %[[MM:.*]] = fx.mm %[[SA]], %[[SB]] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  // CHECK: fx.unsqueeze %[[MM]] {dim = 0 : i64}
  %0 = fx.bmm %a, %b : (tensor<1x2x3xf32>, tensor<1x3x4xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: @other_batches
func.func @other_batches(%a: tensor<5x2x3xf32>, %b: tensor<5x3x4xf32>, %c: tensor<?x2x3xf32>, %d: tensor<?x3x4xf32>) -> (tensor<5x2x4xf32>, tensor<?x2x4xf32>) {
  // CHECK-COUNT-2: fx.bmm
  %0 = fx.bmm %a, %b : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  %1 = fx.bmm %c, %d : (tensor<?x2x3xf32>, tensor<?x3x4xf32>) -> tensor<?x2x4xf32>
  return %0, %1 : tensor<5x2x4xf32>, tensor<?x2x4xf32>
}
