// RUN: fx-opt %s -fx-remove-pointless-views | FileCheck %s
// Rule 3.6.

// CHECK-LABEL: @view
// CHECK-SAME: (%[[X:.*]]: tensor<8x8xf32>)
func.func @view(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = fx.view %x sizes = [8, -1] : tensor<8x8xf32> -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// CHECK-LABEL: @view_pair
// CHECK-SAME: (%[[X:.*]]: tensor<8x8xf32>)
func.func @view_pair(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = fx.view %x sizes = [64] : tensor<8x8xf32> -> tensor<64xf32>
  %1 = fx.view %0 sizes = [8, 8] : tensor<64xf32> -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}

// CHECK-LABEL: @permute_pair
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @permute_pair(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = fx.permute %x dims = [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %1 = fx.permute %0 dims = [-1, 0, 1] : tensor<3x4x2xf32> -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// Not merged: the second shape is a third one.
// CHECK-LABEL: @view_chain
func.func @view_chain(%x: tensor<8x8xf32>) -> tensor<4x16xf32> {
  // CHECK-COUNT-2: fx.view
  %0 = fx.view %x sizes = [64] : tensor<8x8xf32> -> tensor<64xf32>
  %1 = fx.view %0 sizes = [4, 16] : tensor<64xf32> -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// The inner permute feeds a product, as in a backward: both stay.
// CHECK-LABEL: @inner_permute_is_used
func.func @inner_permute_is_used(%w: tensor<2x3xf32>, %x: tensor<4x3xf32>) -> (tensor<4x2xf32>, tensor<2x3xf32>) {
  // CHECK-COUNT-2: fx.permute
  %0 = fx.permute %w dims = [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %1 = fx.mm %x, %0 : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  %2 = fx.permute %0 dims = [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  return %1, %2 : tensor<4x2xf32>, tensor<2x3xf32>
}

// Same shape, other elements.
// CHECK-LABEL: @not_the_inverse
func.func @not_the_inverse(%x: tensor<2x2x2xf32>) -> tensor<2x2x2xf32> {
  // CHECK-COUNT-2: fx.permute
  %0 = fx.permute %x dims = [1, 2, 0] : tensor<2x2x2xf32> -> tensor<2x2x2xf32>
  %1 = fx.permute %0 dims = [1, 2, 0] : tensor<2x2x2xf32> -> tensor<2x2x2xf32>
  return %1 : tensor<2x2x2xf32>
}
