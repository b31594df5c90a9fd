// RUN: fx-translate --fx-to-python %s | FileCheck %s

// CHECK-LABEL: def f(x, n):
func.func @f(%x: tensor<?x4xf16> {fx.name = "x", fx.role = "input"}, %n: i64 {fx.name = "n"}) -> (tensor<?x4xf32> {fx.role = "output"}) {
  %half = arith.constant 0.5 : f64
  %inf = arith.constant 0x7FF0000000000000 : f64
  %one = arith.constant 1 : i64
  // The overload follows the kinds of the operands.
  // CHECK-NEXT: v = torch.ops.aten.mul.Tensor(x, other=0.5)
  %0 = fx.mul %x, %half : (tensor<?x4xf16>, f64) -> tensor<?x4xf16>
  // CHECK-NEXT: compare = torch.ops.aten.gt.Scalar(v, other=float("inf"))
  %1 = fx.gt %0, %inf : (tensor<?x4xf16>, f64) -> tensor<?x4xi1> loc("compare")
  // CHECK-NEXT: [[W:v_[0-9]+]] = torch.ops.aten.where.ScalarSelf(compare, self=1, other=v)
  %2 = fx.where %1, %one, %0 : (tensor<?x4xi1>, i64, tensor<?x4xf16>) -> tensor<?x4xf16>
  // A scalar without an overload of its own becomes a tensor.
  // CHECK-NEXT: [[M:v_[0-9]+]] = torch.ops.aten.maximum.default([[W]], other=torch.scalar_tensor(0.5, dtype=torch.float16))
  %3 = fx.maximum %2, %half : (tensor<?x4xf16>, f64) -> tensor<?x4xf16>
  // CHECK-NEXT: [[L:v_[0-9]+]] = (n + 1)
  %4 = arith.addi %n, %one : i64
  // CHECK-NEXT: [[E:v_[0-9]+]] = torch.ops.aten.full.default({{\[}}[[L]], 4], fill_value=0.5, dtype=torch.float32)
  %5 = fx.full %half sizes = [%4, 4] {dtype = f32} : f64 -> tensor<?x4xf32>
  // CHECK-NEXT: lambda_ = torch.ops.aten.sum.dim_IntList([[M]], dim=[0, 1], keepdim=True, dtype=None)
  %6 = fx.sum %3 {keepdim = true} : (tensor<?x4xf16>) -> tensor<1x1xf16> loc("lambda")
  // CHECK-NEXT: [high, indices] = torch.ops.aten.max.dim([[E]], dim=0, keepdim=False)
  %7:2 = fx.max_dim %5 {dim = 0 : i64, fx.result_names = ["high", "indices"]} : (tensor<?x4xf32>) -> (tensor<4xf32>, tensor<4xi64>)
  // CHECK-NEXT: [[I:v_[0-9]+]] = torch.ops.aten.index.Tensor([[E]], indices=[None, indices])
  %8 = fx.index %5, %7#1 {index_dims = array<i64: 1>} : (tensor<?x4xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  // CHECK-NEXT: [[C:v_[0-9]+]] = torch.ops.my.op.default([[I]], [3, None], flag=True)
  %9 = fx.call "my.op.default"(%8) {arguments = [{operand = 0 : i64}, [3, unit]], kwargs = {flag = true}, pure} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK-NEXT: [[R:v_[0-9]+]] = torch.ops.aten.add.Tensor([[C]], other=lambda_)
  %10 = fx.add %9, %6 : (tensor<?x4xf32>, tensor<1x1xf16>) -> tensor<?x4xf32>
  // CHECK-NEXT: return {{\[}}[[R]]{{\]}}
  return %10 : tensor<?x4xf32>
}
// CHECK: SIGNATURES["f"] = {
// CHECK: {"name": "x", "role": "input", "dtype": torch.float16, "shape": [None, 4], "requires_grad": False}
// CHECK: {"name": "", "role": "output", "dtype": torch.float32, "shape": [None, 4]}
