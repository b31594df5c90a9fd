// RUN: fx-opt %s -split-input-file -fx-save-sources | FileCheck %s
// RUN: fx-opt %s -split-input-file -fx-save-sources=pass-arguments \
// RUN:   | FileCheck %s --check-prefix=PASS

// A permuted weight and a permuted activation: both sources are saved.
// CHECK-LABEL: func.func @forward
// CHECK:         %[[Y:.*]] = fx.relu
// CHECK:         return %[[Y]], %arg0, %[[Y]]
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    %[[T:[^:]*]]: tensor<4x3xf32> {fx.name = "tangents_1"
// CHECK-SAME:    %[[W:[^:]*]]: tensor<2x3xf32> {fx.name = "w", fx.role = "saved"}
// CHECK-SAME:    %[[A:[^:]*]]: tensor<4x3xf32> {fx.name = "relu", fx.role = "saved"}
// CHECK-DAG:     fx.permute %[[W]] dims = [1, 0]
// CHECK-DAG:     fx.permute %[[A]] dims = [1, 0]

// PASS-LABEL: func.func @forward
// PASS:         %[[Y:.*]] = fx.relu
// PASS:         return %[[Y]], %[[Y]]
// PASS-LABEL: func.func @backward
// PASS-SAME:    tensor<2x3xf32> {fx.name = "w", fx.role = "parameter"}
func.func @forward(
    %w: tensor<2x3xf32> {fx.name = "w", fx.role = "parameter"},
    %x: tensor<4x3xf32> {fx.name = "x", fx.role = "input"})
    -> (tensor<4x3xf32> {fx.role = "output"},
        tensor<3x2xf32> {fx.name = "permute", fx.role = "saved"},
        tensor<3x4xf32> {fx.name = "permute_1", fx.role = "saved"}) {
  %y = fx.relu %x : (tensor<4x3xf32>) -> tensor<4x3xf32> loc("relu")
  %wt = fx.permute %w dims = [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %yt = fx.permute %y dims = [1, 0] : tensor<4x3xf32> -> tensor<3x4xf32>
  return %y, %wt, %yt : tensor<4x3xf32>, tensor<3x2xf32>, tensor<3x4xf32>
}
func.func @backward(
    %wt: tensor<3x2xf32> {fx.name = "permute", fx.role = "saved"},
    %yt: tensor<3x4xf32> {fx.name = "permute_1", fx.role = "saved"},
    %t: tensor<4x3xf32> {fx.name = "tangents_1", fx.role = "tangent"})
    -> (tensor<3x3xf32> {fx.role = "gradient"}, tensor<3x2xf32> {fx.role = "gradient"}) {
  %0 = fx.mm %yt, %t : (tensor<3x4xf32>, tensor<4x3xf32>) -> tensor<3x3xf32>
  return %0, %wt : tensor<3x3xf32>, tensor<3x2xf32>
}

// -----

// An element is smaller than what it is taken of: only an argument's is
// followed.
// CHECK-LABEL: func.func @forward
// PASS-LABEL: func.func @forward
// CHECK:         return %{{.*}}, %{{.*}}, %arg0 : tensor<8xf32>, tensor<f32>, tensor<8xf32>
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    tensor<f32> {fx.name = "select_0"
// CHECK-SAME:    tensor<8xf32> {fx.name = "x"
func.func @forward(%x: tensor<8xf32> {fx.name = "x", fx.role = "input"})
    -> (tensor<8xf32> {fx.role = "output"},
        tensor<f32> {fx.name = "select_0", fx.role = "saved"},
        tensor<f32> {fx.name = "select_1", fx.role = "saved"}) {
  %y = fx.relu %x : (tensor<8xf32>) -> tensor<8xf32>
  %i = arith.constant 1 : i64
  %a = fx.select %x, %i {dim = 0 : i64} : (tensor<8xf32>, i64) -> tensor<f32>
  %b = fx.select %y, %i {dim = 0 : i64} : (tensor<8xf32>, i64) -> tensor<f32>
  return %y, %b, %a : tensor<8xf32>, tensor<f32>, tensor<f32>
}
func.func @backward(
    %a: tensor<f32> {fx.name = "select_0", fx.role = "saved"},
    %b: tensor<f32> {fx.name = "select_1", fx.role = "saved"},
    %t: tensor<8xf32> {fx.name = "tangents_1", fx.role = "tangent"})
    -> (tensor<f32> {fx.role = "gradient"}) {
  %0 = fx.mul %a, %b : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// The buffer is written before the backward runs: its old value is saved.
// PASS-LABEL: func.func @forward
// PASS-SAME:    tensor<2xf32> {fx.name = "b", fx.role = "saved"}
// PASS:         return %{{.*}}, %arg0
func.func @forward(%b: tensor<2xf32> {fx.name = "b", fx.role = "buffer"})
    -> (tensor<2xf32> {fx.mutates = "b", fx.role = "mutation"},
        tensor<2xf32> {fx.name = "b", fx.role = "saved"}) {
  %y = fx.relu %b : (tensor<2xf32>) -> tensor<2xf32>
  return %y, %b : tensor<2xf32>, tensor<2xf32>
}
func.func @backward(
    %b: tensor<2xf32> {fx.name = "b", fx.role = "saved"},
    %t: tensor<2xf32> {fx.name = "tangents_1", fx.role = "tangent"})
    -> (tensor<2xf32> {fx.role = "gradient"}) {
  %0 = fx.mul %b, %t : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
