// RUN: fx-opt %s -fx-form-kernels -fx-reserve-scratch -fx-plan-memory | FileCheck %s

// A product packs its operands into buffers of the thread, a convolution transforms
// its weights into memory that it is lent: 16 floats for each of 16x16 filters.
// CHECK-LABEL: func.func @step
// CHECK-SAME: fx.thread_scratch = {{[0-9]+}}
// CHECK: fx.kernel template
// CHECK-SAME: fx.scratch = array<i64: 0, {{[1-9][0-9]*, [1-9][0-9]*}}, 0, 0>
// CHECK-NOT: fx.scratch_placement
// CHECK: fx.kernel template
// CHECK-SAME: fx.scratch = array<i64: 16384, {{[1-9][0-9]*}}, 0, {{[1-9][0-9]*}}
// CHECK-SAME: fx.scratch_placement = 0
func.func @step(%a: tensor<256x256xf32>, %b: tensor<256x256xf32>,
                %x: tensor<1x16x32x32xf32>, %w: tensor<16x16x3x3xf32>)
    -> (tensor<256x256xf32>, tensor<1x16x30x30xf32>) {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<256x256xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<256x256xf32>) -> tensor<256x256xf32>
  %2 = linalg.matmul ins(%a, %b : tensor<256x256xf32>, tensor<256x256xf32>)
      outs(%1 : tensor<256x256xf32>) -> tensor<256x256xf32>
  %3 = tensor.empty() : tensor<1x16x30x30xf32>
  %4 = linalg.fill ins(%zero : f32) outs(%3 : tensor<1x16x30x30xf32>) -> tensor<1x16x30x30xf32>
  %5 = linalg.conv_2d_nchw_fchw {strides = dense<1> : vector<2xi64>, dilations = dense<1> : vector<2xi64>}
      ins(%x, %w : tensor<1x16x32x32xf32>, tensor<16x16x3x3xf32>)
      outs(%4 : tensor<1x16x30x30xf32>) -> tensor<1x16x30x30xf32>
  return %2, %5 : tensor<256x256xf32>, tensor<1x16x30x30xf32>
}
