// RUN: fx-opt %s -fx-fold-constant-cumsum | FileCheck %s
// Rule 5.7, pointless_cumsum_replacement.

// CHECK-LABEL: @positions
func.func @positions() -> tensor<2x8xi64> {
  // CHECK: fx.iota %{{.*}} {dtype = i64, start = 1 : i64, step = 1 : i64} : (i64) -> tensor<8xi64>
  // CHECK: fx.mul
  // CHECK: fx.view %{{.*}} sizes = [1, 8]
  // CHECK: fx.expand %{{.*}} sizes = [2, 8]
  // CHECK-NOT: fx.cumsum
  %one = arith.constant true
  %0 = fx.full %one sizes = [2, 8] {dtype = i1} : i1 -> tensor<2x8xi1>
  %1 = fx.cumsum %0 {dim = 1 : i64} : (tensor<2x8xi1>) -> tensor<2x8xi64>
  return %1 : tensor<2x8xi64>
}

// ATen sums f16 in f32.
// CHECK-LABEL: @half
func.func @half() -> tensor<8xf16> {
  // CHECK: fx.convert_element_type %{{.*}} {dtype = f32} : (tensor<8xi64>)
  // CHECK: fx.mul %{{.*}} : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  // CHECK: fx.convert_element_type %{{.*}} {dtype = f16}
  %c = arith.constant 0.1 : f64
  %0 = fx.full %c sizes = [8] {dtype = f16} : f64 -> tensor<8xf16>
  %1 = fx.cumsum %0 {dim = 0 : i64} : (tensor<8xf16>) -> tensor<8xf16>
  return %1 : tensor<8xf16>
}

// CHECK-LABEL: @not_a_constant
func.func @not_a_constant(%x: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK: fx.cumsum
  %0 = fx.cumsum %x {dim = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
