// RUN: fx-opt %s -fx-build-step -verify-diagnostics

func.func private @forward(tensor<4xf32>)
// expected-error @below {{'step_forward', 'step_arguments' and 'step_results' do not describe a training step}}
func.func @backward(%t: tensor<4xf32>) -> tensor<4xf32> attributes {
    step_forward = @forward, step_arguments = array<i64: 0>,
    step_results = array<i64>} {
  return %t : tensor<4xf32>
}
