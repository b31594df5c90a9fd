// RUN: fx-opt %s -fx-collapse-converts | FileCheck %s
// RUN: fx-opt %s -fx-collapse-converts=emulate-precision-casts | FileCheck %s --check-prefix=EMULATE
// Rule 3.8, pointless_convert.

// CHECK-LABEL: @wide_intermediate
// CHECK-SAME:  (%[[X:.*]]: tensor<4xf16>)
func.func @wide_intermediate(%x: tensor<4xf16>) -> tensor<4xbf16> {
  // CHECK-NEXT: fx.convert_element_type %[[X]] {dtype = bf16} : (tensor<4xf16>) -> tensor<4xbf16>
  // CHECK-NEXT: return
  %0 = fx.convert_element_type %x {dtype = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = fx.convert_element_type %0 {dtype = bf16} : (tensor<4xf32>) -> tensor<4xbf16>
  return %1 : tensor<4xbf16>
}

// Rounding to f16 on the way changes the values.
// CHECK-LABEL: @narrow_intermediate
func.func @narrow_intermediate(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-COUNT-2: fx.convert_element_type
  %0 = fx.convert_element_type %x {dtype = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %1 = fx.convert_element_type %0 {dtype = f32} : (tensor<4xf16>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @integers
func.func @integers(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-COUNT-2: fx.convert_element_type
  %0 = fx.convert_element_type %x {dtype = i64} : (tensor<4xf32>) -> tensor<4xi64>
  %1 = fx.convert_element_type %0 {dtype = f32} : (tensor<4xi64>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @intermediate_is_used
func.func @intermediate_is_used(%x: tensor<4xf16>) -> (tensor<4xf32>, tensor<4xbf16>) {
  // CHECK-COUNT-2: fx.convert_element_type
  %0 = fx.convert_element_type %x {dtype = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = fx.convert_element_type %0 {dtype = bf16} : (tensor<4xf32>) -> tensor<4xbf16>
  return %0, %1 : tensor<4xf32>, tensor<4xbf16>
}

// bf16 has fewer bits than f32: rounding twice is what eager does.
// CHECK-LABEL: @first_conversion_rounds
// CHECK-COUNT-1: fx.convert_element_type
// CHECK-NOT: fx.convert_element_type
// EMULATE-LABEL: @first_conversion_rounds
// EMULATE-COUNT-2: fx.convert_element_type
func.func @first_conversion_rounds(%x: tensor<4xf32>) -> tensor<4xf16> {
  %0 = fx.convert_element_type %x {dtype = bf16} : (tensor<4xf32>) -> tensor<4xbf16>
  %1 = fx.convert_element_type %0 {dtype = f16} : (tensor<4xbf16>) -> tensor<4xf16>
  return %1 : tensor<4xf16>
}
