// RUN: not fx-opt %s -fx-lower-to-linalg 2>&1 | FileCheck %s

// The error names target, FX node and Python line, and there is no output.
// CHECK: model.py:12:0: error: 'fx.call' op has no lowering to linalg: target "my.op.default" (node my_op, model.py:12); fx has no op for this target
// CHECK-NOT: func.func
func.func @call(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = fx.relu %x : (tensor<2xf32>) -> tensor<2xf32>
  %1 = fx.call "my.op.default"(%0) {arguments = [{operand = 0 : i64}], pure} : (tensor<2xf32>) -> tensor<2xf32> loc("my_op"("model.py":12:0))
  return %1 : tensor<2xf32>
}
