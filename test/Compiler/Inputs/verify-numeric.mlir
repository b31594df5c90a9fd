// A joint function: loss = sum(relu(x @ w)), with the gradient of w.
func.func @main(%x: tensor<3x4xf32> {fx.role = "input", fx.name = "x"},
                %w: tensor<4x5xf32> {fx.role = "parameter", fx.name = "w", fx.requires_grad},
                %t: tensor<f32> {fx.role = "tangent", fx.name = "tangents_1"})
    -> (tensor<f32> {fx.role = "loss", fx.name = "loss"},
        tensor<4x5xf32> {fx.role = "gradient", fx.name = "w"}) {
  %zero = arith.constant 0.0 : f64
  %h = fx.mm %x, %w : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32> loc("mm")
  %y = fx.relu %h : (tensor<3x5xf32>) -> tensor<3x5xf32> loc("relu")
  %loss = fx.sum %y : (tensor<3x5xf32>) -> tensor<f32> loc("sum_1")
  %g = fx.expand %t sizes = [3, 5] : tensor<f32> -> tensor<3x5xf32> loc("expand")
  %dead = fx.le %y, %zero : (tensor<3x5xf32>, f64) -> tensor<3x5xi1> loc("le")
  %d = fx.where %dead, %zero, %g : (tensor<3x5xi1>, f64, tensor<3x5xf32>) -> tensor<3x5xf32> loc("where")
  %xt = fx.permute %x dims = [1, 0] : tensor<3x4xf32> -> tensor<4x3xf32> loc("permute")
  %gw = fx.mm %xt, %d : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32> loc("mm_1")
  return %loss, %gw : tensor<f32>, tensor<4x5xf32>
}
