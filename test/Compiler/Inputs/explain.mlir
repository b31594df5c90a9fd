func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.alias %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.cos %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.sin %1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
