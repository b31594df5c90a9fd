// RUN: fx-opt %s -fx-remove-noop-ops | FileCheck %s
// Rule 3.4: one function for each row of the table.

// CHECK-LABEL: @chain
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>)
func.func @chain(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  %max = arith.constant 9223372036854775807 : i64
  %f0 = arith.constant 0.0 : f64
  %0 = fx.alias %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = fx.clone %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = fx.slice %1 from %c0 to %c8 {dim = 1 : i64} : tensor<4x8xf32> -> tensor<4x8xf32>
  %3 = fx.slice %2 from %c0 to %max {dim = 0 : i64} : tensor<4x8xf32> -> tensor<4x8xf32>
  %4 = fx.repeat %3 sizes = [1, 1] : tensor<4x8xf32> -> tensor<4x8xf32>
  %5 = fx.constant_pad_nd %4, %f0 {pad = array<i64: 0, 0>} : (tensor<4x8xf32>, f64) -> tensor<4x8xf32>
  %6 = fx.convert_element_type %5 {dtype = f32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = fx.pow %6, %c1 : (tensor<4x8xf32>, i64) -> tensor<4x8xf32>
  %8 = fx.cat %7 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %9 = fx.view %8 sizes = [4, 8] : tensor<4x8xf32> -> tensor<4x8xf32>
  %10 = fx.detach %9 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %11 = fx.copy %x, %10 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK-NEXT: %[[R:.*]] = fx.relu %[[X]]
  // CHECK-NEXT: return %[[R]]
  %12 = fx.relu %11 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %12 : tensor<4x8xf32>
}

// CHECK-LABEL: @integer_rounding
// CHECK-SAME: (%[[X:.*]]: tensor<4xi64>, %[[Y:.*]]: tensor<4xf32>)
func.func @integer_rounding(%x: tensor<4xi64>, %y: tensor<4xf32>) -> (tensor<4xi64>, tensor<4xf32>) {
  // CHECK-NEXT: %[[N:.*]] = fx.neg %[[X]]
  // CHECK-NEXT: %[[F:.*]] = fx.floor %[[Y]]
  // CHECK-NEXT: return %[[N]], %[[F]]
  %0 = fx.ceil %x : (tensor<4xi64>) -> tensor<4xi64>
  %1 = fx.trunc %0 : (tensor<4xi64>) -> tensor<4xi64>
  %2 = fx.neg %1 : (tensor<4xi64>) -> tensor<4xi64>
  %3 = fx.floor %y : (tensor<4xf32>) -> tensor<4xf32>
  return %2, %3 : tensor<4xi64>, tensor<4xf32>
}

// The slice overwrites everything: the source it is.
// CHECK-LABEL: @slice_scatter
// CHECK-SAME: (%{{.*}}: tensor<4xf32>, %[[SRC:.*]]: tensor<4xf32>)
func.func @slice_scatter(%x: tensor<4xf32>, %src: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[S:.*]] = fx.sin %[[SRC]]
  %0 = fx.slice_scatter %x, %src {dim = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.sin %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// pow(x, 1.0) stays, as in the reference; expand is no row of the table.
// CHECK-LABEL: @not_in_the_table
func.func @not_in_the_table(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant 1.0 : f64
  // CHECK: fx.pow
  // CHECK: fx.expand
  %0 = fx.pow %x, %one : (tensor<4xf32>, f64) -> tensor<4xf32>
  %1 = fx.expand %0 sizes = [4] : tensor<4xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @real_work
func.func @real_work(%x: tensor<4x8xf32>, %n: i64) -> tensor<?x2xf16> {
  %c0 = arith.constant 0 : i64
  // CHECK: fx.slice
  // CHECK: fx.slice
  // CHECK: fx.convert_element_type
  %0 = fx.slice %x from %c0 to %n {dim = 0 : i64} : tensor<4x8xf32> -> tensor<?x8xf32>
  %1 = fx.slice %0 {dim = 1 : i64, step = 4 : i64} : tensor<?x8xf32> -> tensor<?x2xf32>
  %2 = fx.convert_element_type %1 {dtype = f16} : (tensor<?x2xf32>) -> tensor<?x2xf16>
  return %2 : tensor<?x2xf16>
}

// Two unknown sizes: another shape may have as many elements.
// CHECK-LABEL: @unknown_shapes
func.func @unknown_shapes(%x: tensor<?x?xf32>, %n: i64, %m: i64, %y: tensor<?x8xf32>) -> (tensor<?x?xf32>, tensor<?x8xf32>) {
  // CHECK: fx.view %{{.*}} sizes = [%{{.*}}, %{{.*}}]
  // CHECK-NOT: fx.view
  %0 = fx.view %x sizes = [%n, %m] : tensor<?x?xf32> -> tensor<?x?xf32>
  %1 = fx.view %y sizes = [%n, 8] : tensor<?x8xf32> -> tensor<?x8xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<?x8xf32>
}

// A fresh result must not become the argument.
// CHECK-LABEL: @returned_clone_of_argument
func.func @returned_clone_of_argument(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[C:.*]] = fx.clone
  // CHECK: return %[[C]]
  %0 = fx.clone %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Through views on both sides.
// CHECK-LABEL: @returned_view_of_clone
func.func @returned_view_of_clone(%x: tensor<4x2xf32>) -> tensor<8xf32> {
  // CHECK: fx.clone
  %0 = fx.permute %x dims = [1, 0] : tensor<4x2xf32> -> tensor<2x4xf32>
  %1 = fx.clone %0 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = fx.view %1 sizes = [8] : tensor<2x4xf32> -> tensor<8xf32>
  return %2 : tensor<8xf32>
}

// Two results that were apart stay apart: of two clones one goes.
// CHECK-LABEL: @returned_clones
func.func @returned_clones(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK: %[[S:.*]] = fx.sin
  // CHECK: %[[C:.*]] = fx.clone %[[S]]
  // CHECK: return %[[S]], %[[C]]
  %0 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.clone %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.clone %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// An alias was the argument already.
// CHECK-LABEL: @returned_alias
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @returned_alias(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = fx.alias %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
