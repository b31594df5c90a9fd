// RUN: fx-opt %s -fx-verify-post-grad -split-input-file -verify-diagnostics

func.func @forward(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32> {fx.role = "saved"}) {
  %0 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %x : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @detach(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has no meaning after autodiff}}
  %0 = fx.detach %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @dead(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{is dead}}
  %0 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{returns the saved value 0 and the gradient 1}}
func.func @both(%x: tensor<4xf32>) -> (tensor<4xf32> {fx.role = "saved"}, tensor<4xf32> {fx.role = "gradient"}) {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}
