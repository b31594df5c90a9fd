// Functions of upstream's ops are partitioned as well, in Debian's own mlir-opt.
// REQUIRES: mlir-opt-22
// RUN: mlir-opt-22 --load-dialect-plugin=%fx_lib/libFXPlugin.so --load-pass-plugin=%fx_lib/libFXPlugin.so --pass-pipeline='builtin.module(fx-partition{function=joint report=%t.json report-network},fx-verify-partition,canonicalize)' %s | FileCheck %s
// RUN: FileCheck %s --check-prefix=REPORT < %t.json
// RUN: fx-opt %s -fx-partition="function=products peak-budget=1.6kB" -fx-verify-partition | FileCheck %s --check-prefix=MIDDLE
// RUN: not fx-opt %s -fx-partition="function=products peak-budget=1000" 2>&1 | FileCheck %s --check-prefix=FLOOR
// RUN: fx-opt %s -fx-partition="peak-budget=1MB partition-report=%t.html report=%t.both.json" -fx-verify-partition -o /dev/null
// RUN: cat %t.html %t.both.json | FileCheck %s --check-prefix=BOTH

// One page and one report for all functions.
// BOTH: Partition of <code>joint</code>
// BOTH: Partition of <code>products</code>
// BOTH: "forward": "forward"
// BOTH: "peak_bytes": {{[0-9]+}},
// BOTH: "forward": "products_forward"
// BOTH: "peak_bytes": 2060,

// The product is saved, and what is cheap is computed again: a named op, an
// elementwise one, and a generic one as a whole.
// CHECK-LABEL: func.func @forward
// CHECK-SAME:    "w", fx.role = "parameter"
// CHECK-SAME:    tensor<16x32xf32> {fx.name = "[[SAVED:[a-z0-9_.]+]]", fx.role = "saved"}
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    "[[SAVED]]", fx.role = "saved"
// CHECK-SAME:    "t", fx.role = "tangent"
// CHECK:         math.tanh
// CHECK:         linalg.generic
// CHECK:           arith.mulf
// CHECK-NEXT:      arith.subf
// CHECK:         arith.mulf
// CHECK:         linalg.matmul
// CHECK-NOT:     linalg.matmul
// CHECK:         return

// REPORT:     "name": "matmul"
// REPORT:     "total_flops": 32768,
// Bodies are no nodes.
// REPORT-NOT: "name": "subf

#id = affine_map<(i, j) -> (i, j)>
func.func @joint(
    %w: tensor<16x32xf32> {fx.role = "parameter", fx.name = "w"},
    %x: tensor<16x16xf32> {fx.role = "input", fx.name = "x"},
    %t: tensor<16x32xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<16xf32> {fx.role = "output"}, tensor<16x32xf32> {fx.role = "gradient"}) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<16x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16x32xf32>) -> tensor<16x32xf32>
  %h = linalg.matmul ins(%x, %w : tensor<16x16xf32>, tensor<16x32xf32>) outs(%f : tensor<16x32xf32>) -> tensor<16x32xf32> loc("matmul")
  %y = math.tanh %h : tensor<16x32xf32>
  %re = tensor.empty() : tensor<16xf32>
  %rf = linalg.fill ins(%zero : f32) outs(%re : tensor<16xf32>) -> tensor<16xf32>
  %r = linalg.reduce { arith.addf } ins(%y : tensor<16x32xf32>) outs(%rf : tensor<16xf32>) dimensions = [1]
  %d = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<16x32xf32>) outs(%e : tensor<16x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %a : f32
    %q = arith.subf %one, %s : f32 loc("subf")
    linalg.yield %q : f32
  } -> tensor<16x32xf32>
  %g = arith.mulf %t, %d : tensor<16x32xf32>
  %xe = tensor.empty() : tensor<16x16xf32>
  %xt = linalg.transpose ins(%x : tensor<16x16xf32>) outs(%xe : tensor<16x16xf32>) permutation = [1, 0]
  %dw = linalg.matmul ins(%xt, %g : tensor<16x16xf32>, tensor<16x32xf32>) outs(%f : tensor<16x32xf32>) -> tensor<16x32xf32>
  return %r, %dw : tensor<16xf32>, tensor<16x32xf32>
}

// The same as the products of partition-peak.mlir, with the same peaks: what a
// destination points to is the result's.
// MIDDLE:      func.func @{{.*}}backward
// MIDDLE-SAME:   "k1", fx.role = "saved"
// MIDDLE-SAME:   "k4", fx.role = "saved"
// MIDDLE:      linalg.matmul
// MIDDLE-NOT:  linalg.matmul
// MIDDLE:      return
// FLOOR: the smallest peak found is 1044 bytes, and no schedule is below 1044
func.func @products(
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
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x16xf32>) -> tensor<8x16xf32>
  %se = tensor.empty() : tensor<f32>
  %sf = linalg.fill ins(%zero : f32) outs(%se : tensor<f32>) -> tensor<f32>
  %k1 = linalg.matmul ins(%a1, %b1 : tensor<8x2xf32>, tensor<2x16xf32>) outs(%f : tensor<8x16xf32>) -> tensor<8x16xf32> loc("k1")
  %s1 = linalg.reduce { arith.addf } ins(%k1 : tensor<8x16xf32>) outs(%sf : tensor<f32>) dimensions = [0, 1]
  %k2 = linalg.matmul ins(%a2, %b2 : tensor<8x4xf32>, tensor<4x16xf32>) outs(%f : tensor<8x16xf32>) -> tensor<8x16xf32> loc("k2")
  %s2 = linalg.reduce { arith.addf } ins(%k2 : tensor<8x16xf32>) outs(%sf : tensor<f32>) dimensions = [0, 1]
  %k4 = linalg.matmul ins(%a4, %b4 : tensor<8x8xf32>, tensor<8x16xf32>) outs(%f : tensor<8x16xf32>) -> tensor<8x16xf32> loc("k4")
  %s4 = linalg.reduce { arith.addf } ins(%k4 : tensor<8x16xf32>) outs(%sf : tensor<f32>) dimensions = [0, 1]
  %g1 = arith.mulf %t, %k1 : tensor<8x16xf32>
  %r1 = linalg.reduce { arith.addf } ins(%g1 : tensor<8x16xf32>) outs(%sf : tensor<f32>) dimensions = [0, 1]
  %g2 = arith.mulf %t, %k2 : tensor<8x16xf32>
  %r2 = linalg.reduce { arith.addf } ins(%g2 : tensor<8x16xf32>) outs(%sf : tensor<f32>) dimensions = [0, 1]
  %g4 = arith.mulf %t, %k4 : tensor<8x16xf32>
  %r4 = linalg.reduce { arith.addf } ins(%g4 : tensor<8x16xf32>) outs(%sf : tensor<f32>) dimensions = [0, 1]
  return %s1, %s2, %s4, %r1, %r2, %r4 : tensor<f32>, tensor<f32>, tensor<f32>,
    tensor<f32>, tensor<f32>, tensor<f32>
}
