// Convolutions over one, two and three dimensions and their gradients are
// templates, which read their input without padding; what remains around them
// are the flipped weights of a transposed one and the places of its phases.

// RUN: fx-opt %s --fx-to-linalg -fx-form-kernels | FileCheck %s
// RUN: fx-opt %s --fx-to-linalg -fx-form-kernels -fx-reserve-scratch -fx-plan-memory -fx-emit-cpu | FileCheck %s --check-prefix=EMIT

// EMIT-DAG: func.func private @fx_rt_conv2d(
// EMIT-DAG: func.func private @fx_rt_conv2d_backward_weight(

// CHECK-LABEL: func.func @line
// CHECK: fx.kernel template ins(%arg0,
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @line(%x: tensor<2x4x33xf32>, %w: tensor<6x4x5xf32>)
    -> tensor<2x6x16xf32> {
  %0 = fx.convolution %x, %w {stride = array<i64: 2>, padding = array<i64: 1>, dilation = array<i64: 1>, transposed = false, output_padding = array<i64: 0>, groups = 1 : i64} : (tensor<2x4x33xf32>, tensor<6x4x5xf32>) -> tensor<2x6x16xf32>
  return %0 : tensor<2x6x16xf32>
}

// CHECK-LABEL: func.func @grouped
// CHECK: fx.kernel template ins(%arg0,
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @grouped(%x: tensor<2x4x9x11xf32>, %w: tensor<6x2x3x3xf32>)
    -> tensor<2x6x7x9xf32> {
  %0 = fx.convolution %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 2, 2>, transposed = false, output_padding = array<i64: 0, 0>, groups = 2 : i64} : (tensor<2x4x9x11xf32>, tensor<6x2x3x3xf32>) -> tensor<2x6x7x9xf32>
  return %0 : tensor<2x6x7x9xf32>
}

// CHECK-LABEL: func.func @volume
// CHECK: fx.kernel template ins(%arg0,
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @volume(%x: tensor<2x4x7x9x11xf32>, %w: tensor<6x4x3x3x3xf32>)
    -> tensor<2x6x7x9x11xf32> {
  %0 = fx.convolution %x, %w {stride = array<i64: 1, 1, 1>, padding = array<i64: 1, 1, 1>, dilation = array<i64: 1, 1, 1>, transposed = false, output_padding = array<i64: 0, 0, 0>, groups = 1 : i64} : (tensor<2x4x7x9x11xf32>, tensor<6x4x3x3x3xf32>) -> tensor<2x6x7x9x11xf32>
  return %0 : tensor<2x6x7x9x11xf32>
}

// CHECK-LABEL: func.func @strided_volume
// CHECK: fx.kernel template ins(%arg0,
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @strided_volume(%x: tensor<2x4x7x9x11xf32>, %w: tensor<6x2x3x3x3xf32>)
    -> tensor<2x6x4x5x6xf32> {
  %0 = fx.convolution %x, %w {stride = array<i64: 2, 2, 2>, padding = array<i64: 1, 1, 1>, dilation = array<i64: 1, 1, 1>, transposed = false, output_padding = array<i64: 0, 0, 0>, groups = 2 : i64} : (tensor<2x4x7x9x11xf32>, tensor<6x2x3x3x3xf32>) -> tensor<2x6x4x5x6xf32>
  return %0 : tensor<2x6x4x5x6xf32>
}

// CHECK-LABEL: func.func @transposed_volume
// CHECK: %[[E:.*]] = tensor.expand_shape %arg1
// CHECK: fx.kernel loops ins(%[[E]] : tensor<1x4x6x3x3x3xf32>)
// CHECK: fx.kernel template ins(%arg0,
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @transposed_volume(%x: tensor<2x4x7x9x11xf32>, %w: tensor<4x6x3x3x3xf32>)
    -> tensor<2x6x7x9x11xf32> {
  %0 = fx.convolution %x, %w {stride = array<i64: 1, 1, 1>, padding = array<i64: 1, 1, 1>, dilation = array<i64: 1, 1, 1>, transposed = true, output_padding = array<i64: 0, 0, 0>, groups = 1 : i64} : (tensor<2x4x7x9x11xf32>, tensor<4x6x3x3x3xf32>) -> tensor<2x6x7x9x11xf32>
  return %0 : tensor<2x6x7x9x11xf32>
}

// CHECK-LABEL: func.func @backward_of_volume
// CHECK-DAG: fx.kernel template {{.*}} -> (tensor<2x4x7x9x11xf32>)
// CHECK-DAG: fx.kernel template {{.*}} -> (tensor<6x4x3x3x3xf32>)
// CHECK: return
func.func @backward_of_volume(%g: tensor<2x6x7x9x11xf32>, %x: tensor<2x4x7x9x11xf32>,
                              %w: tensor<6x4x3x3x3xf32>)
    -> (tensor<2x4x7x9x11xf32>, tensor<6x4x3x3x3xf32>) {
  %0, %1 = fx.convolution_backward %g, %x, %w {bias_sizes = array<i64: 6>, stride = array<i64: 1, 1, 1>, padding = array<i64: 1, 1, 1>, dilation = array<i64: 1, 1, 1>, transposed = false, output_padding = array<i64: 0, 0, 0>, groups = 1 : i64, output_mask = array<i1: true, true, false>} : (tensor<2x6x7x9x11xf32>, tensor<2x4x7x9x11xf32>, tensor<6x4x3x3x3xf32>) -> (tensor<2x4x7x9x11xf32>, tensor<6x4x3x3x3xf32>)
  return %0, %1 : tensor<2x4x7x9x11xf32>, tensor<6x4x3x3x3xf32>
}

// Tensors with their channels last: images are transposed once for the graph,
// weights and their gradients are read and written as they are.
// CHECK-LABEL: func.func @channels_last
// CHECK: %[[X:.*]] = fx.kernel loops ins(%arg0
// CHECK: fx.kernel template ins(%[[X]], %arg1 : tensor<2x8x9x9xf32>, tensor<16x3x3x8xf32>) -> (tensor<2x16x9x9xf32>)
// CHECK: %[[G:.*]] = fx.kernel loops ins(%arg2
// CHECK: fx.kernel loops ins(%arg1 : tensor<16x3x3x8xf32>) -> (tensor<1x8x16x3x3xf32>)
// CHECK: fx.kernel template ins(%[[G]],
// CHECK: fx.kernel template ins(%[[X]], %[[G]] : {{.*}} -> (tensor<16x3x3x8xf32>)
// CHECK: fx.kernel loops {{.*}} -> (tensor<2x9x9x8xf32>)
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @channels_last(%x: tensor<2x9x9x8xf32>, %w: tensor<16x3x3x8xf32>,
                         %g: tensor<2x9x9x16xf32>)
    -> (tensor<2x9x9x16xf32>, tensor<16x3x3x8xf32>, tensor<2x9x9x8xf32>) {
  %0 = fx.permute %x dims = [0, 3, 1, 2] : tensor<2x9x9x8xf32> -> tensor<2x8x9x9xf32>
  %1 = fx.permute %w dims = [0, 3, 1, 2] : tensor<16x3x3x8xf32> -> tensor<16x8x3x3xf32>
  %2 = fx.convolution %0, %1 {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<2x8x9x9xf32>, tensor<16x8x3x3xf32>) -> tensor<2x16x9x9xf32>
  %r = fx.relu %2 : (tensor<2x16x9x9xf32>) -> tensor<2x16x9x9xf32>
  %3 = fx.permute %r dims = [0, 2, 3, 1] : tensor<2x16x9x9xf32> -> tensor<2x9x9x16xf32>
  %4 = fx.permute %g dims = [0, 3, 1, 2] : tensor<2x9x9x16xf32> -> tensor<2x16x9x9xf32>
  %5, %6 = fx.convolution_backward %4, %0, %1 {bias_sizes = array<i64: 16>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64, output_mask = array<i1: true, true, false>} : (tensor<2x16x9x9xf32>, tensor<2x8x9x9xf32>, tensor<16x8x3x3xf32>) -> (tensor<2x8x9x9xf32>, tensor<16x8x3x3xf32>)
  %7 = fx.permute %5 dims = [0, 2, 3, 1] : tensor<2x8x9x9xf32> -> tensor<2x9x9x8xf32>
  %8 = fx.permute %6 dims = [0, 2, 3, 1] : tensor<16x8x3x3xf32> -> tensor<16x3x3x8xf32>
  return %3, %8, %7 : tensor<2x9x9x16xf32>, tensor<16x3x3x8xf32>, tensor<2x9x9x8xf32>
}
