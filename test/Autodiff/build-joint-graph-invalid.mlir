// RUN: fx-opt %s -split-input-file -verify-diagnostics -fx-build-joint-graph

func.func @composite(%x: tensor<2x4xf32> {fx.requires_grad}, %w: tensor<3x4xf32>) -> tensor<2x3xf32> {
  // expected-error @unknown {{cannot differentiate 'fx.linear', node fc: it has no derivative; composites must be decomposed first (fx-decompose)}}
  %0 = fx.linear %x, %w : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32> loc("fc")
  return %0 : tensor<2x3xf32>
}

// -----

// Off the path it does not matter.
func.func @composite_off_the_path(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3xf32> {fx.requires_grad}) -> tensor<2x3xf32> {
  %0 = fx.linear %x, %w : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
  %1 = fx.add %0, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{is recursive}}
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
