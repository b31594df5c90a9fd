// RUN: fx-opt %s -fx-verify-pre-grad -split-input-file -verify-diagnostics

func.func @module(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"}, %b: tensor<4xf32> {fx.role = "buffer", fx.name = "count"}) -> (tensor<4xf32> {fx.role = "mutation", fx.mutates = "count"}, tensor<4xf32> {fx.role = "output"}) {
  return %x, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{argument 0 is a tangent before autodiff}}
func.func @tangent(%x: tensor<4xf32> {fx.role = "tangent"}) {
  return
}

// -----

// expected-error @below {{result 0 is a gradient before autodiff}}
func.func @gradient(%x: tensor<4xf32>) -> (tensor<4xf32> {fx.role = "gradient"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{result 0 mutates "y", which is no argument}}
func.func @unknown_argument(%x: tensor<4xf32> {fx.name = "x"}) -> (tensor<4xf32> {fx.role = "mutation", fx.mutates = "y"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{result 0 mutates "x" but is no mutation}}
func.func @no_mutation(%x: tensor<4xf32> {fx.name = "x"}) -> (tensor<4xf32> {fx.role = "output", fx.mutates = "x"}) {
  return %x : tensor<4xf32>
}
