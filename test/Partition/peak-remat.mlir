// Two equal products that are used one after the other; a budget has room for
// one beside the one at work. RUN lines put a tag on one of them.
// RUN: sed "s/SECOND/{fx.remat = \"prefer_save\"}/; s/FIRST//" %s | fx-opt -fx-partition="peak-budget=1552 objective=fused" -fx-verify-partition | FileCheck %s --check-prefix=SECOND
// RUN: sed "s/FIRST/{fx.remat = \"prefer_save\"}/; s/SECOND//" %s | fx-opt -fx-partition="peak-budget=1552 objective=fused" -fx-verify-partition | FileCheck %s --check-prefix=FIRST
// RUN: sed "s/FIRST/{fx.remat = \"prefer_recompute\"}/; s/SECOND//" %s | fx-opt -fx-partition="peak-budget=1552 objective=fused" -fx-verify-partition | FileCheck %s --check-prefix=SECOND

// A demand is met whatever there is room for, or refused.
// RUN: sed "s/FIRST/{fx.remat = \"must_recompute\"}/; s/SECOND//" %s | fx-opt -fx-partition="peak-budget=1MB" -fx-verify-partition | FileCheck %s --check-prefix=AGAIN
// RUN: sed "s/SECOND/{fx.remat = \"must_save\"}/; s/FIRST//" %s | not fx-opt -fx-partition="peak-budget=1100" 2>&1 | FileCheck %s --check-prefix=REFUSED

// SECOND:      func.func @backward
// SECOND-SAME:   "k2", fx.role = "saved"
// SECOND-NOT:  "k1", fx.role = "saved"
// FIRST:       func.func @backward
// FIRST-SAME:    "k1", fx.role = "saved"
// FIRST-NOT:   "k2", fx.role = "saved"
// AGAIN:       func.func @backward
// AGAIN:       fx.mm {{.*}}must_recompute
// REFUSED:     within a peak of 1100 bytes: the smallest peak found is 1552 bytes
func.func @joint(
    %a: tensor<8x4xf32> {fx.role = "input", fx.name = "a"},
    %b1: tensor<4x16xf32> {fx.role = "input", fx.name = "b1"},
    %b2: tensor<4x16xf32> {fx.role = "input", fx.name = "b2"},
    %b3: tensor<4x16xf32> {fx.role = "input", fx.name = "b3"},
    %t: tensor<8x16xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<f32> {fx.role = "output"}, tensor<f32> {fx.role = "output"},
        tensor<f32> {fx.role = "output"}, tensor<f32> {fx.role = "gradient"},
        tensor<f32> {fx.role = "gradient"}, tensor<f32> {fx.role = "gradient"}) {
  %k0 = fx.mm %a, %b3 : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32> loc("k0")
  %s0 = fx.sum %k0 : (tensor<8x16xf32>) -> tensor<f32>
  %k1 = fx.mm %a, %b1 FIRST : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32> loc("k1")
  %s1 = fx.sum %k1 : (tensor<8x16xf32>) -> tensor<f32>
  %k2 = fx.mm %a, %b2 SECOND : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32> loc("k2")
  %s2 = fx.sum %k2 : (tensor<8x16xf32>) -> tensor<f32>
  %g0 = fx.mul %t, %k0 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r0 = fx.sum %g0 : (tensor<8x16xf32>) -> tensor<f32>
  %g1 = fx.mul %t, %k1 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r1 = fx.sum %g1 : (tensor<8x16xf32>) -> tensor<f32>
  %g2 = fx.mul %t, %k2 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r2 = fx.sum %g2 : (tensor<8x16xf32>) -> tensor<f32>
  return %s0, %s1, %s2, %r0, %r1, %r2 : tensor<f32>, tensor<f32>, tensor<f32>,
    tensor<f32>, tensor<f32>, tensor<f32>
}
