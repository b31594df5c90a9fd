// RUN: fx-opt %s -split-input-file -fx-build-joint-graph | FileCheck %s
// The values are compared with PyTorch's in test/python/test_autodiff.py; here
// is what the derivatives of each family look like.

// Formulas use f32 for bf16.
// CHECK-LABEL: @pointwise
func.func @pointwise(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  // CHECK: %[[Y:.*]] = fx.tanh
  // CHECK-DAG: %[[G:.*]] = fx.convert_element_type %arg1 {dtype = f32}
  // CHECK-DAG: %[[W:.*]] = fx.convert_element_type %[[Y]] {dtype = f32}
  // CHECK: %[[S:.*]] = fx.mul %[[W]], %[[W]]
  // CHECK: %[[D:.*]] = fx.rsub %[[S]]
  // CHECK: %[[P:.*]] = fx.mul %[[G]], %[[D]]
  // CHECK: fx.convert_element_type %[[P]] {dtype = bf16}
  %0 = fx.tanh %x : (tensor<4xbf16>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// -----

// Known bounds: a pad instead of a scatter into zeros.
// CHECK-LABEL: @slice
func.func @slice(%x: tensor<6x4xf32>) -> tensor<2x4xf32> {
  // CHECK: fx.constant_pad_nd %arg1, %{{.*}} {pad = array<i64: 0, 0, 1, 3>} : (tensor<2x4xf32>, f64) -> tensor<6x4xf32>
  %c1 = arith.constant 1 : i64
  %c3 = arith.constant 3 : i64
  %0 = fx.slice %x from %c1 to %c3 {dim = 0 : i64} : tensor<6x4xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// Parts that reach no output count as zeros.
// CHECK-LABEL: @split
func.func @split(%x: tensor<6xf32>) -> tensor<2xf32> {
  // CHECK: %[[Z:.*]] = fx.full %{{.*}} sizes = [4]
  // CHECK: fx.cat %[[Z]], %arg1 :
  %0:2 = fx.split_with_sizes %x {split_sizes = array<i64: 4, 2>} : (tensor<6xf32>) -> (tensor<4xf32>, tensor<2xf32>)
  return %0#1 : tensor<2xf32>
}

// -----

// CHECK-LABEL: @reduction
func.func @reduction(%x: tensor<?x4xf32>) -> tensor<4xf32> {
  // CHECK-DAG: %[[N:.*]] = fx.sym_size
  // CHECK-DAG: %[[G:.*]] = fx.unsqueeze %arg1 {dim = 0 : i64}
  // CHECK: fx.expand %[[G]] sizes = [%{{.*}}, 4]
  // CHECK: fx.div
  %0 = fx.mean %x {dim = array<i64: 0>} : (tensor<?x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Only the gradients that are needed are built.
// CHECK-LABEL: @convolution
func.func @convolution(%x: tensor<1x2x5x5xf32>, %w: tensor<3x2x3x3xf32> {fx.requires_grad}, %b: tensor<3xf32> {fx.requires_grad}) -> tensor<1x3x3x3xf32> {
  // CHECK: %{{.*}}:2 = fx.convolution_backward %arg3, %arg0, %arg1 {{.*}}output_mask = array<i1: false, true, true>
  %0 = fx.convolution %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x2x5x5xf32>, tensor<3x2x3x3xf32>, tensor<3xf32>) -> tensor<1x3x3x3xf32>
  return %0 : tensor<1x3x3x3xf32>
}

// -----

// One element of each row: a comparison, not a scatter.
// CHECK-LABEL: @gather
func.func @gather(%x: tensor<5x7xf32>, %i: tensor<5x1xi64>) -> tensor<5x1xf32> {
  // CHECK: %[[POSITION:.*]] = fx.iota
  // CHECK: %[[ROW:.*]] = fx.view %[[POSITION]] sizes = [1, 7]
  // CHECK: %[[HIT:.*]] = fx.eq %arg1, %[[ROW]]
  // CHECK: fx.where %[[HIT]], %arg2
  %0 = fx.gather %x, %i {dim = 1 : i64} : (tensor<5x7xf32>, tensor<5x1xi64>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

// CHECK-LABEL: @embedding
func.func @embedding(%w: tensor<6x4xf32>, %i: tensor<5xi64>) -> tensor<5x4xf32> {
  // CHECK: %[[KEEP:.*]] = fx.ne %arg1
  // CHECK: %[[G:.*]] = fx.where
  // CHECK: %[[Z:.*]] = fx.full
  // CHECK: fx.index_put %[[Z]], %[[G]], %arg1 {accumulate = true, index_dims = array<i64: 0>}
  %0 = fx.embedding %w, %i {padding_idx = 2 : i64} : (tensor<6x4xf32>, tensor<5xi64>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}
