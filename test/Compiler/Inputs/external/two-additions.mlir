func.func @two_additions(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.add %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
