// RUN: fx-opt %s -fx-fold-uniform-values | FileCheck %s
// RUN: fx-opt %s -fx-fold-uniform-values=assume-finite | FileCheck %s --check-prefix=FINITE
// Rule 3.5.

// CHECK-LABEL: @sum_of_constants
func.func @sum_of_constants() -> tensor<4xf32> {
  // CHECK-NEXT: %[[C:.*]] = arith.constant 3.000000e+00 : f64
  // CHECK-NEXT: %[[F:.*]] = fx.full %[[C]] sizes = [4] {dtype = f32} : f64 -> tensor<4xf32>
  // CHECK-NEXT: return %[[F]]
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %0 = fx.full %one sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %1 = fx.full %two sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %2 = fx.add %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// f16 holds 0.0999755859375; a Python scalar is not rounded before it is used.
// CHECK-LABEL: @rounding
func.func @rounding() -> tensor<2xf16> {
  // CHECK: arith.constant 0.099975{{[0-9]*}} : f64
  // CHECK-NEXT: fx.full
  // CHECK-NEXT: return
  %one = arith.constant 1 : i64
  %tenth = arith.constant 0.1 : f64
  %0 = fx.full %one sizes = [2] {dtype = f16} : i64 -> tensor<2xf16>
  %1 = fx.mul %0, %tenth : (tensor<2xf16>, f64) -> tensor<2xf16>
  return %1 : tensor<2xf16>
}

// CHECK-LABEL: @views_and_types
func.func @views_and_types() -> (tensor<6xi64>, tensor<2x3xi1>, tensor<f32>) {
  // CHECK-DAG: fx.full %{{.*}} sizes = [6] {dtype = i64} : i64 -> tensor<6xi64>
  // CHECK-DAG: %[[T:.*]] = arith.constant true
  // CHECK-DAG: fx.full %[[T]] sizes = [2, 3] {dtype = i1} : i1 -> tensor<2x3xi1>
  // CHECK-DAG: fx.full %{{.*}} sizes = [] {dtype = f32} : f64 -> tensor<f32>
  // CHECK-NOT: fx.view
  // CHECK-NOT: fx.scalar_tensor
  %c = arith.constant 2.7 : f64
  %zero = arith.constant 0 : i64
  %0 = fx.full %c sizes = [2, 3] {dtype = f32} : f64 -> tensor<2x3xf32>
  %1 = fx.convert_element_type %0 {dtype = i64} : (tensor<2x3xf32>) -> tensor<2x3xi64>
  %2 = fx.view %1 sizes = [6] : tensor<2x3xi64> -> tensor<6xi64>
  %3 = fx.ge %0, %c : (tensor<2x3xf32>, f64) -> tensor<2x3xi1>
  %4 = fx.logical_not %3 : (tensor<2x3xi1>) -> tensor<2x3xi1>
  %5 = fx.logical_not %4 : (tensor<2x3xi1>) -> tensor<2x3xi1>
  %6 = fx.scalar_tensor %zero {dtype = f32} : (i64) -> tensor<f32>
  return %2, %5, %6 : tensor<6xi64>, tensor<2x3xi1>, tensor<f32>
}

// CHECK-LABEL: @neutral_elements
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @neutral_elements(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[R:.*]] = fx.relu %[[X]]
  // CHECK-NEXT: return %[[R]]
  %zero = arith.constant 0 : i64
  %one = arith.constant 1.0 : f64
  %0 = fx.full %zero sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %1 = fx.full %one sizes = [4] {dtype = f32} : f64 -> tensor<4xf32>
  %2 = fx.add %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.mul %2, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = fx.sub %3, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = fx.div %4, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %6 = fx.relu %5 : (tensor<4xf32>) -> tensor<4xf32>
  return %6 : tensor<4xf32>
}

// CHECK-LABEL: @type_changes
// CHECK-SAME: (%[[X:.*]]: tensor<4xf16>)
func.func @type_changes(%x: tensor<4xf16>) -> tensor<4xf32> {
  // CHECK-NEXT: fx.convert_element_type %[[X]] {dtype = f32}
  // CHECK-NEXT: return
  %zero = arith.constant 0 : i64
  %0 = fx.full %zero sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %1 = fx.add %x, %0 : (tensor<4xf16>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// 10.2: the sum is a fresh tensor, the argument is not.
// CHECK-LABEL: @returned_sum
func.func @returned_sum(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[S:.*]] = fx.add
  // CHECK: return %[[S]]
  %zero = arith.constant 0 : i64
  %0 = fx.full %zero sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %1 = fx.add %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @broadcast
func.func @broadcast(%x: tensor<4xf32>) -> tensor<3x4xf32> {
  // CHECK: fx.mul
  %one = arith.constant 1 : i64
  %0 = fx.full %one sizes = [3, 1] {dtype = f32} : i64 -> tensor<3x1xf32>
  %1 = fx.mul %x, %0 : (tensor<4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// 0 - x, 1 / x and x + 2*0 (with alpha) are not x.
// CHECK-LABEL: @not_neutral
func.func @not_neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: fx.sub
  // CHECK: fx.div
  // CHECK: fx.add
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %0 = fx.full %zero sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %1 = fx.full %one sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %2 = fx.sub %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.div %1, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = fx.add %0, %x {alpha = 2.0 : f64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// 0 * NaN is NaN.
// CHECK-LABEL: @zero_times
// CHECK: fx.mul %{{.*}}, %{{.*}} : (tensor<4xf32>, i64)
// CHECK: fx.full %{{.*}} sizes = [4] {dtype = i64}
// FINITE-LABEL: @zero_times
// FINITE-NOT: fx.mul
func.func @zero_times(%x: tensor<4xf32>, %i: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi64>) {
  %zero = arith.constant 0 : i64
  %0 = fx.mul %x, %zero : (tensor<4xf32>, i64) -> tensor<4xf32>
  %1 = fx.mul %i, %zero : (tensor<4xi64>, i64) -> tensor<4xi64>
  return %0, %1 : tensor<4xf32>, tensor<4xi64>
}

// exp is not computed here: its last bit is the machine's.
// CHECK-LABEL: @library_functions
func.func @library_functions() -> tensor<4xf32> {
  // CHECK: fx.exp
  %one = arith.constant 1 : i64
  %0 = fx.full %one sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %1 = fx.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// The tensor and its view are both returned and share memory.
// CHECK-LABEL: @shared_memory
func.func @shared_memory() -> (tensor<4xf32>, tensor<2x2xf32>) {
  // CHECK: %[[F:.*]] = fx.full
  // CHECK: %[[V:.*]] = fx.view %[[F]]
  // CHECK: return %[[F]], %[[V]]
  %one = arith.constant 1 : i64
  %0 = fx.full %one sizes = [4] {dtype = f32} : i64 -> tensor<4xf32>
  %1 = fx.view %0 sizes = [2, 2] : tensor<4xf32> -> tensor<2x2xf32>
  return %0, %1 : tensor<4xf32>, tensor<2x2xf32>
}

// Whatever the formula, no element is left to compute.
// CHECK-LABEL: @no_elements
func.func @no_elements(%x: tensor<0x4xf32>, %i: tensor<0x4xi64>)
    -> tensor<0x4xf32> {
  // CHECK: %[[FULL:.*]] = fx.full
  // CHECK-SAME: -> tensor<0x4xf32>
  // CHECK-NEXT: return %[[FULL]]
  %0 = fx.gather %x, %i {dim = 1 : i64}
    : (tensor<0x4xf32>, tensor<0x4xi64>) -> tensor<0x4xf32>
  %1 = fx.exp %0 : (tensor<0x4xf32>) -> tensor<0x4xf32>
  return %1 : tensor<0x4xf32>
}
