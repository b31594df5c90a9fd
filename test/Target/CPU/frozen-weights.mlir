// RUN: fx-opt %s -fx-form-kernels -fx-use-frozen-weights | FileCheck %s
// RUN: fx-opt %s -fx-form-kernels -fx-use-frozen-weights -fx-plan-memory \
// RUN:   -lower-affine -fx-emit-cpu | FileCheck %s --check-prefix=EMIT
// RUN: fx-opt %s -fx-form-kernels -fx-use-frozen-weights -fx-plan-memory \
// RUN:   -lower-affine -fx-emit-cpu -fx-cpu-to-llvm | FileCheck %s --check-prefix=LLVM

// Kernels whose weight is a frozen argument keep what they prepare of it; a
// frozen left side, a batch of weights and f64 have no such form. Equal
// kernels of frozen and other weights are different code.
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @linear
// CHECK: fx.kernel template ins(%arg0, %arg1
// CHECK-SAME: fx.frozen
// CHECK: fx.kernel template ins(%{{.*}}, %arg0
// CHECK-NOT: fx.frozen
// CHECK: return

// EMIT-DAG: llvm.mlir.global external hidden @fx_frozen_store()
// EMIT-DAG: func.func private @fx_rt_sgemm_frozen
// EMIT-DAG: func.func private @fx_rt_sgemm_batched
// EMIT-DAG: func.func @fx_release_frozen
// LLVM: llvm.mlir.global_dtors dtors = [@fx_release_frozen]
func.func @linear(%x: tensor<40x64xf32>, %w: tensor<96x64xf32> {fx.frozen})
    -> (tensor<40x96xf32>, tensor<96x40xf32>) {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<40x96xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<40x96xf32>) -> tensor<40x96xf32>
  %2 = linalg.generic {indexing_maps = [#lhs, #rhs, #out],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<40x64xf32>, tensor<96x64xf32>) outs(%1 : tensor<40x96xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<40x96xf32>
  %3 = tensor.empty() : tensor<96x40xf32>
  %4 = linalg.fill ins(%zero : f32) outs(%3 : tensor<96x40xf32>) -> tensor<96x40xf32>
  %5 = linalg.generic {indexing_maps = [#lhs, #rhs, #out],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %x : tensor<96x64xf32>, tensor<40x64xf32>) outs(%4 : tensor<96x40xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<96x40xf32>
  return %2, %5 : tensor<40x96xf32>, tensor<96x40xf32>
}

// CHECK-LABEL: func.func @narrow
// CHECK: fx.kernel template ins(%arg0, %arg1
// CHECK-SAME: fx.frozen
// EMIT-DAG: func.func private @fx_rt_gemm_bf16_frozen
func.func @narrow(%x: tensor<40x64xbf16>, %w: tensor<96x64xbf16> {fx.frozen})
    -> tensor<40x96xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<40x96xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<40x96xf32>) -> tensor<40x96xf32>
  %2 = linalg.generic {indexing_maps = [#lhs, #rhs, #out],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<40x64xbf16>, tensor<96x64xbf16>) outs(%1 : tensor<40x96xf32>) {
  ^bb0(%a: bf16, %b: bf16, %c: f32):
    %wide_a = arith.extf %a : bf16 to f32
    %wide_b = arith.extf %b : bf16 to f32
    %p = arith.mulf %wide_a, %wide_b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<40x96xf32>
  return %2 : tensor<40x96xf32>
}
