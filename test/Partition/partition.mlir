// RUN: fx-opt %s -split-input-file -fx-partition -fx-verify-partition | FileCheck %s

// The mask is saved, not the product it comes from; the transposed input is as
// large as the input and nearer the sink.
// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[W:.*]]: tensor<8x8xf32> {fx.name = "w", fx.role = "parameter"}, %[[X:.*]]: tensor<4x8xf32> {fx.name = "x", fx.role = "input"})
// CHECK-SAME:    -> (tensor<4x8xf32> {fx.role = "output"},
// CHECK-SAME:        tensor<4x8xi1> {fx.name = "le", fx.role = "saved"},
// CHECK-SAME:        tensor<8x4xf32> {fx.name = "permute", fx.role = "saved"})
// CHECK:         %[[MM:.*]] = fx.mm %[[X]], %[[W]]
// CHECK:         %[[HALF:.*]] = arith.constant 5.0
// CHECK:         %[[MUL:.*]] = fx.mul %[[MM]], %[[HALF]]
// CHECK:         %[[RELU:.*]] = fx.relu %[[MUL]]
// CHECK:         %[[LE:.*]] = fx.le %[[RELU]]
// CHECK:         %[[PERMUTE:.*]] = fx.permute %[[X]]
// CHECK:         return %[[RELU]], %[[LE]], %[[PERMUTE]]
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    (%[[LE:.*]]: tensor<4x8xi1> {fx.name = "le", fx.role = "saved"},
// CHECK-SAME:     %[[PERMUTE:.*]]: tensor<8x4xf32> {fx.name = "permute", fx.role = "saved"},
// CHECK-SAME:     %[[T:.*]]: tensor<4x8xf32> {fx.name = "tangents_1", fx.role = "tangent"})
// CHECK-SAME:    -> (tensor<8x8xf32> {fx.name = "w", fx.role = "gradient"})
// CHECK:         %[[ZERO:.*]] = fx.full
// CHECK:         %[[G:.*]] = fx.where %[[LE]], %[[ZERO]], %[[T]]
// A literal is no node: both parts have their own.
// CHECK:         %[[HALF:.*]] = arith.constant 5.0
// CHECK:         %[[G1:.*]] = fx.mul %[[G]], %[[HALF]]
// CHECK:         %[[GW:.*]] = fx.mm %[[PERMUTE]], %[[G1]]
// CHECK:         return %[[GW]]
// CHECK-NOT:   @joint
func.func @joint(%w: tensor<8x8xf32> {fx.role = "parameter", fx.name = "w"},
                 %x: tensor<4x8xf32> {fx.role = "input", fx.name = "x"},
                 %t: tensor<4x8xf32> {fx.role = "tangent", fx.name = "tangents_1"})
    -> (tensor<4x8xf32> {fx.role = "output"},
        tensor<8x8xf32> {fx.role = "gradient", fx.name = "w"}) {
  %mm = fx.mm %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("mm")
  %c = arith.constant 0.5 : f64
  %y = fx.mul %mm, %c : (tensor<4x8xf32>, f64) -> tensor<4x8xf32> loc("mul")
  %r = fx.relu %y : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("relu")
  %c0 = arith.constant 0.0 : f64
  %m = fx.le %r, %c0 : (tensor<4x8xf32>, f64) -> tensor<4x8xi1> loc("le")
  %z = fx.full %c0 sizes = [] {dtype = f32} : f64 -> tensor<f32> loc("full")
  %g = fx.where %m, %z, %t : (tensor<4x8xi1>, tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32> loc("where")
  %g2 = fx.mul %g, %c : (tensor<4x8xf32>, f64) -> tensor<4x8xf32> loc("mul_1")
  %p = fx.permute %x dims = [1, 0] : tensor<4x8xf32> -> tensor<8x4xf32> loc("permute")
  %gw = fx.mm %p, %g2 : (tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<8x8xf32> loc("mm_1")
  return %r, %gw : tensor<4x8xf32>, tensor<8x8xf32>
}
