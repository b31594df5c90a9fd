// RUN: fx-opt %s -fx-lift-quantize | FileCheck %s

// Rule 2.11: the chain of views comes after the quantisation.
// CHECK-LABEL: @chain
// CHECK: %[[Y:.*]] = fx.linear
// CHECK: %[[Q:.*]] = fx.call "quantized_decomposed.quantize_per_tensor.default"(%[[Y]]) {{.*}} : (tensor<4x6xf32>) -> tensor<4x6xi8>
// CHECK: %[[V:.*]] = fx.view %[[Q]] sizes = [2, 2, 6] : tensor<4x6xi8> -> tensor<2x2x6xi8>
// CHECK: %[[P:.*]] = fx.permute %[[V]] dims = [0, 2, 1] : tensor<2x2x6xi8> -> tensor<2x6x2xi8>
// CHECK-NEXT: return %[[P]]
func.func @chain(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<2x6x2xi8> {
  %0 = fx.linear %x, %w : (tensor<4x8xf32>, tensor<6x8xf32>) -> tensor<4x6xf32>
  %1 = fx.view %0 sizes = [2, 2, 6] : tensor<4x6xf32> -> tensor<2x2x6xf32>
  %2 = fx.permute %1 dims = [0, 2, 1] : tensor<2x2x6xf32> -> tensor<2x6x2xf32>
  %3 = fx.call "quantized_decomposed.quantize_per_tensor.default"(%2) {arguments = [{operand = 0 : i64}, 0.1 : f64, 3 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<2x6x2xf32>) -> tensor<2x6x2xi8>
  return %3 : tensor<2x6x2xi8>
}

// The view has another user, which wants the floats.
// CHECK-LABEL: @shared_view
// CHECK: fx.view {{.*}} -> tensor<6x4xf32>
// CHECK-NEXT: fx.call
func.func @shared_view(%x: tensor<4x6xf32>) -> (tensor<6x4xi8>, tensor<6x4xf32>) {
  %0 = fx.view %x sizes = [6, 4] : tensor<4x6xf32> -> tensor<6x4xf32>
  %1 = fx.call "quantized_decomposed.quantize_per_tensor.default"(%0) {arguments = [{operand = 0 : i64}, 0.1 : f64, 3 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<6x4xf32>) -> tensor<6x4xi8>
  return %1, %0 : tensor<6x4xi8>, tensor<6x4xf32>
}

// A scale that is a tensor, a scale for each channel, and no view at all.
// CHECK-LABEL: @others
// CHECK: fx.view
// CHECK-NEXT: fx.call "quantized_decomposed.quantize_per_tensor.tensor"
// CHECK-NEXT: fx.permute
// CHECK-NEXT: fx.call "quantized_decomposed.quantize_per_channel.default"
// CHECK-NEXT: fx.call "quantized_decomposed.quantize_per_tensor.default"
func.func @others(%x: tensor<4x6xf32>, %s: tensor<f32>, %z: tensor<i64>, %c: tensor<6xf32>, %d: tensor<6xi64>) -> (tensor<6x4xi8>, tensor<6x4xi8>, tensor<4x6xi8>) {
  %0 = fx.view %x sizes = [6, 4] : tensor<4x6xf32> -> tensor<6x4xf32>
  %1 = fx.call "quantized_decomposed.quantize_per_tensor.tensor"(%0, %s, %z) {arguments = [{operand = 0 : i64}, {operand = 1 : i64}, {operand = 2 : i64}, -128 : i64, 127 : i64, i8], pure} : (tensor<6x4xf32>, tensor<f32>, tensor<i64>) -> tensor<6x4xi8>
  %2 = fx.permute %x dims = [1, 0] : tensor<4x6xf32> -> tensor<6x4xf32>
  %3 = fx.call "quantized_decomposed.quantize_per_channel.default"(%2, %c, %d) {arguments = [{operand = 0 : i64}, {operand = 1 : i64}, {operand = 2 : i64}, 0 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<6x4xf32>, tensor<6xf32>, tensor<6xi64>) -> tensor<6x4xi8>
  %4 = fx.call "quantized_decomposed.quantize_per_tensor.default"(%x) {arguments = [{operand = 0 : i64}, 0.1 : f64, 3 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<4x6xf32>) -> tensor<4x6xi8>
  return %1, %3, %4 : tensor<6x4xi8>, tensor<6x4xi8>, tensor<4x6xi8>
}
