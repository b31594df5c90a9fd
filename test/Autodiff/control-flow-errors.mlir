// RUN: fx-opt --fx-build-joint-graph --split-input-file --verify-diagnostics %s

// Nothing bounds the number of rounds.
func.func @unbounded(%x: tensor<4xf32> {fx.requires_grad}) -> tensor<4xf32> {
  // expected-error-re @below {{cannot differentiate 'fx.while', {{.*}}: nothing in its condition bounds the number of iterations by a constant; compare a counter that starts and steps by constants, as in `i < 10`, or use scan}}
  %1 = fx.while carried(%x : tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %2 = fx.sum %a : (tensor<4xf32>) -> tensor<f32>
    %c9 = arith.constant 9.0 : f64
    %3 = fx.lt %2, %c9 : (tensor<f32>, f64) -> tensor<i1>
    fx.yield %3 : tensor<i1>
  } do {
  ^bb0(%a: tensor<4xf32>):
    %3 = fx.exp %a : (tensor<4xf32>) -> tensor<4xf32>
    fx.yield %3 : tensor<4xf32>
  }
  return %1 : tensor<4xf32>
}
