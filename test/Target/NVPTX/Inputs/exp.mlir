func.func @exp(%x: tensor<512x1024xf32>) -> tensor<512x1024xf32> {
  %0 = fx.exp %x : (tensor<512x1024xf32>) -> tensor<512x1024xf32>
  return %0 : tensor<512x1024xf32>
}
