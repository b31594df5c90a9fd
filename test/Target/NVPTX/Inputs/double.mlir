func.func @exp(%x: tensor<16xf64>) -> tensor<16xf64> {
  %0 = fx.exp %x : (tensor<16xf64>) -> tensor<16xf64>
  return %0 : tensor<16xf64>
}
