// RUN: not fx-opt %s -fx-build-joint-graph 2>&1 | FileCheck %s

// CHECK: model.py:12:0: error: cannot differentiate 'fx.linear', node fc, model.py:12: it has no derivative
func.func @composite(%x: tensor<2x4xf32> {fx.requires_grad}, %w: tensor<3x4xf32>) -> tensor<2x3xf32> {
  %0 = fx.linear %x, %w : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32> loc("fc"("model.py":12:0))
  return %0 : tensor<2x3xf32>
}
