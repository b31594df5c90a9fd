// RUN: fx-opt %s -fx-unfuse-bias-add | FileCheck %s
// Rule 5.7, unfuse_bias_add_to_pointwise.

// CHECK-LABEL: @pointwise_user
// CHECK-SAME: (%[[C:.*]]: tensor<4xf32>, %[[A:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<3x4xf32>)
func.func @pointwise_user(%c: tensor<4xf32>, %a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[P:.*]] = fx.mm %[[A]], %[[B]]
  // CHECK: %[[S:.*]] = fx.mul %[[C]], %{{.*}} : (tensor<4xf32>, f64)
  // CHECK: %[[SUM:.*]] = fx.add %[[S]], %[[P]]
  // CHECK: fx.relu %[[SUM]]
  %0 = fx.addmm %c, %a, %b {beta = 2.0 : f64} : (tensor<4xf32>, tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = fx.relu %0 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// f16 would be rounded twice; a returned value needs its own kernel.
// CHECK-LABEL: @kept
func.func @kept(%c: tensor<4xf16>, %a: tensor<2x3xf16>, %b: tensor<3x4xf16>, %d: tensor<4xf32>, %e: tensor<2x3xf32>, %f: tensor<3x4xf32>) -> (tensor<2x4xf16>, tensor<2x4xf32>) {
  // CHECK-COUNT-2: fx.addmm
  %0 = fx.addmm %c, %a, %b : (tensor<4xf16>, tensor<2x3xf16>, tensor<3x4xf16>) -> tensor<2x4xf16>
  %1 = fx.relu %0 : (tensor<2x4xf16>) -> tensor<2x4xf16>
  %2 = fx.addmm %d, %e, %f : (tensor<4xf32>, tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %1, %2 : tensor<2x4xf16>, tensor<2x4xf32>
}
