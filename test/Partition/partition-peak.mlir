// RUN: fx-opt %s -fx-partition="report=%t.exact.json" -fx-verify-partition -o /dev/null
// RUN: FileCheck %s --check-prefix=EXACT < %t.exact.json
// RUN: fx-opt %s -fx-partition="peak-budget=100kB report=%t.large.json" -fx-verify-partition | FileCheck %s --check-prefix=LARGE
// RUN: FileCheck %s --check-prefix=REPORT < %t.large.json
// RUN: fx-opt %s -fx-partition="peak-budget=1.6kB" -fx-verify-partition | FileCheck %s --check-prefix=MIDDLE
// RUN: fx-opt %s -fx-partition="peak-budget=1044" -fx-verify-partition | FileCheck %s --check-prefix=SMALL
// RUN: not fx-opt %s -fx-partition="peak-budget=1043B" 2>&1 | FileCheck %s --check-prefix=INFEASIBLE
// RUN: not fx-opt %s -fx-partition="peak-budget=2parsec" 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: not fx-opt %s -fx-partition="peak-budget=1kB memory-budget=0.5" 2>&1 | FileCheck %s --check-prefix=BOTH
// RUN: not fx-opt %s -fx-partition="budget-mode=best" 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not fx-opt %s -fx-partition="objective=joy" 2>&1 | FileCheck %s --check-prefix=OBJECTIVE
// RUN: fx-opt %s -fx-partition="peak-budget=0.001MiB" | FileCheck %s --check-prefix=SMALL

// INFEASIBLE: function 'joint' cannot be partitioned within a peak of 1043 bytes: the smallest peak found is 1044 bytes, and no schedule is below 1044
// SIZE: peak-budget is '2parsec': expected a number of bytes such as 800MB or 1.5GiB
// BOTH: peak-budget and memory-budget are two ways
// MODE: unknown budget-mode 'best': expected 'exact' or 'improved'
// OBJECTIVE: unknown objective 'joy'

// Three products of 512 bytes, of which a product with the tangent is summed to
// 4 bytes, one after the other. All saved: the products, one of the backward, 12
// bytes of the forward's results: 2060. While the last one is at work, 8 bytes of
// the gradients are alive, too.
// EXACT:      "saved_storage_bytes": 1536,
// EXACT-NEXT: "peak_bytes": 2060,
// EXACT-NEXT: "recomputed_flops": 0,
// EXACT-NEXT: "total_flops": 3584,

// LARGE:     func.func @forward
// LARGE:     func.func @backward
// LARGE-NOT: fx.mm

// REPORT:      "peak_bytes": 2060,
// REPORT-NEXT: "recomputed_flops": 0,
// REPORT:      "lower_bound_bytes": 2060,
// REPORT-NEXT: "lower_bound_flops": 0,
// REPORT-NEXT: "gap_bytes": 0,
// REPORT-NEXT: "gap_flops": 0,
// REPORT-NEXT: "floor_bytes": 1044,
// REPORT-NEXT: "smallest_bytes": 1044,
// REPORT:      "front": [

// Room for one product beside the one at work and its gradient: the first one,
// which is given up when the second is made again, and the dearest.
// MIDDLE:      func.func @backward
// MIDDLE-SAME:   "k1", fx.role = "saved"
// MIDDLE-NOT:    "k2", fx.role = "saved"
// MIDDLE-SAME:   "k4", fx.role = "saved"
// MIDDLE-NEXT: fx.mul
// MIDDLE-NEXT: fx.sum
// MIDDLE-NEXT: fx.mm
// MIDDLE-NEXT: fx.mul
// MIDDLE-NOT:  fx.mm

// Each of the others is made again just before its use.
// SMALL:      func.func @backward
// SMALL-NEXT: fx.mul
// SMALL-NEXT: fx.sum
// SMALL-NEXT: fx.mm
// SMALL-NEXT: fx.mul
// SMALL-NEXT: fx.sum
// SMALL-NEXT: fx.mm
// SMALL-NEXT: fx.mul
func.func @joint(
    %a1: tensor<8x2xf32> {fx.role = "input", fx.name = "a1"},
    %a2: tensor<8x4xf32> {fx.role = "input", fx.name = "a2"},
    %a4: tensor<8x8xf32> {fx.role = "input", fx.name = "a4"},
    %b1: tensor<2x16xf32> {fx.role = "input", fx.name = "b1"},
    %b2: tensor<4x16xf32> {fx.role = "input", fx.name = "b2"},
    %b4: tensor<8x16xf32> {fx.role = "input", fx.name = "b4"},
    %t: tensor<8x16xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<f32> {fx.role = "output"}, tensor<f32> {fx.role = "output"},
        tensor<f32> {fx.role = "output"}, tensor<f32> {fx.role = "gradient"},
        tensor<f32> {fx.role = "gradient"}, tensor<f32> {fx.role = "gradient"}) {
  %k1 = fx.mm %a1, %b1 : (tensor<8x2xf32>, tensor<2x16xf32>) -> tensor<8x16xf32> loc("k1")
  %s1 = fx.sum %k1 : (tensor<8x16xf32>) -> tensor<f32>
  %k2 = fx.mm %a2, %b2 : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32> loc("k2")
  %s2 = fx.sum %k2 : (tensor<8x16xf32>) -> tensor<f32>
  %k4 = fx.mm %a4, %b4 : (tensor<8x8xf32>, tensor<8x16xf32>) -> tensor<8x16xf32> loc("k4")
  %s4 = fx.sum %k4 : (tensor<8x16xf32>) -> tensor<f32>
  %g1 = fx.mul %t, %k1 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r1 = fx.sum %g1 : (tensor<8x16xf32>) -> tensor<f32>
  %g2 = fx.mul %t, %k2 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r2 = fx.sum %g2 : (tensor<8x16xf32>) -> tensor<f32>
  %g4 = fx.mul %t, %k4 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r4 = fx.sum %g4 : (tensor<8x16xf32>) -> tensor<f32>
  return %s1, %s2, %s4, %r1, %r2, %r4 : tensor<f32>, tensor<f32>, tensor<f32>,
    tensor<f32>, tensor<f32>, tensor<f32>
}
