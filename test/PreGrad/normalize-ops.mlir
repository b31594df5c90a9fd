// RUN: fx-opt %s -fx-normalize-ops -mlir-print-debuginfo | FileCheck %s
// Rules 2.1 and 2.10.

// CHECK-LABEL: @transposes
func.func @transposes(%x: tensor<2x3x4xf32>, %y: tensor<2x3xf32>) -> (tensor<4x3x2xf32>, tensor<3x2xf32>) {
  // CHECK: fx.permute %{{.*}} dims = [2, 1, 0] : {{.*}} loc(#[[NAME:.*]])
  // CHECK: fx.permute %{{.*}} dims = [1, 0]
  %0 = fx.transpose %x {dim0 = 0 : i64, dim1 = -1 : i64} : (tensor<2x3x4xf32>) -> tensor<4x3x2xf32> loc("transpose_1")
  %1 = fx.t %y : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0, %1 : tensor<4x3x2xf32>, tensor<3x2xf32>
}

// CHECK-LABEL: @splits
func.func @splits(%x: tensor<5x4xf32>) -> (tensor<1x4xf32>, tensor<5x2xf32>) {
  // CHECK: fx.split_with_sizes %{{.*}} {fx.result_names = ["a", "b"], split_sizes = array<i64: 4, 1>}
  // CHECK: fx.split_with_sizes %{{.*}} {dim = 1 : i64, split_sizes = array<i64: 2, 2>}
  %0:2 = fx.split %x {split_size = 4 : i64, fx.result_names = ["a", "b"]} : (tensor<5x4xf32>) -> (tensor<4x4xf32>, tensor<1x4xf32>)
  %1:2 = fx.chunk %x {chunks = 2 : i64, dim = -1 : i64} : (tensor<5x4xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  return %0#1, %1#0 : tensor<1x4xf32>, tensor<5x2xf32>
}

// CHECK-LABEL: @rsub
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4xf32>{{.*}}, %[[Y:[^:]*]]: tensor<4xf32>
func.func @rsub(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant 1 : i64
  // CHECK: fx.sub %[[Y]], %[[X]] {alpha = 2.000000e+00 : f64}
  // CHECK: fx.rsub %[[X]], %{{.*}} : (tensor<4xf32>, i64)
  %0 = fx.rsub %x, %y {alpha = 2.0 : f64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.rsub %x, %one : (tensor<4xf32>, i64) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// A vector has no second dimension.
// CHECK-LABEL: @kept
func.func @kept(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: fx.t
  %0 = fx.t %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// CHECK: #[[NAME]] = loc("transpose_1")
