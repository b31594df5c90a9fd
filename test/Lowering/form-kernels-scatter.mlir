// RUN: fx-opt %s -fx-lower-to-linalg -fx-form-kernels --split-input-file | FileCheck %s

// Rows are gathered and scaled where they are added: one kernel, no rows in
// memory between.
// CHECK-LABEL: @sum_of_rows
// CHECK:       fx.kernel generic ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : {{.*}}) -> (tensor<10x64xf32>)
// CHECK-NOT:   {{fx.kernel (loops|generic)}}
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-DAG:         arith.mulf
// CHECK-DAG:         arith.addf
// CHECK:             tensor.insert
// CHECK-NOT:   {{fx.kernel (loops|generic)}}
// CHECK:       return
func.func @sum_of_rows(%w: tensor<100x64xf32>, %from: tensor<40xi64>, %to: tensor<40xi64>, %scale: tensor<40x1xf32>) -> tensor<10x64xf32> {
  %zero = arith.constant 0.0 : f64
  %z = fx.full %zero sizes = [10, 64] {dtype = f32} : f64 -> tensor<10x64xf32>
  %rows = fx.index %w, %from {index_dims = array<i64: 0>} : (tensor<100x64xf32>, tensor<40xi64>) -> tensor<40x64xf32>
  %scaled = fx.mul %rows, %scale : (tensor<40x64xf32>, tensor<40x1xf32>) -> tensor<40x64xf32>
  %sum = fx.index_put %z, %scaled, %to {accumulate = true, index_dims = array<i64: 0>} : (tensor<10x64xf32>, tensor<40x64xf32>, tensor<40xi64>) -> tensor<10x64xf32>
  return %sum : tensor<10x64xf32>
}

// -----

// The rows are a result, too: they are computed once.
// CHECK-LABEL: @rows_are_needed
// CHECK:       fx.kernel loops {{.*}} -> (tensor<40x64xf32>)
// CHECK:       fx.kernel generic {{.*}} -> (tensor<10x64xf32>)
func.func @rows_are_needed(%w: tensor<100x64xf32>, %from: tensor<40xi64>, %to: tensor<40xi64>) -> (tensor<10x64xf32>, tensor<40x64xf32>) {
  %zero = arith.constant 0.0 : f64
  %z = fx.full %zero sizes = [10, 64] {dtype = f32} : f64 -> tensor<10x64xf32>
  %rows = fx.index %w, %from {index_dims = array<i64: 0>} : (tensor<100x64xf32>, tensor<40xi64>) -> tensor<40x64xf32>
  %sum = fx.index_put %z, %rows, %to {accumulate = true, index_dims = array<i64: 0>} : (tensor<10x64xf32>, tensor<40x64xf32>, tensor<40xi64>) -> tensor<10x64xf32>
  return %sum, %rows : tensor<10x64xf32>, tensor<40x64xf32>
}

// -----

// One value for all rows would be computed for each of them: exp stays outside.
// CHECK-LABEL: @a_row_for_all
// CHECK:       fx.kernel loops {{.*}} -> (tensor<64xf32>)
// CHECK:         math.exp
// CHECK:       fx.kernel generic {{.*}} -> (tensor<10x64xf32>)
// CHECK-NOT:     math.exp
func.func @a_row_for_all(%row: tensor<64xf32>, %to: tensor<40xi64>) -> tensor<10x64xf32> {
  %zero = arith.constant 0.0 : f64
  %z = fx.full %zero sizes = [10, 64] {dtype = f32} : f64 -> tensor<10x64xf32>
  %e = fx.exp %row : (tensor<64xf32>) -> tensor<64xf32>
  %rows = fx.expand %e sizes = [40, 64] : tensor<64xf32> -> tensor<40x64xf32>
  %sum = fx.index_put %z, %rows, %to {accumulate = true, index_dims = array<i64: 0>} : (tensor<10x64xf32>, tensor<40x64xf32>, tensor<40xi64>) -> tensor<10x64xf32>
  return %sum : tensor<10x64xf32>
}
