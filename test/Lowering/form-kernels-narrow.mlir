// Products and convolutions of narrow operands are templates; the epilogue that
// rounds their f32 results is the only one that sees these.
// RUN: fx-opt %s --fx-to-linalg -fx-form-kernels | FileCheck %s
// RUN: fx-opt %s --fx-to-linalg -fx-form-kernels -fx-reserve-scratch -fx-plan-memory -fx-emit-cpu | FileCheck %s --check-prefix=EMIT
// RUN: fx-opt %s --fx-to-linalg -fx-form-kernels=host-templates=false | FileCheck %s --check-prefix=DEVICE

// CHECK-LABEL: func.func @forward
// CHECK: fx.kernel template
// CHECK-SAME: -> (tensor<2x8x16x16xbf16>)
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
// Without memory for the f32 result.
// EMIT-LABEL: func.func private @fx_kernel_0(
// EMIT: llvm.alloca
// EMIT: %[[BIAS:.*]] = llvm.mlir.zero
// EMIT-NEXT: %[[RESULT:.*]] = llvm.mlir.zero
// EMIT-NEXT: call @fx_rt_conv2d_bf16({{.*}}, %[[BIAS]], %[[RESULT]], %{{[0-9]+}}, %{{[0-9]+}})
// A GPU has no template for it, and its products write their results.
// DEVICE-LABEL: func.func @forward
// DEVICE-NOT: fx.kernel template
// DEVICE-LABEL: func.func @product
// DEVICE: fx.kernel template
// DEVICE-SAME: -> (tensor<64x48xbf16>, tensor<64x48xf32>)
func.func @forward(%x: tensor<2x4x16x16xbf16>, %w: tensor<8x4x3x3xbf16>,
                   %b: tensor<8xbf16>) -> tensor<2x8x16x16xbf16> {
  %0 = fx.convolution %x, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<2x4x16x16xbf16>, tensor<8x4x3x3xbf16>, tensor<8xbf16>) -> tensor<2x8x16x16xbf16>
  %1 = fx.relu %0 : (tensor<2x8x16x16xbf16>) -> tensor<2x8x16x16xbf16>
  return %1 : tensor<2x8x16x16xbf16>
}

// CHECK-LABEL: func.func @product
// CHECK: fx.kernel template
// CHECK-SAME: -> (tensor<64x48xbf16>)
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @product(%a: tensor<64x32xbf16>, %b: tensor<32x48xbf16>)
    -> tensor<64x48xbf16> {
  %0 = fx.mm %a, %b : (tensor<64x32xbf16>, tensor<32x48xbf16>) -> tensor<64x48xbf16>
  return %0 : tensor<64x48xbf16>
}

// The input's gradient is a convolution of flipped weights; the weight's is
// rounded by an epilogue, too.
// CHECK-LABEL: func.func @backward
// CHECK-DAG: fx.kernel template {{.*}} -> (tensor<2x4x16x16xf16>)
// CHECK-DAG: fx.kernel template {{.*}} -> (tensor<8x4x3x3xf16>)
// CHECK: return
// EMIT-LABEL: func.func private @fx_kernel_4(
// EMIT: llvm.store
// EMIT: %[[GRADIENT:.*]] = llvm.mlir.zero
// EMIT-NEXT: {{.*}} = call @fx_rt_conv2d_backward_weight_f16({{.*}}, %[[GRADIENT]], %{{[0-9]+}}, %{{[0-9]+}})
func.func @backward(%g: tensor<2x8x16x16xf16>, %x: tensor<2x4x16x16xf16>,
                    %w: tensor<8x4x3x3xf16>)
    -> (tensor<2x4x16x16xf16>, tensor<8x4x3x3xf16>) {
  %0, %1 = fx.convolution_backward %g, %x, %w {bias_sizes = array<i64: 8>, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, transposed = false, output_padding = array<i64: 0, 0>, groups = 1 : i64, output_mask = array<i1: true, true, false>} : (tensor<2x8x16x16xf16>, tensor<2x4x16x16xf16>, tensor<8x4x3x3xf16>) -> (tensor<2x4x16x16xf16>, tensor<8x4x3x3xf16>)
  return %0, %1 : tensor<2x4x16x16xf16>, tensor<8x4x3x3xf16>
}

// Conversions from 8 bits and the transposition are the product's; what follows
// it sees the tiles.
// CHECK-LABEL: func.func @integers
// CHECK: fx.kernel template
// CHECK-SAME: tensor<64x32xi8>, tensor<48x32xi8>) -> (tensor<64x48xf32>)
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
// EMIT: call @fx_rt_gemm_i8({{.*}}, %c1_i32
func.func @integers(%a: tensor<64x32xui8>, %b: tensor<48x32xi8>)
    -> tensor<64x48xf32> {
  %0 = fx.convert_element_type %a {dtype = i32} : (tensor<64x32xui8>) -> tensor<64x32xi32>
  %1 = fx.permute %b dims = [1, 0] : tensor<48x32xi8> -> tensor<32x48xi8>
  %2 = fx.convert_element_type %1 {dtype = i32} : (tensor<32x48xi8>) -> tensor<32x48xi32>
  %3 = fx.mm %0, %2 : (tensor<64x32xi32>, tensor<32x48xi32>) -> tensor<64x48xi32>
  %4 = fx.convert_element_type %3 {dtype = f32} : (tensor<64x48xi32>) -> tensor<64x48xf32>
  return %4 : tensor<64x48xf32>
}
