// RUN: fx-opt %s -fx-reorder-for-locality | FileCheck %s
// Rule 5.2.

// Two chains that were interleaved.
// CHECK-LABEL: @chains
func.func @chains(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: fx.sin
  // CHECK-NEXT: fx.exp
  // CHECK-NEXT: fx.cos
  // CHECK-NEXT: fx.neg
  // CHECK-NEXT: fx.add
  %0 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.cos %y : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.neg %1 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = fx.add %2, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// Just before the first of two users, not the last.
// CHECK-LABEL: @two_users
func.func @two_users(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT: fx.cos
  // CHECK-NEXT: fx.sin
  // CHECK-NEXT: fx.add
  // CHECK-NEXT: fx.neg
  %0 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.cos %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.add %1, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.neg %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %2, %3 : tensor<4xf32>, tensor<4xf32>
}

// Not across a call with side effects; seeds keep their place.
// CHECK-LABEL: @effects
func.func @effects(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: fx.seeds
  // CHECK-NEXT: fx.sin
  // CHECK-NEXT: fx.call
  // CHECK-NEXT: fx.cos
  // CHECK-NEXT: fx.lookup_seed
  // CHECK-NEXT: fx.random
  // CHECK-NEXT: fx.add
  %s = fx.seeds {count = 1 : i64} : tensor<1xi64>
  %0 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  fx.call "my.print.default"(%x) {arguments = [{operand = 0 : i64}]} : (tensor<4xf32>) -> ()
  %1 = fx.lookup_seed %s {index = 0 : i64} : (tensor<1xi64>) -> tensor<i64>
  %2 = fx.cos %0 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.random %1 sizes = [4] {mode = "rand"} : tensor<i64> -> tensor<4xf32>
  %4 = fx.add %2, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// Parts of a split are getitems behind it in FX.
// CHECK-LABEL: @several_results
func.func @several_results(%x: tensor<4xf32>) -> tensor<2xf32> {
  // CHECK-NEXT: fx.split
  // CHECK-NEXT: fx.sin
  // CHECK-NEXT: fx.cat
  %0:2 = fx.split %x {split_size = 2 : i64} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %1 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.cat %0#0, %1 : (tensor<2xf32>, tensor<4xf32>) -> tensor<6xf32>
  return %0#1 : tensor<2xf32>
}
