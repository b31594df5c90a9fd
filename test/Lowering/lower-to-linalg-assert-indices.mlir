// RUN: fx-opt %s -fx-lower-to-linalg=assert-indices | FileCheck %s
// RUN: fx-opt %s -fx-lower-to-linalg | FileCheck %s --check-prefix=PLAIN

// PLAIN-NOT: cf.assert
// CHECK-LABEL: @gather
func.func @gather(%x: tensor<4xf32>, %i: tensor<3xi64>) -> tensor<3xf32> {
  // CHECK: arith.cmpi ult
  // CHECK: cf.assert %{{.*}}, "index is out of range for its dimension"
  %0 = fx.gather %x, %i {dim = 0 : i64} : (tensor<4xf32>, tensor<3xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
