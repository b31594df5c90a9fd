// RUN: fx-opt %s -fx-batch-linear=min-fuse-set-size=2 | FileCheck %s
// RUN: fx-opt %s -fx-batch-linear | FileCheck %s --check-prefix=FEW
// RUN: fx-opt %s --pre-grad="enable=batch_linear_lhs" --dump-pass-pipeline -o /dev/null 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: fx-batch-linear

// Rule 2.9, batch_linear_lhs. As in Inductor two are too few by default.
// FEW-NOT: fx.cat
// CHECK-LABEL: @query_and_key
// CHECK-DAG: %[[W:.*]] = fx.cat %arg1, %arg3 :
// CHECK-DAG: %[[B:.*]] = fx.cat %arg2, %arg4 :
// CHECK: %[[L:.*]] = fx.linear %arg0, %[[W]], %[[B]]
// CHECK: %[[S:.*]]:2 = fx.split_with_sizes %[[L]] {dim = 2 : i64, split_sizes = array<i64: 6, 4>}
// CHECK: fx.neg %[[S]]#0
// CHECK: return %{{.*}}, %[[S]]#1
func.func @query_and_key(%x: tensor<2x3x8xf32>, %w: tensor<6x8xf32>, %b: tensor<6xf32>, %v: tensor<4x8xf32>, %c: tensor<4xf32>) -> (tensor<2x3x6xf32>, tensor<2x3x4xf32>) {
  %0 = fx.linear %x, %w, %b : (tensor<2x3x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<2x3x6xf32>
  %1 = fx.neg %0 : (tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  %2 = fx.linear %x, %v, %c : (tensor<2x3x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  return %1, %2 : tensor<2x3x6xf32>, tensor<2x3x4xf32>
}

// One has no bias; one weight is made of the other's result; inputs differ.
// CHECK-LABEL: @different
// CHECK-NOT: fx.cat
func.func @different(%x: tensor<8x8xf32>, %y: tensor<8x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = fx.linear %x, %w, %b : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  %1 = fx.linear %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = fx.linear %x, %0, %b : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  %3 = fx.linear %y, %w, %b : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  return %0, %1, %2, %3 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
}
