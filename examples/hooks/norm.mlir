// norm(relu(relu(x)))^2 with a detour through f32: something for every hook.
func.func @main(%x: tensor<4x8xf16> {fx.role = "input", fx.name = "x"})
    -> (tensor<4x8xbf16> {fx.role = "output", fx.name = "out"}) {
  %two = arith.constant 2 : i64
  %0 = fx.relu %x : (tensor<4x8xf16>) -> tensor<4x8xf16> loc("relu"("norm.py":4:1))
  %1 = fx.relu %0 : (tensor<4x8xf16>) -> tensor<4x8xf16> loc("relu_1"("norm.py":5:1))
  %2 = fx.convert_element_type %1 {dtype = f32} : (tensor<4x8xf16>) -> tensor<4x8xf32> loc("to"("norm.py":6:1))
  %3 = fx.convert_element_type %2 {dtype = bf16} : (tensor<4x8xf32>) -> tensor<4x8xbf16> loc("to_1"("norm.py":7:1))
  %4 = fx.pow %3, %two : (tensor<4x8xbf16>, i64) -> tensor<4x8xbf16> loc("pow_1"("norm.py":8:1))
  return %4 : tensor<4x8xbf16>
}
