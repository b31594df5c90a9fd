// RUN: fx-opt %s -split-input-file --min-cut-partition="report=%t.json" -fx-verify-partition | FileCheck %s
// RUN: FileCheck %s --check-prefix=REPORT < %t.json

// A called function with a budget: its ops are nodes of the caller's graph, each
// call is a region of its own, and keeps what fits and would take most to compute
// again. What the forward returns anyhow (the last tanh) does not count.
// CHECK-LABEL: func.func @forward
// CHECK-SAME: {fx.role = "output"}, tensor<8x16xf32> {fx.name = "x", fx.role = "saved"}
// CHECK-SAME: {fx.name = "w", fx.role = "saved"}, tensor<16x16xf32> {fx.name = "v", fx.role = "saved"}
// CHECK-SAME: {fx.name = "tanh", fx.role = "saved"}, tensor<8x16xf32> {fx.name = "tanh_2", fx.role = "saved"}, tensor<8x16xf32> {fx.name = "tanh_1_1", fx.role = "saved"})
// CHECK-LABEL: func.func @backward
// CHECK-NOT: func.call
// CHECK-NOT: @block
func.func private @block(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>)
    -> tensor<8x16xf32> attributes {fx.memory_budget = 512} {
  %0 = fx.mm %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("mm")
  %1 = fx.tanh %0 : (tensor<8x16xf32>) -> tensor<8x16xf32> loc("tanh")
  %2 = fx.mm %1, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("mm_1")
  %3 = fx.tanh %2 : (tensor<8x16xf32>) -> tensor<8x16xf32> loc("tanh_1")
  return %3 : tensor<8x16xf32>
}
func.func @main(%x: tensor<8x16xf32> {fx.role = "input", fx.name = "x"},
    %w: tensor<16x16xf32> {fx.role = "parameter", fx.name = "w", fx.requires_grad},
    %v: tensor<16x16xf32> {fx.role = "parameter", fx.name = "v", fx.requires_grad})
    -> (tensor<8x16xf32> {fx.role = "output"}) {
  %0 = func.call @block(%x, %w) : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %1 = func.call @block(%0, %v) : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %1 : tensor<8x16xf32>
}

// -----

// A joint function that calls others, and a region of single ops: of the two
// products, which must not be recomputed without it, the region keeps the one
// that fits.
// CHECK-LABEL: func.func @forward
// CHECK-NOT: fx.region_budgets
// CHECK-SAME: {fx.name = "small", fx.role = "saved"}
// CHECK-NOT: {fx.name = "large", fx.role = "saved"}
// CHECK-LABEL: func.func @backward
// CHECK: fx.mm {{.*}} -> tensor<4x64xf32>
// CHECK-NOT: fx.mm
// CHECK: return
// REPORT: "regions": [
// REPORT: "name": "layer",
// REPORT-NEXT: "budget_bytes": 512,
// REPORT-NEXT: "saved_bytes": 128
func.func private @gate(%g: tensor<4x64xf32>, %a: tensor<4x64xf32>)
    -> tensor<4x64xf32> {
  %0 = fx.mul %g, %a : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32> loc("gate")
  return %0 : tensor<4x64xf32>
}
func.func @joint(
    %x: tensor<4x4xf32> {fx.role = "input", fx.name = "x"},
    %w: tensor<4x64xf32> {fx.role = "parameter", fx.name = "w"},
    %v: tensor<4x8xf32> {fx.role = "parameter", fx.name = "v"},
    %t: tensor<4x64xf32> {fx.role = "tangent", fx.name = "t"},
    %s: tensor<4x8xf32> {fx.role = "tangent", fx.name = "s"})
    -> (tensor<4x64xf32> {fx.role = "output"}, tensor<4x8xf32> {fx.role = "output"},
        tensor<4x64xf32> {fx.role = "gradient"}, tensor<4x8xf32> {fx.role = "gradient"})
    attributes {fx.region_budgets = {layer = "512B"}} {
  %large = fx.mm %x, %w {fx.region = "layer"} : (tensor<4x4xf32>, tensor<4x64xf32>) -> tensor<4x64xf32> loc("large")
  %small = fx.mm %x, %v {fx.region = "layer"} : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32> loc("small")
  %0 = fx.tanh %large : (tensor<4x64xf32>) -> tensor<4x64xf32> loc("tanh")
  %1 = fx.tanh %small : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("tanh_1")
  %2 = fx.gelu %large {fx.region = "layer"} : (tensor<4x64xf32>) -> tensor<4x64xf32> loc("gelu")
  %g = func.call @gate(%t, %large) : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32>
  %h = fx.mul %s, %small : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32> loc("mul")
  %k = fx.mul %g, %2 : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32> loc("mul_1")
  return %0, %1, %k, %h : tensor<4x64xf32>, tensor<4x8xf32>, tensor<4x64xf32>, tensor<4x8xf32>
}
