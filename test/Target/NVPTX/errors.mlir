// RUN: fx-opt %s -fx-plan-memory -fx-emit-nvptx --split-input-file --verify-diagnostics

// Each element depends on the one before it.
func.func @scan(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{has no form on the GPU: it is neither a nest of loops over all points nor one that writes one element in each iteration}}
  %0 = fx.kernel generic ins(%x : tensor<8xf32>) -> (tensor<8xf32>) {
  ^bb0(%t: tensor<8xf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %r:2 = scf.for %a = %c0 to %c8 step %c1 iter_args(%t0 = %t, %sum = %zero) -> (tensor<8xf32>, f32) {
      %e = tensor.extract %t[%a] : tensor<8xf32>
      %new = arith.addf %sum, %e : f32
      %w = tensor.insert %new into %t0[%a] : tensor<8xf32>
      scf.yield %w, %new : tensor<8xf32>, f32
    }
    fx.kernel_return %r#0 : tensor<8xf32>
  }
  return %0 : tensor<8xf32>
}
