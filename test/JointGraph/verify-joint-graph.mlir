// RUN: fx-opt %s -fx-verify-joint-graph -split-input-file -verify-diagnostics

func.func @core(%x: tensor<2x3xf32> {fx.role = "input"}, %w: tensor<3x4xf32>, %t: tensor<2x4xf32> {fx.role = "tangent"}) -> (tensor<2x4xf32>, tensor<2x4xf32> {fx.role = "gradient"}) {
  %0 = fx.mm %x, %w : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0, %t : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

func.func @composite(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{of the torch level is left after decomposition}}
  %0 = fx.linear %x, %w : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @random_call() -> tensor<2xf32> {
  // expected-error @below {{to aten.rand.default takes no seed}}
  %0 = fx.call "aten.rand.default"() {arguments = [[2]]} : () -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @two_seeds() {
  // expected-note @below {{the first one is here}}
  %0 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  // expected-error @below {{is the second one of its block}}
  %1 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  return
}

// -----

// expected-error @below {{result 0 is a gradient, but there is neither a tangent nor a loss}}
func.func @gradient_of_nothing(%x: tensor<2xf32>) -> (tensor<2xf32> {fx.role = "gradient"}) {
  return %x : tensor<2xf32>
}
