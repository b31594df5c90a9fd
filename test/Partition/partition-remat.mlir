// RUN: fx-opt %s -split-input-file -fx-partition -fx-verify-partition | FileCheck %s

// A product is recomputed and a cheap op is saved where the program says so.
// CHECK-LABEL: func.func @forward
// CHECK:         fx.mm
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    {fx.name = "exp", fx.role = "saved"}
// CHECK:         fx.mm
func.func @tags(
    %x: tensor<4x4xf32> {fx.role = "parameter", fx.name = "x"},
    %t: tensor<4x4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4x4xf32> {fx.role = "output"}, tensor<4x4xf32> {fx.role = "gradient"}) {
  %0 = fx.mm %x, %x {fx.remat = "must_recompute"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mm")
  %1 = fx.exp %x {fx.remat = "must_save"} : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("exp")
  %2 = fx.add %0, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("add")
  %g = fx.mul %t, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mul")
  %h = fx.mul %g, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mul_1")
  return %2, %h : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// Two checkpointed regions in a row: the value between them is saved [4.9].
// CHECK-LABEL: func.func @forward
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    {fx.name = "mm", fx.role = "saved"}
func.func @regions(
    %x: tensor<4x4xf32> {fx.role = "parameter", fx.name = "x"},
    %t: tensor<4x4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4x4xf32> {fx.role = "output"}, tensor<4x4xf32> {fx.role = "gradient"}) {
  %0 = fx.mm %x, %x {fx.remat = "must_recompute", fx.remat_region = 0 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mm")
  %1 = fx.exp %0 {fx.remat = "must_recompute", fx.remat_region = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("exp")
  %2 = fx.neg %1 : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("neg")
  %g = fx.mul %t, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mul")
  return %2, %g : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// An overload of another packet has other categories: unlike aten.index, the
// unchecked one is not recomputable.
// CHECK-LABEL: func.func @forward
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    {fx.name = "unsafe", fx.role = "saved"}
// CHECK:         fx.index
// CHECK-NOT:     fx.index
func.func @overload(
    %x: tensor<4xf32> {fx.role = "parameter", fx.name = "x"},
    %i: tensor<4xi64> {fx.role = "parameter", fx.name = "i"},
    %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %0 = fx.index %x, %i {index_dims = array<i64: 0>} : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32> loc("index")
  %1 = fx.index %x, %i {index_dims = array<i64: 0>, fx.overload = "aten._unsafe_index.Tensor"} : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32> loc("unsafe")
  %2 = fx.add %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("add")
  %g = fx.mul %t, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("mul")
  %h = fx.mul %g, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("mul_1")
  return %2, %h : tensor<4xf32>, tensor<4xf32>
}
