// RUN: fx-opt %s -fx-dedupe-sym-size | FileCheck %s

// CHECK-LABEL: @equal
func.func @equal(%x: tensor<?x?xf32>) -> (i64, i64, i64) {
  // CHECK: %[[A:.*]] = fx.sym_size %{{.*}} {dim = 0 : i64}
  // CHECK: %[[B:.*]] = fx.sym_size %{{.*}} {dim = 1 : i64}
  // CHECK-NOT: fx.sym_size
  // CHECK: return %[[A]], %[[B]], %[[B]]
  %0 = fx.sym_size %x {dim = 0 : i64} : tensor<?x?xf32>
  %1 = fx.sym_size %x {dim = 1 : i64} : tensor<?x?xf32>
  %2 = fx.sym_size %x {dim = -1 : i64} : tensor<?x?xf32>
  return %0, %1, %2 : i64, i64, i64
}

// An i64 1 and an f64 1.0 are different literals.
// CHECK-LABEL: @constants
func.func @constants(%x: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xf32>) {
  // CHECK-COUNT-2: arith.constant
  // CHECK-NOT: arith.constant
  %i = arith.constant 1 : i64
  %j = arith.constant 1 : i64
  %f = arith.constant 1.0 : f64
  %0 = fx.add %x, %i : (tensor<4xi64>, i64) -> tensor<4xi64>
  %1 = fx.add %0, %j : (tensor<4xi64>, i64) -> tensor<4xi64>
  %2 = fx.add %x, %f : (tensor<4xi64>, f64) -> tensor<4xf32>
  return %1, %2 : tensor<4xi64>, tensor<4xf32>
}
