// Twice the same addition, for cse.
func.func @unknown(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = fx.call "my.solve.default"(%x) {arguments = [{operand = 0 : i64}], pure} : (tensor<2xf32>) -> tensor<2xf32> loc("solved")
  %1 = fx.add %0, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = fx.add %0, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = fx.mul %1, %2 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %3 : tensor<2xf32>
}
func.func @dropout(%x: tensor<9xf32>) -> tensor<9xf32> {
  %0 = fx.dropout %x {p = 0.5 : f64, train = true} : (tensor<9xf32>) -> tensor<9xf32>
  %1 = fx.dropout %0 {p = 0.5 : f64, train = true} : (tensor<9xf32>) -> tensor<9xf32>
  return %1 : tensor<9xf32>
}
