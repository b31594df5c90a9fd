// RUN: fx-opt %s -fx-merge-views -fx-remove-identity-ops | FileCheck %s

// The inner view has another user, as between two linear layers.
// CHECK-LABEL: @views
// CHECK-SAME: (%[[X:.*]]: tensor<16x64xf32>)
func.func @views(%x: tensor<16x64xf32>) -> (tensor<2x8x64xf32>, tensor<16x64xf32>, tensor<1024xf32>) {
  // CHECK: %[[V:.*]] = fx.view %[[X]] sizes = [2, 8, 64]
  // CHECK: fx.relu %[[X]]
  // CHECK: fx.view %[[X]] sizes = [-1]
  %0 = fx.view %x sizes = [2, 8, 64] : tensor<16x64xf32> -> tensor<2x8x64xf32>
  %1 = fx.view %0 sizes = [16, 64] : tensor<2x8x64xf32> -> tensor<16x64xf32>
  %2 = fx.relu %1 : (tensor<16x64xf32>) -> tensor<16x64xf32>
  %3 = fx.view %0 sizes = [-1] : tensor<2x8x64xf32> -> tensor<1024xf32>
  return %0, %2, %3 : tensor<2x8x64xf32>, tensor<16x64xf32>, tensor<1024xf32>
}

// CHECK-LABEL: @permutes
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @permutes(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  // CHECK-NEXT: fx.permute %[[X]] dims = [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  // CHECK-NEXT: return
  %0 = fx.permute %x dims = [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %1 = fx.permute %0 dims = [1, 2, 0] : tensor<3x4x2xf32> -> tensor<4x2x3xf32>
  return %1 : tensor<4x2x3xf32>
}

// A view of a permute copies: the two do not merge.
// CHECK-LABEL: @view_of_permute
func.func @view_of_permute(%x: tensor<2x3xf32>) -> tensor<6xf32> {
  // CHECK: fx.permute
  // CHECK: fx.view
  %0 = fx.permute %x dims = [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %1 = fx.view %0 sizes = [6] : tensor<3x2xf32> -> tensor<6xf32>
  return %1 : tensor<6xf32>
}
