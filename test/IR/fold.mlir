// RUN: fx-opt %s -canonicalize | FileCheck %s

// A dimension may be counted from the end.
// CHECK-LABEL: @sym_size
// CHECK-SAME:  (%[[X:.*]]: tensor<?x5xf32>)
func.func @sym_size(%x: tensor<?x5xf32>) -> (i64, i64, i64) {
  // CHECK-DAG: %[[FIVE:.*]] = arith.constant 5 : i64
  // CHECK-DAG: %[[N:.*]] = fx.sym_size %[[X]] {dim = -2 : i64}
  // CHECK:     return %[[FIVE]], %[[FIVE]], %[[N]]
  %0 = fx.sym_size %x {dim = 1 : i64} : tensor<?x5xf32>
  %1 = fx.sym_size %x {dim = -1 : i64} : tensor<?x5xf32>
  %2 = fx.sym_size %x {dim = -2 : i64} : tensor<?x5xf32>
  return %0, %1, %2 : i64, i64, i64
}
