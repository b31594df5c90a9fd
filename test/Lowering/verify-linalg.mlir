// RUN: fx-opt %s -split-input-file -fx-verify-linalg -verify-diagnostics

// Upstream ops only: accepted.
func.func @upstream(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = tensor.empty() : tensor<2xf32>
  return %x : tensor<2xf32>
}

// -----

func.func @op(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{op is left after fx-to-linalg}}
  %0 = fx.relu %x : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// expected-error @below {{attribute 'fx.role' is left after fx-to-linalg}}
func.func @attribute(%x: tensor<2xf32> {fx.role = "input"}) {
  return
}

// -----

// expected-error @below {{argument type 'tensor<2xui8>' is left after fx-to-linalg}}
func.func @unsigned(%x: tensor<2xui8>) {
  return
}
