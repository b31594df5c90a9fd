// RUN: fx-opt %s -fx-plan-memory -o %t.mlir 2>&1 | FileCheck %s

// A step that takes more than its budget says so, and where.
// CHECK: m.py:1:1: warning: the training step takes 2048 bytes, more than the
// CHECK-SAME: peak budget of 2047: most are in use at the kernel of 'mul', 'exp'
func.func @step(%x: tensor<256xf32>) -> tensor<256xf32>
    attributes {results_in_workspace, peak_budget = 2047 : i64} {
  %0 = fx.kernel generic ins(%x : tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  %1 = fx.kernel generic ins(%0 : tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  } loc(#kernel)
  return %1 : tensor<256xf32>
}

// CHECK-NOT: warning
func.func @within(%x: tensor<256xf32>) -> tensor<256xf32>
    attributes {results_in_workspace, peak_budget = 1024 : i64} {
  %0 = fx.kernel generic ins(%x : tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  return %0 : tensor<256xf32>
}
#kernel = loc(fused["mul"("m.py":1:1), "exp"("m.py":2:1)])
