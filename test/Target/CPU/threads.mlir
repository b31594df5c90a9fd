// RUN: fx-opt %s --fx-to-linalg -fx-form-kernels -fx-plan-memory -fx-emit-cpu -split-input-file | FileCheck %s

// One row: threads share it in parts, whose number does not depend on theirs.
// Each part leaves a vector, which are added in order.
// CHECK-LABEL: func.func private @fx_kernel_0(
// CHECK:         constant @fx_kernel_0_parts0
// CHECK:         %[[N:.*]] = arith.constant 1 : i64
// CHECK-NEXT:    call @fx_rt_parallel_for({{.*}}, %c32_i64{{.*}}, %[[N]])
// CHECK:         llvm.load {{.*}} -> vector<64xf32>
// CHECK:         scf.for {{.*}} -> (vector<64xf32>)
// CHECK:           arith.addf
// CHECK:         vector.reduction <add>
// CHECK-LABEL: func.func private @fx_kernel_0_parts0(
// CHECK:         scf.for
// CHECK:           arith.minsi
// CHECK:           scf.for {{.*}} -> (vector<64xf32>)
// CHECK:             scf.for {{.*}} -> (vector<64xf32>)
// CHECK:           llvm.store {{.*}} vector<64xf32>
func.func @sum_of_all(%x: tensor<1024x1000xf32>) -> tensor<f32> {
  %0 = fx.sum %x {dim = array<i64>, keepdim = false} : (tensor<1024x1000xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Three rows without a reduction are shared in parts of a multiple of the width.
// CHECK-LABEL: func.func private @fx_kernel_0(
// CHECK:         constant @fx_kernel_0_body
// CHECK:         call @fx_rt_parallel_for
// CHECK-LABEL: func.func private @fx_kernel_0_body(
// CHECK:         scf.for %[[I:.*]] = %arg1 to %arg2
// CHECK:           arith.remui %[[I]]
// CHECK:           %[[R:.*]] = arith.divui %[[I]]
// CHECK:           scf.for
// CHECK:             vector<32xf32>
// CHECK:           llvm.intr.masked.store
func.func @few_rows(%x: tensor<3x100001xf32>, %y: tensor<3x1xf32>) -> tensor<3x100001xf32> {
  %0 = fx.mul %x, %y : (tensor<3x100001xf32>, tensor<3x1xf32>) -> tensor<3x100001xf32>
  return %0 : tensor<3x100001xf32>
}

// -----

// Five columns are one vector: threads share the rows, a mask the lanes.
// CHECK-LABEL: func.func private @fx_kernel_0(
// CHECK:         constant @fx_kernel_0_parts0
// CHECK:         call @fx_rt_parallel_for
// CHECK:         scf.for {{.*}} -> (vector<8xf32>)
// CHECK:         llvm.intr.masked.store
// CHECK-LABEL: func.func private @fx_kernel_0_parts0(
// CHECK:         llvm.intr.masked.load
func.func @few_columns(%x: tensor<100000x5xf32>) -> tensor<5xf32> {
  %0 = fx.sum %x {dim = array<i64: 0>, keepdim = false} : (tensor<100000x5xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// Enough rows are shared as they are; little work is not shared.
// CHECK-LABEL: func.func private @fx_kernel_0(
// CHECK:         constant @fx_kernel_0_body
// CHECK:         call @fx_rt_parallel_for
// CHECK-LABEL: func.func private @fx_kernel_1(
// CHECK-NOT:     fx_rt_parallel_for
// CHECK:         return
func.func @rows(%x: tensor<300x2000xf32>, %y: tensor<3000xf32>) -> (tensor<300xf32>, tensor<f32>) {
  %0 = fx.sum %x {dim = array<i64: 1>, keepdim = false} : (tensor<300x2000xf32>) -> tensor<300xf32>
  %1 = fx.sum %y {dim = array<i64>, keepdim = false} : (tensor<3000xf32>) -> tensor<f32>
  return %0, %1 : tensor<300xf32>, tensor<f32>
}

// -----

// A loop of a generic kernel whose iterations write to columns of their own;
// the result is not copied to itself.
// CHECK-LABEL: func.func @fx_kernel_0_generic(
// CHECK-NOT:     scf.for
// CHECK:         constant @fx_kernel_0_generic_loop0
// CHECK:         call @fx_rt_parallel_for
// CHECK-NOT:     fx_rt_parallel_for
// CHECK:         return
// CHECK-LABEL: func.func private @fx_kernel_0_generic_loop0(
// CHECK:         scf.for
// CHECK:           scf.for {{.*}} -> (f64, f64, f64, f64)
// CHECK:             memref.store
func.func @running_sums(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
  %0 = fx.cumsum %x {dim = 0 : i64} : (tensor<1000x1000xf32>) -> tensor<1000x1000xf32>
  return %0 : tensor<1000x1000xf32>
}

// -----

// One running sum goes from iteration to iteration.
// CHECK-LABEL: func.func @fx_kernel_0_generic(
// CHECK-NOT:     fx_rt_parallel_for
// CHECK:         scf.for {{.*}} -> (f64)
// CHECK:         return
func.func @one_running_sum(%x: tensor<1000000xf32>) -> tensor<1000000xf32> {
  %0 = fx.cumsum %x {dim = 0 : i64} : (tensor<1000000xf32>) -> tensor<1000000xf32>
  return %0 : tensor<1000000xf32>
}

// -----

// Rows of 32 are added at places that are data: each thread has a line of each.
// CHECK-LABEL: func.func private @fx_kernel_0_scatter(
// CHECK:         constant @fx_kernel_0_scatter_body
// CHECK:         call @fx_rt_parallel_for
// CHECK-LABEL: func.func private @fx_kernel_0_scatter_body(
// CHECK:         scf.for
// CHECK:           llvm.load {{.*}} -> vector<16xf32>
func.func @add_short_rows(%x: tensor<100x32xf32>, %v: tensor<5000x32xf32>, %i: tensor<5000xi64>) -> tensor<100x32xf32> {
  %0 = fx.index_put %x, %v, %i {accumulate = true, index_dims = array<i64: 0>} : (tensor<100x32xf32>, tensor<5000x32xf32>, tensor<5000xi64>) -> tensor<100x32xf32>
  return %0 : tensor<100x32xf32>
}
