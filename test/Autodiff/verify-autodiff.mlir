// RUN: fx-opt %s -split-input-file -verify-diagnostics -fx-verify-autodiff

// expected-error @below {{argument 1 is no tangent, but follows tangent 0}}
func.func @primal_after_tangent(%t: tensor<4xf32> {fx.role = "tangent"}, %x: tensor<4xf32>) {
  return
}

// -----

// expected-error @below {{result 1 (output) is out of order: mutations, outputs, gradients}}
func.func @order(%x: tensor<4xf32> {fx.name = "x"}, %t: tensor<4xf32> {fx.role = "tangent"}) -> (tensor<4xf32> {fx.role = "gradient", fx.name = "x"}, tensor<4xf32> {fx.role = "output"}) {
  return %t, %x : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{gradient 1 is named 'y', but no argument has this name}}
func.func @unknown_name(%x: tensor<4xf32> {fx.name = "x"}, %t: tensor<4xf32> {fx.role = "tangent"}) -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient", fx.name = "y"}) {
  return %x, %t : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{gradient 'x' has type 'tensor<4xf32>', its argument 'tensor<4xf16>'}}
func.func @type(%x: tensor<4xf16> {fx.name = "x"}, %o: tensor<4xf32>, %t: tensor<4xf32> {fx.role = "tangent"}) -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient", fx.name = "x"}) {
  return %o, %t : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{tangent 1 of type 'tensor<3xf32>' belongs to no floating-point output}}
func.func @tangent(%x: tensor<4xf32> {fx.name = "x"}, %t: tensor<3xf32> {fx.role = "tangent"}) -> (tensor<4xf32> {fx.role = "output"}) {
  return %x : tensor<4xf32>
}
