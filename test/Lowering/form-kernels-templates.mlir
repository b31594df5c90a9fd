// What each kind of op becomes after all stages: how many kernels, of which kind.
// Convolutions, attention, narrow types, sorting and scatters have tests of their
// own.

// RUN: fx-opt %s --pre-grad --joint-graph --post-grad --fx-to-linalg -fx-form-kernels | FileCheck %s
// RUN: fx-opt %s --pre-grad --joint-graph --post-grad --fx-to-linalg -fx-form-kernels -fx-reserve-scratch -fx-plan-memory -fx-emit-cpu=vector-bits=512 | FileCheck %s --check-prefix=EMIT

// The bias and what follows are the epilogue.
// CHECK-LABEL: func.func @linear
// CHECK: fx.kernel template ins(%arg0, %arg1, %arg2 :
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
// EMIT-LABEL: func.func private @fx_kernel_0(
// EMIT: call @fx_rt_sgemm_batched
// EMIT: func.func private @fx_kernel_0_epilogue
func.func @linear(%x: tensor<33x40xf32>, %w: tensor<50x40xf32>,
                  %b: tensor<50xf32>) -> tensor<33x50xf32> {
  %0 = fx.linear %x, %w, %b : (tensor<33x40xf32>, tensor<50x40xf32>, tensor<50xf32>) -> tensor<33x50xf32>
  %1 = fx.relu %0 : (tensor<33x50xf32>) -> tensor<33x50xf32>
  return %1 : tensor<33x50xf32>
}

// The transposition is a pair of strides.
// CHECK-LABEL: func.func @batched
// CHECK: fx.kernel template ins(%arg0, %arg1 : tensor<6x9x8xf64>, tensor<6x13x8xf64>)
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
// EMIT-LABEL: func.func private @fx_kernel_1(
// EMIT: call @fx_rt_dgemm_batched
func.func @batched(%a: tensor<6x9x8xf64>, %b: tensor<6x13x8xf64>)
    -> tensor<6x9x13xf64> {
  %0 = fx.transpose %b {dim0 = -2 : i64, dim1 = -1 : i64} : (tensor<6x13x8xf64>) -> tensor<6x8x13xf64>
  %1 = fx.bmm %a, %0 : (tensor<6x9x8xf64>, tensor<6x8x13xf64>) -> tensor<6x9x13xf64>
  return %1 : tensor<6x9x13xf64>
}

// Rows are read once from memory: one kernel.
// CHECK-LABEL: func.func @softmax
// CHECK: fx.kernel loops ins(%arg0
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @softmax(%x: tensor<13x100xf32>) -> tensor<13x100xf32> {
  %0 = fx.softmax %x {dim = -1 : i64} : (tensor<13x100xf32>) -> tensor<13x100xf32>
  return %0 : tensor<13x100xf32>
}

// CHECK-LABEL: func.func @layer_norm
// CHECK: fx.kernel loops ins(%arg0, %arg1, %arg2
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @layer_norm(%x: tensor<13x100xf32>, %w: tensor<100xf32>,
                      %b: tensor<100xf32>) -> tensor<13x100xf32> {
  %0 = fx.layer_norm %x weight %w bias %b {normalized_shape = array<i64: 100>} : (tensor<13x100xf32>, tensor<100xf32>, tensor<100xf32>) -> tensor<13x100xf32>
  return %0 : tensor<13x100xf32>
}

// CHECK-LABEL: func.func @batch_norm
// CHECK: fx.kernel loops ins(%arg0,
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @batch_norm(%x: tensor<4x7x9x9xf32>, %w: tensor<7xf32>,
                      %b: tensor<7xf32>) -> tensor<4x7x9x9xf32> {
  %result = fx.batch_norm %x weight %w bias %b {eps = 1.000000e-05 : f64, momentum = 1.000000e-01 : f64, training = true} : (tensor<4x7x9x9xf32>, tensor<7xf32>, tensor<7xf32>) -> tensor<4x7x9x9xf32>
  return %result : tensor<4x7x9x9xf32>
}

// A gather and what follows are one kernel.
// CHECK-LABEL: func.func @gather
// CHECK: fx.kernel loops ins(%arg0, %arg1
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @gather(%x: tensor<13x7xf32>, %i: tensor<37x7xi64>)
    -> tensor<37x7xf32> {
  %0 = fx.gather %x, %i {dim = 0 : i64} : (tensor<13x7xf32>, tensor<37x7xi64>) -> tensor<37x7xf32>
  %1 = fx.relu %0 : (tensor<37x7xf32>) -> tensor<37x7xf32>
  return %1 : tensor<37x7xf32>
}

// CHECK-LABEL: func.func @running_sum
// CHECK: fx.kernel generic ins(%arg0
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args(%{{.*}}, %{{.*}}) -> (tensor<13x100xf32>, f64)
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @running_sum(%x: tensor<13x100xf32>) -> tensor<13x100xf32> {
  %0 = fx.cumsum %x {dim = -1 : i64} : (tensor<13x100xf32>) -> tensor<13x100xf32>
  return %0 : tensor<13x100xf32>
}

// CHECK-LABEL: func.func @pools
// CHECK-DAG: fx.kernel loops {{.*}} -> (tensor<2x3x17x17xf32>)
// CHECK-DAG: fx.kernel loops {{.*}} -> (tensor<2x3x16x16xf32>)
// CHECK-NOT: fx.kernel {{generic|template}}
// CHECK: return
func.func @pools(%x: tensor<2x3x33x33xf32>)
    -> (tensor<2x3x17x17xf32>, tensor<2x3x16x16xf32>) {
  %0 = fx.max_pool2d %x {ceil_mode = false, dilation = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1>, stride = array<i64: 2, 2>} : (tensor<2x3x33x33xf32>) -> tensor<2x3x17x17xf32>
  %1 = fx.avg_pool2d %x {ceil_mode = false, count_include_pad = true, kernel_size = array<i64: 3, 3>, padding = array<i64: 0, 0>, stride = array<i64: 2, 2>} : (tensor<2x3x33x33xf32>) -> tensor<2x3x16x16xf32>
  return %0, %1 : tensor<2x3x17x17xf32>, tensor<2x3x16x16xf32>
}

// Random numbers are made where they are used, a vector of blocks at a time.
// CHECK-LABEL: func.func @dropout
// CHECK: fx.kernel loops ins(%{{.*}}, %arg0 :
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
// EMIT: arith.xori {{.*}} : vector<16xi32>
func.func @dropout(%x: tensor<13x100xf32>) -> tensor<13x100xf32> {
  %0 = fx.dropout %x {p = 2.500000e-01 : f64, train = true} : (tensor<13x100xf32>) -> tensor<13x100xf32>
  return %0 : tensor<13x100xf32>
}

// A quantised linear is a product of bytes; what follows it, up to the bytes of the
// result, is its epilogue.
// CHECK-LABEL: func.func @quantised_linear
// CHECK-DAG: fx.kernel loops {{.*}}tensor<48x64xi8>
// CHECK-DAG: fx.kernel loops {{.*}}tensor<33x64xi8>
// CHECK: fx.kernel template ins({{.*}}tensor<33x64xi8>, {{.*}}tensor<48x64xi8>{{.*}} -> (tensor<33x48xi8>)
// CHECK-NOT: fx.kernel {{loops|generic|template}}
// CHECK: return
func.func @quantised_linear(%x: tensor<33x64xui8>, %w: tensor<48x64xi8>,
                            %s: tensor<48xf32>, %z: tensor<48xi64>, %b: tensor<48xf32>)
    -> tensor<33x48xui8> {
  %0 = fx.call "quantized_decomposed.dequantize_per_tensor.default"(%x) {arguments = [{operand = 0 : i64}, 0.02 : f64, 128 : i64, 0 : i64, 255 : i64, ui8], pure} : (tensor<33x64xui8>) -> tensor<33x64xf32>
  %1 = fx.call "quantized_decomposed.dequantize_per_channel.default"(%w, %s, %z) {arguments = [{operand = 0 : i64}, {operand = 1 : i64}, {operand = 2 : i64}, 0 : i64, -128 : i64, 127 : i64, i8], pure} : (tensor<48x64xi8>, tensor<48xf32>, tensor<48xi64>) -> tensor<48x64xf32>
  %2 = fx.linear %0, %1, %b : (tensor<33x64xf32>, tensor<48x64xf32>, tensor<48xf32>) -> tensor<33x48xf32>
  %3 = fx.relu %2 : (tensor<33x48xf32>) -> tensor<33x48xf32>
  %4 = fx.call "quantized_decomposed.quantize_per_tensor.default"(%3) {arguments = [{operand = 0 : i64}, 0.05 : f64, 3 : i64, 0 : i64, 255 : i64, ui8], pure} : (tensor<33x48xf32>) -> tensor<33x48xui8>
  return %4 : tensor<33x48xui8>
}
