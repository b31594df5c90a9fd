// RUN: fx-opt %s -fx-index-by-permutation | FileCheck %s

// Rule 3.8, randperm_index.
// CHECK-LABEL: @index
// CHECK: fx.index {{.*}}fx.overload = "aten._unsafe_index.Tensor"
func.func @index(%x: tensor<8x3xf32>) -> tensor<4x3xf32> {
  %c0 = arith.constant 0 : i64
  %c4 = arith.constant 4 : i64
  %p = fx.call "aten.randperm.default"() {arguments = [8 : i64], pure} : () -> tensor<8xi64>
  %i = fx.slice %p from %c0 to %c4 {dim = 0 : i64} : tensor<8xi64> -> tensor<4xi64>
  %0 = fx.index %x, %i {index_dims = array<i64: 0>} : (tensor<8x3xf32>, tensor<4xi64>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// Rule 3.8, randperm_index_add.
// CHECK-LABEL: @index_add
// CHECK-SAME: (%[[X:.*]]: tensor<8x3xf32>, %[[Y:.*]]: tensor<8x3xf32>)
// CHECK: %[[P:.*]] = fx.call "aten.randperm.default"
// CHECK: %[[T:.*]] = fx.index %[[X]], %[[P]] {{.*}}_unsafe_index.Tensor
// CHECK: %[[S:.*]] = fx.add %[[T]], %[[Y]]
// CHECK: fx.index_put %[[X]], %[[S]], %[[P]] {{.*}}_unsafe_index_put.default
// CHECK-NOT: accumulate = true
func.func @index_add(%x: tensor<8x3xf32>, %y: tensor<8x3xf32>) -> tensor<8x3xf32> {
  %p = fx.call "aten.randperm.default"() {arguments = [8 : i64], pure} : () -> tensor<8xi64>
  %0 = fx.index_put %x, %y, %p {accumulate = true, index_dims = array<i64: 0>} : (tensor<8x3xf32>, tensor<8x3xf32>, tensor<8xi64>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}

// A permutation of more numbers may be out of range; along another dimension it
// is that dimension's size that counts; other indices may collide.
// CHECK-LABEL: @others
// CHECK-NOT: unsafe
func.func @others(%x: tensor<4x8xf32>, %y: tensor<8x8xf32>, %i: tensor<8xi64>) -> (tensor<8x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %p = fx.call "aten.randperm.default"() {arguments = [8 : i64], pure} : () -> tensor<8xi64>
  %0 = fx.index %x, %p {index_dims = array<i64: 0>} : (tensor<4x8xf32>, tensor<8xi64>) -> tensor<8x8xf32>
  %1 = fx.index %x, %p {index_dims = array<i64: 1>} : (tensor<4x8xf32>, tensor<8xi64>) -> tensor<4x8xf32>
  %2 = fx.index_put %x, %y, %i {accumulate = true, index_dims = array<i64: 0>} : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8xi64>) -> tensor<4x8xf32>
  return %0, %1, %2 : tensor<8x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}
