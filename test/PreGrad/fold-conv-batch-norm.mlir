// RUN: fx-opt %s -fx-fold-conv-batch-norm | FileCheck %s
// Rules 2.4 and 2.7.

// CHECK-LABEL: @conv2d
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x8x8xf32>, %[[W:.*]]: tensor<4x3x3x3xf32>, %[[B:.*]]: tensor<4xf32>, %[[G:.*]]: tensor<4xf32>, %[[BETA:.*]]: tensor<4xf32>, %[[M:.*]]: tensor<4xf32>, %[[V:.*]]: tensor<4xf32>)
func.func @conv2d(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>, %g: tensor<4xf32>, %beta: tensor<4xf32>, %m: tensor<4xf32>, %v: tensor<4xf32>) -> (tensor<1x4x6x6xf32>, tensor<4xf32>) {
  // CHECK: %[[D:.*]] = fx.add %[[V]], %{{.*}} : (tensor<4xf32>, f64)
  // CHECK: %[[R:.*]] = fx.rsqrt %[[D]]
  // CHECK: %[[C:.*]] = fx.mul %[[G]], %[[R]]
  // CHECK: %[[CV:.*]] = fx.view %[[C]] sizes = [4, 1, 1, 1]
  // CHECK: %[[NW:.*]] = fx.mul %[[W]], %[[CV]]
  // CHECK: %[[S:.*]] = fx.sub %[[B]], %[[M]]
  // CHECK: %[[CS:.*]] = fx.mul %[[C]], %[[S]]
  // CHECK: %[[NB:.*]] = fx.add %[[BETA]], %[[CS]]
  // CHECK: %[[Y:.*]] = fx.conv2d %[[X]], %[[NW]], %[[NB]] {dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, stride = array<i64: 1, 1>}
  // CHECK-NOT: fx.batch_norm
  // The statistics are results of their own.
  // CHECK: %[[CM:.*]] = fx.clone %[[M]]
  // CHECK: return %[[Y]], %[[CM]]
  %0 = fx.conv2d %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  %1:3 = fx.batch_norm %0 weight %g bias %beta running_mean %m running_var %v {training = false, momentum = 0.1 : f64, eps = 1.0e-5 : f64} : (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>)
  return %1#0, %1#1 : tensor<1x4x6x6xf32>, tensor<4xf32>
}

// No bias, no affine parameters.
// CHECK-LABEL: @linear
func.func @linear(%x: tensor<5x3xf32>, %w: tensor<4x3xf32>, %m: tensor<4xf32>, %v: tensor<4xf32>) -> tensor<5x4xf32> {
  // CHECK: fx.neg
  // CHECK: fx.linear %{{.*}}, %{{.*}}, %{{.*}} :
  // CHECK-NOT: fx.batch_norm
  %0 = fx.linear %x, %w : (tensor<5x3xf32>, tensor<4x3xf32>) -> tensor<5x4xf32>
  %1:3 = fx.batch_norm %0 running_mean %m running_var %v {training = false, momentum = 0.1 : f64, eps = 1.0e-5 : f64} : (tensor<5x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<5x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %1#0 : tensor<5x4xf32>
}

// CHECK-LABEL: @training
func.func @training(%x: tensor<5x3xf32>, %w: tensor<4x3xf32>, %m: tensor<4xf32>, %v: tensor<4xf32>) -> tensor<5x4xf32> {
  // CHECK: fx.batch_norm
  %0 = fx.linear %x, %w : (tensor<5x3xf32>, tensor<4x3xf32>) -> tensor<5x4xf32>
  %1:3 = fx.batch_norm %0 running_mean %m running_var %v {training = true, momentum = 0.1 : f64, eps = 1.0e-5 : f64} : (tensor<5x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<5x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %1#0 : tensor<5x4xf32>
}

// CHECK-LABEL: @product_is_used
func.func @product_is_used(%x: tensor<5x3xf32>, %w: tensor<4x3xf32>, %m: tensor<4xf32>, %v: tensor<4xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>) {
  // CHECK: fx.batch_norm
  %0 = fx.linear %x, %w : (tensor<5x3xf32>, tensor<4x3xf32>) -> tensor<5x4xf32>
  %1:3 = fx.batch_norm %0 running_mean %m running_var %v {training = false, momentum = 0.1 : f64, eps = 1.0e-5 : f64} : (tensor<5x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<5x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0, %1#0 : tensor<5x4xf32>, tensor<5x4xf32>
}
