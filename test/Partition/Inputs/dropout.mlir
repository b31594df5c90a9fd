// Three layers with two dropouts, as a forward function with a loss.
func.func @main(
    %w0: tensor<512x128xf32> {fx.role = "parameter", fx.name = "w0", fx.requires_grad},
    %w1: tensor<512x512xf32> {fx.role = "parameter", fx.name = "w1", fx.requires_grad},
    %w2: tensor<8x512xf32> {fx.role = "parameter", fx.name = "w2", fx.requires_grad},
    %x: tensor<256x128xf32> {fx.role = "input", fx.name = "x"},
    %y: tensor<256xi64> {fx.role = "input", fx.name = "y"})
    -> (tensor<f32> {fx.role = "loss", fx.name = "loss"}) {
  %0 = fx.linear %x, %w0 : (tensor<256x128xf32>, tensor<512x128xf32>) -> tensor<256x512xf32>
  %1 = fx.relu %0 : (tensor<256x512xf32>) -> tensor<256x512xf32>
  %2 = fx.dropout %1 {p = 0.5, train = true} : (tensor<256x512xf32>) -> tensor<256x512xf32>
  %3 = fx.linear %2, %w1 : (tensor<256x512xf32>, tensor<512x512xf32>) -> tensor<256x512xf32>
  %4 = fx.relu %3 : (tensor<256x512xf32>) -> tensor<256x512xf32>
  %5 = fx.dropout %4 {p = 0.25, train = true} : (tensor<256x512xf32>) -> tensor<256x512xf32>
  %6 = fx.linear %5, %w2 : (tensor<256x512xf32>, tensor<8x512xf32>) -> tensor<256x8xf32>
  %7 = fx.cross_entropy_loss %6, %y : (tensor<256x8xf32>, tensor<256xi64>) -> tensor<f32>
  return %7 : tensor<f32>
}
