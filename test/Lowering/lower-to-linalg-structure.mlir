// RUN: fx-opt %s -fx-lower-to-linalg -fx-verify-linalg | FileCheck %s

// One collapse or expand for each side, none where the dimensions stay.
// CHECK-LABEL: @view
func.func @view(%x: tensor<2x3x4x5xf32>) -> tensor<2x12x5xf32> {
  // CHECK-NEXT: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2], [3]]
  // CHECK-NEXT: return
  %0 = fx.view %x sizes = [2, 12, 5] : tensor<2x3x4x5xf32> -> tensor<2x12x5xf32>
  return %0 : tensor<2x12x5xf32>
}

// CHECK-LABEL: @view_dynamic
func.func @view_dynamic(%x: tensor<?x12xf32>, %n: i64) -> tensor<?x3x4xf32> {
  // CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]]
  %0 = fx.view %x sizes = [%n, 3, 4] : tensor<?x12xf32> -> tensor<?x3x4xf32>
  return %0 : tensor<?x3x4xf32>
}

// CHECK-LABEL: @negative_bounds
func.func @negative_bounds(%x: tensor<6x5xf32>) -> tensor<2x5xf32> {
  // CHECK-NEXT: tensor.extract_slice %{{.*}}[3, 0] [2, 5] [1, 1]
  %b = arith.constant -3 : i64
  %e = arith.constant -1 : i64
  %0 = fx.slice %x from %b to %e {dim = 0 : i64} : tensor<6x5xf32> -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// Half types are summed in f32 and rounded once.
// CHECK-LABEL: @sum
func.func @sum(%x: tensor<2x3xbf16>) -> tensor<2x1xbf16> {
  // CHECK: linalg.fill {{.*}} -> tensor<2xf32>
  // CHECK: iterator_types = ["parallel", "reduction"]
  // CHECK: arith.truncf
  // CHECK: tensor.expand_shape {{.*}} into tensor<2x1xbf16>
  %0 = fx.sum %x {dim = array<i64: -1>, keepdim = true} : (tensor<2x3xbf16>) -> tensor<2x1xbf16>
  return %0 : tensor<2x1xbf16>
}

// Transposed operands stay producers, for GEMM to fold.
// CHECK-LABEL: @linear
func.func @linear(%b: tensor<5xf16>, %x: tensor<2x3xf16>, %w: tensor<5x3xf16>) -> tensor<2x5xf16> {
  // CHECK: %[[T:.*]] = linalg.transpose
  // CHECK: linalg.matmul ins(%{{.*}}, %[[T]] : tensor<2x3xf16>, tensor<3x5xf16>) outs(%{{.*}} : tensor<2x5xf32>)
  // CHECK: linalg.generic
  // CHECK: arith.addf {{.*}} : f32
  // CHECK: arith.truncf
  %t = fx.permute %w dims = [1, 0] : tensor<5x3xf16> -> tensor<3x5xf16>
  %0 = fx.addmm %b, %x, %t : (tensor<5xf16>, tensor<2x3xf16>, tensor<3x5xf16>) -> tensor<2x5xf16>
  return %0 : tensor<2x5xf16>
}

// CHECK-LABEL: @convolution
func.func @convolution(%x: tensor<?x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<?x4x4x4xf32> {
  // CHECK: tensor.pad %{{.*}} low[0, 0, 1, 1] high[0, 0, 1, 1]
  // CHECK: linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>}
  %0 = fx.convolution %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<?x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x4x4xf32>
  return %0 : tensor<?x4x4x4xf32>
}

// The gradient of the input of a convolution of stride 2 is one convolution of
// stride 1 for each parity of row and column.
// CHECK-LABEL: @input_gradient
func.func @input_gradient(%g: tensor<1x4x4x4xf32>, %x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x3x8x8xf32> {
  // CHECK-COUNT-4: linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
  // CHECK-NOT: linalg.conv_2d
  %0 = fx.convolution_backward %g, %x, %w {stride = array<i64: 2, 2>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64, output_mask = array<i1: true, false, false>} : (tensor<1x4x4x4xf32>, tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x3x8x8xf32>
  return %0 : tensor<1x3x8x8xf32>
}

// Negative indices count from the end.
// CHECK-LABEL: @embedding
func.func @embedding(%w: tensor<10x4xf32>, %i: tensor<2x3xi64>) -> tensor<2x3x4xf32> {
  // CHECK: linalg.generic
  // CHECK: arith.cmpi slt
  // CHECK: tensor.extract %{{.*}} : tensor<10x4xf32>
  %0 = fx.embedding %w, %i : (tensor<10x4xf32>, tensor<2x3xi64>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// Several values for one place: in the order of the index tensor.
// CHECK-LABEL: @scatter_add
func.func @scatter_add(%x: tensor<4xf32>, %i: tensor<3xi64>, %s: tensor<3xf32>) -> tensor<4xf32> {
  // CHECK: scf.for
  // CHECK: tensor.insert
  %0 = fx.scatter_add %x, %i, %s {dim = 0 : i64} : (tensor<4xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @sym_size
func.func @sym_size(%x: tensor<?x3xf32>) -> i64 {
  // CHECK: tensor.dim
  // CHECK: arith.index_cast %{{.*}} : index to i64
  %0 = fx.sym_size %x {dim = 0 : i64} : tensor<?x3xf32>
  return %0 : i64
}

// A long sum of f32 loses less in f64.
// CHECK-LABEL: @cumsum
func.func @cumsum(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // CHECK: scf.for
  // CHECK: scf.for {{.*}} -> (tensor<3x4xf32>, f64)
  // CHECK: arith.addf {{.*}} : f64
  // CHECK: arith.truncf {{.*}} : f64 to f32
  %0 = fx.cumsum %x {dim = 1 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}
