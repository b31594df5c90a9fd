// RUN: fx-opt %s -split-input-file -fx-lower-to-linalg -verify-diagnostics

// Composite ops are decomposed by earlier stages.
func.func @composite(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{'fx.layer_norm' op has no lowering to linalg; decompose it first}}
  %0 = fx.layer_norm %x {normalized_shape = array<i64: 3>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @seeds() -> tensor<1xi64> {
  // expected-error @below {{has no lowering to linalg; run fx-seeds-to-arguments before}}
  %0 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  return %0 : tensor<1xi64>
}

// -----

func.func @pool_of_unknown_size(%x: tensor<1x2x?x?xf32>) -> tensor<1x2x?x?xf32> {
  // expected-error @below {{has no lowering to linalg: pooling over dimensions of unknown size}}
  %0 = fx.max_pool2d %x {kernel_size = array<i64: 2>, stride = array<i64>, padding = array<i64: 0>, dilation = array<i64: 1>, ceil_mode = false} : (tensor<1x2x?x?xf32>) -> tensor<1x2x?x?xf32>
  return %0 : tensor<1x2x?x?xf32>
}

// -----

func.func @complex(%x: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  // expected-error @below {{has no lowering to linalg: no kernel computes with 'complex<f32>'}}
  %0 = fx.convert_element_type %x {dtype = complex<f32>} : (tensor<4xf32>) -> tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}
