// RUN: fx-opt %s -split-input-file -fx-partition --remarks-filter=fx-partition 2>&1 >/dev/null | FileCheck %s
// RUN: fx-opt %s -split-input-file -fx-partition="mode=aggressive" --remarks-filter=fx-partition 2>&1 >/dev/null | FileCheck %s --check-prefix=AGGR

// A product is not recomputable; what is pointwise behind it is computed again,
// also in the aggressive mode, where only the class of the op counts.
// CHECK:      loc("mm"{{.*}}[Passed] saved | {{.*}}Reason="4.4.1 not recomputable", Remark="saves mm", bytes=64
// CHECK-NEXT: loc("sigmoid"{{.*}}[Passed] recomputed | {{.*}}Remark="recomputes sigmoid", bytes=64, flops=0
// AGGR:       Reason="4.4.1 compute-intensive", Remark="saves mm"
func.func @not_recomputable(
    %x: tensor<4x4xf32> {fx.role = "input", fx.name = "x"},
    %t: tensor<4x4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4x4xf32> {fx.role = "output"}, tensor<4x4xf32> {fx.role = "gradient"}) {
  %0 = fx.mm %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mm")
  %1 = fx.sigmoid %0 : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("sigmoid")
  %2 = fx.neg %1 : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("neg")
  %g = fx.mul %t, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mul")
  %h = fx.mul %g, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mul_1")
  return %2, %h : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// The backward's product reads the relu's result from memory: recomputing would
// have to write it there. The permute between them is a view. Aggressively it
// is recomputed.
// CHECK:     Reason="4.4.2 materialized in the backward", Remark="saves relu"
// AGGR:      Remark="saves x"
// AGGR:      Remark="recomputes relu"
func.func @materialized_backward(
    %w: tensor<4x4xf32> {fx.role = "parameter", fx.name = "w"},
    %x: tensor<4x4xf32> {fx.role = "parameter", fx.name = "x"},
    %t: tensor<4x4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4x4xf32> {fx.role = "output"}, tensor<4x4xf32> {fx.role = "gradient"}) {
  %0 = fx.relu %x : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("relu")
  %1 = fx.mm %0, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mm")
  %p = fx.permute %0 dims = [1, 0] : tensor<4x4xf32> -> tensor<4x4xf32> loc("permute")
  %n = fx.neg %t : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("neg")
  %g = fx.mm %0, %n : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mm_1")
  return %1, %g : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// A sum of 64 elements is 64 times smaller than its operand, though the operand
// is free to save.
// CHECK:     Reason="4.5 input of the forward", Remark="saves x"
// CHECK:     Reason="4.4.4 reduction", Remark="saves sum"
// AGGR:      Reason="4.4.4 reduction", Remark="saves sum"
func.func @reduction(
    %x: tensor<4x64xf32> {fx.role = "parameter", fx.name = "x"},
    %t: tensor<4x64xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4x64xf32> {fx.role = "output"}, tensor<4x64xf32> {fx.role = "gradient"}) {
  %0 = fx.sum %x {dim = array<i64: 1>, keepdim = true} : (tensor<4x64xf32>) -> tensor<4x1xf32> loc("sum")
  %1 = fx.mul %x, %0 : (tensor<4x64xf32>, tensor<4x1xf32>) -> tensor<4x64xf32> loc("mul")
  %2 = fx.mul %t, %0 : (tensor<4x64xf32>, tensor<4x1xf32>) -> tensor<4x64xf32> loc("mul_1")
  %3 = fx.mul %2, %x : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32> loc("mul_2")
  return %1, %3 : tensor<4x64xf32>, tensor<4x64xf32>
}

// -----

// `near` and `far` use the same value on both sides of a product, so that far
// is not recomputed, although x is free to save.
// CHECK:     Reason="4.4.5 used far apart", Remark="saves far"
// CHECK-NOT: recomputes far
// AGGR:      Remark="recomputes far"
func.func @used_far_apart(
    %x: tensor<4x4xf32> {fx.role = "parameter", fx.name = "x"},
    %t: tensor<4x4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4x4xf32> {fx.role = "output"}, tensor<4x4xf32> {fx.role = "gradient"}) {
  %e = fx.exp %x : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("exp")
  %0 = fx.cos %e : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("near")
  %1 = fx.mm %0, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mm")
  %2 = fx.sin %e : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("far")
  %3 = fx.mm %1, %2 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mm_1")
  %g = fx.mul %t, %2 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mul")
  return %3, %g : tensor<4x4xf32>, tensor<4x4xf32>
}
