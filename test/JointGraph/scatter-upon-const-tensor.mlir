// RUN: fx-opt %s -fx-scatter-upon-const-tensor | FileCheck %s
// Rule 3.8, scatter_upon_const_tensor.

// The gradient of a cross-entropy.
// CHECK-LABEL: @one_hot
// CHECK-SAME: (%[[I:.*]]: tensor<16x1xi64>)
func.func @one_hot(%index: tensor<16x1xi64>) -> tensor<16x100xf32> {
  %zero = arith.constant 0 : i64
  %minus = arith.constant -1.0 : f64
  %0 = fx.full %zero sizes = [16, 100] {dtype = f32} : i64 -> tensor<16x100xf32>
  // CHECK-DAG: %[[IOTA:.*]] = fx.iota %{{.*}} {dtype = i64, start = 0 : i64, step = 1 : i64} : (i64) -> tensor<100xi64>
  // CHECK-DAG: %[[P:.*]] = fx.view %[[IOTA]] sizes = [1, 100]
  // CHECK-DAG: %[[E:.*]] = fx.expand %[[I]] sizes = [16, 100]
  // CHECK: %[[Q:.*]] = fx.eq %[[E]], %[[P]]
  // CHECK: fx.where %[[Q]], %{{.*}}, %{{.*}} : (tensor<16x100xi1>, f64, i64) -> tensor<16x100xf32>
  // CHECK-NOT: fx.scatter
  // CHECK-NOT: fx.full
  %1 = fx.scatter %0, %index, %minus {dim = 1 : i64} : (tensor<16x100xf32>, tensor<16x1xi64>, f64) -> tensor<16x100xf32>
  return %1 : tensor<16x100xf32>
}

// Two Python scalars would select in f32.
// CHECK-LABEL: @element_type_is_not_the_default
func.func @element_type_is_not_the_default(%index: tensor<1x5xi64>) -> tensor<4x5xf64> {
  %c = arith.constant 0.1 : f64
  %0 = fx.full %c sizes = [4, 5] {dtype = f64} : f64 -> tensor<4x5xf64>
  // CHECK: %[[V:.*]] = fx.scalar_tensor %{{.*}} {dtype = f64}
  // CHECK: %[[B:.*]] = fx.scalar_tensor %{{.*}} {dtype = f64}
  // CHECK: fx.where %{{.*}}, %[[V]], %[[B]] : {{.*}} -> tensor<4x5xf64>
  %1 = fx.scatter %0, %index, %c {dim = 0 : i64} : (tensor<4x5xf64>, tensor<1x5xi64>, f64) -> tensor<4x5xf64>
  return %1 : tensor<4x5xf64>
}

// Two indices a row: their order would matter.
// CHECK-LABEL: @several_indices
func.func @several_indices(%index: tensor<16x2xi64>) -> tensor<16x100xf32> {
  %c = arith.constant 1.0 : f64
  %0 = fx.full %c sizes = [16, 100] {dtype = f32} : f64 -> tensor<16x100xf32>
  // CHECK: fx.scatter
  %1 = fx.scatter %0, %index, %c {dim = 1 : i64} : (tensor<16x100xf32>, tensor<16x2xi64>, f64) -> tensor<16x100xf32>
  return %1 : tensor<16x100xf32>
}

// Only the first rows are written.
// CHECK-LABEL: @index_covers_a_part
func.func @index_covers_a_part(%index: tensor<8x1xi64>) -> tensor<16x100xf32> {
  %c = arith.constant 1.0 : f64
  %0 = fx.full %c sizes = [16, 100] {dtype = f32} : f64 -> tensor<16x100xf32>
  // CHECK: fx.scatter
  %1 = fx.scatter %0, %index, %c {dim = 1 : i64} : (tensor<16x100xf32>, tensor<8x1xi64>, f64) -> tensor<16x100xf32>
  return %1 : tensor<16x100xf32>
}

// CHECK-LABEL: @not_a_constant
func.func @not_a_constant(%x: tensor<16x100xf32>, %index: tensor<16x1xi64>) -> tensor<16x100xf32> {
  %c = arith.constant 1.0 : f64
  // CHECK: fx.scatter
  %0 = fx.scatter %x, %index, %c {dim = 1 : i64} : (tensor<16x100xf32>, tensor<16x1xi64>, f64) -> tensor<16x100xf32>
  return %0 : tensor<16x100xf32>
}
