// What a compiled step takes beyond its budget is a warning that names the node:
// the model of the partition does not know what a convolution packs.
// RUN: fx-compile %s --mode=training --partition=peak-budget=80kB -o %t.so 2>&1 | FileCheck %s
// RUN: test -e %t.so
// CHECK: model.py:7: warning: the training step takes {{[0-9]+}} bytes, more than the peak budget of 80000: most are in use at the kernel of 'conv_grad'
// RUN: fx-compile %s --mode=training --partition=peak-budget=1MB -o %t.so 2>&1 | count 0
func.func @main(
    %x: tensor<1x16x32x32xf32> {fx.role = "input", fx.name = "x"},
    %w: tensor<16x16x3x3xf32> {fx.role = "parameter", fx.name = "w", fx.requires_grad})
    -> (tensor<1x16x30x30xf32> {fx.role = "output"}) {
  %0 = fx.convolution %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x16x32x32xf32>, tensor<16x16x3x3xf32>) -> tensor<1x16x30x30xf32> loc("conv"("model.py":7:1))
  return %0 : tensor<1x16x30x30xf32>
}
