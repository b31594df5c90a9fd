// RUN: fx-opt %s -fx-gather-before-pointwise | FileCheck %s

// A cross entropy: one logit of each row is read, and no matrix of logarithms.
// CHECK-LABEL: @log_softmax
// CHECK-SAME: (%[[X:.*]]: tensor<64x1000xf32>, %[[M:.*]]: tensor<64x1xf32>, %[[L:.*]]: tensor<64x1xf32>, %[[I:.*]]: tensor<64x1xi64>)
func.func @log_softmax(%x: tensor<64x1000xf32>, %m: tensor<64x1xf32>, %l: tensor<64x1xf32>, %i: tensor<64x1xi64>) -> tensor<64x1xf32> {
  // CHECK: %[[G:.*]] = fx.gather %[[X]], %[[I]] {dim = 1 : i64} : (tensor<64x1000xf32>, tensor<64x1xi64>) -> tensor<64x1xf32>
  // CHECK: %[[S:.*]] = fx.sub %[[G]], %[[M]] : (tensor<64x1xf32>, tensor<64x1xf32>) -> tensor<64x1xf32>
  // CHECK: %[[R:.*]] = fx.sub %[[S]], %[[L]]
  // CHECK: return %[[R]]
  %0 = fx.sub %x, %m : (tensor<64x1000xf32>, tensor<64x1xf32>) -> tensor<64x1000xf32>
  %1 = fx.sub %0, %l : (tensor<64x1000xf32>, tensor<64x1xf32>) -> tensor<64x1000xf32>
  %2 = fx.gather %1, %i {dim = 1 : i64} : (tensor<64x1000xf32>, tensor<64x1xi64>) -> tensor<64x1xf32>
  return %2 : tensor<64x1xf32>
}

// Two operands vary along the rows, one is of another type, one is a number.
// CHECK-LABEL: @types
// CHECK-SAME: (%[[C:.*]]: tensor<64x1000xi1>, %[[X:.*]]: tensor<64x1000xbf16>, %[[I:.*]]: tensor<64x3xi64>)
func.func @types(%c: tensor<64x1000xi1>, %x: tensor<64x1000xbf16>, %i: tensor<64x3xi64>) -> tensor<64x3xbf16> {
  // CHECK-DAG: %[[A:.*]] = fx.gather %[[C]], %[[I]] {dim = -1 : i64} : (tensor<64x1000xi1>, tensor<64x3xi64>) -> tensor<64x3xi1>
  // CHECK-DAG: %[[B:.*]] = fx.gather %[[X]], %[[I]] {dim = -1 : i64} : (tensor<64x1000xbf16>, tensor<64x3xi64>) -> tensor<64x3xbf16>
  // CHECK: fx.where %[[A]], %[[B]], %{{.*}} : (tensor<64x3xi1>, tensor<64x3xbf16>, f64) -> tensor<64x3xbf16>
  %zero = arith.constant 0.0 : f64
  %0 = fx.where %c, %x, %zero : (tensor<64x1000xi1>, tensor<64x1000xbf16>, f64) -> tensor<64x1000xbf16>
  %1 = fx.gather %0, %i {dim = -1 : i64} : (tensor<64x1000xbf16>, tensor<64x3xi64>) -> tensor<64x3xbf16>
  return %1 : tensor<64x3xbf16>
}

// Short rows.
// CHECK-LABEL: @short
// CHECK: %[[N:.*]] = fx.neg
// CHECK: fx.gather %[[N]]
func.func @short(%x: tensor<64x255xf32>, %i: tensor<64x1xi64>) -> tensor<64x1xf32> {
  %0 = fx.neg %x : (tensor<64x255xf32>) -> tensor<64x255xf32>
  %1 = fx.gather %0, %i {dim = 1 : i64} : (tensor<64x255xf32>, tensor<64x1xi64>) -> tensor<64x1xf32>
  return %1 : tensor<64x1xf32>
}

// A bias along the rows would have to be gathered itself, many elements are
// taken, not all rows are, sizes are not known.
// CHECK-LABEL: @kept
// CHECK-SAME: (%[[X:.*]]: tensor<64x1000xf32>
// CHECK-NOT: fx.gather %[[X]]
func.func @kept(%x: tensor<64x1000xf32>, %b: tensor<1000xf32>, %i: tensor<64x1xi64>, %j: tensor<64x500xi64>, %k: tensor<8x1xi64>, %y: tensor<?x1000xf32>, %l: tensor<?x1xi64>) -> (tensor<64x1xf32>, tensor<64x500xf32>, tensor<8x1xf32>, tensor<?x1xf32>) {
  // CHECK-COUNT-4: fx.gather
  %0 = fx.add %x, %b : (tensor<64x1000xf32>, tensor<1000xf32>) -> tensor<64x1000xf32>
  %1 = fx.gather %0, %i {dim = 1 : i64} : (tensor<64x1000xf32>, tensor<64x1xi64>) -> tensor<64x1xf32>
  %2 = fx.neg %x : (tensor<64x1000xf32>) -> tensor<64x1000xf32>
  %3 = fx.gather %2, %j {dim = 1 : i64} : (tensor<64x1000xf32>, tensor<64x500xi64>) -> tensor<64x500xf32>
  %4 = fx.gather %2, %k {dim = 1 : i64} : (tensor<64x1000xf32>, tensor<8x1xi64>) -> tensor<8x1xf32>
  %5 = fx.neg %y : (tensor<?x1000xf32>) -> tensor<?x1000xf32>
  %6 = fx.gather %5, %l {dim = 1 : i64} : (tensor<?x1000xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  return %1, %3, %4, %6 : tensor<64x1xf32>, tensor<64x500xf32>, tensor<8x1xf32>, tensor<?x1xf32>
}
