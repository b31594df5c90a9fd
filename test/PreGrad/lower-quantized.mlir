// RUN: fx-opt %s -fx-lower-quantized | FileCheck %s

// A linear whose activation has a zero point and whose weight a scale and a zero
// point for each row, then relu and quantisation: one product of integers.
// CHECK-LABEL: @linear
// CHECK-NOT: fx.call
// CHECK-NOT: fx.linear
// CHECK: %[[X:.*]] = fx.convert_element_type %arg0 {dtype = i32}
// CHECK: %[[T:.*]] = fx.permute %arg1 dims = [1, 0]
// CHECK: %[[W:.*]] = fx.convert_element_type %[[T]] {dtype = i32}
// CHECK: %[[P:.*]] = fx.mm %[[X]], %[[W]] : (tensor<33x64xi32>, tensor<64x48xi32>) -> tensor<33x48xi32>
// CHECK: fx.sum %[[W]]
// CHECK: fx.sum %[[X]]
// CHECK: fx.convert_element_type {{.*}} {dtype = f32} : (tensor<33x48xi32>)
// CHECK: fx.relu
// CHECK: fx.round
// CHECK: fx.clamp
// CHECK: fx.convert_element_type {{.*}} {dtype = ui8}
// KERNEL-LABEL: @linear
// KERNEL: fx.kernel template ins(%{{.*}} : {{.*}}tensor<33x64xi8>, tensor<48x64xi8>{{.*}} -> (tensor<33x48xi8>)
// KERNEL-NOT: fx.kernel {{loops|generic|template}}
// KERNEL: return
func.func @linear(%x: tensor<33x64xui8>, %w: tensor<48x64xi8>,
                  %s: tensor<48xf32>, %z: tensor<48xi64>, %b: tensor<48xf32>)
    -> tensor<33x48xui8> {
  %0 = fx.call "quantized_decomposed.dequantize_per_tensor.default"(%x) {arguments = [{operand = 0 : i64}, 0.02 : f64, 128 : i64, 0 : i64, 255 : i64, ui8], pure} : (tensor<33x64xui8>) -> tensor<33x64xf32>
  %1 = fx.call "quantized_decomposed.dequantize_per_channel.default"(%w, %s, %z) {arguments = [{operand = 0 : i64}, {operand = 1 : i64}, {operand = 2 : i64}, 0 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<48x64xi8>, tensor<48xf32>, tensor<48xi64>) -> tensor<48x64xf32>
  %2 = fx.linear %0, %1, %b : (tensor<33x64xf32>, tensor<48x64xf32>, tensor<48xf32>) -> tensor<33x48xf32>
  %3 = fx.relu %2 : (tensor<33x48xf32>) -> tensor<33x48xf32>
  %4 = fx.call "quantized_decomposed.quantize_per_tensor.default"(%3) {arguments = [{operand = 0 : i64}, 0.05 : f64, 3 : i64, 0 : i64, 255 : i64, ui8], pure} : (tensor<33x48xf32>) -> tensor<33x48xui8>
  return %4 : tensor<33x48xui8>
}

// As AOTAutograd writes it: a view of the activation, a transposed weight. With
// zero points of 0 there are no sums.
// CHECK-LABEL: @addmm
// CHECK: fx.view %arg0 {{.*}} -> tensor<6x16xi8>
// CHECK: fx.mm {{.*}} -> tensor<6x8xi32>
// CHECK-NOT: fx.sum
// CHECK: fx.add
// CHECK: return
func.func @addmm(%x: tensor<2x3x16xi8>, %w: tensor<8x16xi8>, %b: tensor<8xf32>)
    -> tensor<6x8xf32> {
  %0 = fx.call "quantized_decomposed.dequantize_per_tensor.default"(%x) {arguments = [{operand = 0 : i64}, 0.02 : f64, 0 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<2x3x16xi8>) -> tensor<2x3x16xf32>
  %1 = fx.call "quantized_decomposed.dequantize_per_tensor.default"(%w) {arguments = [{operand = 0 : i64}, 0.01 : f64, 0 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<8x16xi8>) -> tensor<8x16xf32>
  %2 = fx.view %0 sizes = [6, 16] : tensor<2x3x16xf32> -> tensor<6x16xf32>
  %3 = fx.permute %1 dims = [1, 0] : tensor<8x16xf32> -> tensor<16x8xf32>
  %4 = fx.addmm %b, %2, %3 : (tensor<8xf32>, tensor<6x16xf32>, tensor<16x8xf32>) -> tensor<6x8xf32>
  return %4 : tensor<6x8xf32>
}

// Scales along K, an activation of floats, and a scale that is a tensor: no
// product of integers; the last one stays a call.
// CHECK-LABEL: @others
// CHECK: fx.linear
// CHECK: fx.linear
// CHECK: fx.call "quantized_decomposed.quantize_per_tensor.tensor"
func.func @others(%x: tensor<4x16xi8>, %f: tensor<4x16xf32>, %w: tensor<8x16xi8>,
                  %s: tensor<16xf32>, %t: tensor<f32>, %z: tensor<i64>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x16xi8>) {
  %0 = fx.call "quantized_decomposed.dequantize_per_tensor.default"(%x) {arguments = [{operand = 0 : i64}, 0.02 : f64, 0 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<4x16xi8>) -> tensor<4x16xf32>
  %1 = fx.call "quantized_decomposed.dequantize_per_channel.default"(%w, %s) {arguments = [{operand = 0 : i64}, {operand = 1 : i64}, unit, 1 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<8x16xi8>, tensor<16xf32>) -> tensor<8x16xf32>
  %2 = fx.linear %0, %1 : (tensor<4x16xf32>, tensor<8x16xf32>) -> tensor<4x8xf32>
  %3 = fx.linear %f, %1 : (tensor<4x16xf32>, tensor<8x16xf32>) -> tensor<4x8xf32>
  %4 = fx.call "quantized_decomposed.quantize_per_tensor.tensor"(%f, %t, %z) {arguments = [{operand = 0 : i64}, {operand = 1 : i64}, {operand = 2 : i64}, -128 : i64, 127 : i64, i8], pure} : (tensor<4x16xf32>, tensor<f32>, tensor<i64>) -> tensor<4x16xi8>
  return %2, %3, %4 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x16xi8>
}
