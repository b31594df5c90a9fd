// RUN: fx-opt %s -fx-lower-to-linalg -fx-verify-linalg | FileCheck %s

// CHECK: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0, 0)>

// Roles and names are gone, a NaN stays: 0 > x ? 0 : x.
// CHECK-LABEL: @relu
// CHECK-SAME:  (%[[X:.*]]: tensor<4xf32>) -> tensor<4xf32>
func.func @relu(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"}) -> tensor<4xf32> {
  // CHECK: linalg.generic
  // CHECK: %[[C:.*]] = arith.cmpf ogt, %[[ZERO:.*]], %[[E:.*]] : f32
  // CHECK: arith.select %[[C]], %[[ZERO]], %[[E]] : f32
  %0 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Half types are computed in f32; the Python scalar is not rounded to f16.
// CHECK-LABEL: @half_times_scalar
func.func @half_times_scalar(%x: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK-DAG: arith.constant 1.000000e-01 : f32
  // CHECK-DAG: arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.mulf %{{.*}} : f32
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  %c = arith.constant 0.1 : f64
  %0 = fx.mul %x, %c : (tensor<4xf16>, f64) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// In a comparison it is, as in eager PyTorch: f16(0.1) = 0.0999755859.
// CHECK-LABEL: @half_compared_with_scalar
func.func @half_compared_with_scalar(%x: tensor<4xf16>) -> tensor<4xi1> {
  // CHECK: arith.constant 0.0999755859 : f32
  %c = arith.constant 0.1 : f64
  %0 = fx.eq %x, %c : (tensor<4xf16>, f64) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// ui8 becomes i8 with unsigned ops.
// CHECK-LABEL: @unsigned_maximum
// CHECK-SAME:  tensor<4xi8>
func.func @unsigned_maximum(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> {
  // CHECK: arith.maxui
  %0 = fx.maximum %x, %y : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// A dimension of size 1 is read at 0; a `?` is never 1.
// CHECK-LABEL: @broadcast
func.func @broadcast(%x: tensor<?x1xf32>, %y: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[ROW]], #{{.*}}, #{{.*}}]
  %0 = fx.add %x, %y : (tensor<?x1xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// Adding bools is or.
// CHECK-LABEL: @bool_add
func.func @bool_add(%x: tensor<2xi1>) -> tensor<2xi1> {
  // CHECK: arith.ori
  %0 = fx.add %x, %x : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  return %0 : tensor<2xi1>
}

// No computation: the operand itself.
// CHECK-LABEL: @alias
// CHECK-SAME:  (%[[X:.*]]: tensor<2xf32>)
func.func @alias(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = fx.alias %x : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
