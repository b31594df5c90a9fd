// RUN: fx-opt %s -fx-cancel-split-cat | FileCheck %s
// Rule 5.7.

// CHECK-LABEL: @cat_of_split
// CHECK-SAME: (%[[X:.*]]: tensor<6x2xf32>)
func.func @cat_of_split(%x: tensor<6x2xf32>) -> tensor<6x2xf32> {
  // CHECK-NEXT: fx.relu %[[X]]
  %0:2 = fx.split_with_sizes %x {split_sizes = array<i64: 2, 4>, dim = 0 : i64} : (tensor<6x2xf32>) -> (tensor<2x2xf32>, tensor<4x2xf32>)
  %1 = fx.cat %0#0, %0#1 {dim = -2 : i64} : (tensor<2x2xf32>, tensor<4x2xf32>) -> tensor<6x2xf32>
  %2 = fx.relu %1 : (tensor<6x2xf32>) -> tensor<6x2xf32>
  return %2 : tensor<6x2xf32>
}

// CHECK-LABEL: @split_of_cat
// CHECK-SAME: (%[[X:.*]]: tensor<2xf32>, %[[Y:.*]]: tensor<4xf32>)
func.func @split_of_cat(%x: tensor<2xf32>, %y: tensor<4xf32>) -> (tensor<2xf32>, tensor<4xf32>) {
  // CHECK-NEXT: fx.sin %[[X]]
  // CHECK-NEXT: fx.cos %[[Y]]
  // CHECK-NEXT: return
  %0 = fx.cat %x, %y : (tensor<2xf32>, tensor<4xf32>) -> tensor<6xf32>
  %1:2 = fx.split_with_sizes %0 {split_sizes = array<i64: 2, 4>} : (tensor<6xf32>) -> (tensor<2xf32>, tensor<4xf32>)
  %2 = fx.sin %1#0 : (tensor<2xf32>) -> tensor<2xf32>
  %3 = fx.cos %1#1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2, %3 : tensor<2xf32>, tensor<4xf32>
}

// CHECK-LABEL: @cat_slice_cat
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[Y:.*]]: tensor<2x3xf32>)
func.func @cat_slice_cat(%x: tensor<2x4xf32>, %y: tensor<2x3xf32>) -> tensor<2x9xf32> {
  // CHECK: %[[S:.*]] = fx.slice %[[X]]
  // CHECK: fx.cat %[[X]], %[[Y]], %[[S]] {dim = 1 : i64}
  %c0 = arith.constant 0 : i64
  %c2 = arith.constant 2 : i64
  %0 = fx.cat %x, %y {dim = 1 : i64} : (tensor<2x4xf32>, tensor<2x3xf32>) -> tensor<2x7xf32>
  %1 = fx.slice %0 from %c0 to %c2 {dim = 1 : i64} : tensor<2x7xf32> -> tensor<2x2xf32>
  %2 = fx.cat %0, %1 {dim = 1 : i64} : (tensor<2x7xf32>, tensor<2x2xf32>) -> tensor<2x9xf32>
  return %2 : tensor<2x9xf32>
}

// Another order, another dimension, a part that is used, parts of other sizes.
// CHECK-LABEL: @kept
func.func @kept(%x: tensor<4x4xf32>, %y: tensor<2x4xf32>) -> (tensor<4x4xf32>, tensor<2x8xf32>, tensor<4x4xf32>, tensor<2x4xf32>, tensor<3x4xf32>) {
  // CHECK-COUNT-4: fx.cat
  %0:2 = fx.split %x {split_size = 2 : i64} : (tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  %1 = fx.cat %0#1, %0#0 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<4x4xf32>
  %2:2 = fx.split %x {split_size = 2 : i64} : (tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  %3 = fx.cat %2#0, %2#1 {dim = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
  %4:2 = fx.split %x {split_size = 2 : i64} : (tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  %5 = fx.cat %4#0, %4#1 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<4x4xf32>
  %6 = fx.cat %x, %y : (tensor<4x4xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
  %7:2 = fx.split %6 {split_size = 3 : i64} : (tensor<6x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>)
  return %1, %3, %5, %4#0, %7#1 : tensor<4x4xf32>, tensor<2x8xf32>, tensor<4x4xf32>, tensor<2x4xf32>, tensor<3x4xf32>
}

// The cat made a fresh tensor, x is an argument.
// CHECK-LABEL: @returned_cat
func.func @returned_cat(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  // CHECK: fx.cat
  %0:2 = fx.split %x {split_size = 2 : i64} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %1 = fx.cat %0#0, %0#1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %2 = fx.view %1 sizes = [2, 2] : tensor<4xf32> -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// What a decomposed split leaves.
// CHECK-LABEL: @cat_of_slices
// CHECK-SAME: (%[[X:.*]]: tensor<6x2xf32>)
func.func @cat_of_slices(%x: tensor<6x2xf32>) -> tensor<6x2xf32> {
  // CHECK-NEXT: fx.relu %[[X]]
  %c2 = arith.constant 2 : i64
  %minus = arith.constant -1 : i64
  %0 = fx.slice %x to %c2 {dim = 0 : i64} : tensor<6x2xf32> -> tensor<2x2xf32>
  %1 = fx.slice %x from %c2 to %minus {dim = 0 : i64} : tensor<6x2xf32> -> tensor<3x2xf32>
  %2 = fx.slice %x from %minus {dim = 0 : i64} : tensor<6x2xf32> -> tensor<1x2xf32>
  %3 = fx.cat %0, %1, %2 : (tensor<2x2xf32>, tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<6x2xf32>
  %4 = fx.relu %3 : (tensor<6x2xf32>) -> tensor<6x2xf32>
  return %4 : tensor<6x2xf32>
}

// CHECK-LABEL: @slices_of_cat
// CHECK-SAME: (%[[X:[^:]*]]: tensor<2xf32>, %[[Y:[^:]*]]: tensor<4xf32>)
func.func @slices_of_cat(%x: tensor<2xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<3xf32>) {
  // CHECK: %[[C:.*]] = fx.cat
  // CHECK: %[[S:.*]] = fx.slice %[[C]]
  // CHECK: fx.sin %[[Y]]
  // CHECK: fx.sin %[[S]]
  %c2 = arith.constant 2 : i64
  %c3 = arith.constant 3 : i64
  %c6 = arith.constant 6 : i64
  %0 = fx.cat %x, %y : (tensor<2xf32>, tensor<4xf32>) -> tensor<6xf32>
  %1 = fx.slice %0 from %c2 to %c6 {dim = 0 : i64} : tensor<6xf32> -> tensor<4xf32>
  %2 = fx.slice %0 from %c3 {dim = 0 : i64} : tensor<6xf32> -> tensor<3xf32>
  %3 = fx.sin %1 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = fx.sin %2 : (tensor<3xf32>) -> tensor<3xf32>
  return %3, %4 : tensor<4xf32>, tensor<3xf32>
}

// The same elements in another order.
// CHECK-LABEL: @slices_in_another_order
func.func @slices_in_another_order(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: fx.cat
  %c2 = arith.constant 2 : i64
  %0 = fx.slice %x to %c2 {dim = 0 : i64} : tensor<4xf32> -> tensor<2xf32>
  %1 = fx.slice %x from %c2 {dim = 0 : i64} : tensor<4xf32> -> tensor<2xf32>
  %2 = fx.cat %1, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %3 = fx.relu %2 : (tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}
