// RUN: fx-opt %s -fx-sink-cat-after-pointwise | FileCheck %s
// Rule 2.2.

// CHECK-LABEL: @through_views
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[Y:.*]]: tensor<3x4xf32>)
func.func @through_views(%x: tensor<2x4xf32>, %y: tensor<3x4xf32>) -> tensor<10x2xf32> {
  // CHECK-DAG: %[[RX:.*]] = fx.relu %[[X]]
  // CHECK-DAG: %[[RY:.*]] = fx.relu %[[Y]]
  // CHECK: %[[C:.*]] = fx.cat %[[RX]], %[[RY]]
  // CHECK: %[[V:.*]] = fx.view %[[C]]
  // CHECK: %[[W:.*]] = fx.view %[[V]]
  // CHECK: return %[[W]]
  %0 = fx.cat %x, %y : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  %1 = fx.view %0 sizes = [20] : tensor<5x4xf32> -> tensor<20xf32>
  %2 = fx.view %1 sizes = [10, 2] : tensor<20xf32> -> tensor<10x2xf32>
  %3 = fx.relu %2 : (tensor<10x2xf32>) -> tensor<10x2xf32>
  return %3 : tensor<10x2xf32>
}

// CHECK-LABEL: @tanh
func.func @tanh(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<5xf32> {
  // CHECK-COUNT-2: fx.tanh
  // CHECK: fx.cat
  %0 = fx.cat %x, %y : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  %1 = fx.tanh %0 : (tensor<5xf32>) -> tensor<5xf32>
  return %1 : tensor<5xf32>
}

// CHECK-LABEL: @cat_is_used
func.func @cat_is_used(%x: tensor<2xf32>, %y: tensor<3xf32>) -> (tensor<5xf32>, tensor<5xf32>) {
  // CHECK: fx.cat
  // CHECK: fx.relu
  %0 = fx.cat %x, %y : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  %1 = fx.relu %0 : (tensor<5xf32>) -> tensor<5xf32>
  return %0, %1 : tensor<5xf32>, tensor<5xf32>
}

// tanh of integers is f32, and a cat of mixed types promotes; sin has no rule.
// CHECK-LABEL: @other_types
func.func @other_types(%x: tensor<2xi64>, %y: tensor<3xf32>) -> (tensor<4xf32>, tensor<5xf32>, tensor<6xf32>) {
  // CHECK: fx.cat
  // CHECK: fx.tanh
  // CHECK: fx.cat
  // CHECK: fx.relu
  // CHECK: fx.cat
  // CHECK: fx.sin
  %0 = fx.cat %x, %x : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %1 = fx.tanh %0 : (tensor<4xi64>) -> tensor<4xf32>
  %2 = fx.cat %x, %y : (tensor<2xi64>, tensor<3xf32>) -> tensor<5xf32>
  %3 = fx.relu %2 : (tensor<5xf32>) -> tensor<5xf32>
  %4 = fx.cat %y, %y : (tensor<3xf32>, tensor<3xf32>) -> tensor<6xf32>
  %5 = fx.sin %4 : (tensor<6xf32>) -> tensor<6xf32>
  return %1, %3, %5 : tensor<4xf32>, tensor<5xf32>, tensor<6xf32>
}
