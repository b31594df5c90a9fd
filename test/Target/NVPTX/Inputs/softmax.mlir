// Rows in memory one after the other, and across memory.
func.func @rows(%x: tensor<64x32768xf32>) -> tensor<64x32768xf32> {
  %0 = fx.softmax %x {dim = 1 : i64} : (tensor<64x32768xf32>) -> tensor<64x32768xf32>
  return %0 : tensor<64x32768xf32>
}
func.func @columns(%x: tensor<8192x4096xf32>) -> tensor<8192x4096xf32> {
  %0 = fx.softmax %x {dim = 0 : i64} : (tensor<8192x4096xf32>) -> tensor<8192x4096xf32>
  return %0 : tensor<8192x4096xf32>
}
