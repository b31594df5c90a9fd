// RUN: fx-opt %s -fx-remove-redundant-dtype-views | FileCheck %s

// Rule 3.5, remove_redundant_views.
// CHECK-LABEL: @back
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[R:.*]] = fx.neg %[[X]]
// CHECK-NEXT: return %[[R]]
func.func @back(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.call "aten.view.dtype"(%x) {arguments = [{operand = 0 : i64}, i32], pure} : (tensor<4xf32>) -> tensor<4xi32>
  %1 = fx.call "aten.view.dtype"(%0) {arguments = [{operand = 0 : i64}, f32], pure} : (tensor<4xi32>) -> tensor<4xf32>
  %2 = fx.neg %1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// CHECK-LABEL: @twice
// CHECK: %[[V:.*]] = fx.call
// CHECK-NOT: fx.call
// CHECK: fx.bitwise_and %[[V]], %[[V]]
func.func @twice(%x: tensor<4xf32>) -> tensor<4xi32> {
  %0 = fx.call "aten.view.dtype"(%x) {arguments = [{operand = 0 : i64}, i32], pure} : (tensor<4xf32>) -> tensor<4xi32>
  %1 = fx.call "aten.view.dtype"(%x) {arguments = [{operand = 0 : i64}, i32], pure} : (tensor<4xf32>) -> tensor<4xi32>
  %2 = fx.bitwise_and %0, %1 : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %2 : tensor<4xi32>
}

// Other types of the same bits stay, and so does the middle of a chain that
// something else reads.
// CHECK-LABEL: @different
// CHECK: %[[A:.*]] = fx.call "aten.view.dtype"(%arg0) {{.*}} -> tensor<4xi16>
// CHECK: %[[B:.*]] = fx.call "aten.view.dtype"(%[[A]]) {{.*}} -> tensor<4xbf16>
// CHECK: return %[[A]], %[[B]], %arg0
func.func @different(%x: tensor<4xf16>) -> (tensor<4xi16>, tensor<4xbf16>, tensor<4xf16>) {
  %0 = fx.call "aten.view.dtype"(%x) {arguments = [{operand = 0 : i64}, i16], pure} : (tensor<4xf16>) -> tensor<4xi16>
  %1 = fx.call "aten.view.dtype"(%0) {arguments = [{operand = 0 : i64}, bf16], pure} : (tensor<4xi16>) -> tensor<4xbf16>
  %2 = fx.call "aten.view.dtype"(%1) {arguments = [{operand = 0 : i64}, f16], pure} : (tensor<4xbf16>) -> tensor<4xf16>
  return %0, %1, %2 : tensor<4xi16>, tensor<4xbf16>, tensor<4xf16>
}
