// RUN: fx-opt %s -fx-decompose-mm | FileCheck %s
// RUN: fx-opt %s -fx-decompose-mm=gpu | FileCheck %s --check-prefix=GPU
// RUN: fx-opt %s --post-grad="enable=decompose_mm_pass" | FileCheck %s
// RUN: fx-opt %s --post-grad="enable=decompose_mm_pass target=nvptx" | FileCheck %s --check-prefix=GPU

// Rule 5.10: one row on a CPU.
// CHECK-LABEL: @row
// CHECK: %[[A:.*]] = fx.unsqueeze %arg0
// CHECK: %[[B:.*]] = fx.unsqueeze %arg1
// CHECK: %[[P:.*]] = fx.mul %[[A]], %[[B]]
// CHECK: fx.sum %[[P]] {dim = array<i64: 1>}
// GPU-LABEL: @row
// GPU: fx.mm
func.func @row(%a: tensor<1x16xf32>, %b: tensor<16x8xf32>) -> tensor<1x8xf32> {
  %0 = fx.mm %a, %b : (tensor<1x16xf32>, tensor<16x8xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// CHECK-LABEL: @row_with_bias
// CHECK: fx.sum
// CHECK: fx.add
func.func @row_with_bias(%c: tensor<8xf32>, %a: tensor<1x16xf32>, %b: tensor<16x8xf32>) -> tensor<1x8xf32> {
  %0 = fx.addmm %c, %a, %b : (tensor<8xf32>, tensor<1x16xf32>, tensor<16x8xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// Many rows of few elements on a GPU.
// CHECK-LABEL: @rows
// CHECK: fx.mm
// GPU-LABEL: @rows
// GPU-NOT: fx.mm
// GPU: fx.sum
func.func @rows(%a: tensor<20000x8xf32>, %b: tensor<8x8xf32>) -> tensor<20000x8xf32> {
  %0 = fx.mm %a, %b : (tensor<20000x8xf32>, tensor<8x8xf32>) -> tensor<20000x8xf32>
  return %0 : tensor<20000x8xf32>
}

// A long row, another factor, an unknown size, integers.
// CHECK-LABEL: @others
// CHECK: fx.mm
// CHECK: fx.addmm
// CHECK: fx.mm
// CHECK: fx.mm
// CHECK-NOT: fx.sum
func.func @others(%a: tensor<1x4096xf32>, %b: tensor<4096x8xf32>, %c: tensor<8xf32>, %d: tensor<1x16xf32>, %e: tensor<16x8xf32>, %f: tensor<?x16xf32>, %i: tensor<1x4xi64>, %j: tensor<4x2xi64>) -> (tensor<1x8xf32>, tensor<1x8xf32>, tensor<?x8xf32>, tensor<1x2xi64>) {
  %0 = fx.mm %a, %b : (tensor<1x4096xf32>, tensor<4096x8xf32>) -> tensor<1x8xf32>
  %1 = fx.addmm %c, %d, %e {alpha = 2.0 : f64} : (tensor<8xf32>, tensor<1x16xf32>, tensor<16x8xf32>) -> tensor<1x8xf32>
  %2 = fx.mm %f, %e : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %3 = fx.mm %i, %j : (tensor<1x4xi64>, tensor<4x2xi64>) -> tensor<1x2xi64>
  return %0, %1, %2, %3 : tensor<1x8xf32>, tensor<1x8xf32>, tensor<?x8xf32>, tensor<1x2xi64>
}
